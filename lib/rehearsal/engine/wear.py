"""Breakdowns: a clock that runs towards the next one, always or only while somebody is at work."""

from rehearsal.engine.crashes import crash, restart
from rehearsal.engine.messages import FIRST, Alarm


class Wear:
    """Break a service down and mend it, again and again.

    Invariant: at most one alarm counts, `alarm`; one that was put off finds another in its place. Breakdowns alone keep
    no run alive: where nothing else is left to happen they end, as idle polls do.
    """

    def __init__(self, engine, node, fault, until=None):
        self.engine, self.node, self.fault = engine, node, fault
        keyed = engine.compiler.keyed
        self.ups = keyed(fault.up, "up", node.name)
        self.downs = keyed(fault.down, "down", node.name)
        self.n = 0
        self.alarm = None
        self.since = 0.0
        self.left = self.ups.draw(node.name, 0, 0)  # until the next breakdown, as the clock stood at `since`
        self.busy = fault.clock == "busy"
        engine.loose = True
        node.clocks.append(self)
        for pool in node.pools if self.busy else ():
            pool.working = Meter(node.clocks, pool.working)
        self.run()

    def run(self):
        """Let the clock run on, if it may: the service is up and, where that counts, somebody is at work."""
        if self.alarm is None and self.node.up and (not self.busy or self._working()):
            self.since = self.engine.now
            self.alarm = Alarm(self._break)
            self.engine.idle += not self.busy
            self.engine.at(self.engine.now + self.left, self.alarm, FIRST)

    def pause(self):
        """Stop the clock where nobody is at work."""
        if self.busy and self.alarm is not None and not self._working():
            self.left = max(self.left - (self.engine.now - self.since), 0.0)
            self.alarm = None

    def _working(self):
        return any(pool.working for pool in self.node.pools)

    def _break(self, alarm):
        engine, node = self.engine, self.node
        engine.idle -= not self.busy
        if alarm is not self.alarm:
            return
        self.alarm = None
        nothing_else = len(engine._queue) <= engine.idle
        if nothing_else or engine.now >= self.fault.until or not node.up:  # down already: as new when it is up again
            return
        down = min(self.downs.draw(node.name, 0, self.n), node.failover)
        self.n += 1
        self.left = self.ups.draw(node.name, 0, self.n)
        crash(engine, node, self.fault, engine.now + down)
        engine.at(engine.now + down, Alarm(lambda _: restart(engine, node, self.fault)), FIRST)


class Meter(dict):
    """Hold the work in progress of a pool, and let the clocks of its node run while there is any."""

    def __init__(self, clocks, working):
        super().__init__(working)
        self.clocks = clocks

    def __setitem__(self, message, value):
        super().__setitem__(message, value)
        for clock in self.clocks:
            clock.run()

    def __delitem__(self, message):
        super().__delitem__(message)
        for clock in self.clocks:
            clock.pause()

    def clear(self):
        """Drop all work, and stop the clocks."""
        super().clear()
        for clock in self.clocks:
            clock.pause()
