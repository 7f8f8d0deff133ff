"""The moments at which something can go wrong, read off a calm run: one fault each, so that they can be counted.

A fault strikes one message, one piece of work, one wait or one node at one moment of the calm run. Up to there the run
with the fault is the calm run, so none of them misses: each stands for one way in which this very system can be struck.
"""

from contextlib import redirect_stderr
from dataclasses import MISSING, fields, replace
from io import StringIO
from itertools import pairwise
from math import isnan

from rehearsal.draws import Constant
from rehearsal.engine import run
from rehearsal.faults import Crash, CrashAt, Errors, LoadSpike, Mute
from rehearsal.network import Delay, Drop, Duplicate
from rehearsal.service import CLIENT
from rehearsal.units import duration, minute, ms, sec

KINDS = (CrashAt, Crash, Errors, Mute, Drop, Duplicate, Delay)
PLAIN = ("service", "operation", "moment", "link", "groups", "by", "factor", "rate")  # what goes without saying
INSTANT = 0.001  # how long a fault lasts that strikes what happens at one moment [ms]
DOWN, LATE = (50 * ms, 1 * sec), (50 * ms, 1 * minute)  # shorter than usual time-outs and longer: what a search tries


def catalogue(calm, *, kinds=KINDS, down=1 * sec, late=1 * minute, client=False):
    """Return every single fault that could have struck a calm run, in the order of its moments, as a tuple.

    For each message that a service handles: a crash before, during and after (`CrashAt`), an error, and a service that
    is mute from then on, where it has something to say; in the middle of each wait of a handler (a call, a pause, work
    in process), and when a broker has a message in hand, a `Crash`, also of each replica where there are several; for
    each message on its way, there and back: lost, twice, late by `late` [ms]. A node that is struck is down (or mute)
    for `down` [ms]. Of both there may be several, and then each fault comes with each, the shortest first. `kinds` says
    which of these. With `client` what is said to the client, and by it, is struck too, though nobody asks again on its
    behalf.
    """
    wanted, down, late = _kinds(kinds), _times(down, "down"), _times(late, "late")
    found: dict = {}
    for at, fault in _moments(calm, client):
        if isinstance(fault, wanted):
            found.setdefault(fault, (at, KINDS.index(type(fault)), len(found)))
    return tuple(each for fault in sorted(found, key=found.__getitem__) for each in _lasting(fault, down, late))


def _kinds(kinds):
    wanted = (kinds,) if isinstance(kinds, type | str) else tuple(kinds)
    for kind in wanted:
        if kind not in KINDS:
            there = ", ".join(each.__name__ for each in KINDS)
            raise ValueError(f"kinds of a catalogue are classes out of {there}, not {getattr(kind, '__name__', kind)}")
    return wanted


def _times(value, what):
    several = value if isinstance(value, list | tuple) else (value,)
    return sorted({duration(time, f"{what} of a catalogue", positive=True, ever=True) for time in several})


def _lasting(fault, down, late):
    """Return a fault of the catalogue as long as it may last, or as late."""
    if isinstance(fault, Delay):
        return [replace(fault, by=time) for time in late]
    return [fault] if fault.lasting == INSTANT else [replace(fault, lasting=time) for time in down]


def _moments(calm, client):
    """Yield what could have struck a calm run, and when: (moment, fault); how long is not said yet."""
    trace, system, steps = calm.trace, calm.system, _steps(calm)
    brokers, nth = system.brokers, _numbers(calm, steps)
    says = {trace.parent[row] for row in range(len(trace))}
    for row in range(len(trace)):
        edge = trace.edges[trace.edge[row]]
        if client or edge.source != CLIENT:
            yield from _on_the_way(trace, row, edge)
        if edge.target in brokers:
            times = dict.fromkeys(t for t in (trace.received[row], trace.ended[row]) if not isnan(t))
            yield from (crash for at in times for crash in _crashes(brokers[edge.target], at))
        elif edge.target in system.services:
            mine = steps.get(row, ())
            tells = client if edge.source == CLIENT else edge.kind == "call" or row in says
            yield from _at_work(system, trace, row, mine, nth.get(row, {}), tells)
            for start, end in pairwise(mine):  # a wait, or a part of one
                yield from _crashes(system.services[edge.target], (start + end) / 2)


