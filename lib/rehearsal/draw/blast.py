"""The blast-radius matrix: a row for each node that fails, a column for each capability, what became of it in words."""

from rehearsal.blast import FATES
from rehearsal.draw import house, palette, pen, words
from rehearsal.draw.show import describe

CELL, ROW, AIR = 58.0, 32.0, 8.0  # least width and the height of a cell, and what is free between two [pt]
COVERS = 0.9  # from this share on, what is lost lies under all of the words
FOOT = 34.0  # height of the legend [pt]
LEGEND = {"ok": "still works", "late": "late (done after the repair)", "lost": "lost (refused, failed or undone)"}
FACES = {"ok": palette.HEALTH["≥ 99 %"], "late": palette.LATE, "lost": palette.HEALTH["< 50 %"]}


def blast(found, *, ax=None, title=None, subtitle=None):
    """Draw the blast radius of one system, and return the Axes.

    A cell is filled by its shares: what still worked, what came late, what was lost, of the requests offered while its
    row was out. The orchestrator, where there is one, and the brokers are bold.
    """
    with house.style():
        side, width, height = _side([found]), _width(found), _height(found)
        heads = title or message(found), look() if subtitle is None else subtitle
        ax = pen.sheet(ax, side + width, height, *heads, FOOT, least=_legend_width())
        _panel(ax, found, side, side)
        _legend(ax.get_figure(root=True))
    return describe(ax, sentence(found))


def blast_pair(a, b, *, titles=(None, None), subtitles=(None, None)):
    """Draw two blast radii with the same rows and columns side by side, stacked where that is too wide."""
    import matplotlib.pyplot as plt

    pair = (a, b)
    side, width, height = _side(pair), _width(a), _height(a)
    heads = [(t or message(f), look() if s is None else s) for t, s, f in zip(titles, subtitles, pair, strict=True)]
    wide = max(width, *(pen.measure(t, 12, True)[0] for t, _ in heads), *(pen.measure(s, 9)[0] for _, s in heads))
    across = side + 2 * wide + pen.GUTTER <= pen.WIDEST
    size = (side + 2 * wide + pen.GUTTER, pen.TITLE + height) if across else (side + wide, 2 * (pen.TITLE + height))
    with house.style():
        page = max(size[0], _legend_width()) + 2 * pen.MARGIN, size[1] + FOOT + pen.MARGIN
        figure = plt.figure(figsize=(page[0] / 72, page[1] / 72), layout="none")
        for place, (found, head) in enumerate(zip(pair, heads, strict=True)):
            mine = 0.0 if across and place else side
            left = pen.MARGIN + (side + wide + pen.GUTTER if across and place else 0.0)
            top = pen.TITLE + (0.0 if across else place * (pen.TITLE + height))
            ax = pen.place(figure, left, top, mine + wide, height)
            pen.sheet(ax, mine + wide, height, *head, own=True)
            _panel(ax, found, mine, side, bold=a.central + b.central)
            describe(ax, sentence(found))
        _legend(figure)
    return figure


def message(found):
    """Say how much is lost and how much is late."""
    return f"{words.capital(found.name)}: {found.tally}"


def look():
    """Say what to look at."""
    return "when a row fails: what becomes of the requests offered meanwhile"


def told(cell):
    """Say what became of a capability, no more than is true: only what holds for all has no number.

    >>> from rehearsal.blast import Cell
    >>> [told(Cell(*counts)) for counts in ((9, 0, 0), (0, 0, 9), (35, 0, 65), (999, 0, 1), (1, 4, 5), (0, 0, 0))]
    ['ok', 'lost', '65% lost', '1% lost', '50% lost\\n40% late', '–']
    """
    total = sum(cell)
    whole = [fate for fate, count in zip(FATES, cell, strict=True) if count == total]
    if not total or whole:
        return whole[0] if total else "–"
    parts = [(fate, getattr(cell, fate)) for fate in ("lost", "late")]
    return "\n".join(f"{min(99, max(1, round(100 * n / total)))}% {fate}" for fate, n in parts if n)


def sentence(found):
    """Say in words what the picture shows."""
    rows = []
    for row in found.rows:
        cells = [f"{c} {told(found.cells[row, c])}".replace("\n", " and ") for c in found.columns if found.has(row)]
        rows.append(f"{row}: {', '.join(cells)}" if cells else f"no {row} here")
    return f"Blast radius of {found.name}, {found.tally}; {'; '.join(rows)}."


