"""Calls under policies: deadline, retry with jitter and budget, breaker, bulkhead, time-out, hedge, fallback."""

from functools import partial

from rehearsal.draws import Uniform
from rehearsal.engine.breakers import Breaker, Compartment, Tokens
from rehearsal.engine.cancel import cancel
from rehearsal.engine.waits import OVER, PROBLEMS, WAITS, Call
from rehearsal.errors import BulkheadFull, CircuitOpen, Refused, TimedOut
from rehearsal.policies import UNSET, Guard
from rehearsal.trace import NONE, OK, OUTCOMES, REFUSED, REJECTED, TIMEOUT, UNSENT


class Gates:
    """Hold what all calls of one service to another share under one set of policies."""

    def __init__(self, engine, guard, caller, callee):
        def one(kind, policy, *rest):
            if policy is None:
                return None
            key = kind, caller, callee, policy
            if key not in engine.gates:
                engine.gates[key] = kind(policy, *rest)
            return engine.gates[key]

        self.breaker = one(Breaker, guard.said("breaker"), caller, callee, engine.transitions)
        self.compartment = one(Compartment, guard.said("bulkhead"))
        self.tokens = one(Tokens, guard.said("budget"))
        self.outside = self.breaker is not None and guard.said("breaker").counts == "calls"


def guarded(engine, plan, route, payload, key, said):
    """Return a call under the policies that are `said` of it, and under those its route is guarded by."""
    words = {name: value for name, value in said.items() if value is not None or name == "fallback"}
    place = route, tuple(words.items())  # a route leads from one service to one operation
    try:
        found, keeps = engine.guards.get(place), True
    except TypeError:  # a fallback that cannot be a key
        found, keeps = None, False
    if found is None:
        try:
            guard = Guard(**words)
        except (TypeError, ValueError) as error:
            raise engine.mistake(f"{plan.place}: {error}") from None
        guard = guard.over(route.guard) if route.guard is not None else guard
        found = guard, Gates(engine, guard, plan.node.name, route.plan.node.name)
        if keeps:
            engine.guards[place] = found
    return Guarded(route, payload, key, *found)


