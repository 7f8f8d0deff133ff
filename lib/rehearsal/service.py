"""A service and what it does: handlers that answer when asked, or react to events. Declared here, never run."""

from copy import copy
from dataclasses import dataclass, field
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, signature
from types import FunctionType
from typing import Any

from rehearsal.arguments import choice, name_of, parts, whole
from rehearsal.draws import Constant, Distribution, times
from rehearsal.errors import ModelError
from rehearsal.policies import Retry
from rehearsal.units import duration

CLIENT = "client"
NO_TIME = Constant(0.0)
AGAIN = Retry(4)  # a message whose handler fails comes five times in all, then goes to the dead letters


@dataclass(frozen=True, eq=False)
class Handler:
    """Tie a function of the reader's to a service: the time its work `takes`, then what it does.

    The body of a leaf runs at the instant its time is over, so that what it does to `ctx.state` happens at once.
    `work` names the job, whoever does it: handlers that share it meet the same service times in every style.
    An `idempotent` handler keeps its answer, together with its effect, under the key of the request: whoever asks
    again (another attempt, a redelivery, a duplicate) gets it, and the effect is not repeated. The key is the logical
    request's, never the attempt's: one for a call with all its attempts and hedges, one for an event or a command with
    all its deliveries. So each handler guards its own work only: one before it that has no key and works twice asks or
    tells twice, under two keys. What that does not model: that looking up is quicker than doing.
    """

    service: str
    name: str
    function: object = field(repr=False)
    takes: Distribution = NO_TIME
    work: str = ""
    publishes: tuple = ()
    calls: tuple | None = None
    undoes: str | None = None
    idempotent: bool = False
    home: object = field(default=None, repr=False)  # the Service it belongs to
    module: str = ""  # the part of a monolith it belongs to
    topics: tuple = ()  # that it hears
    group: str = ""

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
    """Do something when asked: by a call, which waits for the reply, or by a command, which does not.

    A command whose handler fails is delivered again (`retry`), and after that it goes to the dead letters.
    """

    retry: Retry = AGAIN

    def __call__(self, *_, **__):
        ask = f"ask for it with `yield ctx.call({self.name}, …)`"
        raise ModelError(f"{self.name} is an operation of {self.service}: {ask}")


@dataclass(frozen=True, eq=False)
class Subscription(Handler):
    """React to every event of a topic, from a durable queue of its own, acknowledged after the work.

    `workers`: some of its own, in each replica; without, it shares the service's. `poll`: look for messages only so
    often [ms]; without, the broker pushes. A handler that fails gets the message again (`retry`), and after that the
    message goes to the dead letters. Of several topics it waits for one event each, of the same request, and reacts
    once; or it reacts once `when(payload, topics)` is true of those that have come. Events that only wait cost no time.
    Acknowledged "before" the work, a message is delivered at most once: a crash or a failure loses it. Messages with
    the same `key(payload)` are handled in order, one after another; without, workers compete and overtake. A dead
    letter comes again, once, after `replay` [ms]: a person has looked at it. A service hears an event once for each
    `group`, through a queue of its own: so it can react to one fact in several ways.
    """

    when: Any = field(default=None, repr=False)
    workers: int | None = None
    poll: float | None = None
    retry: Retry = AGAIN
    acknowledge: str = "after"
    key: Any = field(default=None, repr=False)
    replay: float | None = None

    @property
    def joins(self):
        """Return whether it waits for more than the next event."""
        return len(self.topics) > 1 or self.when is not None

    def ready(self, payload, come):
        """Return whether it reacts, now that these topics have come for a request."""
        return come >= set(self.topics) if self.when is None else bool(self.when(payload, come))


def queue(topic, group):
    """Return the name under which a service keeps its subscription of a topic, for one group."""
    return f"{topic} ({group})" if group else topic


