"""Who talks to whom: observed from a run, declared by a blueprint, and the difference.

The graphs are networkx MultiDiGraphs, so that every question networkx can answer can be asked of them. An
event or a command takes two hops, to its broker and from there; with `broker="edge"` the two are drawn as one
edge from who published to who reacts, because that is the coupling; with `broker="node"` the broker is seen
as what it is, a node that everything goes through.
"""

from math import nan
from typing import NamedTuple

from rehearsal.flows import declared_flows, observed_flows
from rehearsal.service import CLIENT
from rehearsal.system import System

NOBODY = "(nobody)"


class Row(NamedTuple):
    """Tell one message of the wiring chart: who sends it, who handles it, how often, how often in vain."""

    kind: str
    name: str
    undo: bool
    senders: dict  # name -> messages sent
    pairs: tuple  # (sender, handler, undo)
    number: int
    failures: int
    ends: bool  # an event that ends its request, and so is heard even without a subscription


def flows(thing):
    """Return the flows of a run (observed) or of a system (declared), in order of first occurrence."""
    return declared_flows(thing) if isinstance(thing, System) else observed_flows(thing)


def interactions(run, broker="edge"):
    """Return the graph of the messages that were seen in a run.

    Nodes have `role` ("client", "service" or "broker") and `first` [ms], nan for one that was never seen: a
    forgotten service is a node without edges. Edges are keyed (kind, name) and have `kind`, `name`, `undo` (a
    compensation), `count` (attempts and redeliveries included), `failures`, `latency` (the mean [ms], of the
    `waited` that have one), `first` (when the first was sent [ms]) and `order` (1 for the edge that was used
    first).

    A failure is a message whose work failed, was rejected or lost, or whose caller gave up; a business no is
    none. A call's latency is what its caller waited; an event's or command's is from publication to the end
    of the reader's work. Events that nobody hears are an edge to the broker, and with `broker="edge"` listed
    in `graph.graph["unheard"]` as (topic, publisher, count).
    """
    return _graph(run.system, observed_flows(run), broker, observed=True)


def declared(system, broker="edge"):
    """Return the graph that the blueprint alone allows: counts are 0, and `first` is a rank."""
    return _graph(system, declared_flows(system), broker, observed=False)


def _graph(system, found, broker, observed):
    import networkx as nx

    if broker not in ("node", "edge"):
        raise ValueError(f'broker is "node" or "edge", not {broker!r}')
    graph = nx.MultiDiGraph(name=system.name, observed=observed, broker=broker, unheard=_unheard(system, found))
    seen = {name for f in found for name in (f.source, f.target)}
    roles = {
        CLIENT: "client",
        **dict.fromkeys(system.services, "service"),
        **dict.fromkeys(system.brokers, "broker"),
    }
    roles |= {f.via: "broker" for f in found if f.via}
    for name, role in roles.items():
        shown = broker == "node" if role == "broker" else role == "service" or name in seen
        if shown:
            graph.add_node(name, role=role, first=nan)
    for flow in found:
        for source, target in _ends(flow, broker):
            _add(graph, source, target, flow)
    return graph


def _ends(flow, broker):
    """Return the edges that a flow is drawn as."""
    if flow.leg == "direct":
        return [(flow.source, flow.target)]
    if broker == "edge":
        return [(flow.source, flow.target)] if flow.leg == "in" else []
    return [(flow.source, flow.via) if flow.leg == "out" else (flow.via, flow.target)]


def _add(graph, source, target, flow):
    for name in (source, target):
        first = graph.nodes[name]["first"]
        graph.nodes[name]["first"] = flow.first if first != first else min(first, flow.first)
    key = flow.kind, flow.name
    if not graph.has_edge(source, target, key):
        graph.add_edge(
            source, target, key, kind=flow.kind, name=flow.name, undo=flow.undo, count=0, failures=0,
            latency=nan, first=flow.first, order=graph.number_of_edges() + 1, waited=0,
        )  # fmt: skip
    edge = graph.edges[source, target, key]
    edge["count"] += flow.number
    edge["failures"] += flow.failures
    if flow.waited:
        before = edge["latency"] * edge["waited"] if edge["waited"] else 0.0
        edge["waited"] += flow.waited
        edge["latency"] = (before + flow.total) / edge["waited"]


def _unheard(system, found):
    """Return (topic, publisher, count) of events that no service subscribes to and that end no request."""
    heard = system.heard() | _endings(system)
    return [(f.name, f.source, f.number) for f in found if f.leg == "out" and f.kind == "event" and f.name not in heard]


def _endings(system):
    return {topic for entry in system.entries.values() for topic in (entry.done, entry.failed) if topic}


