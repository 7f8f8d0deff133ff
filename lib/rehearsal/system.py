"""The blueprint: services, brokers, links, and where requests enter. It declares and never runs.

A blueprint holds only data and the reader's handlers, so that it can be printed, drawn, checked and run again and
again. Identity is by name: declaring a name again replaces what had it, so that a notebook's cell can be re-run.
"""

from dataclasses import dataclass
from math import inf
from typing import Any

from rehearsal.arguments import name_of, parts, whole
from rehearsal.contacts import contacts
from rehearsal.draws import Distribution, times
from rehearsal.errors import ModelError, unknown
from rehearsal.policies import Guard
from rehearsal.service import NO_TIME, Operation, Service, queue
from rehearsal.units import duration, sec


@dataclass(frozen=True)
class Broker:
    """Carry events and commands: a node like any other, with a `latency` [ms or a distribution] of its own.

    `carries` lists its topics (None: all that no other broker carries); `workers` limits how many messages it handles
    at a time (None: as many as come), in each of its `replicas`. A broker that is not `durable` keeps nothing: what it,
    or a reader, has in hand in a crash is lost, and so is what comes for one that is down. With `failover` [ms] a
    standby takes over so long after a crash. What a durable one sent and nobody acknowledged comes again after
    `redelivers` [ms].
    """

    name: str
    latency: Distribution = NO_TIME
    carries: tuple | None = None
    workers: int | None = None
    durable: bool = True
    failover: float | None = None
    redelivers: float = 1 * sec
    replicas: int = 1


@dataclass(frozen=True)
class Entry:
    """Say where a kind of request enters, and what "on time" and "done" mean for it.

    `objective` [ms]: the time within which it should end. `done` and `failed` name the events that end it where the
    answer is not the end.
    """

    kind: str
    operation: Operation
    objective: float = inf
    done: str | None = None
    failed: str | None = None


