"""What is under way in a run: requests, messages, and what a handler waits for.

A message doubles as its own SimPy event: SimPy asks of an event only for callbacks and whether it went well, and a
message is due at one moment at most. So a hop costs one heap entry and no further object.
"""

from rehearsal.errors import Failed, Lost, Refused, Rejected, TimedOut
from rehearsal.trace import BLOCK, FAILED, LOST, OK, OPEN, REFUSED, REJECTED, TIMEOUT

PROBLEMS = {
    FAILED: (Failed, "failed"),
    REJECTED: (Rejected, "was not let in"),
    LOST: (Lost, "was lost in a crash"),
    TIMEOUT: (TimedOut, "did not answer in time"),
}


FIRST = 0  # SimPy's urgent priority: what goes before everything else due at the moment


class Alarm:
    """Call `callback(self)` at some moment: the smallest thing SimPy can schedule."""

    __slots__ = ("callbacks", "subject")
    _ok = True  # SimPy raises what an event carries unless it went well

    def __init__(self, callback, subject=None):
        self.callbacks = (callback,)
        self.subject = subject


class Message:
    """Carry one message from its sending to its end, through network, queue and work.

    Invariant: `callbacks` is the one next step. A message that a crash took is `dead`; the step still scheduled for it
    finds the mark and does nothing, because taking an entry out of SimPy's heap costs more than ignoring it.
    """

    __slots__ = ("callbacks", "row", "case", "route", "payload", "page", "waiter", "work", "dead", "outcome", "value")
    _ok = True

    def __init__(self, row, case, route, payload, page, waiter):
        self.callbacks = route.arrive
        self.row = row
        self.case = case
        self.route = route
        self.payload = payload
        self.page = page  # where the draws of this message stand in every book
        self.waiter = waiter  # who wants the answer: a Call, a Case, or None
        self.work = None  # the Context of its handler, while that waits
        self.dead = False

    def twin(self):
        """Return a copy on the same row: the work starts again, the step scheduled for the original does not."""
        self.dead = True
        return Message(self.row, self.case, self.route, self.payload, self.page, self.waiter)


class Case:
    """Follow one request: its row, the key of its draws, and how often it asked for each work.

    It is also the one who waits for the request's first answer: the client.
    """

    __slots__ = ("row", "who", "chapter", "line", "page", "entry", "asked", "current", "user")

    def __init__(self, row, who, n, entry, user):
        self.row = row
        self.who = who
        self.chapter, self.line = n >> 8, n & 255
        self.page = who, 0, self.chapter  # of what is asked for the first time: nearly everything
        self.entry = entry
        self.user = user  # the user of a closed load, who waits for the answer; else None
        self.asked = {}
        self.current = None

    def answer(self, engine, outcome, value):
        """Take the answer at the client; a bad one is the end, a good one where no event is. The first end counts."""
        table, row, now = engine.table, self.row, engine.now
        table.answered[row] = now
        table.answer[row] = outcome
        if table.end[row] == OPEN and (self.entry.done is None or outcome != OK):
            table.settled[row] = now
            table.end[row] = outcome
        if self.user is not None:
            self.user.think()


