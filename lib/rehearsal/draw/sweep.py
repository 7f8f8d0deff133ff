"""A sweep: the mean of a metric with its interval against a parameter, a line a style, and theory as its own line."""

from math import inf, isfinite, nan
from typing import NamedTuple

from rehearsal.draw import endings, house, palette
from rehearsal.draw.quantities import axis_label, between, opening, place, plain, said, unit_of
from rehearsal.draw.show import describe
from rehearsal.experiments import interval, intervals
from rehearsal.experiments.intervals import by_seed, pairs
from rehearsal.experiments.numbers import numeric, several, short
from rehearsal.experiments.tables import grouped

INKS = (*palette.PAIR, palette.KINDS["event"].colour, palette.KINDS["compensation"].colour, palette.INK, palette.GREY)
MARKS = ("o", "s", "^", "D", "v", "P")
FINE = 200  # points of a line of theory


class Series(NamedTuple):
    """Hold one line: its name, and at each place (x, mean, low, high); the ends are nan where one seed is all."""

    name: str
    points: list


def sweep(
    frame, x, metric, by=None, *, theory=None, crossover=None, log="", xlabel=None, ylabel=None, ylim=None, how="t",
    ax=None, title=None, subtitle=None,
):  # fmt: skip
    """Draw the mean of a metric with its interval against a swept parameter, a line for each value of `by`.

    `frame` is one of `replicate` or `sweep`; parameters that are neither `x` nor `by` are averaged within each seed.
    `theory` is a function of x, or {name: function}: dashed, in the colour of the line that has its name; what it does
    not know (nan, inf, ValueError) is left out. `crossover` marks where that `Crossover` was found, with its interval.
    `log` is "x", "y" or "xy". Values of x that are no numbers stand side by side. `how` is that of `intervals`.
    """
    found = series(frame, x, metric, by, how)
    theory = theory if isinstance(theory, dict) else {"theory": theory} if theory else {}
    with house.style():
        ax = house.panel(ax, 8.6, 4.8)
        ax.set(xlabel=xlabel or axis_label(frame, x), ylabel=ylabel or axis_label(frame, metric))
        places = _axes(ax, found, log, unit_of(frame, metric))
        lines = [_line(ax, one, look, places, bool(theory)) for one, look in zip(found, _looks(), strict=False)]
        lines = lines if len(found) > 1 or theory else []
        _height(ax, found, log, ylim)
        lines += _theories(ax, found, theory, places, log)
        endings.room(ax, [*places.values()], [name for name, *_ in lines], "x" in log)
        lines += [_turn(ax, crossover)] if crossover else []
        message_ = crossover.said.partition(": ")[2] if crossover else message(frame, x, metric, found, by, xlabel)
        look_ = look_of(ax, found, theory, crossover) if subtitle is None else subtitle
        house.folded(ax, title or opening(message_), look_)
        endings.name(ax, lines)
    return describe(ax, sentence(frame, x, metric, found, crossover))


def series(frame, x, metric, by=None, how="t"):
    """Return a Series for each value of `by`, in their order; a single one where it is None.

    >>> from rehearsal.experiments import sweep as experiment
    >>> frame = experiment(lambda seed, hops: 10 * hops + seed, {"hops": [1, 2]}, seeds=[4, 6])
    >>> [(one.name, [point[:2] for point in one.points]) for one in series(frame, "hops", "value")]
    [('simulated', [(1, 15.0), (2, 25.0)])]
    """
    table = intervals(frame, metric, [x] if by is None else [by, x], how)
    parts = [("simulated", table)] if by is None else [(name, part) for (name,), part in grouped(table, [by]).items()]
    order = list(dict.fromkeys(frame[x]))
    order = sorted(order) if numeric(order) else order
    found = []
    for name, part in parts:
        rows = zip(part[x], part["mean"], part["low"], part["high"], strict=True)
        found.append(Series(str(name), sorted(rows, key=lambda row: order.index(row[0]))))
    if len(found) > len(INKS):
        raise ValueError(f"{len(found)} lines in one picture are too many to tell apart: {len(INKS)} at most")
    return found


