"""Randomness that belongs to a *what*, never to a *when*: distributions, and draws found by their key.

Every draw is a pure function of (seed, purpose, work, request, k). Asking for one draw never moves another, so two
runs that differ in one fault, one subscriber or one retry meet the same arrivals and the same service times, to the
bit. That is what turns a comparison of two runs into a subtraction. Since a draw is the quantile of a keyed number,
changing the mean of a distribution stretches every draw and reshuffles none.
"""

from dataclasses import dataclass
from math import exp, fsum, isfinite, log, log1p, sqrt
from random import Random
from statistics import NormalDist, pstdev

PAGE = 256  # draws made at a time: seeding a generator costs as much as 50 draws
KEPT = 4096  # pages remembered; a forgotten page is made again, with the same numbers
_NORMAL = NormalDist()


def _number(value, what, least=None):
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError(f"{what} must be a finite number, not {value!r}")
    if least is not None and value < least:
        raise ValueError(f"{what} must be {least} or more, not {value!r}")


def _share(deviation, mean):
    return deviation / mean if deviation else 0.0


class _Distribution:
    def quantile(self, u):
        """Return the value below which a share `u` of the draws falls."""
        raise NotImplementedError

    def stretch(self, numbers):
        """Return the quantiles of many numbers in [0, 1): what a page of draws is made of."""
        return [self.quantile(u) for u in numbers]


@dataclass(frozen=True)
class Constant(_Distribution):
    """Take the same `value` every time."""

    value: float

    def __post_init__(self):
        _number(self.value, "the value of Constant")

    mean = property(lambda self: self.value)
    least = property(lambda self: self.value)
    cv = 0.0

    def quantile(self, u):
        return self.value


@dataclass(frozen=True)
class Exponential(_Distribution):
    """Draw from the memoryless distribution with this `mean`: the work of M/M/1, the gaps of a Poisson stream."""

    mean: float
    least = 0.0
    cv = 1.0

    def __post_init__(self):
        _number(self.mean, "the mean of Exponential", 0)

    def quantile(self, u):
        return -self.mean * log1p(-u)

    def stretch(self, numbers):
        """Return many quantiles; spelled out because most draws of most runs are made here."""
        mean = self.mean
        return [-mean * log1p(-u) for u in numbers]


@dataclass(frozen=True)
class Uniform(_Distribution):
    """Draw evenly between `low` and `high`."""

    low: float
    high: float

    def __post_init__(self):
        _number(self.low, "the low end of Uniform")
        _number(self.high, "the high end of Uniform", self.low)

    mean = property(lambda self: (self.low + self.high) / 2)
    least = property(lambda self: self.low)
    cv = property(lambda self: _share((self.high - self.low) / sqrt(12), self.mean))

    def quantile(self, u):
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Lognormal(_Distribution):
    """Draw a skewed, positive time with this `mean` and coefficient of variation `cv` (deviation / mean)."""

    mean: float
    cv: float
    least = 0.0

    def __post_init__(self):
        _number(self.mean, "the mean of Lognormal", 0)
        _number(self.cv, "the cv of Lognormal", 0)

    def quantile(self, u):
        if self.mean == 0:
            return 0.0
        variance = log(1 + self.cv**2)
        return exp(log(self.mean) - variance / 2 + sqrt(variance) * _NORMAL.inv_cdf(max(u, 2**-54)))


@dataclass(frozen=True)
class Empirical(_Distribution):
    """Draw one of these `values`, each as likely as the others; repeat a value to make it likelier."""

    values: tuple

    def __post_init__(self):
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise ValueError("Empirical needs at least one value")

    mean = property(lambda self: fsum(self.values) / len(self.values))
    least = property(lambda self: min(self.values))
    cv = property(lambda self: _share(pstdev(self.values), self.mean))

    def quantile(self, u):
        return self.values[int(u * len(self.values))]


Distribution = Constant | Exponential | Uniform | Lognormal | Empirical


def times(value, what):
    """Return `value` as a distribution of durations [ms]: a number is a Constant; a negative one is refused."""
    distribution = value if isinstance(value, Distribution) else None
    if distribution is None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{what} must be a time such as 20 * ms or Exponential(20 * ms), not {value!r}")
        distribution = Constant(float(value))
    for number in distribution.values if isinstance(distribution, Empirical) else ():
        _number(number, f"each value of {what}")
    if distribution.least < 0:
        raise ValueError(f"{what} can be negative: {distribution!r}; a duration is 0 or more")
    return distribution


class Book(dict):
    """Hold the draws of one purpose and work on pages of 256: `book[who, k, n >> 8][n & 255]`.

    A page is made when it is first opened, from its own key alone, so it is the same whenever that happens, and may be
    forgotten and made again. A dict with `__missing__`, because a draw found there costs no Python call.

    >>> book = Book(Exponential(20), 7, "takes", "reserve")
    >>> book.draw("order", 0, 17) == Book(Exponential(20), 7, "takes", "reserve").draw("order", 0, 17)
    True
    """

    __slots__ = ("distribution", "key")

    def __init__(self, distribution, seed, purpose, work):
        super().__init__()
        self.distribution = distribution
        self.key = seed, purpose, work

    def __missing__(self, place):
        if len(self) >= KEPT:
            self.clear()
        if isinstance(self.distribution, Constant):
            page = [self.distribution.value] * PAGE
        else:
            # A str seeds Python's Mersenne Twister through SHA-512: the same in every process and version.
            random = Random(repr((*self.key, *place))).random
            page = self.distribution.stretch([random() for _ in range(PAGE)])
        self[place] = page
        return page

    def draw(self, who, k, n):
        """Return the draw for the n-th request of `who`, asked the k-th time."""
        return self[who, k, n >> 8][n & 255]
