"""A map over two parameters: who wins where, with "no difference" as a result of its own."""

from rehearsal.experiments.duels import NOBODY, Arena, duel
from rehearsal.experiments.intervals import Interval, check_columns
from rehearsal.experiments.points import listed
from rehearsal.experiments.tables import table


def winner_map(
    recipe, x, y, metric, *, between, better=None, seeds=20, matters=0.0, how="t", level=0.95, **more
):  # fmt: skip
    """Compare two systems at every point of a map, in pairs, and return a frame: a row a cell, with its winner.

    `x` and `y` are (parameter, values), `between` is (parameter, one, other). The winner is the one that is better in
    the metric (less is, or what `better` says) if the interval of the paired difference, the other minus the one,
    leaves out 0 and the difference is at least what `matters`; else "no difference". Each cell is told for itself: at a
    level of 0.95, one in twenty cells in which neither is better has a winner all the same. `more`: options of `sweep`
    and further parameters of the recipe.

    >>> def recipe(seed, style, latency, hops): return latency * hops + (30 if style == "bus" else 0) + seed % 3
    >>> cells = winner_map(recipe, ("latency", [1, 10]), ("hops", [1, 4]), "value", between=("style", "bus", "calls"))
    >>> cells["winner"].tolist(), cells["mean"].tolist()
    (['calls', 'calls', 'calls', 'calls'], [-30.0, -30.0, -30.0, -30.0])
    """
    rivals = duel(between, metric, better, matters, how, level)
    axes = _axes(x, y)
    (across, columns), (up, rows) = axes.items()
    check_columns([across, up, *rivals.names], ["winner"])
    arena = Arena(recipe, rivals, seeds, more)
    arena.add(axes)
    met, frame = arena.meetings([across, up]), arena.runs.frame()
    places = [(column, row) for row in rows for column in columns if (column, row) in met]
    return _table({at: met[at] for at in places}, frame, rivals, (across, up))


def _axes(x, y):
    """Return {parameter: {label: value}} of the two axes, or say what is wrong with them."""
    axes: dict = {}
    for axis in (x, y):
        if not isinstance(axis, tuple | list) or len(axis) != 2 or not isinstance(axis[0], str):
            raise ValueError(f"x and y are (parameter, values) such as ('workers', [1, 2, 4]), not {axis!r}")
        axes[axis[0]] = listed(axis[1], axis[0])
    if len(axes) < 2:
        raise ValueError(f"x and y are two different parameters, not both {x[0]!r}")
    return axes


def _table(met, frame, rivals, axes):
    """Return the frame of the cells, with what a picture of it has to know in `attrs`."""
    meetings = met.values()
    columns: dict = {axis: [at[i] for at in met] for i, axis in enumerate(axes)}
    columns |= {name: [meeting.means[i] for meeting in meetings] for i, name in enumerate(rivals.names)}
    columns |= {name: [getattr(meeting.found, name) for meeting in meetings] for name in Interval._fields}
    cells = table(columns | {"winner": [rivals.winner(meeting.found) for meeting in meetings]})
    cells.attrs |= frame.attrs
    cells.attrs |= {"axes": list(axes), "names": rivals.names, "metric": rivals.metric, "matters": rivals.matters}
    cells.attrs["better"] = "less" if rivals.sign > 0 else "more"
    return cells


def tally(cells):
    """Return {winner: number of cells} for both systems and "no difference", in that order.

    >>> def recipe(seed, style, hops, latency): return hops * latency if style == "calls" else 12 + seed % 3 - 1
    >>> tally(winner_map(recipe, ("hops", [1, 4]), ("latency", [3, 9]), "value", between=("style", "calls", "bus"),
    ...     seeds=6))
    {'calls': 2, 'bus': 1, 'no difference': 1}
    """
    if "names" not in cells.attrs or "winner" not in cells.columns:
        raise ValueError("this is no winner map: winner_map makes one, with a column 'winner' and attrs['names']")
    won = list(cells["winner"])
    return {name: won.count(name) for name in (*cells.attrs["names"], NOBODY)}