class Service:
    """Declare a service: `workers` that do its work, and a FIFO queue before them.

    Of `replicas` each has so many workers; they share the queue and the memory, and a crash can stop one of them.
    `queue` limits how many calls may wait (None: no limit); what comes after is rejected at once, at no cost, and what
    a broker delivers is not counted: it waits there. A `blocking` service holds a worker while it waits for a reply,
    as a thread does; without, the worker is given back and taken again. `state` is what its memory holds at the start
    of each run. A call that has waited longer than `patience` [ms] when its turn comes is turned away unserved (load
    shedding). A `durable` service finds its queue again after a crash, and its handlers go on where they were. With
    `failover` [ms] a standby takes over so long after a crash, of the service or of a replica, with what that had in
    work. What it does not model: that a standby may crash too. `decides` [ms] is what a worker needs each time a
    handler goes on after a wait: the cost of a decision. What a `volatile` service knows is in its memory only: a
    crash of all of it empties `ctx.state`. With an `outbox` what handlers publish and send is stored with their
    effects, and sent by a relay that looks every so often [ms]; 0: at once. Without, a crash between the two loses it.
    """

    def __init__(
        self, name, workers=1, queue=None, blocking=True, state=None, durable=False, failover=None, patience=None,
        decides=0.0, volatile=False, outbox=None, replicas=1,
    ):  # fmt: skip
        if not isinstance(name, str) or not name or name == CLIENT:
            raise ValueError(f"a service needs a name other than {CLIENT!r}, not {name!r}")
        self.name = name
        self.workers = whole(workers, f"workers of {name}", 1)
        self.replicas = whole(replicas, f"replicas of {name}", 1)
        self.queue = None if queue is None else whole(queue, f"queue of {name}", 0)
        self.blocking = bool(blocking)
        self.state = dict(state or {})
        self.durable = bool(durable)
        self.failover = None if failover is None else duration(failover, f"failover of {name}", positive=True)
        self.patience = None if patience is None else duration(patience, f"patience of {name}")
        self.decides = duration(decides, f"decides of {name}")
        self.volatile = bool(volatile)
        self.outbox = None if outbox is None else duration(outbox, f"outbox of {name}")
        self.home = None  # the System it belongs to
        self.operations = {}
        self.subscriptions = {}

    def operation(
        self, *, takes=0.0, name=None, work=None, publishes=(), calls=None, undoes=None, idempotent=False, retry=AGAIN
    ):  # fmt: skip
        """Declare what the service does when asked; the decorated name becomes the operation.

        `takes` [ms or a distribution] is the time of the work, `publishes` the topics it may publish to, `calls` the
        operations it may call (said: enforced; else read from the function), `undoes` the operation it compensates. One
        that undoes, and returns False, has found nothing to undo: nobody was compensated.
        """

        def declare(function):
            own = _checked(function, self, name)
            said = _said(self, own, takes, work or own, publishes, calls, undoes, idempotent)
            self.operations[own] = Operation(function=function, retry=_again(retry, said), **said)
            return self.operations[own]

        return declare

    def on(
        self, topic, *, takes=0.0, name=None, work=None, publishes=(), calls=None, undoes=None,
        workers=None, poll=None, retry=AGAIN, idempotent=False, when=None, acknowledge="after", key=None, replay=None,
        group="",
    ):  # fmt: skip
        """Declare how the service reacts to each event of a topic, or to one each of several.

        There is one handler for a topic and a `group`: declaring another replaces it.
        """
        topics = parts(topic)

        def declare(function):
            own = _checked(function, self, name)
            # Two services may both call their handler `on_placed`: without the service's name in the work,
            # adding one would shift the draws of the other.
            said = _said(self, own, takes, work or f"{self.name}.{own}", publishes, calls, undoes, idempotent)
            crew = None if workers is None else whole(workers, f"workers of {said['name']}", 1)
            pause = None if poll is None else duration(poll, f"poll of {own}", positive=True)
            choice(acknowledge, f"acknowledge of {self.name}.{own}", ("after", "before"))
            again = None if replay is None else duration(replay, f"replay of {self.name}.{own}", positive=True)
            if key is not None and not callable(key):
                raise TypeError(f"key of {self.name}.{own} is a function of the payload, not {key!r}")
            if not isinstance(group, str):
                raise TypeError(f"group of {self.name}.{own} is a name, not {group!r}")
            self._forget(own, function, group)
            how = {"topics": topics, "when": when, "workers": crew, "poll": pause, "retry": _again(retry, said)}
            how |= {"acknowledge": acknowledge, "key": key, "replay": again, "group": group}
            subscription = Subscription(function=function, **how, **said)
            self.subscriptions |= {queue(topic, group): subscription for topic in topics}
            return subscription

        return declare

    def _forget(self, name, function, group):
        """Drop what a new function of this name replaces, its own text in another group too; one may hear several."""
        new = function.__code__
        for place, old in list(self.subscriptions.items()):
            code = old.function.__code__
            if old.name == name and code is not new and (old.group == group or code == new):
                del self.subscriptions[place]

    def copy(self):
        """Return a copy that later declarations do not reach."""
        twin = copy(self)
        twin.state = dict(self.state)
        twin.operations, twin.subscriptions = dict(self.operations), dict(self.subscriptions)
        return twin

    def __repr__(self):
        has = f"{len(self.operations)} operations, {len(self.subscriptions)} subscriptions"
        crew = f"{self.replicas} replicas of {self.workers}" if self.replicas > 1 else self.workers
        return f"Service({self.name}: {crew} workers, {has})"


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


def _again(retry, said):
    if not isinstance(retry, Retry):
        place = f"{said['service']}.{said['name']}"
        raise TypeError(f"retry of {place} must be a Retry, such as Retry(2), not {retry!r}")
    return retry


def _said(service, own, takes, work, publishes, calls, undoes, idempotent):
    return {
        "service": service.name,
        "name": own,
        "takes": times(takes, f"takes of {service.name}.{own}"),
        "work": work,
        "publishes": parts(publishes),
        "calls": None if calls is None else parts(calls),
        "undoes": None if undoes is None else name_of(undoes),
        "idempotent": bool(idempotent),
        "home": service,
    }
