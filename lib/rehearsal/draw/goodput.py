"""Goodput and recovery: what was offered, what of it was on time, what was done too late, and how much was tried again.

On time counts when an order was placed, late when it was done: so the bars show the backlog draining, and the bold line
does not come back before those who order now are served in time.
"""

from itertools import pairwise
from math import inf, nan

from rehearsal.draw import house, palette, words
from rehearsal.draw.labels import Spot, placer
from rehearsal.draw.show import describe
from rehearsal.measures import peak
from rehearsal.recovery import aftermath, recovered
from rehearsal.recovery import goodput as measured
from rehearsal.units import pretty, sec
from rehearsal.verdicts import troubles

BRACKETS = 3  # of more recoveries only the last ones have a bracket
AT_ONCE = 0.5 * sec  # a recovery that takes no longer has no bracket


def goodput(run, *, figure=None, every=5 * sec, title=None, subtitle=None):
    """Draw the rates of a run over the number of its open requests, and return the figure."""
    import matplotlib.pyplot as plt

    with house.style():
        figure = figure or plt.figure(figsize=(9.0, 5.4))
        panels = figure.subplots(2, 1, sharex=True, height_ratios=(2.5, 1))
        _column(panels, run, measured(run, every), title or message(run), subtitle)
        _fit([panels], [run])
    return figure


def goodput_pair(a, b, *, every=5 * sec, titles=(None, None), subtitles=(None, None)):
    """Draw two runs side by side on the same axes, and return the figure."""
    import matplotlib.pyplot as plt

    with house.style():
        figure, panels = plt.subplots(2, 2, figsize=(13.0, 5.4), sharex=True, sharey="row", height_ratios=(2.5, 1))
        columns = list(zip(*panels, strict=True))
        for column, run, name, look in zip(columns, (a, b), titles, subtitles, strict=True):
            words_above = name or f"{words.capital(run.system.name)}: {message(run, brief=True)}"
            _column(column, run, measured(run, every), words_above, look)
        for ax in panels[:, 1]:
            ax.set_ylabel("")
        _fit(columns, (a, b))
    return figure


def message(run, brief=False):
    """Say what was wrong and when requests were on time again."""
    kind, faults = words.plural(run), troubles(run)
    if not faults:
        offered, fates = len(run.table), run.fates()
        return f"No fault; {fates.count('on time') / offered:.1%} of {kind} on time" if offered else f"No {kind}"
    found = aftermath(run, max(faults, key=lambda fault: fault.until), min(fault.at for fault in faults))
    late = "at once" if found.took <= AT_ONCE else f"{words.plus(found.took)[1:]} later"
    back = {
        "stayed": f"{kind} stayed on time",
        "none": f"no {kind} were placed{' afterwards' if len(run.table) else ''}",
        "again": f"{kind} were on time again {late}",
        "in the end": f"{kind} were on time in the end",
        "not": f"{kind} were not on time again before the end",
    }[found.word]
    return back if brief else f"{words.what(faults)}; {back}"


def again(run, trouble):
    """Say how long after the end of a trouble requests were on time again, or what they were instead."""
    word, took = aftermath(run, trouble)
    return {
        "stayed": "on time all along",
        "none": "none placed afterwards",
        "again": f"on time again {'at once' if took <= AT_ONCE else words.plus(took)}",
        "in the end": "on time in the end",
        "not": "not on time again",
    }[word]


def sentence(run, found):
    """Say in words what the picture shows, from the same numbers."""
    kind = words.plural(run)
    at, most = peak(found.open)
    offered, on_time, late, retries = (max(one.rates) for one in found[:4])
    parts = [f"Goodput of {run.system.name}: up to {offered:.1f} {kind} a second offered, {on_time:.1f} on time"]
    parts += [f"{rate:.1f} {name}" for rate, name in ((late, "completed late"), (retries, "retries")) if rate]
    opened = f"{most:,} open at most, at {pretty(at)}" if most else "none open"
    faults = "".join(f" {t.label} {words.window(t)}: {kind} {again(run, t)}." for t in words.named(troubles(run)))
    return f"{', '.join(parts)}; {opened}.{faults or ' No fault.'}"


