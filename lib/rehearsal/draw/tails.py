"""Tails: what share of the requests took longer than a time, of those placed before, during and after the faults.

Both axes are logarithmic: an average hides that one order in a hundred waits a hundred times as long, a tail shows it.
What was never done well is not left out. It never comes down, and its curve ends as high as its share.
"""

from itertools import pairwise
from math import ceil, floor, inf, isfinite, log10

from rehearsal.draw import house, palette, words
from rehearsal.draw.labels import Spot, placer
from rehearsal.draw.show import describe
from rehearsal.recovery import tails as measured
from rehearsal.units import pretty, sec
from rehearsal.verdicts import troubles

LOOKS = [
    {"color": palette.GREY, "lw": 2.0},
    {"color": palette.DOWN, "lw": 2.6},
    {"color": palette.DATA, "lw": 2.0, "ls": palette.DASHED},
    {"color": palette.RETRY, "lw": 2.0, "ls": palette.DASHDOT},
]


def tails(run, *, ax=None, windows=None, title=None, subtitle=None):
    """Draw for each window of placement which share of its requests took longer than a time, and return the panel.

    `windows` is {name: (from, until)} [ms]; without it, requests were placed before, during or after the faults.
    """
    found = measured(run, windows)
    kind = words.plural(run)
    with house.style():
        ax = house.panel(ax, 8.0, 4.6)
        low, high = _axes(ax, run, found)
        looks = dict(zip(found, [LOOKS[i % len(LOOKS)] for i in range(len(found))], strict=True))
        labels = [_curve(ax, name, tail, looks[name], low, high) for name, tail in found.items()]
        lines = [((p, q), 3) for line in ax.lines if line.get_gid() for p, q in pairwise(_thinned(line))]
        _objectives(ax, run)
        placer(ax, labels, [text for text in ax.texts if text.get_gid() == "objective"], lines)
        if not found:
            ax.text(0.5, 0.5, f"no {kind} were placed", transform=ax.transAxes, ha="center", color=palette.GREY)
        look = f"share of the {kind} not yet done well after a time, by when they were placed (both scales logarithmic)"
        house.folded(ax, title or message(run, found), look if subtitle is None else subtitle)
    return describe(ax, sentence(run, found))


def message(run, found):
    """Say how long the slowest request in a hundred took, in each window."""
    kind = words.plural(run)
    if not found:
        return f"No {kind}"
    parts = [f"{_long(tail.over(0.01))}{'' if name == 'all' else f' {name}'}" for name, tail in found.items()]
    return f"1 in 100 {kind} took {', '.join(parts).replace(', over', ',')}"


def _long(time):
    return f"over {pretty(time)}" if time < inf else "for ever"


def sentence(run, found):
    """Say in words what the picture shows, from the same numbers."""
    kind = words.plural(run)
    parts = []
    for name, tail in found.items():
        marks = ", ".join(f"{said} {_long(tail.over(share))}" for said, share in (("half", 0.5), ("1 in 100", 0.01)))
        never = f", {_share(tail.never)} never done well" if tail.never else ""
        parts.append(f"{name}: {tail.total:,} {kind}, {marks}{never}")
    faults = "".join(f" {t.label} {words.window(t)}." for t in words.named(troubles(run)))
    return f"Tails of latency in {run.system.name}. {'; '.join(parts) or f'No {kind}'}.{faults or ' No fault.'}"


def _share(share):
    """Say a share in per cent, with as many digits as it needs.

    >>> _share(0.976), _share(0.0022), _share(1.0)
    ('98%', '0.2%', '100%')
    """
    return f"{share:.0%}" if 0.01 <= share <= 0.99 or share == 1 else f"{share:.1%}"


def _axes(ax, run, found):
    """Set up the axes; return the ends of the time axis [s]."""
    # What is quicker than nineteen in twenty says nothing of the tail.
    spans = [t / sec for tail in found.values() for t in (*tail.done[-1:], tail.over(0.95)) if 0 < t < inf]
    goals = [run.objective(kind) / sec for kind in run.table.kinds if isfinite(run.objective(kind))]
    first, last = floor(log10(min([*spans, *goals, 1.0]))), ceil(log10(max([*spans, *goals, 1.0]) * 1.05))
    low, high = 10.0 ** max(first, last - 5), 10.0**last
    decades = max(1, *(ceil(log10(tail.total)) for tail in found.values())) if found else 2
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(10.0**-decades, 1.6)
    ax.set_yticks([10.0**-n for n in range(decades + 1)], ["all", *(f"1 in {10**n:,}" for n in range(1, decades + 1))])
    ticks = [low * 10.0**n for n in range(round(log10(high / low)) + 1)]
    ax.set_xticks(ticks, [pretty(float(f"{tick * sec:.3g}")) for tick in ticks])
    ax.minorticks_off()
    ax.set_xlabel(f"time since the {words.plural(run)[:-1]} was placed")
    ax.set_ylabel("share that took longer")
    return low, high


def _curve(ax, name, tail, looks, low, high):
    """Draw one tail; return its label."""
    times = [low, *(max(t / sec, low) for t in tail.done)]
    shares = [1 - k / tail.total for k in range(len(times))]
    if tail.never:
        times, shares = [*times, high], [*shares, tail.never]
    else:  # the slowest: nobody took longer
        shares[-1] = shares[-2]
        ax.plot(times[-1], shares[-1], "o", ms=5, color=looks["color"], zorder=5, clip_on=False)
    ax.plot(times, shares, drawstyle="steps-post", zorder=4, gid=name, **looks)
    text = f"{name}: {_share(tail.never)} never done" if tail.never else name
    return _label(ax, text, _spots(times, shares, tail.never), looks["color"])


def _spots(times, shares, never):
    """Return the places of a curve's name: over its plateau where it has one, else beside its fall, well down."""
    places = [(times[-1], shares[-1], "right", -4, 4, "bottom", -2.0)] if never else []
    for n in range(1, 25):
        wanted = shares[-1] ** (n / 25)
        k = next(i for i, share in enumerate(shares) if share <= wanted)
        bad = abs(n - 16) / 12
        places += [
            (times[k], shares[k], "left", 8, 3, "bottom", bad),
            (times[k], shares[k], "right", -8, -3, "top", bad),
        ]
    return [Spot(x, y, dx, dy, ha, va, worse) for x, y, ha, dx, dy, va, worse in places]


def _label(ax, text, spots, colour):
    from matplotlib import patheffects
    from matplotlib.transforms import IdentityTransform

    said = ax.text(0, 0, text, transform=IdentityTransform(), color=colour, fontsize=9, zorder=8, fontweight="bold",
                   ha="left", va="bottom", gid="curve")  # fmt: skip
    said.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=palette.PAPER)])
    said.set_in_layout(False)
    (leader,) = ax.plot([], [], color=palette.GREY, lw=0.6, transform=IdentityTransform(), in_layout=False)
    return said, spots, leader


def _thinned(line):
    """Return some eighty points of a line, as a placer needs no more."""
    points = line.get_xydata()
    return [*points[:: max(1, len(points) // 80)], points[-1]]


def _objectives(ax, run):
    """Draw a thin line at each objective, with its name at the foot."""
    goals = sorted({run.objective(kind) for kind in run.table.kinds if isfinite(run.objective(kind))})
    for goal in goals:
        ax.axvline(goal / sec, color=palette.GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)
        ax.annotate(f"objective {pretty(goal)}", (goal / sec, 0), (3, 4), xycoords=ax.get_xaxis_transform(),
                    textcoords="offset points", fontsize=8, color=palette.GREY, gid="objective",
                    rotation=90, va="bottom")  # fmt: skip
