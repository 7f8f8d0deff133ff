"""The waterfall of one request: a row a message, a bar for its work, time from left to right.

A call nests under its caller, whose pale bar is time spent blocked. An event nests under nobody: a dot is where it was
published, the dots after it are time on its topic. So the shape says what sort of system it is.
"""

from itertools import pairwise

from rehearsal.draw import house, palette, words
from rehearsal.draw.clock import clock, ticks
from rehearsal.draw.labels import FOLDED, Spot, placer, short
from rehearsal.draw.labels import fold as folding
from rehearsal.draw.pen import measure
from rehearsal.draw.rows import rows
from rehearsal.draw.show import describe
from rehearsal.draw.timeline import row_of, scene
from rehearsal.units import pretty
from rehearsal.verdicts import troubles

ROW, LINE = 21.0, 13.0  # height of a row, and of a line of words over the rows [pt]
BAR = 0.56  # height of a bar, of its row
INDENT = 13.0  # of a call under its caller [pt]
MOST = 40  # rows that are drawn; the rest is counted
WIDE = 430.0  # what the panel is taken to be wide at least [pt]
NAMES = 30  # where names are folded [characters]


def waterfall(run, request=0, *, ax=None, title=None, subtitle=None, span=None, fold=None):
    """Draw the waterfall of one request, given as its row or as (kind, number), and return the panel.

    `span` = (from, to) [ms since the offer] shows a part; `fold`: None folds quiet stretches where they would crush the
    rest (a white tear says how long), False never, True wherever one is long. A panel that is too small makes its
    figure grow.
    """
    one = _Cascade(run, row_of(run, request))
    time, widths = _clock([one], span, fold), _widths([one])
    with house.style():
        ax = house.panel(ax, _page(widths), (_height(one, time) + 90) / 72)
        house.grow(ax, 0.0, _height(one, time))
        _draw(ax, one, time, widths)
        house.folded(ax, title or one.scene.headline, _look(one) if subtitle is None else subtitle)
    return describe(ax, sentence(run, one, time))


def waterfall_pair(a, b, request=0, *, titles=(None, None), subtitles=(None, None), span=None, fold=None):
    """Draw the same request in two runs, one above the other on one time axis, and return the figure."""
    import matplotlib.pyplot as plt

    both = [_Cascade(run, row_of(run, request)) for run in (a, b)]
    time, widths = _clock(both, span, fold), _widths(both)
    heights = [_height(one, time) for one in both]
    with house.style():
        figure, panels = plt.subplots(2, 1, figsize=(_page(widths), (sum(heights) + 150) / 72), height_ratios=heights)
        for run, one, ax, name, look in zip((a, b), both, panels, titles, subtitles, strict=True):
            _draw(ax, one, time, widths)
            ended = one.scene.headline.replace(": ", " ").lower()
            words_above = name or f"{words.capital(run.system.name)}: {ended}"
            house.folded(ax, words_above, _look(one) if look is None else look)
            describe(ax, sentence(run, one, time))
        panels[0].set_xlabel("")
        # Both panels leave the same room for words to the right of their bars.
        right = max(ax.get_xlim()[1] for ax in panels)
        for ax in panels:
            ax.set_xlim(0, right)
    return figure


class _Cascade:
    """Hold what there is to draw of one request: its rows, what was down when, and how it ended."""

    def __init__(self, run, row):
        self.scene, self.troubles, self.placed = scene(run, row), troubles(run), run.table.offered[row]
        self.all, self.last = rows(run, row)
        self.rows = self.all[:MOST]
        self.more = len(self.all) - len(self.rows)

    def moments(self):
        """Return every moment at which a row begins or ends [ms]."""
        return {t for r in self.rows for t in (r.sent, r.start, r.end, r.works, r.zombie)}


def _clock(both, span, fold):
    first, last = span if span is not None else (0.0, max(one.last for one in both))
    moments = sorted({first, last, *(t for one in both for t in one.moments() if first <= t <= last)})
    # A bar says its length in words, so only a stretch that takes most of the axis is worth a tear.
    if fold is None and max((b - a for a, b in pairwise(moments)), default=0.0) <= 0.5 * (last - first):
        fold = False
    return clock(moments, first, last, fold)


def _shades(one, time):
    """Return [(from, to, trouble)] of what struck a service of these rows while the axis lasts [ms]."""
    first, last, there = time.times[0], time.times[-1], {row.service for row in one.all}
    windows = [(max(t.at - one.placed, first), min(t.until - one.placed, last), t) for t in one.troubles]
    return [(start, end, t) for start, end, t in windows if start < end and there & {*t.struck}]


def _height(one, time):
    over = LINE * (len(_shades(one, time)) + bool(time.folds)) + 8
    return ROW * (len(one.rows) + bool(one.more)) + over + 6


