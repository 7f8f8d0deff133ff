"""Sensitivity: which assumption, moved within a stated range, flips the verdict."""

from math import isnan

from rehearsal.errors import unknown
from rehearsal.experiments.duels import NOBODY, Arena, duel
from rehearsal.experiments.intervals import interval
from rehearsal.experiments.points import listed, single
from rehearsal.experiments.tables import table


def sensitivity(
    recipe, base, ranges, metric, *, between, better=None, seeds=20, matters=0.0, how="t", level=0.95, **more
):  # fmt: skip
    """Compare two systems at a base and at both ends of each range, one assumption at a time, and return a frame.

    `base` is {parameter: value}, `ranges` is {parameter: (one end, the other)}. The first row is the base; then two
    rows an assumption, that with the widest swing first: `end` ("low" is the first end said), its `value`, the paired
    difference of `between` = (parameter, one, other), the other minus the one, with its interval, the `winner`, and
    whether it `flips` the verdict: somebody wins who does not at the base. Where several assumptions move at once, more
    can happen than this shows.

    >>> def recipe(seed, style, latency, hops): return latency * hops if style == "calls" else 30
    >>> found = sensitivity(recipe, {"latency": 5, "hops": 4}, {"latency": (1, 10), "hops": (3, 5)}, "value",
    ...     between=("style", "calls", "bus"), seeds=2)
    >>> found[["assumption", "value", "mean", "winner", "flips"]].values.tolist()[:3]
    [['', '', 10.0, 'calls', False], ['latency', 1, 26.0, 'calls', False], ['latency', 10, -10.0, 'bus', True]]
    """
    rivals = duel(between, metric, better, matters, how, level)
    for what, given in (("base", base), ("ranges", ranges)):
        if not isinstance(given, dict):
            raise TypeError(f"{what} is a dict by parameter, not {given!r}")
    home = single(base)
    ends = {name: _ends(name, values, base) for name, values in ranges.items()}
    arena = Arena(recipe, rivals, seeds, more)
    arena.add(home, *(home | {name: {told: value}} for name, two in ends.items() for told, value in two.items()))
    at = {name: told for name, found in home.items() for told in found}
    met, frame = arena.meetings([*at]), arena.runs.frame()
    first = _row(rivals, met, at, "", "base")
    groups = [
        [_row(rivals, met, at | {name: told}, name, end) for told, end in zip(two, ("low", "high"), strict=True)]
        for name, two in ends.items()
    ]
    groups.sort(key=lambda rows: -_swing([first, *rows]))
    return _table([first, *(row for rows in groups for row in rows)], frame, rivals, at)


def _ends(name, values, base):
    if name not in base:
        raise ValueError(unknown("assumption", name, base))
    found = listed(values, name)
    if len(found) != 2:
        raise ValueError(f"the range of {name!r} has two ends, not {len(found)}: {', '.join(map(str, found))}")
    return found


def _row(rivals, met, at, name, end):
    meeting = met.get(tuple(at.values()))
    found = meeting.found if meeting else interval([])  # n = 0: there they never met
    row = {"assumption": name, "end": end, "value": at.get(name, "")} | found._asdict()
    return row | {"winner": rivals.winner(found)}


def _swing(rows):
    means = [row["mean"] for row in rows if not isnan(row["mean"])]
    return max(means) - min(means) if means else 0.0


def _table(rows, frame, rivals, at):
    """Return the frame of the rows, with what a picture of it has to know in `attrs`."""
    found = table({name: [row[name] for row in rows] for name in rows[0]})
    known = rows[0]["n"] > 0  # else there is no verdict that could flip
    found["flips"] = [known and row["winner"] not in (NOBODY, rows[0]["winner"]) for row in rows]
    found.attrs |= frame.attrs
    found.attrs |= {"names": rivals.names, "metric": rivals.metric, "base": at}
    found.attrs["better"] = "less" if rivals.sign > 0 else "more"
    return found
