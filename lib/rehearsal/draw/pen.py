"""Draw on a sheet measured in points: text of known size, boxes, and arrows whose heads sit on their tips.

A sheet is an Axes in which one unit is one point and y runs down, so a layout can be worked out before
anything is drawn, from the sizes of its texts.
"""

import re
from functools import cache
from math import hypot

from rehearsal.draw import house, palette

NAME, LABEL, SMALL = 10.0, 9.0, 8.0  # sizes of text [pt]
HEAD = (11.0, 4.6)  # length and half width of an arrow head [pt]
MARGIN = 12.0  # around everything [pt]
TITLE = 46.0  # height of a title with its grey line [pt]
GUTTER = 26.0  # between two sheets side by side [pt]
WIDEST = 13.5 * 72 - 2 * MARGIN  # of a drawing [pt]
HALF = (WIDEST - GUTTER) / 2  # of a drawing beside another [pt]


@cache
def _renderer():
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, 80)


@cache
def measure(text, size, bold=False):
    """Return the width and the height of a text [pt]; it may have several lines."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    lines = text.split("\n")
    widths = [_renderer().get_text_width_height_descent(line, font, False)[0] * 0.9 for line in lines]
    return max(widths) + 1.0, len(lines) * size * 1.25


def wrap(name, limit=14):
    """Return a long name on several lines, broken after a hyphen, dot, underscore, slash or space.

    >>> wrap("customer-notification-gateway")
    'customer-\\nnotification-\\ngateway'
    """
    lines = [""]
    for part in re.findall(r"[^-._/ ]*[-._/ ]*", name):
        if lines[-1] and len((lines[-1] + part).rstrip()) > limit:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip(" ") for line in lines if line)


def sheet(ax, width, height, title="", look="", foot=0.0, own=False, least=380.0):
    """Return the Axes for a drawing of `width` × `height` [pt]; without `ax`, on a figure of the right size.

    A panel that is too small makes its figure grow: text has a least size, so a drawing has one, too. `own`:
    the panel was made for it. `least`: width of the figure at least, for its legend.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        wide = max(width, *(measure(t, s, b)[0] for t, s, b in ((title, 12, True), (look, 9, False))), least)
        head = TITLE if title else MARGIN
        figure = plt.figure(figsize=((wide + 2 * MARGIN) / 72, (height + head + foot + MARGIN) / 72), layout="none")
        ax = place(figure, MARGIN, head, wide, height)
    elif own:
        wide = width
    else:
        house.grow(ax, width, height)
        wide = width
        ax.set_aspect("equal", adjustable="box", anchor="NW")
    ax.set(xlim=(0, wide), ylim=(height, 0), xticks=[], yticks=[])
    ax.axis("off")
    if title:
        house.title(ax, title, look)
    return ax


def sheets(width, height, heads, foot, least=0.0):
    """Return a figure with a sheet for each of `heads` (title, grey line): side by side, or stacked if too wide."""
    import matplotlib.pyplot as plt

    wide = max([width, *(measure(t, 12, True)[0] for t, _ in heads), *(measure(w, 9)[0] for _, w in heads)])
    across = wide <= HALF
    columns, rows = (len(heads), 1) if across else (1, len(heads))
    size = columns * (wide + GUTTER) - GUTTER + 2 * MARGIN, rows * (TITLE + height) + foot + MARGIN
    figure = plt.figure(figsize=(max(size[0], least + 2 * MARGIN) / 72, size[1] / 72), layout="none")
    axes = []
    for n, (title, look) in enumerate(heads):
        left, top = (n * (wide + GUTTER), 0.0) if across else (0.0, n * (TITLE + height))
        ax = place(figure, MARGIN + left, TITLE + top, wide, height)
        axes.append(sheet(ax, wide, height, title, look, own=True))
    return figure, axes


def place(figure, left, top, width, height):
    """Return a new Axes of `width` × `height` [pt], so far from the left and the upper edge of the figure."""
    w, h = figure.get_size_inches() * 72
    return figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))


