"""Flows: the sorts of message between two nodes, with their counts, read from a trace or a blueprint.

A flow is a leg: "direct" (a request or a call), "out" (an event or a command on its way to the broker) or
"in" (on its way from the broker to one reader, told apart by who published it).
"""

from typing import NamedTuple

from rehearsal.check import talk
from rehearsal.service import CLIENT
from rehearsal.trace import FAILED, LOST, REJECTED, TIMEOUT, UNSENT, Totals

BAD = frozenset((FAILED, REJECTED, LOST, TIMEOUT))


class Flow(NamedTuple):
    """Count the messages of one sort: `first` is when the first was sent [ms], or its rank in a blueprint.

    `total` [ms] is the sum of the latencies of the `waited` messages that have one.
    """

    leg: str
    source: str
    target: str
    via: str  # the broker, "" for a direct message
    kind: str
    name: str
    undo: bool
    number: int = 0
    failures: int = 0
    waited: int = 0
    total: float = 0.0
    first: float = 0.0


def observed_flows(run):
    """Return the flows that were seen in a run, in order of first occurrence."""
    trace = run.trace
    if isinstance(trace, Totals):
        raise ValueError("this run kept its totals only: run it with keep='trace' to see who talked to whom")
    legs = [_leg(edge, run.system.brokers) for edge in trace.edges]
    tally: dict = {}  # (edge, edge of the publication or -1) -> [first row, count, failures, waited, total]
    same: dict = {}  # one flow, whatever the groups of its reader
    sort = [same.setdefault(edge._replace(group=""), n) for n, edge in enumerate(trace.edges)]
    for row, edge in enumerate(map(sort.__getitem__, trace.edge)):
        if trace.outcome[row] == UNSENT or legs[edge] == "inside":  # no message ever left
            continue
        leg, since = legs[edge], row
        key = (edge, -1)
        if leg == "in":
            since = trace.parent[row]
            key = (edge, trace.edge[since])
        cell = tally.get(key)
        if cell is None:
            cell = tally[key] = [row, 0, 0, 0, 0.0]
        cell[1] += 1
        cell[2] += trace.outcome[row] in BAD or trace.answer[row] in BAD
        latency = (trace.answered if leg == "direct" else trace.ended)[row] - trace.sent[since]
        if latency == latency:
            cell[3] += 1
            cell[4] += latency
    return [_observed(trace, legs, key, cell) for key, cell in sorted(tally.items(), key=lambda item: item[1][0])]


def _leg(edge, brokers):
    if edge.kind in ("request", "call"):
        return "direct"
    if edge.kind == "work":
        return "inside"
    return "in" if edge.source in brokers else "out"


def _observed(trace, legs, key, cell):
    edge, leg = trace.edges[key[0]], legs[key[0]]
    row, number, failures, waited, total = cell
    source = trace.edges[key[1]].source if leg == "in" else edge.source
    target = "" if leg == "out" else edge.target
    via = {"direct": "", "out": edge.target, "in": edge.source}[leg]
    return Flow(
        leg, source, target, via, edge.kind, edge.name, edge.undo, number, failures, waited, total, trace.sent[row]
    )


def declared_flows(system):
    """Return the flows that a blueprint allows, in the order in which a first request would cause them.

    A call is followed to its end before the next, as the caller waits for it; events and commands are
    followed in turn. Compensations come last: they are for the bad days.
    """
    found: dict = {}
    waiting = []
    for entry in system.entries.values():
        operation = system.find(entry.operation)
        found[Flow("direct", CLIENT, operation.service, "", "request", operation.name, False)] = True
        waiting.append(operation)
    seen: dict = {}
    for handler in _in_turn(waiting, system):
        _follow(system, handler, found, waiting, seen)
    # An event belongs to the bad days when whoever hears it undoes something.
    heard = {(f.source, f.name) for f in found if f.leg == "in" and not f.undo}
    undone = {(f.source, f.name) for f in found if f.undo} - heard
    ordered = sorted(found, key=lambda flow: flow.undo or (flow.source, flow.name) in undone)
    return [flow._replace(first=float(rank)) for rank, flow in enumerate(ordered, 1)]


def _in_turn(waiting, system):
    """Yield the handlers that wait, those added meanwhile too, and then all others."""
    place = 0
    while place < len(waiting):
        yield waiting[place]
        place += 1
    rest = list(system.handlers())
    yield from rest
    yield from waiting[place:]


def _follow(system, handler, found, waiting, seen):
    if handler in seen:
        return
    seen[handler] = True
    said, me = talk(system, handler), handler.service
    for other in said.calls:
        undo = other.undoes is not None
        found[Flow("direct", me, other.service, "", "call", other.name, undo)] = True
        _follow(system, other, found, waiting, seen)
    for other in said.sends:
        _through(system, found, me, "command", other.name, [other])
        waiting.append(other)
    for topic in said.publishes:
        readers = system.readers(topic)
        _through(system, found, me, "event", topic, readers)
        waiting.extend(readers)


def _through(system, found, source, kind, name, readers):
    broker = system.carrier(name).name
    undo = kind == "command" and readers[0].undoes is not None
    found[Flow("out", source, "", broker, kind, name, undo)] = True
    for reader in readers:
        found[Flow("in", source, reader.service, broker, kind, name, reader.undoes is not None)] = True
