"""The blueprint: services, what they do, what they react to. It declares and never runs.

A blueprint holds only data and the reader's handlers, so that it can be printed, drawn, checked and run again and
again. Identity is by name: declaring a name again replaces what had it, so that a notebook's cell can be re-run.
"""

from dataclasses import dataclass, field
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, signature
from math import inf
from types import FunctionType

from rehearsal.contacts import contacts
from rehearsal.draws import Constant, Distribution, times
from rehearsal.errors import ModelError, unknown
from rehearsal.policies import Retry
from rehearsal.units import duration

CLIENT = "client"
NO_TIME = Constant(0.0)
AGAIN = Retry(4)  # a message whose handler fails comes five times in all, then goes to the dead letters


def _names(value):
    return (value,) if isinstance(value, str | Handler) else tuple(value)


def _name(thing):
    return thing if isinstance(thing, str) else thing.name


@dataclass(frozen=True, eq=False)
class Handler:
    """Tie a function of the reader's to a service: the time its work `takes`, then what it does.

    The body of a leaf runs at the instant its time is over, so that what it does to `ctx.state` happens at once.
    `work` names the job, whoever does it: handlers that share it meet the same service times in every style.
    """

    service: str
    name: str
    function: object = field(repr=False)
    takes: Distribution = NO_TIME
    work: str = ""
    publishes: tuple = ()
    calls: tuple | None = None
    undoes: str | None = None

    @property
    def waits(self):
        """Return True where the function is a generator: it calls others and waits for them."""
        return isgeneratorfunction(self.function)

    @property
    def place(self):
        """Return where it lives, for errors: `inventory.reserve`."""
        return f"{self.service}.{self.name}"


@dataclass(frozen=True, eq=False)
class Operation(Handler):
    """Do something when asked: by a call, which waits for the reply, or by a command, which does not."""

    def __call__(self, *_, **__):
        ask = f"ask for it with `yield ctx.call({self.name}, …)`"
        raise ModelError(f"{self.name} is an operation of {self.service}: {ask}")


@dataclass(frozen=True, eq=False)
class Subscription(Handler):
    """React to every event of a topic, from a durable queue of its own, acknowledged after the work.

    `workers`: some of its own; without, it shares the service's. `poll`: look for messages only so often [ms];
    without, the broker pushes. A handler that fails gets the message again (`retry`), and after that the message
    goes to the dead letters.
    """

    topic: str = ""
    workers: int | None = None
    poll: float | None = None
    retry: Retry = AGAIN


class Service:
    """Declare a service: `workers` that do its work, and a FIFO queue before them.

    `queue` limits how many may wait (None: no limit); what comes after is rejected at once, at no cost. A `blocking`
    service holds a worker while it waits for a reply, as a thread does; without, the worker is given back and taken
    again. `state` is what its memory holds at the start of each run.
    """

    def __init__(self, name, workers=1, queue=None, blocking=True, state=None):
        if not isinstance(name, str) or not name or name == CLIENT:
            raise ValueError(f"a service needs a name other than {CLIENT!r}, not {name!r}")
        self.name = name
        self.workers = _whole(workers, f"workers of {name}", 1)
        self.queue = None if queue is None else _whole(queue, f"queue of {name}", 0)
        self.blocking = bool(blocking)
        self.state = dict(state or {})
        self.operations = {}
        self.subscriptions = {}

    def operation(self, *, takes=0.0, name=None, work=None, publishes=(), calls=None, undoes=None):
        """Declare what the service does when asked; the decorated name becomes the operation.

        `takes` [ms or a distribution] is the time of the work, `publishes` the topics it may publish to, `calls` the
        operations it may call (said: enforced; else read from the function), `undoes` the operation it compensates.
        """

        def declare(function):
            own = _checked(function, self, name)
            said = _said(self, own, takes, work or own, publishes, calls, undoes)
            self.operations[own] = Operation(function=function, **said)
            return self.operations[own]

        return declare

    def on(
        self, topic, *, takes=0.0, name=None, work=None, publishes=(), calls=None, undoes=None,
        workers=None, poll=None, retry=AGAIN,
    ):  # fmt: skip
        """Declare how the service reacts to each event of `topic`; one handler a topic."""

        def declare(function):
            own = _checked(function, self, name)
            # Two services may both call their handler `on_placed`: without the service's name in the work,
            # adding one would shift the draws of the other.
            said = _said(self, own, takes, work or f"{self.name}.{own}", publishes, calls, undoes)
            crew = None if workers is None else _whole(workers, f"workers of {said['name']}", 1)
            pause = None if poll is None else duration(poll, f"poll of {own}", positive=True)
            if not isinstance(retry, Retry):
                raise TypeError(f"retry of {self.name}.{own} must be a Retry, such as Retry(2), not {retry!r}")
            self._forget(own, function)
            subscription = Subscription(function=function, topic=topic, workers=crew, poll=pause, retry=retry, **said)
            self.subscriptions[topic] = subscription
            return subscription

        return declare

    def _forget(self, name, function):
        """Drop the subscriptions a new function of this name replaces; one function may hear several topics."""
        for topic, old in list(self.subscriptions.items()):
            if old.name == name and old.function.__code__ is not function.__code__:
                del self.subscriptions[topic]

    def __repr__(self):
        has = f"{len(self.operations)} operations, {len(self.subscriptions)} subscriptions"
        return f"Service({self.name}: {self.workers} workers, {has})"