def messages(thing):
    """Return the rows of the wiring chart of a run or a system: each message once, by first occurrence.

    The count of an event or a command is how often it was published, not how often it was delivered.
    """
    system = thing if isinstance(thing, System) else thing.system
    groups: dict = {}
    for flow in flows(thing):
        key = (flow.kind, flow.name, flow.target if flow.leg == "direct" else "")
        groups.setdefault(key, []).append(flow)
    return [_row(kind, name, group, _endings(system)) for (kind, name, _), group in groups.items()]


def _row(kind, name, group, endings):
    senders: dict = {}
    for flow in group:
        if flow.leg != "in":
            senders[flow.source] = senders.get(flow.source, 0) + flow.number
    pairs = tuple((f.source, f.target, f.undo) for f in group if f.leg != "out")
    undo = any(f.undo for f in group)
    failures = sum(f.failures for f in group)
    return Row(kind, name, undo, senders, pairs, sum(senders.values()), failures, kind == "event" and name in endings)


def diff(run):
    """Return a frame of declared against observed edges: the unused, the undeclared, and what nobody hears.

    One row an edge, the broker as an edge: source, target, kind, name, declared, observed, count. An event
    without a subscription has the target "(nobody)", a subscription to what nobody publishes the source
    "(nobody)".
    """
    import pandas as pd

    said, seen = declared(run.system), interactions(run)
    rows: dict = {}
    for graph, place in ((said, 0), (seen, 1)):
        edges = sorted(graph.edges(data=True), key=lambda e: e[2]["order"])
        listed = [(s, t, d["kind"], d["name"], d["count"]) for s, t, d in edges]
        listed += [(publisher, NOBODY, "event", topic, count) for topic, publisher, count in graph.graph["unheard"]]
        for *key, count in listed:
            row = rows.setdefault(tuple(key), [False, False, 0])
            row[place], row[2] = True, row[2] + count
    published = {topic for handler in run.system.handlers() for topic in handler.publishes}
    for reader in run.system.handlers():
        for topic in reader.topics:
            if topic not in published:
                rows.setdefault((NOBODY, reader.service, "event", topic), [True, False, 0])
    columns = ["source", "target", "kind", "name", "declared", "observed", "count"]
    return pd.DataFrame([(*key, *row) for key, row in rows.items()], columns=columns)


def partners(graph):
    """Return {node: the other nodes it talks with}, in order of first message, the client left out."""
    found: dict = {n: {} for n, role in graph.nodes(data="role") if role != "client"}
    for source, target, _ in sorted(graph.edges(data="order"), key=lambda e: e[2]):
        if source in found and target in found and source != target:
            found[source][target] = found[target][source] = True
    return {node: list(others) for node, others in found.items()}


def hubs(graph):
    """Return a frame that says of each service or broker how central it is, the most central first.

    `sends_to`, `hears_from`, `partners`: distinct nodes; `sent`, `heard`: kinds of message; `betweenness`:
    the share of shortest paths between two others that lead through it; `articulation`: without it the rest
    falls apart; `pieces`: into how many parts. All on the undirected graph of who talks with whom, the client
    left out (it is no part of the system, and alone would make every entrance a cut) and what never talks,
    too.
    """
    import networkx as nx
    import pandas as pd

    near = partners(graph)
    simple = nx.Graph((node, other) for node, others in near.items() for other in others)
    between, cuts = nx.betweenness_centrality(simple), set(nx.articulation_points(simple))
    rows = {}
    for node, others in near.items():
        out = [t for _, t, _ in graph.out_edges(node, keys=True) if t in near]
        into = [s for s, _, _ in graph.in_edges(node, keys=True) if s in near]
        rest = simple.subgraph(n for n in simple if n != node)
        rows[node] = {
            "sends_to": len(set(out)), "hears_from": len(set(into)), "partners": len(others),
            "sent": len(out), "heard": len(into), "betweenness": between.get(node, 0.0),
            "articulation": node in cuts, "pieces": nx.number_connected_components(rest),
        }  # fmt: skip
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("node")
    return frame.sort_values(["betweenness", "partners"], ascending=False, kind="stable") if rows else frame


def hub(graph):
    """Return the clear hub, or None: who sends at least half of all messages, and has most partners.

    It has three partners or more, and more than any other node. Kinds of message count, not messages, and
    those of the client do not. A broker sends nothing of its own, so it is one where half of them pass
    through it.
    """
    near = partners(graph)
    ranked = sorted(near, key=lambda node: -len(near[node]))
    if not ranked or len(near[ranked[0]]) < 3:
        return None
    first = ranked[0]
    edges = [(s, t) for s, t in graph.edges() if s in near and t in near]
    broker = graph.nodes[first]["role"] == "broker"
    mine = sum(s == first or (broker and t == first) for s, t in edges)
    alone = len(ranked) == 1 or len(near[first]) > len(near[ranked[1]])
    return first if alone and 2 * mine >= len(edges) else None
