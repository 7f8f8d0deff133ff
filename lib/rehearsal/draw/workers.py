"""Workers over time: above, how many messages wait at a service; below, how many of its workers are busy.

Read together they tell apart what looks alike from outside: a queue with idle workers (the service is down, or its
readers poll), a queue with all workers busy (too much work), and no queue with all workers busy (callers who block).
"""

from bisect import bisect_right
from itertools import pairwise
from math import inf, isfinite

from rehearsal import measures
from rehearsal.draw import house, palette, words
from rehearsal.draw.show import describe
from rehearsal.errors import unknown
from rehearsal.units import pretty, sec
from rehearsal.verdicts import troubles

BINS = 120  # of the line of means
FAR = 4  # a limit so many times as high as what is drawn has no line: it would squeeze the rest


def workers(run, service, *, figure=None, title=None, subtitle=None):
    """Draw the messages that wait at a service and its busy workers over time, and return the figure."""
    import matplotlib.pyplot as plt

    if service not in run.system.services:
        raise ValueError(unknown("service", service, run.system.services))
    waiting, busy = measures.backlog(run, service), measures.busy(run, service)
    crew, room = limits(run, service)
    end = max(run.ended, sec) / sec
    with house.style():
        figure = figure or plt.figure(figsize=(9.0, 4.8))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.4, 1))
        _waiting(above, waiting, run)
        _busy(below, busy, run)
        above.set_xlim(0, end)
        below.set_xlabel("time [simulated s]")
        house.bands(above, troubles(run), end)
        for trouble in troubles(run):
            house.band(below, trouble.at / sec, trouble.until / sec, clip=end)
        look = "above: messages that no worker has taken yet; below: workers at work or blocked, line: their mean"
        house.folded(above, title or message(run, service), look if subtitle is None else subtitle)
        lines = house.name_lines(words.named(troubles(run)), run.ended, 400.0)
        _limit(above, room, "messages waiting", "limit", 6 + 12 * max((line + 1 for *_, line in lines), default=0))
        _limit(below, crew, "workers busy", "workers", 0.0)
        _left(below, crew, run, service)
    return describe(figure, sentence(run, service))


def limits(run, service):
    """Return how many workers a service has, those of its subscriptions included, and how many messages may wait."""
    found = run.system.services[service]
    own = sum(s.workers or 0 for s in dict.fromkeys(found.subscriptions.values()))
    room = getattr(found, "queue", inf)
    return (found.workers + own) * found.replicas, inf if room is None else room


def busy_share(run, service):
    """Return the share of a service's workers that was busy, over the whole run."""
    crew, _ = limits(run, service)
    return measures.area(measures.busy(run, service), run.ended) / (crew * run.ended) if run.ended else 0.0


def message(run, service):
    """Say how many waited at most and when, and how busy the workers were."""
    at, most = measures.peak(measures.backlog(run, service))
    waited = f"{most:,} wait at most, at {pretty(at)}" if most else "nothing ever waits"
    return f"{words.capital(service)}: {waited}; its workers are {busy_share(run, service):.0%} busy"


def sentence(run, service):
    """Say in words what the picture shows, from the same numbers."""
    crew, room = limits(run, service)
    at, most = measures.peak(measures.backlog(run, service))
    _, busiest = measures.peak(measures.busy(run, service))
    limit = f" (limit {room:,})" if isfinite(room) else ""
    faults = "".join(f" {t.label} {words.window(t)}." for t in words.named(troubles(run)))
    return (
        f"Workers of {service} in {run.system.name}: {most:,} messages wait at most{limit}"
        f"{f', at {pretty(at)}' if most else ''}; up to {busiest} of {crew} workers busy, "
        f"{busy_share(run, service):.0%} on average.{faults or ' No fault.'}"
    )


def means(steps, edges):
    """Return the mean of a step function in each bin between two of the edges [ms].

    >>> means(measures.Steps([0, 5, 10], [0, 2, 0]), [0, 10, 20])
    [1.0, 0.0]
    """
    found = []
    for start, end in pairwise(edges):
        inside = [t for t in steps.times[bisect_right(steps.times, start) :] if t < end]
        times = [start, *inside, end]
        held = [measures.value_at(steps, t) * (b - t) for t, b in pairwise(times)]
        found.append(sum(held) / (end - start))
    return found


def _waiting(ax, steps, run):
    times, counts = [t / sec for t in (*steps.times, run.ended)], [*steps.counts, steps.counts[-1]]
    ax.fill_between(times, counts, step="post", color=palette.DATA, alpha=0.14, lw=0)
    ax.step(times, counts, where="post", color=palette.DATA, lw=1.4, gid="waiting")


def _busy(ax, steps, run):
    """Draw how many workers are busy, and over it, as a line, the mean: it is busy and idle too quickly for the eye."""
    times, counts = [t / sec for t in (*steps.times, run.ended)], [*steps.counts, steps.counts[-1]]
    ax.fill_between(times, counts, step="post", color=palette.OPEN, alpha=0.5, lw=0, gid="busy")
    edges = [run.ended * i / BINS for i in range(BINS + 1)] if run.ended else [0.0, sec]
    ax.stairs(means(steps, edges), [edge / sec for edge in edges], color=palette.BOX_EDGE, lw=1.8, baseline=None,
              zorder=3, gid="mean")  # fmt: skip


def _left(ax, crew, run, service):
    """Draw the lower limit of the times in which replicas are down."""
    gone = [outage for outage in run.degraded if outage.service == service]
    turns = sorted({min(turn, run.ended) for outage in gone for turn in (outage.at, outage.until)})
    for start, end in pairwise(turns):
        down = {outage.replica for outage in gone if outage.at <= start < outage.until}
        left = crew - crew // run.system.services[service].replicas * len(down)
        if down:
            ax.hlines(left, start / sec, end / sec, color=palette.DOWN, lw=1.1, ls=(0, (4, 3)), gid="left")


def _limit(ax, limit, what, name, room):
    """Draw the line of a limit and leave `room` [pt] above; one that is far away is only named beside the axis."""
    top = max(ax.dataLim.y1, 1)
    near = limit <= FAR * top
    if near:
        ax.axhline(limit, color=palette.DOWN, lw=1.1, ls=(0, (4, 3)), gid="limit")
        text = f"{limit:,} {name}" if name == "workers" else f"{name} {limit:,}"
        ax.annotate(text if limit > 1 else text.removesuffix("s"), (1, limit), (-3, 2), color=palette.DOWN,
                    xycoords=ax.get_yaxis_transform(), textcoords="offset points", ha="right", va="bottom",
                    fontsize=8.5, gid="limit")  # fmt: skip
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    high = ax.get_window_extent().height * 72 / figure.dpi
    ax.set_ylim(0, max(top, limit if near else 0) / (1 - min((room + 14) / max(high, 1.0), 0.6)))
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    far = f"{'of' if name == 'workers' else name} {limit:,}"
    ax.set_ylabel(what if near or limit == inf else f"{what}\n({far})")
