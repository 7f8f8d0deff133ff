"""The interaction graph: who talks to whom, in layers by first message, every edge with a port of its own."""

from typing import NamedTuple

from rehearsal.draw import house, legend, palette, pen, show
from rehearsal.draw.layout import Wire
from rehearsal.draw.routes import plan
from rehearsal.graphs import declared, hub, interactions
from rehearsal.system import System

WIDEST = 13.5 * 72 - 2 * pen.MARGIN  # [pt]
GAP = 22.0  # above the nodes that never spoke [pt]
NAMES = {False: 14, True: 22}  # where names are broken, by whether the flow runs down [characters]
NOTE = 16.0  # height of a line about an event that nobody hears [pt]


class Sketch(NamedTuple):
    """Hold a picture before it is drawn [pt]: boxes (x, y, width, height), edges (data, path, place, Tag)."""

    width: float
    height: float
    boxes: dict
    edges: list
    down: bool


def graph_of(thing, broker="edge"):
    """Return the interaction graph of a run, the declared one of a system, or the graph that was given."""
    if hasattr(thing, "edges"):
        return thing
    return declared(thing, broker) if isinstance(thing, System) else interactions(thing, broker)


def edges_of(graph):
    """Return the edges as (source, target, data), in order of first occurrence."""
    return sorted(graph.edges(data=True), key=lambda e: e[2]["order"])


def numbers(data):
    """Return what is written below an edge: how many messages, and how many failed ("" for none)."""
    return (f"{data['count']:,}" if data["count"] else ""), (
        f"✗{data['failures']:,}" if data["failures"] else ""
    )


class Tag(NamedTuple):
    """Hold an edge's label: its name, its numbers below (`flat`: behind), and its size [pt]."""

    name: str
    count: str
    failed: str
    flat: bool
    width: float
    above: float
    below: float


def tag(data, limit=14, flat=False):
    """Return the Tag of an edge, its name broken at `limit` characters."""
    count, failed = numbers(data)
    name = data["name"] if flat else pen.wrap(data["name"], limit)
    width, height = pen.measure(name, pen.LABEL)
    below = pen.measure(f"{count} {failed}".strip(), pen.SMALL, bool(failed))[0] if count or failed else 0.0
    if flat:
        return Tag(name, count, failed, True, width + below + (9 if below else 4), height, 0.0)
    return Tag(name, count, failed, False, max(width, below) + 4, height, pen.SMALL * 1.25 if below else 0.0)


def sketch(graph, flow=None):
    """Return the layered Sketch of a graph: the flow runs "right", or "down" where that would be too wide."""
    if flow not in (None, "right", "down"):
        raise ValueError(f'flow is "right", "down" or None, not {flow!r}')
    rights = [_sketched(graph, limit) for limit in (14, 8)] if flow != "down" else []
    fitting = [s for s in rights if s.width <= WIDEST]
    if fitting or flow == "right":
        return fitting[0] if fitting else rights[-1]
    return min([*rights, _sketched(graph, 14, down=True)], key=lambda s: s.width)


def _sketched(graph, limit, down=False):
    edges, centre = edges_of(graph), hub(graph)
    sizes = {name: pen.node_size(name, name == centre, NAMES[down]) for name in graph}
    wires = []
    for source, target, data in edges:
        there, back = tag(data, limit, flat=down), tag(data, limit, flat=True)
        size = (
            (there.above + 2, there.width) if down else (there.width, 2 * max(there.above, there.below) + 5)
        )
        flat = (back.above, back.width) if down else (back.width, back.above)
        wires.append(Wire(source, target, *size, data["undo"], flat))
    planned = plan({n: (s[::-1] if down else s) for n, s in sizes.items()}, wires, down)
    turn = (lambda p: (p[1], p[0])) if down else tuple
    boxes = {n: (*turn(b[:2]), *turn(b[2:])) for n, b in planned.boxes.items()}
    drawn = []
    for (_, _, data), route in zip(edges, planned.routes, strict=True):
        path = [(code, *map(turn, points)) for code, *points in route.path]
        drawn.append((data, path, turn(route.label), tag(data, limit, route.back or down)))
    return _framed(sizes, boxes, drawn, down)


def _framed(sizes, boxes, drawn, down):
    """Return the Sketch moved to its corner, with the silent nodes in rows below the others."""
    xs, ys = [0.0], [0.0]
    for x, y, w, h in boxes.values():
        xs += [x - w / 2, x + w / 2]
        ys += [y - h / 2, y + h / 2]
    for _, path, (x, y), label in drawn:
        xs += [p[0] for _, *ps in path for p in ps] + [x - label.width / 2, x + label.width / 2]
        ys += [p[1] for _, *ps in path for p in ps] + [y - label.above, y + label.below]
    dx, dy = 2 - min(xs), 2 - min(ys)
    move = lambda p: (p[0] + dx, p[1] + dy)  # noqa: E731
    boxes = {n: (*move(b[:2]), *b[2:]) for n, b in boxes.items()}
    drawn = [(e, [(c, *map(move, ps)) for c, *ps in path], move(at), label) for e, path, at, label in drawn]
    width, height = max(xs) + dx + 2, max(ys) + dy + 2
    return _with_silent(Sketch(width, height if boxes else 2.0, boxes, drawn, down), sizes)


