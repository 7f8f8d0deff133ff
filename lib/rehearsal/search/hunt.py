"""The search itself: the calm run, every single fault in a fixed order, then schedules of several, drawn and shrunk."""

from contextlib import redirect_stderr
from io import StringIO

from rehearsal.engine import run
from rehearsal.experiments.bar import bar
from rehearsal.invariants import watched
from rehearsal.search.findings import Covered, Finding, Nothing
from rehearsal.search.moments import catalogue
from rehearsal.search.schedules import drawn, every, number
from rehearsal.units import minute

PATIENCE = 10 * minute  # how long a struck run may go on after the calm one is over [ms]


def break_it(
    system, load, invariants, *, faults=None, most=1, runs=1000, seed=0, until=None, expects=None, exhaustive=True,
    progress=True,
):  # fmt: skip
    """Search for the smallest schedule of faults under which an invariant does not hold: a `Finding`, or `Nothing`.

    `faults` is a catalogue: a list of faults, or a function of the calm run that returns one (`catalogue`: all its
    moments). First comes the calm run; then, if `exhaustive`, every single fault in the order of the catalogue; then
    schedules of up to `most` faults: all of them where `runs` (the budget for those) suffices, else drawn by hypothesis
    and shrunk. `until` [ms] cuts each run, ten minutes after the end of the calm one if nothing is said. `expects` is
    for the invariants, see `effects.expected`; a hand-written system should do what its calm run does. It is a pure
    function of its arguments; a few requests are enough of a load, and keep it quick.
    """
    calm = run(system, load, seed=seed, until=until)
    atoms = tuple(_atoms(calm, faults))
    hunt = Hunt(calm, invariants, until, expects)
    with bar(progress, f"breaking {system.name}") as shown:
        shown.total = (len(atoms) if exhaustive else 0) + (runs if most > 1 or not exhaustive else 0)
        hunt.tick = shown.update
        found = hunt.first([()])
        if found is None and exhaustive:
            found = hunt.first((fault,) for fault in atoms)
        sizes = range(2 if exhaustive else 1, most + 1)
        for_all = sum(number(atoms, size) for size in sizes)
        if found is None and 0 < for_all <= runs:
            found = hunt.first(chosen for size in sizes for chosen in every(atoms, size))
        elif found is None and for_all:
            found = drawn(atoms, sizes, runs, seed, lambda chosen: hunt.breach(chosen) is not None)
    covered = tuple(Covered(size, number(atoms, size), hunt.tried(size)) for size in range(most + 1))
    if found is None:
        return Nothing(system.name, hunt.names, covered)
    return Finding(system.name, found, hunt.breach(found), covered)


def under_each(system, load, *, faults=None, seed=0, until=None):
    """Return {fault: run} for every single fault of a catalogue, in its order: the census of all of them is a sum."""
    calm = run(system, load, seed=seed, until=until)
    loads, until = calm.loads, _end(calm, until)
    return {f: run(system, loads, seed=seed, until=until, faults=f) for f in _atoms(calm, faults)}


def _atoms(calm, faults):
    faults = catalogue if faults is None else faults
    return dict.fromkeys(faults(calm) if callable(faults) else faults)  # who lists a fault twice means one


def _end(calm, until):
    return calm.ended + PATIENCE if until is None else until


class Hunt:
    """Hold the schedules that were tried, and what broke under them; none is run twice."""

    def __init__(self, calm, invariants, until, expects):
        self.calm, self.invariants = calm, (invariants,) if callable(invariants) else tuple(invariants)
        self.until, self.expects = _end(calm, until), _usual(calm) if expects is None else expects
        self.known: dict = {}
        self.tick = lambda: None

    @property
    def names(self):
        """Return the names of the invariants."""
        return tuple(getattr(one, "__name__", repr(one)).replace("_", " ") for one in self.invariants)

    def breach(self, schedule):
        """Return the first breach under a schedule of faults, or None."""
        if schedule not in self.known:
            how = {"seed": self.calm.seed, "until": self.until, "faults": schedule, "expects": self.expects}
            with redirect_stderr(StringIO()):  # what a handler raises is shown once a run, and here are hundreds
                _, breaches = watched(self.calm.system, self.calm.loads, self.invariants, **how)
            self.known[schedule] = breaches[0] if breaches else None
            self.tick()
        return self.known[schedule]

    def first(self, schedules):
        """Return the first of these schedules that breaks something, or None."""
        return next((schedule for schedule in schedules if self.breach(schedule) is not None), None)

    def tried(self, size):
        """Return how many schedules of so many faults were tried."""
        return sum(len(schedule) == size for schedule in self.known)


def _usual(calm):
    """Return what a request of a hand-written system should have: what those of its kind have in the calm run."""
    if calm.system.process is not None:
        return None
    names: dict = {}
    for one in calm.effects:
        if one.amount > 0:
            names.setdefault(calm.table.kinds[calm.table.kind[one.request]], set()).add(one.name)
    return lambda payload: names.get(payload.kind, ())
