"""An outbox: what a handler says is stored together with what it did, and sent from there."""

from math import floor

from rehearsal.engine.messages import Alarm


class Outbox:
    """Keep what a service has to publish and send until its relay has handed it over.

    Invariant: what is here was stored at the same instant as the effect it tells of, so a crash loses both or neither;
    what waits survives a crash and leaves after the restart, in order. A relay that is pushed to sends at once; one
    that looks every `poll` [ms] sends then. What it does not model: a relay that dies after it has sent a message and
    before it has written that down, and so sends it twice.
    """

    def __init__(self, engine, node, poll):
        self.engine, self.node, self.poll = engine, node, poll
        self.waiting: list = []
        self.due = None  # when the relay will look and find something

    def put(self, tell):
        """Store one thing to say, a function without arguments."""
        self.waiting.append(tell)
        self.look()

    def look(self):
        """Send what waits at the next look of the relay; one that is pushed to looks now."""
        if self.poll == 0:
            self.relay()
        elif self.waiting and self.due is None and self.node.up:
            now = self.engine.now
            self.due = (floor(now / self.poll) + 1) * self.poll
            self.engine.at(self.due, Alarm(self._look))

    def _look(self, alarm):
        if self.due == self.engine.now and self.node.up:
            self.due = None
            self.relay()

    def wake(self):
        """Look once more, after a restart."""
        self.due = None
        self.relay()

    def relay(self):
        """Say what waits, if anybody is there to say it."""
        if self.node.up:
            waiting, self.waiting = self.waiting, []
            for tell in waiting:
                tell()
