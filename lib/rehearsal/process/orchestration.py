"""One service knows the flow: it asks each of the others in turn, and undoes what was done where one cannot."""

from math import inf

from rehearsal.arguments import choice
from rehearsal.errors import Failed, Refused
from rehearsal.process.acts import doing, undoing
from rehearsal.process.commands import command
from rehearsal.process.stage import agenda, backwards, host, score, stage


def orchestrate(
    process, *, name=None, at="orders", workers=100, blocking=True, durable=False, decides=0.0, objective=inf,
    timeout=None, retry=None, by="calls", undos="reverse", idempotent=None, outbox=None, careful=True,
):  # fmt: skip
    """Return the process as a system in which the service `at` conducts: it calls the others, and waits for each.

    Steps start as soon as those before them are done, side by side where nothing forbids it. When one fails, those
    under way are waited for, what was done (or may have been: a time-out does not tell) is undone, and the client is
    told: the last first, one by one (`undos="reverse"`), or "together" where no order forbids it. `workers`,
    `blocking`, `durable` and `decides` [ms] are the conductor's, unless the process has a service of that name;
    `timeout` [ms] and `retry` are for each call: tried again before anything is undone. With `by="commands"` it sends
    commands through queues and hears of each by a reply, see `commands`.
    `idempotent` steps are done once however often they are asked for; with an `outbox` [ms] no message is lost between
    an effect and its telling; a `careful` service undoes only what it did, and does nothing that was undone before.
    """
    choice(undos, "undos of orchestrate", ("reverse", "together"))
    if choice(by, "by of orchestrate", ("calls", "commands")) == "commands":
        return command(
            process, name=name, at=at, workers=workers, durable=durable, decides=decides, objective=objective,
            idempotent=idempotent, outbox=outbox, careful=careful,
        )  # fmt: skip
    system = stage(process, name or f"orchestrated {process.name}", outbox)
    declare(system, process.steps.values(), idempotent, careful)
    conductor = host(process, system, at, workers, blocking=blocking, durable=durable, decides=decides)
    asked = [s.operation.place for s in process.steps.values()]
    asked += [s.undo.place for s in process.steps.values() if s.undo is not None]
    policies = {"timeout": timeout, "retry": retry}
    conducts = conducting(process, list(process.steps.values()), policies, together=undos == "together")
    place = conductor.operation(name="place", calls=asked)(conducts)
    system.accepts(process.name, place, objective=objective)
    return system


def declare(system, steps, idempotent=None, careful=True):
    """Declare the operations of steps, and their undos, in a system of its own."""
    for step in steps:
        _declare(system, step.operation, doing(step, careful), idempotent)
        if step.undo is not None:
            _declare(system, step.undo, undoing(step, careful), idempotent)


def _declare(system, operation, body, idempotent):
    again = {"takes": operation.takes, "name": operation.name, "work": operation.work, "undoes": operation.undoes}
    again["idempotent"] = operation.idempotent if idempotent is None else idempotent
    again |= {"publishes": operation.publishes, "calls": operation.calls}
    system.services[operation.service].operation(**again)(body)


def conducting(process, steps, policies, tell=None, together=False):
    """Return the handler of a conductor of these steps; it may `tell(ctx, payload, fact)` of what is done or failed."""
    policies = {word: value for word, value in policies.items() if value is not None}
    later = {step.name: {**policies, "retry": process.tail} for step in steps if step.name in process.beyond}
    agenda_of = agenda(process, steps)

    def place(ctx, payload):
        waiting, done, problem, turned = agenda_of(payload), [], None, False
        running: dict = {}
        over: set = set()
        while True:
            start = [] if problem is not None else [step for step, needs in waiting if needs <= over]
            waiting = [item for item in waiting if item[0] not in start] if start else waiting
            if len(start) == 1 and not running:
                said = later.get(start[0].name, policies)
                ended = [(start[0], (yield from _ask(ctx, start[0].operation, payload, said)))]
            elif start or running:
                said = {step: later.get(step.name, policies) for step in start}
                running |= {ctx.call(step.operation.place, payload, **said[step]): step for step in start}
                ended = [(running.pop(call), error) for call, _, error in (yield ctx.first(*running))]
            else:
                break
            for step, error in ended:
                over.add(step.name)
                problem = problem or (None if step.optional else error)
                turned = turned or (step.name == process.pivot and error is None)
                if error is None or getattr(error, "may_be_done", False):
                    done.append(step)  # or it may be done: a time-out does not tell, nor a no to who has asked before
                if tell is not None and (error is None or error is problem):
                    tell(ctx, payload, step.event if error is None else step.fails)
        if problem is None:
            return f"{process.name} done"
        if turned:
            ctx.park(f"no way back after {process.pivot}: {problem}")
        else:
            undo = _undo_together if together else _undo_in_turn
            yield from undo(ctx, payload, backwards(process, done, payload), {**policies, "retry": process.again})
        raise problem

    place.score, place.policies = score(steps), policies  # type: ignore[attr-defined]
    return place


def _ask(ctx, operation, payload, policies):
    """Ask for one operation, and return what went wrong, or None."""
    try:
        yield ctx.call(operation.place, payload, **policies)
    except (Failed, Refused) as error:
        return error
    return None


def _undo_in_turn(ctx, payload, steps, policies):
    """Undo the last first; what cannot be undone is left to a person, and does not keep the others."""
    for step in steps:
        error = yield from _ask(ctx, step.undo, payload, policies)
        if error is not None:
            ctx.park(f"{step.undo.name} failed: {error}")


def _undo_together(ctx, payload, steps, policies):
    """Undo side by side what does not wait for another undo: that of a step that came later."""
    left: list = list(steps)
    running: dict = {}
    while left or running:
        waited = {name for step in (*left, *running.values()) for name in step.after}
        start = [step for step in left if step.name not in waited]
        left = [step for step in left if step not in start]
        running |= {ctx.call(step.undo.place, payload, **policies): step for step in start}
        for call, _, error in (yield ctx.first(*running)):
            step = running.pop(call)
            if error is not None:
                ctx.park(f"{step.undo.name} failed: {error}")
