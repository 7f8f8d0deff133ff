"""When there are enough seeds: how many are run at once, and the width at which it ends."""

from typing import NamedTuple

from rehearsal.experiments.points import label


class HalfWidth(NamedTuple):
    """Ask for more seeds until half the width of the interval of a metric is below a number.

    It is looked at after every `seeds` more, in the order of the seeds, never at what happens to be ready: so an
    experiment ends the same however it is executed. `most` seeds are the end all the same. `between` names the
    parameter whose values are compared: then it is the width of their paired difference. Looking often and stopping at
    a lucky moment makes intervals a little too narrow: begin with ten seeds or more.

    >>> from rehearsal.experiments import replicate
    >>> frame = replicate(lambda seed: seed % 5, seeds=10, until=HalfWidth("value", below=0.5))
    >>> len(frame), frame.attrs["unmet"]
    (40, [])
    """

    metric: str
    below: float
    most: int = 200
    level: float = 0.95
    between: str | None = None

    def groups(self, points):
        """Return lists of places of points that go on or end together: those that are compared, or each alone."""
        found: dict = {}
        for place, point in enumerate(points):
            rest = tuple((k, str(label(v))) for k, v in point.labels.items() if k != self.between)
            found.setdefault(rest if self.between else place, []).append(place)
        return list(found.values())

    def reached(self, group, seeds, found):
        """Return whether the runs of a group, {(place, seed): metrics}, are enough."""
        from rehearsal.experiments.intervals import half_width

        columns = [[_value(found.get((place, seed)), self.metric) for seed in seeds] for place in group]
        if self.between is None:
            return half_width(columns[0], self.level) < self.below
        first, *others = columns
        differences = [[b - a for a, b in zip(first, other, strict=True)] for other in others]
        return all(half_width(each, self.level) < self.below for each in differences)


def _value(outcome, metric):
    from rehearsal.errors import unknown

    if not isinstance(outcome, dict):
        return float("nan")
    if metric not in outcome:
        raise ValueError(unknown("metric", metric, outcome))
    return outcome[metric]


def rounds(points, seeds, until, found):
    """Yield the tasks (place, seed) of each round, all points at the first seed, then all at the next.

    So the pairs are complete, whenever it is interrupted. `found` fills up meanwhile with what is done.
    """
    places = range(len(points))
    yield [(place, seed) for seed in seeds for place in places]
    if until is None:
        return
    if until.between is not None and until.between not in points[0].labels:
        raise ValueError(f"until compares between={until.between!r}, which is no parameter here")
    done, each = list(seeds), len(seeds)
    going = until.groups(points)
    while len(done) < until.most:
        going = [group for group in going if not until.reached(group, done, found)]
        if not going:
            return
        start = max(done) + 1
        more = list(range(start, start + min(each, until.most - len(done))))
        yield [(place, seed) for seed in more for group in going for place in group]
        done += more


def unmet(points, until, found):
    """Return the labels of the points that had `most` seeds and are still too wide."""
    if until is None:
        return []
    seeds = sorted({seed for _, seed in found})
    wide = [group for group in until.groups(points) if not until.reached(group, seeds, found)]
    return [points[place].labels for group in wide for place in group]
