"""What a search found: the faults that break an invariant, or nothing, and what was covered."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rehearsal.search.moments import paste
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


class Result:
    """Hold what every search ends with: its coverage."""

    covered: tuple

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

    `faults` are data that reproduce it with the same system, load and seed; `paste` is their text. `invariant`, what is
    `said`, of which `request` (its row), `at` which moment [ms], and after which message (`span`) of its `run`.
    """

    system: str
    faults: tuple
    breach: Any
    covered: tuple = field(compare=False)

    invariant = property(lambda self: self.breach.invariant)
    said = property(lambda self: self.breach.said)
    request = property(lambda self: self.breach.request)
    at = property(lambda self: self.breach.at)
    span = property(lambda self: self.breach.span)
    run = property(lambda self: self.breach.run)
    paste = property(lambda self: paste(self.faults))

    def __bool__(self):
        return True

    def __repr__(self):
        after = f"after {self.paste}" if self.faults else "without any fault"
        return f"Found in {self.system}, run {self.runs:,}: {self.said} ({self.invariant}) at {pretty(self.at)} {after}"


@dataclass(frozen=True, repr=False)
class Nothing(Result):
    """Say that no schedule of faults that was tried breaks an invariant; it counts as false."""

    system: str
    invariants: tuple
    covered: tuple

    def __bool__(self):
        return False

    def __repr__(self):
        held = f"{len(self.invariants)} invariants hold" if len(self.invariants) > 1 else f"{self.invariants[0]} holds"
        tried = ", ".join(str(one) for one in self.covered if one.faults)
        return f"Nothing found in {self.system}: {held} in {tried}"
