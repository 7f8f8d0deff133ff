"""What is down, since when, and until when: a node, or one replica of it."""

from typing import NamedTuple

from rehearsal.faults import Fault


class Outage(NamedTuple):
    """Say that a service was really down, or one replica of it, from `at` until `until` [ms]."""

    service: str
    at: float
    until: float
    replica: int | None = None


class Stop(NamedTuple):
    """Say what keeps a node down, or one replica of it, and until when at least [ms]."""

    fault: Fault
    replica: int | None
    until: float


def note(engine, node, was, until, replica):
    """Write down an outage: of one replica, and of the node where that leaves none."""
    if replica is not None:
        engine.degraded.append(Outage(node.name, engine.now, until, replica))
    if was and not node.up:
        engine.outages.append(Outage(node.name, engine.now, back(node)))
    elif not node.up:
        extend(engine, node, back(node))


def back(node, *numbers):
    """Return when one of these replicas, or of all, is up again, as far as that is known [ms]."""
    copies = numbers or range(1, node.replicas + 1)
    return min(max((s.until for s in node.faults if s.replica in (None, number)), default=0.0) for number in copies)


def extend(engine, node, until):
    """Let the outage of a node that is down last until this moment."""
    last = max(i for i, outage in enumerate(engine.outages) if outage.service == node.name)
    engine.outages[last] = engine.outages[last]._replace(until=until)
