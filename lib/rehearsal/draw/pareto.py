"""The Pareto picture: designs by two quantities, a third in each mark, and the front of those worth choosing."""

from itertools import pairwise

from rehearsal.draw import house, palette
from rehearsal.draw.labels import Spot, placer
from rehearsal.draw.show import describe
from rehearsal.pareto import front

SIZE = 17.0  # diameter of a mark [pt]
AIR = 1.5  # between two marks [pt]


def pareto(
    frame, x, y, *, better, third=None, names=None, xlim=None, ylim=None, ax=None, title=None, subtitle=None
):  # fmt: skip
    """Draw the rows of a frame, named by its index, by two of its columns, and return the Axes.

    `better` is {column: "less" or "more"} for `x`, `y` and any further column that counts. Filled and named are the
    rows that no other beats in all of these; a line joins those that are not beaten in `x` and `y` alone. The value of
    the column `third` is written in each mark. `names`: which rows to name, by themselves the filled ones. Rows that
    are equal share a mark, "× 3" says how many; marks that would cover each other stand side by side. The names of the
    columns are the labels of the axes; give two pictures side by side the same `xlim` and `ylim`.
    """
    best, line = front(frame, better), outline(frame, x, y, better)
    with house.style():
        ax = house.panel(ax, 8.6, 4.8)
        ax.set(xlabel=x, ylabel=y)
        _limits(ax, frame, (x, y), (xlim, ylim))
        ax.plot(*zip(*line, strict=True), color=palette.HUB_EDGE, lw=1.2, zorder=1.5, gid="front")
        house.folded(ax, title or message(frame, better), look(third, better) if subtitle is None else subtitle)
        marks = _marks(ax, frame, x, y, third, best)
        _name(ax, marks, best if names is None else list(names), line)
    return describe(ax, sentence(frame, x, y, better))


def message(frame, better):
    """Say how many are worth choosing from."""
    return f"{len(front(frame, better))} of {len(frame)} are worth choosing from"


def look(third, better):
    """Say how to read a mark."""
    inside = f"in each mark: {third}; " if third else ""
    return f"{inside}filled: no other is as good in all {len(better)} and better in one"


def sentence(frame, x, y, better):
    """Say in words what the picture shows: the front, with all that counts of each."""
    columns = list(dict.fromkeys([x, y, *better]))
    rows = [
        f"{name} ({', '.join(f'{column} {_short(frame.loc[name, column])}' for column in columns)})"
        for name in front(frame, better)
    ]
    return f"{y} by {x}; {message(frame, better)}: {'; '.join(rows)}."


def outline(frame, x, y, better):
    """Return the corners of the stairs [(x, y)] that join the rows which are not beaten in two columns alone.

    >>> import pandas as pd
    >>> cars = pd.DataFrame({"price": [9, 14], "seats": [4, 7]}, index=["small", "van"])
    >>> outline(cars, "price", "seats", {"price": "less", "seats": "more"})
    [(9, 4), (14, 4), (14, 7)]
    """
    two = {column: better[column] for column in (x, y)}
    points = sorted({tuple(frame.loc[name, [x, y]].tolist()) for name in front(frame, two)})
    # Between two of the front, what costs a little more but not yet enough gets no more than the first.
    corners = [(b[0], a[1]) if better[x] == "less" else (a[0], b[1]) for a, b in pairwise(points)]
    stairs = [points[0]] if points else []
    for corner, point in zip(corners, points[1:], strict=True):
        stairs += [corner, point]
    return stairs


def dodge(places, size):
    """Return how far to move each of some marks sideways so that no two overlap; `places` and `size` in one unit.

    A mark stays where it is if it can, and else goes to the nearest free side, right first.

    >>> dodge([(0, 0), (0, 0), (0, 1), (50, 0)], 10)
    [0, 10, -10, 0]
    """
    taken: list = []
    moves: list = []
    for x, y in places:
        steps = [0, *(sign * n * size for n in range(1, len(places) + 1) for sign in (1, -1))]
        move = next(s for s in steps if all((x + s - a) ** 2 + (y - b) ** 2 >= size**2 - 1e-6 for a, b in taken))
        taken.append((x + move, y))
        moves.append(move)
    return moves


