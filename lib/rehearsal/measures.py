"""Measure a run: how long requests took, how many messages waited when, and whether Little's law holds.

Everything is read off the trace after the run. A percentile is by nearest rank: the smallest latency that at
least that share of the sample does not exceed, so it is always one that was observed, and percentiles are
never averaged.
"""

from math import ceil, fsum, inf, isnan, nan
from typing import NamedTuple

from rehearsal.census import kinds, named
from rehearsal.errors import unknown
from rehearsal.trace import LOST, REJECTED, Totals


class Steps(NamedTuple):
    """Hold a step function: `counts[i]` from `times[i]` [ms] on, until the next time or the end of the run."""

    times: list
    counts: list


def percentile(sample, share):
    """Return the nearest-rank percentile of an ascending `sample`, nan where there is none.

    >>> percentile([10, 20, 30, 40], 0.5), percentile([10, 20, 30, 40], 0.95)
    (20, 40)
    """
    # Without the rounding 0.07 * 100 is 7.000000000000001, and the rank one too high.
    return sample[max(0, ceil(round(share * len(sample), 9)) - 1)] if sample else nan


def latencies(run, of="settled", kind=None, since=0.0):
    """Return the latencies [ms] from the offer to the end (or the answer), ascending, and how many have none.

    Only requests offered from `since` [ms] on count, which is how a warm-up is cut.
    """
    if of not in ("settled", "answered"):
        raise ValueError(f'latency is of="settled" or of="answered", not {of!r}')
    table = run.table
    rows = zip(table.kind, table.offered, getattr(table, of), strict=True)
    mine = [end - start for k, start, end in rows if start >= since and kind in (None, table.kinds[k])]
    ended = sorted(latency for latency in mine if not isnan(latency))
    return ended, len(mine) - len(ended)


def latency(*runs, of="settled", since=0.0, **names):
    """Return a frame of latencies [ms], a row a run (and kind): count, mean, p50, p95, p99, max, open.

    `count` is the size of the sample; `open` counts the requests that have no end yet and so no latency:
    where it is not small, the other columns flatter. Every end counts, a quick refusal too; the census says
    which there were.
    """
    import pandas as pd

    told = named(runs, names)
    several = kinds(*told.values())
    rows, index = [], []
    for label, run in told.items():
        for kind in several if len(several) > 1 else [None]:
            sample, still_open = latencies(run, of, kind, since)
            rows.append({**_summary(sample), "open": still_open})
            index.append((label, kind) if len(several) > 1 else label)
    many = len(several) > 1
    rows_index = pd.MultiIndex.from_tuples(index, names=["run", "kind"]) if many else pd.Index(index, name="run")
    return pd.DataFrame(rows, index=rows_index)


def _summary(sample):
    mean = fsum(sample) / len(sample) if sample else nan
    marks = {f"p{share}": percentile(sample, share / 100) for share in (50, 95, 99)}
    return {"count": len(sample), "mean": mean, **marks, "max": sample[-1] if sample else nan}


def backlog(run, name):
    """Return as steps how many messages wait (received, no worker has them) at a service, or on a topic."""
    return _steps(run, [(s.received, s.started if not isnan(s.started) else s.left) for s in _stays(run, name)])


def busy(run, name):
    """Return as steps how many workers of a service are at work; a caller that blocks counts as at work."""
    return _steps(run, [(s.started, s.left) for s in _stays(run, name) if not isnan(s.started)])


def present(run, name):
    """Return as steps how many messages are at a service, waiting or in work."""
    return _steps(run, [(s.received, s.left) for s in _stays(run, name)])


def peak(steps, since=-inf, until=inf):
    """Return the first moment [ms] of the greatest count in [since, until], and that count."""
    held = [(count, -time) for time, count in zip(*steps, strict=True) if since <= time <= until]
    held += [(value_at(steps, since), -since)] if since > -inf else []  # what is there when the window opens
    if not held:
        return nan, 0
    count, time = max(held)
    return -time, count


def value_at(steps, time):
    """Return the count at a moment [ms]; before the first step it is 0."""
    from bisect import bisect_right

    place = bisect_right(steps.times, time)
    return steps.counts[place - 1] if place else 0


def empty_after(steps, time):
    """Return the first moment [ms] from `time` on at which nothing waits; inf where that never comes."""
    if value_at(steps, time) == 0:
        return time
    return next((t for t, count in zip(*steps, strict=True) if t >= time and count == 0), inf)