def _name(name):
    return pen.wrap(name, 20)


def _head(name):
    return pen.wrap(name, 10)


def _side(several):
    names = ["when this fails", *(_name(row) for found in several for row in found.rows)]
    return max(pen.measure(name, pen.NAME, True)[0] for name in names) + 12


def _cell(found):
    return max([CELL, *(pen.measure(_head(c), pen.LABEL)[0] + 2 for c in found.columns)])


def _width(found):
    return max(CELL, len(found.columns) * (_cell(found) + AIR) - AIR) + 1  # the edge of the last cell


def _top(found):
    """Return the height of the row of column names [pt]."""
    return max([pen.measure(_head(c), pen.LABEL)[1] for c in found.columns] + [12.0]) + 9


def _row(found):
    """Return the height of a row with the space below it [pt]; a long name has several lines."""
    return max([ROW, *(pen.measure(_name(row), pen.NAME)[1] + 2 for row in found.rows)]) + AIR


def _height(found):
    return _top(found) + max(1, len(found.rows)) * _row(found)


def _panel(ax, found, left, side, bold=()):
    """Draw names and cells; the names of the rows only where there is room for them at the `left`."""
    top, high, wide = _top(found), _row(found) - AIR, _cell(found)
    for place, column in enumerate(found.columns):
        pen.text(ax, left + place * (wide + AIR) + wide / 2, top - 6, _head(column), va="baseline")
    if left:
        pen.text(ax, side - 12, top - 6, "when this fails", colour=palette.GREY, ha="right", va="baseline")
    for n, row in enumerate(found.rows):
        y = top + n * (high + AIR)
        if left:
            weight = "bold" if row in (bold or found.central) else "normal"
            pen.text(ax, side - 12, y + high / 2, _name(row), pen.NAME, ha="right", fontweight=weight, gid=f"row:{row}")
        if not found.has(row):
            pen.text(ax, left, y + high / 2, f"no {row} here", colour=palette.GREY, ha="left", style="italic")
            continue
        for place, column in enumerate(found.columns):
            _draw(ax, found.cells[row, column], left + place * (wide + AIR), y, wide, high, f"cell:{row}:{column}")


def _draw(ax, cell, x, y, wide, high, gid):
    """Fill a cell by its shares, from the left what worked, came late, was lost, and write on it what they are."""
    from matplotlib.patches import Rectangle

    total = sum(cell)
    if not total:
        looks = {"fc": palette.PAPER, "ec": palette.RULE, "lw": 0.8, "zorder": 2, "gid": gid}
        ax.add_patch(Rectangle((x, y), wide, high, **looks))
    start = x
    for fate, count in zip(FATES, cell, strict=True):
        if count:
            ax.add_patch(_patch(fate, (start, y), wide * count / total, high, gid=f"{gid}:{fate}"))
            start += wide * count / total
    _write(ax, cell, x + wide / 2, y + high / 2)


def _patch(fate, corner, wide, high, gid=None):
    from matplotlib.patches import Rectangle

    looks = {"fc": FACES[fate], "lw": 0, "zorder": 2, "gid": gid}
    if fate == "late":
        looks |= {"hatch": "////", "ec": palette.PAPER, "hatch_linewidth": 1.4}
    return Rectangle(corner, wide, high, **looks)


def _write(ax, cell, x, y):
    from matplotlib.patheffects import withStroke

    said, total = told(cell), sum(cell)
    if said in ("ok", "–"):
        pen.text(ax, x, y, said, colour=palette.GREY, gid="told")
    elif cell.lost > COVERS * total:
        pen.text(ax, x, y, said, colour=palette.PAPER, gid="told")
    else:
        size = pen.SMALL if "\n" in said else pen.LABEL
        halo = [withStroke(linewidth=3, foreground=palette.PAPER)]
        pen.text(ax, x, y, said, size, gid="told", path_effects=halo)


def _legend(figure):
    handles = [_patch(fate, (0, 0), 1, 1) for fate in LEGEND]
    for handle, label in zip(handles, LEGEND.values(), strict=True):
        handle.set_label(label)
    height = figure.get_size_inches()[1] * 72
    how = {"ncols": len(handles), "frameon": False, "fontsize": 9, "handlelength": 1.6, "borderaxespad": 0.0}
    figure.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 10 / height), **how)


def _legend_width():
    return sum(pen.measure(label, 9)[0] + 48 for label in LEGEND.values())
