"""The search itself: the calm run, every single fault in a fixed order, then schedules of several, drawn and shrunk."""

import warnings
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from io import StringIO
from math import inf
from typing import Any

from rehearsal.arguments import whole
from rehearsal.breaches import mark, several, title, watched
from rehearsal.effects import usual
from rehearsal.engine import run
from rehearsal.errors import DesignWarning, unknown
from rehearsal.experiments.bar import bar
from rehearsal.faults import Fault
from rehearsal.search.findings import Covered, Finding, Nothing, lasting
from rehearsal.search.moments import DOWN, LATE, catalogue
from rehearsal.search.schedules import drawn, every, length, number, shrunk
from rehearsal.units import minute

PATIENCE = 10 * minute  # how long a struck run may go on after the calm one, and its longest fault, are over [ms]
WIDE = partial(catalogue, down=DOWN, late=LATE)  # what a search tries where nothing is said


def break_it(
    system, load, invariants, *, faults=None, most=1, runs=1000, seed=0, until=None, expects=None, exhaustive=True,
    progress=True,
):  # fmt: skip
    """Search for the smallest schedule of faults under which an invariant does not hold: a `Finding`, or `Nothing`.

    `faults` is a catalogue: a list of faults, or a function of the calm run that returns one (`catalogue`; without, all
    its moments, each node down for each of `DOWN`, each message late by each of `LATE` [ms]). First comes the calm run;
    then, if `exhaustive`, every single fault in the order of the catalogue; then schedules of up to `most` faults: all
    of them where they can be run, else drawn by hypothesis. What breaks is shrunk to the fewest faults and the shortest
    that break it. `runs` limits all runs; the result says what was tried. `until` [ms] cuts each run, ten minutes after
    the calm one and its longest fault if nothing is said. `expects` is for the invariants, see `effects.expected`; a
    hand-written system should do what its calm run does. It is a pure function of its arguments; a few requests are
    enough of a load, and keep it quick.
    """
    asked = several(invariants)
    whole(runs, "runs of a search", 1)
    whole(most, "most of a search", 0)
    calm = run(system, load, seed=seed, until=until)
    atoms = _atoms(calm, WIDE if faults is None else faults)
    _doubt(calm, asked)
    told = usual(calm) if expects is None else expects
    hunt = Hunt(Trial(calm.system, calm.loads, asked, seed, _end(calm, atoms, until), told), runs)
    with bar(progress, f"breaking {system.name}") as shown:
        shown.total = min(runs, sum(number(atoms, size) for size in range(most + 1)))
        hunt.tick = shown.update
        found = hunt.search(atoms, most, exhaustive)
    covered = tuple(Covered(size, number(atoms, size), hunt.tried(size)) for size in range(most + 1))
    if found is None:
        return Nothing(system.name, tuple(map(title, asked)), covered, lasting(atoms))
    return Finding(system.name, found, hunt.breach(found), covered, lasting(atoms), hunt.trial)


def under_each(system, load, *, faults=None, seed=0, until=None):
    """Return {fault: run} for every single fault of a catalogue, in its order: the census of all of them is a sum."""
    calm = run(system, load, seed=seed, until=until)
    atoms, found = _atoms(calm, catalogue if faults is None else faults), {}
    until, told = _end(calm, atoms, until), usual(calm)
    for fault in atoms:
        found[fault] = run(system, calm.loads, seed=seed, until=until, faults=fault)
        found[fault].expects = told
    return found


def _atoms(calm, faults):
    """Return the faults of a catalogue, each once, or say what is wrong with it."""
    listed = faults(calm) if callable(faults) and not isinstance(faults, type) else faults
    many = hasattr(listed, "__iter__") and not isinstance(listed, type | str)
    atoms = list(listed) if many else [listed]
    for fault in atoms:
        if not isinstance(fault, Fault):
            such = "faults=lambda calm: catalogue(calm, kinds=Crash), or [Crash('payment', at=90 * sec)]"
            raise TypeError(f"a catalogue is a list of faults, or a function of the calm run: {such}; not {fault!r}")
    return tuple(dict.fromkeys(atoms))  # who lists a fault twice means one


def _end(calm, atoms, until):
    """Return when a struck run is cut: where nothing is said, once the longest fault is over and long after."""
    longest = max((time for time in map(length, atoms) if time < inf), default=0.0)
    return calm.ended + longest + PATIENCE if until is None else until


def _doubt(calm, invariants):
    """Warn of an invariant that nothing can break, since nobody has the effects of which it speaks."""
    there = {one.name for one in calm.effects} | set(getattr(calm.system.process, "steps", ()))
    for invariant in invariants:
        for name in sorted(set(mark(invariant, "effects") or ()) - there):
            words = f"{title(invariant)!r} says nothing of {calm.system.name}: {unknown('effect', name, there)}"
            warnings.warn_explicit(words, DesignWarning, calm.system.name, 1, registry=_warned)


_warned: dict = {}  # each sentence once a session


@dataclass(frozen=True)
class Trial:
    """Hold all that a struck run is made of, but the faults, and say what breaks under them."""

    system: Any
    load: Any
    invariants: tuple
    seed: int
    until: float
    expects: Any

    def breach(self, faults):
        """Return the first breach under these faults, or None."""
        how = {"seed": self.seed, "until": self.until, "faults": faults, "expects": self.expects}
        with redirect_stderr(StringIO()):  # what a handler raises is shown once a run, and here are hundreds
            _, breaches = watched(self.system, self.load, self.invariants, **how)
        return breaches[0] if breaches else None


class Hunt:
    """Hold the schedules that were tried, and what broke under them; none is run twice, and no more than `runs`."""

    def __init__(self, trial, runs):
        self.trial, self.runs = trial, runs
        self.known: dict = {}
        self.tick = lambda: None

    @property
    def left(self):
        """Return how many runs are left."""
        return self.runs - len(self.known)

    def search(self, atoms, most, exhaustive):
        """Return the smallest schedule of up to `most` of these faults that breaks something, or None."""
        found = self.first([()])
        if found is None and exhaustive:
            found = self.first((fault,) for fault in atoms)
        sizes = range(2 if exhaustive else 1, most + 1)
        there = sum(number(atoms, size) for size in sizes)
        if found is None and 0 < there <= self.left:
            found = self.first(chosen for size in sizes for chosen in every(atoms, size))
        elif found is None and there and self.left:
            found = drawn(atoms, sizes, self.left, self.trial.seed, self.fails)
        return found and shrunk(found, atoms, self.fails)

    def breach(self, schedule):
        """Return the first breach under a schedule of faults, or None; also where there is no run left to try it."""
        if schedule not in self.known and self.left:
            self.known[schedule] = self.trial.breach(schedule)
            self.tick()
        return self.known.get(schedule)

    def fails(self, schedule):
        """Return whether something is known to break under a schedule."""
        return self.breach(schedule) is not None

    def first(self, schedules):
        """Return the first of these schedules that breaks something, or None."""
        return next(filter(self.fails, schedules), None)

    def tried(self, size):
        """Return how many schedules of so many faults were tried."""
        return sum(len(schedule) == size for schedule in self.known)