def _column(panels, run, found, title, subtitle):
    above, below = panels
    kind = words.plural(run)
    labels = _rates(above, run, found)
    _open(below, run, found)
    end = max(run.ended, sec) / sec
    above.set_xlim(0, end)
    above.set_ylabel(f"{kind} per second")
    below.set_ylabel(f"{kind} open")
    below.set_xlabel("time [simulated s]")
    house.bands(above, troubles(run), end)
    for trouble in troubles(run):
        house.band(below, trouble.at / sec, trouble.until / sec, clip=end)
    labels = [*_brackets(above, run, end), *labels]
    segments = [
        ((p, q), 3)
        for line in above.lines
        if line.get_gid() in ("offered", "on time", "retries")
        for p, q in pairwise(line.get_xydata())
    ]
    placer(above, labels, [text for text in above.texts if text.get_gid() == "fault"], segments)
    house.folded(above, title, subtitle or f"by the time {kind} were placed; bars: when the late ones were completed")
    describe(above, sentence(run, found))


def _rates(ax, run, found):
    """Draw the curves and the bars; return their labels."""
    edges = [edge / sec for edge in found.late.edges]
    widths = [b - a for a, b in pairwise(edges)]
    ax.bar(edges[:-1], found.late.rates, widths, align="edge", color=palette.LATE, lw=0, zorder=1.5, gid="late")
    looks: dict = {
        "offered": {"color": palette.GREY, "lw": 1.4, "ls": palette.DASHED, "zorder": 3},
        "retries": {"color": palette.RETRY, "lw": 1.8, "zorder": 3.5},
        "on time": {"color": palette.DATA, "lw": 2.8, "zorder": 4},
    }
    series = {"offered": found.offered, "retries": found.retries, "on time": found.on_time}
    labels = []
    for name, one in series.items():
        if name == "retries" and not any(one.rates):
            continue
        xs, ys = [m / sec for m in one.middles], one.rates
        ax.plot(xs, ys, gid=name, marker="o" if len(xs) == 1 else None, **looks[name])
        bold = {"fontweight": "bold"} if name == "on time" else {}
        labels.append(_label(ax, _called(run, name), _spots(name, xs, ys, found), looks[name]["color"], **bold))
    if any(found.late.rates):
        xs, ys = [m / sec for m in found.late.middles], found.late.rates
        labels.append(_label(ax, "completed late", _spots("late", xs, ys, found), palette.LATE_INK))
    return labels


def _called(run, name):
    goals = {run.objective(kind) for kind in run.table.kinds}
    return f"{name} (≤ {pretty(*goals)})" if name == "on time" and len(goals) == 1 and goals != {inf} else name


def _label(ax, text, spots, colour, **looks):
    from matplotlib import patheffects
    from matplotlib.transforms import IdentityTransform

    said = ax.text(0, 0, text, transform=IdentityTransform(), color=colour, fontsize=9, zorder=8, ha="left",
                   va="bottom", **{"gid": "curve", **looks})  # fmt: skip
    said.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=palette.PAPER)])
    said.set_in_layout(False)
    (leader,) = ax.plot([], [], color=palette.GREY, lw=0.6, transform=IdentityTransform(), in_layout=False)
    return said, spots, leader


