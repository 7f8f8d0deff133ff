"""What a handler waits for: a call, several together, a pause."""

from typing import Any

from rehearsal.engine.cancel import cancel
from rehearsal.errors import Failed, Lost, Refused, Rejected, TimedOut
from rehearsal.trace import BLOCK, FAILED, LOST, OK, REFUSED, REJECTED, TIMEOUT

PROBLEMS = {
    FAILED: (Failed, "failed"),
    REJECTED: (Rejected, "was not let in"),
    LOST: (Lost, "was lost in a crash"),
    TIMEOUT: (TimedOut, "did not answer in time"),
}
OVER = 1 << 30  # the attempt of a call that has its result


class Call:
    """Describe a call, and once it is yielded, see it through: attempts, time-outs, and its one result.

    Invariant: `current` is the attempt whose answer counts, or None. A late answer to an attempt that was given up
    finds another message there, and neither completes the next attempt nor counts twice.
    """

    __slots__ = ("route", "payload", "timeout", "retry", "key", "parent", "group", "attempt", "current", "unsure")

    def __init__(self, route, payload, timeout, retry, key):
        self.route = route
        self.payload = payload
        self.timeout = timeout
        self.retry = retry
        self.key = key
        self.parent: Any = None
        self.group = None
        self.attempt = 1
        self.current = None
        self.unsure = False  # whether an attempt that was given up may have been done

    def begin(self, engine, parent):
        """Send the first attempt, on behalf of the message whose handler waits."""
        if self.parent is not None:
            place = parent.route.plan.place
            raise engine.mistake(f"{place} yields the same call twice: describe it again with ctx.call")
        self.parent = parent
        parent.work.unstarted -= 1
        self.put(engine)

    def send(self, engine):
        """Send one more attempt, if it may be sent now."""
        if self.ready(engine):
            self.put(engine)

    def put(self, engine):
        """Send one attempt."""
        parent = self.parent
        message = engine.post(self.route, parent.case, self.payload, parent.row, self, self.attempt, self.key)
        self.current = message
        if self.timeout is not None:
            engine.deadlines(self.timeout).watch(self)

    def ready(self, engine):
        """Return whether an attempt may be sent now; a durable caller that is down sends it after its restart."""
        parent = self.parent
        if parent is None or parent.dead or self.attempt == OVER:
            return False
        if not parent.route.plan.node.runs(parent):
            parent.route.plan.node.held.append((self.send, engine))
            return False
        return True

    def time_out(self, engine):
        """Give up on the present attempt."""
        message, self.current = self.current, None
        engine.give_up(message, TIMEOUT)
        self.answer(engine, TIMEOUT, None)

    def answer(self, engine, outcome, value):
        """Take the answer to the current attempt: go on with it, or try again."""
        if outcome == OK and self.group is None:  # nearly always, so that it takes no further step
            self.attempt = OVER
            engine.wake(self.parent, value, None)
        elif outcome not in (OK, REFUSED) and self.retry is not None and self.attempt <= self.retry.times:
            pause = self.retry.pause(self.attempt - 1)
            self.attempt += 1
            self.unsure = self.unsure or outcome != REJECTED
            engine.after(pause, self.send, engine)
        else:
            self.conclude(engine, outcome, value)

    def conclude(self, engine, outcome, value):
        """Turn the last answer into the result of the call."""
        if outcome == OK:
            self.result(engine, value, None)
        elif outcome == REFUSED:
            self.result(engine, None, value if isinstance(value, Refused) else Refused(value))
        else:
            problem, words = PROBLEMS[outcome]
            plan = self.route.plan
            cause = value if isinstance(value, Exception) else None
            error = problem(f"{plan.name} at {plan.node.name} {words}" + (f": {cause}" if cause else ""))
            error.may_be_done |= self.unsure
            self.result(engine, None, error)

    def result(self, engine, value, error):
        """Hand the one result to the handler that waits, or to its group."""
        self.attempt = OVER
        if self.group is None:
            engine.wake(self.parent, value, error)
        else:
            self.group.collect(engine, self, value, error)

    def abandon(self, engine):
        """Stop waiting, because the handler that waited is gone; the work goes on all the same."""
        if self.current is not None:
            engine.give_up(self.current)
            self.current = None

    def expire(self, engine, how):
        """End with a time-out, because a deadline higher up is over, and cancel what was asked for."""
        message, self.current = self.current, None
        if message is not None:
            engine.give_up(message, TIMEOUT)
            cancel(engine, message, how)
        self.conclude(engine, TIMEOUT, None)

    def hopeless(self, vanished, rows):
        """Return whether no answer can come any more: it vanished, or its message waits for ever, and no timer runs."""
        message = self.current
        return self.timeout is None and message is not None and (message in vanished or message.row in rows)