def lower(frame, x, metric, by):
    """Return [(place, which of the two has the lower mean there, None where no difference is told)], paired by seed."""
    names = list(dict.fromkeys(frame[by]))
    found = []
    for (at,), rows in grouped(frame, [x]).items():
        sides = {name: by_seed(part, metric) for (name,), part in grouped(rows, [by]).items()}
        told = interval([b - a for a, b in pairs(*(sides.get(name, {}) for name in names))])
        found.append((at, str(names[told.mean < 0]) if told.differs else None))
    return sorted(found, key=lambda each: each[0]) if numeric([at for at, _ in found]) else found


def message(frame, x, metric, found, by=None, xlabel=None):
    """Say what the lines show: from where to where one goes, which of two is lower where, how several end."""
    x_said, metric_said = (xlabel or x).partition(" [")[0], plain(frame, metric)
    points = found[0].points
    if len(found) == 1:
        ends = [f"{said(frame, metric, mean)} at {x_said} = {place(at)}" for at, mean, *_ in (points[0], points[-1])]
        return f"{metric_said}: {', '.join(dict.fromkeys(ends))}"
    if len(found) == 2:
        return _which(x_said, metric_said, lower(frame, x, metric, by))
    last = sorted((one.points[-1][1], one.name) for one in found if one.points[-1][0] == points[-1][0])
    each = ", ".join(f"{name} {said(frame, metric, mean)}" for mean, name in last)
    return f"{metric_said} at {x_said} = {place(points[-1][0])}: {each}"


def _which(x, metric, verdicts):
    told = [(at, name) for at, name in verdicts if name is not None]
    names = [name for _, name in told]
    turns = [i for i in range(1, len(told)) if names[i] != names[i - 1]]
    if not told:
        return f"no difference in {metric} is told at any {x}"
    if not turns:
        where = "every" if len(told) == len(verdicts) else f"{len(told)} of {len(verdicts)} values of"
        return f"{names[0]} has the lower {metric} at {where} {x}"
    if len(turns) == 1 and numeric([at for at, _ in verdicts]):
        end, start = place(told[turns[0] - 1][0]), place(told[turns[0]][0])
        return f"{names[0]} has the lower {metric} up to {x} = {end}, {names[-1]} from {start} on"
    mine = {name: [place(at) for at, other in told if other == name] for name in dict.fromkeys(names)}
    return f"lower {metric}: " + "; ".join(f"{name} at {x} = {several(places)}" for name, places in mine.items())


def look_of(ax, found, theory=(), crossover=None):
    """Say how to read marks, bars and lines, and where the axis does not begin at 0."""
    sure = any(isfinite(point[2]) for one in found for point in one.points)
    parts = ["mean over the seeds, bars: its 95% interval" if sure else "one seed each, no interval"]
    parts += ["the title compares seed by seed"] if sure and len(found) == 2 and not crossover else []
    parts += ["dashed: theory"] if theory else []
    parts += ["grey: where they cross, with its interval"] if crossover else []
    bottom = ax.get_ylim()[0]
    if bottom > 0 and ax.get_yscale() == "linear":
        parts.append(f"the axis begins at {ax.yaxis.get_major_formatter()(bottom)}")
    return "; ".join(parts)


def sentence(frame, x, metric, found, crossover=None):
    """Say in words what the picture shows: every mean with its interval."""
    parts = []
    for one in found:
        points = [
            f"{place(at)}: {said(frame, metric, mean)}{between(frame, metric, low, high)}"
            for at, mean, low, high in one.points
        ]
        parts.append(f"{one.name}: {', '.join(points)}")
    turn = f" {opening(crossover.said)}." if crossover else ""
    return f"{opening(plain(frame, metric))} by {x}, means with 95% intervals. {'; '.join(parts)}.{turn}"


def _looks():
    return zip(INKS, MARKS, strict=True)


