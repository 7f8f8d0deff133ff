"""A conductor that does not wait: it sends commands through queues, and goes on when it hears of them."""

from rehearsal.process.acts import doing, hopeless, undoing
from rehearsal.process.score import agenda, follow, score
from rehearsal.process.stage import host, redeclare, stage


def command(process, *, name, at, workers, durable, decides, objective, retry, idempotent, outbox, careful):
    """Return the process as a system in which the service `at` sends commands, and each is answered by a reply.

    The client hears "accepted" at once; an event says how it ended. Where each request stands is in the conductor's
    memory: `durable`, or gone with a crash, and then those under way never end. `decides` [ms] is the cost of a reply.
    """
    system = stage(process, name or f"commanded {process.name}", outbox)
    conductor = host(process, system, at, workers, volatile=not durable, outbox=outbox)
    hear = f"{conductor.name}.hear"
    steps = list(process.steps.values())
    for n, step in enumerate(steps):
        stubborn = process.insists(step)
        forth = process.tail if stubborn else retry
        tasks = (n, step.operation, doing, forth), (~n, step.undo, undoing, process.again)
        for task, operation, body, again in tasks:
            if operation is not None:
                parks = operation.name if task < 0 or stubborn else None
                obeying = _obeying(body(step, careful), parks, task, hear, again.times)
                redeclare(system, operation, obeying, idempotent, retry=again)
    ends = f"{process.name}.completed", f"{process.name}.cancelled"
    place, listen = _conducting(process, steps, *ends)
    listen.score = score(steps)
    conductor.operation(name="hear", work=f"hear {process.name}", takes=decides, publishes=ends)(listen)
    entry = conductor.operation(name="place", publishes=ends)(place)
    system.accepts(process.name, entry, objective=objective, done=ends[0], failed=ends[1])
    return system


def _obeying(body, parks, task, hear, last):
    """Return a handler that does what it is told, and sends back how it went; what `parks` it leaves to a person."""

    def obey(ctx, payload):
        done, found = True, False
        try:
            found = body(ctx, payload)
        except Exception as error:
            if not hopeless(ctx, error, last):
                raise
            if parks:
                ctx.park(f"{parks} failed: {error}")
            done = False
        ctx.send(hear, (payload, task, done))
        return found

    return obey


def _conducting(process, steps, completed, cancelled):
    """Return the two handlers of the conductor: one for requests, one for replies.

    A task is the number of a step; its undo is the number ~n. A cancelled request ends when nothing is under way any
    more, a completed one while its optional steps still are.
    """
    agenda_of = agenda(steps)
    places = {n: step.operation.place for n, step in enumerate(steps)}
    places |= {~n: step.undo.place for n, step in enumerate(steps) if step.undo is not None}
    optional = {n for n, step in enumerate(steps) if step.optional}
    beyond = {n for n, step in enumerate(steps) if process.insists(step)}

    def place(ctx, payload):
        leads, waits, then = agenda_of(payload)
        saga = {"flow": (leads, waits[:], then), "running": set(), "done": [], "failed": False}
        ctx.state[payload] = saga
        go_on(ctx, payload, saga, leads[-1])
        return "accepted"

    def listen(ctx, word):
        payload, task, done = word
        saga = ctx.state.get(payload)
        if saga is None or task not in saga["running"]:
            return  # it has forgotten that request, or has heard this before
        saga["running"].remove(task)
        ready: tuple = ()
        if done and task >= 0:
            saga["done"].append(task)
            leads, waits, then = saga["flow"]
            ready = (then[task],) if task in then else leads[task] and follow((task,), leads, waits)
        elif task in beyond:
            return  # there is no way back, and a person looks after it
        elif task >= 0 and task not in optional:
            saga["failed"] = True
        go_on(ctx, payload, saga, ready)

    def go_on(ctx, payload, saga, ready):
        running, failed = saga["running"], saga["failed"]
        for task in _back(steps, saga) if failed else ready:
            running.add(task)
            ctx.send(places[task], payload)
        if not running or (not failed and running <= optional):
            ctx.publish(cancelled if failed else completed, payload)
            del ctx.state[payload]

    return place, listen


def _back(steps, saga):
    """Return what to undo next: the last that is done, once nothing is under way any more."""
    if saga["running"]:
        return ()
    if "undos" not in saga:
        saga["undos"] = [n for n in sorted(saga["done"]) if steps[n].undo is not None]
    return [~saga["undos"].pop()] if saga["undos"] else ()
