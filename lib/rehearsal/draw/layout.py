"""Lay out a directed graph in layers: which node stands in which layer, in which place, at which height.

Pure geometry, in points, and abstract: the flow runs `along`, the nodes of one layer stand `across` it. A
picture turns that into x and y, to the right or downwards. The stock layouts of networkx draw parallel edges
on top of each other and know no labels; here every edge keeps a lane of its own as wide as its label, so
nothing has to be moved apart afterwards. Deterministic: ties go to what happened first.
"""

from itertools import pairwise
from typing import NamedTuple

BETWEEN = 18.0  # free space between two boxes of a layer [pt]
LANE = 14.0  # free space between two edges that pass a layer side by side [pt]
SWEEPS = 12


class Wire(NamedTuple):
    """Stand for one edge: who to whom, the size of its label, and whether it is a compensation.

    `flat` is the size of the label where the edge turns back, (along, across).
    """

    source: str
    target: str
    along: float = 0.0
    across: float = LANE
    undo: bool = False
    flat: tuple = (0.0, LANE)


class Item(NamedTuple):
    """Stand for one place in a layer: a node, or the lane (`wire`) of an edge that passes."""

    name: str
    wire: int = -1


def reaches(after, start, goal):
    """Return whether `goal` can be reached from `start` along the edges of `after` (a dict of lists)."""
    seen, heap = {start}, [start]
    while heap:
        node = heap.pop()
        if node == goal:
            return True
        fresh = [n for n in after[node] if n not in seen]
        seen.update(fresh)
        heap.extend(fresh)
    return False


def layering(names, wires):
    """Return the layer of each node that has an edge: the longest path to it from where the messages begin.

    Edges count in order of first occurrence; one that would close a cycle is feedback and does not count.
    Neither does a compensation, unless nothing else leads to its target: what undoes a flow does not shape
    it.
    """
    after: dict = {name: [] for name in names}
    forward = [w for w in wires if not w.undo]
    led = {w.target for w in forward if w.source != w.target}
    for wire in [*forward, *(w for w in wires if w.undo and w.target not in led)]:
        if not reaches(after, wire.target, wire.source):
            after[wire.source].append(wire.target)
    used = {name for w in wires for name in (w.source, w.target)}
    layer = _longest({n: after[n] for n in names if n in used})
    return _pulled(layer, after)


def _longest(after):
    layer = dict.fromkeys(after, 0)
    for _ in after:
        for node in after:
            for other in after[node]:
                layer[other] = max(layer[other], layer[node] + 1)
    return layer


def _pulled(layer, after):
    """Return the layers with every source moved next to the first node it speaks to."""
    heard = {other for node in layer for other in after[node]}
    for node in layer:
        if node not in heard and after[node]:
            layer[node] = min(layer[other] for other in after[node]) - 1
    return layer


def chains(wires, layer):
    """Return for each wire its items from source to target, one a layer; None for feedback."""
    found: list = []
    for index, wire in enumerate(wires):
        first, last = layer[wire.source], layer[wire.target]
        lanes = [Item(wire.target, index) for _ in range(first + 1, last)]
        found.append([Item(wire.source), *lanes, Item(wire.target)] if first < last else None)
    return found


def ordering(names, layer, paths):
    """Return the items of each layer in an order with few crossings, by barycentre sweeps."""
    rows: list = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for path in [p for p in paths if p] + [[Item(n)] for n in names if n in layer]:
        for depth, item in enumerate(path, layer[path[0].name]):
            if item not in rows[depth]:
                rows[depth].append(item)
    best = rows, crossings(rows, paths, layer)
    for sweep in range(SWEEPS):
        # Every other pair of sweeps breaks ties the other way round, or it would stick at the first.
        rows = _swept(rows, paths, layer, back=bool(sweep % 2), ties=-1 if sweep % 4 > 1 else 1)
        count = crossings(rows, paths, layer)
        if count < best[1]:
            best = rows, count
    return best[0]


def links(paths, layer, depth):
    """Return the pairs of items that edges join between layer `depth` and the next."""
    at = [(p, depth - layer[p[0].name]) for p in paths if p]
    return [(p[i], p[i + 1]) for p, i in at if 0 <= i < len(p) - 1]


def crossings(rows, paths, layer):
    """Return how many pairs of edges cross between neighbouring layers."""
    total = 0
    for depth in range(len(rows) - 1):
        left = {item: place for place, item in enumerate(rows[depth])}
        right = {item: place for place, item in enumerate(rows[depth + 1])}
        ends = [(left[a], right[b]) for a, b in links(paths, layer, depth)]
        total += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[:i])
    return total


