"""Contact tracing: which requests can a fault have reached, through messages, queues and workers that they share?

It knows nothing of `compare`: it reads the two traces as a health officer reads who met whom. A request that was at the
struck node while the fault lasted is infected, and so is all it does from then on. It infects whoever waited for a
worker, or was turned away, where one of its messages was present. The draws are no contact: they are keyed.
"""

from heapq import heappop, heappush
from math import inf, isnan
from typing import NamedTuple

from rehearsal.trace import OPEN, REJECTED


class Stay(NamedTuple):
    """Hold one message's stay at a pool: from its sending, when it came and left, and when others could delay it."""

    request: tuple
    pool: tuple
    node: str
    sent: float
    came: float
    left: float
    exposed: tuple | None


def reachable(calm, storm, faults):
    """Return the requests (load, user, number) that these faults can have reached in either run."""
    worlds = [_stays(run) for run in (calm, storm)]
    offers = [_offers(run) for run in (calm, storm)]
    heap: list = []
    for stay in worlds[0] + worlds[1]:
        for fault in faults:
            polled = stay.pool[-1]  # where a consumer looks at its own times, a restart moves them for good
            if stay.node in fault.struck and stay.left >= fault.at and stay.sent <= (inf if polled else fault.until):
                heappush(heap, (max(stay.sent, fault.at), stay.request))
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
    mine = [s for s in stays if s.request == request and s.left >= moment and s.pool[1] is not None]
    for stay in stays:
        if stay.exposed:
            for one in mine:
                left = inf if one.pool[-1] else one.left
                if one.pool == stay.pool and stay.exposed[0] <= left and stay.exposed[1] >= max(one.came, moment):
                    yield max(stay.exposed[0], one.came, moment), stay.request


def _key(run, row):
    return run.table.load[row], run.table.user[row], run.table.number[row]


def _offers(run):
    return {_key(run, row): run.table.offered[row] for row in range(len(run.table))}


def _stays(run):
    found, t = [], run.trace
    for row in range(len(t)):
        edge = t.edges[t.edge[row]]
        pool, blocking, polled = _pool(run.system, edge)
        came = t.sent[row] if edge.target in run.system.brokers or isnan(t.received[row]) else t.received[row]
        left = t.ended[row]
        if isnan(left):
            left = came if t.outcome[row] == REJECTED else inf if t.outcome[row] == OPEN else t.answered[row]
            left = inf if isnan(left) else left
        waits = t.outcome[row] == REJECTED or t.started[row] != came
        until = left if isnan(t.started[row]) or not blocking else t.started[row]
        exposed = (came, until) if waits or not blocking or polled else None
        found.append(Stay(_key(run, t.request[row]), (*pool, polled), edge.target, t.sent[row], came, left, exposed))
    return found


def _pool(system, edge):
    """Return who shares the workers that a message needs, whether a caller keeps its own, and if they poll."""
    if edge.target in system.brokers:
        return (edge.target, system.brokers[edge.target].workers and "all"), True, False
    service = system.services[edge.target]
    reader = service.subscriptions.get(edge.name) if edge.kind == "event" else None
    own = edge.name if reader and reader.workers is not None else "all"
    return (edge.target, own), service.blocking, bool(reader and reader.poll is not None)
