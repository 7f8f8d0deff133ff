"""The network on a bad day: links that drop, delay, repeat or shuffle messages, partitions, services gone mute.

Only the routes over a link that some fault strikes pass through here; a message on any other pays nothing.
"""

from functools import partial
from math import inf, prod

from rehearsal.draws import Uniform
from rehearsal.engine.messages import Alarm
from rehearsal.faults import Mute
from rehearsal.network import Delay, Drop, Duplicate, LinkFault, Partition, Reorder
from rehearsal.trace import LOST


class Leg:
    """Hold what may happen to messages of one kind on their way from `source` to `target`.

    `kind`: "ask" (requests and calls), "reply", "publish" (to a broker) or "deliver" (from there). Whether and how a
    message is struck is drawn by its own key, so that one fault moves nobody else's luck.
    """

    def __init__(self, engine, source, target, kind, faults, broker):
        self.engine, self.kind, self.faults, self.broker = engine, kind, faults, broker
        self.source, self.place, self.books = source, f"{kind} {source} → {target}", {}

    def _chance(self, purpose, message):
        key = purpose, f"{message.route.work} {self.place}"
        if key not in self.books:
            self.books[key] = self.engine.compiler.keyed(Uniform(0, 1), *key)
        return self.books[key][message.page][message.case.line]

    def _struck(self, moment):
        return [fault for fault in self.faults if fault.at <= moment < fault.until]

    def arrival(self, step):
        """Return the step at the end of the way there: a message comes through, later, twice, or not at all."""

        def arrive(message):
            faults = self._struck(self.engine.trace.sent[message.row])
            if not faults:
                step(message)
            elif self._drops(message, faults):
                self._drop(message)
            else:
                self._come(message, faults, step)

        return arrive

    def _come(self, message, faults, step):
        engine = self.engine
        moment = max([engine.now, *(f.until for f in faults if isinstance(f, Partition))])
        if moment == inf:  # cut off for ever: it stays with its sender
            engine.bus.forget(message, False)
            return
        moment += self._later(message, faults)
        if moment == engine.now:
            step(message)
        else:
            message.callbacks = (step,)
            engine.at(moment, message)
        if self._meets("twice", message, [f.rate for f in faults if isinstance(f, Duplicate)]):
            twin = engine.copy(message)
            twin.callbacks = (step,)
            engine.at(moment, twin)

    def reply(self, message, outcome, value):
        """Send an answer back over this leg."""
        faults = self._struck(self.engine.now)
        if self._drops(message, faults):
            self.engine.hush(message)
        else:
            self.engine.reply(message, outcome, value, self._later(message, faults))

    def _drops(self, message, faults):
        kept = self.broker is not None and self.broker.durable
        if any(isinstance(f, Mute) or (isinstance(f, Partition) and not kept) for f in faults):
            return True
        return self._meets("drop", message, [f.rate for f in faults if isinstance(f, Drop)])

    def _meets(self, purpose, message, rates):
        """Return whether a message meets one of several faults, each with its own rate."""
        passing = prod(1 - rate for rate in rates)
        return passing < 1 and self._chance(purpose, message) >= passing

    def _later(self, message, faults):
        extra = 0.0
        for fault in faults:
            if isinstance(fault, Delay):
                extra += fault.by.quantile(self._chance("delay", message))
            if isinstance(fault, Reorder) and self._chance("held", message) < fault.rate:
                extra += fault.within * self._chance("reorder", message)
        return extra

    def _drop(self, message):
        engine, outbox = self.engine, self.kind == "publish" and self.engine.compiler.nodes[self.source].outbox
        if self.kind == "ask":
            engine.vanish(message)
        elif outbox or (self.kind == "deliver" and self.broker.durable):
            engine.outcome[message.row] = LOST  # the broker, or the relay, has it until it is acknowledged
            due = engine.trace.sent[message.row] + self.broker.redelivers
            again = partial(engine.bus.redeliver, message)
            engine.at(max(due, engine.now), Alarm(lambda _: outbox.put(again) if outbox else again()))
        else:
            engine.bus.forget(message, False)


def leg(engine, faults, source, target, kind, broker=None):
    """Return the leg from `source` to `target` where some fault strikes it, else None."""
    found = [fault for fault in faults if _strikes(fault, source, target, kind)]
    return Leg(engine, source, target, kind, found, broker) if found else None


def _strikes(fault, source, target, kind):
    if isinstance(fault, Mute):
        return fault.service == source and kind in ("reply", "publish")
    return isinstance(fault, LinkFault | Partition) and fault.strikes(source, target)
