"""A crash at one moment of an operation: before it is received, during its work, after its effect."""

from contextlib import suppress
from functools import partial

from rehearsal.engine.crashes import crash, restart
from rehearsal.engine.messages import FIRST, Alarm
from rehearsal.trace import OK


class Struck(Exception):
    """Leave a handler whose service has gone down under it; `value` is what it would have answered."""

    def __init__(self, value=None):
        super().__init__("the service went down")
        self.value = value


class Trap:
    """Wait for the `count`-th message for an operation, and crash its service at the moment said.

    Only the routes and handlers of that operation carry a trap, so that no other message pays for it.
    """

    def __init__(self, engine, fault):
        self.engine, self.fault = engine, fault
        self.seen = 0

    def _hit(self):
        """Return whether this message is the one; each is looked at once."""
        if self.engine.now >= self.fault.at:
            self.seen += 1
        return self.engine.now >= self.fault.at and self.seen == self.fault.count

    def strike(self):
        """Crash the service now, and start it again when the fault is over."""
        engine, fault = self.engine, self.fault
        node = engine.compiler.nodes[engine.system.modules.get(fault.service, fault.service)]
        until = engine.now + min(fault.lasting, fault.lasting if node.failover is None else node.failover)
        crash(engine, node, fault, until)
        if until < float("inf"):
            engine.at(until, Alarm(lambda _: restart(engine, node)), FIRST)

    def arrival(self, step):
        """Return the step that lets a message in, or finds that the service has just gone down before it."""

        def arrive(message):
            if self._hit():
                self.strike()
            step(message)

        return arrive

    def around(self, plan, function):
        """Return the handler of a plan with the moment of the crash built in."""
        if plan.waits:
            return partial(self._waiting, function)
        return partial(self._leaf, function)

    def _leaf(self, function, ctx, payload):
        if not self._hit():
            return function(ctx, payload)
        message, engine = ctx._message, self.engine
        if self.fault.moment == "during":
            self.strike()
            raise Struck
        engine.over = True  # the effect is done, and what it would publish never leaves
        with suppress(Exception):
            function(ctx, payload)
        engine.over = False
        self.strike()
        if message.dead:  # lost for whoever asked, but done
            engine.outcome[message.row] = OK
        raise Struck

    def _waiting(self, function, ctx, payload):
        if not self._hit():
            return (yield from function(ctx, payload))
        if self.fault.moment == "during":
            self.engine.after(0.0, lambda _: self.strike(), None)  # as soon as it waits for its first answer
            return (yield from function(ctx, payload))
        value = yield from function(ctx, payload)
        self.strike()
        if ctx._message.dead:
            self.engine.outcome[ctx._message.row] = OK
        raise Struck(value)
