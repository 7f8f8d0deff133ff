"""Sensitivity: which assumption, moved within a stated range, flips the verdict, and where."""

from itertools import pairwise
from math import isnan, nan

from rehearsal.errors import unknown
from rehearsal.experiments.duels import NOBODY, Arena, duel
from rehearsal.experiments.flips import flips_at, way
from rehearsal.experiments.intervals import interval
from rehearsal.experiments.numbers import numeric
from rehearsal.experiments.points import listed, single
from rehearsal.experiments.tables import table


def sensitivity(
    recipe, base, ranges, metric, *, between, better=None, seeds=20, matters=0.0, how="t", level=0.95, **more
):  # fmt: skip
    """Compare two systems at a base and over each range, one assumption at a time, and return a frame.

    `base` is {parameter: value}, `ranges` is {parameter: (one end, the other)}. The first row is the base; then two
    rows an assumption, that with the widest swing first: `end` ("low" is the first end said), its `value`, the paired
    difference of `between` = (parameter, one, other), the other minus the one, with its interval, the `winner`, and
    whether it `flips` the verdict: somebody wins who does not at the base. Where several assumptions move at once, more
    can happen than this shows.

    `flips_at` is where the verdict first flips, going from the base to that value; nan where it does not. From the last
    value tried that does not flip it to the first that does, the difference and its interval are taken to be straight
    lines, and it flips where the interval begins to leave out 0 and the difference is at least what `matters`: the far
    end of the interval of a `crossover`. Where one of the two is no number, it flips at the first that does.

    So with two ends it is interpolated between base and end, and what comes and goes in between is not seen. A range
    may have more values: range(2, 13, 2), numpy.linspace(0, 40, 5), ("none", "some", "all"). The first and the last are
    its ends, each of the others is run as well and has a row ("between"), and `flips_at` is bracketed by neighbours.
    Numbers are passed in their order, from the base on, wherever it is among them; other values in the order said, if
    the base is one of them, else each is one step from it.

    >>> def recipe(seed, style, latency, hops): return latency * hops if style == "calls" else 30
    >>> found = sensitivity(recipe, {"latency": 5, "hops": 4}, {"latency": (1, 10), "hops": (3, 5)}, "value",
    ...     between=("style", "calls", "bus"), seeds=2)
    >>> found[["assumption", "value", "mean", "winner", "flips"]].values.tolist()[:3]
    [['', '', 10.0, 'calls', False], ['latency', 1, 26.0, 'calls', False], ['latency', 10, -10.0, 'bus', True]]
    >>> found["flips_at"].tolist()
    [nan, nan, 7.5, nan, nan]
    """
    rivals = duel(between, metric, better, matters, how, level)
    for what, given in (("base", base), ("ranges", ranges)):
        if not isinstance(given, dict):
            raise TypeError(f"{what} is a dict by parameter, not {given!r}")
    home = single(base)
    tried = {name: _range(name, values, base) for name, values in ranges.items()}
    for name, some in tried.items():
        for told, value in some.items():
            if told in home[name] and home[name][told] is not value and home[name][told] != value:
                raise ValueError(f"the base and the range of {name!r} both call something {told!r}: name them apart")
    arena = Arena(recipe, rivals, seeds, more)
    arena.add(home, *(home | {name: {told: value}} for name, some in tried.items() for told, value in some.items()))
    at = {name: told for name, found in home.items() for told in found}
    met, frame = arena.meetings([*at]), arena.runs.frame()
    groups = [_group(rivals, met, at, name, [*some]) for name, some in tried.items()]
    first = _row(rivals, at, "", "base", _found(met, at)) | {"flips": False, "flips_at": nan}
    groups.sort(key=lambda rows: -_swing([first, *rows]))
    return _table([first, *(row for rows in groups for row in rows)], frame, rivals, at)


def _range(name, values, base):
    """Return {label: value} of the values of a range, or say what is wrong with them."""
    if name not in base:
        raise ValueError(unknown("assumption", name, base))
    found = listed(values, name)
    said = ", ".join(map(str, found))
    if len(found) < 2:
        raise ValueError(f"the range of {name!r} has two ends, not 1: {said}; what is said between them is tried, too")
    if numeric(found) and len({a < b for a, b in pairwise(found)}) > 1:
        raise ValueError(f"the numbers of a range go up or down from one end to the other, not {name!r}: {said}")
    return found


def _group(rivals, met, at, name, values):
    """Return the rows of one assumption, in the order in which its values were said."""
    found = {value: _found(met, at | {name: value}) for value in (at[name], *values)}
    base = found[at[name]]  # without a pair of runs there, there is no verdict that could flip
    flips = {x: base.n > 0 and rivals.winner(each) not in (NOBODY, rivals.winner(base)) for x, each in found.items()}
    ends = ["low", *["between"] * (len(values) - 2), "high"]
    rows = []
    for value, end in zip(values, ends, strict=True):
        places = [(x, found[x], flips[x]) for x in way(values, at[name], value)]
        told = {"flips": flips[value], "flips_at": flips_at(places, rivals.matters)}
        rows.append(_row(rivals, at | {name: value}, name, end, found[value]) | told)
    return rows


def _found(met, at):
    meeting = met.get(tuple(at.values()))
    return meeting.found if meeting else interval([])  # n = 0: there they never met


def _row(rivals, at, name, end, found):
    row = {"assumption": name, "end": end, "value": at.get(name, "")} | found._asdict()
    return row | {"winner": rivals.winner(found)}


def _swing(rows):
    means = [row["mean"] for row in rows if not isnan(row["mean"])]
    return max(means) - min(means) if means else 0.0


def _table(rows, frame, rivals, at):
    """Return the frame of the rows, with what a picture of it has to know in `attrs`."""
    found = table({name: [row[name] for row in rows] for name in rows[0]})
    found.attrs |= frame.attrs
    found.attrs |= {"names": rivals.names, "metric": rivals.metric, "base": at}
    found.attrs["better"] = "less" if rivals.sign > 0 else "more"
    return found