def _swept(rows, paths, layer, back, ties):
    rows = [list(row) for row in rows]
    depths = range(len(rows) - 2, -1, -1) if back else range(1, len(rows))
    for depth in depths:
        fixed = rows[depth + 1 if back else depth - 1]
        place = {item: float(n) for n, item in enumerate(fixed)}
        pairs = links(paths, layer, depth if back else depth - 1)
        near: dict = {item: [] for item in rows[depth]}
        for a, b in pairs:
            near[a if back else b].append(place[b if back else a])
        own = {item: float(n) for n, item in enumerate(rows[depth])}
        rows[depth].sort(key=lambda item: (_mean(near[item], own[item]), ties * own[item]))
    return rows


def _mean(values, default):
    return sum(values) / len(values) if values else default


def spread(wanted, gaps, weights=None):
    """Return positions nearest to the `wanted` ones (least squares) that keep the `gaps` between neighbours.

    >>> spread([0, 0, 9], [4, 4])
    [-2.0, 2.0, 9.0]
    """
    weights = weights or [1.0] * len(wanted)
    offset = [0.0]
    for gap in gaps:
        offset.append(offset[-1] + gap)
    blocks: list = []  # (mean, weight, members): pooled while a block would overtake the next
    for value, shift, weight in zip(wanted, offset, weights, strict=False):
        blocks.append((value - shift, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, v, m), (b, w, n) = blocks[-2], blocks.pop()
            blocks[-1] = ((a * v + b * w) / (v + w), v + w, m + n)
    flat = [mean for mean, _, members in blocks for _ in range(members)]
    return [mean + shift for mean, shift in zip(flat, offset, strict=False)]


def heights(rows, paths, layer, across):
    """Return where each item stands across the flow: a dict for each layer.

    A node wants the middle of the nodes it is joined to; a lane only wants to be straight. The last sweep
    looks ahead, so a chain is exactly straight and a hub exactly in the middle of its leaves.
    """
    at = [dict(zip(row, spread([0.0] * len(row), _gaps(row, across)), strict=True)) for row in rows]
    for depth in range(len(rows)):
        middle = _mean([v for item, v in at[depth].items() if item.wire < 0], 0.0)
        at[depth] = {item: v - middle for item, v in at[depth].items()}
    for sweep in range(SWEEPS):
        back = bool(sweep % 2)
        for depth in range(len(rows) - 2, -1, -1) if back else range(1, len(rows)):
            _settle(rows[depth], at, depth, links(paths, layer, depth if back else depth - 1), back, across)
    _straighten(rows, at, paths, layer, across)
    return [{item: round(height, 3) for item, height in row.items()} for row in at]


def _gaps(row, across):
    """Return the least distances between the middles of neighbours in a layer."""
    half = [across[item.name] / 2 if item.wire < 0 else 0.0 for item in row]
    free = [LANE if a.wire >= 0 or b.wire >= 0 else BETWEEN for a, b in pairwise(row)]
    return [a + f + b for a, f, b in zip(half, free, half[1:], strict=False)]


def _settle(row, at, depth, pairs, back, across):
    other = at[depth + 1 if back else depth - 1]
    near: dict = {item: [] for item in row}
    for a, b in pairs:
        mine, theirs = (a, b) if back else (b, a)
        near[mine].append(theirs)
    wanted, weights = [], []
    for item in row:
        joined = near[item]
        # Straight lanes must not pull nodes out of line: they count only where there is nothing else.
        same = [j for j in joined if (j.wire < 0) == (item.wire < 0)] or joined
        wanted.append(_mean([other[j] for j in same], at[depth][item]))
        weights.append(1e-9 if item.wire >= 0 else 1.0 if joined else 0.1)
    at[depth].update(zip(row, spread(wanted, _gaps(row, across), weights), strict=True))


def _straighten(rows, at, paths, layer, across):
    """Put all lanes of an edge at one height, where one is free in every layer it passes."""
    for path in paths:
        lanes = list(enumerate(path, layer[path[0].name]))[1:-1] if path else []
        for height in sorted({at[d][item] for d, item in lanes}, key=lambda h: (abs(h), h)):
            if all(_fits(rows[d], at[d], item, height, across) for d, item in lanes):
                for d, item in lanes:
                    at[d][item] = height
                break


def _fits(row, at, item, height, across):
    place, gaps = row.index(item), _gaps(row, across)
    above = place == 0 or height - at[row[place - 1]] >= gaps[place - 1] - 1e-6
    return above and (place == len(row) - 1 or at[row[place + 1]] - height >= gaps[place] - 1e-6)
