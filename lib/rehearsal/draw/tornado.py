"""The tornado: how far each assumption, moved within its range, moves the difference of two systems, and what flips."""

from math import isfinite, isnan

from rehearsal.draw import house, palette, pen
from rehearsal.draw.assumptions import APART, BAR, bars_of, parts_of
from rehearsal.draw.quantities import differs_by, opening, place, plain, said, unit_of
from rehearsal.draw.show import describe
from rehearsal.draw.winners import faces, patch
from rehearsal.experiments import NOBODY
from rehearsal.experiments.numbers import several

PAD, DOT, LEAST = 10.0, 6.5, 200.0  # space beside a label, width of a dot, and width of all bars at least [pt]


def tornado(frame, *, xlabel=None, ax=None, title=None, subtitle=None):
    """Draw the frame of `sensitivity`: two bars an assumption, from the base to its two ends, and return the Axes.

    Bars end at the paired difference, the second system minus the first, with its interval as a whisker; beyond the
    line at zero the other system is better. A bar looks like its winner (dark: the first, light: the second, hatched:
    no difference), and one that flips the verdict says so in bold, and from which value on. Values tried in between are
    dots that look like their winners, on the bar of the end to which they are on the way, or they have a bar of their
    own where they are on the way to none. The widest swing is at the top.
    """
    base, _ = parts_of(frame)
    groups = bars_of(frame)
    bars = [bar for group in groups.values() for bar in group]
    rows = len(bars) * BAR + len(groups) * APART
    with house.style():
        ax = house.panel(ax, 9.0, 1.6 + 0.62 * max(2, rows))
        ax.set(ylim=(rows - 0.4, -0.95), xlabel=xlabel or _xlabel(frame))
        middles = [(group[0].y + group[-1].y + BAR) / 2 for group in groups.values()]
        ax.set_yticks(middles, [_assumption(frame, name) for name in groups])
        ax.grid(axis="x")
        ax.grid(visible=False, axis="y")
        for bar in bars:
            _bar(ax, frame, base, bar)
        ax.axvline(0, color=palette.INK, lw=1.4, zorder=4, gid="zero")
        ax.axvline(_factor(frame) * base["mean"], color=palette.GREY, lw=1.2, ls=palette.DASHED, zorder=4, gid="base")
        _limits(ax, frame, base, bars)
        _sides(ax, frame)
        heads = title or opening(message(frame)), look(frame) if subtitle is None else subtitle
        house.folded(ax, *heads)
    return describe(ax, sentence(frame))


def message(frame):
    """Say which assumptions flip the verdict, or that none does.

    >>> from rehearsal.experiments import sensitivity
    >>> def recipe(seed, style, latency, hops): return latency * hops if style == "calls" else 30
    >>> base, ranges = {"latency": 5, "hops": 4}, {"latency": (1, 10), "hops": (3, 5)}
    >>> message(sensitivity(recipe, base, ranges, "value", between=("style", "calls", "bus"), seeds=2))
    '1 of 2 assumptions flips the verdict: latency'
    """
    base, rows = parts_of(frame)
    flip = list(dict.fromkeys(row["assumption"] for row in rows if row["flips"]))
    many = len(dict.fromkeys(row["assumption"] for row in rows))
    if flip:
        return f"{len(flip)} of {many} assumptions flip{'s' if len(flip) == 1 else ''} the verdict: {several(flip)}"
    if not base["n"]:
        return "nothing could be compared at the base, so no verdict flips"
    if base["winner"] == NOBODY:
        return f"no difference is told, whichever of {many} assumptions moves"
    return f"none of {many} assumptions flips the verdict: {base['winner']} is never beaten"


def look(frame):
    """Say what the bars are, and the dots if there are any."""
    base, _ = parts_of(frame)
    dots = any(bar.between for bars in bars_of(frame).values() for bar in bars)
    what = "one assumption moved to an end of its range, with interval"
    return f"dashed: the base, {verdict(frame, base)}; bars: {what}" + "; dots: in between" * dots


def verdict(frame, row):
    """Say who is better in a row, and by how much."""
    if row["winner"] == NOBODY:
        return NOBODY if row["n"] else "nothing could be compared"
    return f"{row['winner']} better by {said(frame, frame.attrs['metric'], abs(row['mean']), points=True)}"


def sentence(frame):
    """Say in words what the picture shows: the verdict at the base and at every value tried, and where it flips."""
    base, rows = parts_of(frame)
    flip = {id_of(bar.row): bar.flip(named=False) for bars in bars_of(frame).values() for bar in bars}
    told = []
    for row in rows:
        words = flip.get(id_of(row), "flips" * row["flips"])
        where = f"{row['assumption']} = {place(row['value'])}"
        told.append(f"{where}: {verdict(frame, row)}" + (f" ({words})" if words else ""))
    metric = plain(frame, frame.attrs["metric"])
    parts = [f"Tornado of {metric}; {message(frame)}", f"Base: {verdict(frame, base)}", "; ".join(told)]
    return " ".join(f"{part}." for part in parts if part)


def _factor(frame):
    return 100 if unit_of(frame, frame.attrs["metric"]) == "share" else 1


def _xlabel(frame):
    (one, other), metric = frame.attrs["names"], frame.attrs["metric"]
    return f"difference in {plain(frame, metric)}, {other} − {one}{differs_by(frame, metric)}"


