"""Work done in process: what a monolith does instead of a call."""

from rehearsal.engine.crashes import Struck
from rehearsal.engine.waits import WAITS
from rehearsal.errors import Failed, Refused
from rehearsal.trace import FAILED, LOST, OK, REFUSED


class Work:
    """Do the work of an operation here, in process: its time and its body, without a message or a hop.

    It keeps the worker of its handler. It is a row of the trace, from the service to itself.
    """

    __slots__ = ("route", "payload", "parent", "message")

    def __init__(self, route, payload):
        self.route, self.payload = route, payload

    def begin(self, engine, parent):
        """Start to work."""
        self.parent, route = parent, self.route
        parent.work.unstarted -= 1
        message = engine.post(route, parent.case, self.payload, parent.row, hop=False)
        self.message = message
        engine.received[message.row] = engine.started[message.row] = engine._now
        message.callbacks = (lambda _: self._done(engine),)
        takes, module = route.plan.takes, route.plan.node
        engine.schedule(message, delay=0.0 if takes is None else takes[message.page][message.case.line] * module.pace)

    def _done(self, engine):
        if self.parent.dead:
            return
        message, value = self.message, None
        problem: Exception | None = None
        try:
            value = engine.body(message)
            outcome = OK
        except Refused as error:
            outcome, problem = REFUSED, error
        except Failed as error:
            outcome, problem = FAILED, error
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
