"""Fixed positions for a pair of styles: the hub in the middle, what leads to it at the left, the others around.

With the same positions for both, one style is a star and the other a ring. Pure geometry: positions are in
units of the two radii, the middle is (0, 0) and y runs down.
"""

from math import cos, hypot, radians, sin

from rehearsal.draw.slots import slots

STEP = 0.82  # distance of the nodes that lead to the hub, in radii


def shared(one, two, hubs, entrances, edges=((), ())):
    """Return the positions of the nodes of two graphs: a dict for each.

    `one` and `two` name the nodes in order, the client first, the others as messages first came to them.
    `hubs` has the hub of each graph, or None; `entrances` what leads to it, from the client on; `edges`
    (source, target) of each graph are drawn with as few crossings as a search by swaps finds.
    """
    places = slots(*one_order(one, two))
    middle = [p for p in places if any(name and name == hub for name, hub in zip(p, hubs, strict=True))]
    leading = [p for p in places if p not in middle and any(n in e for n, e in zip(p, entrances, strict=True) if n)]
    around = [p for p in places if p not in middle and p not in leading]
    spots: dict = {}
    for n, place in enumerate(middle):
        spots[place] = (0.42 * (2 * n - (len(middle) - 1)), 0.0)
    for n, place in enumerate(reversed(leading), 1):
        spots[place] = (-STEP * n - 0.42 * max(0, len(middle) - 1) - (0.0 if middle else 0.05), 0.0)
    seats = [(cos(radians(a)), -sin(radians(a))) for a in angles(len(around), bool(leading))]
    joined = [
        tuple(next((p for p in places if p[side] == name), None) for name in edge)
        for side in (0, 1)
        for edge in dict.fromkeys(edges[side])
    ]
    spots |= untangled(around, seats, spots, joined)
    return tuple({place[side]: at for place, at in spots.items() if place[side]} for side in (0, 1))


def untangled(around, seats, fixed, edges):
    """Return {place: seat} with few crossings of straight edges: swap two as long as it helps."""
    order = list(around)
    best = _tangle(dict(zip(order, seats, strict=True)) | fixed, edges)
    better = True
    while better:
        better = False
        for i in range(len(order)):
            for j in range(i):
                order[i], order[j] = order[j], order[i]
                cost = _tangle(dict(zip(order, seats, strict=True)) | fixed, edges)
                if cost < best:
                    best, better = cost, True
                else:
                    order[i], order[j] = order[j], order[i]
    # Mirrored it is as good; so the first message goes up, and then clockwise.
    if around and order.index(around[0]) > (len(order) - 1) / 2:
        order.reverse()
    return dict(zip(order, seats, strict=True))


def _tangle(at, edges):
    """Return how many edges cross or run into a node, then how long they are together."""
    lines = [(at[a], at[b], {a, b}) for a, b in edges if a != b]
    cross = sum(not m & n and _cross(p, q, r, s) for i, (p, q, m) in enumerate(lines) for r, s, n in lines[:i])
    hit = sum(name not in m and _near(p, q, point) for p, q, m in lines for name, point in at.items())
    return cross + hit, round(sum(hypot(p[0] - q[0], p[1] - q[1]) for p, q, _ in lines), 6)


def _cross(p, q, r, s):
    return _turn(p, q, r) * _turn(p, q, s) < 0 and _turn(r, s, p) * _turn(r, s, q) < 0


def _turn(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _near(p, q, point):
    """Return whether a line passes a point closer than a box is high."""
    long = hypot(q[0] - p[0], q[1] - p[1]) or 1.0
    along = ((point[0] - p[0]) * (q[0] - p[0]) + (point[1] - p[1]) * (q[1] - p[1])) / long
    return 0 < along < long and abs(_turn(p, q, point)) / long < 0.25


def one_order(one, two):
    """Return both lists of names with the shared ones in the same order, that of `two`."""
    common = [name for name in two if name in one]
    rest = iter(common)
    return [next(rest) if name in two else name for name in one], list(two)


def angles(count, lead):
    """Return angles clockwise around the middle [degrees]; where nodes lead in from the left, room is left there.

    >>> angles(3, True)
    [90.0, 0.0, -90.0]
    """
    if count == 1:
        return [0.0]
    if not lead:
        return [180.0 - n * 360.0 / count for n in range(count)]
    side = {2: 50.0, 3: 90.0, 4: 108.0, 5: 118.0}.get(count, 128.0 if count < 9 else 142.0)
    return [side - n * 2 * side / (count - 1) for n in range(count)]
