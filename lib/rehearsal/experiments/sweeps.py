"""Run a recipe over seeds and over the points of a grid, and return what was measured as a tidy frame."""

from rehearsal.experiments.points import points, single
from rehearsal.experiments.recipes import recipe_of
from rehearsal.experiments.runs import Runs


def replicate(recipe, seeds=20, *, executor=None, progress=True, cache=False, until=None, warmup=0.0, **params):
    """Run a recipe once for each seed, or do a run again with other seeds, and return a frame, a row a seed.

    `sweep` says what a recipe is, and what the options mean. Each further parameter is one value, also a list.

    >>> replicate(lambda seed, scale: scale * seed, seeds=3, scale=10)["value"].tolist()
    [0, 10, 20]
    """
    how = {"executor": executor, "progress": progress, "cache": cache, "until": until, "warmup": warmup}
    return sweep(recipe_of(recipe), single(params), seeds, **how)


def sweep(recipe, grid, seeds=20, *, executor=None, progress=True, cache=False, until=None, warmup=0.0):
    """Run a recipe at every point of a grid with every seed, and return a tidy frame: a row a run.

    A recipe is a function `recipe(seed, **params)` that returns a Run (then the usual metrics are measured), a dict of
    numbers, or a number. `grid` is {parameter: values}. Values are {label: value} or whatever can be gone through: a
    list, a range, an array, a generator, a dict's values. One value is a text, a named tuple, a class, or what cannot
    be gone through; a list that is one value stands in a list. A function stands in the frame by its name. The columns
    are the parameters, `seed`, and the metrics. All points get the same seeds, and so can be compared in pairs.

    `seeds`: how many, or which. `until=HalfWidth(…)` asks for as many more, again and again, until it is content.
    `warmup` [ms]: requests offered earlier are left out. `executor`: any of concurrent.futures, Dask's too; the frame
    is the same to the last bit. `cache`: True or a folder keeps every run on disk. `progress` shows a bar where
    somebody watches. A run that fails is left out and reported in `attrs["failed"]` with its parameters; Ctrl-C returns
    what is done, and sets `attrs["interrupted"]`; `attrs["note"]` says what a reader of the frame has to know.

    >>> frame = sweep(lambda seed, every, loss=0: every + seed - loss, {"every": [10, 20], "loss": [0, 1]}, seeds=2)
    >>> frame.columns.tolist(), len(frame), frame.attrs["note"]
    (['every', 'loss', 'seed', 'value'], 8, '8 runs, no warm-up was cut')
    """
    how = {"executor": executor, "progress": progress, "cache": cache, "until": until, "warmup": warmup}
    places = points(grid)
    return Runs(recipe, seeds, **how).add(places).frame()
