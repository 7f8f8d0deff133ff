"""When there are enough seeds: how many are run at once, and the width at which it ends."""

from dataclasses import dataclass

from rehearsal.arguments import factor, whole
from rehearsal.errors import unknown
from rehearsal.experiments.intervals import check_interval, half_width

PATIENCE = 10  # seeds after which a point that has not given a single number is asked no more


@dataclass(frozen=True)
class HalfWidth:
    """Ask for more seeds until half the width of the interval of a metric is below a number.

    It is looked at after every `seeds` more, in the order of the seeds, never at what happens to be ready: so an
    experiment ends the same however it is executed. `most` seeds are the end all the same, and so are ten that failed
    or had no number, all of them. `between` names the parameter whose values are compared: then it is the width of
    their paired difference. Looking often and stopping at a lucky moment makes intervals a little too narrow: begin
    with ten seeds or more.

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

    def __post_init__(self):
        factor(self.below, "below of HalfWidth", 0)
        whole(self.most, "most of HalfWidth", 1)
        check_interval("t", self.level)

    def check(self, seeds, points):
        """Raise where this cannot be asked of an experiment with these seeds and points."""
        if len(seeds) > self.most:
            raise ValueError(f"until asks for {self.most} seeds at most, and seeds are {len(seeds)} to begin with")
        if self.between is None:
            return
        if self.between not in points[0].labels:
            raise ValueError(f"until compares {unknown('parameter', str(self.between), points[0].labels)}")
        if len({point.labels[self.between] for point in points}) < 2:
            raise ValueError(f"until compares between={self.between!r}, of which there is one value only")

    def groups(self, points):
        """Return lists of places of {place: point} that go on or end together: those compared, or each alone."""
        found: dict = {}
        for place, point in points.items():
            rest = tuple((name, value) for name, value in point.labels.items() if name != self.between)
            found.setdefault(rest if self.between else place, []).append(place)
        return list(found.values())

    def reached(self, group, seeds, found):
        """Return whether the runs of a group, {(place, seed): metrics}, are enough."""
        samples = self._samples(group, seeds, found)
        return all(half_width(sample, self.level) < self.below for sample in samples)

    def hopeless(self, group, seeds, found):
        """Return whether some of what is asked for has not been given a single number, after ten seeds or more."""
        samples = self._samples(group, seeds, found)
        return len(seeds) >= PATIENCE and any(all(x != x for x in sample) for sample in samples)

    def _samples(self, group, seeds, found):
        """Return what has to be narrow: the metric of a point alone, or the differences to the first of a group."""
        first, *others = ([_value(found.get((place, seed)), self.metric) for seed in seeds] for place in group)
        if self.between is None:
            return [first]
        return [[b - a for a, b in zip(first, other, strict=True)] for other in others]


def _value(outcome, metric):
    return outcome.get(metric, float("nan")) if isinstance(outcome, dict) else float("nan")


def rounds(points, seeds, until, found):
    """Yield the tasks (place, seed) of each round over {place: point}, all points at the first seed, then the next.

    So the pairs are complete, whenever it is interrupted. `found` fills up meanwhile with what is done.
    """
    yield [(place, seed) for seed in seeds for place in points]
    if until is None:
        return
    done, each = list(seeds), len(seeds)
    going = until.groups(points)
    while len(done) < until.most:
        going = [g for g in going if not until.reached(g, done, found) and not until.hopeless(g, done, found)]
        if not going:
            return
        start = max(done) + 1
        more = list(range(start, start + min(each, until.most - len(done))))
        yield [(place, seed) for seed in more for group in going for place in group]
        done += more


def given_up(points, until, found):
    """Return the labels of the points that were asked no more, since not one run had what is to be measured."""
    seeds = sorted({seed for _, seed in found})
    groups = until.groups(points) if until else []
    return [points[place].labels for group in groups if until.hopeless(group, seeds, found) for place in group]


def unmet(points, until, found):
    """Return the labels of the points that are still too wide: at `most` seeds, or where there is not one number."""
    if until is None:
        return []
    seeds = sorted({seed for _, seed in found})
    wide = [group for group in until.groups(points) if not until.reached(group, seeds, found)]
    return [points[place].labels for group in wide for place in group]
