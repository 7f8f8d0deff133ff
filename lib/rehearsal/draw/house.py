"""What every picture shares: the style, a panel, a title with its grey line, and the band of a fault."""

from contextlib import contextmanager
from math import inf

from rehearsal.draw import palette, words


@contextmanager
def style():
    """Draw inside the house style, and leave the reader's own settings as they were."""
    import matplotlib.pyplot as plt

    with plt.style.context("rehearsal.draw.rehearsal"):
        yield


def panel(ax=None, width=9.0, height=4.0):
    """Return `ax`, or a fresh panel of `width` × `height` [inches] where there is none."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, fresh = plt.subplots(figsize=(width, height))
    return fresh


def pair(width=13.0, height=4.6, sharex=True, sharey=True):
    """Return a figure and two panels side by side on the same axes: one style left, the other right."""
    import matplotlib.pyplot as plt

    with style():
        return plt.subplots(1, 2, figsize=(width, height), sharex=sharex, sharey=sharey)


def grow(ax, width, height):
    """Enlarge the figure of a panel that is smaller than `width` × `height` [pt]: text does not shrink with it."""
    figure = ax.get_figure(root=True)
    for _ in range(2):
        figure.draw_without_rendering()
        have = ax.get_window_extent().size * 72 / figure.dpi
        more = [max(1.0, want / max(has, 1.0)) for want, has in zip((width, height), have, strict=True)]
        if max(more) > 1.001:
            figure.set_size_inches(figure.get_size_inches() * more)


def title(ax, message, look="", lift=0.0):
    """Write the message bold at the left, and under it in grey the one line that says what to look at.

    `lift` [points] leaves room between them and the panel, for a row of headers or a legend.
    """
    ax.set_title(message, loc="left", pad=6 + lift + (5 + 12 * (look.count("\n") + 1) if look else 0))
    if look:
        ax.annotate(
            look, (0, 1), (0, 6 + lift), xycoords="axes fraction", textcoords="offset points",
            color=palette.GREY, fontsize=9, va="bottom", annotation_clip=False,
        )  # fmt: skip


def folded(ax, message, look="", lift=0.0, more=0.0):
    """Write a title as `title` does, in several lines where it is wider than the panel and `more` [pt]."""
    from rehearsal.draw.pen import measure

    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    room = ax.get_window_extent().width * 72 / figure.dpi + more

    def fold(text, size, bold):
        lines = [""]
        for part in text.replace("; ", ";\n").split("\n") if measure(text, size, bold)[0] > room else [text]:
            lines += [""] if lines[-1] else []
            for word in part.split(" "):
                if lines[-1] and measure(f"{lines[-1]} {word}", size, bold)[0] > room:
                    lines.append("")
                lines[-1] += f" {word}" if lines[-1] else word
        return "\n".join(lines)

    title(ax, fold(message, 12, True), fold(look, 9, False), lift)


def band(ax, at, until, label="", clip=float("inf")):
    """Shade the half-open window [at, until) of a fault, in the units of the x axis, with its name above."""
    end = min(until, clip)
    ax.axvspan(at, end, color=palette.BAND, lw=0, zorder=0)
    if label:
        ax.annotate(
            label, ((at + end) / 2, 1), (0, -4), xycoords=ax.get_xaxis_transform(), textcoords="offset points",
            ha="center", va="top", fontsize=9, fontweight="bold",
        )  # fmt: skip


def bands(ax, faults, end):
    """Shade the windows of faults on an x axis in seconds up to `end`, each named where its name overlaps no other.

    Where one name comes very often, as of breakdowns, only the first is written.
    """
    from matplotlib.transforms import IdentityTransform

    from rehearsal.draw.labels import Spot, placer

    labels, named = [], words.named(faults)
    for fault in faults:
        at, until = fault.at / 1000, min(fault.until / 1000, end)
        if at >= end:
            continue
        band(ax, at, until)
        if fault not in named:
            continue
        edges = ((at + until) / 2, "center", 0), (at, "left", 1), (until, "right", 1)
        rows = [(-3 - 12 * row, 3 * row) for row in range(4)]
        spots = [Spot(x, inf, 0, dy, ha, "top", low + bad) for dy, low in rows for x, ha, bad in edges]
        looks = {"fontsize": 9, "fontweight": "bold", "ha": "left", "va": "bottom", "zorder": 9, "gid": "fault"}
        text = ax.text(0, 0, fault.label, transform=IdentityTransform(), **looks)
        text.set_in_layout(False)
        labels.append((text, spots, ax.plot([], [], transform=IdentityTransform(), lw=0, in_layout=False)[0]))
    placer(ax, labels, [], [])


def name_lines(faults, end, width=530.0):
    """Return [(fault, where its name stands, how it is aligned, on which line)] so that no two names touch.

    `end` is that of the x axis in the units of the faults, `width` [pt] how wide the panel is at least.
    """
    from rehearsal.draw.pen import measure

    taken: list = []
    placed = []
    for fault in faults:
        wide = (measure(fault.label, 9, bold=True)[0] + 8) * end / width
        middle = (fault.at + min(fault.until, end)) / 2
        left = min(max(middle - wide / 2, 0.0), max(end - wide, 0.0))
        line = next((i for i, until in enumerate(taken) if until <= left), len(taken))
        taken[line : line + 1] = [left + wide]
        ha = "center" if left == middle - wide / 2 else "left" if left == 0 else "right"
        placed.append((fault, {"center": middle, "left": 0.0, "right": end}[ha], ha, line))
    return placed


def guess(ax, value, unit="", axis="x"):
    """Draw the reader's guess as a dashed line with its value; nothing where there is none yet.

    A guess beyond an axis whose limits are set is written at that edge: far outside, it would take all the room.
    """
    if value is None:
        return
    line, limits = (ax.axvline, ax.get_xlim) if axis == "x" else (ax.axhline, ax.get_ylim)
    line(value, color=palette.DOWN, lw=1.4, ls=(0, (4, 3)), gid="guess")
    low, high = sorted(limits())
    seen, past = min(max(value, low), high), value > high
    ax.annotate(
        f"your guess: {value:g}{unit and ' ' + unit}", (seen, 0.97) if axis == "x" else (0.02, seen),
        (-4 if past else 4, -4) if axis == "x" else (4, -4 if past else 4), textcoords="offset points",
        xycoords=ax.get_xaxis_transform() if axis == "x" else ax.get_yaxis_transform(),
        ha="right" if past and axis == "x" else "left", va="top" if past or axis == "x" else "bottom",
        color=palette.DOWN, fontsize=9,
    )  # fmt: skip
