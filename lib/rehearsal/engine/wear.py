"""Breakdowns: a clock that runs towards the next one, always or only while somebody is at work."""

from math import inf

from rehearsal.engine.crashes import crash, restart
from rehearsal.engine.messages import FIRST, Alarm


class Wear:
    """Break a service down and mend it, again and again.

    Invariant: at most one alarm counts, `alarm`; one that was put off finds another in its place. Breakdowns alone keep
    no run alive: where nothing else is left to happen they end, as idle polls do.
    """

    def __init__(self, engine, node, fault):
        self.engine, self.node, self.fault = engine, node, fault
        keyed = engine.compiler.keyed
        self.ups = keyed(fault.up, "up", node.name)
        self.downs = keyed(fault.down, "down", node.name)
        self.n = 0
        self.alarm = None
        self.left = self.since = 0.0
        self.busy = fault.clock == "busy"
        engine.loose = True
        if self.busy:
            for pool in node.pools:
                pool.working = Meter(self, pool.working)
        self._wind()

    def _wind(self):
        self.left = self.ups.draw(self.node.name, 0, self.n)
        if not self.busy or any(pool.working for pool in self.node.pools):
            self.run()

    def run(self):
        """Let the clock run on."""
        if self.alarm is None and self.node.up:
            self.since = self.engine.now
            self.alarm = Alarm(self._break)
            self.engine.idle += not self.busy
            self.engine.at(self.engine.now + self.left, self.alarm)

    def pause(self):
        """Stop the clock: nobody is at work."""
        if self.alarm is not None and not any(pool.working for pool in self.node.pools):
            self.left -= self.engine.now - self.since
            self.alarm = None

    def _break(self, alarm):
        engine = self.engine
        engine.idle -= not self.busy
        if alarm is not self.alarm:
            return
        self.alarm = None
        nothing_else = len(engine._queue) <= engine.idle
        if nothing_else or engine.now >= self.fault.until:
            return
        if not self.node.up:  # another fault was first: what is down cannot break
            if self.node.back < inf:
                engine.at(max(self.node.back, engine.now), Alarm(lambda _: self._wind()))
            return
        down = self.downs.draw(self.node.name, 0, self.n)
        if self.node.failover is not None:
            down = min(down, self.node.failover)
        crash(engine, self.node, self.fault, engine.now + down)
        engine.at(engine.now + down, Alarm(self._mend), FIRST)

    def _mend(self, _):
        restart(self.engine, self.node)
        self.n += 1
        self._wind()


class Meter(dict):
    """Hold the work in progress of a pool, and let a clock run while there is any."""

    def __init__(self, wear, working):
        super().__init__(working)
        self.wear = wear

    def __setitem__(self, message, value):
        super().__setitem__(message, value)
        self.wear.run()

    def __delitem__(self, message):
        super().__delitem__(message)
        self.wear.pause()

    def clear(self):
        """Drop all work, and stop the clock."""
        super().clear()
        self.wear.pause()
