"""Map time to the page: a real time axis, in which a long quiet stretch may be folded, visibly, with its length.

A request that waits fifty seconds between two bursts of twenty milliseconds cannot be drawn to one scale. So
where a linear axis would crush the rest, the longest stretches in which nothing begins or ends are shortened;
everything else keeps one scale.
"""

from bisect import bisect_right
from itertools import pairwise
from math import floor, log10
from statistics import median
from typing import NamedTuple

CRUSHED = 250  # the typical gap gets less than 1/250 of the axis: about two pixels
LONG = 0.15  # of the axis: shorter stretches are not worth a fold
FOLDED = 0.13  # of the axis, for each stretch that is folded; all together at most a third


class Clock(NamedTuple):
    """Hold the corners of a piecewise linear map from time [ms] to place on the page, and the stretches folded."""

    times: list
    places: list
    folds: list

    def place(self, time):
        """Return the place of a moment."""
        i = min(max(bisect_right(self.times, time) - 1, 0), len(self.times) - 2)
        share = (time - self.times[i]) / (self.times[i + 1] - self.times[i])
        return self.places[i] + share * (self.places[i + 1] - self.places[i])

    @property
    def length(self):
        """Return the length of the axis, in ms of the unfolded scale."""
        return self.places[-1]


def quiet(moments, folding=None):
    """Return the stretches [(from, to)] to fold: none where a linear axis can be read, or where told not to.

    >>> quiet([0, 10, 20, 30, 40, 50_000, 50_010, 50_020])
    [(40, 50000)]
    """
    gaps = [(b - a, a, b) for a, b in pairwise(moments) if b > a]
    if folding is False or len(gaps) < 3:
        return []
    typical, rest, folds = median(length for length, _, _ in gaps), moments[-1] - moments[0], []
    for length, a, b in sorted(gaps, key=lambda gap: (-gap[0], gap[1])):
        long = length > 8 * typical and length > LONG * (moments[-1] - moments[0])
        if not long or (rest < CRUSHED * typical and folding is not True):
            break
        folds.append((a, b))
        rest -= length
    return sorted(folds)


def clock(moments, first, last, folding=None):
    """Return the clock of an axis from `first` to `last` [ms] on which the `moments` matter."""
    last = max(last, first + 1e-6)
    inside = sorted({first, last, *(t for t in moments if first <= t <= last)})
    folds = quiet(inside, folding)
    rest = last - first - sum(b - a for a, b in folds)
    share = min(FOLDED, 0.33 / max(len(folds), 1))
    short = rest * share / (1 - share * len(folds))
    times, places = [first], [0.0]
    for a, b in folds:
        if a > times[-1]:
            places.append(places[-1] + a - times[-1])
            times.append(a)
        times.append(b)
        places.append(places[-1] + short)
    if last > times[-1]:
        places.append(places[-1] + last - times[-1])
        times.append(last)
    return Clock(times, places, folds)


def ticks(clock, about=7):
    """Return the ticks [(place, words)] of a clock and its unit: round times, none within a fold.

    >>> ticks(clock([], 0, 6000))[0][:3], ticks(clock([], 0, 6000))[1]
    ([(0.0, '0'), (1000.0, '1'), (2000.0, '2')], 's')
    """
    step = _round_step(clock.length / about)
    unit, scale = ("s", 1000) if clock.times[-1] > 2000 else ("ms", 1)
    decimals = max(0, -floor(log10(step / scale) + 1e-9))
    marks, edges = [], {t for fold in clock.folds for t in fold}
    n = floor(clock.times[0] / step)
    bounds = list(pairwise(clock.times))
    for a, b in bounds:
        if (a, b) in clock.folds:
            continue
        n = -floor(-a / step + 1e-9)
        while n * step <= b + 1e-9 * step:
            if n * step not in edges or not clock.folds:
                marks.append((clock.place(n * step), f"{n * step / scale:,.{decimals}f}"))
            n += 1
    return marks, unit


def _round_step(rough):
    power = 10.0 ** floor(log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
