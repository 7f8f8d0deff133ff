"""Calls under policies: deadline, retry with jitter and budget, breaker, bulkhead, time-out, hedge, fallback."""

from functools import partial

from rehearsal.draws import Uniform
from rehearsal.engine.breakers import Rules
from rehearsal.engine.cancel import cancel
from rehearsal.engine.waits import OVER, PROBLEMS, WAITS, Call
from rehearsal.errors import BulkheadFull, CircuitOpen, Refused, TimedOut
from rehearsal.policies import UNSET, Guard
from rehearsal.trace import NONE, OK, OUTCOMES, REFUSED, REJECTED, TIMEOUT, UNSENT


def guarded(engine, plan, route, payload, key, timeout, retry, policies):
    """Return a call under the policies that are said of it, and under those its route is guarded by."""
    place = route, timeout, retry, *policies.items()  # a route leads from one service to one operation
    try:
        rules = engine.guards.get(place)
    except TypeError:  # a fallback that cannot be a key
        return Guarded(route, payload, key, _rules(engine, plan, route, timeout, retry, policies))
    if rules is None:
        rules = engine.guards[place] = _rules(engine, plan, route, timeout, retry, policies)
    return Guarded(route, payload, key, rules)


def _rules(engine, plan, route, timeout, retry, policies):
    try:
        guard = Guard.of({"timeout": timeout, "retry": retry, **policies})
    except (TypeError, ValueError) as error:
        raise engine.mistake(f"{plan.place}: {error}") from None
    guard = guard.over(route.guard) if route.guard is not None else guard
    return Rules(engine, guard, plan.node.name, route.plan.node.name)


