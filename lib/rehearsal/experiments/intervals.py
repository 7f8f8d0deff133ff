"""Intervals from replications: the mean over the seeds and how far it can be trusted; differences in pairs.

Runs of one seed share their draws, so two systems are compared seed by seed: what the draws did to both cancels, and
the interval of the difference is much narrower than a comparison of two intervals.
"""

from math import fsum, isfinite, isnan, nan, sqrt
from typing import NamedTuple

from rehearsal.arguments import choice
from rehearsal.errors import unknown
from rehearsal.experiments.metrics import metric_of, parameters_of
from rehearsal.experiments.points import label
from rehearsal.experiments.tables import grouped, table

HOW = ("t", "bootstrap")


class Interval(NamedTuple):
    """Hold a mean, the ends of its interval (nan where one seed is all there is) and the number of seeds."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def differs(self):
        """Return whether 0 lies outside."""
        return self.low > 0 or self.high < 0


def interval(sample, how="t", level=0.95):
    """Return the interval of the mean of a sample of independent numbers; what is nan is left out, inf leaves no ends.

    "t": mean ± t(n − 1) × s / √n (Student). "bootstrap": the bias-corrected and accelerated one (Efron), which does not
    take the mean to be normal; its resamples are always the same ones.

    >>> mean, low, high, n = interval([10.0, 12.0, 14.0])
    >>> print(f"{mean:.1f} [{low:.1f}, {high:.1f}], {n}")
    12.0 [7.0, 17.0], 3
    """
    check_interval(how, level)
    sample = [x for x in sample if not isnan(x)]
    n, mean = len(sample), average(sample)
    if n < 2 or not isfinite(mean):
        return Interval(mean, nan, nan, n)
    if min(sample) == max(sample):
        return Interval(mean := float(sample[0]), mean, mean, n)
    if how == "t":
        half = _half(sample, mean, level)
        return Interval(mean, mean - half, mean + half, n)
    low, high = _bootstrap(sample, level)
    return Interval(mean, low, high, n)


def average(sample):
    """Return the mean of some numbers, nan where there is none.

    >>> average([1, 2]), average([1.0, float("inf")]), average([])
    (1.5, inf, nan)
    """
    if not sample:
        return nan
    return (fsum(sample) if all(map(isfinite, sample)) else sum(sample)) / len(sample)


def check_interval(how, level):
    """Raise where there is no such kind of interval, or its level is no share."""
    choice(how, "how", HOW)
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise ValueError(f"level is a share such as 0.95, not {level!r}")


def _half(sample, mean, level):
    from scipy.stats import t

    n = len(sample)
    spread = sqrt(fsum((x - mean) ** 2 for x in sample) / (n - 1))
    return float(t.ppf((1 + level) / 2, n - 1)) * spread / sqrt(n)


def _bootstrap(sample, level):
    import numpy as np
    from scipy.stats import bootstrap

    found = bootstrap((sample,), np.mean, confidence_level=level, rng=np.random.default_rng(0)).confidence_interval
    return float(found.low), float(found.high)


def half_width(sample, level=0.95):
    """Return half the width of the t-interval of a sample; inf where there is none."""
    found = interval(sample, "t", level)
    return (found.high - found.low) / 2 if found.n > 1 else float("inf")


def intervals(frame, metric, by=None, how="t", level=0.95):
    """Return the mean of a metric over the seeds with its interval, a row a point: mean, low, high, n.

    `by` names the parameters that tell the points apart, by itself all of them. The seeds are the replications: where
    `by` leaves parameters out, their values are averaged within each seed first, of those seeds that have all of them.

    >>> from rehearsal.experiments import sweep
    >>> frame = sweep(lambda seed, hops: 10 * hops + seed, {"hops": [1, 2]}, seeds=3)
    >>> print(intervals(frame, "value", by="hops").round(1).to_string(index=False))
     hops  mean  low  high  n
        1  11.0  8.5  13.5  3
        2  21.0 18.5  23.5  3
    """
    metric = metric_of(frame, metric)
    names = _columns(frame, by)
    groups = grouped(frame, names)
    return _table([*groups], [interval(by_seed(part, metric).values(), how, level) for part in groups.values()], names)


def paired(frame, metric, between="style", base=None, how="t", level=0.95):
    """Return at each point how much the values of the parameter `between` differ in a metric, paired by seed.

    Each value is compared with `base` (by itself the first): the difference is its metric minus that of the base, of
    the seeds that both have. The columns are the other parameters, the `difference` in words, mean, low, high, n, and
    whether it `differs`: whether 0 is outside of the interval.

    >>> from rehearsal.experiments import sweep
    >>> def recipe(seed, style): return 100 * seed + (2 if style == "bus" else 0) + seed % 2
    >>> frame = sweep(recipe, {"style": ["calls", "bus"]}, seeds=4)
    >>> intervals(frame, "value", by="style")["low"].round(1).tolist()  # one by one, nothing could be told
    [-55.3, -53.3]
    >>> print(paired(frame, "value", between="style").to_string(index=False))
     difference  mean  low  high  n  differs
    bus − calls   2.0  2.0   2.0  4     True
    """
    metric = metric_of(frame, metric)
    parameters = parameters_of(frame)
    if between not in parameters:
        raise ValueError(unknown("parameter", str(between), parameters))
    first, others = _rivals(frame, between, base)
    names = [name for name in parameters if name != between]
    check_columns(names, ("difference", "differs"))
    keys, found = [], []
    for key, part in grouped(frame, names).items():
        sides = {value: alone(rows, metric) for (value,), rows in grouped(part, [between]).items()}
        for other in others:
            differences = [b - a for a, b in pairs(sides.get(first, {}), sides.get(other, {}))]
            keys.append((*key, f"{other} − {first}"))
            found.append(interval(differences, how, level))
    return _table(keys, found, [*names, "difference"]).assign(differs=[each.differs for each in found])


def alone(rows, metric):
    """Return {seed: metric} of the runs of one system at one point, or say that they are of several."""
    found = dict(zip(rows["seed"], rows[metric], strict=True))
    if len(found) < len(rows):
        raise ValueError("a seed stands twice at one point, and pairs are of single runs: is a parameter left out?")
    return found


def pairs(one, other):
    """Return the two numbers of each seed that both {seed: number} have, in the order of the first."""
    return [(one[seed], other[seed]) for seed in one if seed in other]


def by_seed(rows, metric):
    """Return {seed: mean of its metric}; nan where a seed lacks some of the points that others have."""
    seeds: dict = {}
    for seed, value in zip(rows["seed"], rows[metric], strict=True):
        seeds.setdefault(seed, []).append(value)
    most = max(map(len, seeds.values()), default=0)
    return {seed: average(values) if len(values) == most else nan for seed, values in seeds.items()}


def _rivals(frame, between, base):
    values = [value for (value,) in grouped(frame, [between])]
    first = values[0] if base is None and values else label(base)
    if first not in values:
        raise ValueError(f"base {first!r} is no value of {between!r}: {', '.join(map(str, values))}")
    if len(values) < 2:
        raise ValueError(f"nothing to compare: all runs have {between} = {first}")
    return first, [value for value in values if value != first]


def _columns(frame, by):
    parameters = parameters_of(frame)
    names = parameters if by is None else [by] if isinstance(by, str) else list(by)
    for name in names:
        if name not in parameters:
            raise ValueError(unknown("parameter", str(name), parameters))
    return names


def _table(keys, found, names):
    check_columns(names)
    columns = {name: [key[i] for key in keys] for i, name in enumerate(names)}
    return table(columns | {name: [getattr(each, name) for each in found] for name in Interval._fields})


def check_columns(names, more=()):
    """Raise where a name is that of another column of a table of intervals: one of the two would be lost."""
    for name in names:
        if name in (*Interval._fields, *more):
            raise ValueError(f"{name!r} is a column of its own in a table of intervals: call yours otherwise")
