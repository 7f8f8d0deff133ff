"""Time-outs: one queue for each length, one timer a queue."""

from collections import deque

from rehearsal.engine.messages import Alarm


class Deadlines:
    """Watch calls that all have the same time to be answered.

    Invariant: equal lengths fall due in the order they were set, so a deque is sorted by itself and one timer, for its
    head, is enough: `armed` while there is one. A timer for each call would leave thousands of stale ones in SimPy's
    heap. A call is watched by attempt, not by message, since a crash puts another message in the place of the lost one.
    """

    def __init__(self, engine, length):
        self.engine = engine
        self.length = length
        self.queue: deque = deque()
        self.armed = False

    def watch(self, call):
        """Give up on the present attempt of `call` unless it is answered in time."""
        due = self.engine._now + self.length
        self.queue.append((due, call, call.attempt))
        if not self.armed:
            self.armed = True
            self.engine.at(due, Alarm(self._ring))

    def _ring(self, _):
        queue, engine, now = self.queue, self.engine, self.engine.now
        while queue:
            due, call, attempt = queue[0]
            message = call.current
            if message is not None and call.attempt == attempt:
                if due > now:
                    engine.at(due, Alarm(self._ring))
                    return
                call.time_out(engine)  # which may well watch a further call: it finds the timer armed
            queue.popleft()
        self.armed = False
