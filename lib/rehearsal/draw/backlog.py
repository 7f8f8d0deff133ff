"""Backlog: how many messages wait at a service or on a topic, and what theory says an outage does to them.

An outage of length D leaves lambda D messages behind, and as the arrivals go on while they are worked off, only
mu - lambda is left for them: the drain takes D lambda/(mu - lambda), which may be much longer than the outage.
"""

from math import isfinite

from rehearsal import measures
from rehearsal import theory as formulas
from rehearsal.draw import house, palette
from rehearsal.draw.labels import Spot, placer
from rehearsal.draw.show import describe
from rehearsal.units import pretty, sec
from rehearsal.verdicts import troubles


def backlog(run, name, *, ax=None, theory=None, title=None, subtitle=None):
    """Draw the messages that wait at the service, or on the topic, called `name`, and return the panel.

    `theory` = dict(every=…, takes=…) [ms] draws what theory says of each outage on the same axes; `workers` are the
    service's, unless said.
    """
    steps, drains = measures.backlog(run, name), measures.drains(run, name)
    paths = predicted(run, name, drains, **theory) if theory else []
    with house.style():
        ax = house.panel(ax)
        _axes(ax, run, steps, paths)
        _steps(ax, run, steps)
        labels = [label for i, drain in enumerate(drains) for label in _measured(ax, drain, paths[i : i + 1])]
        labels += [label for path in paths for label in _path(ax, path, theory, _workers(run, name, theory))]
        house.bands(ax, troubles(run), ax.get_xlim()[1])
        segments = [((p, q), 3) for path in paths for p, q in zip(_seconds(path), _seconds(path[1:]), strict=False)]
        placer(ax, labels, [], segments)
        house.title(ax, title or _message(name, steps), _look(theory) if subtitle is None else subtitle)
    return describe(ax, sentence(run, name, steps, drains, paths))


def predicted(run, name, drains, every, takes, workers=None):
    """Return for each outage that ended the corners [(ms, messages)] of the backlog that theory expects."""
    crew = workers or _workers(run, name, {})
    return [formulas.backlog_path(every, takes, d.at, d.until, crew) for d in drains if isfinite(d.until)]


def sentence(run, name, steps, drains, paths):
    """Say in words what the picture shows, from the same numbers."""
    _, most = measures.peak(steps)
    parts = [f"Messages waiting at {name} in {run.system.name} over {pretty(run.ended)}: {most:,} at most."]
    for i, drain in enumerate(drains):
        end = f"is gone at {pretty(drain.empty)}" if isfinite(drain.empty) else "is not gone at the end"
        down = f"to {pretty(drain.until)}" if isfinite(drain.until) else "on"
        parts.append(f"Down from {pretty(drain.at)} {down}: up to {drain.top:,} wait, and the backlog {end}.")
        if i < len(paths):
            _, (_, top), (empty, _) = paths[i]
            gone = f"gone at {pretty(empty)}" if isfinite(empty) else "never gone"
            parts.append(f"Theory: {top:,.0f}, {gone}.")
    return " ".join(parts)


def _workers(run, name, theory):
    if theory and theory.get("workers"):
        return theory["workers"]
    host = measures.hosts(run, name)[0]
    service = run.system.services[host]
    own = sum(s.workers or 0 for s in run.system.readers(name) if s.service == host)
    return (own or service.workers) * service.replicas


def _seconds(path):
    return [(time / sec, count) for time, count in path]


def _axes(ax, run, steps, paths):
    tops = [*steps.counts, *(count for path in paths for _, count in path if isfinite(count))]
    ends = [run.ended, *(time for path in paths for time, _ in path if isfinite(time))]
    ax.set_xlim(0, max(*ends, sec) / sec * 1.02)
    ax.set_ylim(0, max(*tops, 4) * 1.22)
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("time [simulated s]")
    ax.set_ylabel("messages waiting")


def _steps(ax, run, steps):
    times, counts = [t / sec for t in (*steps.times, run.ended)], [*steps.counts, steps.counts[-1]]
    ax.fill_between(times, counts, step="post", color=palette.DATA, alpha=0.14, lw=0)
    ax.step(times, counts, where="post", color=palette.DATA, lw=1.6, gid="waiting")


