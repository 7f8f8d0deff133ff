"""Work done in process: what a monolith does instead of a call."""

from rehearsal.engine.crashes import Struck
from rehearsal.engine.waits import WAITS
from rehearsal.errors import Failed, Refused
from rehearsal.trace import FAILED, LOST, OK, REFUSED


class Work:
    """Do the work of an operation here, in process: its time and its body, without a message or a hop.

    It keeps the worker of its handler. It is a row of the trace, from the service to itself. Where that is kept through
    a crash and the work would be over meanwhile, it is over with the restart. What it does not model: that the time of
    work begun before a crash stands still in it.
    """

    __slots__ = ("route", "payload", "engine", "parent", "message")

    def __init__(self, route, payload):
        self.route, self.payload = route, payload

    def begin(self, engine, parent):
        """Start to work."""
        self.engine, self.parent, plan = engine, parent, self.route.plan
        parent.work.unstarted -= 1
        self.message = message = engine.post(self.route, parent.case, self.payload, parent.row, parent, hop=False)
        moment = engine.received[message.row] = engine.started[message.row] = engine._now
        message.callbacks = (self._done,)
        if plan.takes is not None:
            moment += plan.takes[message.page][message.case.line] * plan.node.pace
        engine.at(moment, message)

    def _done(self, message):
        node = self.parent.route.pool.node
        if self.parent.dead:
            return
        if not node.runs(self.parent):
            node.held.append((self._done, message))
            return
        engine, value = self.engine, None
        problem: Exception | None = None
        try:
            value = engine.body(message)
            outcome = OK
        except (Refused, Failed) as error:
            outcome, problem = REFUSED if isinstance(error, Refused) else FAILED, error
        except Struck:
            return  # the process has gone down, and this work with it
        engine.settle(message, outcome)
        engine.wake(self.parent, value, problem)

    def abandon(self, engine):
        """Lose the work, because its process has crashed."""
        engine.settle(self.message, LOST)

    def expire(self, engine, how):
        """Go on: nobody can take back what is done in process."""

    def hopeless(self, vanished, rows):
        """Return False: time passes."""
        return False


WAITS.add(Work)