def _widths(both):
    """Return how wide the columns of names and of operations are [pt]."""
    found = [r for one in both for r in one.rows]
    services = [measure(name, size)[0] + INDENT * r.depth for r in found for name, size in [_folded(r.service, 9.0)]]
    return max(services), max(measure(*_folded(r.name, 8.5))[0] for r in found)


def _folded(name, size):
    """Return a name as it is written, and its size [pt]."""
    said = folding(name, NAMES)
    return said, FOLDED if "\n" in said else size


def _page(widths):
    """Return how wide the page is [inches]: so that bars and their words have room beside the names."""
    return max(10.0, (sum(widths) + WIDE) / 72)


def _draw(ax, one, time, widths):
    rows = len(one.rows) + bool(one.more)
    ax.set_ylim(rows - 0.5 + 6 / ROW, rows - 0.5 - (_height(one, time) - 6) / ROW)
    for place, row in enumerate(one.rows):
        _names(ax, place, row, widths)
    _axes(ax, one, time)
    _down(ax, one, time)
    for place, row in enumerate(one.rows):
        _row(ax, place, row, time)
    if one.more:
        ax.text(0.0, len(one.rows), f"and {one.more:,} more messages", fontsize=9, color=palette.GREY, va="center")
    _end(ax, one, time)
    _tears(ax, one, time)


def _axes(ax, one, time):
    marks, unit = ticks(time)
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()  # so that the layout knows how wide the panel will be
    wide = ax.get_window_extent().width * 72 / figure.dpi
    ends = [(time.place(min(max(r.end, r.zombie), time.times[-1])), measure(r.words, 8.5)[0] + 20) for r in one.rows]
    right = max(time.length, *(end / max(0.3, 1 - width / wide) for end, width in ends))
    ax.set_xlim(0, right)
    ax.set_yticks([])
    ax.set_xticks([place for place, _ in marks], [said for _, said in marks])
    ax.grid(False)
    ax.grid(True, axis="x")
    ax.set_xlabel(f"{'seconds' if unit == 's' else 'milliseconds'} since the {one.scene.kind} was placed")


def _down(ax, one, time):
    """Shade what was wrong over all rows, and hatch it on the rows of whom it struck down."""
    from matplotlib.patches import Rectangle

    for line, (start, end, trouble) in enumerate(_shades(one, time)):
        left, right = time.place(start), time.place(end)
        ax.axvspan(left, right, color=palette.BAND, lw=0, zorder=0)
        top = -0.5 - (4 + LINE * line) / ROW
        said = short(trouble.label)
        middle, half = (left + right) / 2, measure(said, 9, True)[0] / 2 * ax.get_xlim()[1] / WIDE
        x, ha = (0.0, "left") if middle < half else (middle, "center")
        ax.text(x, top, said, fontsize=9, fontweight="bold", ha=ha, va="bottom", gid="fault", zorder=9)
        for place, row in enumerate(one.rows):
            if trouble.down and row.service in trouble.struck:
                ax.add_patch(Rectangle((left, place - 0.42), right - left, 0.84, fc=palette.DOWN_FACE, ec=palette.DOWN,
                                       hatch="////", lw=0, alpha=0.45, zorder=0.5, gid="down"))  # fmt: skip


def _names(ax, place, row, widths):
    """Write whose row it is, indented under its caller, and what was done."""
    looks: dict = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "va": "center",
                   "annotation_clip": False}  # fmt: skip
    left = -(widths[0] + widths[1] + 24) + INDENT * row.depth
    (service, high), (name, low) = _folded(row.service, 9.0), _folded(row.name, 8.5)
    ax.annotate(service, (0, place), (left, 0), fontsize=high, gid="service", **looks)
    colour = palette.DOWN if row.bad else palette.GREY
    ax.annotate(name, (0, place), (-8, 0), fontsize=low, ha="right", color=colour, gid="name", **looks)


