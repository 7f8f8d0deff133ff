"""Run a recipe over seeds and over the points of a grid, and return what was measured as a tidy frame."""

import warnings
from typing import Any

from rehearsal.experiments.bar import bar
from rehearsal.experiments.cache import Cache
from rehearsal.experiments.metrics import UNITS
from rehearsal.experiments.points import check_recipe, label, points, recipe_of, seeds_of
from rehearsal.experiments.stop import rounds, unmet
from rehearsal.experiments.workers import Failure, Work, outcomes
from rehearsal.units import duration, pretty

OPTIONS = ("executor", "progress", "cache", "until", "warmup")


def replicate(recipe, seeds=20, *, executor=None, progress=True, cache=False, until=None, warmup=0.0, **params):
    """Run a recipe once for each seed, or do a run again with other seeds, and return a frame, a row a seed.

    `sweep` says what a recipe is, and what the options mean.

    >>> replicate(lambda seed, scale: scale * seed, seeds=3, scale=10)["value"].tolist()
    [0, 10, 20]
    """
    grid: dict[str, Any] = {name: {label(value): value} for name, value in params.items()}
    return sweep(
        recipe_of(recipe), grid, seeds, executor=executor, progress=progress, cache=cache, until=until, warmup=warmup
    )  # fmt: skip


def sweep(recipe, grid, seeds=20, *, executor=None, progress=True, cache=False, until=None, warmup=0.0):
    """Run a recipe at every point of a grid with every seed, and return a tidy frame: a row a run.

    A recipe is a function `recipe(seed, **params)` that returns a Run (then the usual metrics are measured), a dict of
    numbers, or a number. `grid` is {parameter: values}: a list, {label: value} or one value; a function stands in the
    frame by its name. The columns are the parameters, `seed`, and the metrics. All points get the same seeds, so that
    they can be compared in pairs.

    `seeds`: how many, or which. `until=HalfWidth(…)` asks for as many more, again and again, until it is content.
    `warmup` [ms]: requests offered earlier are left out. `executor`: any of concurrent.futures, Dask's too; the frame
    is the same to the last bit. `cache`: True or a folder keeps every run on disk. `progress` shows a bar where
    somebody watches. A run that fails is left out and reported in `attrs["failed"]` with its parameters; Ctrl-C returns
    what is done, and sets `attrs["interrupted"]`; `attrs["note"]` says what a reader of the frame has to know.

    >>> frame = sweep(lambda seed, every, loss=0: every + seed - loss, {"every": [10, 20], "loss": [0, 1]}, seeds=2)
    >>> frame.columns.tolist(), len(frame), frame.attrs["note"]
    (['every', 'loss', 'seed', 'value'], 8, '8 runs, no warm-up was cut')
    """
    return gather(
        recipe, points(grid), seeds, executor=executor, progress=progress, cache=cache, until=until, warmup=warmup
    )  # fmt: skip


def gather(recipe, places, seeds, *, executor=None, progress=True, cache=False, until=None, warmup=0.0):
    """Return the frame of a recipe at some points; `sweep` says what the options mean."""
    found: dict = {}
    seeds, warmup = seeds_of(seeds), duration(warmup, "warmup")
    check_recipe(recipe, places[0].values)
    work = Work(recipe, [point.values for point in places], warmup)
    interrupted = False
    with bar(progress, getattr(recipe, "__name__", "runs")) as shown:
        try:
            kept = Cache(cache, work)
            for tasks in rounds(places, seeds, until, found):
                shown.total += len(tasks)
                shown.refresh()
                for task, outcome in kept.first(tasks, lambda rest: outcomes(work, rest, executor)):
                    found[task] = outcome
                    shown.update()
        except KeyboardInterrupt:
            interrupted = True
    frame = _frame(places, found)
    frame.attrs |= {"interrupted": interrupted, "warmup": warmup}
    frame.attrs["unmet"] = [] if interrupted else unmet(places, until, found)
    return _noted(frame, places, found)


def options(more):
    """Return (the options of `sweep`, the further parameters of the recipe) among keyword arguments."""
    return {k: v for k, v in more.items() if k in OPTIONS}, {k: v for k, v in more.items() if k not in OPTIONS}


def _frame(places, found):
    """Return the frame of the runs that succeeded, in the order of points and seeds."""
    import pandas as pd

    done = [(task, found[task]) for task in sorted(found) if not isinstance(found[task], Failure)]
    metrics = dict.fromkeys(name for _, outcome in done for name in outcome)
    parameters = [*places[0].labels]
    twice = [name for name in metrics if name in parameters]
    if twice:
        raise ValueError(f"{twice[0]!r} is a parameter, and the recipe returns it as a metric too: rename one")
    columns: dict = {name: [places[place].labels[name] for (place, _), _ in done] for name in parameters}
    columns["seed"] = [seed for (_, seed), _ in done]
    columns |= {name: [outcome.get(name, float("nan")) for _, outcome in done] for name in metrics}
    frame = pd.DataFrame(columns)
    frame.attrs["units"] = dict(UNITS) if metrics.keys() >= UNITS.keys() else {}  # known where runs were measured
    return frame


def _noted(frame, places, found):
    """Write into `attrs` what failed and what a reader has to know; warn of failures, raise where nothing worked."""
    failed = [(task, found[task]) for task in sorted(found) if isinstance(found[task], Failure)]
    frame.attrs["failed"] = [places[p].labels | {"seed": seed, "error": what.error} for (p, seed), what in failed]
    total = len(found)
    if failed and len(failed) == total:
        said = "every run failed; the first: " + _said(frame.attrs["failed"][0])
        raise RuntimeError("\n".join([said, failed[0][1].traceback]).strip())
    warmup = frame.attrs["warmup"]
    notes = [f"{total} runs", f"a warm-up of {pretty(warmup)} was cut" if warmup else "no warm-up was cut"]
    if failed:
        said = f"{len(failed)} of {total} runs failed and are left out; the first: {_said(frame.attrs['failed'][0])}"
        notes.append(said)
        warnings.warn_explicit(said + " (all: frame.attrs['failed'])", UserWarning, "experiment", 1, registry={})
    if frame.attrs["interrupted"]:
        notes.insert(0, "interrupted")
    if frame.attrs["unmet"]:
        notes.append(f"{len(frame.attrs['unmet'])} points are still wider than asked for")
    frame.attrs["note"] = ", ".join(notes)
    return frame


def _said(failure):
    place = ", ".join(f"{name}={value}" for name, value in failure.items() if name != "error")
    return f"{place}: {failure['error']}"
