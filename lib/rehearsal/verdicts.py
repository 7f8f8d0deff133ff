"""Judge each message and each request: was it good, and if not, at what moment did it turn bad?

A message is *good* when its work ended well (a business no is well, unless something had to be undone for it), its
sender was told nothing else, and it was over within the objective of its request, counted from its sending. A call is
not good where its answer gets lost. An event or a command counts from its publication, and however often the broker
delivers it, it is one message. It turns bad when somebody is told so, or its objective has passed, whichever is first;
with a lost answer, when that is lost. What is not over when the run ends, and not late yet, is not judged, nor is what
its sender took back; what a caller's own breaker kept back was never sent. A request is good when it was on time, or
refused in time.
"""

from math import inf, isnan
from typing import NamedTuple

from rehearsal.faults import Breakdowns, Crash, CrashAt
from rehearsal.measures import whole
from rehearsal.network import Duplicate
from rehearsal.trace import CANCELLED, LOST, NONE, OK, OPEN, REFUSED, UNSENT

CALLS = ("request", "call")  # what somebody waits for


class Trouble(NamedTuple):
    """Hold what really was wrong, from `at` until `until` [ms]: a service that was down, or any other fault."""

    struck: tuple
    at: float
    until: float
    label: str
    down: bool


class Verdict(NamedTuple):
    """Hold when a message was sent, when it turned bad [ms] (inf: it is good), and if it was only late, not lost."""

    sent: float
    turned: float
    late: bool


def troubles(run):
    """Return what was wrong when, in order: the outages that really happened, and all other faults as planned.

    A service of which one replica is down is not down: others do its work.
    """
    found = [Trouble((o.service,), o.at, o.until, f"{o.service} down", True) for o in run.outages]
    found += [Trouble((o.service,), o.at, o.until, f"{o.service} #{o.replica} down", False) for o in run.degraded]
    others = (fault for fault in run.faults if not isinstance(fault, Crash | CrashAt | Breakdowns))
    found += [Trouble(fault.struck, fault.at, fault.until, fault.label, False) for fault in others]
    return sorted((t for t in found if t.at < run.ended), key=lambda t: t.at)


def windows(run, fault):
    """Return [(from, until)] [ms] in which a fault really struck; as planned where that was no outage, or none came.

    When the moment of a crash is drawn, or waits for a message, only the run knows it; and a standby ends it early.
    """
    if not isinstance(fault, Crash | CrashAt | Breakdowns):
        return [(fault.at, fault.until)]
    node = run.system.modules.get(fault.service, fault.service)
    planned = {f.at for f in run.faults if isinstance(f, Crash)}
    there = [o for o in (*run.outages, *run.degraded) if o.service == node and fault.replica in (None, o.replica)]
    mine = {fault.at} if isinstance(fault, Crash) else {o.at for o in there if o.at >= fault.at} - planned
    return [(o.at, o.until) for o in there if o.at in mine] or [(fault.at, fault.until)]


def verdicts(run):
    """Return {name: [Verdict]} for the client (its requests), then every service and every broker."""
    found: dict = {name: [] for name in ("client", *run.system.services, *run.system.brokers)}
    found["client"] = [v for _, v in requests(run)]
    for name, _, verdict in messages(run):
        found[name].append(verdict)
    return found


def messages(run):
    """Yield (target, rows, Verdict) for each message that can be judged."""
    judge = _judge(run)
    for name, rows in _messages(run):
        verdict = judge(name, rows)
        if verdict:
            yield name, rows, verdict


def requests(run):
    """Yield (row, Verdict) for each request that can be judged, in the order they were offered."""
    table = run.table
    goals = [run.objective(kind) for kind in table.kinds]
    for row, fate in enumerate(run.fates()):
        offered, settled = table.offered[row], table.settled[row]
        due = offered + goals[table.kind[row]]
        if fate in ("on time", "late", "refused"):
            yield row, _in_time(offered, settled, due)
        elif fate != "open":
            yield row, Verdict(offered, min(due, run.ended if isnan(settled) else settled), False)
        elif due < run.ended:
            yield row, Verdict(offered, due, True)


