"""Two systems at one point: which is better in a metric, by their paired difference, or that no difference is told."""

from typing import NamedTuple

from rehearsal.experiments.intervals import Interval, interval
from rehearsal.experiments.metrics import direction, metric_of
from rehearsal.experiments.points import Point, label, labelled, points
from rehearsal.experiments.sweeps import gather, options

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
    """Hold how two systems did at one point: their means, the interval of the difference, and that of each seed."""

    means: list
    found: Interval
    differences: dict


def duel(between, metric, better=None, matters=0.0, how="t", level=0.95):
    """Return a Duel of `between` = (parameter, one value, the other), or say what is wrong with it."""
    if not isinstance(between, tuple | list) or len(between) != 3 or not isinstance(between[0], str):
        wanted = '(parameter, one, other) such as ("style", orchestrate, choreograph)'
        raise ValueError(f"between is {wanted}, not {between!r}")
    parameter, *values = between
    values = labelled(values, parameter)
    return Duel(parameter, values, metric, direction(metric, better), matters, how, level)


def meet(recipe, duel, grids, seeds, more):
    """Return the frame of both systems over some grids, where `more` has options of `sweep` and further parameters."""
    how, fixed = options(more)
    alone = points({name: {label(value): value} for name, value in fixed.items()} | {duel.parameter: duel.values})
    found: dict = {}
    for place in (place for grid in grids for place in points(grid)):
        for rival in alone:
            twice = [name for name in place.values if name in rival.values]
            if twice:
                raise ValueError(f"{twice[0]!r} is said twice")
            labels = {**place.labels, **rival.labels}
            found.setdefault(tuple(labels.items()), Point({**place.values, **rival.values}, labels))
    return gather(recipe, [*found.values()], seeds, **how)


def met(frame, duel, at=None):
    """Return the Meeting of the two systems at a point {parameter: label} of their frame; None where they never met."""
    metric = metric_of(frame, duel.metric)
    for name, value in (at or {}).items():
        frame = frame[frame[name] == value]
    sides = [frame[frame[duel.parameter] == name].set_index("seed")[metric] for name in duel.names]
    both = [seed for seed in sides[0].index if seed in sides[1].index]
    if not both:
        return None
    differences = {seed: sides[1][seed] - sides[0][seed] for seed in both}
    means = [float(side[both].mean()) for side in sides]
    return Meeting(means, interval(differences.values(), duel.how, duel.level), differences)
