"""One service knows the flow: it asks each of the others in turn, and undoes what was done where one cannot."""

from math import inf

from rehearsal.arguments import choice
from rehearsal.errors import Failed, Refused, Rejected
from rehearsal.process.commands import command
from rehearsal.process.stage import agenda, host, score, stage, undoing


def orchestrate(
    process, *, name=None, at="orders", workers=100, blocking=True, durable=False, decides=0.0, objective=inf,
    timeout=None, retry=None, by="calls",
):  # fmt: skip
    """Return the process as a system in which the service `at` conducts: it calls the others, and waits for each.

    Steps start as soon as those before them are done, side by side where nothing forbids it. When one fails, those
    under way are waited for, what was done (or may have been: a time-out does not tell) is undone, the last first,
    and the client is told. `workers`, `blocking`, `durable` and `decides` [ms] are the conductor's, unless the process
    has a service of that name; `timeout` [ms] and `retry` are for each call. With `by="commands"` it sends commands
    through queues and hears of each by a reply, see `commands`.
    """
    if choice(by, "by of orchestrate", ("calls", "commands")) == "commands":
        return command(
            process, name=name, at=at, workers=workers, durable=durable, decides=decides, objective=objective
        )
    system = stage(process, name or f"orchestrated {process.name}")
    for step in process.steps.values():
        declare(system, step.operation)
        if step.undo is not None:
            declare(system, step.undo)
    conductor = host(process, system, at, workers, blocking=blocking, durable=durable, decides=decides)
    asked = [s.operation.place for s in process.steps.values()]
    asked += [s.undo.place for s in process.steps.values() if s.undo is not None]
    conducts = conducting(process, list(process.steps.values()), {"timeout": timeout, "retry": retry})
    place = conductor.operation(name="place", calls=asked)(conducts)
    system.accepts(process.name, place, objective=objective)
    return system


def declare(system, operation):
    """Declare an operation of the process in a system of its own."""
    again = {"takes": operation.takes, "name": operation.name, "work": operation.work, "undoes": operation.undoes}
    again |= {"publishes": operation.publishes, "calls": operation.calls, "idempotent": operation.idempotent}
    system.services[operation.service].operation(**again)(operation.function)


def conducting(process, steps, policies, tell=None):
    """Return the handler of a conductor of these steps; it may `tell(ctx, payload, fact)` of what is done or failed."""
    policies = {word: value for word, value in policies.items() if value is not None}

    agenda_of = agenda(process, steps)

    def place(ctx, payload):
        waiting, done, problem = agenda_of(payload), [], None
        running: dict = {}
        over: set = set()
        while True:
            start = [] if problem is not None else [step for step, needs in waiting if needs <= over]
            waiting = [item for item in waiting if item[0] not in start] if start else waiting
            if len(start) == 1 and not running:
                ended = [(start[0], (yield from _ask(ctx, start[0], payload, policies)))]
            elif start or running:
                running |= {ctx.call(step.operation.place, payload, **policies): step for step in start}
                ended = [(running.pop(call), error) for call, _, error in (yield ctx.first(*running))]
            else:
                break
            for step, error in ended:
                over.add(step.name)
                problem = problem or (None if step.optional else error)
                if not isinstance(error, Refused | Rejected):
                    done.append(step)  # or it may be done: a time-out does not tell
                if tell is not None and (error is None or error is problem):
                    tell(ctx, payload, step.event if error is None else step.fails)
        if problem is None:
            return f"{process.name} done"
        for step in undoing(process, done, payload):
            yield ctx.call(step.undo.place, payload, **policies)
        raise problem

    place.score = score(steps)  # type: ignore[attr-defined]
    return place


def _ask(ctx, step, payload, policies):
    """Ask for one step, and return what went wrong, or None."""
    try:
        yield ctx.call(step.operation.place, payload, **policies)
    except (Failed, Refused) as error:
        return error
    return None
