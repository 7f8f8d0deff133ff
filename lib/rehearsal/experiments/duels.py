"""Two systems at one point: which is better in a metric, by their paired difference, or that no difference is told."""

from typing import NamedTuple

from rehearsal.experiments.intervals import Interval, alone, average, check_interval, interval, pairs
from rehearsal.experiments.metrics import direction, metric_of
from rehearsal.experiments.points import Point, labelled, points, single
from rehearsal.experiments.runs import Runs, options
from rehearsal.experiments.tables import grouped

NOBODY = "no difference"


class Duel(NamedTuple):
    """Hold what is compared and how: the parameter, its two values {label: value}, the metric, and what decides.

    A difference is the second minus the first. `sign` is 1 where less is better, -1 where more is.
    """

    parameter: str
    values: dict
    metric: str
    sign: int
    matters: float = 0.0
    how: str = "t"
    level: float = 0.95

    @property
    def names(self):
        """Return the two labels."""
        return [*self.values]

    def winner(self, found):
        """Return who is better by an interval of the difference, or that there is no difference.

        There is none where 0 is within the interval, or the difference is smaller than what `matters`.
        """
        if not found.differs or abs(found.mean) < self.matters:
            return NOBODY
        return self.names[0] if found.mean * self.sign > 0 else self.names[1]


class Meeting(NamedTuple):
    """Hold how two systems did at one point: their means and the interval of the difference, over the seeds of both."""

    means: list
    found: Interval


def duel(between, metric, better=None, matters=0.0, how="t", level=0.95):
    """Return a Duel of `between` = (parameter, one value, the other), or say what is wrong with it."""
    if not isinstance(between, tuple | list) or len(between) != 3 or not isinstance(between[0], str):
        wanted = '(parameter, one, other) such as ("style", orchestrate, choreograph)'
        raise ValueError(f"between is {wanted}, not {between!r}")
    check_interval(how, level)
    if isinstance(matters, bool) or not isinstance(matters, int | float) or not matters >= 0:
        raise ValueError(f"matters is the least difference that counts, 0 or more, not {matters!r}")
    parameter, *values = between
    values = labelled(values, parameter)
    return Duel(parameter, values, metric, direction(metric, better), matters, how, level)


class Arena:
    """Let two systems meet at the points of some grids, with the options and further parameters that `more` has."""

    def __init__(self, recipe, rivals, seeds, more):
        how, fixed = options(more)
        self.rivals, self.runs = rivals, Runs(recipe, seeds, rivals.metric, **how)
        self.sides = points(single(fixed) | {rivals.parameter: rivals.values})

    def add(self, *grids):
        """Do the runs of both systems over some more grids, each point once."""
        found: dict = {}
        for place in (place for grid in grids for place in points(grid)):
            for side in self.sides:
                twice = [name for name in place.values if name in side.values]
                if twice:
                    raise ValueError(f"{twice[0]!r} is said twice")
                labels = {**place.labels, **side.labels}
                found.setdefault(tuple(labels.items()), Point({**place.values, **side.values}, labels))
        self.runs.add([*found.values()])

    def meetings(self, names):
        """Return {values of the parameters `names`: Meeting}, without the points at which the two never met."""
        return meetings(self.runs.table(), self.rivals, names)


def meetings(frame, rivals, names):
    """Return {values of the parameters `names`: Meeting} of a frame of both systems."""
    if not len(frame):  # interrupted before anything was done
        return {}
    metric = metric_of(frame, rivals.metric)
    sides: dict = {}
    for (*at, name), rows in grouped(frame, [*names, rivals.parameter]).items():
        sides.setdefault(tuple(at), {})[name] = alone(rows, metric)
    one, other = rivals.names
    both = {at: pairs(side.get(one, {}), side.get(other, {})) for at, side in sides.items()}
    return {at: _meeting(met, rivals) for at, met in both.items() if met}


def _meeting(met, rivals):
    met = [(a, b) for a, b in met if a == a and b == b]
    means = [average(side) for side in zip(*met, strict=True)] or [average([])] * 2
    return Meeting(means, interval([b - a for a, b in met], rivals.how, rivals.level))