class Drain(NamedTuple):
    """Hold what an outage did to a queue: how many waited at most, when, and when the backlog was gone [ms]."""

    at: float
    until: float
    top: int
    top_at: float
    empty: float


def drains(run, name):
    """Return a Drain for each outage of the service `name`, or of the readers of the topic `name`, in order.

    The end is the first moment after the restart at which nothing waits, inf where the run ended before.
    """
    steps = backlog(run, name)
    found = []
    for _, at, until in sorted(outage[:3] for outage in run.outages if outage.service in hosts(run, name)):
        if at < run.ended:
            empty = empty_after(steps, until)
            top_at, top = peak(steps, at, empty)
            found.append(Drain(at, until, top, top_at, empty))
    return found


def hosts(run, name):
    """Return the names of the services whose messages `backlog` counts: the service itself, or a topic's readers."""
    if name in run.system.services or name in run.system.brokers:
        return [name]
    return list(dict.fromkeys(edge.target for edge in run.trace.edges if _delivers(run, edge, name)))


def area(steps, ended):
    """Return the integral of a step function up to `ended` [count × ms]."""
    ends = [*steps.times[1:], ended]
    return fsum(count * (b - a) for a, b, count in zip(steps.times, ends, steps.counts, strict=True))


def littles_law(run):
    """Return a frame that holds Little's law against the sample path, a row a service that got messages.

    `L` is the mean number present, integrated over the path; `lambda W` is arrivals a second times the mean
    time spent there, waiting and in work. Those still there at the end count with the time they have spent,
    so the two are equal up to rounding: this checks the record, not the theory.
    """
    import pandas as pd

    rows = {}
    for name in dict.fromkeys([*run.system.services, *(edge.target for edge in run.trace.edges)]):
        spent = [min(s.left, run.ended) - s.received for s in _stays(run, name, node=True)]
        if not spent or not run.ended:
            continue
        rate, mean = len(spent) / run.ended, fsum(spent) / len(spent)
        number = area(_steps(run, [(s.received, s.left) for s in _stays(run, name, node=True)]), run.ended) / run.ended
        rows[name] = [len(spent), 1000 * rate, mean, number, rate * mean, number - rate * mean]
    columns = ["arrivals", "arrivals per s", "W [ms]", "L", "lambda W", "difference"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("service")


def whole(run):
    """Return the trace of a run that kept it."""
    if isinstance(run.trace, Totals):
        raise ValueError("this run kept its totals only: run it with keep='trace' to follow its messages")
    return run.trace


class _Stay(NamedTuple):
    received: float
    started: float
    left: float  # when it was over, or a crash took it; inf where it is still there


def _stays(run, name, node=False):
    """Return the stays at the node, or on the topic, called `name`, of every message that was let in."""
    trace = whole(run)
    at_node = node or name in run.system.services or name in run.system.brokers  # else it is a topic
    here = (lambda e: e.target == name and e.kind != "work") if at_node else (lambda e: _delivers(run, e, name))
    edges = {i for i, e in enumerate(trace.edges) if here(e)}
    if not at_node and not edges:
        topics = run.system.heard()
        if name not in topics:
            raise ValueError(unknown("queue", name, {*run.system.services, *run.system.brokers, *topics}))
    columns = zip(trace.edge, trace.received, trace.started, trace.ended, trace.outcome, strict=True)
    crashes = _crashes(run)
    return [
        _Stay(received, started, _left(received, ended, outcome, crashes.get(trace.edges[edge].target, ())))
        for edge, received, started, ended, outcome in columns
        if edge in edges and not isnan(received) and (outcome != REJECTED or not isnan(ended))
    ]


def _delivers(run, edge, topic):
    return edge.kind == "event" and edge.name == topic and edge.target not in run.system.brokers


def _crashes(run):
    found: dict = {}
    for outage in run.outages:
        found.setdefault(outage.service, []).append(outage.at)
    return {service: sorted(times) for service, times in found.items()}


def _left(received, ended, outcome, crashes):
    if not isnan(ended):
        return ended
    return next((at for at in crashes if at >= received), inf) if outcome == LOST else inf


def _steps(run, stays):
    """Return the sweep of +1 at each start and −1 at each end; what happens at one moment is one step."""
    change = {0.0: 0}
    for start, end in stays:
        change[start] = change.get(start, 0) + 1
        if end <= run.ended:
            change[end] = change.get(end, 0) - 1
    times, counts, now = sorted(change), [], 0
    for time in times:
        now += change[time]
        counts.append(now)
    return Steps(times, counts)
