"""Put labels where they overlap nothing: each has places it would like, in order, and takes the first that is free.

The choice is pure and greedy (`choose`), so it is the same everywhere. It is made when the picture is drawn
(`placer`), because only then is it known how large the axes are.
"""

from math import inf
from typing import NamedTuple

from rehearsal.draw.pen import wrap

GAP = 1.5  # pixels of air around a label
FOLDED = 8.0  # size of a name on two lines [pt]


class Box(NamedTuple):
    """Hold a rectangle in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float


class Spot(NamedTuple):
    """Hold a place a label would like: a point of the picture (data), then an offset (points), and how bad it is."""

    x: float
    y: float
    dx: float
    dy: float
    ha: str
    va: str
    worse: float = 0.0


def fold(name, limit):
    """Return a name on one or two lines of at most `limit` characters; of what is longer the middle is left out.

    >>> fold("customer-notification-service", 20), fold("payments" * 6, 12)
    ('customer-\\nnotification-service', 'paymentspay…\\nentspayments')
    """
    if len(name) <= limit:
        return name
    lines = wrap(name, limit).split("\n")
    if len(lines) > 2 or max(map(len, lines)) > limit:
        lines = [f"{name[: limit - 1]}…", name[-limit:]]
    return "\n".join(lines)


def short(text, limit=60):
    """Return a text of at most `limit` characters; of what is longer the middle is left out.

    >>> short("a-service-with-a-name down", 20)
    'a-service…-name down'
    """
    half = limit // 2
    return text if len(text) <= limit else f"{text[: limit - half - 1]}…{text[-half:]}"


def overlap(a, b, gap=GAP):
    """Return True where two boxes overlap, or come closer than `gap`."""
    return a.x0 < b.x1 + gap and b.x0 < a.x1 + gap and a.y0 < b.y1 + gap and b.y0 < a.y1 + gap


def crosses(box, segment):
    """Return True where a segment ((x0, y0), (x1, y1)) runs through a box (Liang and Barsky's clipping)."""
    (x0, y0), (x1, y1) = segment
    enter, leave = 0.0, 1.0
    for start, way, low, high in ((x0, x1 - x0, box.x0, box.x1), (y0, y1 - y0, box.y0, box.y1)):
        if way == 0:
            if not low <= start <= high:
                return False
            continue
        near, far = sorted(((low - start) / way, (high - start) / way))
        enter, leave = max(enter, near), min(leave, far)
    return enter <= leave


def choose(wishes, solid, lines, frame):
    """Return for each label the index of its place, or None where all are taken.

    `wishes`: for each label a list of (box, how bad). It never overlaps a `solid` box, an earlier label or
    the edge of the `frame`; running over one of the `lines` [(segment, how bad)] is only a cost.
    """
    taken, chosen = list(solid), []
    for places in wishes:
        best = None
        for i, (box, worse) in enumerate(places):
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if not inside or (best is not None and worse >= best[0]) or any(overlap(box, other) for other in taken):
                continue
            cost = worse + sum(bad for segment, bad in lines if crosses(box, segment))
            if best is None or cost < best[0]:
                best = cost, i, box
        chosen.append(best[1] if best else None)
        if best:
            taken.append(best[2])
    return chosen


def box_at(spot, point, size, scale):
    """Return the box of a label of `size` [pixels] at a spot whose point is at `point` [pixels]."""
    (width, height), x, y = size, point[0] + spot.dx * scale, point[1] + spot.dy * scale
    x -= {"left": 0.0, "center": width / 2, "right": width}[spot.ha]
    y -= {"bottom": 0.0, "center": height / 2, "top": height}[spot.va]
    return Box(x, y, x + width, y + height)


def placer(ax, labels, obstacles, lines):
    """Add to `ax` an artist that places its labels just before they are drawn.

    `labels`: (text, spots, leader) with a thin line `leader` for those that land far from their point;
    `obstacles`: artists to keep clear of; `lines`: ((data segment), how bad to run over it). A label that
    finds no room is hidden.
    """
    from matplotlib.artist import Artist

    class Placer(Artist):
        def draw(self, renderer):
            to_pixels, scale = ax.transData.transform, renderer.points_to_pixels(1.0)
            solid = [Box(*a.get_window_extent(renderer).extents) for a in obstacles if a.get_visible()]
            sizes = [_size(text, renderer) for text, _, _ in labels]
            points = [[_point(ax, s) for s in spots] for _, spots, _ in labels]
            wishes = [
                [(box_at(s, p, size, scale), s.worse) for s, p in zip(spots, where, strict=True)]
                for (_, spots, _), where, size in zip(labels, points, sizes, strict=True)
            ]
            segments = [(tuple(map(to_pixels, segment)), bad) for segment, bad in lines]
            frame = Box(*ax.bbox.extents)
            chosen = choose(wishes, solid, segments, frame)
            for label, places, where, i in zip(labels, wishes, points, chosen, strict=True):
                _settle(label, None if i is None else (places[i][0], where[i]), scale)

    artist = Placer()
    artist.set_zorder(-1000)
    artist.set_in_layout(False)
    ax.add_artist(artist)
    return artist


def _point(ax, spot):
    """Return the point of a spot in pixels; an infinite height is the top of the axes, whatever scale they have."""
    _, high = ax.get_ylim()
    x, y = ax.transData.transform((spot.x, high if spot.y == inf else spot.y))
    return x, y


def _size(text, renderer):
    text.set_visible(True)
    text.set_position((0.0, 0.0))
    extent = text.get_window_extent(renderer)
    return extent.width, extent.height


def _settle(label, place, scale):
    text, _, leader = label
    text.set_visible(place is not None)
    leader.set_visible(False)
    if place is None:
        return
    box, (x, y) = place
    text.set_position((box.x0, box.y0))
    nearest = min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1)
    if abs(nearest[1] - y) > 9 * scale:
        leader.set_data([x, nearest[0]], [y, nearest[1]])
        leader.set_visible(True)
