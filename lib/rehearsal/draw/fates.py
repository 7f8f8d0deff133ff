"""Order fates: when each request was placed, how long it took to settle, and what became of it.

Time is the placement time on purpose: completions per second flatter a backlog that drains, the time of placing does
not. A request without an end has no height; it stands on a strip of its own above the others, so that none is dropped.
"""

from math import ceil, floor, isfinite, log10

from rehearsal.census import count
from rehearsal.draw import house, palette
from rehearsal.draw.show import describe
from rehearsal.engine import FATES
from rehearsal.units import pretty, sec
from rehearsal.verdicts import troubles

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


def shared(*runs):
    """Return the powers of ten [s] that hold the requests of all these runs."""
    each = [decades(run) for run in runs]
    return min(low for low, _ in each), max(high for _, high in each)


def fates(run, *, ax=None, title=None, subtitle=None, scale=None, strip=None):
    """Draw the fates of a run's requests and return the panel.

    `scale` is a pair of powers of ten [s] for the height, by default what the run needs; `strip` keeps room for
    requests without an end (None: where there are any).
    """
    found = points(run)
    endless = any(not isfinite(t) for _, took in found.values() for t in took)
    with house.style():
        ax = house.panel(ax)
        low, high = scale or decades(run)
        shelf = _axes(ax, run, low, high, endless if strip is None else strip)
        for fate, (placed, took) in found.items():
            height = [max(t, 10**low) if isfinite(t) else shelf[fate] for t in took]
            _marks(ax, fate, placed, height, len(run.table))
        if not found:
            ax.text(0.5, 0.5, f"no {_kind(run)} was offered", transform=ax.transAxes, ha="center", color=palette.GREY)
        house.bands(ax, troubles(run), ax.get_xlim()[1])
        house.title(ax, title or _name(run), subtitle or _look(run), lift=8 + 15 * _legend(ax, run))
    return describe(ax, sentence(run))


def fates_pair(a, b, *, titles=(None, None), subtitles=(None, None)):
    """Draw two runs side by side on the same axes and return the figure."""
    figure, panels = house.pair()
    scale = shared(a, b)
    strip = any(not isfinite(settled) for run in (a, b) for settled in run.table.settled)
    for ax, run, name, look in zip(panels, (a, b), titles, subtitles, strict=True):
        fates(run, ax=ax, title=name, subtitle=look, scale=scale, strip=strip)
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


def _axes(ax, run, low, high, strip):
    """Set up the axes and return the heights of the strip for what is not settled, by fate."""
    # From the bottom: the decades, the strip, and room for the names of faults.
    tall = (high - low) / (0.78 if strip else 0.9)
    line, opened, middle, stuck, end, top = (10 ** (low + up * tall) for up in (0.81, 0.845, 0.865, 0.885, 0.92, 1.0))
    ticks = [10.0**power for power in range(low, high + 1)]
    words = [pretty(float(f"{tick * sec:.3g}")) for tick in ticks]
    if strip:
        ax.axhspan(line, end, color=palette.BOX, lw=0, zorder=0.2)
        ticks, words = [*ticks, middle], [*words, "not settled"]
    ax.set_yscale("log")
    ax.set_ylim(10**low, top)
    ax.set_yticks(ticks, words)
    ax.minorticks_off()
    placed = run.table.offered
    ax.set_xlim(0, max(placed[-1] / sec if len(placed) else 1.0, 1e-3) * 1.01)
    ax.set_xlabel(f"{_kind(run)} placed at [simulated s]")
    ax.set_ylabel(f"time until the {_kind(run)} was settled")
    _objectives(ax, run)
    return {"open": opened, "stuck": stuck}


def _objectives(ax, run):
    """Draw a thin line at each objective, named after its kind where there are several."""
    from matplotlib import patheffects

    named: dict = {}
    for kind in run.table.kinds:
        named.setdefault(run.objective(kind), []).append(kind)
    for goal, kinds in named.items():
        if isfinite(goal):
            ax.axhline(goal / sec, color=palette.GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)
            words = (
                f"objective {pretty(goal)}" if len(named) == 1 else f"objective of {', '.join(kinds)}: {pretty(goal)}"
            )
            text = ax.annotate(words, (1, goal / sec), (-3, 2), xycoords=ax.get_yaxis_transform(),
                               textcoords="offset points", ha="right", fontsize=8, color=palette.GREY)  # fmt: skip
            text.set_path_effects([patheffects.withStroke(linewidth=2, foreground=palette.PAPER)])


def _legend(ax, run):
    """Write each fate with its share over the panel, in the order of the census; return how many rows that takes."""
    from matplotlib.lines import Line2D

    entries = []
    for fate, number in count(run).items():
        if number:
            mark = palette.FATES[fate]
            face = mark.colour if mark.filled else "none"
            entries.append(Line2D([], [], ls="", marker=mark.marker, color=mark.colour, markerfacecolor=face,
                                  markersize=6, label=f"{fate} {share(number, len(run.table))}"))  # fmt: skip
    if not entries:
        return 0
    inches = ax.get_figure(root=True).get_size_inches()[0] * ax.get_position().width
    columns = max(1, min(len(entries), int(inches / (0.068 * max(len(str(e.get_label())) for e in entries) + 0.33))))
    ax.legend(handles=entries, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=columns,
              borderpad=0.2, borderaxespad=0.1, handletextpad=0.2, columnspacing=1.3)  # fmt: skip
    return ceil(len(entries) / columns)


def share(number, offered):
    """Say a share in per cent; a few among very many are counted, because 0.0% would deny them.

    >>> share(971, 5936), share(2, 19_904)
    ('16.4%', '2 of 19,904')
    """
    return f"{number / offered:.1%}" if number >= 0.001 * offered else f"{number} of {offered:,}"
