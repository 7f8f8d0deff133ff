"""Experiments that decide: recipes over seeds and grids, intervals, pairs, and where a verdict turns."""

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
