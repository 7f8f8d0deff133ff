"""What a caller does when no good answer comes, as data.

Each can be said of one call (`ctx.call(…, retry=Retry(2))`) or of many (`shop.guard(retry=Retry(2), to="payment")`).
Around each other they stand, from the outside in: fallback, deadline, retry with its budget, circuit breaker, bulkhead,
time-out, hedge. So breaker and bulkhead see attempts, and a deadline holds for all attempts together.
"""

from dataclasses import dataclass, fields
from math import inf, log2

from rehearsal.arguments import choice, factor, parts, plain, share, whole
from rehearsal.errors import unknown
from rehearsal.units import duration, sec

FAILURES = ("failed", "rejected", "lost", "timeout")


@dataclass(frozen=True)
class Retry:
    """Try again, at most `times` times after the first attempt: attempts = 1 + times.

    Before retry i (i = 0 for the first) the caller waits min(cap, wait × factor**i + step × i) [ms], which `jitter`
    then shortens at random: "full" to anything from 0, "equal" to anything from its half; "decorrelated" draws from
    `wait` to three times the pause before, up to the cap. `on`: what is tried again. A business no (`Refused`) is an
    answer and never is, nor is what the caller's own breaker or bulkhead stopped ("unsent"), unless `on` says so.
    Jitter after M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog (2015).

    >>> [Retry(5, wait=100, factor=2, cap=500).pause(i) for i in range(5)]
    [100.0, 200.0, 400.0, 500.0, 500.0]
    """

    times: int
    wait: float = 0.0
    factor: float = 1.0
    step: float = 0.0
    cap: float = inf
    jitter: str = "none"
    on: tuple | str = FAILURES

    def __post_init__(self):
        plain(self)
        whole(self.times, "times of Retry", 0)
        duration(self.wait, "the wait of Retry")
        duration(self.step, "the step of Retry")
        duration(self.cap, "the cap of Retry", ever=True)
        factor(self.factor, "the factor of Retry", 0)
        choice(self.jitter, "jitter of Retry", ("none", "full", "equal", "decorrelated"))
        for word in parts(self.on):
            choice(word, "what Retry tries again (on)", (*FAILURES, "unsent"))
        object.__setattr__(self, "on", tuple(word for word in (*FAILURES, "unsent") if word in parts(self.on)))

    @property
    def plain(self):
        """Return whether it needs no draw and no look at what went wrong."""
        return self.jitter == "none" and self.on == FAILURES

    def pause(self, i, chance=1.0, last=None):
        """Return the wait before retry `i` [ms], the first being number 0.

        `chance` from 0 to 1 is where the jitter falls, `last` the pause before this one.
        """
        if self.jitter == "decorrelated":
            return float(min(self.cap, self.wait + chance * (3 * (self.wait if last is None else last) - self.wait)))
        growth = float(self.factor) ** i if i * log2(self.factor) < 1023 else inf  # more than a float can say
        whole_pause = float(min(self.cap, (self.wait and self.wait * growth) + self.step * i))
        least = {"none": 1.0, "full": 0.0, "equal": 0.5}[self.jitter]
        return whole_pause * (least + (1 - least) * chance)


@dataclass(frozen=True)
class RetryBudget:
    """Let retries be at most a share `ratio` of the requests, over all calls of one service to another.

    A bucket of `burst` tokens: each first attempt adds `ratio`, each retry takes 1; without one there is no retry.
    After the token bucket of Finagle's RetryBudget; what it does not model: tokens that expire.
    """

    ratio: float = 0.2
    burst: float = 10

    def __post_init__(self):
        plain(self)
        share(self.ratio, "the ratio of RetryBudget")
        if type(self.burst) not in (int, float) or not (self.burst >= 1 or self.burst == 0):
            raise ValueError(f"the burst of RetryBudget must be 1 or more, or 0 for no retry, not {self.burst!r}")


