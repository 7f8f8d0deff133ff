"""What differs between two systems: said before they are compared, and counted when a process changes."""

from rehearsal.service import Subscription


def explain(a, b):
    """Return a frame of what two systems have in common and what not, a row a question; `same` says which is which.

    A comparison is fair where work, workers and hops are the same, or where the difference is the point.
    """
    import pandas as pd

    rows = [(question, look(a), look(b)) for question, look in QUESTIONS.items()]
    frame = pd.DataFrame([(q, x, y, x == y) for q, x, y in rows], columns=["", a.name, b.name, "same"])
    return frame.set_index("")


def _work(system):
    takes = {h.work: h.takes.mean for h in system.handlers() if h.takes.mean}
    return ", ".join(f"{work} {mean:g} ms" for work, mean in sorted(takes.items())) or "none"


def _waits(system):
    return ", ".join(sorted({h.service for h in system.handlers() if h.waits and not h.module})) or "nobody"


def _broker(system):
    return ", ".join(f"{b.name}{'' if b.durable else ' (keeps nothing)'}" for b in system.brokers.values()) or "none"


def _down(system):
    return "; ".join(f"{part} is a part of {host}" for part, host in system.modules.items()) or "each by itself"


QUESTIONS = {
    "services": lambda s: ", ".join(sorted(s.services)),
    "workers": lambda s: sum(service.workers for service in s.services.values()),
    "work": _work,
    "a hop takes": lambda s: f"{s.network.mean:g} ms",
    "waits for others": _waits,
    "broker": _broker,
    "goes down": _down,
    "on time within": lambda s: ", ".join(f"{e.kind} {e.objective:g} ms" for e in s.entries.values()),
}


def changes(before, after):
    """Return a frame of what has to be touched to turn one system into another: a row a handler or a subscription.

    `service`, `what` ("operation" or "subscription"), `name`, and `change`: "added", "removed" or "changed". A handler
    has changed when its contract has: its work, what it publishes, calls, or knows of the flow. So the cost of a change
    is counted from the systems themselves, alike in every style.
    """
    import pandas as pd

    old, new = _contracts(before), _contracts(after)
    rows = []
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            change = "added" if key not in old else "removed" if key not in new else "changed"
            rows.append((*key, change))
    return pd.DataFrame(rows, columns=["service", "what", "name", "change"])


def _contracts(system):
    found: dict = {}
    for handler in system.handlers():
        calls = None if handler.calls is None else tuple(c if isinstance(c, str) else c.place for c in handler.calls)
        contract = handler.takes, handler.work, handler.publishes, calls, getattr(handler.function, "score", None)
        if isinstance(handler, Subscription):
            for topic in handler.topics:
                others = frozenset(handler.topics)  # in whatever order it names them
                found[handler.service, "subscription", f"{handler.name} on {topic}"] = contract, others
        else:
            found[handler.service, "operation", handler.name] = contract
    return found