def _words(ax, text, spots, colour, **looks):
    """Return a label, in the form that `placer` takes."""
    from matplotlib import patheffects
    from matplotlib.transforms import IdentityTransform

    pixels = IdentityTransform()
    words = ax.text(0, 0, text, transform=pixels, color=colour, fontsize=9, zorder=8, ha="left", va="bottom", **looks)
    words.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=palette.PAPER)])
    words.set_in_layout(False)
    (leader,) = ax.plot([], [], color=palette.GREY, lw=0.6, transform=pixels, in_layout=False)
    return words, spots, leader


def _around(x, y):
    """Return the spots of a label at a point: right above, left above, right, left, and then farther off."""
    sides = [("left", 8, 0.0), ("right", -8, 2.5)]
    return [
        Spot(x, y, dx, dy, ha, "bottom", 0.5 * far + worse)
        for far, dy in enumerate((3, -6, 16, -16, 28, 40))
        for ha, dx, worse in sides
    ]


def _measured(ax, drain, path):
    """Mark the most that waited and the moment nothing did any more; return their labels."""
    x, labels = drain.top_at / sec, []
    if drain.top:
        ax.plot(x, drain.top, "o", color=palette.DATA, ms=6, zorder=6)
        labels.append(_words(ax, f"{drain.top:,} wait", _around(x, drain.top), palette.DATA, fontweight="bold"))
    if isfinite(drain.empty) and drain.empty > drain.until:
        end = drain.empty / sec
        ax.plot(end, 0, "o", color=palette.DATA, ms=6, zorder=6, clip_on=False)
        text = f"none wait at {pretty(drain.empty)}"
        labels.append(_words(ax, text, _around(end, 0.0), palette.DATA, fontweight="bold"))
    return labels


def _path(ax, path, theory, workers):
    """Draw what theory expects of one outage; return its labels: the two slopes and the end."""
    (x0, _), (x1, top), (x2, _) = _seconds(path)
    rate = formulas.drain_rate(theory["every"], theory["takes"], workers)
    looks = {"color": palette.THEORY, "lw": 1.8, "ls": palette.DASHED, "zorder": 5}
    labels = [_words(ax, f"theory: up {1000 / theory['every']:,.3g} a second", _left_of(x0, x1, top), palette.THEORY)]
    if not isfinite(x2):
        ax.plot([x0, x1], [0, top], gid="theory", **looks)
        return [*labels, _words(ax, "theory: it never drains", _around(x1, top), palette.THEORY)]
    ax.plot([x0, x1, x2], [0, top, 0], gid="theory", **looks)
    ax.plot(x2, 0, "D", color=palette.THEORY, ms=6, zorder=6, clip_on=False)
    labels.append(_words(ax, f"theory: {top:,.0f}", [Spot(x1, top, -8, 2, "right", "bottom")], palette.THEORY))
    middle = (x1 + x2) / 2, top / 2
    labels.append(_words(ax, f"theory: down {rate:,.3g} a second", _around(*middle), palette.THEORY))
    labels.append(_words(ax, f"theory: {pretty(path[2][0])}", _around(x2, 0.0), palette.THEORY))
    return labels


def _left_of(x0, x1, top):
    """Return the spots of the words beside the rising line: to its left, else to its right."""
    heights = [(0.62, 0), (0.45, 1), (0.8, 1), (0.3, 2)]
    return [
        Spot(x0 + share * (x1 - x0), share * top, dx, 0, ha, "center", bad + worse)
        for ha, dx, worse in (("right", -10, 0), ("left", 10, 3))
        for share, bad in heights
    ]


def _message(name, steps):
    top_at, most = measures.peak(steps)
    return f"Waiting at {name}: {most:,} at most" + (f", at {pretty(top_at)}" if most else "")


def _look(theory):
    seen = "messages that have come and that no worker has taken yet"
    return f"{seen}; dashed: up at lambda, down at mu − lambda" if theory else seen