def _row(ax, place, row, time):
    first, last = time.times[0], time.times[-1]
    sent, start, end, works, zombie = (
        time.place(min(max(t, first), last)) for t in (row.sent, row.start, row.end, row.works, row.zombie)
    )
    colour = palette.KINDS["call" if row.style == "work" else row.style].colour  # what is done in process is own work
    least = 0.004 * ax.get_xlim()[1]  # so that the shortest work can be seen
    if row.linked and first <= row.sent <= last:
        ax.plot(sent, place, "o", ms=4.5, color=colour, zorder=4, gid="published")
    if start > sent:
        ax.plot([sent, start], [place] * 2, color=colour, ls=palette.DOTTED, lw=1.8, zorder=3, gid="waits")
    if row.start <= last and row.end >= first and not row.words.startswith(("still waits", "on its way")):
        face, edge = _looks(row, colour)
        _bar(ax, start, place, max(end - start, least), fc=face, ec=edge, zorder=4, gid="bar")
    if row.zombie > row.end and row.zombie >= first:
        if works > end:
            ax.plot([end, works], [place] * 2, color=palette.GREY, ls=palette.DOTTED, lw=1.8, zorder=3, gid="waits")
        _bar(ax, works, place, max(zombie - works, least), fc=palette.PAPER, ec=palette.GREY, ls=(0, (2, 1.5)),
             zorder=3.9, gid="zombie")  # fmt: skip
    tip = max(end, start + least)
    if row.bad:
        ax.plot(tip, place, marker="x", ms=7.5, mew=2.2, color=palette.DOWN, zorder=6, gid="cross")
    _words(ax, max(zombie, tip), place, row)


def _bar(ax, x, place, width, **looks):
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x, place - BAR / 2), width, BAR, lw=0.9, **looks))


def _looks(row, colour):
    """Return face and edge of a bar: pale where others were at work meanwhile, dark for own work of a call."""
    if row.style in ("request", "call", "work"):
        return (palette.WORK, palette.GREY) if row.busy else (palette.BOX_EDGE, palette.BOX_EDGE)
    return palette.PALE[row.style] if row.busy else colour, colour


def _words(ax, x, place, row):
    from matplotlib import patheffects

    said = ax.annotate(row.words, (x, place), (10 if row.bad else 7, 0), textcoords="offset points", va="center",
                       fontsize=8.5, color=palette.DOWN if row.bad else palette.GREY, zorder=8, gid="words",
                       annotation_clip=False)  # fmt: skip
    said.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=palette.PAPER)])


def _end(ax, one, time):
    """Mark with a thin line and a diamond when the request was settled, in the colour of its fate."""
    settled = one.scene.settled
    if time.times[0] <= settled <= time.times[-1]:
        x, colour = time.place(settled), palette.FATES[one.scene.fate].colour
        ax.axvline(x, color=colour, lw=1.0, ls=(0, (2, 2)), zorder=1, gid="settled")
        ax.plot(x, len(one.rows) - 0.5 + bool(one.more) + 6 / ROW, marker="D", ms=6, color=colour, zorder=9,
                clip_on=False)  # fmt: skip


def _tears(ax, one, time):
    """Draw each folded stretch as a white tear down the page, with the time that passes in it above."""
    from matplotlib import patheffects
    from matplotlib.transforms import IdentityTransform
    from numpy import linspace, pi, sin

    low, high = ax.get_ylim()
    top = -0.5 - (4 + LINE * len(_shades(one, time))) / ROW
    labels = []
    for a, b in time.folds:
        left, right = time.place(a), time.place(b)
        width = right - left
        edges = [left + 0.35 * width, right - 0.35 * width]
        ys = linspace(high, low, 200)
        ax.axvspan(*edges, color=palette.PAPER, lw=0, zorder=7)
        for x in edges:
            ax.plot(x + 0.05 * width * sin(ys * 1.6 * pi), ys, color=palette.RULE, lw=0.9, zorder=7.1, gid="tear")
        text = ax.text(0, 0, f"{pretty(b - a)} pass", transform=IdentityTransform(), fontsize=8.5, style="italic",
                       color=palette.GREY, ha="left", va="bottom", zorder=9, gid="pass")  # fmt: skip
        text.set_in_layout(False)
        text.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=palette.PAPER)])
        leader = ax.plot([], [], transform=IdentityTransform(), lw=0, in_layout=False)[0]
        spots = [Spot((left + right) / 2, top, dx, 0, "center", "bottom", abs(dx) / 10) for dx in range(-120, 121, 10)]
        labels.append((text, spots, leader))
    placer(ax, labels, [t for t in ax.texts if t.get_gid() == "fault"], [])


def _look(one):
    linked = any(row.linked for row in one.rows)
    nested = any(row.depth > 1 for row in one.rows)
    told = ["nested: a pale bar is time somebody spends blocked"] * nested
    told += ["linked, not nested: a dot is the publishing, the dots are time on the way and on the topic"] * linked
    return "; ".join(told) or "a bar is work; a pale one is time somebody waits"


def sentence(run, one, time):
    """Say in words what the picture shows, from the same rows."""
    shown = "; ".join(f"{row.service} {row.name} {row.words}" for row in one.rows[:14])
    more = f"; and {len(one.all) - 14} more" if len(one.all) > 14 else ""
    faults = "".join(f" {t.label} from {pretty(a)} to {pretty(b)}." for a, b, t in _shades(one, time))
    return f"Waterfall of {one.scene.headline} in {run.system.name}: {shown}{more}.{faults}"