def _spots(name, xs, ys, found):
    """Return the places a curve's name would like: where it is alone, over it or under it."""
    rivals = {"offered": found.on_time.rates, "on time": found.retries.rates}.get(name, [0.0] * len(ys))
    tallest = max(*ys, 1e-9)
    far = [abs(y - other) / tallest for y, other in zip(ys, [*rivals, *[nan] * len(ys)], strict=False)]
    over, under = (5, "bottom"), (-7, "top")
    sides = {"on time": [under, over], "late": [over]}.get(name, [over, under])
    picked = list(zip(xs, ys, far, strict=True))[:: max(1, len(xs) // 24)]
    return [
        Spot(x, y, dx, dy + lift, ha, va, 2 * (1 - lone) + 3 * i + abs(lift) / 8 + 0.002 * place + 0.3 * bool(dx))
        for place, (x, y, lone) in enumerate(picked)
        for i, (dy, va) in enumerate(sides)
        for lift in ((0, -14, -28) if dy < 0 else (0, 9, 18, 40))
        for ha, dx in (("center", 0), ("left", 3), ("right", -3))
    ]


def _bracketed(run):
    """Return [(trouble, when requests were on time again [ms], row)]; neither brackets nor words overlap in a row.

    Several faults before one recovery share a bracket, from the end of the last; where there are many, what was on time
    again at once has none.
    """
    ended = sorted((t for t in troubles(run) if t.until < run.ended), key=lambda t: t.until)
    last = {min(recovered(run, trouble), run.ended): trouble for trouble in ended}
    if len(last) > BRACKETS:
        last = {back: t for back, t in last.items() if back - t.until > AT_ONCE}
    placed, reach = [], list[float]()
    for back, trouble in list(last.items())[-BRACKETS:]:
        row = next((i for i, until in enumerate(reach) if until <= trouble.until), len(reach))
        reach[row : row + 1] = [back + 0.33 * run.ended]  # with its words
        placed.append((trouble, back, row))
    return placed


def _down(run, row=0):
    """Return how far under the top of the panel a row of brackets stands [pt]: below the names of the faults."""
    lines = house.name_lines(words.named(troubles(run)), run.ended, 400.0)
    return 10 + 12 * max((line + 1 for *_, line in lines), default=0) + 14 * row


def _brackets(ax, run, end):
    """Draw a bracket from the end of each fault to the moment requests were on time again; return their labels."""
    from matplotlib.transforms import ScaledTranslation

    labels = []
    for trouble, back, row in _bracketed(run):
        down = _down(run, row)
        shift = ScaledTranslation(0, -down / 72, ax.get_figure(root=True).dpi_scale_trans)
        sides = [trouble.until / sec, back / sec]
        if back - trouble.until > AT_ONCE:
            ax.plot(sides, [1, 1], transform=ax.get_xaxis_transform() + shift, color=palette.INK, lw=1.3, marker="|",
                    ms=8, mew=1.3, zorder=7, gid="bracket")  # fmt: skip
        left, right = (sides[0], -6, "right"), (sides[1], 6, "left")
        spots = [
            Spot(x, inf, dx, -down - lower, ha, "center", 3 * i + lower / 4)
            for i, (x, dx, ha) in enumerate((right, left, (sides[1], -6, "right")))
            for lower in ((0, 14, 28, 42, 56) if i < 2 else (14, 28, 42, 56))
        ]
        label = _label(ax, again(run, trouble), spots, palette.INK, gid="again")
        label[2].set_color("none")  # the bracket leads to it
        labels.append(label)
    return labels


def _open(ax, run, found):
    from matplotlib import patheffects

    times = [t / sec for t in (*found.open.times, run.ended)]
    counts = [*found.open.counts, found.open.counts[-1]]
    ax.fill_between(times, counts, step="post", color=palette.OPEN, lw=0, zorder=2)
    at, most = peak(found.open)
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    if most:
        right = at < 0.7 * run.ended
        said = ax.annotate(f"{most:,} open", (at / sec, most), (6 if right else -6, 1), va="bottom", fontsize=9,
                           textcoords="offset points", ha="left" if right else "right", gid="most")  # fmt: skip
        said.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=palette.PAPER)])


def _fit(columns, runs):
    """Leave room over the curves for the names of faults and the brackets, the same in every column."""
    rows = [_down(run, max((row for *_, row in _bracketed(run)), default=-1) + 1) for run in runs]
    figure = columns[0][0].get_figure(root=True)
    figure.draw_without_rendering()
    high = columns[0][0].get_window_extent().height * 72 / figure.dpi
    for row, room in ((0, (max(rows) + 8) / high), (1, 0.14)):
        top = max(1.0, *(column[row].dataLim.y1 for column in columns))
        columns[0][row].set_ylim(0, top / (1 - min(room, 0.6)))
