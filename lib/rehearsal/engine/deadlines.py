"""Time-outs: one queue for each length, one timer a queue."""

from collections import deque

from rehearsal.engine.messages import Alarm
from rehearsal.trace import TIMEOUT


class Deadlines:
    """Watch messages that all have the same time to be answered.

    Invariant: equal lengths fall due in the order they were set, so a deque is sorted by itself and one timer, for its
    head, is enough. A timer for each message would leave thousands of stale ones in SimPy's heap.
    """

    def __init__(self, engine, length):
        self.engine = engine
        self.length = length
        self.queue: deque = deque()
        self.armed = False

    def watch(self, message):
        """Give up on `message` unless it is answered in time."""
        due = self.engine.now + self.length
        self.queue.append((due, message))
        if not self.armed:
            self._arm(due)

    def _arm(self, due):
        self.armed = True
        engine = self.engine
        engine.schedule(Alarm(self._ring), delay=max(0.0, due - engine.now))

    def _ring(self, _):
        self.armed = False
        queue, engine, now = self.queue, self.engine, self.engine.now
        while queue:
            due, message = queue[0]
            call = message.waiter
            if call.current is not message:
                queue.popleft()
            elif due <= now:
                queue.popleft()
                call.current = None
                engine.give_up(message, TIMEOUT)
                call.answer(engine, TIMEOUT, None)
            else:
                self._arm(due)
                return
