"""The bars of a tornado: an assumption has one for each end of its range, with the values tried on the way to it."""

from math import isfinite
from typing import NamedTuple

from rehearsal.draw.quantities import place
from rehearsal.experiments import NOBODY
from rehearsal.experiments.flips import way

BAR, APART = 0.36, 0.28  # height of a bar, and what is free between two assumptions: two bars and that are 1


class Bar(NamedTuple):
    """Hold the row of `sensitivity` at the end of a bar, the rows on the way to it, and where its upper edge is."""

    row: dict
    passed: list
    y: float

    @property
    def between(self):
        """Return the rows on the way that have no bar of their own."""
        return [row for row in self.passed if row["end"] == "between"]

    def flip(self, named=True):
        """Say that the verdict flips, to whom if `named`, and where it does; nothing where it does not."""
        tried, winner = [*self.passed, self.row], self.row["winner"]
        start = next((n for n, row in enumerate(tried) if row["flips"]), None)
        if start is None:
            return ""
        at, first = place(self.row["flips_at"]), tried[start]["winner"]
        if not self.row["flips"]:
            return f"flips to {first} on the way, at {at}"
        said = f"flips to {winner}" if named else "flips"
        if any(row["winner"] != winner for row in tried[start:]):  # not to stay, or to the other
            return f"{said}, first at {at}" if first == winner else f"{said}, first to {first} at {at}"
        return said if at == place(self.row["value"]) else f"{said} from {at} on"

    def written(self):
        """Return what stands beside a bar: the value of its end, whether that flips the verdict, and where."""
        nobody = NOBODY if self.row["winner"] == NOBODY else ""
        said = ", ".join(part for part in (nobody, self.flip()) if part)
        return f"{place(self.row['value'])}: {said}" if said else place(self.row["value"])


def parts_of(frame):
    """Return (the row of the base, the other rows) of a frame of `sensitivity`, or say that it is none."""
    if "base" not in frame.attrs:
        raise ValueError("this is no frame of `sensitivity`: it has no attrs['base']")
    base, *rows = frame.to_dict("records")
    return base, [row for row in rows if isfinite(row["mean"])]


def bars_of(frame):
    """Return {assumption: its bars}, from above: one for each end, and for a value that is on the way to neither.

    >>> from rehearsal.experiments import sensitivity
    >>> def recipe(seed, style, hops): return 10 * hops if style == "calls" else 35
    >>> frame = sensitivity(recipe, {"hops": 3}, {"hops": (1, 2, 4, 5)}, "value", between=("style", "calls", "bus"))
    >>> [(bar.written(), [row["value"] for row in bar.between]) for bar in bars_of(frame)["hops"]]
    [('1', [2]), ('5: flips to bus from 3.5 on', [4])]
    """
    groups: dict = {}
    for row in parts_of(frame)[1]:
        groups.setdefault(row["assumption"], []).append(row)
    found, top = {}, -0.5
    for name, rows in groups.items():
        ends = _ends(rows, frame.attrs["base"].get(name, ""))
        found[name] = [Bar(row, passed, top + APART / 2 + n * BAR) for n, (row, passed) in enumerate(ends)]
        top += len(ends) * BAR + APART
    return found


def _ends(rows, base):
    """Return (row, rows on the way to it) of those rows of one assumption that have a bar."""
    at = {row["value"]: row for row in rows}
    ways = [way([*at], base, row["value"]) for row in rows]
    passed = {value for row, through in zip(rows, ways, strict=True) if row["end"] != "between" for value in through}
    return [
        (row, [at[value] for value in through[1:-1]])
        for row, through in zip(rows, ways, strict=True)
        if row["end"] != "between" or row["value"] not in passed
    ]
