"""What a propagation graph shows, before it is drawn: the ways of a change, a look for each node, and the words."""

from math import inf, isnan
from typing import NamedTuple

from rehearsal.draw import palette, words
from rehearsal.draw.sketch import edges_of
from rehearsal.graphs import interactions
from rehearsal.impact import DONE
from rehearsal.units import pretty

WORTH = 0.1  # of the objective: a shorter wait is not written at its queue
FEW = 3  # names that are listed; more are counted
RARE = 0.05  # of the changed requests: what fewer met is drawn thin
WAITED = "waited up to"
SPACE = "\u00a0"  # keeps a word and its count on one line


class Look(NamedTuple):
    """Hold how a node is drawn: faces and edges, and the lines below its name."""

    state: str  # "struck", "hit", "starved" or "unaffected"
    face: str
    edge: str
    ink: str
    lines: tuple


def graph_of(comparison, broker=None):
    """Return the graph that is drawn: who talks to whom in calm, and the numbered ways that the change went.

    A failure stands on the edge of its call, from caller to callee, and is drawn against it.
    """
    import networkx as nx

    struck = any(name in comparison.storm.system.brokers for name in comparison.struck)
    broker = broker or ("node" if struck else "edge")
    calm = interactions(comparison.calm, broker)
    graph, few = nx.MultiDiGraph(name=calm.name), RARE * comparison.requests()["changed"].sum()
    graph.add_nodes_from(calm.nodes(data=True))
    pale: dict = {}
    for source, target, data in edges_of(calm):
        pale.setdefault((source, target, data["kind"], data["undo"]), True)
    found = [(*ends, None, 0) for ends in pale]
    for number, way in enumerate(comparison.ways(broker), 1):
        if not way.mild:
            ends = (way.target, way.source) if way.direction == "failure" else (way.source, way.target)
            found.append((*ends, "call", "compensation" in way.how, way, number))
    for order, (source, target, kind, undo, way, number) in enumerate(found, 1):
        said = {"name": tell(way, number) if way else "", "way": way, "rare": bool(way and way.count < few)}
        graph.add_edge(source, target, kind=kind, undo=undo, count=0, failures=0, order=order, **said)
    return graph


def tell(way, number):
    """Say of a way its number, and each word with its count.

    >>> from rehearsal.travel import Way
    >>> tell(Way("payment", "orders", "charge", "failure", {"times out": 1810, "lost": 2}, 0.0, 0.0), 1)
    '1\\xa0times\\xa0out\\xa0×1,810, lost\\xa0×2'
    """
    parts = [f"{how} ×{count:,}" for how, count in way.how.items()]
    return f"{number} {', '.join(p.replace(' ', SPACE) for p in parts)}".replace(" ", SPACE, 1)


def looks_of(comparison):
    """Return the Look of each node by name."""
    services, starved = comparison.services(), comparison.starved()
    there = [fault for fault in comparison.faults if isinstance(getattr(fault, "service", None), str)]
    struck = {fault.service: fault.label.removeprefix(fault.service).strip() for fault in there}
    found = {}
    for name, row in services.iterrows():
        first, wait = row["first impact"], waited(comparison, name)
        lines = (f"{WAITED} {pretty(wait)}",) if wait else ()
        if name in struck:
            found[name] = Look("struck", palette.STRUCK, palette.STRUCK, palette.PAPER, (struck[name], *lines))
        elif not isnan(first):
            late = "late, " if not row["failed"] else ""
            limit = next(limit for limit in palette.IMPACT if round(first, 1) <= limit)
            ink = palette.PAPER if limit == min(palette.IMPACT) else palette.INK
            face, edge = palette.IMPACT[limit], palette.IMPACT_EDGE
            found[name] = Look("hit", face, edge, ink, (f"{late}{words.plus(1000 * first)}", *lines))
        elif name in starved:
            found[name] = Look("starved", palette.PAPER, palette.OPEN, palette.GREY, ("no work", *lines))
        else:
            found[name] = Look("unaffected", palette.BOX, palette.BOX_EDGE, palette.INK, lines)
    return found


def waited(comparison, name):
    """Return the longest wait at a node [ms] if it is worth a word: a tenth of the shortest objective; else 0."""
    storm = comparison.storm
    goal = min((storm.objective(kind) for kind in storm.table.kinds), default=inf)
    found = comparison.longest_wait(name)
    if goal == inf:
        goal = max(map(comparison.longest_wait, comparison.nodes))
    return found if found >= WORTH * goal and found else 0.0


def message(comparison):
    """Say how far it came: who was told no, what was only late, or that nobody noticed."""
    name, frame = words.capital(comparison.storm.system.name), comparison.requests()
    kind, worse = words.plural(comparison.storm), int(frame["worse"].sum())
    told = [w for w in comparison.ways() if w.target == "client" and w.direction == "failure" and not w.mild]
    failed = int((frame["calm"].isin(DONE) & ~frame["storm"].isin(DONE)).sum())
    later = int((frame["delay"] > 1).sum())
    if told and failed:
        after = pretty(min(w.first for w in told) - comparison.at)
        return f"{name}: the failure travels back to the client in {after}; {failed:,} {kind} fail"
    if worse:
        no = "" if told else "nobody is told no; "
        return f"{name}: {no}{worse:,} {kind} {'fail' if failed == worse else 'come too late'}"
    if later:
        return f"{name}: {later:,} {kind} come later, none too late"
    return f"{name}: the client notices nothing"


def look(comparison):
    """Say what to look at."""
    cause = comparison.cause if comparison.faults else f"{comparison.what} changed"
    hard = [way for way in comparison.ways() if not way.mild]
    if any(way.direction == "failure" for way in hard):
        return f"{cause}: red arrows say, in order, how the failure went back up the calls"
    looks = looks_of(comparison)
    waits = [name for name, mine in looks.items() if any(line.startswith(WAITED) for line in mine.lines)]
    starved = [name for name, mine in looks.items() if mine.state == "starved"]
    parts = [f"work waits at {_listed(waits)}"] if waits else []
    parts += [f"{_listed(starved)} {'runs' if len(starved) == 1 else 'run'} out of work"] if starved else []
    return f"{cause}: no bad answer goes anywhere" + "".join(f"; {part}" for part in parts)


def _listed(names):
    if len(names) > FEW:
        return f"{len(names)} services"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def sentence(comparison, graph, looks):
    """Say in words what the picture shows, from the same numbers."""
    nodes = [
        f"{name} {look.state} ({', '.join(look.lines)})" for name, look in looks.items() if look.state != "unaffected"
    ]
    ways = [
        f"{d['name'].replace(SPACE, ' ')} from {d['way'].source} to {d['way'].target} ({d['way'].direction})"
        for _, _, d in edges_of(graph)
        if d["way"]
    ]
    parts = [message(comparison), *nodes, *(ways or ["no bad answer travelled"])]
    return f"Propagation graph. {'; '.join(parts)}."
