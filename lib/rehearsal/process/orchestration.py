"""One service knows the flow: it asks each of the others in turn, and undoes what was done where one cannot."""

from math import inf

from rehearsal.arguments import choice
from rehearsal.errors import Failed, ModelError, Refused
from rehearsal.process.acts import doing, undoing
from rehearsal.process.commands import command
from rehearsal.process.score import agenda, follow, score
from rehearsal.process.stage import backwards, host, redeclare, stage
from rehearsal.service import AGAIN


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
    commands through queues and hears of each by a reply; `retry` then says how often one that fails is delivered
    again, and queues keep what is asked of who is down, for as long as that takes: there is no `timeout`.
    `idempotent` steps are done once however often they are asked for; with an `outbox` [ms] no message is lost between
    an effect and its telling; a `careful` service undoes only what it did, and does nothing that was undone before.
    """
    choice(undos, "undos of orchestrate", ("reverse", "together"))
    if choice(by, "by of orchestrate", ("calls", "commands")) == "commands":
        said = {"timeout": timeout is not None, "blocking": not blocking, "undos": undos != "reverse"}
        for word in said:
            if said[word]:
                raise ModelError(f"{word} is for calls: who sends commands waits for no reply, and undoes in turn")
        return command(
            process, name=name, at=at, workers=workers, durable=durable, decides=decides, objective=objective,
            retry=retry or AGAIN, idempotent=idempotent, outbox=outbox, careful=careful,
        )  # fmt: skip
    system = stage(process, name or f"orchestrated {process.name}", outbox)
    declare(system, process.steps.values(), idempotent, careful)
    conductor = host(process, system, at, workers, blocking=blocking, durable=durable, decides=decides)
    steps, policies = list(process.steps.values()), {"timeout": timeout, "retry": retry}
    asked = [s.operation.place for s in steps] + [s.undo.place for s in steps if s.undo is not None]
    undo = _undo_together if undos == "together" else _undo_in_turn
    conducts = conducting(process, steps, policies, undo=undo)
    place = conductor.operation(name="place", calls=asked)(conducts)
    system.accepts(process.name, place, objective=objective)
    return system


def declare(system, steps, idempotent=None, careful=True):
    """Declare the operations of steps, and their undos, in a system of its own."""
    for step in steps:
        redeclare(system, step.operation, doing(step, careful), idempotent)
        if step.undo is not None:
            redeclare(system, step.undo, undoing(step, careful), idempotent)


def _undo_in_turn(ctx, process, payload, steps, timeout):
    """Undo the last first; what cannot be undone is left to a person, and does not keep the others."""
    for step in steps:
        try:
            yield ctx.call(step.undo.place, payload, timeout=timeout, retry=process.again)
        except (Failed, Refused) as error:
            ctx.park(f"{step.undo.name} failed: {error}")


def _undo_together(ctx, process, payload, steps, timeout):
    """Undo side by side what does not wait for another undo: that of a step that came later, directly or not."""
    later = {step.name: set(process.following(step)) for step in steps}
    left: list = list(steps)
    running: dict = {}
    while left or running:
        start = [step for step in left if later[step.name].isdisjoint((*left, *running.values()))]
        left = [step for step in left if step not in start]
        running |= {ctx.call(s.undo.place, payload, timeout=timeout, retry=process.again): s for s in start}
        for call, _, error in (yield ctx.first(*running)):
            step = running.pop(call)
            if error is not None:
                ctx.park(f"{step.undo.name} failed: {error}")


def conducting(process, steps, policies, tell=None, undo=_undo_in_turn):
    """Return the handler of a conductor of these steps; it may `tell(ctx, payload, fact)` of what is done or failed.

    A step that failed may be done all the same: a time-out does not tell, nor a no to who has asked before. So it is
    undone; a pivot, which has no way back, is left to a person.
    """
    timeout, retry = policies["timeout"], policies["retry"]
    asks = [(s.operation.place, process.tail if process.insists(s) else retry) for s in steps]
    agenda_of, answer = agenda(steps), f"{process.name} done"

    def place(ctx, payload):
        leads, waits, then = agenda_of(payload)
        ready, waits, problem = leads[-1], waits[:], None
        running: dict = {}  # {call under way: step}
        over: dict = {}  # {step that has ended: what went wrong, if anything}
        while ready or running:
            if len(ready) == 1 and not running:  # nearly always: one after another
                n = ready[0]
                try:
                    yield ctx.call(asks[n][0], payload, timeout=timeout, retry=asks[n][1])
                    while tell is None and n in then:
                        over[n], n = None, then[n]
                        yield ctx.call(asks[n][0], payload, timeout=timeout, retry=asks[n][1])
                    ended: dict = {n: None}
                except (Failed, Refused) as error:
                    ended = {n: error}
            else:
                running |= {ctx.call(asks[n][0], payload, timeout=timeout, retry=asks[n][1]): n for n in ready}
                ended = {running.pop(call): error for call, _, error in (yield ctx.first(*running))}
            over |= ended
            for n, wrong in ended.items():
                problem = problem or (None if steps[n].optional else wrong)
                if tell is not None and (wrong is None or wrong is problem):
                    tell(ctx, payload, steps[n].event if wrong is None else steps[n].fails)
            ready = follow(ended, leads, waits) if problem is None else []
        if problem is None:
            return answer
        done = [steps[n] for n, wrong in over.items() if wrong is None or getattr(wrong, "may_be_done", False)]
        if process.pivot in {step.name for step in done}:
            ctx.park(f"no way back after {process.pivot}, which is done or may be: {problem}")
        else:
            yield from undo(ctx, process, payload, backwards(process, done, payload), timeout)
        raise problem

    place.score, place.policies = score(steps), policies  # type: ignore[attr-defined]
    return place