def _limits(ax, frame, columns, said):
    for column, limits, set_limits, air in zip(columns, said, (ax.set_xlim, ax.set_ylim), (0.09, 0.14), strict=True):
        low, high = frame[column].min(), frame[column].max()
        more = air * ((high - low) or max(abs(high), 1.0))
        set_limits(limits or (low - more, high + more))


def _marks(ax, frame, x, y, third, best):
    """Draw a mark for each place, of rows that are equal one, and return {name: (line, point, move)}.

    The best keep their place; then the first at each point.
    """
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    groups = _groups(frame, x, y, third, best)
    homes: dict = {}
    for key in sorted(groups, key=lambda key: not key[0]):
        homes.setdefault(key[1], key)
    order = sorted(groups, key=lambda key: (not key[0], homes[key[1]] != key))
    places = [tuple(ax.transData.transform(key[1]) * 72 / figure.dpi) for key in order]
    found: dict = {}
    for key, move in zip(order, dodge(places, SIZE + AIR), strict=True):
        mark = _mark(ax, key, groups[key], move)
        found |= dict.fromkeys(groups[key], (mark, key[1], move))
    return found


def _groups(frame, x, y, third, best):
    """Return {(whether it is one of the best, point, what is written in it): names} of the rows that look alike."""
    groups: dict = {}
    for name in frame.index:
        point = tuple(frame.loc[name, [x, y]].tolist())
        inside = "" if third is None else _short(frame.loc[name, third])
        groups.setdefault((name in best, point, inside), []).append(name)
    return groups


def _mark(ax, key, names, move):
    """Draw one mark, moved sideways by so much [pt], with how many rows it stands for where they are several."""
    from matplotlib.transforms import offset_copy

    is_best, point, inside = key
    figure = ax.get_figure(root=True)
    where = offset_copy(ax.transData, figure, move, 0, units="points")
    face, edge, ink = (palette.DATA, palette.DATA, palette.PAPER) if is_best else _PALE
    looks = {"ms": SIZE, "mfc": face, "mec": edge, "mew": 1.2, "zorder": 4 if is_best else 3}
    (mark,) = ax.plot(*point, "o", transform=where, gid=f"point:{names[0]}", **looks)
    if inside:
        centre = {"ha": "center", "va": "center_baseline", "fontsize": 9, "color": ink, "zorder": 5}
        ax.text(*point, inside, transform=where, gid=f"third:{names[0]}", **centre)
    if len(names) > 1:
        above = offset_copy(where, figure, 0, -SIZE / 2 - 1, units="points")
        below = {"ha": "center", "va": "top", "fontsize": 8, "color": palette.GREY, "zorder": 3}
        ax.text(*point, f"× {len(names)}", transform=above, gid=f"times:{names[0]}", **below)
    return mark


_PALE = (palette.PAPER, palette.QUIET, palette.GREY)


def _name(ax, marks, names, line):
    """Write names beside their marks where there is room."""
    from matplotlib.transforms import IdentityTransform

    labels, far = [], SIZE / 2 + 4
    for name in names:
        _, (px, py), move = marks[name]
        sides = [(far, 0, "left", "center"), (0, far, "center", "bottom"), (0, -far, "center", "top"),
                 (-far, 0, "right", "center")]  # fmt: skip
        corners = [(dx * far * 0.7, dy * far * 0.7, "left" if dx > 0 else "right", "bottom" if dy > 0 else "top")
                   for dx in (1, -1) for dy in (1, -1)]  # fmt: skip
        away = [(dx, dy * n * 14, ha, va) for n in (2, 3) for dy in (1, -1) for dx, _, ha, va in (sides[0], sides[3])]
        spots = [Spot(px, py, move + dx, dy, ha, va, n) for n, (dx, dy, ha, va) in enumerate([*sides, *corners, *away])]
        looks = {"fontsize": 9, "ha": "left", "va": "bottom", "zorder": 6, "gid": f"name:{name}"}
        text = ax.text(0, 0, name, transform=IdentityTransform(), **looks)
        text.set_in_layout(False)
        (leader,) = ax.plot([], [], transform=IdentityTransform(), lw=0.8, color=palette.GREY, in_layout=False)
        labels.append((text, spots, leader))
    times = [text for text in ax.texts if str(text.get_gid()).startswith("times:")]
    placer(ax, labels, [*(mark for mark, _, _ in marks.values()), *times], [(step, 5) for step in pairwise(line)])


def _short(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
