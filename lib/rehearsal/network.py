"""What can go wrong on the way, as data: a link that drops, delays, repeats or shuffles messages, and a partition.

A message is struck if it is sent inside the window. A link is named by its two ends, such as ("orders", "payment").
"""

from dataclasses import dataclass
from math import inf
from typing import Any

from rehearsal.arguments import choice, name_of, parts, share
from rehearsal.draws import Distribution, times
from rehearsal.faults import Fault
from rehearsal.units import duration, pretty

WAYS = ("both", "there", "back")


class LinkFault(Fault):
    """Hold what faults of a link share: its two ends, and whether messages there, back, or both ways are struck."""

    link: Any
    ways: str

    def __post_init__(self):
        if len(parts(self.link)) != 2:
            raise ValueError(f"a link has two ends, such as ('orders', 'payment'), not {self.link!r}")
        object.__setattr__(self, "link", tuple(name_of(end) for end in parts(self.link)))
        choice(self.ways, f"ways of {type(self).__name__}", WAYS)
        self.check_window()
        share(getattr(self, "rate", 1.0), f"the rate of {type(self).__name__}")

    struck = property(lambda self: self.link)

    def strikes(self, source, target):
        """Return whether messages from `source` to `target` are struck."""
        there, back = (source, target) == self.link, (target, source) == self.link
        return (there and self.ways != "back") or (back and self.ways != "there")


@dataclass(frozen=True)
class Drop(LinkFault):
    """Lose a share `rate` of the messages on a link: a call until its time-out, an event for good.

    A delivery that is lost comes again, as a broker sends again what nobody acknowledged.
    """

    link: tuple
    rate: float = 1.0
    at: float = 0.0
    lasting: float = inf
    ways: str = "both"

    verb = property(lambda self: f"loses {100 * self.rate:.3g}%")


@dataclass(frozen=True)
class Delay(LinkFault):
    """Add `by` [ms or a distribution] to each hop on a link."""

    link: tuple
    by: Distribution
    at: float = 0.0
    lasting: float = inf
    ways: str = "both"

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "by", times(self.by, "by of Delay"))

    verb = property(lambda self: f"{pretty(self.by.mean)} later")


@dataclass(frozen=True)
class Duplicate(LinkFault):
    """Let a share `rate` of the requests, events and commands on a link arrive twice, one right after the other."""

    link: tuple
    rate: float = 1.0
    at: float = 0.0
    lasting: float = inf
    ways: str = "both"

    verb = property(lambda self: f"{100 * self.rate:.3g}% twice")


@dataclass(frozen=True)
class Reorder(LinkFault):
    """Keep a share `rate` of the messages back for up to `within` [ms], so that later ones overtake them."""

    link: tuple
    within: float
    rate: float = 1.0
    at: float = 0.0
    lasting: float = inf
    ways: str = "both"

    def __post_init__(self):
        super().__post_init__()
        duration(self.within, "within of Reorder", positive=True)

    verb = "out of order"


@dataclass(frozen=True)
class Partition(Fault):
    """Cut the network between groups of nodes; who is in no group reaches everybody.

    Calls and replies across the cut are lost, and nobody is told. What goes to a durable broker, or from there, waits
    where it is and goes on when the cut is healed.
    """

    groups: tuple
    at: float
    lasting: float = inf

    def __post_init__(self):
        if len(parts(self.groups)) < 2:
            raise ValueError(f"a partition has two groups or more, such as (('a',), ('b',)), not {self.groups!r}")
        groups = tuple(tuple(name_of(n) for n in (parts(g) or [g])) for g in parts(self.groups))
        object.__setattr__(self, "groups", groups)
        self.check_window()
        twice = [n for n in self.struck if self.struck.count(n) > 1]
        if twice:
            raise ValueError(f"{twice[0]} is in two groups of the partition: {groups!r}")

    struck = property(lambda self: tuple(name for group in self.groups for name in group))

    label = property(lambda self: " | ".join(", ".join(group) for group in self.groups))

    def strikes(self, source, target):
        """Return whether the cut is between two nodes."""
        sides = [[name in group for group in self.groups] for name in (source, target)]
        return any(sides[0]) and any(sides[1]) and sides[0] != sides[1]
