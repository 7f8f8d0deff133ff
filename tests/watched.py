"""What the property tests share: a run with the engine that made it, and its messages by queue and by delivery."""

from typing import NamedTuple
from unittest.mock import patch

from rehearsal import run
from rehearsal.engine import runs
from rehearsal.engine.performer import Engine
from rehearsal.service import queue
from tests.systems import rows


def performed(system, load, faults, seed, **how):
    """Return a run and the engine that made it."""
    engines = []

    class Watched(Engine):
        def __init__(self, *args):
            super().__init__(*args)
            engines.append(self)

    with patch.object(runs, "Engine", Watched):
        return run(system, load, faults=faults, seed=seed, **how), engines[0]


def deliveries(result):
    """Return {(message handed to a broker, the handler that gets it): its deliveries in order}."""
    found = {}
    for n, (row, edge) in enumerate(zip(rows(result), result.trace.edge, strict=True)):
        if row.source in result.system.brokers:
            reader = result.system.reached(result.trace.edges[edge])
            found.setdefault((row.parent, reader), []).append((n, row))
    return found


class Line(NamedTuple):
    """Hold one queue: whose, how many workers it leads to, what comes through it, whether in order of coming."""

    service: object
    workers: int
    names: set
    plain: bool


def lines(system):
    """Yield every queue of a system: one a service, and one a subscription with workers of its own."""
    for service in system.services.values():
        crews = {None: [service.workers, set(service.operations), []]}
        for place, subscription in service.subscriptions.items():
            crew = None if subscription.workers is None else subscription
            _, names, heard = crews.setdefault(crew, [subscription.workers, set(), []])
            names.add(place)
            heard.append(subscription)
        for workers, names, heard in crews.values():
            plain = all(s.poll is None and s.key is None and not s.joins for s in heard)
            yield Line(service, workers * service.replicas, names, plain)


def worked(result, line):
    """Return the messages that a worker behind this queue took; what is done in process needs no further one."""
    here = [line.service.name == e.target and queue(e.name, e.group) in line.names for e in result.trace.edges]
    every = [row for row, edge in zip(rows(result), result.trace.edge, strict=True) if here[edge]]
    return [row for row in every if row.kind != "work" and row.started == row.started]
