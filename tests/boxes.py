"""What the tests of pictures measure: the boxes of everything that is written, and how small it is."""

from matplotlib.text import Text


def texts(figure):
    """Return every visible text of a figure that says something, after a layout."""
    figure.draw_without_rendering()
    away = _ticks_out_of_sight(figure)
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and t not in away]


def _ticks_out_of_sight(figure):
    away = set()
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low <= tick.get_loc() <= high:
                away |= {tick.label1, tick.label2}
    return away


def overlaps(figure, slack=0.5):
    """Return the pairs of texts whose boxes overlap by more than `slack` [pixels]."""
    written = texts(figure)
    boxes = [(t.get_text(), t.get_window_extent()) for t in written]
    return [
        (one, other)
        for i, (one, a) in enumerate(boxes)
        for other, b in boxes[i + 1 :]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > slack and min(a.y1, b.y1) - max(a.y0, b.y0) > slack
    ]


def outside(figure, slack=1.0):
    """Return the texts that the edge of the figure cuts off."""
    page = figure.bbox
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts(figure)]
    return [
        text
        for text, box in boxes
        if box.x0 < page.x0 - slack or box.y0 < page.y0 - slack or box.x1 > page.x1 + slack or box.y1 > page.y1 + slack
    ]


def hidden(figure):
    """Return the labels that found no room."""
    figure.draw_without_rendering()
    return [t.get_text() for ax in figure.axes for t in ax.texts if not t.get_visible()]


def readable(figure):
    """Check what every picture has to keep: no text overlaps, is cut off, lost, or smaller than 8 points."""
    assert overlaps(figure) == []
    assert outside(figure) == []
    assert hidden(figure) == []
    assert [t.get_text() for t in texts(figure) if t.get_fontsize() < 8] == []
