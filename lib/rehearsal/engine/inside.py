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
    """Do the work of an operation here, in process: its time and its body, without a hop; it is its own message.

    It keeps the worker of its handler. It is a row of the trace, from the service to itself. Where that is kept through
    a crash and the work would be over meanwhile, it is over with the restart. What it does not model: that the time of
    work begun before a crash stands still in it.
    """

    __slots__ = ()

    def begin(self: Any, engine, parent):
        """Start to work."""
        if self.dead is not None:
            place = parent.route.plan.place
            raise engine.mistake(f"{place} yields the same work twice: describe it again with ctx.work")
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
        node, value, problem = parent.route.pool.node, None, None
        if not node.up or (node.frozen and not node.runs(parent)):
            node.held.append((Work.done, self))
            return
        try:
            value = parent.work._engine.body(self)
        except (Refused, Failed) as error:
            problem = error
        except Struck as struck:  # the process has gone down, and this work with it, but for what is durable
            if not parent.dead:
                node.held.append((Work.over, self, *struck.args) if struck.args else (Work.done, self))
            return
        self.over(value, problem)

    def over(self: Any, value, problem):
        """Let the handler go on with what came of the work."""
        engine = self.waiter.work._engine
        outcome = OK if problem is None else REFUSED if isinstance(problem, Refused) else FAILED
        engine.settle(self, outcome, value)
        engine.wake(self.waiter, value, problem)

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
