"""The winner map: which of two systems is better at each point of two parameters, by how much, or that nobody is."""

from rehearsal.draw import house, palette, pen
from rehearsal.draw.quantities import differs_by, opening, place, plain, said, unit_of
from rehearsal.draw.show import describe
from rehearsal.experiments import NOBODY, tally
from rehearsal.experiments.numbers import several, short

CELL, ROW, AIR = 46.0, 26.0, 4.0  # least width and the height of a cell, and what is free between two [pt]
TOP, FOOT = 18.0, 34.0  # height of the name of the upright parameter, and of the legend [pt]
TINT = 0.3  # how much of its colour the second system has: dark and light are told apart in grey, too


def winners(cells, *, xlabel=None, ylabel=None, ax=None, title=None, subtitle=None):
    """Draw the frame of `winner_map`: a cell for each point, and return the Axes.

    The first system is dark, the second light with an edge, "no difference" hatched. In a cell stands by how much its
    winner is better; where nobody is, the difference and half the width of its interval.
    """
    across, up = axes_of(cells)
    grid = Grid(cells, across, up, ylabel or up)
    with house.style():
        heads = title or opening(message(cells)), look(cells) if subtitle is None else subtitle
        ax = pen.sheet(ax, grid.width, grid.foot + 34, *heads, FOOT, least=_legend_width(cells))
        pen.text(ax, grid.side - 10, 8, ylabel or up, colour=palette.GREY, ha="right", gid="axis:y")
        for row, y in grid.rows.items():
            pen.text(ax, grid.side - 10, y + ROW / 2, place(row), ha="right", gid=f"row:{row}")
        for column, x in grid.columns.items():
            pen.text(ax, x + grid.wide / 2, grid.foot + 7, place(column), gid=f"column:{column}")
            for row, y in grid.rows.items():
                _cell(ax, cells, grid.told.get((column, row)), (x, y), grid.wide, f"cell:{column}:{row}")
        middle = (grid.side + grid.width) / 2
        pen.text(ax, middle, grid.foot + 24, xlabel or across, colour=palette.GREY, gid="axis:x")
        _legend(ax, cells)
    return describe(ax, sentence(cells))


class Grid:
    """Work out where the cells are [pt]: the left of each column, the top of each row, the widths."""

    def __init__(self, cells, across, up, label):
        self.told = {(row[across], row[up]): row for row in cells.to_dict("records")}
        columns, rows = list(dict.fromkeys(cells[across])), list(dict.fromkeys(cells[up]))[::-1]
        texts = [written(cells, row) for row in self.told.values()] + [place(column) for column in columns]
        self.wide = max(CELL, *(pen.measure(text, pen.LABEL)[0] + 8 for text in texts))
        self.side = max(pen.measure(text, pen.LABEL)[0] for text in (label, *map(place, rows))) + 10
        self.columns = {column: self.side + n * (self.wide + AIR) for n, column in enumerate(columns)}
        self.rows = {row: TOP + n * (ROW + AIR) for n, row in enumerate(rows)}
        self.width = self.side + len(columns) * (self.wide + AIR) - AIR + 1
        self.foot = TOP + len(rows) * (ROW + AIR)


def axes_of(cells):
    """Return the names of the two parameters of a winner map, or say that a frame is none."""
    if "axes" not in cells.attrs:
        raise ValueError("this is no winner map: it has no attrs['axes'] (winner_map makes one; a selection keeps it)")
    return cells.attrs["axes"]


def message(cells):
    """Say where the two win, and in how many cells nobody does.

    >>> from rehearsal.experiments import winner_map
    >>> def recipe(seed, style, hops, latency): return hops * latency if style == "calls" else 20 + seed % 3
    >>> message(winner_map(recipe, ("hops", [1, 7]), ("latency", [1, 3]), "value", between=("style", "calls", "bus")))
    'calls is better in 3 of 4 cells, no difference in 1'
    """
    counts = tally(cells)
    first, *others = sorted(cells.attrs["names"], key=lambda name: -counts[name])
    if not counts[first]:
        return f"no difference is told in any of {len(cells)} cells"
    if counts[first] == len(cells):
        return f"{first} is better in all {len(cells)} cells"
    parts = [f"{name} in {counts[name]}" for name in others if counts[name]]
    parts += [f"{NOBODY} in {counts[NOBODY]}"] if counts[NOBODY] else []
    return f"{first} is better in {counts[first]} of {len(cells)} cells, {', '.join(parts)}"


