"""Order fates: when each request was placed, how long it took to settle, and what became of it.

Time is the placement time on purpose: completions per second flatter a backlog that drains, the time of placing does
not. A request without an end has no height; it stands on a strip of its own above the others, so that none is dropped.
"""

from math import ceil, floor, inf, isfinite, log10

from rehearsal.census import count
from rehearsal.draw import house, palette, show
from rehearsal.engine import FATES
from rehearsal.units import pretty, sec

MANY = 3_000  # from here on marks are smaller and paler: a cloud, not dots


def points(run, kind=None):
    """Return {fate: (placed [s], settled after [s])} in the order of the census; nan height where there is no end."""
    table = run.table
    found: dict = {}
    for row, fate in enumerate(run.fates()):
        if kind is None or table.kinds[table.kind[row]] == kind:
            placed, took = found.setdefault(fate, ([], []))
            placed.append(table.offered[row] / sec)
            took.append((table.settled[row] - table.offered[row]) / sec)
    return {fate: found[fate] for fate in FATES if fate in found}


def decades(run):
    """Return the powers of ten [s] between which a run's settled requests and objectives lie; two decades at least."""
    table = run.table
    spans = (max(s - o, 0.1) / sec for s, o in zip(table.settled, table.offered, strict=True) if isfinite(s))
    goals = (run.objective(kind) / sec for kind in table.kinds)
    logs = [log10(span) for span in (*spans, *(goal for goal in goals if isfinite(goal)))] or [-1.0, 1.0]
    low, high = floor(min(logs)), ceil(max(logs))
    return low, max(high, low + 2)


def fates(run, *, ax=None, title=None, subtitle=None, scale=None):
    """Draw the fates of a run's requests and return the panel.

    `scale` is a pair of powers of ten [s] for the height, by default what the run needs.
    """
    with house.style():
        ax = house.panel(ax)
        low, high = scale or decades(run)
        strip = 10 ** (high + 0.18)
        found = points(run)
        _axes(ax, run, low, high)
        for fate, (placed, took) in found.items():
            _marks(ax, fate, placed, [t if isfinite(t) else strip for t in took], len(run.table))
        if any(not isfinite(t) for _, took in found.values() for t in took):
            ax.axhline(10 ** (high + 0.05), color=palette.GREY, lw=0.8)
            words = [label.get_text() for label in ax.get_yticklabels()]
            ax.set_yticks([*ax.get_yticks(), strip], [*words, "not settled"])
        _bands(ax, run)
        _legend(ax, run)
        house.title(ax, title or _name(run), subtitle or _look(run), lift=22)
    return show.describe(ax, sentence(run))


def fates_pair(a, b, *, titles=(None, None), subtitles=(None, None)):
    """Draw two runs side by side on the same axes and return the figure."""
    figure, panels = house.pair()
    both = decades(a), decades(b)
    scale = min(low for low, _ in both), max(high for _, high in both)
    for ax, run, name, look in zip(panels, (a, b), titles, subtitles, strict=True):
        fates(run, ax=ax, title=name, subtitle=look, scale=scale)
    panels[1].set_ylabel("")
    return figure


def sentence(run):
    """Say in words what the picture shows, from the same numbers."""
    offered = len(run.table)
    kind = _kind(run)
    parts = [f"{n:,} {fate}" for fate, n in count(run).items() if n]
    faults = "; ".join(str(fault) for fault in run.faults)
    worst = max((t for _, took in points(run).values() for t in took if isfinite(t)), default=0.0)
    return (
        f"Fates of {offered:,} {kind}s in {run.system.name}: {', '.join(parts) or 'none offered'}. "
        f"The slowest took {pretty(float(f'{worst * sec:.3g}'))}.{f' Faults: {faults}.' if faults else ''}"
    )


def _kind(run):
    return run.table.kinds[0] if len(run.table.kinds) == 1 else "request"


def _name(run):
    return run.system.name[:1].upper() + run.system.name[1:]


def _look(run):
    return f"each mark is one {_kind(run)}: when it was placed, and how long until it was settled (log scale)"


def _marks(ax, fate, placed, height, offered):
    mark = palette.FATES[fate]
    size, alpha = (16, 0.8) if offered <= MANY else (7, 0.45)
    line = mark.marker in "x+*"
    face = mark.colour if mark.filled or line else "none"
    ax.scatter(placed, height, s=size, marker=mark.marker, c=[mark.colour] if line else None, alpha=alpha, gid=fate,
               linewidths=0.8, **({} if line else {"facecolors": face, "edgecolors": mark.colour}))  # fmt: skip


def _axes(ax, run, low, high):
    ax.set_yscale("log")
    ax.set_ylim(10**low, 10 ** (high + 0.6))
    ticks = [10.0**power for power in range(low, high + 1)]
    ax.set_yticks(ticks, [pretty(float(f"{tick * sec:.3g}")) for tick in ticks])
    ax.minorticks_off()
    placed = run.table.offered
    ax.set_xlim(0, max(placed[-1] / sec if len(placed) else 1.0, 1e-3) * 1.01)
    ax.set_xlabel(f"{_kind(run)} placed at [simulated s]")
    ax.set_ylabel(f"time until the {_kind(run)} was settled")
    objective = run.objective(run.table.kinds[0]) / sec
    if isfinite(objective):
        ax.axhline(objective, color=palette.GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)
        ax.annotate(f"objective {pretty(objective * sec)}", (1, objective), (-3, 2), xycoords=ax.get_yaxis_transform(),
                    textcoords="offset points", ha="right", fontsize=8, color=palette.GREY)  # fmt: skip


def _bands(ax, run):
    end = ax.get_xlim()[1]
    for fault in run.faults:
        if fault.at / sec < end:
            until = fault.until / sec if fault.until < inf else end
            house.band(ax, fault.at / sec, until, fault.label, clip=end)


def _legend(ax, run):
    """Write each fate with its share over the panel, in the order of the census: no legend lies over data."""
    from matplotlib.lines import Line2D

    offered = len(run.table)
    entries = []
    for fate, number in count(run).items():
        if number:
            mark = palette.FATES[fate]
            face = mark.colour if mark.filled else "none"
            entries.append(Line2D([], [], ls="", marker=mark.marker, color=mark.colour, markerfacecolor=face,
                                  markersize=6, label=f"{fate} {number / offered:.1%}"))  # fmt: skip
    if entries:
        ax.legend(handles=entries, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=len(entries),
                  borderpad=0.2, borderaxespad=0.1, handletextpad=0.2, columnspacing=1.3)  # fmt: skip
