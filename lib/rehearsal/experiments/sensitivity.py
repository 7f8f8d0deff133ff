"""Sensitivity: which assumption, moved within a stated range, flips the verdict."""

from math import isnan, nan

from rehearsal.errors import unknown
from rehearsal.experiments.duels import NOBODY, duel, meet, met
from rehearsal.experiments.intervals import Interval
from rehearsal.experiments.points import label, listed


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
    home = {name: {label(value): value} for name, value in base.items()}
    ends = {name: _ends(name, values, base) for name, values in ranges.items()}
    moved = [home | {name: {told: value}} for name, found in ends.items() for told, value in found.items()]
    frame = meet(recipe, rivals, [home, *moved], seeds, more)
    at = {name: told for name, found in home.items() for told in found}
    first = _row(frame, rivals, at, "", "base")
    groups = [
        [_row(frame, rivals, at | {name: told}, name, end) for told, end in zip(found, ("low", "high"), strict=True)]
        for name, found in ends.items()
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


def _row(frame, rivals, at, name, end):
    meeting = met(frame, rivals, at)
    found = meeting.found if meeting else Interval(nan, nan, nan, 0)
    row = {"assumption": name, "end": end, "value": at.get(name, "")} | found._asdict()
    return row | {"winner": rivals.winner(found)}


def _swing(rows):
    means = [row["mean"] for row in rows if not isnan(row["mean"])]
    return max(means) - min(means) if means else 0.0


def _table(rows, frame, rivals, at):
    """Return the frame of the rows, with what a picture of it has to know in `attrs`."""
    import pandas as pd

    table = pd.DataFrame(rows)
    table["flips"] = [row["winner"] not in (NOBODY, rows[0]["winner"]) for row in rows]
    table.attrs |= frame.attrs
    table.attrs |= {"names": rivals.names, "metric": rivals.metric, "base": at}
    table.attrs["better"] = "less" if rivals.sign > 0 else "more"
    return table
