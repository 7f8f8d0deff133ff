"""What a search found: the faults that break an invariant, or nothing, and what was covered."""

from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from rehearsal.network import Delay
from rehearsal.search.moments import INSTANT, paste
from rehearsal.search.schedules import length
from rehearsal.units import pretty

WORDS = ("no fault", "one fault", "two faults", "three faults", "four faults")


class Covered(NamedTuple):
    """Say of the schedules of so many `faults` how many there are, and how many were tried.

    >>> print(Covered(1, 90, 90), "and", Covered(2, 4005, 200))
    all 90 with one fault and 200 of 4,005 with two faults
    """

    faults: int
    schedules: int
    tried: int

    def __str__(self):
        size = WORDS[self.faults] if self.faults < len(WORDS) else f"{self.faults} faults"
        which = f"all {self.schedules:,}" if self.tried == self.schedules else f"{self.tried:,} of {self.schedules:,}"
        return f"{which} with {size}"


def lasting(faults):
    """Say how long faults last that are not over at once, and by how much they delay: (words, …).

    >>> from rehearsal import Crash, Drop
    >>> lasting([Crash("a", at=0, lasting=1000), Drop(("a", "b"), at=0, lasting=INSTANT), Delay(("a", "b"), 60_000)])
    ('lasting 1 s', 'late by 60 s')
    """
    down = sorted({length(f) for f in faults if not isinstance(f, Delay)} - {INSTANT})
    late = sorted({length(f) for f in faults if isinstance(f, Delay)})
    return tuple(f"{word} {_or(times)}" for word, times in (("lasting", down), ("late by", late)) if times)


def _or(times):
    words = [pretty(time) if time < inf else "for ever" for time in times]
    if len(words) > 3:
        return f"{words[0]} to {words[-1]} ({len(words)} lengths)"
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


class Result:
    """Hold what every search ends with: its coverage, and how long the faults of its catalogue last (`lengths`)."""

    covered: tuple
    lengths: tuple

    @property
    def coverage(self):
        """Return a frame with a row a number of faults: how many schedules there are, how many were tried."""
        import pandas as pd

        return pd.DataFrame(self.covered, columns=Covered._fields).set_index("faults")

    @property
    def runs(self):
        """Return how many runs the search made."""
        return sum(one.tried for one in self.covered)


@dataclass(frozen=True, repr=False)
class Finding(Result):
    """Hold the smallest schedule of faults that breaks an invariant, and the run in which it does.

    `faults` are data that reproduce it with the same system, `load`, `seed`, `until` (where its run was cut [ms]) and
    `expects`: `again()` does so, `paste` is their text. `invariant`, what is `said`, of which `request` (its row), `at`
    which moment [ms], and after which message (`span`) of its `run`.
    """

    system: str
    faults: tuple
    breach: Any
    covered: tuple = field(compare=False)
    lengths: tuple = field(compare=False)
    trial: Any = field(compare=False)

    invariant = property(lambda self: self.breach.invariant)
    said = property(lambda self: self.breach.said)
    request = property(lambda self: self.breach.request)
    at = property(lambda self: self.breach.at)
    span = property(lambda self: self.breach.span)
    run = property(lambda self: self.breach.run)
    load = property(lambda self: self.trial.load)
    seed = property(lambda self: self.trial.seed)
    until = property(lambda self: self.trial.until)
    expects = property(lambda self: self.trial.expects)
    paste = property(lambda self: paste(self.faults))

    def again(self):
        """Run the system under these faults once more, as the search did, and return the `Breach`."""
        return self.trial.breach(self.faults)

    def __bool__(self):
        return True

    def __repr__(self):
        after = f"after {self.paste}" if self.faults else "without any fault"
        return f"Found in {self.system}, run {self.runs:,}: {self.said} ({self.invariant}) at {pretty(self.at)} {after}"


@dataclass(frozen=True, repr=False)
class Nothing(Result):
    """Say that no schedule of faults that was tried breaks an invariant; it counts as false.

    It speaks of all single faults only where all were tried, and only of faults that last as long as `lengths` say.
    """

    system: str
    invariants: tuple
    covered: tuple
    lengths: tuple

    def __bool__(self):
        return False

    def __repr__(self):
        held = f"{len(self.invariants)} invariants hold" if len(self.invariants) > 1 else f"{self.invariants[0]} holds"
        tried = [str(one) for one in self.covered if one.faults and one.schedules]
        words = f"in {', '.join(tried)}" if tried else "without any fault"
        long = f" ({'; '.join(self.lengths)})" if tried and self.lengths else ""
        return f"Nothing found in {self.system}: {held} {words}{long}"
