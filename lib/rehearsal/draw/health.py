"""Health strips: one row a service, one cell a bin of time, its colour the share of the messages that were good.

Thresholds and colours never change, so that a strip means the same in every picture. No traffic is a state of its own:
a service that nobody asks is not well, it is not known. Hatched is what was late and nothing worse.
"""

from math import inf, isnan

from rehearsal.draw import house, palette, words
from rehearsal.draw.labels import FOLDED, fold, short
from rehearsal.draw.show import describe
from rehearsal.health import NO_TRAFFIC, just_late, levels
from rehearsal.health import health as measured
from rehearsal.units import pretty, sec
from rehearsal.verdicts import troubles

ROW, HEAD, FOOT = 27.0, 4.0, 6.0  # heights of a row, and of the air above and below the rows [pt]
LINE = 13.0  # height of a line of fault names [pt]
COLUMNS = {"first\nimpact": 12.0, "unhealthy\nfor": 68.0}  # how far right of the cells a column stands [pt]
NAMES = 40  # where names are folded [characters]
SIDE = 100.0  # width of the columns [pt]
CELL = 0.78  # height of a cell, of its row


def health(run, *, ax=None, every=5 * sec, title=None, subtitle=None, end=None, legend=True):
    """Draw a strip of health for the client, each service and each broker, and return the panel.

    `every` [ms] is the width of a cell, `end` [ms] that of the picture (None: what the run needs). A panel that is too
    low makes its figure grow.
    """
    found = measured(run, every)
    with house.style():
        ax = house.panel(ax, 11.0, _height(run, found) / 72 + 1.45)
        house.grow(ax, 0, _height(run, found))
        _axes(ax, run, found, end or found.end)
        for place, (name, row) in enumerate(found.rows.items()):
            _strip(ax, place, name, row, found)
        _troubles(ax, run, list(found.rows), end or found.end)
        _columns(ax, found, bool(troubles(run)))
        if legend:
            _legend(ax)
        house.folded(ax, title or message(run, found), subtitle or _look(run, found), lift=HEAD, more=SIDE)
    return describe(ax, sentence(run, found))


def health_pair(a, b, *, every=5 * sec, titles=(None, None), subtitles=(None, None)):
    """Draw the strips of two runs one above the other on the same time axis, and return the figure."""
    import matplotlib.pyplot as plt

    found = [measured(run, every) for run in (a, b)]
    heights = [_height(run, one) for run, one in zip((a, b), found, strict=True)]
    end = max(one.end for one in found)
    with house.style():
        figure, panels = plt.subplots(2, 1, figsize=(11.0, sum(heights) / 72 + 2.4), height_ratios=heights, sharex=True)
        figure.get_layout_engine().set(hspace=0.05)
        for ax, run, one, name, look in zip(panels, (a, b), found, titles, subtitles, strict=True):
            words_above = name or f"{words.capital(run.system.name)}: {message(run, one)}"
            health(run, ax=ax, every=every, title=words_above, subtitle=look, end=end, legend=ax is panels[1])
        panels[0].set_xlabel("")
    return figure


def message(run, found):
    """Say what was wrong, and for how long requests were not on time."""
    ill = found.unhealthy("client")
    kind = words.plural(run)
    if not len(run.table):
        return f"{words.what(troubles(run))}; no {kind} were placed"
    after = f"{kind} were not on time for {pretty(ill)}" if ill else f"{kind} stayed on time"
    return f"{words.what(troubles(run))}; {after}"


def sentence(run, found):
    """Say in words what the picture shows, from the same numbers."""
    rows = []
    for name in found.rows:
        impact, ill = found.impacts[name], found.unhealthy(name)
        first = "" if isnan(impact) else f", first impact {words.plus(impact)}"
        rows.append(f"{name} {f'below 99% for {pretty(ill)}' if ill else 'always 99% or more'}{first}")
    faults = "; ".join(f"{t.label} {words.window(t)}" for t in troubles(run))
    return (
        f"Health strips of {run.system.name}, cells of {pretty(found.every)}: {'; '.join(rows)}."
        f"{f' Faults: {faults}.' if faults else ' No fault.'}"
    )


def _look(run, found):
    goals = {run.objective(kind) for kind in run.table.kinds}
    goal = f" within {pretty(*goals)}" if len(goals) == 1 and goals != {inf} else " within their objective"
    return f"messages sent to each in {pretty(found.every)}: the share that ended well{'' if goals == {inf} else goal}"


def _height(run, found):
    """Return how high the panel has to be [pt]: its rows, and the lines of fault names above them."""
    return ROW * len(found.rows) + _above(run, found.end) + FOOT


def _above(run, end):
    named = words.named(_seen(run, end))
    return LINE * max((line for *_, line in house.name_lines(named, end)), default=-1) + (
        LINE + HEAD if named else HEAD
    )


def _seen(run, end):
    return [t._replace(label=short(t.label)) for t in troubles(run) if t.at < end]


