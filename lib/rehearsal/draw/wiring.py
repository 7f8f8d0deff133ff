"""The wiring chart: services are columns, messages are rows, and nothing crosses.

A square sends, an arrow head handles. Orchestration reads as one stack of squares, choreography as a
staircase.
"""

from typing import NamedTuple

from rehearsal.draw import house, legend, palette, pen
from rehearsal.draw.routes import rounded
from rehearsal.draw.show import describe
from rehearsal.draw.slots import slots
from rehearsal.errors import unknown
from rehearsal.graphs import declared, hub, interactions, messages
from rehearsal.service import CLIENT
from rehearsal.system import System

PITCH = (38.0, 66.0, 84.0)  # of columns: least, usual, widest [pt]
ROW = 30.0  # [pt]
NAMES = 26  # where names of messages are broken [characters]
SLANT = 38.0  # of headers that do not fit in their columns [degrees]
COUNTS = 30.0  # width of the counts [pt]
SQUARE = 4.6  # half the side of a square [pt]


class Chart(NamedTuple):
    """Hold a chart before it is drawn: its columns (a name or None each), its rows, its hub, its places [pt]."""

    name: str
    columns: list
    rows: list
    hub: str | None
    counted: bool
    left: float
    pitch: float
    head: float
    upright: bool
    tail: float  # what the counts need

    def x(self, name):
        """Return the place of a column."""
        return self.left + (self.columns.index(name) + 0.5) * self.pitch

    def y(self, row):
        """Return the height of a row."""
        return self.head + (row + 0.5) * ROW

    @property
    def title(self):
        """Return the title of a chart that was given none."""
        return self.name[:1].upper() + self.name[1:]

    @property
    def height(self):
        """Return the height of the chart."""
        return self.y(max(len(self.rows), 1)) + 12

    @property
    def edge(self):
        """Return where the last column ends."""
        return self.left + len(self.columns) * self.pitch

    @property
    def width(self):
        """Return the width of the chart: columns, counts, and the headers that lean out to the right."""
        lean = 0.0
        if not self.upright:
            lean = max(self.x(n) + pen.measure(pen.wrap(n, 20), 9.5)[0] * 0.79 - self.edge for n in self.columns if n)
        return self.edge + max(self.tail, lean + 2)


def _system(thing):
    return thing if isinstance(thing, System) else thing.system


def columns_of(thing, order=None):
    """Return the names of the columns: the client, then the services as they were declared, or in an `order` given."""
    system = _system(thing)
    given = [getattr(service, "name", service) for service in order or ()]
    for name in given:
        if name not in system.services:
            raise ValueError(unknown("service", str(name), system.services))
    asked = any(CLIENT in row.senders for row in messages(thing))
    return [*([CLIENT] if asked else []), *dict.fromkeys([*given, *system.services])]


def chart(thing, columns, like=(), room=pen.WIDEST):
    """Return the Chart of a run or a system with these columns, in a `room` so wide if it can be [pt].

    `like` are the runs or systems it shares its measures with.
    """
    system, rows, like = _system(thing), messages(thing), like or (thing,)
    names = [name for other in like for name in columns_of(other)]
    every = [row for other in like for row in messages(other)]
    left = 14 + max([30.0, *(pen.measure(pen.wrap(row.name, NAMES), 9.5)[0] for row in every)])
    failed = [pen.measure(f"✗{row.failures:,}", 9, True)[0] + 6 for row in every if row.failures]
    tail = COUNTS + max(failed, default=0.0) if thing is not system else 4.0
    pitch, upright = _pitch(names, len(columns), room - left - tail)
    sizes = [pen.measure(pen.wrap(name, 12 if upright else 20), 9.5) for name in names]
    head = max([h for _, h in sizes] if upright else [w * 0.62 + h * 0.79 for w, h in sizes]) + 8
    graph = declared(system) if thing is system else interactions(thing)
    return Chart(system.name, list(columns), rows, hub(graph), thing is not system, left, pitch, head, upright, tail)