def look(cells):
    """Say what the numbers are."""
    metric, way = cells.attrs["metric"], "lower" if cells.attrs["better"] == "less" else "higher"
    matters = cells.attrs["matters"] * (100 if unit_of(cells, metric) == "share" else 1)
    small = f", or it is less than {short(matters)}" if matters else ""
    lead = f"in a cell: by how much its {plain(cells, metric)} is {way}{differs_by(cells, metric)}"
    return f"{lead}; no difference: 0 is within the interval{small}"


def written(cells, row):
    """Return what stands in a cell: the winner's lead, or the difference with half the width of its interval."""
    factor = 100 if unit_of(cells, cells.attrs["metric"]) == "share" else 1
    if row["winner"] != NOBODY:
        return short(abs(factor * row["mean"]))
    if row["n"] < 2:
        return "?"
    return f"{short(factor * row['mean'])} ± {short(factor * (row['high'] - row['low']) / 2)}"


def sentence(cells):
    """Say in words what the picture shows, cell by cell."""
    across, up = axes_of(cells)
    parts = []
    for row in cells.to_dict("records"):
        lead = said(cells, cells.attrs["metric"], abs(row["mean"]), points=True)
        who = NOBODY if row["winner"] == NOBODY else f"{row['winner']} by {lead}"
        parts.append(f"{across} {place(row[across])} and {up} {place(row[up])}: {who}")
    metric = plain(cells, cells.attrs["metric"])
    return f"Winner map of {metric}, {several(cells.attrs['names'])}; {message(cells)}. {'; '.join(parts)}."


def faces(names):
    """Return {winner: (face, edge, ink, hatch)}."""
    from matplotlib.colors import to_hex, to_rgb

    light = to_hex([1 - TINT * (1 - part) for part in to_rgb(palette.PAIR[1])])
    return {
        names[0]: (palette.PAIR[0], palette.PAIR[0], palette.PAPER, None),
        names[1]: (light, palette.PAIR[1], palette.INK, None),
        NOBODY: (palette.BOX, palette.OPEN, palette.INK, "////"),
    }


def patch(look, corner, wide, high, **how):
    """Return a rectangle that looks like a winner."""
    from matplotlib.patches import Rectangle

    face, edge, _, hatch = look
    return Rectangle(corner, wide, high, fc=face, ec=edge, lw=1.2, hatch=hatch, zorder=2, **how)


def _cell(ax, cells, row, corner, wide, gid):
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    middle = corner[0] + wide / 2, corner[1] + ROW / 2
    if row is None:  # no pair of runs came back from there
        ax.add_patch(Rectangle(corner, wide, ROW, fc=palette.PAPER, ec=palette.RULE, lw=0.8, zorder=2, gid=gid))
        pen.text(ax, *middle, "–", colour=palette.GREY, gid="told")
        return
    look = faces(cells.attrs["names"])[row["winner"]]
    ax.add_patch(patch(look, corner, wide, ROW, gid=gid))
    halo = {"path_effects": [withStroke(linewidth=3, foreground=look[0])]} if look[3] else {}
    pen.text(ax, *middle, written(cells, row), colour=look[2], gid="told", **halo)


def _labels(cells):
    names = cells.attrs["names"]
    return {**{name: f"{name} is better" for name in names}, NOBODY: NOBODY}


def _legend(ax, cells):
    """Add the legend below the sheet, from its left edge."""
    from matplotlib.transforms import ScaledTranslation

    handles = []
    for name, label in _labels(cells).items():
        handles.append(patch(faces(cells.attrs["names"])[name], (0, 0), 1, 1, label=label))
    where = ax.transAxes + ScaledTranslation(0, -6 / 72, ax.get_figure(root=True).dpi_scale_trans)
    how = {"ncols": len(handles), "frameon": False, "fontsize": 9, "handlelength": 1.8, "borderaxespad": 0.0}
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=where, **how)


def _legend_width(cells):
    return sum(pen.measure(label, 9)[0] + 48 for label in _labels(cells).values())
