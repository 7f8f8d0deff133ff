"""Recovery: how much work is done in time, when it is again after a fault, and how long the slowest took.

On time counts by the time an order was *placed*. Completions per second flatter a backlog: while it drains, more is
completed than is offered, and every one of them is late.
"""

from itertools import pairwise
from math import inf, isnan
from typing import NamedTuple

from rehearsal.faults import Fault
from rehearsal.health import HEALTHY, count_bins, ill
from rehearsal.measures import Steps, percentile, whole
from rehearsal.trace import UNSENT
from rehearsal.units import duration, sec
from rehearsal.verdicts import requests, troubles, windows

HOLD = 10 * sec  # so long requests have to be on time before they are so again
DONE = ("on time", "late", "refused")


class Rates(NamedTuple):
    """Hold rates [1/s] by bins of time: `edges` [ms] is one longer than `rates`."""

    edges: list
    rates: list

    @property
    def middles(self):
        """Return the middle of each bin [ms]."""
        return [(a + b) / 2 for a, b in pairwise(self.edges)]


class Goodput(NamedTuple):
    """Hold what was offered and on time, by placement; completed late and called again, by the clock; and open when."""

    offered: Rates
    on_time: Rates
    late: Rates
    retries: Rates
    open: Steps


def goodput(run, every=5 * sec):
    """Return the rates of a run in bins of `every` [ms] and how many requests were open; see Goodput."""
    duration(every, "every", positive=True)
    table, trace, fates = run.table, whole(run), run.fates()
    offered, settled = list(table.offered), list(table.settled)
    asked = _edges(offered[-1] if offered else 0.0, every)
    clock = _edges(run.ended, every)
    calls = [edge.kind == "call" for edge in trace.edges]
    sent = zip(trace.sent, trace.edge, trace.attempt, trace.outcome, strict=True)
    again = (time for time, edge, attempt, end in sent if attempt > 1 and calls[edge] and end != UNSENT)
    return Goodput(
        _rates(offered, asked),
        _rates((o for o, fate in zip(offered, fates, strict=True) if fate == "on time"), asked),
        _rates((s for s, fate in zip(settled, fates, strict=True) if fate == "late"), clock),
        _rates(again, clock),
        _open(offered, settled),
    )


def _edges(end, every):
    count = count_bins(end, every)
    return [*(i * every for i in range(count)), max(end, count * every if count == 1 else 0.0)]


def _rates(moments, edges):
    counts = [0] * (len(edges) - 1)
    for moment in moments:
        counts[min(int(moment / edges[1]) if len(counts) > 1 else 0, len(counts) - 1)] += 1
    widths = [(b - a) / sec for a, b in pairwise(edges)]
    return Rates(edges, [count / width for count, width in zip(counts, widths, strict=True)])


def _open(offered, settled):
    change = {0.0: 0}
    for moments, by in ((offered, 1), (settled, -1)):
        for moment in moments:
            if not isnan(moment):
                change[moment] = change.get(moment, 0) + by
    times, counts, now = sorted(change), [], 0
    for moment in times:
        now += change[moment]
        counts.append(now)
    return Steps(times, counts)


def recovered(run, fault, hold=HOLD):
    """Return when requests were on time again after the end of a fault, by placement [ms]; inf if they never were.

    That is the first request placed since then which was good, and with it at least 99 % of those placed in the next
    `hold` [ms]: one lucky order is no recovery, and one unlucky one does not undo it. It is the end of the fault itself
    where the first request after it starts such a stretch. Where the load ends sooner, a quarter of `hold` will do, or
    as long as it took to come, but no less: the last ones asked of a storm may well be on time. A later relapse counts
    as a trouble of its own. The end of an outage is the one that the run had, of breakdowns that of the last.
    """
    over = _over(run, fault)
    placed = [(v.sent, v.turned == inf) for _, v in requests(run) if v.sent >= over]
    last, good = 0, 0  # good: how many of placed[first:last]
    for first, (start, well) in enumerate(placed):
        while last < len(placed) and placed[last][0] < start + hold:
            good += placed[last][1]
            last += 1
        seen = min(hold / 4, start - over) <= placed[-1][0] - start  # else the load ends too soon to tell
        if well and seen and good >= HEALTHY * (last - first):
            return start if first else over
        good -= well
    return inf


