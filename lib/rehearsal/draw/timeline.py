"""Work out what a sequence diagram of one request has to show.

Nothing is drawn here. Times are in ms since the request was offered, so that the same request in two styles
can share one axis. A message through a broker is two spans; where the broker is left out they become one
arrow, from its publisher to whoever got it.
"""

from math import inf, isnan

from rehearsal.draw.scene import Arrow, Bar, Note, Scene, Shade, Span, Wait
from rehearsal.measures import whole
from rehearsal.trace import OUTCOMES
from rehearsal.units import pretty
from rehearsal.verdicts import troubles


def row_of(run, request):
    """Return the row of a request given as its row, or as (kind, number)."""
    table = run.table
    if isinstance(request, tuple):
        kind, number = request
        for row in range(len(table)):
            if table.kinds[table.kind[row]] == kind and table.number[row] == number:
                return row
        raise ValueError(f"no request {kind} {number}; kinds here: {', '.join(table.kinds)}; {len(table)} requests")
    if not 0 <= request < len(table):
        raise ValueError(f"no request {request}: this run has {len(table)}, counted from 0")
    return int(request)


def spans_of(run, row):
    """Return the spans of one request in the order they were sent."""
    trace, start = whole(run), run.table.offered[row]
    columns = (trace.sent, trace.received, trace.started, trace.ended, trace.answered)
    spans = []
    for i, request in enumerate(trace.request):
        if request == row:
            times = (column[i] - start for column in columns)
            told = OUTCOMES[trace.outcome[i]], OUTCOMES[trace.answer[i]]
            row_of_span = (i, trace.parent[i], *trace.edges[trace.edge[i]][:5], trace.attempt[i], *times, *told)
            spans.append(Span._make(row_of_span))
    return spans


def trip(run, row, broker=None):
    """Return the legs of a request, when the work of each was over [ms], and the last moment that matters [ms].

    With the broker left out (`broker=False`), a message through it is one leg; None leaves it out unless it was struck.
    """
    spans = spans_of(run, row)
    start = run.table.offered[row]
    brokers = {node for s in spans for node in (s.source, s.target)} - {"client", *run.system.services}
    ends = [t for s in spans for t in (s.sent, s.received, s.started, s.ended, s.answered) if not isnan(t)]
    ends += [t[row] - start for t in (run.table.settled, run.table.answered) if not isnan(t[row])]
    last = max(ends, default=0.0)
    if run.fates()[row] == "open":
        last = max(last, run.ended - start)
    if broker is None:
        broker = any(brokers & {*t.struck} and t.at - start < last and t.until > start for t in troubles(run))
    legs = spans if broker else _merged(spans, brokers)
    return legs, {s.id: _left(run, s, start, last) for s in spans}, last


def scene(run, row, broker=None):
    """Return the scene of one request; the broker has a lifeline of its own where asked, or where it was down."""
    legs, left, last = trip(run, row, broker)
    start = run.table.offered[row]
    services = _services(legs, run.system.services)
    shades = [s for s in _shades(run, start, last) if s.service in services]
    kind = run.table.kinds[run.table.kind[row]]
    entry = run.system.entries[kind]
    closing = dict.fromkeys((entry.done, entry.failed), f"ends the {kind}")
    parts = _arrows(legs, closing) + _replies(legs, left), _bars(legs, left), _waits(legs, left), _notes(legs, left)
    ends = (t[row] - start for t in (run.table.settled, run.table.answered))
    return Scene(kind, run.table.number[row], run.fates()[row], services, *parts, shades, last, *ends)


def _merged(spans, brokers):
    """Return the spans without the broker: each delivery leaves where and when its message was published."""
    by_id = {s.id: s for s in spans}
    delivered = {s.parent for s in spans if s.source in brokers}
    legs = []
    for s in spans:
        if s.source in brokers:
            first = by_id.get(s.parent)
            legs.append(s._replace(source=first.source, sent=first.sent) if first else s)
        elif s.target not in brokers or s.id not in delivered:
            legs.append(s._replace(target="") if s.target in brokers else s)
    return legs


def _services(legs, declared):
    """Return the nodes that took part, in the order in which they did, client first."""
    met = [node for s in sorted(legs, key=lambda s: (s.sent, s.id)) for node in (s.source, s.target) if node]
    return list(dict.fromkeys(["client", *met])) if met else ["client", *declared]


