"""Who asks for what, when: the load, as data.

An open load (`Poisson`, `Evenly`, `Times`) never waits for answers: the world does not slow down because a shop does.
A closed load (`Closed`) is a fixed number of users who think, ask and wait; it slows down with the shop, and so
hides the shop's worst moments. Latency counts from the moment a request was meant to be sent.
"""

from dataclasses import dataclass, field
from itertools import accumulate, chain, islice, takewhile
from itertools import count as counting
from math import inf
from typing import ClassVar

from rehearsal.draws import Empirical, Exponential, times
from rehearsal.units import duration

NONE: dict = {}  # attributes of a request that has none: one for all


class Request:
    """Say what is asked for: an immutable payload with a `kind`, a `number` and the attributes its load drew.

    The number is a whole one in a load that has its kind's name and no users; else it is a text that names the load, or
    the user, too (`spike at 90 s.17`).
    Two that say the same are equal, so that what services remember of requests can be compared between runs.

    >>> order = Request("order", 17, {"amount": 250})
    >>> order, order.amount
    (order 17, 250)
    """

    __slots__ = ("kind", "number", "_attributes")

    def __init__(self, kind, number, attributes=None):
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "number", number)
        object.__setattr__(self, "_attributes", attributes or NONE)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        attributes = object.__getattribute__(self, "_attributes")
        try:
            return attributes[name]
        except KeyError:
            there = ", ".join(["kind", "number", *attributes])
            raise AttributeError(f"{self!r} has no {name!r}; it has: {there}") from None

    def __setattr__(self, name, value):
        raise AttributeError(f"{self!r} is immutable: keep what changes in ctx.state")

    def __eq__(self, other):
        return isinstance(other, Request) and self.__reduce__() == other.__reduce__()

    def __hash__(self):
        return hash(self.number)  # services look up what they remember of a request all the time

    def __reduce__(self):
        return Request, (self.kind, self.number, self._attributes)

    def __repr__(self):
        return f"{self.kind} {self.number}"


def _check_load(load):
    if not isinstance(load.kind, str):
        first = f"the first argument of {type(load).__name__}"
        raise TypeError(f"{first} is the kind of request, such as 'order', not {load.kind!r}")
    object.__setattr__(load, "name", load.name or load.kind)
    object.__setattr__(load, "attributes", dict(load.attributes))
    for name, value in load.attributes.items():
        if name in ("kind", "number"):
            raise ValueError(f"a request has a {name} of its own: call the attribute something else")
        if not hasattr(value, "quantile"):
            wanted = "a distribution such as Uniform(1, 9) or Empirical([…])"
            raise TypeError(f"attribute {name!r} must be {wanted}, not {value!r}")


def _check_window(load):
    duration(load.start, "start")
    if load.until is not None and duration(load.until, "until", ever=True) <= load.start:
        raise ValueError(f"the load ends (until={load.until}) before it starts (start={load.start})")
    if load.count is not None and (not isinstance(load.count, int) or load.count < 0):
        raise ValueError(f"count must be a whole number, 0 or more, not {load.count!r}")


def _endless(load):
    """Return True where nothing ends the offers."""
    return load.until in (None, inf) and load.count is None


@dataclass(frozen=True)
class _Paced:
    """Offer requests at moments that depend on nothing the system does, one gap after another."""

    kind: str
    every: float
    until: float | None = None
    count: int | None = None
    start: float = 0.0
    name: str = ""
    attributes: dict = field(default_factory=dict, hash=False)
    closed: ClassVar = False

    def __post_init__(self):
        _check_load(self)
        duration(self.every, "every", positive=True)
        _check_window(self)

    @property
    def gaps(self):
        """Return the distribution of the time between two offers."""
        return times(self.every, "every")

    def offers(self, keyed):
        """Yield the moments [ms] of the offers in order; `keyed(distribution, purpose)` gives keyed draws."""
        gap = keyed(self.gaps, "gap")
        until, last = inf if self.until is None else self.until, None if self.count is None else self.count + 1
        moments = accumulate(chain.from_iterable(gap[self.name, 0, page] for page in counting()), initial=self.start)
        yield from takewhile(lambda moment: moment < until, islice(moments, 1, last))  # the start itself is no offer

    endless = property(_endless)


class Evenly(_Paced):
    """Offer requests of a `kind` like a clock: one each `every` [ms], the first at `start + every`."""


class Poisson(_Paced):
    """Offer requests of a `kind` at random: independent gaps with mean `every` [ms], from `start` until `until`."""

    @property
    def gaps(self):
        """Return the distribution of the time between two offers."""
        return Exponential(self.every)


@dataclass(frozen=True)
class Times:
    """Offer requests of a `kind` at exactly these moments [ms]."""

    kind: str
    at: tuple
    name: str = ""
    attributes: dict = field(default_factory=dict, hash=False)
    closed: ClassVar = False
    endless: ClassVar = False

    def __post_init__(self):
        _check_load(self)
        object.__setattr__(self, "at", tuple(sorted(duration(t, "each moment of Times") for t in self.at)))

    def offers(self, keyed):
        """Yield the moments [ms] of the offers in order."""
        yield from self.at


@dataclass(frozen=True)
class Closed:
    """Let `users` people ask for a `kind` again and again: think, ask, wait for the answer, think.

    `think` is a time [ms] or a distribution. Nobody asks after `until`; each asks at most `count` times.
    """

    kind: str
    users: int
    think: Empirical | Exponential | float = 0.0
    until: float | None = None
    count: int | None = None
    start: float = 0.0
    name: str = ""
    attributes: dict = field(default_factory=dict, hash=False)
    closed = True

    def __post_init__(self):
        _check_load(self)
        _check_window(self)
        if isinstance(self.users, bool) or not isinstance(self.users, int) or self.users < 1:
            raise ValueError(f"Closed needs a whole number of users, 1 or more, not {self.users!r}")
        object.__setattr__(self, "think", times(self.think, "think"))

    endless = property(_endless)