def _in_time(sent, over, due):
    return Verdict(sent, inf, False) if over <= due else Verdict(sent, due, True)


def _messages(run):
    """Yield (target, rows) of each message: a delivery with all its repetitions, anything else alone."""
    trace, brokers = whole(run), run.system.brokers
    delivered: dict = {}
    for row in range(len(trace)):
        edge = trace.edge[row]
        if trace.edges[edge].source in brokers:
            delivered.setdefault((trace.parent[row], edge), []).append(row)
        elif trace.outcome[row] != UNSENT:
            yield trace.edges[edge].target, [row]
    for (_, edge), rows in delivered.items():
        yield trace.edges[edge].target, rows


def _judge(run):
    """Return a function that judges the rows of one message; None where it is too early to tell."""
    trace, goals = run.trace, [run.objective(kind) for kind in run.table.kinds]
    undid, brokers, unheard = _undid(trace), run.system.brokers, _unheard(run)

    def judge(target, rows):
        row, last = rows[0], rows[-1]
        delivered = trace.edges[trace.edge[row]].source in brokers
        sent = trace.sent[trace.parent[row]] if delivered and trace.parent[row] >= 0 else trace.sent[row]
        due = sent + goals[run.table.kind[trace.request[row]]]
        ends = [_over(trace, r) for r in rows if _well(trace, undid, r) and r not in unheard]
        if ends:
            return _in_time(sent, min(ends), due)
        told = trace.answer[last] not in (NONE, OPEN)
        if trace.outcome[last] == CANCELLED and not told:
            return None
        if trace.outcome[last] == OPEN and not told:
            return Verdict(sent, due, True) if due < run.ended else None
        return Verdict(sent, min(due, _failed(run, target, last)), False)

    return judge


def _unheard(run):
    """Return the calls that nobody will ever answer: their answers, or they themselves, got lost."""
    trace, second = run.trace, copies(run)
    calls = {n for n, edge in enumerate(trace.edges) if edge.kind in CALLS}
    rows = (row for row, answer in enumerate(trace.answer) if answer == NONE and isnan(trace.answered[row]))
    return {row for row in rows if trace.edge[row] in calls} - second


def copies(run):
    """Return the calls that a bad link made of others: nobody waits for their answers."""
    trace, first, found = run.trace, set(), set()
    if any(isinstance(fault, Duplicate) for fault in run.faults):
        columns = trace.request, trace.parent, trace.edge, trace.attempt, trace.sent
        for row, key in enumerate(zip(*columns, strict=True)):
            if key in first and trace.answer[row] == NONE and trace.edges[trace.edge[row]].kind in CALLS:
                found.add(row)
            first.add(key)
    return found


def _undid(trace):
    """Return for each message whether something was undone on its behalf."""
    undid = bytearray(len(trace))
    for row in range(len(trace) - 1, -1, -1):
        parent = trace.parent[row]
        if parent >= 0 and (undid[row] or trace.edges[trace.edge[row]].undo):
            undid[parent] = 1
    return undid


def _well(trace, undid, row):
    outcome, answer = trace.outcome[row], trace.answer[row]
    ended_well = outcome == OK or (outcome == REFUSED and not undid[row])
    return ended_well and answer in (OK, REFUSED, NONE, OPEN)


def _over(trace, row):
    """Return when whoever waits knew, or where nobody does, when the work was over."""
    return trace.ended[row] if isnan(trace.answered[row]) else trace.answered[row]


def _failed(run, target, row):
    """Return when it was known, or happened, that a message went wrong; what a crash took went with that crash."""
    trace = run.trace
    if not isnan(_over(trace, row)):
        return _over(trace, row)
    met = [t[row] for t in (trace.sent, trace.received, trace.started) if not isnan(t[row])]
    if trace.outcome[row] == LOST:
        return next((t.at for t in troubles(run) if t.down and target in t.struck and t.at >= met[-1]), met[-1])
    return met[-1]