def text(ax, x, y, words, size=LABEL, colour=palette.INK, gid="label", **how):
    """Write words at a point of the sheet, centred unless told otherwise."""
    how = {"ha": "center", "va": "center", "linespacing": 1.08, "zorder": 6, **how}
    return ax.text(x, y, words, fontsize=size, color=colour, gid=gid, **how)


def box(ax, name, x, y, width, height, role="service", hub=False, silent=False, limit=14):
    """Draw a node: the client has round ends, a broker its own edge; the hub is blue, the silent dashed."""
    from matplotlib.patches import FancyBboxPatch

    face = {"client": palette.PAPER, "broker": palette.BROKER}.get(role, palette.BOX)
    edge = {"broker": palette.KINDS["event"].colour}.get(role, palette.BOX_EDGE)
    if hub:
        face, edge = palette.HUB, palette.HUB_EDGE
    if silent:
        face, edge = palette.PAPER, palette.GREY
    corner = min(width, height) / 2 if role == "client" else 4.5
    patch = FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height, boxstyle=f"round,pad=0,rounding_size={corner}",
        facecolor=face, edgecolor=edge, linewidth=2.2 if hub else 1.4, zorder=4,
        linestyle=(0, (3, 2)) if silent else "solid", gid=f"box:{name}",
    )  # fmt: skip
    ax.add_patch(patch)
    colour = palette.GREY if silent else palette.INK
    text(ax, x, y, wrap(name, limit), NAME, colour, f"node:{name}", fontweight="bold" if hub else "normal")
    return patch


def node_size(name, bold=False, limit=14):
    """Return the width and the height of the box that a name needs [pt]."""
    width, height = measure(wrap(name, limit), NAME, bold)
    return max(64.0, width + 16.0), max(32.0, height + 14.0)


CODES = {
    "M": (1, 1),
    "L": (2, 1),
    "Q": (3, 2),
    "C": (4, 3),
}  # as matplotlib.path numbers them, and their points


def arrow(ax, path, line, gid="arrow"):
    """Draw an arrow along a path of ("M" | "L" | "Q" | "C", points …), as its kind is drawn."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points = [p for _, *ps in path for p in ps]
    codes = [CODES[code][0] for code, *ps in path for _ in ps]
    tip, before = points[-1], next(p for p in reversed(points[:-1]) if p != points[-1])
    base = towards(tip, before, HEAD[0])
    shaft = Path([*points[:-1], towards(tip, before, HEAD[0] - 0.5)], codes)
    ax.add_patch(PathPatch(
        shaft, fill=False, edgecolor=line.colour, linestyle=line.dash, linewidth=line.width, capstyle="butt",
        joinstyle="round", zorder=2, gid=gid,
    ))  # fmt: skip
    head(ax, tip, base, line)


def towards(start, goal, distance):
    """Return the point at a distance from `start` in the direction of `goal`."""
    length = hypot(goal[0] - start[0], goal[1] - start[1]) or 1.0
    return tuple(s + (g - s) * distance / length for s, g in zip(start, goal, strict=True))


def head(ax, tip, base, line, zorder=5):
    """Draw an arrow head from the middle of its base to its tip, filled or open as its kind is."""
    from matplotlib.patches import Polygon

    (x, y), (u, v) = tip, base
    dx, dy = (x - u) * HEAD[1] / HEAD[0], (y - v) * HEAD[1] / HEAD[0]
    face = line.colour if line.filled else palette.PAPER
    corners = [tip, (u - dy, v + dx), (u + dy, v - dx)]
    ax.add_patch(
        Polygon(corners, facecolor=face, edgecolor=line.colour, linewidth=1.3, joinstyle="miter", zorder=zorder)
    )


def style_of(kind, undo):
    """Return the line of a message: its kind's, or that of a compensation."""
    return palette.KINDS["compensation" if undo else kind]