class Guarded(Call):
    """See a call through its policies.

    Invariant: of an attempt and its hedge, the first good answer counts, and a bad one only when the other is bad too;
    each attempt enters breaker and bulkhead once and leaves them once.
    """

    __slots__ = ("rules", "era", "inside", "since", "pause", "second", "place")

    def __init__(self, route, payload, key, rules):
        super().__init__(route, payload, rules.timeout, rules.retry, key)
        self.rules = rules
        self.era = self.pause = self.second = self.place = None
        self.inside: bool | None = False  # whether this attempt holds a place in the bulkhead; None: it waits for one

    def begin(self, engine, parent):
        """Start the clock of the deadline, and send the first attempt."""
        rules, self.since = self.rules, engine._now
        if rules.deadline is not None:
            engine.deadlines(rules.deadline).watch(Overall(self))
        if rules.tokens is not None:
            rules.tokens.earn()
        super().begin(engine, parent)

    def put(self, engine):
        """Send one attempt, as far as breaker and bulkhead let it."""
        rules = self.rules
        if rules.breaker is not None and self.era is None and (self.attempt == 1 or not rules.outside):
            self.since = engine._now
            self.era = rules.breaker.lets(engine._now)
            if self.era is None:
                self._stop(engine, CircuitOpen)
                return
        if rules.compartment is None:
            self._go(engine)
        elif rules.compartment.takes():
            self.inside = True
            self._go(engine)
        else:
            self.inside = None
            rules.compartment.wait(engine, partial(self._enter, engine), partial(self._full, engine))

    def _enter(self, engine):
        if self.ready(engine):
            self.inside = True
            self._go(engine)
        else:
            self._leave_line()
            self.rules.compartment.leave()

    def _full(self, engine):
        self._leave_line()
        self._stop(engine, BulkheadFull)

    def _leave_line(self):
        self.inside = False
        if not self.rules.outside:
            self._take_back()

    def _take_back(self):
        """Tell the breaker nothing, since nothing was sent."""
        if self.era is not None:
            self.rules.breaker.take_back(self.era)
            self.era = None

    def _stop(self, engine, kind):
        """Write down that this attempt was never sent, and answer it at once."""
        if not self.ready(engine):
            return
        engine.unsent(self.route, self.parent, self.attempt)
        engine.after(0.0, lambda _: None if self.attempt == OVER else self._next(engine, UNSENT, kind), None)

    def _go(self, engine):
        rules = self.rules
        if not rules.outside:
            self.since = engine._now
        self.current = message = self._post(engine)
        self.place = self.place or message.page
        if rules.timeout is not None:
            engine.deadlines(rules.timeout).watch(self)
        if rules.hedge is not None:
            engine.after(rules.hedge.after, lambda _: self._hedge(engine, message), None)

    def _post(self, engine):
        parent = self.parent
        return engine.post(self.route, parent.case, self.payload, parent.row, self, self.attempt, self.key)

    def _hedge(self, engine, message):
        parent = self.parent
        if self.current is message and not parent.dead and parent.route.plan.node.runs(parent):
            self.second = Second(self)
            self.second.current = self._post(engine)
            self.second.current.waiter = self.second
            if self.timeout is not None:
                engine.deadlines(self.timeout).watch(self.second)

    def time_out(self, engine):
        """Give up on the present attempt."""
        self._drop(engine, self, TIMEOUT)
        self.answer(engine, TIMEOUT, None)

    def _drop(self, engine, waiter, answer, how=None):
        message, waiter.current = waiter.current, None
        if message is not None:
            engine.give_up(message, answer)
            if how or self.rules.cancel is not None:
                cancel(engine, message, how or self.rules.cancel)

    def answer(self, engine, outcome, value):
        """Take the answer to the attempt, or to its hedge."""
        good = outcome in (OK, REFUSED)
        if self.second is not None and not self._decides(engine, good):
            return
        self._leave(engine, good)
        if good:
            self.conclude(engine, outcome, value)
        else:
            self._next(engine, outcome, value)

    def _decides(self, engine, good):
        """Return whether an answer decides between an attempt and its hedge; a good one does, and drops the other."""
        waiting = [w for w in (self, self.second) if w is not None and w.current is not None]
        if waiting and not good:
            return False
        for waiter in waiting:
            self._drop(engine, waiter, NONE)
        self.second = None
        return True

    def _leave(self, engine, good):
        if self.era is not None and not self.rules.outside:
            self.rules.breaker.record(engine._now, self.era, not good, engine._now - self.since)
            self.era = None
        if self.inside:
            self.inside = False
            self.rules.compartment.leave()

    def _next(self, engine, outcome, value):
        """Go on after a bad attempt: with a retry, or with its result as the call's."""
        retry, tokens = self.retry, self.rules.tokens
        again = retry is not None and self.attempt <= retry.times
        word = "unsent" if outcome == UNSENT else OUTCOMES[outcome]
        if again and word in retry.on and (tokens is None or tokens.spend()):
            self.pause = retry.pause(self.attempt - 1, self._chance(engine), self.pause)
            self.attempt += 1
            self.unsure = self.unsure or outcome not in (REJECTED, UNSENT)
            engine.after(self.pause, self.send, engine)
        elif outcome == UNSENT:
            plan, caller = self.route.plan, self.parent.route.plan.node.name
            why = "the circuit is open" if value is CircuitOpen else "the bulkhead is full"
            error = value(f"{caller} did not call {plan.name} at {plan.node.name}: {why}")
            error.may_be_done |= self.unsure
            self.result(engine, None, error)
        else:
            self.conclude(engine, outcome, value)

    def _chance(self, engine):
        if self.retry.jitter == "none":
            return 1.0
        case = self.parent.case
        who, k, chapter = self.place or (case.page[0], "unsent", case.page[2])
        book = engine.compiler.keyed(Uniform(0, 1), "jitter", self.route.work)
        return book[who, (k, self.attempt), chapter][case.line]

    def result(self, engine, value, error):
        """Hand over the one result, or the fallback in place of a failure."""
        rules, failed = self.rules, error is not None and not isinstance(error, Refused)
        if self.place is None:
            self._take_back()
        if self.era is not None and rules.outside:
            rules.breaker.record(engine._now, self.era, failed, engine._now - self.since)
            self.era = None
        if failed and rules.fallback is not UNSET:
            value, error = rules.fallback, None
        super().result(engine, value, error)

    def expire(self, engine, how=None):
        """Give up on everything: the deadline is over, here or higher up."""
        if self.inside is None:
            self._leave_line()
            engine.unsent(self.route, self.parent, self.attempt)
        for waiter in (self, self.second):
            if waiter is not None:
                self._drop(engine, waiter, TIMEOUT, how)
        self.second = None
        self._leave(engine, False)
        plan = self.route.plan
        error = TimedOut(f"{plan.name} at {plan.node.name} {PROBLEMS[TIMEOUT][1]}")
        error.may_be_done = self.place is not None
        self.result(engine, None, error)

    def abandon(self, engine):
        """Stop waiting, because the handler that waited is gone; its places are free again."""
        if self.second is not None:
            self._drop(engine, self.second, NONE)
        super().abandon(engine)
        self._take_back()
        if self.inside:
            self.rules.compartment.leave()
        self.attempt = OVER


WAITS.add(Guarded)


class Second:
    """Wait for the answer to a hedge, on behalf of its call."""

    __slots__ = ("call", "current", "attempt")

    def __init__(self, call):
        self.call, self.current, self.attempt = call, None, call.attempt

    def answer(self, engine, outcome, value):
        """Hand the answer on."""
        self.call.answer(engine, outcome, value)

    def time_out(self, engine):
        """Give up on the hedge."""
        self.call._drop(engine, self, TIMEOUT)
        self.answer(engine, TIMEOUT, None)


class Overall:
    """Watch the deadline of a whole call: all its attempts, and the pauses between them."""

    __slots__ = ("call", "attempt")

    def __init__(self, call):
        self.call, self.attempt = call, 0

    @property
    def current(self):
        """Return the call while it is under way."""
        return None if self.call.attempt == OVER or self.call.parent.dead else self.call

    def time_out(self, engine):
        """End the call."""
        self.call.expire(engine)
