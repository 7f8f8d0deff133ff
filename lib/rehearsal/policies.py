"""What a caller does when no good answer comes, as data."""

from dataclasses import dataclass
from math import inf

from rehearsal.units import duration


@dataclass(frozen=True)
class Retry:
    """Try again, at most `times` times after the first attempt: attempts = 1 + times.

    Before retry i (i = 0 for the first) the caller waits min(cap, wait × factor**i) [ms]. A business no (`Refused`) is
    an answer and is never retried. What it does not model yet: jitter and a budget for all callers together.

    >>> [Retry(5, wait=100, factor=2, cap=500).pause(i) for i in range(5)]
    [100.0, 200.0, 400.0, 500.0, 500.0]
    """

    times: int
    wait: float = 0.0
    factor: float = 1.0
    cap: float = inf

    def __post_init__(self):
        if isinstance(self.times, bool) or not isinstance(self.times, int) or self.times < 0:
            raise ValueError(f"Retry needs a whole number of retries, 0 or more, not {self.times!r}")
        duration(self.wait, "the wait of Retry")
        duration(self.cap, "the cap of Retry", ever=True)
        if not self.factor > 0:
            raise ValueError(f"the factor of Retry must be greater than 0, not {self.factor!r}")

    def pause(self, i):
        """Return the wait before retry `i` [ms], the first being number 0."""
        return float(min(self.cap, self.wait * self.factor**i))
