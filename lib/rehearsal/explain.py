"""What differs between two systems: said before they are compared."""

from itertools import pairwise

from rehearsal.changes import asked
from rehearsal.comparable import told
from rehearsal.service import NO_TIME, Operation, Service, Subscription
from rehearsal.system import Broker

PLAIN = (Service("plain"), Broker("plain"), Operation("", "", None), Subscription("", "", None))
DEFAULTS = {type(plain): plain for plain in PLAIN}


def explain(a, b):
    """Return a frame of what two systems have in common and what not, a row a question; `same` says which is which.

    A comparison is fair where work, workers and hops are the same, or where the difference is the point. All rows are
    the same only where nothing differs that a run is a function of: what no other row says shows in the last, which
    names the handlers that the other system has not, or not alike. What it does not see: a global that a handler reads.
    """
    import pandas as pd

    said = {question: (look(a), look(b)) for question, look in QUESTIONS.items()}
    rows = [(question, one, other, one == other) for question, (one, other) in said.items()]
    rows.append(("what handlers do", *_odd(a, b)))
    return pd.DataFrame(rows, columns=["", a.name, b.name, "same"]).set_index("")


def _options(thing, *words):
    """Return what is said of a thing beyond the defaults, in the words in which it is declared: `queue=1`."""
    plain = DEFAULTS[type(thing)]
    said = [(word, getattr(thing, word, None), getattr(plain, word, None)) for word in words]
    return [f"{word}={value!r}" for word, value, default in said if value != default]


def _apart(things, *words):
    said = {name: _options(thing, *words) for name, thing in sorted(things.items())}
    return "; ".join(f"{name} {', '.join(options)}" for name, options in said.items() if options) or "default"


def _queues(system):
    """Return the limits of queues, which count calls only: what a broker delivers waits there."""
    said = _apart(system.services, "queue", "patience")
    return said if said == "default" else f"of calls: {said}"


def _list(words, nothing="nobody"):
    return ", ".join(words) or nothing


def _handlers(system):
    """Return the handlers of a system by name: a reader's says what it hears, for an operation may be called alike."""
    heard = {
        h: f" on {' and '.join(sorted(h.topics))}" + f" in {h.group}" * bool(h.group)
        for h in system.handlers()
        if isinstance(h, Subscription)
    }
    return dict(sorted((handler.place + heard.get(handler, ""), handler) for handler in system.handlers()))


def _readers(system):
    return {name: one for name, one in _handlers(system).items() if isinstance(one, Subscription)}


def _workers(system):
    own = {name: reader for name, reader in _readers(system).items() if reader.workers is not None}
    crews = sorted((system.services | own).items())
    return _list(f"{name} {one.workers}" + _times(getattr(one, "replicas", 1)) for name, one in crews)


def _times(replicas):
    return f" in each of {replicas} replicas" * (replicas > 1)


def _memory(system):
    parts = {handler.module: handler.home for handler in system.handlers() if handler.module}
    return _apart(parts | system.services, "state")


def _work(system):
    return _list(sorted({f"{h.work} {h.takes!r}" for h in system.handlers() if h.takes != NO_TIME}), "none")


def _links(system):
    return _list(sorted(f"{' – '.join(sorted(pair))} {time!r}" for pair, time in system.links.items()), "all alike")


def _flow(system):
    """Return who knows which steps, and after what they come; of who has no such list, whom it asks."""
    found: dict = {}
    for handler in system.handlers():
        steps = [_step(*step) for step in getattr(handler.function, "score", ())]
        found.setdefault(handler.service, []).extend(steps or [f"asks {place}" for _, place in asked(handler)])
    known = {name: _list(dict.fromkeys(steps)) for name, steps in sorted(found.items()) if steps}
    inside = {*system.modules.values()} if _side_by_side(system.process) else ()  # a program does even those in a row
    row = {name: ", one after another" * (name in inside) for name in known}
    return "; ".join(f"{name}{row[name]}: {steps}" for name, steps in known.items()) or "nobody"


def _side_by_side(process):
    """Return whether some steps of a process may be done side by side."""
    steps = [] if process is None else [*process.steps.values()]
    return any(step.after != (before.name,) for before, step in pairwise(steps))


def _step(place, after, undo, when, optional):
    words = [place, f"after {' and '.join(after)}" if after else "", f"undone by {undo}" if undo else ""]
    return " ".join(word for word in [*words, "if it applies" * (when is not None), "optional" * optional] if word)


def _waits(system):
    names = sorted({h.service for h in system.handlers() if h.waits and not h.module})
    return _list(name + " (holding no worker)" * (not system.services[name].blocking) for name in names)


def _tells(system):
    handlers = _handlers(system).items()
    return _list(f"{name} tells {' or '.join(one.publishes)}" for name, one in handlers if one.publishes)


def _policies(system):
    said = [f"{by or 'all'} to {to or 'all'} {guard!r}" for (by, to), guard in system.guards.items()]
    for name, handler in _handlers(system).items():
        own = getattr(handler.function, "policies", {})  # which a conductor has for each of its calls
        said += [f"{name} {word}={value!r}" for word, value in own.items() if value is not None]
    return "; ".join(sorted(said)) or "none"


def _broker(system):
    words = "latency", "carries", "workers", "durable", "failover", "redelivers", "replicas"
    said = [" ".join([name, *_options(broker, *words)]) for name, broker in system.brokers.items()]
    return "; ".join(said) or "none"


def _down(system):
    return "; ".join(f"{part} is a part of {host}" for part, host in system.modules.items()) or "each by itself"


def _entries(system):
    return _list(f"{e.kind} at {e.operation.place}, done={e.done}, failed={e.failed}" for e in system.entries.values())


QUESTIONS = {
    "services": lambda system: _list(system.services),  # in their order, which decides what goes first at a tie
    "workers": _workers,
    "queues": _queues,
    "memory": _memory,
    "work": _work,
    "a decision takes": lambda system: _apart(system.services, "decides"),
    "a hop takes": lambda system: repr(system.network),
    "links": _links,
    "knows the flow": _flow,
    "waits for others": _waits,
    "hears": lambda system: _list(_readers(system)),
    "tells": _tells,
    "policies": _policies,
    "delivers": lambda system: _apart(_readers(system), "poll", "retry", "acknowledge", "replay", "group"),
    "lasts": lambda s: _apart(s.services | _handlers(s), "durable", "volatile", "failover", "outbox", "idempotent"),
    "broker": _broker,
    "goes down": _down,
    "on time within": lambda system: _list(f"{e.kind} {e.objective!r} ms" for e in system.entries.values()),
    "begins and ends": _entries,
}


def _odd(a, b):
    """Return of each of two systems the handlers that the other has not, or not alike; and whether there are none."""
    one, other = ({name: _told(handler) for name, handler in _handlers(system).items()} for system in (a, b))
    odd = sorted(name for name in {**one, **other} if one.get(name) != other.get(name))
    return *(_list((name for name in odd if name in mine), "alike") for mine in (one, other)), not odd


def _told(handler):
    return told([getattr(handler, word, None) for word in ("work", "undoes", "module", "function", "when", "key")])
