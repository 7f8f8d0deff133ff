"""A conductor that does not wait: it sends commands through queues, and goes on when it hears of them."""

from rehearsal.errors import Failed, Refused
from rehearsal.process.stage import agenda, host, score, stage, undoing
from rehearsal.service import AGAIN


def command(process, *, name, at, workers, durable, decides, objective):
    """Return the process as a system in which the service `at` sends commands, and each is answered by a reply.

    The client hears "accepted" at once; an event says how it ended. Where each request stands is in the conductor's
    memory: `durable`, or gone with a crash, and then those under way never end. `decides` [ms] is the cost of a reply.
    """
    system = stage(process, name or f"commanded {process.name}")
    conductor = host(process, system, at, workers, volatile=not durable)
    hear = f"{conductor.name}.hear"
    for step in process.steps.values():
        for operation, done in ((step.operation, "done"), (step.undo, "undone")):
            if operation is not None:
                how = {"takes": operation.takes, "name": operation.name, "work": operation.work}
                obeying = _obeying(operation, step.name, hear, done)
                system.services[operation.service].operation(**how, undoes=operation.undoes)(obeying)
    ends = f"{process.name}.completed", f"{process.name}.cancelled"
    place, listen = _conducting(process, list(process.steps.values()), ends)
    listen.score = score(process.steps.values())
    conductor.operation(name="hear", work=f"hear {process.name}", takes=decides, publishes=ends)(listen)
    entry = conductor.operation(name="place")(place)
    system.accepts(process.name, entry, objective=objective, done=ends[0], failed=ends[1])
    return system


def _obeying(operation, step, hear, done):
    """Return a handler that does what it is told, and sends back how it went."""

    def obey(ctx, payload):
        how = done
        try:
            operation.function(ctx, payload)
        except Refused:
            how = "failed"
        except Failed:
            if ctx.attempt <= AGAIN.times:
                raise
            how = "failed"
        ctx.send(hear, (payload, step, how))

    return obey


def _conducting(process, steps, ends):
    """Return the two handlers of the conductor: one for requests, one for replies."""
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
            last = undoing(process, saga["done"], payload)[:1] if not saga["running"] else []
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
        if not saga["running"]:
            ctx.publish(cancelled if saga["failed"] else completed, payload)
            del ctx.state[payload]

    return place, listen
