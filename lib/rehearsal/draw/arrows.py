"""Draw the messages of a sequence diagram: line, head or ✗, and where its label would like to stand."""

from itertools import pairwise

from rehearsal.draw import palette
from rehearsal.draw.labels import Spot


def arrow(page, a, stands):
    """Draw one message, and let its label look for a place on it."""
    if not page.shows(a.leaves, a.arrives):
        return
    line = palette.KINDS[a.style]
    start, end = page.y(a.leaves), page.y(a.arrives)
    if a.source == a.target:
        points = _loop(page, a, start, end)
    else:
        at = page.columns[a.source]
        to = page.columns[a.target] if a.target else at + 0.5
        side = 1 if to > at else -1
        x1 = stands.get((a.target, a.arrives)) if a.style != "reply" else None
        if x1 is None:
            x1 = page.edge(a.target, a.arrives, -side) if a.target else to
        if a.cross:
            x1 = page.crossed[a.target, a.arrives] = to - side * 0.36
        x0 = page.crossed.get((a.source, a.leaves)) if a.style == "reply" else None
        points = [(page.edge(a.source, a.leaves, side) if x0 is None else x0, start), (x1, end)]
    page.ax.plot(*zip(*points, strict=True), color=line.colour, ls=line.dash, lw=line.width, zorder=5)
    if a.style != "reply":
        page.ax.plot(*points[0], marker="o", ms=3, color=line.colour, zorder=5)
    if a.cross:
        cross(page, *points[-1])
    else:
        head(page, points[-2], points[-1], line)
    page.used[a.style] = True
    page.lines += [((p, q), 1 if a.style == "reply" else 2.5) for p, q in pairwise(points)]
    if a.label:
        colour = palette.GREY if a.style == "reply" else line.colour
        page.label(a.label, message_spots(points, a.source == a.target, not a.target), color=colour)


def _loop(page, a, start, end):
    """Return the way of a message to oneself: out to the right, down, and back."""
    end = max(end, start + 0.02 * page.clock.length)
    near, far = page.edge(a.source, a.leaves, 1), page.columns[a.source] + page.loop
    return [(near, start), (far, start), (far, end), (page.edge(a.source, a.arrives, 1), end)]


def message_spots(points, loop=False, stub=False):
    """Return where the label of a message may stand: over its line, else under it, else farther off, gap by gap."""
    if stub:
        (x, y), _ = points
        return [
            Spot(x, y, 3, sign * (3 + 6 * k), "left", va, k)
            for k in range(9)
            for sign, va in ((-1, "top"), (1, "bottom"))
        ]
    if loop:
        (x, y0), (_, y1) = points[1], points[2]
        return [Spot(x, (y0 + y1) / 2, 5, dy, "left", "center", abs(dy) / 5) for dy in (0, 8, -8, 16, -16, 24, -24)]
    (x0, y0), (x1, y1) = points
    reach = x1 - x0
    gaps = max(1, round(abs(reach)))
    shares = [(i + 0.5) / gaps for i in range(gaps)]
    shares = [
        s for i, s in sorted(enumerate(shares), key=lambda pair: (pair[0] + 0.3 * (pair[0] >= gaps / 2), pair[0]))
    ]
    steps = [(2.5, "bottom", 0.0), (-2.5, "top", 1.2)]
    steps += [
        (sign * (2.5 + 6 * k), "bottom" if sign > 0 else "top", 1.5 + k * 0.9) for k in range(1, 16) for sign in (1, -1)
    ]
    spots = []
    for rank, share in enumerate(shares):
        for shift, bad in ((0.0, 0.0), (-0.2, 0.4), (0.2, 0.4), (-0.35, 0.8), (0.35, 0.8)):
            s = share + shift / gaps
            spots += [
                Spot(x0 + s * reach, y0 + s * (y1 - y0), 0, dy, "center", va, worse + bad + 0.5 * rank)
                for dy, va, worse in steps
            ]
    return spots


def cross(page, x, y):
    """Draw the ✗ where something ended badly."""
    colour = palette.KINDS["lost"].colour
    page.ax.plot(x, y, marker="x", ms=9, mew=2.6, color=colour, zorder=7, clip_on=True)


def head(page, tail, tip, line):
    """Draw an arrow head at `tip`, coming from `tail`: filled or open, always solid."""
    from matplotlib.patches import FancyArrowPatch

    style = "-|>,head_length=0.55,head_width=0.24" if line.filled else "->,head_length=0.5,head_width=0.26"
    # Only the last bit: the line itself keeps its dashes, and the head does not.
    near = tip[0] + (tail[0] - tip[0]) * 0.04, tip[1] + (tail[1] - tip[1]) * 0.04
    looks: dict = {"color": line.colour, "lw": min(line.width, 1.6), "joinstyle": "miter", "zorder": 6}
    shape: dict = {"arrowstyle": style, "mutation_scale": 15, "shrinkA": 0, "shrinkB": 0}
    page.ax.add_patch(FancyArrowPatch(near, tip, **shape, **looks))
