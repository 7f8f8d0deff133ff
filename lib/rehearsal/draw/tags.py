"""The labels of edges: a name, how many messages, and in red how many failed."""

from typing import NamedTuple

from rehearsal.draw import palette, pen


def numbers(data):
    """Return what is written below an edge: how many messages, and how many failed ("" for none)."""
    return (f"{data['count']:,}" if data["count"] else ""), (f"✗{data['failures']:,}" if data["failures"] else "")


class Tag(NamedTuple):
    """Hold an edge's label and its size [pt].

    It is "split" by its line (the name above, the numbers below), "flat" (all in one row), or a "block"
    beside its line, with the rank of the message and what failed.
    """

    name: str
    number: str
    failed: str
    form: str
    width: float
    above: float
    below: float


def tag(data, form="split", limit=14, rank=""):
    """Return the Tag of an edge, its name broken at `limit` characters (0: no name), after its `rank`."""
    count, failed = numbers(data)
    name = data["name"] if form == "flat" else pen.wrap(data["name"], limit or 14)
    if form == "block":
        count, name = "", f"{rank} {name if limit else ''}".strip()
    width, height = pen.measure(name, pen.LABEL)
    below = pen.measure(f"{count} {failed}".strip(), pen.SMALL, bool(failed))[0] if count or failed else 0.0
    if form == "flat":
        return Tag(name, count, failed, form, width + below + (9 if below else 4), height, 0.0)
    return Tag(name, count, failed, form, max(width, below) + 4, height, pen.SMALL * 1.25 if below else 0.0)


def write(ax, label, at, colour, inline=False):
    """Write a Tag with its middle at a point; `inline`: over its line, which is interrupted."""
    from matplotlib.patches import Rectangle

    x, y = at
    if inline:
        corner = x - label.width / 2 + 1, y - label.above / 2
        ax.add_patch(Rectangle(corner, label.width - 2, label.above, fc="white", ec="none", zorder=3))
    parts = [(label.number, palette.GREY, False), (label.failed, palette.KINDS["lost"].colour, True)]
    widths = [pen.measure(words, pen.SMALL, bold)[0] if words else 0.0 for words, _, bold in parts]
    left = x - (sum(widths) + (4.0 if all(widths) else 0.0)) / 2
    low, how = y + 2.5, {"ha": "left", "va": "top"}
    if label.form == "flat":
        wide = pen.measure(label.name, pen.LABEL)[0]
        pen.text(ax, x - label.width / 2 + 2, y, label.name, colour=colour, ha="left", va="center_baseline")
        left, low, how = x - label.width / 2 + wide + 6, y, {"ha": "left", "va": "center_baseline"}
    else:
        middle = (label.above - label.below) / 2 if label.form == "block" else -2.0
        low = y + middle if label.form == "block" else low
        pen.text(ax, x, y + middle, label.name, colour=colour, va="bottom")
    for (words, shade, bold), wide in zip(parts, widths, strict=True):
        if words:
            pen.text(ax, left, low, words, pen.SMALL, shade, fontweight="bold" if bold else "normal", **how)
            left += wide + 4.0
