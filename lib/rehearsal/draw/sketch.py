"""Sketches of interaction graphs: everything placed and measured, before anything is drawn."""

from typing import NamedTuple

from rehearsal.draw import pen
from rehearsal.draw.bows import bows, settle
from rehearsal.draw.layout import Wire
from rehearsal.draw.routes import plan
from rehearsal.draw.tags import tag, write
from rehearsal.graphs import hub

GAP = 22.0  # above the nodes that never spoke [pt]
NAMES = {False: 14, True: 22}  # where names are broken, by whether the flow runs down [characters]
RADII = ((150.0, 104.0), (185.0, 92.0))  # around a middle, at first, beside another or alone [pt]
APART = (34.0, 18.0)  # of two boxes, beside and above each other, at least [pt]
GROWTH = [1.12**n for n in range(22)]  # and how often they are tried larger


class Sketch(NamedTuple):
    """Hold a picture before it is drawn [pt]: boxes (x, y, width, height), edges (data, path, place, Tag)."""

    width: float
    height: float
    boxes: dict
    edges: list
    down: bool


def edges_of(graph):
    """Return the edges as (source, target, data), in order of first occurrence."""
    return sorted(graph.edges(data=True), key=lambda e: e[2]["order"])


def layered(graph, flow=None):
    """Return the layered Sketch of a graph: the flow runs "right", or "down" where that would be too wide."""
    if flow not in (None, "right", "down"):
        raise ValueError(f'flow is "right", "down" or None, not {flow!r}')
    rights = [_sketched(graph, limit) for limit in (14, 8)] if flow != "down" else []
    fitting = [s for s in rights if s.width <= pen.WIDEST]
    if fitting or flow == "right":
        return fitting[0] if fitting else rights[-1]
    return min([*rights, _sketched(graph, 14, down=True)], key=lambda s: s.width)


def _sketched(graph, limit, down=False):
    edges, centre = edges_of(graph), hub(graph)
    # A node that has more to say than its name brings its own size.
    sizes = {n: graph.nodes[n].get("size") or pen.node_size(n, n == centre, NAMES[down]) for n in graph}
    wires = []
    for source, target, data in edges:
        there, back = tag(data, "flat" if down else "split", limit), tag(data, "flat")
        size = (there.above + 2, there.width) if down else (there.width, 2 * max(there.above, there.below) + 5)
        flat = (back.above, back.width) if down else (back.width, back.above)
        wires.append(Wire(source, target, *size, data["undo"], flat))
    planned = plan({n: (s[::-1] if down else s) for n, s in sizes.items()}, wires, down)
    turn = (lambda p: (p[1], p[0])) if down else tuple
    boxes = {n: (*turn(b[:2]), *turn(b[2:])) for n, b in planned.boxes.items()}
    drawn = []
    for (_, _, data), route in zip(edges, planned.routes, strict=True):
        path = [(code, *map(turn, points)) for code, *points in route.path]
        drawn.append((data, path, turn(route.label), tag(data, "flat" if route.back or down else "split", limit)))
    return _with_silent(_framed(boxes, drawn, _bounds(boxes, drawn), down), sizes)


def _bounds(boxes, drawn):
    """Return the left, upper, right and lower edge of all that is placed."""
    xs, ys = [0.0], [0.0]
    for x, y, w, h in boxes.values():
        xs += [x - w / 2, x + w / 2]
        ys += [y - h / 2, y + h / 2]
    for _, path, (x, y), label in drawn:
        xs += [p[0] for _, *ps in path for p in ps] + [x - label.width / 2, x + label.width / 2]
        ys += [p[1] for _, *ps in path for p in ps] + [y - label.above, y + label.below]
    return min(xs), min(ys), max(xs), max(ys)


def _framed(boxes, drawn, bounds, down=False):
    """Return the Sketch of what lies within the bounds, moved to its corner."""
    dx, dy = 2 - bounds[0], 2 - bounds[1]

    def move(point):
        return point[0] + dx, point[1] + dy

    boxes = {n: (*move(b[:2]), *b[2:]) for n, b in boxes.items()}
    drawn = [(e, [(c, *map(move, ps)) for c, *ps in path], move(at), label) for e, path, at, label in drawn]
    return Sketch(bounds[2] + dx + 2, bounds[3] + dy + 2 if boxes else 2.0, boxes, drawn, down)