@dataclass(frozen=True)
class Broker:
    """Carry events and commands: a node like any other, with a `latency` [ms or a distribution] of its own.

    `carries` lists its topics (None: all that no other broker carries); `workers` limits how many messages it handles
    at a time (None: as many as come).
    """

    name: str
    latency: Distribution = NO_TIME
    carries: tuple | None = None
    workers: int | None = None


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
        self.services, self.links, self.entries = {}, {}, {}
        self._brokers = {}

    def service(self, name, workers=1, queue=None, blocking=True, state=None):
        """Declare a service and return it; an old one of that name is gone, with its handlers."""
        self.services[name] = Service(name, workers, queue, blocking, state)
        return self.services[name]

    def broker(self, name="broker", latency=0.0, carries=None, workers=None):
        """Declare a broker and return it; a system that publishes without one gets a plain one."""
        topics = None if carries is None else tuple(_name(c) for c in _names(carries))
        crew = None if workers is None else _whole(workers, f"workers of {name}", 1)
        self._brokers[name] = Broker(name, times(latency, f"latency of {name}"), topics, crew)
        return self._brokers[name]

    def link(self, a, b, latency):
        """Set the latency of the link between two nodes, both ways [ms or a distribution]."""
        self.links[frozenset((_name(a), _name(b)))] = times(latency, f"the link {_name(a)} – {_name(b)}")

    def accepts(self, kind, operation, *, objective=inf, done=None, failed=None):
        """Let requests of a `kind` enter at `operation`."""
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
            yield from service.subscriptions.values()

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
        for name, service in self.services.items():
            twin = copy.service(name, service.workers, service.queue, service.blocking, service.state)
            twin.operations, twin.subscriptions = dict(service.operations), dict(service.subscriptions)
        return copy

    def __repr__(self):
        services, kinds = ", ".join(self.services) or "no services", ", ".join(self.entries) or "nothing"
        return f"System({self.name}: {services}; accepts {kinds})"


def _whole(value, what, least):
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{what} must be a whole number, {least} or more, not {value!r}")
    return value


def _checked(function, service, name):
    if not isinstance(function, FunctionType):
        above = f"@{service.name}.operation() or @{service.name}.on(topic)"
        raise TypeError(f"write {above} above a function, not {function!r}")
    own = name or function.__name__
    if iscoroutinefunction(function) or isasyncgenfunction(function):
        raise TypeError(f"{service.name}.{own} is async: a handler is a plain function, with `yield` where it waits")
    try:
        signature(function).bind("ctx", "payload")
    except TypeError:
        shape = f"{own}{signature(function)}"
        raise TypeError(f"{service.name}: a handler takes (ctx, payload), but this one is {shape}") from None
    return own


def _said(service, own, takes, work, publishes, calls, undoes):
    return {
        "service": service.name,
        "name": own,
        "takes": times(takes, f"takes of {service.name}.{own}"),
        "work": work,
        "publishes": _names(publishes),
        "calls": None if calls is None else _names(calls),
        "undoes": None if undoes is None else _name(undoes),
    }