def _over(run, fault):
    """Return when a fault, or a trouble, really was over [ms]."""
    if not hasattr(fault, "until"):
        there = ", ".join(map(str, run.faults)) or "none"
        raise TypeError(f"recovered needs a fault such as Crash('payment', at=90 * sec), not {fault!r}; here: {there}")
    return max(until for _, until in windows(run, fault)) if isinstance(fault, Fault) else fault.until


class Aftermath(NamedTuple):
    """Hold how requests fared since a trouble began, in a word, and how long after its end they were on time again.

    "stayed": in each bin at least 99 % were on time. "none": nobody asked any more, since it began or since it was
    over. "again": on time again, `took` [ms] after its end. "in the end": it lasts, and the last ones were on time all
    the same. "not": not on time again before the end.
    """

    word: str
    took: float = inf


def aftermath(run, trouble, since=None, every=5 * sec):
    """Return the Aftermath of a trouble; it is looked at from `since` [ms] on, or from when the trouble began."""
    since = trouble.at if since is None else since
    last = max(run.table.offered, default=-inf)
    placed = [v for _, v in requests(run) if v.sent >= since]
    if last < since:
        return Aftermath("none")
    if not ill(placed, every):
        return Aftermath("stayed")
    if trouble.until == inf:
        tail = [v for v in placed if v.sent > placed[-1].sent - HOLD]
        return Aftermath("in the end" if sum(v.turned == inf for v in tail) >= HEALTHY * len(tail) else "not")
    back = recovered(run, trouble)
    if back == inf:
        return Aftermath("none" if last < trouble.until else "not")
    return Aftermath("again", back - trouble.until)


class Tail(NamedTuple):
    """Hold the latencies [ms], ascending, of the requests that were done, and how many requests there were."""

    done: list
    total: int

    def over(self, share):
        """Return the latency [ms] that a share of all requests exceeds; inf where that many were never done.

        >>> Tail([10, 20, 30, 40], 5).over(0.4), Tail([10, 20, 30, 40], 5).over(0.1)
        (30, inf)
        """
        return percentile([*self.done, *[inf] * (self.total - len(self.done))], 1 - share)

    @property
    def never(self):
        """Return the share that was never done."""
        return 1 - len(self.done) / self.total if self.total else 0.0


def tails(run, windows=None):
    """Return {name: Tail} of the requests placed before, during and after the faults, or in `windows`.

    `windows` is {name: (from, until)} [ms]. Done is what ended well, late or not, or with a business no; a request that
    was rejected, compensated, failed or left open never was, so a quick failure does not look like a quick success.
    """
    found: dict = {}
    table = run.table
    for row, fate in enumerate(run.fates()):
        offered = table.offered[row]
        for name in _windows(run, offered, windows):
            done, total = found.get(name, ([], 0))
            if fate in DONE:
                done.append(table.settled[row] - offered)
            found[name] = done, total + 1
    order = windows or (("all",) if not troubles(run) else ("before", "during", "after"))
    return {name: Tail(sorted(found[name][0]), found[name][1]) for name in order if name in found}


def _windows(run, moment, windows):
    """Return the names of the windows in which a request was placed."""
    if windows is not None:
        return [name for name, (start, end) in windows.items() if start <= moment < end]
    faults = troubles(run)
    if not faults:
        return ["all"]
    if any(t.at <= moment < t.until for t in faults):
        return ["during"]
    return ["before"] if moment < faults[0].at else ["after"]
