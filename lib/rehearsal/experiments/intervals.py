"""Intervals from replications: the mean over the seeds and how far it can be trusted; differences in pairs.

Runs of one seed share their draws, so two systems are compared seed by seed: what the draws did to both cancels, and
the interval of the difference is much narrower than a comparison of two intervals.
"""

from math import fsum, isnan, nan, sqrt
from typing import NamedTuple

from rehearsal.arguments import choice
from rehearsal.errors import unknown
from rehearsal.experiments.metrics import metric_of, parameters_of
from rehearsal.experiments.points import label

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
    """Return the interval of the mean of a sample of independent numbers; what is nan is left out.

    "t": mean ± t(n − 1) × s / √n (Student). "bootstrap": the bias-corrected and accelerated one (Efron), which does not
    take the mean to be normal; its resamples are always the same ones.

    >>> mean, low, high, n = interval([10.0, 12.0, 14.0])
    >>> print(f"{mean:.1f} [{low:.1f}, {high:.1f}], {n}")
    12.0 [7.0, 17.0], 3
    """
    choice(how, "how", HOW)
    if not 0 < level < 1:
        raise ValueError(f"level is a share such as 0.95, not {level!r}")
    sample = [x for x in sample if not isnan(x)]
    n = len(sample)
    mean = fsum(sample) / n if n else nan
    if n < 2:
        return Interval(mean, nan, nan, n)
    if min(sample) == max(sample):
        return Interval(mean := float(sample[0]), mean, mean, n)
    if how == "t":
        half = _half(sample, mean, level)
        return Interval(mean, mean - half, mean + half, n)
    low, high = _bootstrap(sample, level)
    return Interval(mean, low, high, n)


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
    `by` leaves parameters out, their values are averaged within each seed first.

    >>> from rehearsal.experiments import sweep
    >>> frame = sweep(lambda seed, hops: 10 * hops + seed, {"hops": [1, 2]}, seeds=3)
    >>> print(intervals(frame, "value", by="hops").round(1).to_string(index=False))
     hops  mean  low  high  n
        1  11.0  8.5  13.5  3
        2  21.0 18.5  23.5  3
    """
    metric = metric_of(frame, metric)
    names = _columns(frame, by)
    if not names:
        return _table([()], [interval(frame[metric], how, level)], [])
    seeds = frame.groupby([*names, "seed"], sort=False, dropna=False)[metric].mean().reset_index()
    groups = [(key, part[metric]) for key, part in seeds.groupby(names, sort=False, dropna=False)]
    return _table([key for key, _ in groups], [interval(part, how, level) for _, part in groups], names)


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
    wide = frame.set_index([*names, "seed", between])[metric].unstack(between, sort=False)
    keys, found = [], []
    for key, part in wide.groupby(names, sort=False, dropna=False) if names else [((), wide)]:
        for other in others:
            keys.append((*key, f"{other} − {first}"))
            found.append(interval(part[other] - part[first], how, level))
    table = _table(keys, found, [*names, "difference"])
    return table.assign(differs=[each.differs for each in found])


def _rivals(frame, between, base):
    values = list(dict.fromkeys(frame[between]))
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
    import pandas as pd

    columns = {name: [key[i] for key in keys] for i, name in enumerate(names)}
    return pd.DataFrame(columns | {name: [getattr(each, name) for each in found] for name in Interval._fields})
