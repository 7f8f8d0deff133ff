"""Work out the rows of a waterfall: one a message of a request, calls nested under their callers, events in a line.

Nothing is drawn here. Times are in ms since the request was offered.
"""

from math import inf, isnan
from typing import NamedTuple

from rehearsal.draw.timeline import trip
from rehearsal.units import pretty

NESTED = ("call", "work")  # what somebody waits for stands below whoever waits


class Row(NamedTuple):
    """Hold one row: whose it is, what was done, and its moments; nan where something never happened.

    It waited from `sent` to `start`; the bar goes from `start` to `end`. A zombie is at work from `works` to `zombie`,
    after its caller gave up at `end`; else both are `end`. `linked`: it was published or sent, nobody waits for it;
    `busy`: others worked on its behalf.
    """

    service: str
    name: str
    depth: int
    style: str
    sent: float
    start: float
    end: float
    works: float
    zombie: float
    linked: bool
    busy: bool
    bad: bool
    words: str


def rows(run, row, broker=None):
    """Return the rows of a request, the client's first."""
    legs, left, last = trip(run, row, broker)
    legs = [leg for leg in legs if leg.target and leg.outcome != "unsent"]
    asked: dict = {}
    for leg in legs:
        if leg.kind in NESTED:
            asked.setdefault(leg.parent, []).append(leg)
    found: list = []

    def add(leg, depth):
        below = asked.get(leg.id, [])
        found.append(_row(leg, left[leg.id], depth, below, last))
        for call in sorted(below, key=lambda call: (call.sent, call.id)):
            add(call, depth + 1)

    for leg in sorted((leg for leg in legs if leg.kind not in NESTED), key=lambda leg: (leg.sent, leg.id)):
        add(leg, 1 if leg.kind == "request" else 0)
    return [_client(run, row, last), *found], last


def _client(run, row, last):
    table = run.table
    kind, waited = table.kinds[table.kind[row]], table.answered[row] - table.offered[row]
    end = last if isnan(waited) else waited
    words = "still waits" if isnan(waited) else pretty(waited)
    return Row(
        "client", f"{kind} {table.number[row]}", 0, "request", 0.0, 0.0, end, end, end, False, True, False, words
    )


def _row(leg, left, depth, below, last):
    """Return the row of one leg."""
    linked = leg.kind in ("event", "command")
    tried = leg.attempt > 1 or any(leg.answer == bad for bad in ("timeout", "rejected", "failed", "lost"))
    name = f"{leg.name} #{leg.attempt}" if tried else leg.name
    bad = leg.style == "lost"
    gave_up = leg.answered if leg.abandoned and not isnan(leg.answered) else inf
    if bad and not linked and not isnan(leg.answered):
        start = leg.sent  # what the caller had of it: the time it waited in vain
        end = leg.answered
    else:
        start = leg.started if not isnan(leg.started) else left if left < inf else last
        end = max(start, min(left, gave_up))
    dead = gave_up < left and not isnan(leg.started)
    works, zombie = (max(leg.started, gave_up), left) if dead else (end, end)
    sent = leg.sent if leg.attempt == 1 or not linked else leg.received
    words = _words(leg, start, end, zombie - works, last)
    return Row(leg.target, name, depth, leg.style, sent, start, end, works, zombie, linked, bool(below), bad, words)


def _words(leg, start, end, dead, last):
    """Say how long a row waited, where that can be seen, how long it took, and how it ended, where not well."""
    if isnan(leg.started) and leg.style != "lost":
        return "still waits" if not isnan(leg.received) else "on its way"
    said = []
    if leg.style != "lost" and leg.started - leg.received > max(0.01 * last, 1.0):
        said.append(f"waited {pretty(_round(leg.started - leg.received))}")
    told = leg.outcome if leg.answer in ("ok", "none", "open") else leg.answer
    end_words = {"ok": "", "timeout": "gave up after ", "open": "still at work after "}.get(told, f"{told} after ")
    said.append(f"{end_words}{pretty(_round(end - start))}")
    if dead > 0:
        said.append(f"works on for {pretty(_round(dead))}, nobody waits")
    return ", ".join(said)


def _round(time):
    """Return a time with three digits, or two of less than 10 ms: more cannot be read off a bar."""
    return float(f"{time:.3g}" if time >= 10 else f"{time:.2g}")