def _left(run, span, start, last):
    """Return when the work of a span was over, or a crash took it; the end of the picture where it goes on."""
    if not isnan(span.ended):
        return span.ended
    crashes = [outage.at - start for outage in run.outages if outage.service == span.target]
    if span.outcome == "lost":
        return min((at for at in crashes if at >= span.received), default=last)
    return last


def _again(span):
    return span.kind in ("event", "command") and span.attempt > 1


def _arrows(legs, ends):
    tried = {(s.parent, s.kind, s.target, s.name) for s in legs if s.attempt > 1}
    arrows = []
    for s in legs:
        # Its sender does nothing: the broker delivers it again, it stays where it is, or it is work in process.
        if _again(s) or s.outcome == "unsent" or s.kind == "work":
            continue
        many = (s.parent, s.kind, s.target, s.name) in tried and s.kind not in ("event", "command")
        label = f"{s.name} #{s.attempt}" if many else s.name
        if not s.target:
            label = f"{s.name}\n({ends.get(s.name, 'nobody hears')})"
        arrives = s.sent if isnan(s.received) else s.received
        arrows.append(Arrow(s.source, s.target or None, s.sent, arrives, s.style, label, s.refused_entry))
    return arrows


def _replies(legs, left):
    replies = []
    for s in legs:
        if s.kind in ("request", "call") and not isnan(s.answered) and not s.abandoned:
            leaves = min(s.received if s.outcome == "rejected" else left[s.id], s.answered)
            label = "" if s.answer in ("ok", "rejected") else s.answer  # its message ends in ✗ already
            replies.append(
                Arrow(s.target, s.source, s.answered if isnan(leaves) else leaves, s.answered, "reply", label)
            )
    return replies


def _bars(legs, left):
    """Return the bars; where the caller gave up in the middle, the rest is a bar of its own, pale."""
    bars = []
    busy: dict = {}
    for s in sorted((s for s in legs if s.target and not isnan(s.started)), key=lambda s: (s.started, s.id)):
        end, gave_up = left[s.id], s.answered if s.abandoned else inf
        lanes = busy.setdefault(s.target, [])
        lane = next((i for i, until in enumerate(lanes) if until <= s.started), len(lanes))
        lanes[lane : lane + 1] = [end]
        if s.started < gave_up:
            name = s.name if s.kind == "work" else ""
            bars.append(Bar(s.target, s.started, min(end, gave_up), False, lane, name))
        if end > gave_up:
            bars.append(Bar(s.target, max(s.started, gave_up), end, True, lane))
    return bars


def _waits(legs, left):
    waits = []
    for s in legs:
        if isnan(s.received) or s.outcome == "rejected" or not s.target:
            continue
        until = left[s.id] if isnan(s.started) else s.started
        words = "waits on topic" if s.kind == "event" else "waits in queue"
        words, taken = f"waits again, #{s.attempt}" if _again(s) else words, not isnan(s.started)
        if s.abandoned and s.received <= s.answered < until:  # a zombie already while it waits
            waits.append(Wait(s.target, s.source, s.received, s.answered, words, s.style, False))
            waits.append(Wait(s.target, s.source, s.answered, until, "nobody waits for it", "reply", taken))
        elif until > s.received:
            waits.append(Wait(s.target, s.source, s.received, until, words, s.style, taken))
    return waits


def _notes(legs, left):
    notes = []
    for s in legs:
        if s.kind == "work":
            notes.append(Note(s.target, (s.started + left[s.id]) / 2, s.name))
        if s.answer == "timeout":
            notes.append(Note(s.source, s.answered, f"timeout {pretty(s.answered - s.sent)}", not s.refused_entry))
        if s.abandoned and not isnan(s.started) and left[s.id] > s.answered:
            notes.append(Note(s.target, (max(s.started, s.answered) + left[s.id]) / 2, "nobody waits"))
        if s.outcome == "unsent":
            notes.append(Note(s.source, s.sent, f"{s.name} not sent", True))
        if s.outcome == "cancelled" and not isnan(s.received):
            notes.append(Note(s.target, left[s.id], "cancelled"))
        if s.outcome in ("failed", "lost") and not isnan(s.received):
            notes.append(Note(s.target, left[s.id], "", True))
    return notes


def _shades(run, start, last):
    shades = []
    for t in troubles(run):
        begin, end = max(t.at - start, 0.0), min(t.until - start, last)
        if begin < end:
            who = " – ".join(t.struck)
            text = t.label.removeprefix(who).strip() if t.label.startswith(who) else "cut off"  # by a partition
            shades += [Shade(service, begin, end, text, t.down) for service in t.struck]
    return shades
