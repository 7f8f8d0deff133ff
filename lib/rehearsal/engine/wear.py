"""Breakdowns: a clock that runs towards the next one, always or only while somebody is at work."""

from rehearsal.engine.crashes import crash
from rehearsal.engine.messages import FIRST, Alarm
from rehearsal.engine.replicas import Crew
from rehearsal.engine.restarts import restart


class Wear:
    """Break a service down and mend it, again and again.

    Invariant: at most one alarm counts, `alarm`; one that was put off finds another in its place. Breakdowns alone keep
    no run alive: where nothing else is left to happen they end, as idle polls do.
    """

    def __init__(self, engine, node, fault, until=None):
        self.engine, self.node, self.fault = engine, node, fault
        keyed, self.name = engine.compiler.keyed, fault.whom
        self.ups, self.downs = keyed(fault.up, "up", self.name), keyed(fault.down, "down", self.name)
        self.n, self.since, self.alarm = 0, 0.0, None
        self.left = self.ups.draw(self.name, 0, 0)  # until the next breakdown, as the clock stood at `since`
        self.busy = fault.clock == "busy"
        engine.loose = True
        node.clocks.append(self)
        for pool in node.pools if self.busy else ():
            pool.working = Crew(node, pool.working)
        self.run()

    def run(self):
        """Let the clock run on, if it may: the service is up and, where that counts, somebody is at work."""
        if self.alarm is None and self._up() and (not self.busy or self._working()):
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
        one, frozen = self.fault.replica, self.node.frozen
        working = (item for pool in self.node.pools for item in pool.working.items())
        return any(one in (None, number) and message not in frozen for message, number in working)

    def _up(self):
        return self.fault.replica in self.node.live() if self.fault.replica else self.node.up

    def _break(self, alarm):
        engine, node = self.engine, self.node
        engine.idle -= not self.busy
        if alarm is not self.alarm:
            return
        self.alarm = None
        nothing_else = len(engine._queue) <= engine.idle
        if nothing_else or engine.now >= self.fault.until or not self._up():  # down already: as new when it is up again
            return
        down = min(self.downs.draw(self.name, 0, self.n), node.failover)
        self.n += 1
        self.left = self.ups.draw(self.name, 0, self.n)
        crash(engine, node, self.fault, engine.now + down)
        engine.at(engine.now + down, Alarm(lambda _: restart(engine, node, self.fault)), FIRST)