def _pitch(names, count, room):
    """Return the distance of so many columns in a `room` so wide [pt], and whether their names fit upright."""
    least, usual, widest = PITCH
    most = min(widest, room / count)
    need = max(pen.measure(pen.wrap(name, 12), 9.5, True)[0] for name in names) + 7
    if need <= most:
        return max(need, min(usual, most)), True
    return max(least, min(usual, most)), False


def wiring(run, *, ax=None, title=None, subtitle=None, services=None):
    """Draw who sends and who handles each message of a run, or of a system as declared; return the Axes.

    Columns are services as declared, or in the order of `services`; rows are messages in order of first
    occurrence. `n` counts how often each was sent, red how many failed; "sends" the messages of a column.
    """
    plot = chart(run, columns_of(run, services))
    heads = title or plot.title, look(plot) if subtitle is None else subtitle
    foot, least = (legend.FOOT, legend.width(_kinds([plot]), _marks())) if plot.rows else (0.0, 0.0)
    with house.style():
        ax = pen.sheet(ax, plot.width, plot.height, *heads, foot, least=max(380.0, least))
        draw(ax, plot)
        if plot.rows:
            legend.below(ax, _kinds([plot]), _marks())
    return describe(ax, sentence(plot))


def wiring_pair(a, b, *, titles=(None, None), subtitles=(None, None), services=None):
    """Draw the wiring of two styles, each service in the same column of both, and return the figure."""
    columns = list(zip(*slots(columns_of(a, services), columns_of(b, services)), strict=True))
    for room in (pen.HALF, pen.WIDEST):
        plots = [chart(thing, names, (a, b), room) for thing, names in zip((a, b), columns, strict=True)]
        width, height = (max(size) for size in zip(*((p.width, p.height) for p in plots), strict=True))
        if width <= room:
            break
    looks = [look(plot) if words is None else words for words, plot in zip(subtitles, plots, strict=True)]
    heads = [(t or p.title, words) for t, words, p in zip(titles, looks, plots, strict=True)]
    with house.style():
        figure, axes = pen.sheets(width, height, heads, legend.FOOT, legend.width(_kinds(plots), _marks()))
        for ax, plot in zip(axes, plots, strict=True):
            draw(ax, plot)
            describe(ax, sentence(plot))
        legend.under(figure, _kinds(plots), _marks())
    return figure


def draw(ax, plot):
    """Put a Chart on a sheet."""
    last = plot.y(max(len(plot.rows), 1)) - ROW / 2
    for name in filter(None, plot.columns):
        x, bold = plot.x(name), name == plot.hub
        ax.plot([x, x], [plot.head, last], color=palette.RULE, lw=1.2, zorder=1)
        colour = palette.GREY if name == CLIENT else palette.INK
        how: dict = {"ha": "center", "va": "bottom"}
        if not plot.upright:
            how = {"ha": "left", "va": "bottom", "rotation": SLANT, "rotation_mode": "anchor"}
        how |= {"fontweight": "bold" if bold else "normal"}
        pen.text(ax, x, plot.head - 5, pen.wrap(name, 12 if plot.upright else 20), 9.5, colour, f"node:{name}", **how)
        sent = sum(name in row.senders for row in plot.rows)
        pen.text(
            ax, x, last + 12, str(sent or "·"), 9, palette.INK if sent else palette.GREY, fontweight=how["fontweight"]
        )
    pen.text(ax, plot.left - 14, last + 12, "sends", 9, palette.GREY, ha="right")
    if plot.counted and plot.rows:
        pen.text(ax, plot.edge + COUNTS - 2, plot.head - 5, "n", 9, palette.GREY, ha="right", va="bottom")
    if not plot.rows:
        pen.text(ax, (plot.left + plot.edge) / 2, plot.y(0), "no message was sent", colour=palette.GREY, **PLATE)
    for place, row in enumerate(plot.rows):
        _row(ax, plot, row, plot.y(place))


PLATE = {"bbox": {"facecolor": palette.PAPER, "edgecolor": "none", "pad": 2.0}}


