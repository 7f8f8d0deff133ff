"""Samples of a run, and how they are held against theory.

Tolerances are not chosen by taste. A mean is held against four standard errors, taken from the means of 20 consecutive
batches (neighbours in a queue wait alike, so single waits would flatter the error), and the error itself has to be a
small part of what is expected, or the test would pass for a wrong formula too. With a fixed seed nothing can flicker.
"""

from math import sqrt
from statistics import fmean, stdev

from tests.systems import rows

BATCHES = 20


def check(sample, expected, within=0.12):
    """Assert that the mean of a sample agrees with theory: four standard errors of batch means, themselves small."""
    size = len(sample) // BATCHES
    means = [fmean(sample[i * size : (i + 1) * size]) for i in range(BATCHES)]
    error = 4 * stdev(means) / sqrt(BATCHES)
    assert error < within * expected, f"too few to tell: {error / expected:.3f}; take more, or another seed"
    assert abs(fmean(means) - expected) <= error, f"{fmean(means):.6g} ± {error:.2g} is not {expected:.6g}"


def sojourns(result, since=500):
    """Return how long each request took [ms], without the first ones, which found an empty queue."""
    pairs = zip(result.table.offered, result.table.settled, strict=True)
    return [end - start for start, end in pairs][since:]


def waits(result, since=500, **where):
    """Return how long each message waited for a worker [ms]."""
    return [row.started - row.received for row in rows(result, **where)][since:]


def shares(words, word):
    """Return 1 for each of the words that is this one, else 0: a sample whose mean is a share."""
    return [1.0 * (each == word) for each in words]
