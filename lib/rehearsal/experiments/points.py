"""The points of an experiment: every combination of the values of its parameters, and their names in a frame."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import product
from math import nan
from numbers import Integral
from operator import index
from typing import NamedTuple

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
        return value if value == value else nan  # always the same one, so that it can be found
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
        return {name: _lasting(value, what) for name, value in values.items()}
    found: dict = {}
    for value in map(_plain, values):
        name = first = label(_lasting(value, what))
        count = 1
        while name in found:
            if isinstance(value, PLAIN) or value is found[name]:
                raise ValueError(f"{what} has {first!r} twice")
            count += 1
            name = f"{first} #{count}"
        found[name] = value
    return found


def _plain(value):
    """Return a number of numpy's as Python's."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def _lasting(value, what):
    if isinstance(value, Iterator):
        said = f"a value of {what!r} is a {type(value).__name__}"
        raise TypeError(f"{said}, which the first run would use up: write a list")
    return value


def listed(values, what):
    """Return the values of one parameter as {label: value}.

    A list of values is {label: value} and whatever else can be gone through: a list, a tuple, a range, an array, a
    generator, the values of a dict. One value is a text, bytes, a class, a named tuple, and what cannot be gone
    through. So a list that is one value stands in a list: [[1, 2]].

    >>> listed(range(2), "hops"), listed("bus", "style"), listed([[1, 2]], "sizes")
    ({0: 0, 1: 1}, {'bus': 'bus'}, {'[1, 2]': [1, 2]})
    """
    if isinstance(values, set | frozenset):
        raise TypeError(f"the values of {what!r} are a set, which has no order: write a list")
    if hasattr(values, "tolist"):  # numpy, pandas
        values = values.tolist()
    one = isinstance(values, str | bytes | type) or hasattr(values, "_fields") or not isinstance(values, Iterable)
    found = labelled([values] if one else values, what)
    if not found:
        raise ValueError(f"an empty grid: {what!r} has no values")
    return found


def points(grid):
    """Return every combination of {parameter: values} as a list of points, the last parameter changing fastest.

    >>> [point.labels for point in points({"every": [10, 20], "style": sorted})]
    [{'every': 10, 'style': 'sorted'}, {'every': 20, 'style': 'sorted'}]
    """
    if not isinstance(grid, dict) or not all(isinstance(name, str) for name in grid):
        raise TypeError(f"a grid is {{parameter: values}} such as {{'workers': [1, 2]}}, not {grid!r}")
    names = [*grid]
    if "seed" in names:
        raise ValueError("'seed' is no parameter of a grid: say seeds=")
    columns = [listed(grid[name], name).items() for name in names]
    rows = [list(zip(names, row, strict=True)) for row in product(*columns)]
    return [Point({n: value for n, (_, value) in row}, {n: told for n, (told, _) in row}) for row in rows]


def single(values):
    """Return {parameter: value} as a grid in which each is one value, also where it is a list."""
    return {name: labelled([value], name) for name, value in values.items()}


def seeds_of(seeds):
    """Return the seeds: the first so many, from 0, or the ones that are given.

    >>> seeds_of(3), seeds_of([7, 8])
    ([0, 1, 2], [7, 8])
    """
    wrong = f"seeds is how many, 1 or more, or a list of different whole numbers, not {seeds!r}"
    try:
        found = list(range(seeds)) if isinstance(seeds, Integral) else [index(seed) for seed in seeds]
    except TypeError:
        raise TypeError(wrong) from None
    if not found or isinstance(seeds, bool) or len(set(found)) < len(found):
        raise ValueError(wrong)
    return found