class Call:
    """Describe a call, and once it is yielded, see it through: attempts, time-outs, and its one result.

    Invariant: `current` is the attempt whose answer counts, or None. A late answer to an attempt that was given up
    finds another message there, and neither completes the next attempt nor counts twice.
    """

    __slots__ = ("route", "payload", "timeout", "retry", "key", "parent", "group", "attempt", "current")

    def __init__(self, route, payload, timeout, retry, key):
        self.route = route
        self.payload = payload
        self.timeout = timeout
        self.retry = retry
        self.key = key
        self.parent: Message | None = None
        self.group = None
        self.attempt = 1
        self.current = None

    def begin(self, engine, parent):
        """Send the first attempt, on behalf of the message whose handler waits."""
        if self.parent is not None:
            place = parent.route.plan.place
            raise engine.mistake(f"{place} yields the same call twice: describe it again with ctx.call")
        self.parent = parent
        parent.work.unstarted -= 1
        self.send(engine)

    def send(self, engine):
        """Send one attempt."""
        parent = self.parent
        if parent is None or parent.dead:
            return
        message = engine.post(self.route, parent.case, self.payload, parent.row, self, self.attempt, self.key)
        self.current = message
        if self.timeout is not None:
            engine.deadlines(self.timeout).watch(self)

    def answer(self, engine, outcome, value):
        """Take the answer to the current attempt: go on with it, or try again."""
        if outcome == OK:
            self.result(engine, value, None)
        elif outcome == REFUSED:
            self.result(engine, None, value if isinstance(value, Refused) else Refused(value))
        elif self.retry is not None and self.attempt <= self.retry.times:
            pause = self.retry.pause(self.attempt - 1)
            self.attempt += 1
            engine.after(pause, self.send, engine)
        else:
            problem, words = PROBLEMS[outcome]
            plan = self.route.plan
            cause = value if isinstance(value, Exception) else None
            error = problem(f"{plan.name} at {plan.node.name} {words}" + (f": {cause}" if cause else ""))
            self.result(engine, None, error)

    def result(self, engine, value, error):
        """Hand the one result to the handler that waits, or to its group."""
        if self.group is None:
            engine.wake(self.parent, value, error)
        else:
            self.group.collect(engine, self, value, error)

    def abandon(self, engine):
        """Stop waiting, because the handler that waited is gone; the work goes on all the same."""
        if self.current is not None:
            engine.give_up(self.current)
            self.current = None


class Together:
    """Start several calls at the same moment and wait for all of them.

    It waits for every branch, failed ones too, so that the handler knows what was done and can undo it; then it raises
    the first problem in the order of the calls, or returns the results in that order.
    """

    __slots__ = ("calls", "parent", "missing", "results", "errors")

    def __init__(self, calls):
        self.calls = calls
        self.missing = len(calls)
        self.results = {}
        self.errors = {}

    def begin(self, engine, parent):
        """Start all calls; none at all is answered at once."""
        self.parent = parent
        for call in self.calls:
            call.group = self
            call.begin(engine, parent)
        if not self.calls:
            engine.after(0.0, self._finish, engine)

    def collect(self, engine, call, value, error):
        """Take the result of one branch."""
        if error is None:
            self.results[call] = value
        else:
            self.errors[call] = error
        self.missing -= 1
        if not self.missing:
            self._finish(engine)

    def _finish(self, engine):
        first = next((self.errors[c] for c in self.calls if c in self.errors), None)
        engine.wake(self.parent, [self.results.get(c) for c in self.calls], first)

    def abandon(self, engine):
        """Stop waiting for all branches."""
        for call in self.calls:
            call.abandon(engine)


class Sleep:
    """Wait for some time."""

    __slots__ = ("time", "parent")

    def __init__(self, time):
        self.time = time

    def begin(self, engine, parent):
        """Start to wait."""
        self.parent = parent
        engine.pauses += 1
        if engine.pauses % BLOCK == 0:
            engine.trace.watch(engine.trace.count())
        engine.after(self.time, self._over, engine)

    def _over(self, engine):
        engine.wake(self.parent, None, None)

    def abandon(self, engine):
        """Stop waiting: the alarm finds a dead handler."""


WAITS = (Call, Together, Sleep)


def not_a_wait(engine, message, wait):
    """Return the error for a handler that yields something nobody can wait for."""
    waits = "yield ctx.call(…), ctx.all(…) or ctx.sleep(…)"
    what = "ctx.publish and ctx.send do not wait: no yield" if wait is None else waits
    return engine.mistake(f"{message.route.plan.place} yields {wait!r}; {what}")


def forgotten(engine, message):
    """Return the error for a handler that ends with a call described and never made."""
    return engine.mistake(f"{message.route.plan.place} ends with a call it never made: write `yield` before ctx.call")