def _with_silent(base, sizes):
    silent = [name for name in sizes if name not in base.boxes]
    if not silent:
        return base
    limit, boxes = max(base.width, 0.6 * WIDEST), dict(base.boxes)
    x, y, row, width = 2.0, base.height + (GAP if base.boxes else 0.0), 0.0, base.width
    for name in silent:
        w, h = sizes[name]
        if x > 2.0 and x + w > limit:
            x, y, row = 2.0, y + row + 14, 0.0
        boxes[name] = (x + w / 2, y + h / 2, w, h)
        x, row, width = x + w + 18, max(row, h), max(width, x + w + 2)
    return base._replace(boxes=boxes, width=width, height=y + row + 2)


def interaction(run, *, ax=None, title=None, subtitle=None, broker="edge", flow=None):
    """Draw who talks to whom in a run, a system (as declared) or an interaction graph; return the Axes.

    Layers follow the first messages; what turns back, compensation above all, runs underneath. Below a name
    stand how many messages there were and, in red, how many failed. The hub, where there is one, is blue;
    dashed boxes never spoke. `broker="node"` shows the broker, too; `flow` is "right" or "down", by default
    as it fits.
    """
    graph = graph_of(run, broker)
    drawing = sketch(graph, flow)
    with house.style():
        missed = unheard(graph)
        height = drawing.height + NOTE * len(missed) + (6 if missed else 0)
        foot = legend.FOOT if graph.number_of_edges() else 0.0
        ax = pen.sheet(ax, drawing.width, height, title or graph.name, subtitle or look(graph), foot)
        draw(ax, drawing, graph)
        for n, words in enumerate(reversed(missed)):
            pen.text(
                ax, 0, height - (n + 0.5) * NOTE, f"✗ {words}", colour=palette.DOWN, ha="left", gid="note"
            )
        kinds = ["compensation" if d["undo"] else d["kind"] for _, _, d in edges_of(graph)]
        legend.below(ax, kinds)
    return show.describe(ax, sentence(graph))


def draw(ax, drawing, graph):
    """Put a Sketch on a sheet."""
    centre = hub(graph)
    spoke = {name for edge in graph.edges() for name in edge}
    for data, path, at, words in drawing.edges:
        line = pen.style_of(data["kind"], data["undo"])
        pen.arrow(ax, path, line)
        write(ax, words, at, line.colour, drawing.down)
    for name, place in drawing.boxes.items():
        pen.box(
            ax,
            name,
            *place,
            graph.nodes[name]["role"],
            name == centre,
            name not in spoke,
            NAMES[drawing.down],
        )


def write(ax, label, at, colour, inline=False):
    """Write a Tag: its name above its line and the numbers below; or flat, even over it (`inline`)."""
    from matplotlib.patches import Rectangle

    x, y = at
    if inline:
        corner = x - label.width / 2 + 1, y - label.above / 2
        ax.add_patch(Rectangle(corner, label.width - 2, label.above, fc="white", ec="none", zorder=3))
    parts = [(label.count, palette.GREY, False), (label.failed, palette.KINDS["lost"].colour, True)]
    widths = [pen.measure(words, pen.SMALL, bold)[0] if words else 0.0 for words, _, bold in parts]
    left = x - (sum(widths) + (4.0 if all(widths) else 0.0)) / 2
    if label.flat:
        wide = pen.measure(label.name, pen.LABEL)[0]
        pen.text(ax, x - label.width / 2 + 2, y, label.name, colour=colour, ha="left", va="center_baseline")
        left = x - label.width / 2 + wide + 6
    else:
        pen.text(ax, x, y - 2.0, label.name, colour=colour, va="bottom")
    for (words, shade, bold), wide in zip(parts, widths, strict=True):
        if words:
            how = {"ha": "left", "va": "center_baseline" if label.flat else "top"}
            pen.text(
                ax,
                left,
                y if label.flat else y + 2.5,
                words,
                pen.SMALL,
                shade,
                fontweight="bold" if bold else "normal",
                **how,
            )
            left += wide + 4.0


def unheard(graph):
    """Return a line for each event that nobody hears."""
    found = graph.graph["unheard"] if graph.graph["broker"] == "edge" else []
    return [f"nobody hears {t}, which {who} publishes" + (f" ({n:,})" if n else "") for t, who, n in found]


def look(graph):
    """Return the grey line of the picture: what to look at."""
    centre = hub(graph)
    if not graph.number_of_edges():
        return "no message was sent"
    if centre:
        return f"{graph.out_degree(centre)} of {graph.number_of_edges()} arrows start at {centre}"
    if sum(role == "service" for _, role in graph.nodes(data="role")) == 1:
        return "one service: nobody to talk to"
    return "no hub: each service sends its own messages"


def sentence(graph):
    """Return the alt text: the graph in numbers."""
    edges = edges_of(graph)
    services = sum(role == "service" for _, role in graph.nodes(data="role"))
    parts = [f"Interaction graph of {graph.name}: {services} services, {len(edges)} edges"]
    if graph.graph["observed"]:
        parts[0] += f", {sum(d['count'] for _, _, d in edges):,} messages"
    for source, target, data in edges:
        count, failed = numbers(data)
        kind = "compensation" if data["undo"] else data["kind"]
        parts.append(
            f"{source} → {target} {data['name']} ({', '.join(p for p in (kind, count, failed) if p)})"
        )
    silent = [n for n in graph if not graph.degree(n)]
    if silent:
        parts.append(f"never spoke: {', '.join(silent)}")
    return "; ".join([*parts, *unheard(graph)]) + "."
