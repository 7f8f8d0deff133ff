"""A conductor that does not wait: it sends commands through queues, and goes on when it hears of them."""

from rehearsal.errors import Failed, ModelError, Refused
from rehearsal.process.acts import doing, undoing
from rehearsal.process.stage import agenda, backwards, host, score, stage
from rehearsal.service import AGAIN


def command(process, *, name, at, workers, durable, decides, objective, idempotent, outbox, careful):
    """Return the process as a system in which the service `at` sends commands, and each is answered by a reply.

    The client hears "accepted" at once; an event says how it ended. Where each request stands is in the conductor's
    memory: `durable`, or gone with a crash, and then those under way never end. `decides` [ms] is the cost of a reply.
    """
    if process.pivot is not None:
        raise ModelError(f"a conductor by commands knows no pivot: {process.name!r} turns at {process.pivot}")
    system = stage(process, name or f"commanded {process.name}", outbox)
    conductor = host(process, system, at, workers, volatile=not durable, outbox=outbox)
    hear = f"{conductor.name}.hear"
    for step in process.steps.values():
        for operation, done, body in ((step.operation, "done", doing), (step.undo, "undone", undoing)):
            if operation is not None:
                how = {"takes": operation.takes, "name": operation.name, "work": operation.work}
                how |= {"idempotent": operation.idempotent if idempotent is None else idempotent}
                obeying = _obeying(body(step, careful), step, hear, done)
                system.services[operation.service].operation(**how, undoes=operation.undoes)(obeying)
    ends = f"{process.name}.completed", f"{process.name}.cancelled"
    place, listen = _conducting(process, list(process.steps.values()), ends)
    listen.score = score(process.steps.values())
    conductor.operation(name="hear", work=f"hear {process.name}", takes=decides, publishes=ends)(listen)
    entry = conductor.operation(name="place")(place)
    system.accepts(process.name, entry, objective=objective, done=ends[0], failed=ends[1])
    return system


def _obeying(body, step, hear, done):
    """Return a handler that does what it is told, and sends back how it went; an undo that cannot be is parked."""

    def obey(ctx, payload):
        how = done
        try:
            body(ctx, payload)
        except (Refused, Failed) as error:
            if isinstance(error, Failed) and ctx.attempt <= AGAIN.times:
                raise
            if done == "undone":
                ctx.park(f"{step.undo.name} failed: {error}")
            else:
                how = "failed"
        ctx.send(hear, (payload, step.name, how))

    return obey


def _conducting(process, steps, ends):
    """Return the two handlers of the conductor: one for requests, one for replies.

    A cancelled request ends when nothing is under way any more, a completed one while its optional steps still are.
    """
    completed, cancelled = ends
    agenda_of = agenda(process, steps)

    def place(ctx, payload):
        ctx.state[payload] = {"waiting": agenda_of(payload), "done": [], "running": [], "failed": False}
        go_on(ctx, payload, ctx.state[payload])
        return "accepted"

    def listen(ctx, word):
        payload, name, how = word
        saga, step = ctx.state.get(payload), process.steps[name]
        if saga is None or step not in saga["running"]:
            return  # it has forgotten that request, or has heard this before
        saga["running"].remove(step)
        if how == "done":
            saga["done"].append(step)
        elif how == "undone":
            saga["done"].remove(step)
        else:
            saga["failed"] = saga["failed"] or not step.optional
        go_on(ctx, payload, saga)

    def go_on(ctx, payload, saga):
        if saga["failed"]:
            last = backwards(process, saga["done"], payload)[:1] if not saga["running"] else []
            saga["running"] += last
            for step in last:
                ctx.send(step.undo.place, payload)
        else:
            over = {step.name for step in saga["done"]}
            start = [step for step, needs in saga["waiting"] if needs <= over]
            saga["waiting"] = [item for item in saga["waiting"] if item[0] not in start]
            saga["running"] += start
            for step in start:
                ctx.send(step.operation.place, payload)
        if not [step for step in saga["running"] if saga["failed"] or not step.optional]:
            ctx.publish(cancelled if saga["failed"] else completed, payload)
            del ctx.state[payload]

    return place, listen
