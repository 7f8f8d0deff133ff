"""Experiments that decide: recipes over seeds and grids, intervals, pairs, and where a verdict turns."""

from rehearsal.experiments.intervals import Interval, interval, intervals, paired
from rehearsal.experiments.metrics import metrics
from rehearsal.experiments.stop import HalfWidth
from rehearsal.experiments.sweeps import replicate, sweep

__all__ = ["HalfWidth", "Interval", "interval", "intervals", "metrics", "paired", "replicate", "sweep"]
