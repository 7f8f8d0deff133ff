"""The network on a bad day: links that drop, delay, repeat or shuffle messages, partitions, services gone mute.

Only the routes over a link that some fault strikes pass through here; a message on any other pays nothing.
"""

from bisect import bisect
from functools import partial
from math import inf, prod

from rehearsal.draws import Constant, Uniform
from rehearsal.engine.crashes import vanish
from rehearsal.engine.messages import Alarm
from rehearsal.faults import Mute
from rehearsal.network import Delay, Drop, Duplicate, LinkFault, Partition, Reorder
from rehearsal.trace import LOST


class Sky:
    """Hold what the faults that strike a leg at one time do to a message on it, all together."""

    def __init__(self, faults, moment, kept):
        def those(*kinds):
            return [fault for fault in faults if isinstance(fault, kinds) and fault.at <= moment < fault.until]

        self.closed = bool(those(Mute) if kept else those(Mute, Partition))
        self.cut = max((fault.until for fault in those(Partition)), default=-inf)  # until when it waits
        self.whole = prod(1 - fault.rate for fault in those(Drop))  # the share that is not lost
        self.single = prod(1 - fault.rate for fault in those(Duplicate))  # and the share that comes once
        self.delays, self.holds = those(Delay), those(Reorder)


class Leg:
    """Hold what may happen to messages of one kind on their way from `source` to `target`.

    `kind`: "ask" (requests and calls), "reply", "publish" (to a broker) or "deliver" (from there). Whether and how a
    message is struck is drawn by its own key, so that one fault moves nobody else's luck.
    """

    def __init__(self, engine, source, target, kind, faults, broker):
        self.engine, self.kind, self.faults, self.broker = engine, kind, faults, broker
        self.place, self.source = f"{kind} {source} → {target}", source
        self.turns = sorted({turn for fault in faults for turn in (fault.at, fault.until)})
        self.books, self.skies = {}, {}

    def _chance(self, purpose, message):
        place = purpose, message.route.work
        if place not in self.books:
            self.books[place] = self.engine.compiler.keyed(Uniform(0, 1), purpose, f"{place[1]} {self.place}")
        return self.books[place][message.page][message.case.line]

    def _sky(self, moment):
        """Return the sky at a moment: the same from one turn to the next."""
        turn = bisect(self.turns, moment)
        if turn not in self.skies:
            self.skies[turn] = Sky(self.faults, moment, kept=self.broker is not None and self.broker.durable)
        return self.skies[turn]

    def arrival(self, step):
        """Return the step at the end of the way there: a message comes through, later, twice, or not at all."""

        def arrive(message):
            sky = self._sky(self.engine.trace.sent[message.row])
            if sky.closed or self._meets("drop", message, sky.whole):
                self._drop(message)
            else:
                self._come(message, sky, step)

        return arrive

    def _come(self, message, sky, step):
        engine = self.engine
        moment = max(engine._now, sky.cut)
        if moment == inf:  # cut off for ever: it stays with its sender
            engine.bus.forget(message, False)
            return
        moment += self._later(message, sky)
        if moment == engine._now:
            step(message)
        else:
            message.callbacks = (step,)
            engine.at(moment, message)
        if self._meets("twice", message, sky.single):
            twin = engine.copy(message)
            twin.callbacks = (step,)
            engine.at(moment, twin)

    def reply(self, message, outcome, value):
        """Send an answer back over this leg."""
        sky = self._sky(self.engine._now)
        if sky.closed or self._meets("drop", message, sky.whole):
            self.engine.hush(message)
        else:
            self.engine.reply(message, outcome, value, self._later(message, sky))

    def _meets(self, purpose, message, passing):
        """Return whether a message is not of the share that is passing."""
        return passing < 1 and self._chance(purpose, message) >= passing

    def _later(self, message, sky):
        extra = 0.0
        for fault in sky.delays:
            fixed = type(fault.by) is Constant  # then there is nothing to draw
            extra += fault.by.value if fixed else fault.by.quantile(self._chance("delay", message))
        for fault in sky.holds:
            if self._chance("held", message) < fault.rate:
                extra += fault.within * self._chance("reorder", message)
        return extra

    def _drop(self, message):
        engine, outbox = self.engine, self.kind == "publish" and self.engine.compiler.nodes[self.source].outbox
        if self.kind == "ask":
            vanish(engine, message)
        elif outbox or (self.kind == "deliver" and self.broker.durable):
            engine.outcome[message.row] = LOST  # the broker, or the relay, has it until it is acknowledged
            due = engine.trace.sent[message.row] + self.broker.redelivers
            again = partial(engine.bus.redeliver, message)
            engine.at(max(due, engine.now), Alarm(lambda _: outbox.put(again) if outbox else again()))
        else:
            engine.bus.forget(message, False)


def _strikes(fault, source, target, kind):
    if isinstance(fault, Mute):
        return fault.service == source and kind in ("reply", "publish")
    return isinstance(fault, LinkFault | Partition) and fault.strikes(source, target)


def leg(engine, faults, source, target, kind, broker=None):
    """Return the leg from `source` to `target` where some fault strikes it, else None."""
    found = [fault for fault in faults if _strikes(fault, source, target, kind)]
    return Leg(engine, source, target, kind, found, broker) if found else None