@dataclass(frozen=True)
class CircuitBreaker:
    """Stop calling a service that fails: closed, open for `open_for` [ms], then half-open with `probes` calls.

    It looks at a sliding `window`: the last so many calls, or with `per="time"` those of the last so many ms. From
    `minimum` calls on it opens when the share of failures reaches `failure_rate`, or that of calls longer than `slow`
    [ms] reaches `slow_rate`. Half-open it lets `probes` calls out and judges them in the same way. It counts
    "attempts" (it stands inside the retry) or "calls" (outside it), and in either way only what was sent: what
    finds the bulkhead full, or is over before that lets it out, says nothing of the other service. The defaults are
    those published for resilience4j 2: sliding window of 100 calls, minimum 100, failure rate 50 %, open 60 s, 10
    probes, slow from 60 s, slow rate 100 %. A breaker is one service's, for one other service; it learns of a recovery
    by its probes only.
    """

    window: float = 100
    per: str = "calls"
    failure_rate: float = 0.5
    minimum: int = 100
    open_for: float = 60 * sec
    probes: int = 10
    slow: float = 60 * sec
    slow_rate: float = 1.0
    counts: str = "attempts"

    def __post_init__(self):
        plain(self)
        choice(self.per, "per of CircuitBreaker", ("calls", "time"))
        choice(self.counts, "counts of CircuitBreaker", ("attempts", "calls"))
        if self.per == "calls":
            whole(self.window, "the window of CircuitBreaker", 1)
            object.__setattr__(self, "minimum", min(whole(self.minimum, "minimum of CircuitBreaker", 1), self.window))
        duration(self.window, "the window of CircuitBreaker", positive=True)
        whole(self.minimum, "minimum of CircuitBreaker", 1)
        whole(self.probes, "probes of CircuitBreaker", 1)
        duration(self.open_for, "open_for of CircuitBreaker", positive=True)
        duration(self.slow, "slow of CircuitBreaker", positive=True, ever=True)
        for name in ("failure_rate", "slow_rate"):
            if not share(getattr(self, name), f"{name} of CircuitBreaker") > 0:
                raise ValueError(f"{name} of CircuitBreaker must be greater than 0: at 0 it would open at once")


@dataclass(frozen=True)
class Bulkhead:
    """Allow one service so many `calls` to another at a time; what is more waits up to `wait` [ms], else is not sent.

    So a slow dependency holds at most so many of the caller's workers, and the others go on. resilience4j's defaults
    are 25 calls and no wait.
    """

    calls: int = 25
    wait: float = 0.0

    def __post_init__(self):
        plain(self)
        whole(self.calls, "the calls of Bulkhead", 1)
        duration(self.wait, "the wait of Bulkhead", ever=True)


@dataclass(frozen=True)
class Hedge:
    """Send the same request a second time where no answer came `after` so long [ms]; the first good answer counts.

    After J. Dean and L. A. Barroso, "The Tail at Scale", CACM 56(2), 2013.
    """

    after: float

    def __post_init__(self):
        plain(self)
        duration(self.after, "after of Hedge")


class _Unset:
    """Stand for a policy nobody has said."""

    def __repr__(self):
        return "-"

    def __reduce__(self):
        return "UNSET"


UNSET = _Unset()
KINDS = {"retry": (Retry, "2"), "hedge": (Hedge, "after=50 * ms"), "budget": (RetryBudget, "")}
KINDS |= {"breaker": (CircuitBreaker, ""), "bulkhead": (Bulkhead, "")}


@dataclass(frozen=True)
class Guard:
    """Hold the policies of a call; what is UNSET is for others to say.

    `timeout` [ms] is for each attempt, `deadline` [ms] for all of them together; with `cancel` it
    is carried along to all that is asked for in turn (deadline propagation). A caller that gives up may `cancel`
    what it asked for: from the "queue" only, or the "work" too; without, the work goes on and is in vain (a zombie).
    `fallback` is the answer where there is no better one.
    """

    timeout: object = UNSET
    deadline: object = UNSET
    cancel: object = UNSET
    retry: object = UNSET
    budget: object = UNSET
    breaker: object = UNSET
    bulkhead: object = UNSET
    hedge: object = UNSET
    fallback: object = UNSET

    def __post_init__(self):
        for name in ("timeout", "deadline"):
            value = getattr(self, name)
            if value is not UNSET and value is not None:
                value = duration(value, name, positive=True, ever=True)
                object.__setattr__(self, name, None if value == inf else value)
        if self.cancel is not UNSET and self.cancel is not None:
            choice(self.cancel, "cancel", ("queue", "work"))
        for name, (kind, such) in KINDS.items():
            value = getattr(self, name)
            if value is not UNSET and value is not None and type(value) is not kind:
                raise TypeError(f"{name} must be a {kind.__name__}, such as {kind.__name__}({such}), not {value!r}")

    @classmethod
    def of(cls, words):
        """Return the policies that words say, or say which words there are."""
        for word in words:
            if word not in cls.__match_args__:
                raise TypeError(unknown("policy", word, cls.__match_args__))
        return cls(**words)

    def over(self, other):
        """Return what this one says, and where it says nothing what the `other` says."""
        mine = {f.name: getattr(self, f.name) for f in fields(self)}
        return Guard(**{k: getattr(other, k) if v is UNSET else v for k, v in mine.items()})

    def said(self, name):
        """Return one policy, None where nobody has said it."""
        value = getattr(self, name)
        return None if value is UNSET else value

    def __repr__(self):
        said = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if getattr(self, f.name) is not UNSET]
        return f"Guard({', '.join(said)})"