class System:
    """Declare a system: services, links, brokers, and where requests enter.

    `network` is the latency of one hop [ms or a distribution], the client's included; `link` sets one pair's own.
    Invariant: it is plain data. `run` works on a snapshot, so nothing declared later changes a run.
    """

    def __init__(self, name, network=0.0):
        self.name = name
        self.network = times(network, "network")
        self.services, self.links, self.entries, self.guards = {}, {}, {}, {}
        self.process: Any = None  # what it was made from, where it was
        self.modules: dict = {}  # part of a monolith -> the service it is deployed in
        self._brokers = {}

    def service(
        self, name, workers=1, queue=None, blocking=True, state=None, durable=False, failover=None, patience=None,
        decides=0.0, volatile=False, outbox=None, replicas=1,
    ):  # fmt: skip
        """Declare a service and return it; an old one of that name is gone, with its handlers."""
        said = workers, queue, blocking, state, durable, failover, patience, decides, volatile, outbox, replicas
        made = Service(name, *said)
        made.home, self.services[name] = self, made
        return made

    def broker(
        self, name="broker", latency=0.0, carries=None, workers=None, durable=True, failover=None, redelivers=1 * sec,
        replicas=1,
    ):  # fmt: skip
        """Declare a broker and return it; a system that publishes without one gets a plain one."""
        topics = None if carries is None else tuple(name_of(c) for c in parts(carries))
        crew = None if workers is None else whole(workers, f"workers of {name}", 1)
        standby = None if failover is None else duration(failover, f"failover of {name}", positive=True)
        again = duration(redelivers, f"redelivers of {name}", positive=True)
        copies = whole(replicas, f"replicas of {name}", 1)
        made = Broker(name, times(latency, f"latency of {name}"), topics, crew, bool(durable), standby, again, copies)
        self._brokers[name] = made
        return made

    def guard(self, *, by=None, to=None, **policies):
        """Put policies around many calls: those made `by` one service, `to` another, or all there are.

        `timeout`, `deadline` [ms], `cancel`, `retry`, `budget`, `breaker`, `bulkhead`, `hedge`, `fallback`: see
        `Guard`. What is said of fewer calls goes before what is said of more, `to` before `by`, and
        a call's own words before all.
        """
        place = tuple(None if end is None else name_of(end) for end in (by, to))
        self.guards[place] = Guard.of(policies)

    def guarded(self, by, to):
        """Return the policies of the calls from one service to another, None where nobody has said any."""
        said = [self.guards[p] for p in ((by, to), (None, to), (by, None), (None, None)) if p in self.guards]
        found = Guard()
        for each in said:
            found = found.over(each)
        return found if said else None

    def link(self, a, b, latency):
        """Set the latency of the link between two nodes, both ways [ms or a distribution]."""
        self.links[frozenset((name_of(a), name_of(b)))] = times(latency, f"the link {name_of(a)} – {name_of(b)}")

    def accepts(self, kind, operation, *, objective=inf, done=None, failed=None):
        """Let requests of a `kind` enter at `operation`.

        With `done` and `failed` the events of these topics end them. An end by the second counts as a business no: an
        event does not say whether it was one or an error.
        """
        if not isinstance(operation, Operation):
            raise TypeError(f"requests enter at an operation, not at {operation!r}")
        duration(objective, "objective", positive=True, ever=True)
        self.entries[kind] = Entry(kind, operation, float(objective), done, failed)

    @property
    def brokers(self):
        """Return the brokers by name; empty where nobody publishes and none was declared."""
        speaks = any(h.publishes or any(c.verb == "send" for c in contacts(h.function)) for h in self.handlers())
        return dict(self._brokers) or ({"broker": Broker("broker")} if speaks else {})

    def handlers(self):
        """Yield every operation and subscription, service by service."""
        for service in self.services.values():
            yield from service.operations.values()
            yield from dict.fromkeys(service.subscriptions.values())

    def readers(self, topic):
        """Return the subscriptions of a topic, service by service."""
        services = self.services.values()
        found = [s.subscriptions.get(queue(topic, h.group)) for s in services for h in s.subscriptions.values()]
        return [handler for handler in dict.fromkeys(found) if handler is not None]

    def heard(self):
        """Return the topics that somebody hears."""
        return {topic for handler in self.handlers() for topic in handler.topics}

    def reached(self, edge):
        """Return the handler that a message on this edge of a trace reaches; None where that is a broker."""
        service = self.services.get(edge.target)
        if service is None:
            return None
        return (service.subscriptions if edge.kind == "event" else service.operations).get(queue(edge.name, edge.group))

    def carrier(self, topic):
        """Return the broker that carries a topic or a command: one that names it, else one that carries all."""
        named = [b for b in self._brokers.values() if b.carries and topic in b.carries]
        general = [b for b in self._brokers.values() if b.carries is None]
        return (named or general or [Broker("broker")])[0]

    def latency(self, a, b):
        """Return the latency of a hop between two nodes, as a distribution."""
        return self.links.get(frozenset((a, b)), self.network)

    def find(self, operation):
        """Return the operation of that name in this system, or say which there are."""
        known = {h.place: h for s in self.services.values() for h in s.operations.values()}
        name = operation.place if isinstance(operation, Operation) else operation
        if name in known:
            return known[name]
        short = [h for h in known.values() if h.name == name]
        if len(short) == 1:
            return short[0]
        if short:
            raise ModelError(f"{name!r} is an operation of several services: {', '.join(h.place for h in short)}")
        raise ModelError(unknown("operation", str(name), known))

    def snapshot(self):
        """Return a copy that later declarations do not reach."""
        copy = System(self.name, self.network)
        copy.links, copy.entries, copy._brokers = dict(self.links), dict(self.entries), dict(self._brokers)
        copy.guards, copy.modules, copy.process = dict(self.guards), dict(self.modules), self.process
        copy.services = {name: service.copy() for name, service in self.services.items()}
        return copy

    def __repr__(self):
        services, kinds = ", ".join(self.services) or "no services", ", ".join(self.entries) or "nothing"
        return f"System({self.name}: {services}; accepts {kinds})"
