"""Contact tracing: which requests can a fault have reached, through messages, queues, workers and gates they share?

It knows nothing of `compare`: it reads the two traces as a health officer reads who met whom. A request that was at a
struck node while the fault lasted is infected, and so is all it does from then on. It infects whoever waited for a
worker, or was turned away, where one of its messages was present; and whoever is later at a service that counts its
calls, in a breaker, a bulkhead or a budget. The draws are no contact: they are keyed.
"""

from heapq import heappop, heappush
from math import inf, isnan
from types import FunctionType
from typing import NamedTuple

from rehearsal import Breakdowns, Bulkhead, CircuitBreaker, Crash, CrashAt, LoadSpike, RetryBudget
from rehearsal.trace import OPEN, REJECTED


class Stay(NamedTuple):
    """Hold one message's stay at a pool: where it came from, its sending, when it came and left, who could delay it.

    `since`: from when on its sender could be kept from sending it. `gated`: at this service calls are counted.
    """

    request: tuple
    pool: tuple
    node: str
    source: str
    since: float
    sent: float
    came: float
    left: float
    exposed: tuple | None
    gated: bool


def reachable(calm, storm, faults):
    """Return the requests (load, user, number) that these faults can have reached in either run."""
    worlds = [_stays(run) for run in (calm, storm)]
    offers = [_offers(run) for run in (calm, storm)]
    heap = [(moment, other) for other, moment in offers[1].items() if other not in offers[0]]  # those of a spike
    for fault in (f for f in faults if not isinstance(f, LoadSpike)):
        struck, until = _struck(storm, fault)
        for stay in worlds[0] + worlds[1]:
            over = inf if stay.pool[-1] else until  # where a consumer looks at its own times, a restart moves them
            at_node = stay.node in struck and stay.left >= fault.at and stay.sent <= over
            from_node = stay.source in struck and stay.sent >= fault.at and stay.since <= over
            if at_node or from_node:
                heappush(heap, (max(stay.since if from_node else stay.sent, fault.at), stay.request))
    return _spread(heap, worlds, offers)


def _struck(run, fault):
    """Return the names of the nodes that a fault strikes, and until when at most."""
    struck = {run.system.modules.get(name, name) for name in fault.struck} | set(fault.struck)
    stops = (*run.outages, *run.degraded) if isinstance(fault, Crash | CrashAt | Breakdowns) else ()
    ends = [stop.until for stop in stops if stop.service in struck]
    return struck, max([fault.until, *ends])


def _spread(heap, worlds, offers):
    heap.sort()
    infected: dict = {}
    while heap:
        moment, request = heappop(heap)
        if request not in infected:
            infected[request] = moment
            for stays, offered in zip(worlds, offers, strict=True):
                for time, other in _met(request, moment, stays, offered):
                    if other not in infected:
                        heappush(heap, (time, other))
    return set(infected)


def _met(request, moment, stays, offered):
    """Yield whom an infected request meets from a moment on, and when."""
    load, user, _ = request
    for other, time in offered.items():
        if user >= 0 and other[:2] == (load, user) and time >= moment:
            yield time, other  # one user asks after the other answer
    mine = [s for s in stays if s.request == request and s.left >= moment]
    waiting = [s for s in mine if s.pool[1] is not None]
    counted: dict = {}  # node -> since when the calls of this request count there
    for one in mine:
        if one.gated:
            counted[one.node] = min(max(one.came, moment), counted.get(one.node, inf))
    for stay in stays:
        if stay.gated and stay.node in counted and stay.left >= counted[stay.node]:
            yield max(stay.came, counted[stay.node]), stay.request
        for one in waiting if stay.exposed else ():
            left = inf if one.pool[-1] else one.left
            if one.pool == stay.pool and stay.exposed[0] <= left and stay.exposed[1] >= max(one.came, moment):
                yield max(stay.exposed[0], one.came, moment), stay.request


def _key(run, row):
    return run.table.load[row], run.table.user[row], run.table.number[row]


def _offers(run):
    return {_key(run, row): run.table.offered[row] for row in range(len(run.table))}


def _stays(run):
    found, t, gated = [], run.trace, gates_of(run.system)
    for row in range(len(t)):
        edge = t.edges[t.edge[row]]
        node = run.system.modules.get(edge.target, edge.target)
        pool, blocking, polled = _pool(run.system, edge, node)
        came = t.sent[row] if node in run.system.brokers or isnan(t.received[row]) else t.received[row]
        left = t.ended[row]
        if isnan(left):
            left = came if t.outcome[row] == REJECTED else inf if t.outcome[row] == OPEN else t.answered[row]
            left = inf if isnan(left) else left
        waits = t.outcome[row] == REJECTED or t.started[row] != came
        until = left if isnan(t.started[row]) or not blocking else t.started[row]
        exposed = (came, until) if waits or not blocking or polled else None
        source = run.system.modules.get(edge.source, edge.source)
        since = t.sent[t.parent[row]] if t.parent[row] >= 0 else t.sent[row]
        times = since, t.sent[row], came, left, exposed
        found.append(Stay(_key(run, t.request[row]), (*pool, polled), node, source, *times, node in gated))
    return found


def _pool(system, edge, node):
    """Return who shares the workers that a message needs, whether a caller keeps its own, and if they poll."""
    if node in system.brokers:
        return (node, system.brokers[node].workers and "all"), True, False
    service = system.services[node]
    reader = system.reached(edge) if edge.kind == "event" else None
    own = (edge.name, edge.group) if reader and reader.workers is not None else "all"
    return (node, own), service.blocking, bool(reader and reader.poll is not None)


def gates_of(system):
    """Return the services that count their calls: their handlers, or guards, hold a breaker, a bulkhead or a budget."""
    found = {handler.home.name for handler in system.handlers() if _holds(handler.function)}
    for (by, _), guard in system.guards.items():
        if _holds(vars(guard)):
            found |= {by} if by else {*system.services}
    return found


def _holds(thing, seen=()):
    """Return whether one of the gates is anywhere in a value, or in what a function closes over."""
    if isinstance(thing, CircuitBreaker | Bulkhead | RetryBudget):
        return True
    if any(thing is other for other in seen):
        return False
    seen = (*seen, thing)
    if isinstance(thing, FunctionType):
        return any(_holds(cell.cell_contents, seen) for cell in thing.__closure__ or ())
    if isinstance(thing, dict):
        return any(_holds(value, seen) for value in thing.values())
    return isinstance(thing, list | tuple) and any(_holds(value, seen) for value in thing)
