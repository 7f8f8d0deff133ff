"""The shared legend of message kinds: those that a picture shows, each with its line and its head."""

from matplotlib.legend_handler import HandlerBase
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from rehearsal.draw import palette
from rehearsal.draw.pen import measure

ORDER = ("call", "command", "event", "compensation", "lost", "reply")
FOOT = 30.0  # height of a legend below a sheet [pt]
HANDLE, SPACE = 31.0, 24.0  # width of a handle, and of what is free beside a text [pt]


class Arrow(Line2D):
    """Stand for one kind of message in a legend."""

    def __init__(self, kind):
        line = palette.KINDS[kind]
        super().__init__([], [], color=line.colour, linestyle=line.dash, linewidth=line.width)
        self.kind = kind


class ArrowHandler(HandlerBase):
    """Draw the line of a kind and its head, as in the picture."""

    def create_artists(self, legend, orig_handle, xdescent, ydescent, width, height, fontsize, trans):
        """Return the two artists in the space that the legend leaves them."""
        line = palette.KINDS[orig_handle.kind]
        middle, base = height / 2 - ydescent, width - xdescent - 9
        shaft = Line2D([-xdescent, base], [middle, middle], solid_capstyle="butt", dash_capstyle="butt")
        shaft.set(color=line.colour, linestyle=line.dash, linewidth=line.width, transform=trans)
        corners = [(base + 9, middle), (base, middle + 4), (base, middle - 4)]
        face = line.colour if line.filled else palette.PAPER
        tip = Polygon(corners, closed=True, facecolor=face, edgecolor=line.colour, linewidth=1.2, transform=trans)
        return [shaft, tip]


def arrows(kinds):
    """Return the handles of the kinds that are told apart, in the house order; a request counts as a call."""
    shown = {"call" if kind == "request" else kind: True for kind in kinds}
    return [Arrow(kind) for kind in ORDER if kind in shown]


def legend(place, kinds, extra=(), columns=None, **where):
    """Add the legend of `kinds` to an Axes or a Figure, after the handles `extra`; return it, if any."""
    handles = [*extra, *arrows(kinds)]
    if not handles:
        return None
    words = [_words(handle) for handle in handles]
    how = {"ncols": columns or len(handles), "handlelength": 3.4, "columnspacing": 1.8, "borderaxespad": 0.0,
           "frameon": False, "fontsize": 9, "handler_map": {Arrow: ArrowHandler()}, **where}  # fmt: skip
    return place.legend(handles, words, **how)


def width(kinds, extra=()):
    """Return how wide the legend is in one row [pt]."""
    words = [_words(handle) for handle in [*extra, *arrows(kinds)]]
    return sum(HANDLE + SPACE + measure(text, 9)[0] for text in words)


def _words(handle):
    return palette.KIND_LABELS[handle.kind] if isinstance(handle, Arrow) else handle.get_label()


def below(ax, kinds, extra=(), columns=None):
    """Add the legend below a sheet, starting at its left edge."""
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure(root=True)
    lower = ax.transAxes + ScaledTranslation(0, -10 / 72, figure.dpi_scale_trans)
    return legend(ax, kinds, extra, columns, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=lower)


def under(figure, kinds, extra=(), columns=None):
    """Add the legend at the foot of a figure, in its middle."""
    height = figure.get_size_inches()[1] * 72
    return legend(figure, kinds, extra, columns, loc="lower center", bbox_to_anchor=(0.5, 8 / height))