def _axes(ax, found, log, unit):
    """Set up scales and ticks; return {value of x: its place on the axis}."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    values = list(dict.fromkeys(point[0] for one in found for point in one.points))
    numbers = numeric(values)
    places = {value: float(value) if numbers else float(i) for i, value in enumerate(values)}
    if all(isinstance(value, int) for value in values):
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    if not numbers or "x" in log:
        ax.set_xticks([*places.values()], [place(value) for value in values])
    ax.minorticks_off()
    share = 100 if unit == "share" else 1
    ax.yaxis.set_major_formatter(lambda y, _=None: f"{short(share * float(f'{y:.6g}'))}{' %' * (share > 1)}")
    return places


def _line(ax, one, look, places, in_theory):
    """Draw one line with its bars; return (name, points, colour) for its label.

    Where there is theory, the marks are not joined: between them is what theory says, and nothing was simulated.
    """
    colour, mark = look
    xs, means, lows, highs = zip(*((places[x], *rest) for x, *rest in one.points), strict=True)
    joined = numeric([x for x, *_ in one.points]) and not in_theory
    looks = {"ls": "-" if joined else "none", "marker": mark, "ms": 6, "color": colour, "zorder": 4, "clip_on": False}
    ax.plot(xs, means, gid=f"line:{one.name}", **looks)
    ax.vlines(xs, lows, highs, color=colour, lw=1.6, zorder=3.5, gid=f"bars:{one.name}")
    if joined:
        ax.fill_between(xs, lows, highs, color=colour, alpha=0.14, lw=0, zorder=2, gid=f"band:{one.name}")
    return one.name, list(zip(xs, means, strict=True)), colour


def _theories(ax, found, theory, places, log):
    """Draw each line of theory; return (name, points, colour) of those that need a name of their own."""
    known = {one.name: look[0] for one, look in zip(found, _looks(), strict=False)}
    low, high = ax.get_ylim()
    lines = []
    for name, function in theory.items():
        points = [(places.get(x, x), y) for x, y in curve(function, [*places], "x" in log)]
        colour = known.get(str(name), palette.GREY)
        ax.plot(*zip(*points, strict=True), ls=palette.DASHED, lw=1.6, color=colour, zorder=3, gid=f"theory:{name}")
        seen = [(x, y) for x, y in points if low <= y <= high]
        if str(name) not in known and seen:
            lines.append((str(name), seen, colour))
    return lines


def curve(function, values, log=False):
    """Return [(x, y)] of a theory over the span of some values: at whole numbers where they are whole; nan: not known.

    >>> curve(lambda n: 1 / (3 - n), [1, 4])
    [(1, 0.5), (2, 1.0), (3, nan), (4, -1.0)]
    """
    low, high = (min(values), max(values)) if numeric(values) else (0, 0)
    if low == high:
        xs = list(values)
    elif all(isinstance(value, int) for value in values):
        xs = sorted({*values, *range(low, high + 1, max(1, (high - low) // FINE))})
    else:
        steps = [i / FINE for i in range(FINE + 1)]
        xs = [low * (high / low) ** s if log else low + (high - low) * s for s in steps]
    return [(x, _known(function, x)) for x in xs]


def _known(function, x):
    try:
        y = float(function(x))
    except (ValueError, ZeroDivisionError, OverflowError):
        return nan
    return y if isfinite(y) else nan


def _height(ax, found, log, ylim):
    """Set the limits of y: from 0, but from higher where all is far above; theory may leave them."""
    ends = [y for one in found for point in one.points for y in point[1:] if isfinite(y)]
    if ylim is None and "y" not in log:
        ylim = endings.height(min(ends), max(ends))
    if ylim is not None:
        others = [other for other in ax.get_shared_y_axes().get_siblings(ax) if other is not ax and other.lines]
        bounds = [ylim, *(other.get_ylim() for other in others)]
        ax.set_ylim(min(bottom for bottom, _ in bounds), max(top for _, top in bounds))


def _turn(ax, crossover):
    """Mark where two lines cross, with its interval; return (name, points, colour) for its label."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    ax.axvspan(max(crossover.low, left), min(crossover.high, right), color=palette.OPEN, alpha=0.45, lw=0, zorder=0.5,
               gid="crossover")  # fmt: skip
    ax.axvline(crossover.at, color=palette.GREY, lw=1.2, zorder=1, gid="crossover")
    ends = [short(end) if abs(end) < inf else "…" for end in (crossover.low, crossover.high)]
    heights = [bottom + (top - bottom) * share for share in (0.06, 0.2, 0.5, 0.8, 0.94)]
    return f"{short(crossover.at)} [{', '.join(ends)}]", [(crossover.at, y) for y in heights], palette.GREY
