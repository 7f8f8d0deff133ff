"""Circuit breakers, bulkheads and retry budgets while a run lasts: what one service knows of its calls to another."""

from collections import deque
from typing import NamedTuple


class Transition(NamedTuple):
    """Say that the breaker of `caller` for `callee` changed from state `was` to state `now` at `time` [ms]."""

    time: float
    caller: str
    callee: str
    was: str
    now: str


class Breaker:
    """Judge the calls of one service to another by those in its window.

    Invariant: only results of calls let out in the present state count, so a late failure of a call made before it
    opened does not close or open it again.
    """

    def __init__(self, policy, caller, callee, transitions):
        self.policy, self.caller, self.callee, self.transitions = policy, caller, callee, transitions
        self.state, self.era, self.until = "closed", 0, 0.0
        self.window: deque = deque()
        self.failed = self.slow = self.out = 0

    def lets(self, now):
        """Return the era of a call that may go out now, None where it may not."""
        if self.state != "closed":
            if self.state == "open" and now >= self.until:
                self._turn(now, "half-open")
            if self.state == "open" or self.out >= self.policy.probes:
                return None
        self.out += 1
        return self.era

    def take_back(self, era):
        """Take note that a call which may go out did not go out after all."""
        self.out -= era == self.era

    def record(self, now, era, failed, took):
        """Take the result of a call that was let out in this era."""
        if era != self.era:
            return
        policy, closed = self.policy, self.state == "closed"
        slow = took > policy.slow
        self.window.append((now, failed, slow))
        self.failed += failed
        self.slow += slow
        if closed:
            self._forget(now)
            if not self.failed and not self.slow:
                return
        seen = len(self.window)
        if seen < (policy.minimum if closed else policy.probes):
            return
        bad = self.failed >= policy.failure_rate * seen or self.slow >= policy.slow_rate * seen
        if bad:
            self.until = now + policy.open_for
            self._turn(now, "open")
        elif not closed:
            self._turn(now, "closed")

    def _forget(self, now):
        policy, window = self.policy, self.window
        while len(window) > policy.window if policy.per == "calls" else window[0][0] <= now - policy.window:
            _, failed, slow = window.popleft()
            self.failed -= failed
            self.slow -= slow

    def _turn(self, now, state):
        self.transitions.append(Transition(now, self.caller, self.callee, self.state, state))
        self.state, self.era = state, self.era + 1
        self.window.clear()
        self.failed = self.slow = self.out = 0


class Compartment:
    """Count the calls of one service to another that are under way, and let no more out than a bulkhead allows.

    Invariant: while somebody waits, no place is free. First come, first served.
    """

    def __init__(self, policy):
        self.policy, self.free = policy, policy.calls
        self.queue: deque = deque()

    def takes(self):
        """Return whether there is a place, and take it."""
        if self.free == 0:
            return False
        self.free -= 1
        return True

    def wait(self, engine, go, turn_away):
        """Call `go` as soon as there is a place, or `turn_away` when the wait has been too long."""
        if self.policy.wait > 0:
            ticket = [go]
            self.queue.append(ticket)
            if self.policy.wait < float("inf"):
                engine.after(self.policy.wait, lambda _: self._give_up(ticket, turn_away), None)
        else:
            turn_away()

    def _give_up(self, ticket, turn_away):
        if ticket in self.queue:
            self.queue.remove(ticket)
            turn_away()

    def leave(self):
        """Give a place back, to the first who waits."""
        if self.queue:
            (go,) = self.queue.popleft()
            go()
        else:
            self.free += 1


class Tokens:
    """Hold the tokens of a retry budget: never more than its `burst`, never fewer than 0."""

    def __init__(self, policy):
        self.policy, self.tokens = policy, policy.burst

    def earn(self):
        """Take note of a first attempt."""
        if self.tokens < self.policy.burst:
            self.tokens = min(self.policy.burst, self.tokens + self.policy.ratio)

    def spend(self):
        """Return whether one retry is within the budget, and pay for it."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Rules:
    """Hold what is said of a call, ready for use, and what it shares with the others of its caller to its callee.

    They are put together once for each route and what is said there, not for each call: policies that are there and
    never act cost little more than the comparisons which find that out.
    """

    def __init__(self, engine, guard, caller, callee):
        def one(kind, policy, *rest):
            key = kind, caller, callee, policy
            return None if policy is None else engine.gates.setdefault(key, kind(policy, *rest))

        self.timeout, self.deadline, self.retry = guard.said("timeout"), guard.said("deadline"), guard.said("retry")
        self.cancel, self.hedge, self.fallback = guard.said("cancel"), guard.said("hedge"), guard.fallback
        self.breaker = one(Breaker, guard.said("breaker"), caller, callee, engine.transitions)
        self.compartment = one(Compartment, guard.said("bulkhead"))
        self.tokens = one(Tokens, guard.said("budget"))
        self.outside = self.breaker is not None and self.breaker.policy.counts == "calls"
