"""Work done in process: what a monolith does instead of a call."""

from heapq import heappush
from typing import Any

from simpy.events import NORMAL

from rehearsal.engine.crashes import Struck
from rehearsal.engine.messages import Message
from rehearsal.engine.waits import WAITS
from rehearsal.errors import Failed, Refused
from rehearsal.trace import FAILED, LOST, OK, REFUSED


class Work(Message):
    """Do the work of an operation here, in process: its time and its body, without a message or a hop.

    It keeps the worker of its handler. It is a row of the trace, from the service to itself. Where that is kept through
    a crash and the work would be over meanwhile, it is over with the restart. What it does not model: that the time of
    work begun before a crash stands still in it.
    """

    __slots__ = ()

    def begin(self: Any, engine, parent):
        """Start to work."""
        parent.work.unstarted -= 1
        engine.post(self.route, parent.case, self.payload, parent.row, parent, hop=False, message=self)
        self.callbacks = DONE
        plan = self.route.plan
        moment = engine.received[self.row] = engine.started[self.row] = engine._now
        if plan.takes is not None:
            moment += plan.takes[self.page][self.case.line] * plan.node.pace
        heappush(engine._queue, (moment, NORMAL, next(engine._eid), self))

    def done(self: Any):
        """Do the work, now that its time is over, and let the handler go on."""
        parent = self.waiter
        if parent.dead:
            return
        node, engine, value = parent.route.pool.node, parent.work._engine, None
        if not node.up or (node.frozen and not node.runs(parent)):
            node.held.append((Work.done, self))
            return
        problem: Exception | None = None
        try:
            value = engine.body(self)
            outcome = OK
        except (Refused, Failed) as error:
            outcome, problem = REFUSED if isinstance(error, Refused) else FAILED, error
        except Struck:
            return  # the process has gone down, and this work with it
        engine.settle(self, outcome)
        engine.wake(parent, value, problem)

    def abandon(self, engine):
        """Lose the work, because its process has crashed."""
        engine.settle(self, LOST)

    def expire(self, engine, how):
        """Go on: nobody can take back what is done in process."""

    def hopeless(self, vanished, rows):
        """Return False: time passes."""
        return False


DONE = (Work.done,)
WAITS.add(Work)