def _with_silent(base, sizes):
    silent = [name for name in sizes if name not in base.boxes]
    if not silent:
        return base
    limit, boxes = max(base.width, 0.6 * pen.WIDEST), dict(base.boxes)
    x, y, row, width = 2.0, base.height + (GAP if base.boxes else 0.0), 0.0, base.width
    for name in silent:
        w, h = sizes[name]
        if x > 2.0 and x + w > limit:
            x, y, row = 2.0, y + row + 14, 0.0
        boxes[name] = (x + w / 2, y + h / 2, w, h)
        x, row, width = x + w + 18, max(row, h), max(width, x + w + 2)
    return base._replace(boxes=boxes, width=width, height=y + row + 2)


def ranks(graph, undo=False):
    """Return the rank of each message by its first occurrence; compensations only where `undo` is asked for."""
    named = [(d["kind"], d["name"]) for _, _, d in edges_of(graph) if undo or not d["undo"]]
    return {key: str(rank) for rank, key in enumerate(dict.fromkeys(named), 1)}


def fixed(graphs, positions, widest=pen.WIDEST, radii=RADII[0], limit=16):
    """Return a Sketch for each graph with its nodes at `positions` (in radii), all on one scale, and how good it is.

    The radii grow until no label overlaps a box, a label or a line, or until `widest` is reached. How good:
    (labels and boxes without room, labels that run over a line). Names are broken at `limit`; 0 leaves only
    their ranks.
    """
    best: tuple = ()
    for growth in GROWTH:
        size = radii[0] * growth, radii[1] * growth
        placed = [_fixed(graph, at, size, limit) for graph, at in zip(graphs, positions, strict=True)]
        edges = list(zip(*(_bounds(boxes, drawn) for boxes, drawn, _ in placed), strict=True))
        bounds = min(edges[0]), min(edges[1]), max(edges[2]), max(edges[3])
        bad = tuple(map(sum, zip(*(b for *_, b in placed), strict=True)))
        if best and bounds[2] - bounds[0] > widest:
            break
        if not best or bad < best[0]:
            best = bad, placed, bounds
        if not any(bad):
            break
    return [_framed(boxes, drawn, best[2]) for boxes, drawn, _ in best[1]], best[0]


def _fixed(graph, positions, radii, limit):
    """Return boxes and edges around (0, 0), and how good they are."""
    centre, rank, edges, boxes = hub(graph), ranks(graph, undo=not limit), edges_of(graph), {}
    for name in graph:
        x, y = positions[name]
        boxes[name] = (x * radii[0], y * radii[1], *pen.node_size(name, name == centre))
    paths = bows(boxes, [(s, t) for s, t, _ in edges])
    tags = [tag(d, "block", limit, rank.get((d["kind"], d["name"]), "")) for _, _, d in edges]
    crowded = _crowded(boxes)
    if crowded:  # the labels are not worth a search
        spots, over = [None] * len(paths), 0
    else:
        spots, over = settle(paths, [(t.width, t.above + t.below) for t in tags], boxes)
    drawn = []
    for (_, _, data), path, spot, words in zip(edges, paths, spots, tags, strict=True):
        (_, start), (_, *_, end) = path
        drawn.append((data, path, spot or ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), words))
    return boxes, drawn, (spots.count(None) + crowded, over)


def _crowded(boxes):
    """Return how many pairs of boxes come closer than an arrow needs."""
    placed = list(boxes.values())
    return sum(
        abs(x - u) < (w + p) / 2 + APART[0] and abs(y - v) < (h + q) / 2 + APART[1]
        for n, (x, y, w, h) in enumerate(placed)
        for u, v, p, q in placed[:n]
    )


def draw(ax, drawing, graph):
    """Put a Sketch on a sheet."""
    centre = hub(graph)
    spoke = {name for edge in graph.edges() for name in edge}
    for data, path, at, words in drawing.edges:
        line = pen.style_of(data["kind"], data["undo"])
        pen.arrow(ax, path, line)
        write(ax, words, at, line.colour, drawing.down)
    for name, (x, y, width, height) in drawing.boxes.items():
        role, silent = graph.nodes[name]["role"], name not in spoke
        pen.box(ax, name, x, y, width, height, role, name == centre, silent, NAMES[drawing.down])
