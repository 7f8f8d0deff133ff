"""The runs of an experiment: done place by place and seed by seed, and shown as a tidy frame."""

import warnings
from concurrent.futures import Executor
from functools import partial

from rehearsal.errors import unknown
from rehearsal.experiments.bar import bar
from rehearsal.experiments.cache import Cache
from rehearsal.experiments.metrics import UNITS
from rehearsal.experiments.points import seeds_of
from rehearsal.experiments.recipes import OPTIONS, check_recipe
from rehearsal.experiments.stop import PATIENCE, HalfWidth, given_up, rounds, unmet
from rehearsal.experiments.tables import table
from rehearsal.experiments.workers import Failure, Work, outcomes
from rehearsal.units import duration, pretty


class Runs:
    """Hold what has become of every run: {(place of its point, seed): its metrics, or its Failure}.

    Invariant: all points begin with the same seeds in the same order, and who does the runs, and when, changes nothing.
    What is wrong with an argument is said before the first run, and with the name of a metric after it. `sweep` says
    what the options mean; `metric` is one that has to be measured.
    """

    def __init__(
        self, recipe, seeds, metric=None, *, executor=None, progress=True, cache=False, until=None, warmup=0.0
    ):  # fmt: skip
        if executor is not None and not isinstance(executor, Executor):
            some = "such as ProcessPoolExecutor(2), or Dask's client.get_executor()"
            raise TypeError(f"executor is one of concurrent.futures, {some}, not {executor!r}")
        if until is not None and not isinstance(until, HalfWidth):
            hint = "a parameter of the recipe that is called 'until' is said in the grid of `sweep`"
            raise TypeError(f"until is HalfWidth(metric, below=…), which asks for more seeds, not {until!r}; {hint}")
        self.recipe, self.seeds, self.executor, self.until = recipe, seeds_of(seeds), executor, until
        self.warmup, self.progress = duration(warmup, "warmup"), progress
        self.metrics = [name for name in (metric, until and until.metric) if name is not None]
        self.points: list = []
        self.found: dict = {}
        self.cache, self.interrupted = Cache(cache, recipe, self.warmup), False

    def add(self, points):
        """Do the runs of more points; Ctrl-C keeps those that are done."""
        check_recipe(self.recipe, points[0].values)
        if self.until:
            self.until.check(self.seeds, points)
        more = dict(enumerate(points, start=len(self.points)))
        self.points += points
        work = Work(self.recipe, [point.values for point in self.points], self.warmup)
        keys = self.cache.keys({place: point.values for place, point in more.items()})
        do = partial(outcomes, work, executor=self.executor)
        with bar(self.progress, getattr(self.recipe, "__name__", "runs")) as shown:
            try:
                for tasks in rounds(more, self.seeds, self.until, self.found):
                    shown.total += len(tasks)
                    shown.refresh()
                    unseen = tasks[::-1]
                    for task, outcome in self.cache.first(tasks, keys, do):
                        self.found[task] = outcome
                        shown.update()
                        self._check(unseen)
            except KeyboardInterrupt:
                self.interrupted = True
        return self

    def _check(self, unseen):
        """Say what is wrong with the names of the metrics, as soon as the first run in the order of tasks is measured.

        `unseen` are the tasks of a round, the first one last; none are left when there is nothing more to see.
        """
        while unseen and unseen[-1] in self.found:
            place, _ = task = unseen.pop()
            found = self.found[task]
            if not isinstance(found, Failure):
                unseen.clear()
                _distinct(found, self.points[place].labels)
                for name in self.metrics:
                    if name not in found:
                        raise ValueError(unknown("metric", str(name), found))

    def table(self):
        """Return the frame of the runs that succeeded, in the order of points and seeds."""
        done = [(task, self.found[task]) for task in sorted(self.found) if not isinstance(self.found[task], Failure)]
        metrics = dict.fromkeys(name for _, found in done for name in found)
        parameters = [*self.points[0].labels]
        _distinct(metrics, parameters)
        columns = {name: [self.points[place].labels[name] for (place, _), _ in done] for name in parameters}
        columns["seed"] = [seed for (_, seed), _ in done]
        columns |= {name: [found.get(name, float("nan")) for _, found in done] for name in metrics}
        frame = table(columns)
        frame.attrs["units"] = dict(UNITS) if metrics.keys() >= UNITS.keys() else {}  # known where runs were measured
        return frame

    def frame(self):
        """Return the table with what a reader has to know in its `attrs`; warn of failures, raise where all failed."""
        failed = [(task, self.found[task]) for task in sorted(self.found) if isinstance(self.found[task], Failure)]
        rows = [self.points[p].labels | {"seed": seed, "error": what.error} for (p, seed), what in failed]
        if failed and len(failed) == len(self.found):
            raise RuntimeError(f"every run failed; the first: {_said(rows[0])}\n{failed[0][1].traceback}".strip())
        frame = self.table()
        frame.attrs |= {"interrupted": self.interrupted, "warmup": self.warmup, "failed": rows}
        asked = dict(enumerate(self.points)), self.until, self.found
        frame.attrs["unmet"] = [] if self.interrupted else unmet(*asked)
        frame.attrs["note"] = ", ".join(self._notes(rows, len(frame.attrs["unmet"]), len(given_up(*asked))))
        return frame

    def _notes(self, failed, wide, silent):
        """Return what a reader has to know, and warn of what failed."""
        total, notes = len(self.found), ["interrupted"] if self.interrupted else []
        notes.append(f"{total} runs")
        notes.append(f"a warm-up of {pretty(self.warmup)} was cut" if self.warmup else "no warm-up was cut")
        if failed:
            said = f"{len(failed)} of {total} runs failed and are left out; the first: {_said(failed[0])}"
            notes.append(said)
            warnings.warn_explicit(said + " (all: frame.attrs['failed'])", UserWarning, "experiment", 1, registry={})
        if wide:
            notes.append(f"{wide} point{' is' if wide == 1 else 's are'} still wider than asked for")
        if wide and silent:
            notes.append(f"{silent} of them asked no more after {PATIENCE} seeds or more without one number")
        return notes


def options(more):
    """Return (the options of `sweep`, the further parameters of the recipe) among keyword arguments."""
    return {k: v for k, v in more.items() if k in OPTIONS}, {k: v for k, v in more.items() if k not in OPTIONS}


def _distinct(metrics, parameters):
    """Raise where a metric has the name of a parameter."""
    for name in metrics:
        if name in parameters:
            raise ValueError(f"{name!r} is a parameter, and the recipe returns it as a metric too: rename one")


def _said(failure):
    place = ", ".join(f"{name}={value}" for name, value in failure.items() if name != "error")
    return f"{place}: {failure['error']}"