def _crashes(node, at):
    """Yield the crashes of a node at a moment: of all of it, and of each of several replicas."""
    yield at, Crash(node.name, at, 1.0)
    for replica in range(1, node.replicas + 1) if node.replicas > 1 else ():
        yield at, Crash(node.name, at, 1.0, replica=replica)


def _steps(calm):
    """Return {message: the moments at which its handler took a step, or heard of one of several calls}.

    It takes the same run once more, and somebody who watches.
    """
    found: dict = {}

    def step(moment):
        found.setdefault(moment.span, set()).add(moment.now)

    step.each_step = True  # type: ignore[attr-defined]
    faults = [fault for fault in calm.faults if not isinstance(fault, LoadSpike)]  # its requests are among the loads
    with redirect_stderr(StringIO()):  # what a handler raises was shown the first time
        run(calm.system, calm.loads, seed=calm.seed, until=calm.until, faults=faults, watch=step)
    trace, last = calm.trace, {row: max(moments) for row, moments in found.items()}
    for row in range(len(trace)):
        caller, at = trace.parent[row], trace.answered[row]
        if trace.edges[trace.edge[row]].kind == "call" and at <= last.get(caller, 0.0):
            found[caller].add(at)
    return {row: sorted(moments) for row, moments in found.items()}


def _numbers(calm, steps):
    """Return {message: {moment of a crash: (when, the how manieth for its handler)}}.

    What comes in is counted as it comes, work as it is done; a message that only waits for others is no work yet.
    """
    trace = calm.trace
    found: dict = {}
    seen: dict = {}
    moments = [(trace.received[row], "before", row) for row in range(len(trace))]
    moments += [(times[0], word, row) for row, times in steps.items() for word in ("during", "after")]
    for at, word, row in sorted(one for one in moments if not isnan(one[0])):
        edge = trace.edges[trace.edge[row]]
        if edge.target in calm.system.services and (word != "before" or edge.kind != "work"):
            key = word, edge.target, calm.system.reached(edge).name
            seen[key] = seen.get(key, 0) + 1
            when = {"before": at, "during": trace.started[row], "after": trace.ended[row]}[word]
            found.setdefault(row, {})[word] = when, seen[key]
    return found


def _on_the_way(trace, row, edge):
    """Yield what can happen to a message, and to the answer to it: (moment, fault)."""
    if edge.source == edge.target:
        return
    link, moments = (edge.source, edge.target), [(trace.sent[row], "there")]
    if edge.kind in ("request", "call") and not isnan(trace.ended[row]):
        moments.append((trace.ended[row], "back"))
    for at, ways in moments:
        where = {"at": at, "lasting": INSTANT, "ways": ways}
        yield from ((at, Drop(link, **where)), (at, Delay(link, Constant(1.0), **where)))
        if ways == "there":
            yield at, Duplicate(link, **where)


def _at_work(system, trace, row, steps, nth, tells):
    """Yield what can happen to a service with a message: (moment, fault)."""
    edge, ended = trace.edges[trace.edge[row]], trace.ended[row]
    handler = system.reached(edge)
    for moment, (when, count) in nth.items():
        if not isnan(when):
            yield when, CrashAt(edge.target, handler.name, moment, count, 1.0)
    if steps:  # an error comes before a handler asks others
        yield steps[0], Errors(handler.module or edge.target, 1.0, steps[0], INSTANT)
    if steps and tells and not isnan(ended):
        yield ended, Mute(edge.target, ended, 1.0)


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
