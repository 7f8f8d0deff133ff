"""Who waits, since when, and for what: a request that nobody will ever end is found by its age.

Where nobody conducts, nobody notices that an event never came: no error, no time-out, no line in a log. What is left is
to look at those who are older than any request should be, and at the last thing that happened to them.
"""

from math import isnan

from rehearsal.trace import LOST, OPEN, Totals

WAITS = ("open", "stuck", "parked")
COLUMNS = ("kind", "fate", "age", "quiet", "waits for")


def waiting(run, longer=0.0):
    """Return a frame with a row a request that has no end yet and is at least so old, the oldest first.

    `longer` is the age from which on it is looked at [ms]. A row says its `kind` and `fate` (open, stuck, parked), its
    `age` at the end of the run [ms], for how long nothing has happened to it (`quiet`, [ms]), and what it `waits for`:
    a person, an answer, a message on its way or lost, or an event that its last handler could have published, and did
    not.
    """
    import pandas as pd

    if isinstance(run.trace, Totals):
        raise ValueError("this run kept its totals only: run it with keep='trace' to see who waits for what")
    late = {
        row: fate
        for row, fate in enumerate(run.fates())
        if fate in WAITS and run.ended - run.table.offered[row] >= longer
    }
    mine: dict = {row: [] for row in late}
    for span, request in enumerate(run.trace.request):
        if request in mine:
            mine[request].append(span)
    found = {row: _line(run, row, fate, mine[row]) for row, fate in late.items()}
    rows = sorted(found, key=lambda row: (-found[row][2], row))
    index = pd.Index(rows, name="request", dtype=int)
    return pd.DataFrame([found[row] for row in rows], columns=list(COLUMNS), index=index)


def _line(run, row, fate, spans):
    trace, kind = run.trace, run.table.kinds[run.table.kind[row]]
    columns = (trace.sent, trace.received, trace.started, trace.ended, trace.answered)
    moments = [column[span] for span in spans for column in columns if not isnan(column[span])]
    last = max([run.table.offered[row], *moments])
    return kind, fate, run.ended - run.table.offered[row], run.ended - last, _what(run, row, kind, fate, spans)


def _what(run, row, kind, fate, spans):
    """Return what a request waits for: of all that could be said, the nearest."""
    if fate == "parked":
        why = next((one.why for one in run.parked if one.request == row), "a dead letter")
        return f"a person: {why}"
    found = _under_way(run.trace, spans) or _gone(run.trace, spans) or _unsaid(run, spans)
    entry = run.system.entries[kind]
    return found or " or ".join(topic for topic in (entry.done, entry.failed) if topic) or "an end"


def _under_way(trace, spans):
    """Return the last message that is not over, or not answered to one who still waits: nobody waits inside of it."""
    moving: dict = {}
    for span in spans:
        called = trace.edges[trace.edge[span]].kind == "call" and trace.parent[span] in moving
        if OPEN in (trace.outcome[span], trace.answer[span]) or (called and isnan(trace.answered[span])):
            moving[span] = True
    last = max(moving, default=None)  # what it waits for itself would have been sent later
    if last is None:
        return None
    edge = trace.edges[trace.edge[last]]
    if trace.outcome[last] == LOST:
        return f"{edge.name}, lost between {edge.source} and {edge.target}"
    if trace.outcome[last] != OPEN:
        return f"the answer of {edge.target} to {edge.name}"
    return f"{edge.target} to {'take' if isnan(trace.started[last]) else 'be done with'} {edge.name}"


def _gone(trace, spans):
    """Return the last event or command that was lost, and never made again."""
    latest = {(trace.parent[span], trace.edge[span]): span for span in spans}
    for span in reversed(spans):
        edge = trace.edges[trace.edge[span]]
        lost = trace.outcome[span] == LOST and latest[trace.parent[span], trace.edge[span]] == span
        if lost and edge.kind in ("event", "command"):
            return f"{edge.name}, lost between {edge.source} and {edge.target}"
    return None


def _unsaid(run, spans):
    """Return the events that the last handler could have published which said nothing."""
    trace, spoke = run.trace, {run.trace.parent[span] for span in spans}
    for span in reversed(spans):
        edge = trace.edges[trace.edge[span]]
        handler = run.system.reached(edge)
        if span not in spoke and handler is not None and handler.publishes:
            return f"{' or '.join(handler.publishes)} of {edge.target}"
    return None
