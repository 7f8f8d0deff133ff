"""A crash at one moment of an operation: before it is received, during its work, after its effect."""

from contextlib import contextmanager
from functools import partial
from math import inf

from rehearsal.engine.crashes import Struck, crash, refuse
from rehearsal.engine.messages import FIRST, Alarm
from rehearsal.engine.replicas import holder, idlest
from rehearsal.engine.restarts import restart
from rehearsal.errors import Failed, Refused
from rehearsal.trace import OK


class Trap:
    """Wait for the `count`-th message for an operation, and crash its service at the moment said.

    Only the routes and handlers of that operation carry a trap, so that no other message pays for it.
    """

    def __init__(self, engine, fault):
        self.engine, self.fault = engine, fault
        self.seen = 0

    def hit(self):
        """Return whether this message is the one; each is looked at once."""
        if self.engine.now >= self.fault.at:
            self.seen += 1
        return self.engine.now >= self.fault.at and self.seen == self.fault.count

    def strike(self, replica):
        """Crash the replica that has the message in hand, or was to get it, and start it again after the fault."""
        engine, fault = self.engine, self.fault
        node = engine.compiler.nodes[engine.system.modules.get(fault.service, fault.service)]
        until = engine.now + min(fault.lasting, node.failover)
        crash(engine, node, fault, until, replica)
        if until < inf:
            engine.at(until, Alarm(lambda _: restart(engine, node, fault)), FIRST)

    def arrival(self, step):
        """Return the step that lets a message in, or finds that the service has just gone down before it."""

        def arrive(message):
            if self.hit():
                self.strike(idlest(message.route.pool.node, message.route.pool.working))
                if message.route.pool.node.up and message.route.inbox is None:  # others are up, but it was not for them
                    return refuse(self.engine, message)
            step(message)

        return arrive

    @contextmanager
    def keeping(self, said):
        """Keep back what a step of a handler says: it may be its last."""
        engine, words = self.engine, ("post", "fact")
        for word in words:
            later = partial(partial, getattr(engine, word))
            setattr(engine, word, lambda *what, later=later: said.append(later(*what)))
        yield
        for word in words:
            delattr(engine, word)

    def done(self, message, problem, said):
        """Write down that the work was done, though it will be lost for whoever asked; what is durable goes on."""
        node = message.route.plan.node
        if not node.durable and (problem is None or isinstance(problem, StopIteration)):
            self.engine.outcome[message.row] = OK
        if node.outbox is not None and not (node.durable and message.route.plan.waits):
            node.outbox.waiting += said  # it was stored with the effect, and leaves after the restart


def around(traps, plan, function):
    """Return the handler of a plan with the moments of crashes built in."""
    return partial(_waiting if plan.waits else _leaf, traps, function)


def _set_off(traps):
    """Return the traps that this message sets off: where one strikes during its work, none does after it."""
    hit = [trap for trap in traps if trap.hit()]
    return [trap for trap in hit if trap.fault.moment == "during"] or hit


def _strike(traps, replica):
    for trap in traps:
        trap.strike(replica)


def _leaf(traps, function, ctx, payload):
    traps = _set_off(traps)
    if not traps:
        return function(ctx, payload)
    if traps[0].fault.moment == "after":
        said: list = []
        with traps[0].keeping(said):
            value, problem = _attempt(function, ctx, payload)
        traps[0].done(ctx._message, problem, said)
        _strike(traps, holder(ctx._message))
        raise Struck(value, problem) if problem is None or isinstance(problem, Refused | Failed) else Struck
    _strike(traps, holder(ctx._message))
    raise Struck


def _waiting(traps, function, ctx, payload):
    traps = _set_off(traps)
    if not traps:
        return (yield from function(ctx, payload))
    if traps[0].fault.moment == "during":
        traps[0].engine.after(
            0.0, partial(_strike, traps), holder(ctx._message)
        )  # as soon as it waits for its first answer
        return (yield from function(ctx, payload))
    frame, value, problem = function(ctx, payload), None, None
    while True:
        said: list = []
        with traps[0].keeping(said):
            wait, over = _attempt(frame.send if problem is None else frame.throw, problem or value)
        if over is not None:
            break
        for each in said:
            each()
        value, problem = yield from _passed(wait)
    traps[0].done(ctx._message, over, said)
    _strike(traps, holder(ctx._message))
    if not ctx._message.dead:  # durable: what it did is stored, and after the restart it says so
        ctx.frame = _rest(said, over)
        ctx._message.route.pool.node.held.append((traps[0].engine.wake, ctx._message, None, None))
    raise Struck


def _attempt(step, *arguments):
    """Return what a step of a handler gives, and what it raises."""
    try:
        return step(*arguments), None
    except Exception as problem:
        return None, problem


def _passed(wait):
    """Wait for a handler, and return what it is to go on with: a value or a problem."""
    try:
        return (yield wait), None
    except Exception as problem:
        return None, problem


def _rest(said, over):
    """Say what was kept back, and end as the handler ended."""
    yield from ()  # a handler that waits is a generator
    for each in said:
        each()
    if isinstance(over, StopIteration):
        return over.value
    raise over
