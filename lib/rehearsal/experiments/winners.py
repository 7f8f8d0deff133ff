"""A map over two parameters: who wins where, with "no difference" as a result of its own."""

from rehearsal.experiments.duels import NOBODY, duel, meet, met
from rehearsal.experiments.points import listed


def winner_map(
    recipe, x, y, metric, *, between, better=None, seeds=20, matters=0.0, how="t", level=0.95, **more
):  # fmt: skip
    """Compare two systems at every point of a map, in pairs, and return a frame: a row a cell, with its winner.

    `x` and `y` are (parameter, values), `between` is (parameter, one, other). The winner is the one that is better in
    the metric (less is, or what `better` says) if the interval of the paired difference, the other minus the one,
    leaves out 0 and the difference is at least what `matters`; else "no difference". `more`: options of `sweep` and
    further parameters of the recipe.

    >>> def recipe(seed, style, latency, hops): return latency * hops + (30 if style == "bus" else 0) + seed % 3
    >>> cells = winner_map(recipe, ("latency", [1, 10]), ("hops", [1, 4]), "value", between=("style", "bus", "calls"))
    >>> cells["winner"].tolist(), cells["mean"].tolist()
    (['calls', 'calls', 'calls', 'calls'], [-30.0, -30.0, -30.0, -30.0])
    """
    rivals = duel(between, metric, better, matters, how, level)
    axes = {name: listed(values, name) for name, values in (x, y)}
    if len(axes) < 2:
        raise ValueError("x and y are two different parameters")
    frame = meet(recipe, rivals, [axes], seeds, more)
    (across, columns), (up, rows) = axes.items()
    cells = [_cell(frame, rivals, {across: column, up: row}) for row in rows for column in columns]
    return _table([cell for cell in cells if cell], frame, rivals, (across, up))


def _cell(frame, rivals, at):
    meeting = met(frame, rivals, at)
    if meeting is None:
        return None
    means = dict(zip(rivals.names, meeting.means, strict=True))
    return at | means | meeting.found._asdict() | {"winner": rivals.winner(meeting.found)}


def _table(cells, frame, rivals, axes):
    """Return the frame of the cells, with what a picture of it has to know in `attrs`."""
    import pandas as pd

    table = pd.DataFrame(cells)
    table.attrs |= frame.attrs
    table.attrs |= {"axes": list(axes), "names": rivals.names, "metric": rivals.metric, "matters": rivals.matters}
    table.attrs["better"] = "less" if rivals.sign > 0 else "more"
    return table


def tally(cells):
    """Return {winner: number of cells} for both systems and "no difference", in that order.

    >>> def recipe(seed, style, hops, latency): return hops * latency if style == "calls" else 12 + seed % 3 - 1
    >>> tally(winner_map(recipe, ("hops", [1, 4]), ("latency", [3, 9]), "value", between=("style", "calls", "bus"),
    ...     seeds=6))
    {'calls': 2, 'bus': 1, 'no difference': 1}
    """
    won = list(cells["winner"])
    return {name: won.count(name) for name in (*cells.attrs["names"], NOBODY)}
