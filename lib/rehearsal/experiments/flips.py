"""Where a verdict flips on the way from a base to a value: between two neighbours of what was tried.

It is told as finely as values were tried. Between the last one at which the verdict has not flipped and the first at
which it has, the difference and its interval are taken to be straight lines.
"""

from math import isfinite, nan

from rehearsal.experiments.crossovers import root
from rehearsal.experiments.numbers import numeric


def way(values, base, value):
    """Return what was tried on the way from the base to a value: the base, those of `values` in between, the value.

    Numbers stand where they are greater and less; others as they were said, if the base is one of them. From a base
    that has no place among the values it is one step to each.

    >>> way([1, 3, 10], 5, 1), way([10, 50, None], None, 10), way(["here", "there"], "nowhere", "there")
    ([5, 3, 1], [None, 50, 10], ['nowhere', 'there'])
    """
    every = [base, *values]
    known = sorted({*every}) if numeric(every) and all(x == x for x in every) else [*values]
    if base not in known:
        return [base, value]
    start, end = known.index(base), known.index(value)
    return known[start : end + 1] if start <= end else known[end : start + 1][::-1]


def between(one, other, matters=0.0):
    """Return where the verdict flips from one (value, interval) to the next, at which it has.

    That is where the interval begins to leave out 0 and the difference to be at least what `matters`: as the end of the
    interval of a `crossover`. Where no line can be drawn, it is the other value.

    >>> from rehearsal.experiments import Interval
    >>> one, other = Interval(-6.0, -8.0, -4.0, 9), Interval(6.0, 4.0, 8.0, 9)
    >>> between((0, one), (12, other)), between((0, one), (12, other), matters=5), between(("a", one), ("b", other))
    (8.0, 11.0, 'b')
    """
    (a, near), (b, far) = one, other
    if not numeric([a, b]) or not all(map(isfinite, (a, b, *near[:3], *far[:3]))):
        return b
    side = 1 if far.mean > 0 else -1
    told = [side * (each.low if side > 0 else each.high) for each in (near, far)]
    large = [side * each.mean - matters for each in (near, far)]
    roots = [root((a, y), (b, z)) for y, z in (told, large) if y <= 0 <= z and y < z]
    return min(roots, key=lambda x: abs(b - x), default=b)


def flips_at(places, matters=0.0):
    """Return where the verdict first flips on a way of (value, interval, whether it flips); nan where it does not.

    >>> from rehearsal.experiments import Interval
    >>> flips_at([(x, Interval(x - 4.0, x - 5.0, x - 3.0, 9), x > 5) for x in (0, 3, 6, 9)])
    5.0
    """
    places = [place for place in places if place[1].n]  # of one that failed nothing is known
    last = None
    for value, found, flips in places:
        if flips:
            return between(last, (value, found), matters)
        last = value, found
    return nan