def _axes(ax, run, found, end):
    from matplotlib.ticker import MaxNLocator

    names = list(found.rows)
    struck = {name for trouble in troubles(run) for name in trouble.struck}
    # One row is one unit; the names of faults stand above the first one, in units of rows, too.
    ax.set_xlim(0, end / sec)
    ax.set_ylim(len(names) - 0.5 + FOOT / ROW, -0.5 - _above(run, found.end) / ROW)
    ax.set_yticks(range(len(names)), [fold(name, NAMES) for name in names])
    for label, name in zip(ax.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name in struck else "normal")
        label.set_fontsize(FOLDED if "\n" in label.get_text() else 10)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 3, 5, 6, 10]))
    ax.grid(False)
    ax.tick_params(axis="y", length=0, pad=8)
    ax.set_xlabel("sent at [simulated s]")


def _strip(ax, place, name, row, found):
    """Draw the cells of one row; where nothing was sent, there is a thin line and no cell."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    cells: dict = {}
    width = found.every / sec
    for start, level, late in zip(found.bins, levels(row), just_late(row), strict=True):
        cell = Rectangle((start / sec, place - CELL / 2), width, CELL)
        cells.setdefault(level, []).append(cell)
        if late:
            cells.setdefault("late", []).append(cell)
        if level == NO_TRAFFIC:
            ax.plot([start / sec, start / sec + width], [place] * 2, color=palette.RULE, lw=0.9, zorder=1)
    for level, patches in cells.items():
        if level == "late":
            looks: dict = {"fc": "none", "ec": palette.PAPER, "hatch": "////", "lw": 0, "zorder": 3}
        else:  # a white edge is as wide on every screen, a gap is not
            looks = {"fc": palette.HEALTH[level], "ec": palette.PAPER, "lw": 0.9, "zorder": 2}
        if level != NO_TRAFFIC:
            ax.add_collection(PatchCollection(patches, gid=f"{name}: {level}", **looks))


def _troubles(ax, run, names, end):
    """Bound the windows of faults with dotted lines and put a black box over whom they struck."""
    from matplotlib.patches import Rectangle

    for trouble in _seen(run, end):
        at, until = trouble.at / sec, min(trouble.until, end) / sec
        for edge in (at, until) if trouble.until < end else (at,):
            ax.plot([edge] * 2, [-0.5 - HEAD / ROW, len(names) - 0.5], color=palette.INK, lw=0.9, ls=(0, (1, 2)),
                    zorder=4, gid="edge")  # fmt: skip
        for name in trouble.struck:
            if name in names:
                corner = at, names.index(name) - CELL / 2 - 0.05
                ax.add_patch(Rectangle(corner, until - at, CELL + 0.1, fc="none", ec="black", lw=2, zorder=5,
                                       gid=f"struck {name}", clip_on=False))  # fmt: skip
    for trouble, x, ha, line in house.name_lines(words.named(_seen(run, end)), end):
        ax.annotate(trouble.label, (x / sec, -0.5), (0, HEAD + LINE * line), textcoords="offset points", ha=ha,
                    va="bottom", fontsize=9, fontweight="bold", gid="fault", annotation_clip=False)  # fmt: skip


def _columns(ax, found, struck):
    """Write beside each row its first impact and for how long it was unhealthy."""
    for header, away in COLUMNS.items():
        if header.startswith("first") and not struck:
            continue
        _beside(ax, -0.5, header, away, fontsize=8, color=palette.GREY, va="bottom", linespacing=1.1)
        for place, name in enumerate(found.rows):
            impact, ill = found.impacts[name], found.unhealthy(name)
            said = words.plus(impact) if header.startswith("first") else pretty(ill) if ill else "—"
            _beside(ax, place, said, away, fontsize=9, va="center", gid=f"{header.split()[0]} {name}")


def _beside(ax, y, text, away, **looks):
    ax.annotate(text, (1, y), (away, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                annotation_clip=False, **looks)  # fmt: skip


def _legend(ax):
    """Name the colours below the panel."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.transforms import ScaledTranslation

    handles: list = [Patch(fc=colour, label=level) for level, colour in palette.HEALTH.items() if level != NO_TRAFFIC]
    handles.append(Patch(fc=palette.HEALTH["< 50 %"], ec=palette.PAPER, hatch="////", lw=0, label="late, none lost"))
    handles.append(Line2D([], [], color=palette.RULE, lw=0.9, label=NO_TRAFFIC))
    handles.append(Patch(fc="none", ec="black", lw=2, label="fault"))
    inches = ax.get_figure(root=True).get_size_inches()[0] * ax.get_position().width
    columns = max(2, min(len(handles), int(inches / 1.05)))
    below = ax.transAxes + ScaledTranslation(0, -38 / 72, ax.get_figure(root=True).dpi_scale_trans)
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, ncols=columns,
              handlelength=1.4, handleheight=1.0, columnspacing=1.5, borderpad=0, borderaxespad=0)  # fmt: skip
