"""Experiments that decide: recipes over seeds and grids, intervals, pairs, and where a verdict turns.

A recipe is a function of a seed and some parameters that returns a run, a number, or a dict of numbers. Do it over
seeds (`replicate`) and over a grid (`sweep`), and look at the mean of a metric with its interval (`intervals`), or at
how much two systems differ, seed by seed (`paired`). Then ask where the one overtakes the other (`crossover`), which is
better where (`winner_map`), and which assumption, if it were otherwise, would flip the verdict, and where it does
(`sensitivity`). `rehearsal.draw` has a picture of each: `sweep`, `winners`, `tornado`.

>>> def recipe(seed, style, hops): return 10 * hops + seed % 3 if style == "calls" else 35
>>> frame = sweep(recipe, {"style": ["calls", "bus"], "hops": [1, 2, 4]}, seeds=6)
>>> print(paired(frame, "value", between="style").round(1).to_string(index=False))
 hops  difference  mean  low  high  n  differs
    1 bus − calls  24.0 23.1  24.9  6     True
    2 bus − calls  14.0 13.1  14.9  6     True
    4 bus − calls  -6.0 -6.9  -5.1  6     True
>>> crossover(recipe, "hops", "value", low=1.0, high=4.0, between=("style", "calls", "bus"), seeds=6)
Crossover(value: calls is better below hops = 3.4 [3.3, 3.53], bus above)
"""

from rehearsal.experiments.cache import clear_cache
from rehearsal.experiments.crossovers import Crossover, crossover
from rehearsal.experiments.duels import NOBODY
from rehearsal.experiments.intervals import Interval, interval, intervals, paired
from rehearsal.experiments.metrics import metrics
from rehearsal.experiments.sensitivity import sensitivity
from rehearsal.experiments.stop import HalfWidth
from rehearsal.experiments.sweeps import replicate, sweep
from rehearsal.experiments.winners import tally, winner_map

__all__ = [
    "NOBODY",
    "Crossover",
    "HalfWidth",
    "Interval",
    "clear_cache",
    "crossover",
    "interval",
    "intervals",
    "metrics",
    "paired",
    "replicate",
    "sensitivity",
    "sweep",
    "tally",
    "winner_map",
]
