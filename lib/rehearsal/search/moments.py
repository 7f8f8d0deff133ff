"""The moments at which something can go wrong, read off a calm run: one fault each, so that they can be counted.

A fault strikes one message, one piece of work, or one node at one moment of the calm run. Up to there the run with the
fault is the calm run, so none of them misses: each stands for one way in which this very system can be struck.
"""

from dataclasses import MISSING, fields
from math import isnan

from rehearsal.draws import Constant
from rehearsal.faults import Crash, CrashAt, Errors, Mute
from rehearsal.network import Delay, Drop, Duplicate
from rehearsal.service import CLIENT
from rehearsal.units import minute, sec

KINDS = (CrashAt, Crash, Errors, Mute, Drop, Duplicate, Delay)
PLAIN = ("service", "operation", "moment", "link", "groups", "by", "factor", "rate")  # what goes without saying
INSTANT = 0.001  # how long a fault lasts that strikes what happens at one moment [ms]


def catalogue(calm, *, kinds=KINDS, down=1 * sec, late=1 * minute, client=False):
    """Return every single fault that could have struck a calm run, in the order of its moments, as a tuple.

    For each message that a service handles: a crash before, during and after (`CrashAt`), an error, and a service that
    is mute from then on, where it has something to say; while a handler waits for a call, and when a broker has a
    message in hand, a `Crash`; for each message on its way, there and back: lost, twice, late by `late` [ms]. A node
    that is struck is down (or mute) for `down` [ms]. `kinds` says which of these. With `client` what is said to the
    client, and by it, is struck too, though nobody asks again on its behalf.
    """
    trace, system = calm.trace, calm.system
    brokers = system.brokers
    seen: dict = {}  # how many messages each handler has had
    found: dict = {}
    says: dict = {}  # when the handler of each message first said something
    for row in range(len(trace)):
        says.setdefault(trace.parent[row], trace.sent[row])
    for row in range(len(trace)):
        edge = trace.edges[trace.edge[row]]
        mine = []
        if client or edge.source != CLIENT:
            mine += _on_the_way(trace, row, edge, late)
        if edge.target in brokers:
            times = dict.fromkeys(t for t in (trace.received[row], trace.ended[row]) if not isnan(t))
            mine += [(at, Crash(edge.target, at, down)) for at in times]
        elif edge.target in system.services:
            mine += _at_work(system, trace, row, edge, down, seen, says.get(row), client)
        if edge.kind == "call" and edge.source in system.services and not isnan(trace.answered[row]):
            middle = (trace.sent[row] + trace.answered[row]) / 2
            mine.append((middle, Crash(edge.source, middle, down)))
        for at, fault in mine:
            if isinstance(fault, tuple(kinds)) and fault not in found:
                found[fault] = at, KINDS.index(type(fault)), len(found)
    return tuple(sorted(found, key=found.__getitem__))


def _on_the_way(trace, row, edge, late):
    """Return what can happen to a message, and to the answer to it: (moment, fault)."""
    if edge.source == edge.target:
        return []
    link, moments = (edge.source, edge.target), [(trace.sent[row], "there")]
    if edge.kind in ("request", "call") and not isnan(trace.ended[row]):
        moments.append((trace.ended[row], "back"))
    found = []
    for at, ways in moments:
        where = {"at": at, "lasting": INSTANT, "ways": ways}
        found += [(at, Drop(link, **where)), (at, Delay(link, late, **where))]
        if ways == "there":
            found.append((at, Duplicate(link, **where)))
    return found


def _at_work(system, trace, row, edge, down, seen, said, client):
    """Return what can happen to a service with a message: (moment, fault)."""
    service = system.services[edge.target]
    heard = service.subscriptions.get(edge.name) if edge.kind == "event" else None
    name = edge.name if heard is None else heard.name
    count = seen[edge.target, name] = seen.get((edge.target, name), 0) + 1
    at = {"before": trace.received[row], "during": trace.started[row], "after": trace.ended[row]}
    found: list = [
        (when, CrashAt(edge.target, name, moment, count=count, lasting=down))
        for moment, when in at.items()
        if not isnan(when)
    ]
    ended = trace.ended[row]
    if isnan(ended):
        return found
    waits = (service.operations.get(name) if heard is None else heard).waits  # an error comes before it asks others
    wrong = ended if not waits else said if said is not None else trace.started[row]
    found.append((wrong, Errors(edge.target, 1.0, wrong, INSTANT)))
    if edge.kind == "call" or (client if edge.source == CLIENT else said is not None):
        found.append((ended, Mute(edge.target, ended, down)))
    return found


def paste(faults):
    """Return faults as the text that makes them, to be pasted; what is as usual is left out.

    >>> paste([CrashAt("payment", "charge", lasting=1 * sec), Delay(("orders", "payment"), 500.0, ways="back")])
    "[CrashAt('payment', 'charge', lasting=1000.0), Delay(('orders', 'payment'), 500.0, ways='back')]"
    """
    return f"[{', '.join(map(_text, faults))}]"


def _text(fault):
    words: list = []
    for each in fields(fault):
        value = getattr(fault, each.name)
        if each.init and (each.default is MISSING or value != each.default):
            value = value.value if isinstance(value, Constant) else value
            words.append(repr(value) if each.name in PLAIN else f"{each.name}={value!r}")
    return f"{type(fault).__name__}({', '.join(words)})"
