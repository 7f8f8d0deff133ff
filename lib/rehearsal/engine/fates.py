"""What became of each request: exactly one fate, at any moment the run is cut."""

from rehearsal.trace import FAILED, LOST, OK, OPEN, REFUSED, REJECTED

FATES = ("on time", "late", "refused", "rejected", "failed", "compensated", "parked", "stuck", "open")
ENDS = {REFUSED: "refused", REJECTED: "rejected", FAILED: "failed", LOST: "failed"}


def fates(table, trace, objectives, drained, stranded, parked=frozenset()):
    """Return the fate of every request, in order.

    A request without an end is *open* while something of it is under way at the cut, and *stuck* where nothing is,
    where nothing at all could happen any more, or where all it has is `stranded`: rows that wait for a node which is
    down for ever. What is `parked` waits for a person, who finds it among the dead letters or was told of it.
    """
    moving = set() if drained else _under_way(trace, stranded)
    told = (_fate(table, row, objectives[table.kind[row]], row in moving) for row in range(len(table)))
    return ["parked" if row in parked else fate for row, fate in enumerate(told)]


def _under_way(trace, stranded):
    # Every message that is not over keeps its request moving: on its way, waiting, in work, to be delivered again, or
    # its answer on its way.
    over = zip(trace.outcome, trace.answer, strict=True)
    rows = (row for row, (outcome, answer) in enumerate(over) if outcome == OPEN or answer == OPEN)
    return {trace.request[row] for row in rows if row not in stranded}


def _fate(table, row, objective, moving):
    end = table.end[row]
    if end == OPEN:
        return "open" if moving else "stuck"
    if end == OK:
        return "on time" if table.settled[row] - table.offered[row] <= objective else "late"
    return "compensated" if table.undone[row] else ENDS[end]