def _row(ax, plot, row, y):
    """Draw one message: its name, the farthest handlers first so that nearer heads lie on their lines, its counts."""
    colour = pen.style_of(row.kind, row.undo).colour
    pen.text(ax, plot.left - 14, y, pen.wrap(row.name, NAMES), 9.5, colour, ha="right")
    far = sorted(row.pairs, key=lambda pair: -abs(plot.x(pair[0]) - plot.x(pair[1])))
    for sender, handler, undo in far:
        _arrow(ax, plot.x(sender), plot.x(handler), y, pen.style_of(row.kind, undo))
    for sender in row.senders:
        _square(ax, plot.x(sender), y, colour)
        if not row.pairs:
            _tail(ax, plot, row, plot.x(sender), y)
    if plot.counted:
        pen.text(ax, plot.edge + COUNTS - 2, y, f"{row.number:,}", 9, palette.GREY, ha="right")
    if row.failures:
        red = palette.KINDS["lost"].colour
        pen.text(ax, plot.edge + COUNTS + 3, y, f"✗{row.failures:,}", 9, red, ha="left", fontweight="bold")


def _square(ax, x, y, colour):
    from matplotlib.patches import Rectangle

    ax.add_patch(
        Rectangle((x - SQUARE, y - SQUARE), 2 * SQUARE, 2 * SQUARE, facecolor=colour, edgecolor="none", zorder=5)
    )


def _arrow(ax, start, end, y, line):
    """Draw from a square to a head that stands on its column; a message to oneself is a loop."""
    half = pen.HEAD[0] / 2
    if start == end:
        corners = [(start, y), (start + 20, y), (start + 20, y - 11), (start + half - 1, y - 11)]
        pen.arrow(ax, rounded(corners), line)
        return
    way = 1 if end > start else -1
    pen.arrow(ax, [("M", (start, y)), ("L", (end + way * half, y))], line)


def _tail(ax, plot, row, x, y):
    """Say of an event without a subscription that nobody hears it, or that it ends its request."""
    words = "ends the request" if row.ends else "✗ nobody hears it"
    colour = palette.GREY if row.ends else palette.DOWN
    wide = pen.measure(words, 8.5)[0] + 12
    right = x + SQUARE + 6 + wide <= plot.edge
    place = x + SQUARE + 6 if right or x - wide < plot.left else x - SQUARE - 6
    pen.text(ax, place, y, words, 8.5, colour, ha="left" if place > x else "right", **PLATE)


def _marks():
    """Return the handles of a legend that say what squares and heads mean."""
    from matplotlib.lines import Line2D

    how: dict = {"color": palette.INK, "linestyle": "none"}
    square = Line2D([], [], marker="s", markersize=7, label="sends", **how)
    return [square, Line2D([], [], marker=">", markersize=7.5, label="handles", **how)]


def _kinds(plots):
    rows = [row for plot in plots for row in plot.rows]
    kinds = ["compensation" if undo else row.kind for row in rows for *_, undo in row.pairs]
    return kinds + [row.kind for row in rows if row.kind == "event" and not row.undo]


def look(plot):
    """Return the grey line of the picture: what to look at."""
    senders = [name for name in plot.columns if name != CLIENT and any(name in row.senders for row in plot.rows)]
    services = sum(name not in (None, CLIENT) for name in plot.columns)
    inner = [row for row in plot.rows if set(row.senders) != {CLIENT}]
    if plot.hub:
        mine = sum(plot.hub in row.senders for row in inner)
        return f"one column holds the squares: {plot.hub} sends {mine} of {len(inner)} messages"
    if not inner:
        return "no message between services"
    return f"no column holds the squares: {len(senders)} of {services} services send messages of their own"


def sentence(plot):
    """Return the alt text: the chart in numbers."""
    parts = [
        f"Wiring chart of {plot.name}: {len(plot.rows)} messages between {len([c for c in plot.columns if c])} columns"
    ]
    for row in plot.rows:
        handlers = list(dict.fromkeys(handler for _, handler, _ in row.pairs))
        ends = ", ".join(handlers) or ("the end" if row.ends else "nobody")
        count = f" n={row.number:,}" if plot.counted else ""
        failed = f" ✗{row.failures:,}" if row.failures else ""
        parts.append(f"{', '.join(row.senders)} → {ends} {row.name}{count}{failed}")
    return "; ".join(parts) + "."
