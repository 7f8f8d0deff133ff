"""Draw edges between boxes at fixed positions: bows that keep apart and clear of boxes, and places for their labels.

Pure geometry, in points. Edges between the same two nodes are fanned out; each begins and ends at the edge of
its box.
"""

from itertools import pairwise
from math import hypot

from rehearsal.draw.labels import Box, choose, crosses

FAN = 36.0  # distance of the control points of edges between the same two nodes [pt]
AIR = 5.0  # around a box that an edge has to go around [pt]
FARTHEST = 330.0  # of two nodes whose edge bows outwards [pt]
LEANS = (0.0, 44.0, -44.0, 88.0, -88.0, 140.0, -140.0, 200.0, -200.0)
ALONG = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)


def bows(boxes, pairs):
    """Return the path of each edge (source, target) between boxes {name: (x, y, width, height)}."""
    groups: dict = {}
    for index, (source, target) in enumerate(pairs):
        groups.setdefault(tuple(sorted((source, target), key=list(boxes).index)), []).append(index)
    found: dict = {}
    for (a, b), members in groups.items():
        if a == b:
            found.update(zip(members, (_loop(boxes[a], n) for n in range(len(members))), strict=True))
            continue
        leans = [_outwards(boxes[a], boxes[b]), *LEANS]
        fans = [[_curve(boxes, a, b, lean, n, len(members)) for n in range(len(members))] for lean in leans]
        hits = [sum(_hits(curve, boxes, (a, b)) for curve in fan) for fan in fans]
        for index, curve in zip(members, fans[hits.index(min(hits))], strict=True):
            source, target = pairs[index]
            found[index] = _clipped(curve if source == a else curve[::-1], boxes[source], boxes[target])
    return [found[index] for index in range(len(pairs))]


def _outwards(one, two):
    """Return how far the edge between two nodes on the ring should bow away from the middle, (0, 0)."""
    (x, y, *_), (u, v, *_) = one, two
    long = hypot(u - x, v - y)
    if long > FARTHEST or abs(x * v - y * u) < long:  # in line with the middle, or from one side to the other
        return 0.0
    outer = (y - v) * (x + u) + (u - x) * (y + v)
    return min(0.14 * long, 30.0) * (1 if outer > 0 else -1)


def _curve(boxes, a, b, lean, place, count):
    """Return the three points of a bow from the middle of `a` to that of `b`, one of a fan of `count`."""
    (x, y, w, h), (u, v, p, q) = boxes[a], boxes[b]
    long = hypot(u - x, v - y) or 1.0
    nx, ny = (y - v) / long, (u - x) / long
    off = (place - (count - 1) / 2) * FAN
    room = max(0.0, min(min(w, p) / 2 * abs(nx) + min(h, q) / 2 * abs(ny) - 6, abs(off) / 2))
    shift = room if off > 0 else -room
    start, end = (x + nx * shift, y + ny * shift), (u + nx * shift, v + ny * shift)
    bend = off * 0.5 + lean
    return start, ((start[0] + end[0]) / 2 + nx * bend, (start[1] + end[1]) / 2 + ny * bend), end


def at(curve, t):
    """Return the point of a quadratic curve at `t` from 0 to 1."""
    (x, y), (u, v), (p, q) = curve
    a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
    return a * x + b * u + c * p, a * y + b * v + c * q


def _inside(point, box, air):
    (x, y), (u, v, w, h) = point, box
    return abs(x - u) < w / 2 + air and abs(y - v) < h / 2 + air


def _hits(curve, boxes, ends):
    points = [at(curve, n / 24) for n in range(25)]
    return sum(_inside(p, box, AIR) for name, box in boxes.items() if name not in ends for p in points)


def _clipped(curve, source, target):
    """Return the path of the part of a curve that lies outside the boxes it joins."""
    steps = [n / 160 for n in range(161)]
    start = max((t for t in steps if _inside(at(curve, t), source, 0.5)), default=0.0)
    end = min((t for t in steps if t > start and _inside(at(curve, t), target, 1.0)), default=1.0)
    p, q = at(curve, start), at(curve, end)
    # The control point of a part of a quadratic curve (its blossom at both ends).
    control = tuple(
        (1 - start) * (1 - end) * a + (start + end - 2 * start * end) * b + start * end * c
        for a, b, c in zip(*curve, strict=True)
    )
    return (("M", p), ("Q", control, q))


def _loop(box, place):
    x, y, _, h = box
    top, wide, high = y - h / 2, 22.0 + 8 * place, 34.0 + 16 * place
    return (("M", (x - 9, top)), ("C", (x - wide, top - high), (x + wide, top - high), (x + 9, top)))


def points_of(path, steps=12):
    """Return points along a path of one curve."""
    (_, start), (code, *rest) = path
    if code == "Q":
        return [at((start, *rest), n / steps) for n in range(steps + 1)]
    a, b, end = rest
    inner = [at((start, a, b), n / steps) for n in range(steps + 1)]
    outer = [at((a, b, end), n / steps) for n in range(steps + 1)]
    ts = [n / steps for n in range(steps + 1)]
    return [
        tuple((1 - t) * p + t * q for p, q in zip(i, o, strict=True)) for t, i, o in zip(ts, inner, outer, strict=True)
    ]


def settle(paths, sizes, boxes):
    """Return the middle of each label, None where there is no room, and how many labels run over a line."""
    solid = [Box(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in boxes.values()]
    traces = [points_of(path) for path in paths]
    lines = [(segment, 30.0) for trace in traces for segment in pairwise(trace)]
    wishes = [_wishes(trace, size) for trace, size in zip(traces, sizes, strict=True)]
    far = Box(-1e6, -1e6, 1e6, 1e6)
    chosen = choose(wishes, solid, lines, far)
    spots = [None if i is None else w[i][0] for i, w in zip(chosen, wishes, strict=True)]
    over = sum(any(crosses(box, line) for line, _ in lines) for box in spots if box)
    return [None if s is None else ((s.x0 + s.x1) / 2, (s.y0 + s.y1) / 2) for s in spots], over


def _wishes(trace, size):
    """Return the boxes a label would like, beside its line, and how much worse than the middle each is."""
    (width, height), last = size, len(trace) - 1
    found = []
    for share in ALONG:
        place = share * last
        low = min(int(place), last - 1)
        (x, y), (u, v) = trace[low], trace[low + 1]
        x, y = x + (u - x) * (place - low), y + (v - y) * (place - low)
        long = hypot(u - x, v - y) or 1.0
        nx, ny = (v - y) / long, -(u - x) / long
        for side in (1, -1) if ny < 0 else (-1, 1):
            away = abs(nx) * width / 2 + abs(ny) * height / 2 + 3.0
            cx, cy = x + side * nx * away, y + side * ny * away
            box = Box(cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
            found.append((box, 20 * abs(share - 0.5) + (0.0 if side * ny <= 0 else 1.0)))
    return found