def _assumption(frame, name):
    return f"{name}\n(base: {place(frame.attrs['base'].get(name, ''))})"


def _bar(ax, frame, base, bar):
    """Draw the bar of one end, with its words."""
    factor, row, words = _factor(frame), bar.row, bar.written()
    start, end, middle = factor * base["mean"], factor * row["mean"], bar.y + BAR / 2
    looks, gid = faces(frame.attrs["names"])[row["winner"]], id_of(row)
    shape = patch(looks, (start, bar.y), end - start, BAR, gid=f"bar:{gid}")
    shape.set_linewidth(2.4 if row["flips"] else 1.0)
    shape.set_edgecolor(palette.INK if row["flips"] else looks[1])
    ax.add_patch(shape)
    low, high = (end if isnan(row[e]) else factor * row[e] for e in ("low", "high"))
    ax.plot([low, high], [middle] * 2, color=palette.INK, lw=1.2, zorder=5, gid=f"whisker:{gid}")
    _dots(ax, frame, start, bar)
    right, loud = end >= start, bool(bar.flip())
    ax.annotate(
        words, ((max if right else min)(end, *_reach(frame, bar)), middle), (_gap(bar) if right else -_gap(bar), 0),
        textcoords="offset points", ha="left" if right else "right", va="center", fontsize=9, zorder=6,
        fontweight="bold" if loud else "normal", color=palette.DOWN if loud else palette.INK,
        gid=f"value:{gid}", path_effects=_halo(),
    )  # fmt: skip


def _dots(ax, frame, start, bar):
    """Draw a dot for each value in between, and a line to those that lie beyond the bar."""
    factor, middle = _factor(frame), bar.y + BAR / 2
    at = [factor * row["mean"] for row in bar.between]
    if at:
        ends = [min(start, *at), max(start, *at)]
        ax.plot(ends, [middle] * 2, color=palette.GREY, lw=1.2, zorder=1.9, gid=f"span:{id_of(bar.row)}")
    for x, row in zip(at, bar.between, strict=True):
        face = palette.GREY if row["winner"] == NOBODY else faces(frame.attrs["names"])[row["winner"]][0]
        ring, wide = (palette.INK, 2.0) if row["flips"] else (palette.PAPER, 1.0)
        ax.plot([x], [middle], "o", ms=DOT, mfc=face, mec=ring, mew=wide, zorder=5.5, gid=f"dot:{id_of(row)}")


def id_of(row):
    """Return what a row of `sensitivity` is called in the picture."""
    end = row["end"] if row["end"] != "between" else place(row["value"])
    return f"{row['assumption']}:{end}"


def _reach(frame, bar):
    """Return where there is something of a bar beside its base: its end, its interval and its dots."""
    told = [bar.row[e] for e in ("mean", "low", "high")] + [row["mean"] for row in bar.between]
    return [_factor(frame) * x for x in told if isfinite(x)]


def _limits(ax, frame, base, bars):
    """Leave room beside the bars for their words, and on each side of zero for whose side it is."""
    left, right = _words(frame, base, bars)
    low, high = min(at for at, _ in left), max(at for at, _ in right)
    if low == high:  # nothing differs anywhere
        ax.set_xlim(low - 1, high + 1)
        return

    def span(scale):
        """Return the limits where a point is worth `scale`."""
        return min(at - w * scale for at, w in left), max(at + w * scale for at, w in right)

    fine, figure = (high - low) / LEAST, ax.get_figure(root=True)
    low, high = span(fine)
    ax.set_xlim(low, high)  # or else words stick out, and the layout makes the panel narrow for them
    house.grow(ax, (high - low) / fine, 0.0)
    figure.draw_without_rendering()
    room = ax.get_window_extent().width * 72 / figure.dpi
    for _ in range(40):  # what a point is worth depends on the limits
        low, high = span((high - low) / room)
    ax.set_xlim(low, high)


def _words(frame, base, bars):
    """Return for the left and the right [(where a text begins, how wide it is with its space)]."""
    one, other = (_side_width(frame, which) for which in (0, 1))
    left, right = ([(0.0, width)] for width in ((other, one) if _less(frame) else (one, other)))
    for bar in bars:
        wide, reach = pen.measure(bar.written(), 9, bool(bar.flip()))[0] + _gap(bar) + PAD / 2, _reach(frame, bar)
        onwards = bar.row["mean"] >= base["mean"]
        left.append((min(reach), PAD if onwards else wide))
        right.append((max(reach), wide if onwards else PAD))
    return left, right


def _gap(bar):
    """Return the space between the end of a bar and its words [pt]."""
    return (PAD + DOT * bool(bar.between)) / 2


def _less(frame):
    return frame.attrs["better"] == "less"


def _side_width(frame, which):
    return pen.measure(f"◂ {frame.attrs['names'][which]} is better", 9, True)[0] + PAD


def _sides(ax, frame):
    """Write at the top of each side of zero who is better there."""
    one, other = frame.attrs["names"]
    right, left = (one, other) if _less(frame) else (other, one)
    for said_, dx, ha in ((f"◂ {left} is better", -6, "right"), (f"{right} is better ▸", 6, "left")):
        ax.annotate(said_, (0, -0.7), (dx, 0), textcoords="offset points", ha=ha, va="center", fontsize=9,
                    fontweight="bold", color=palette.GREY, gid="side", path_effects=_halo(), zorder=6)  # fmt: skip


def _halo():
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3, foreground=palette.PAPER)]
