"""Lines that are named at their right end: how high the panel is, the room for the names, and the names."""

from itertools import pairwise
from math import exp, isfinite, log

from rehearsal.draw import palette
from rehearsal.draw.labels import Spot, placer
from rehearsal.draw.pen import measure

AIR = 0.08  # of the height, above the highest
LEAST = 0.25  # of the highest value: what an axis shows at least, so that it does not make much of little
MOST = 0.45  # of the width of a panel, for names


def height(low, high):
    """Return the limits of an axis for values from `low` to `high`: from 0, but from higher where all is far above.

    >>> height(10, 100), height(100, 130), height(99.9, 100), height(-50, 50)
    ((0.0, 108.0), (94.9, 132.6), (73.0, 102.0), (-58.0, 58.0))
    """
    if low < 0:
        air = AIR * (max(high, 0.0) - low)
        return low - air, (high if high > 0 else 0.0) + air
    if low <= high / 2:
        return 0.0, high * (1 + AIR) or 1.0
    span = max(high - low, LEAST * high)
    return round(high - span * (1 + AIR), 9), round(high + span * AIR, 9)


def room(ax, places, names, is_log=False):
    """Set the limits of x so that beside the last of some places there is room for the longest of some names."""
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    width = ax.get_window_extent().width * 72 / figure.dpi
    wide = min(max([0.0, *(measure(name, 9, True)[0] + 16 for name in names)]), MOST * width)
    start, end = min(places), max(places)
    if is_log:
        span = log(end / start) or 1.0
        left, right = start * exp(-0.03 * span), end * exp(span * max(0.03, 1.03 * wide / (width - wide)))
    else:
        span = (end - start) or 1.0
        left, right = start - 0.03 * span, end + span * max(0.03, 1.03 * wide / (width - wide))
    others = [other for other in ax.get_shared_x_axes().get_siblings(ax) if other is not ax and other.lines]
    bounds = [(left, right), *(other.get_xlim() for other in others)]
    ax.set_xlim(min(low for low, _ in bounds), max(high for _, high in bounds))


def name(ax, lines):
    """Write the names of lines [(name, points, colour)] at their ends, or else along them, where they cover nothing."""
    from matplotlib import patheffects
    from matplotlib.transforms import IdentityTransform

    labels, segments = [], []
    for said, points, colour in sorted(lines, key=lambda line: -line[1][-1][1]):
        points = [point for point in points if isfinite(point[1])]
        segments += [(pair, 4) for pair in pairwise(thinned(points))]
        text = ax.text(0, 0, said, transform=IdentityTransform(), color=colour, fontsize=9, fontweight="bold",
                       ha="left", va="bottom", zorder=8, gid=f"name:{said}")  # fmt: skip
        text.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=palette.PAPER)])
        text.set_in_layout(False)
        (leader,) = ax.plot([], [], color=palette.GREY, lw=0.6, transform=IdentityTransform(), in_layout=False)
        labels.append((text, spots(points), leader))
    placer(ax, labels, [], segments)


def spots(points):
    """Return the places of a name: beside the last point, higher or lower there, then along the line."""
    x, y = points[-1]
    steps = sorted(range(-90, 91, 3), key=lambda step: (abs(step), -step))
    ends = [Spot(x, y, 9, step, "left", "center", abs(step) / 30) for step in steps]
    sides = (6, 4, "left", "bottom"), (-6, 4, "right", "bottom"), (6, -4, "left", "top")
    along = [
        Spot(x, y, *side, 5 + n / len(points)) for n, (x, y) in enumerate(reversed(thinned(points))) for side in sides
    ]
    return ends + along


def thinned(points, most=40):
    """Return some of many points, the last among them: a placer needs no more."""
    return [*points[:: max(1, len(points) // most)], points[-1]]
