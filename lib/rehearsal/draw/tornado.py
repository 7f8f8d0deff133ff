"""The tornado: how far each assumption, moved within its range, moves the difference of two systems, and what flips."""

from math import isfinite, isnan

from rehearsal.draw import house, palette, pen
from rehearsal.draw.quantities import differs_by, opening, place, plain, said, unit_of
from rehearsal.draw.show import describe
from rehearsal.draw.winners import faces, patch
from rehearsal.experiments import NOBODY
from rehearsal.experiments.numbers import several

BAR, PAD = 0.36, 10.0  # height of a bar in rows; space beside its label [pt]


def tornado(frame, *, xlabel=None, ax=None, title=None, subtitle=None):
    """Draw the frame of `sensitivity`: two bars an assumption, from the base to its two ends, and return the Axes.

    Bars end at the paired difference, the second system minus the first, with its interval as a whisker; beyond the
    line at zero the other system is better. A bar looks like its winner (dark: the first, light: the second, hatched:
    no difference), and one that flips the verdict says so in bold. The widest swing is at the top.
    """
    base, rows = parts_of(frame)
    names = list(dict.fromkeys(row["assumption"] for row in rows))
    with house.style():
        ax = house.panel(ax, 9.0, 1.6 + 0.62 * max(2, len(names)))
        ax.set(ylim=(len(names) - 0.4, -0.95), xlabel=xlabel or _xlabel(frame))
        ax.set_yticks(range(len(names)), [_assumption(frame, name) for name in names])
        ax.grid(axis="x")
        ax.grid(visible=False, axis="y")
        for row in rows:
            _bar(ax, frame, base, row, names.index(row["assumption"]))
        ax.axvline(0, color=palette.INK, lw=1.4, zorder=4, gid="zero")
        ax.axvline(base["mean"], color=palette.GREY, lw=1.2, ls=palette.DASHED, zorder=4, gid="base")
        _limits(ax, frame, base, rows)
        _sides(ax, frame)
        heads = title or opening(message(frame)), look(frame) if subtitle is None else subtitle
        house.folded(ax, *heads)
    return describe(ax, sentence(frame))


def parts_of(frame):
    """Return (the row of the base, the rows of the ends) of a frame of `sensitivity`, or say that it is none."""
    if "base" not in frame.attrs:
        raise ValueError("this is no frame of `sensitivity`: it has no attrs['base']")
    base, *rows = frame.to_dict("records")
    return base, [row for row in rows if isfinite(row["mean"])]


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
    if base["winner"] == NOBODY:
        return f"no difference is told, whichever of {many} assumptions moves"
    return f"none of {many} assumptions flips the verdict: {base['winner']} is never beaten"


def look(frame):
    """Say what the bars are."""
    base, _ = parts_of(frame)
    return f"dashed: the base, {verdict(frame, base)}; bars: one assumption moved to an end of its range, with interval"


def verdict(frame, row):
    """Say who is better in a row, and by how much."""
    if row["winner"] == NOBODY:
        return NOBODY
    return f"{row['winner']} better by {said(frame, frame.attrs['metric'], abs(row['mean']), points=True)}"


def written(frame, row):
    """Return what stands beside a bar: the value of its end, and whether that flips the verdict."""
    value = place(row["value"])
    if row["flips"]:
        return f"{value}: flips to {row['winner']}"
    return f"{value}: {NOBODY}" if row["winner"] == NOBODY else str(value)


def sentence(frame):
    """Say in words what the picture shows: the verdict at the base and at both ends of each range."""
    base, rows = parts_of(frame)
    ends = [
        f"{row['assumption']} = {place(row['value'])}: {verdict(frame, row)}{' (flips)' if row['flips'] else ''}"
        for row in rows
    ]
    metric = plain(frame, frame.attrs["metric"])
    return f"Tornado of {metric}; {message(frame)}. Base: {verdict(frame, base)}. {'; '.join(ends)}."


def _factor(frame):
    return 100 if unit_of(frame, frame.attrs["metric"]) == "share" else 1


def _xlabel(frame):
    (one, other), metric = frame.attrs["names"], frame.attrs["metric"]
    return f"difference in {plain(frame, metric)}, {other} − {one}{differs_by(frame, metric)}"


def _assumption(frame, name):
    return f"{name}\n(base: {place(frame.attrs['base'].get(name, ''))})"


def _bar(ax, frame, base, row, place):
    """Draw the bar of one end: that said first is the upper one."""
    factor, upper = _factor(frame), row["end"] == "low"
    start, end = factor * base["mean"], factor * row["mean"]
    y = place + (-BAR if upper else 0.0)
    looks, gid = faces(frame.attrs["names"])[row["winner"]], f"{row['assumption']}:{row['end']}"
    bar = patch(looks, (start, y), end - start, BAR, gid=f"bar:{gid}")
    bar.set_linewidth(2.4 if row["flips"] else 1.0)
    bar.set_edgecolor(palette.INK if row["flips"] else looks[1])
    ax.add_patch(bar)
    low, high = (end if isnan(row[e]) else factor * row[e] for e in ("low", "high"))
    ax.plot([low, high], [y + BAR / 2] * 2, color=palette.INK, lw=1.2, zorder=5, gid=f"whisker:{gid}")
    right = end >= start
    ax.annotate(
        written(frame, row), (max(end, high) if right else min(end, low), y + BAR / 2), (5 if right else -5, 0),
        textcoords="offset points", ha="left" if right else "right", va="center", fontsize=9, zorder=6,
        fontweight="bold" if row["flips"] else "normal", color=palette.DOWN if row["flips"] else palette.INK,
        gid=f"value:{gid}", path_effects=_halo(),
    )  # fmt: skip


def _limits(ax, frame, base, rows):
    """Leave room beside the bars for their words, and on each side of zero for whose side it is."""
    factor, figure = _factor(frame), ax.get_figure(root=True)
    ends: dict = {True: [(0.0, _side_width(frame, 0 if _less(frame) else 1))],
                  False: [(0.0, _side_width(frame, 1 if _less(frame) else 0))]}  # fmt: skip
    for row in rows:
        right = row["mean"] >= base["mean"]
        wide = pen.measure(written(frame, row), 9, row["flips"])[0] + PAD
        reach = [factor * row[e] for e in ("mean", "low", "high") if isfinite(row[e])]
        ends[right].append((max(reach) if right else min(reach), wide))
        ends[not right].append((min(reach) if right else max(reach), PAD))
    low, high = min(at for at, _ in ends[False]), max(at for at, _ in ends[True])
    if low == high:  # nothing differs anywhere
        ax.set_xlim(low - 1, high + 1)
        return
    figure.draw_without_rendering()
    room = ax.get_window_extent().width * 72 / figure.dpi
    for _ in range(20):  # what a point is worth depends on the limits
        scale = (high - low) / room
        low, high = min(at - w * scale for at, w in ends[False]), max(at + w * scale for at, w in ends[True])
    ax.set_xlim(low, high)


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