class Guarded(Call):
    """See a call through its policies.

    Invariant: of an attempt and its hedge, the first good answer counts, and a bad one only when the other is bad too;
    each attempt enters breaker and bulkhead once and leaves them once.
    """

    __slots__ = ("guard", "gates", "era", "inside", "since", "pause", "second", "place")

    def __init__(self, route, payload, key, guard, gates):
        super().__init__(route, payload, guard.said("timeout"), guard.said("retry"), key)
        self.guard, self.gates = guard, gates
        self.era = self.pause = self.second = self.place = None
        self.inside = False  # whether this attempt holds a place in the bulkhead
        self.since = 0.0

    def begin(self, engine, parent):
        """Start the clock of the deadline, and send the first attempt."""
        self.since = engine.now
        deadline = self.guard.said("deadline")
        if deadline is not None:
            engine.deadlines(deadline).watch(Overall(self))
        if self.gates.tokens is not None:
            self.gates.tokens.earn()
        super().begin(engine, parent)

    def send(self, engine):
        """Send one attempt, as far as breaker and bulkhead let it."""
        if not self.ready(engine):
            return
        breaker, outside = self.gates.breaker, self.gates.outside
        if breaker is not None and (self.attempt == 1 or not outside):
            self.since = engine.now
            self.era = breaker.lets(engine.now)
            if self.era is None:
                self._stop(engine, CircuitOpen)
                return
        if self.gates.compartment is None:
            self._go(engine)
        else:
            self.gates.compartment.enter(engine, partial(self._enter, engine), partial(self._full, engine))

    def _enter(self, engine):
        if not self.ready(engine):
            self.gates.compartment.leave()
            return
        self.inside = True
        self._go(engine)

    def _full(self, engine):
        if self.gates.breaker is not None and not self.gates.outside:
            self.gates.breaker.take_back(self.era)
            self.era = None
        self._stop(engine, BulkheadFull)

    def _stop(self, engine, kind):
        """Write down that this attempt was never sent, and answer it at once."""
        if not self.ready(engine):
            return
        engine.unsent(self.route, self.parent, self.attempt)
        engine.after(0.0, lambda _: None if self.attempt == OVER else self._next(engine, UNSENT, kind), None)

    def _go(self, engine):
        if not self.gates.outside:
            self.since = engine.now
        message = self._post(engine)
        self.place = self.place or message.page
        self.current = message
        if self.timeout is not None:
            engine.deadlines(self.timeout).watch(self)
        hedge = self.guard.said("hedge")
        if hedge is not None:
            engine.after(hedge.after, lambda _: self._hedge(engine, message), None)

    def _post(self, engine):
        parent = self.parent
        return engine.post(self.route, parent.case, self.payload, parent.row, self, self.attempt, self.key)

    def _hedge(self, engine, message):
        parent = self.parent
        if self.current is message and not parent.dead and parent.route.plan.node.up:
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
            if how or self.guard.said("cancel") is not None:
                cancel(engine, message, how or self.guard.said("cancel"))

    def answer(self, engine, outcome, value):
        """Take the answer to the attempt, or to its hedge."""
        good = outcome in (OK, REFUSED)
        waiting = [w for w in (self, self.second) if w is not None and w.current is not None]
        if waiting and not good:
            return
        for waiter in waiting:
            self._drop(engine, waiter, NONE)
        self.second = None
        self._leave(engine, good)
        self._next(engine, outcome, value)

    def _leave(self, engine, good):
        if self.gates.breaker is not None and not self.gates.outside and self.era is not None:
            self.gates.breaker.record(engine.now, self.era, not good, engine.now - self.since)
            self.era = None
        if self.inside:
            self.inside = False
            self.gates.compartment.leave()

    def _next(self, engine, outcome, value):
        """Go on with the result of an attempt: it is the call's, or there is a retry."""
        retry, tokens = self.retry, self.gates.tokens
        again = outcome not in (OK, REFUSED) and retry is not None and self.attempt <= retry.times
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
        failed = error is not None and not isinstance(error, Refused)
        if self.gates.outside and self.era is not None:
            self.gates.breaker.record(engine.now, self.era, failed, engine.now - self.since)
            self.era = None
        if failed and self.guard.fallback is not UNSET:
            value, error = self.guard.fallback, None
        super().result(engine, value, error)

    def expire(self, engine, how=None):
        """Give up on everything: the deadline is over, here or higher up."""
        for waiter in (self, self.second):
            if waiter is not None:
                self._drop(engine, waiter, TIMEOUT, how)
        self.second = None
        self._leave(engine, False)
        plan = self.route.plan
        self.result(engine, None, TimedOut(f"{plan.name} at {plan.node.name} {PROBLEMS[TIMEOUT][1]}"))

    def abandon(self, engine):
        """Stop waiting, because the handler that waited is gone; its places are free again."""
        if self.second is not None:
            self._drop(engine, self.second, NONE)
        super().abandon(engine)
        if self.gates.breaker is not None and self.era is not None:
            self.gates.breaker.take_back(self.era)
        if self.inside:
            self.gates.compartment.leave()
        self.attempt = OVER


WAITS.add(Guarded)


class Second:
    """Wait for the answer to a hedge, on behalf of its call."""

    __slots__ = ("call", "current", "attempt")

    def __init__(self, call):
        self.call = call
        self.current = None
        self.attempt = call.attempt

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
        self.call = call
        self.attempt = 0

    @property
    def current(self):
        """Return the call while it is under way."""
        return None if self.call.attempt == OVER or self.call.parent.dead else self.call

    def time_out(self, engine):
        """End the call."""
        self.call.expire(engine)
