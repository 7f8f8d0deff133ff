"""The points of an experiment: every combination of the values of its parameters, and their names in a frame."""

from contextlib import suppress
from functools import partial
from inspect import Parameter, signature
from itertools import product
from typing import Any, NamedTuple

from rehearsal.engine import Run, run
from rehearsal.errors import ModelError, unknown
from rehearsal.faultcheck import spikes

PLAIN = (str, int, float, bool, type(None))


class Point(NamedTuple):
    """Hold one combination: the values that the recipe gets, and the labels that stand for them in a frame."""

    values: dict
    labels: dict


def label(value):
    """Return what stands for a value in a frame: a plain value itself, anything else by its name.

    >>> from functools import partial
    >>> label(20.0), label(print), label(partial(sorted, reverse=True)), label([1, 2])
    (20.0, 'print', 'sorted(reverse=True)', '[1, 2]')
    """
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, partial):
        given = [*map(label, value.args), *(f"{k}={label(v)}" for k, v in value.keywords.items())]
        return f"{label(value.func)}({', '.join(map(str, given))})"
    for name in ("__name__", "name", "label"):
        found = getattr(value, name, None)
        if isinstance(found, str):
            return found
    said = repr(value)
    return type(value).__name__ if " at 0x" in said else said


def labelled(values, what):
    """Return {label: value}; things of one name are numbered, and a plain value must not come twice.

    >>> list(labelled([lambda: 1, lambda: 2], "style"))
    ['<lambda>', '<lambda> #2']
    """
    if isinstance(values, dict):
        return dict(values)
    found: dict = {}
    for value in values:
        name = first = label(value)
        count = 1
        while name in found:
            if isinstance(value, PLAIN) or value is found[name]:
                raise ValueError(f"{what} has {first!r} twice")
            count += 1
            name = f"{first} #{count}"
        found[name] = value
    return found


def listed(values, what):
    """Return the values of one parameter as {label: value}: a list of them, {label: value}, or one value."""
    if isinstance(values, set | frozenset):
        raise TypeError(f"the values of {what!r} are a set, which has no order: write a list")
    if hasattr(values, "tolist"):  # numpy, pandas
        values = values.tolist()
    several = isinstance(values, list | tuple | range | dict)
    found = labelled(values if several else [values], what)
    if not found:
        raise ValueError(f"an empty grid: {what!r} has no values")
    return found


def points(grid):
    """Return every combination of {parameter: values} as a list of points, the last parameter changing fastest.

    >>> [point.labels for point in points({"every": [10, 20], "style": sorted})]
    [{'every': 10, 'style': 'sorted'}, {'every': 20, 'style': 'sorted'}]
    """
    names = [*grid]
    if "seed" in names:
        raise ValueError("'seed' is no parameter of a grid: say seeds=")
    columns = [listed(grid[name], name).items() for name in names]
    rows = [list(zip(names, row, strict=True)) for row in product(*columns)]
    return [Point({n: value for n, (_, value) in row}, {n: told for n, (told, _) in row}) for row in rows]


def seeds_of(seeds):
    """Return the seeds: the first so many, from 0, or the ones that are given.

    >>> seeds_of(3), seeds_of([7, 8])
    ([0, 1, 2], [7, 8])
    """
    found = list(range(seeds)) if isinstance(seeds, int) and not isinstance(seeds, bool) else list(seeds)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"seeds is how many, 1 or more, or a list of different ones, not {seeds!r}")
    return found


class Again(NamedTuple):
    """Do a run again with other seeds: a recipe without parameters."""

    system: Any
    loads: tuple
    faults: tuple
    until: float | None

    def __call__(self, seed):
        return run(self.system, self.loads, until=self.until, seed=seed, faults=self.faults)


def recipe_of(thing):
    """Return the recipe that does a run again, or the recipe itself."""
    if not isinstance(thing, Run):
        return thing
    return Again(thing.system, given(thing.loads, thing.faults), thing.faults, thing.until)


def given(loads, faults):
    """Return the loads of a run that it was given: without those at the end that its spikes have added."""
    for count in range(1, len(loads)):
        with suppress(ModelError):  # so few are not all that the spikes name
            if loads[:count] + spikes(loads[:count], faults) == loads:
                return loads[:count]
    return loads


def check_recipe(recipe, names):
    """Raise where a recipe does not take these parameters, or needs others, and say which it has."""
    try:
        first, *rest = signature(recipe).parameters.values()
    except TypeError as error:
        raise TypeError(f"a recipe is a function recipe(seed, …), not {recipe!r}") from error
    except ValueError:
        raise TypeError("a recipe takes the seed first: recipe(seed, …)") from None
    kinds = [each.kind for each in (first, *rest)]
    mine = {each.name: each for each in rest if each.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)}
    for name in names:
        if name not in mine and Parameter.VAR_KEYWORD not in kinds:
            raise TypeError(f"the recipe has {unknown('parameter', name, mine)}")
    lacking = [name for name, each in mine.items() if each.default is Parameter.empty and name not in names]
    if lacking:
        raise TypeError(f"the recipe needs a value of {', '.join(map(repr, lacking))} too")
