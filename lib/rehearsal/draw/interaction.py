"""The interaction graph: who talks to whom, in layers by first message, every edge with a port of its own."""

from rehearsal.draw import house, legend, palette, pen
from rehearsal.draw.ring import shared
from rehearsal.draw.show import describe
from rehearsal.draw.sketch import RADII, draw, edges_of, fixed, layered, ranks
from rehearsal.draw.tags import numbers
from rehearsal.graphs import declared, hub, interactions
from rehearsal.system import System

NOTE = 16.0  # height of a line about an event that nobody hears [pt]


def graph_of(thing, broker="edge"):
    """Return the interaction graph of a run, the declared one of a system, or the graph that was given."""
    if hasattr(thing, "edges"):
        return thing
    return declared(thing, broker) if isinstance(thing, System) else interactions(thing, broker)


def interaction(run, *, ax=None, title=None, subtitle=None, broker="edge", flow=None, positions=None):
    """Draw who talks to whom in a run, a system (as declared) or an interaction graph; return the Axes.

    Layers follow the first messages; what turns back, compensation above all, runs underneath. Below a name
    stand how many messages there were and, in red, how many failed. The hub, where there is one, is blue;
    dashed boxes never spoke. `broker="node"` shows the broker, too; `flow` is "right" or "down", by default
    as it fits; `positions` {name: (x, y)} fixes the nodes instead, as `interaction_pair` does for two styles.
    """
    graph = graph_of(run, broker)
    if positions is None:
        drawing = layered(graph, flow)
    else:
        lost = [name for name in graph if name not in positions]
        if lost:
            raise ValueError(f"no place for {', '.join(lost)}; positions has {', '.join(positions) or 'nothing'}")
        drawing = fixed([graph], [positions], radii=RADII[1])[0][0]
    missed = unheard(graph)
    with house.style():
        foot = legend.FOOT if graph.number_of_edges() else 0.0
        height = drawing.height + NOTE * len(missed) + (6 if missed else 0)
        kinds = _kinds(graph)
        heads = title or named(graph), look(graph) if subtitle is None else subtitle
        ax = pen.sheet(ax, drawing.width, height, *heads, foot, least=max(380.0, legend.width(kinds), _wide(missed)))
        _panel(ax, graph, drawing, height)
        legend.below(ax, kinds)
    return describe(ax, sentence(graph))


def interaction_pair(a, b, *, titles=(None, None), subtitles=(None, None), broker="edge"):
    """Draw two styles of one system, each service at the same place in both, and return the figure.

    The hub stands in the middle, so that one style is a star and the other a ring; numbers give the order in
    which messages first occurred, red ones how many failed.
    """
    graphs = [graph_of(a, broker), graph_of(b, broker)]
    drawings, keyed = _sketches(graphs, _positions(*graphs))
    keys = [key(graph, drawings[0].width) if keyed else [] for graph in graphs]
    under = max([0.0, *(y + NOTE for entries in keys for *_, y in entries)])
    notes = max(len(unheard(graph)) for graph in graphs)
    width = max(drawings[0].width, *(_wide(unheard(graph)) for graph in graphs))
    height = drawings[0].height + under + NOTE * notes + (6 if notes else 0)
    looks = [look(graph) if words is None else words for words, graph in zip(subtitles, graphs, strict=True)]
    heads = [(t or named(g), words) for t, words, g in zip(titles, looks, graphs, strict=True)]
    with house.style():
        kinds = [kind for graph in graphs for kind in _kinds(graph)]
        figure, axes = pen.sheets(width, height, heads, legend.FOOT, legend.width(kinds))
        for ax, graph, drawing, entries in zip(axes, graphs, drawings, keys, strict=True):
            _panel(ax, graph, drawing, height)
            for words, colour, x, y in entries:
                pen.text(ax, x, drawing.height + y + NOTE / 2, words, colour=colour, ha="left")
            describe(ax, sentence(graph))
        legend.under(figure, kinds)
    return figure


def _sketches(graphs, positions):
    """Return the Sketches of a pair side by side, stacked where that is too narrow, in the end with a key."""
    beside, bad = fixed(graphs, positions, pen.HALF)
    if any(bad) or beside[0].width > pen.HALF:
        alone, worse = fixed(graphs, positions, radii=RADII[1])
        if worse[0]:
            return fixed(graphs, positions, 1.4 * pen.WIDEST, RADII[1], limit=0)[0], True
        return alone, False
    return beside, False


def key(graph, width):
    """Return what the ranks on edges stand for: (words, colour, x, y), in columns from the upper left [pt]."""
    told: dict = {}
    rank = ranks(graph, undo=True)
    for _, _, data in edges_of(graph):
        told.setdefault((data["kind"], data["name"]), pen.style_of(data["kind"], data["undo"]).colour)
    words = {k: f"{rank[k]} {k[1]}" for k in told}
    wide = max((pen.measure(w, pen.LABEL)[0] for w in words.values()), default=1.0) + 18
    rows = -(-len(words) // max(1, int(width // wide)))
    return [(words[k], colour, (n // rows) * wide, NOTE * (n % rows) + 8) for n, (k, colour) in enumerate(told.items())]


def _wide(notes):
    return max((pen.measure(f"✗ {words}", pen.LABEL)[0] for words in notes), default=0.0)


def _panel(ax, graph, drawing, height):
    draw(ax, drawing, graph)
    for n, words in enumerate(reversed(unheard(graph))):
        pen.text(ax, 0, height - (n + 0.5) * NOTE, f"✗ {words}", colour=palette.DOWN, ha="left", gid="note")


def _kinds(graph):
    return ["compensation" if d["undo"] else d["kind"] for _, _, d in edges_of(graph)]


def _positions(*graphs):
    """Return the positions that two graphs share: services in order of first message, that of the flatter one."""
    hubs = [hub(graph) for graph in graphs]
    first, second = [_in_turn(graph) for graph in graphs]
    entrances = [_entrance(graph, centre) for graph, centre in zip(graphs, hubs, strict=True)]
    edges = [[(s, t) for s, t, _ in edges_of(graph)] for graph in graphs]
    if hubs[1] and not hubs[0]:
        return shared(second, first, hubs[::-1], entrances[::-1], edges[::-1])[::-1]
    return shared(first, second, hubs, entrances, edges)


def _in_turn(graph):
    """Return the names of the nodes in order of their first message, the client first, the silent last."""
    told = [name for s, t, _ in edges_of(graph) for name in (s, t)]
    return list(dict.fromkeys([*told, *graph]))


def _entrance(graph, centre):
    """Return the nodes on the shortest way from the client to the hub, without it; the client where there is none."""
    import networkx as nx

    clients = [name for name, role in graph.nodes(data="role") if role == "client"]
    if not centre or not clients:
        return clients
    return nx.shortest_path(graph, clients[0], centre)[:-1]


def named(graph):
    """Return the title of a picture that was given none."""
    name = graph.graph["name"]
    return name[:1].upper() + name[1:]


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
        mine, verb = graph.out_degree(centre), "start at"
        if graph.nodes[centre]["role"] == "broker":
            mine, verb = graph.degree(centre), "start or end at the"
        return f"{mine} of {graph.number_of_edges()} arrows {verb} {centre}"
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
        parts.append(f"{source} → {target} {data['name']} ({', '.join(p for p in (kind, count, failed) if p)})")
    silent = [n for n in graph if not graph.degree(n)]
    if silent:
        parts.append(f"never spoke: {', '.join(silent)}")
    return "; ".join([*parts, *unheard(graph)]) + "."
