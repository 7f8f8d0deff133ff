"""What has to be touched to turn one system into another: the cost of a change, counted alike in every style."""

from rehearsal.comparable import told
from rehearsal.contacts import contacts
from rehearsal.service import Operation, Subscription, queue


def changes(before, after):
    """Return a frame of what has to be touched to turn one system into another: a row a handler or a subscription.

    `service`, `what` ("operation", "subscription", or "entry": where requests come in, and what ends them), `name`, and
    `change`: "added", "removed" or "changed". A handler has changed when its contract has: its work, what it publishes,
    whom it asks, or what it knows of the flow. So the cost of a change is counted from the systems themselves. What is
    not counted: how a step does its own work.
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
        if isinstance(handler, Subscription):
            for topic in handler.topics:
                others = frozenset(handler.topics)  # in whatever order it names them
                name = f"{handler.name} on {queue(topic, handler.group)}"
                found[handler.service, "subscription", name] = _contract(handler), others
        else:
            found[handler.service, "operation", handler.name] = _contract(handler)
    for entry in system.entries.values():
        found[entry.operation.service, "entry", entry.kind] = entry.operation.name, entry.done, entry.failed
    return found


def _contract(handler):
    work = handler.takes, handler.work, handler.undoes, handler.idempotent
    knows = [getattr(function, "score", None) for function in (handler.function, getattr(handler, "when", None))]
    return *work, handler.publishes, asked(handler), told(knows)


def asked(handler):
    """Return the operations that a handler asks, as it says or as its code does: (verb, place or name) of each."""
    said = [("may call", call) for call in handler.calls or ()]
    said += [(verb, target) for verb, target in contacts(handler.function) if verb in ("call", "send", "work")]
    return [(verb, getattr(one, "place", one)) for verb, one in said if isinstance(one, Operation | str)]