class Together:
    """Start several calls at the same moment and wait for all of them.

    It waits for every branch, failed ones too, so that what the handler undoes then meets nothing under way; then it
    raises the first problem in the order of the calls, or returns the results in that order.
    """

    __slots__ = ("calls", "parent", "ends")

    def __init__(self, calls):
        self.calls = calls
        self.ends = {}  # of each call that is over, its value and its error

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
        self.ends[call] = value, error
        if len(self.ends) == len(self.calls):
            self._finish(engine)

    def _finish(self, engine):
        ends = [self.ends[call] for call in self.calls]
        engine.wake(self.parent, [value for value, _ in ends], next((e for _, e in ends if e is not None), None))

    def abandon(self, engine):
        """Stop waiting for all branches."""
        for call in self.calls:
            call.abandon(engine)

    def expire(self, engine, how):
        """End the branches that are still under way."""
        for call in self.calls:
            if call.attempt != OVER:
                call.expire(engine, how)

    def hopeless(self, vanished, rows):
        """Return whether some branch can never end."""
        return any(call.hopeless(vanished, rows) for call in self.calls)


class First(Together):
    """Start calls where they are not under way yet, and wait until at least one of them is over.

    The handler gets [(call, value, error), …] of those that are over, and may wait for the rest again.
    """

    __slots__ = ("over",)

    def __init__(self, calls):
        super().__init__(calls)
        self.over = []

    def begin(self, engine, parent):
        """Start what is not under way."""
        self.parent = parent
        for call in self.calls:
            call.group = self
            if call.parent is None:
                call.begin(engine, parent)

    def collect(self, engine, call, value, error):
        """Take the result of one call; the first wakes the handler, which finds all that came meanwhile."""
        self.over.append((call, value, error))
        if len(self.over) == 1:
            engine.wake(self.parent, self.over, None)


class Sleep:
    """Wait for some time."""

    __slots__ = ("time", "parent")

    def __init__(self, time):
        self.time = time
        self.parent: Any = None

    def begin(self, engine, parent):
        """Start to wait."""
        self.parent = parent
        engine.pauses += 1
        if engine.pauses % BLOCK == 0:
            engine.trace.watch(engine.trace.count())
        engine.after(self.time, self._over, engine)

    def _over(self, engine):
        parent, self.parent = self.parent, None
        if parent is not None:
            engine.wake(parent, None, None)

    def abandon(self, engine):
        """Stop waiting: the alarm finds a dead handler."""

    def expire(self, engine, how):
        """End with a time-out, because a deadline higher up is over."""
        parent, self.parent = self.parent, None
        if parent is not None:
            engine.wake(parent, None, TimedOut("the deadline is over"))

    def hopeless(self, vanished, rows):
        """Return False: time passes."""
        return False


NOTHING = Sleep(0.0)  # what a handler waits for that has not waited yet: a crash may strike it all the same
WAITS = {Call, Together, First, Sleep}  # what a handler may yield; Guarded and Work join them


def not_a_wait(engine, message, wait):
    """Return the error for a handler that yields something nobody can wait for."""
    waits = "yield ctx.call(…), ctx.all(…) or ctx.sleep(…)"
    what = "ctx.publish and ctx.send do not wait: no yield" if wait is None else waits
    return engine.mistake(f"{message.route.plan.place} yields {wait!r}; {what}")


def forgotten(engine, message):
    """Return the error for a handler that ends with a call described and never made."""
    return engine.mistake(f"{message.route.plan.place} ends with a call it never made: write `yield` before ctx.call")
