"""Draw one request as a sequence diagram on a real time axis: who spoke to whom, who worked, who waited for nothing."""

from math import isnan

from rehearsal.draw import house, palette, strokes
from rehearsal.draw.arrows import arrow
from rehearsal.draw.clock import clock, ticks
from rehearsal.draw.labels import Spot, placer
from rehearsal.draw.page import Page, headers, lifelines
from rehearsal.draw.scene import Bar, Note
from rehearsal.draw.show import describe
from rehearsal.draw.timeline import row_of, scene
from rehearsal.units import pretty

PAST = {
    "ok": "answered",
    "refused": "refused",
    "failed": "failed",
    "rejected": "rejected",
    "lost": "lost",
    "timeout": "timed out",
}


def sequence(
    run, request=0, *, ax=None, title=None, subtitle=None, services=None, span=None, broker=None, fold=None, mark=None
):  # fmt: skip
    """Draw the sequence diagram of one request, given as its row or as (kind, number), and return the axes.

    Time goes down, in real proportion; `fold`: None folds quiet stretches where they would crush the rest (a
    white tear says how long), False never, True wherever one is long. `services` sets the lifelines and their
    order, `span` = (from, to) [ms since the offer] shows a part, `broker=True` gives the broker a lifeline
    (None: where it was down). `mark` = (service, time [ms since the offer], words) marks a moment with a line across.
    A panel that is too small makes its figure grow.
    """
    one = scene(run, row_of(run, request), broker)
    one = one if mark is None else _marked(one, *mark)
    columns = list(services) if services is not None else one.services
    one = one.among(columns)
    time = _clock([one], span, fold)
    with house.style():
        ax = house.panel(ax, *_size([columns], [one])) if ax is None else _grown(ax, columns)
        page = _draw(ax, one, time, columns)
        look = f"{run.system.name}: {_look(one)}" if subtitle is None else subtitle
        house.title(ax, title or one.headline, look, page.lift)
        _legend(ax, page.used, _inches(ax)[0], loc="upper center", bbox_to_anchor=(0.5, -0.01))
    return describe(ax, _sentence(run, one, columns))


def sequence_pair(
    a, b, request=0, *, titles=(None, None), subtitles=(None, None), span=None, broker=None, fold=None
):  # fmt: skip
    """Draw the same request in two runs side by side, on one time axis, and return the figure."""
    import matplotlib.pyplot as plt

    scenes = [scene(run, row_of(run, request), broker) for run in (a, b)]
    columns = list(dict.fromkeys(name for one in scenes for name in one.services))
    time = _clock(scenes, span, fold)
    used: dict = {}
    with house.style():
        width, height = _size([columns, columns], scenes)
        figure, axes = plt.subplots(1, 2, figsize=(width, height), sharey=True)
        for run, one, ax, title, look in zip((a, b), scenes, axes, titles, subtitles, strict=True):
            page = _draw(ax, one, time, columns)
            house.title(ax, title or run.system.name.capitalize(), _look(one) if look is None else look, page.lift)
            describe(ax, _sentence(run, one, columns))
            used |= page.used
        axes[1].set_ylabel("")
        _legend(figure, used, width, loc="outside lower center")
    return figure


def _marked(one, service, time, words):
    """Return a scene with one more note, a loud one, on a lifeline that is there."""
    known = service if service in one.services else one.services[0]
    return one._replace(notes=[*one.notes, Note(known, time, words, True, True)], last=max(one.last, time))


def _clock(scenes, span, fold):
    first, last = span if span is not None else (0.0, max(one.last for one in scenes))
    return clock(sorted(t for one in scenes for t in one.moments()), first, last, fold)


def _size(column_sets, scenes):
    """Return width and height [inches] that give every column and every message its room."""
    longest = max((len(a.label) for one in scenes for a in one.arrows), default=8)
    a_column = min(max(1.2, 0.09 * longest + 0.35), 1.7)
    width = sum(0.9 + a_column * len(columns) for columns in column_sets)
    rows = max(len([a for a in one.arrows if a.style != "reply"]) + 0.6 * len(one.notes) for one in scenes)
    return min(max(width, 6.2), 15.0), min(max(4.4, 1.9 + 0.36 * rows), 9.5)


def _grown(ax, columns):
    """Make the figure larger where the columns would be too narrow for their names, or the axes too low."""
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    width, height = _inches(ax)
    more = max(1.0, 0.8 * (len(columns) + 0.24) / width), max(1.0, 2.9 / height)
    if max(more) > 1:
        figure.set_size_inches(figure.get_size_inches() * more)
    return ax


def _inches(ax):
    """Return about how wide and how high the axes are [inches]."""
    place, (width, height) = ax.get_position(), ax.get_figure(root=True).get_size_inches()
    return width * place.width, height * place.height


def _draw(ax, one, time, columns):
    """Draw one scene, title and legend apart, and return the page."""
    client = [] if isnan(one.answered) or "client" not in columns else [Bar("client", 0.0, one.answered, False)]
    # A message that nobody hears needs room beyond the last lifeline.
    width = len(columns) + 0.5 * any(not a.target and a.source == columns[-1] for a in one.arrows)
    _axes(ax, time, width, one.kind)
    page = Page(ax, time, columns, [*one.bars, *client], _inches(ax)[0] / (width + 0.24))
    headers(page, _hub(one))
    lifelines(page)
    strokes.shade(page, one.shades)
    strokes.bars(page)
    strokes.folds(page)
    stands = strokes.waits(page, one.waits)
    for a in sorted(one.arrows, key=lambda a: (a.style == "reply", a.leaves, a.arrives)):
        early = a.style == "reply" and a.target == "client" and one.answered != one.settled
        arrow(page, a._replace(label=f"answered after {pretty(one.answered)}") if early else a, stands)
    strokes.notes(page, one.notes)
    _end(page, one)
    # The words beside a lifeline have few places, those on an arrow many: so they choose first.
    page.labels.sort(key=lambda label: len(label[1]))
    placer(ax, page.labels, page.obstacles, page.lines)
    return page


def _axes(ax, time, width, kind):
    marks, unit = ticks(time)
    ax.get_figure(root=True).draw_without_rendering()  # so that the layout knows how large the axes will be
    inch = time.length / max(1.0, _inches(ax)[1] - 0.5)
    ax.set_xlim(-0.62, width - 0.38)
    ax.set_ylim(time.length + 0.3 * inch, -0.2 * inch)
    ax.set_xticks([])
    ax.set_yticks([place for place, _ in marks], [words for _, words in marks])
    ax.tick_params(axis="y", left=True, length=4)
    ax.grid(False)
    ax.spines["left"].set_visible(True)
    ax.spines["bottom"].set_visible(False)
    ax.set_ylabel(f"{'seconds' if unit == 's' else 'milliseconds'} since the {kind} was placed")


def _hub(one):
    """Return the service that asks at least two others: the conductor, where there is one."""
    asked: dict = {}
    for a in one.arrows:
        if a.target and a.source not in ("client", a.target) and a.style in ("call", "command", "compensation", "lost"):
            asked.setdefault(a.source, set()).add(a.target)
    many = [name for name, targets in asked.items() if len(targets) > 1]
    return max(many, key=lambda name: len(asked[name])) if many else None


def _end(page, one):
    """Write at the client how the request ended, and when."""
    if "client" not in page.columns:
        return
    time, words, fate = one.endings[-1]
    if page.shows(time, time):
        y = page.y(time)
        page.ax.plot(page.columns["client"], y, marker="D", ms=6, color=palette.FATES[fate].colour, zorder=7)
        below = [Spot(page.columns["client"], y, -28, -dy, "left", "top", 1.0) for dy in (7, 10)]
        page.label(words, [*strokes.beside(page, "client", time, y, right_first=True), *below], fontweight="bold")


def _look(one):
    sent = [a for a in one.arrows if a.style != "reply"]
    bad = sum(a.style == "lost" for a in sent)
    went = f", {bad} of them went wrong" if bad else ""
    went += f", {_many(one.zombies, 'zombie')}" if one.zombies else ""
    return f"{_many(len(sent), 'message')}{went}; the client {_waited(one)}"


def _waited(one):
    if isnan(one.answered):
        return "still waits" if one.fate == "open" else "waits for ever"
    return f"waits {pretty(one.answered)}"


def _many(count, word):
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _sentence(run, one, columns):
    """Return the alt text: the request's way in words, from the same parts that were drawn."""
    sent = [a for a in one.arrows if a.style != "reply"]
    steps = [
        f"{a.source} to {a.target or 'no service'} {a.label.replace(chr(10), ' ')}"
        f"{' (went wrong)' if a.style == 'lost' else ''}"
        for a in sent
    ]
    shown = "; ".join(steps[:12]) + (f"; and {len(steps) - 12} more" if len(steps) > 12 else "")
    within = ", ".join(f"{bar.name} at {bar.service}" for bar in one.bars if bar.name)
    inside = f" In process: {within}." if within else ""
    faults = "".join(f" {s.service} {s.text} from {pretty(s.start)} to {pretty(s.end)}." for s in one.shades)
    many = _many(one.zombies, "time")
    dead = f" Work goes on {many} after its caller gave up." if one.zombies else ""
    ends = "; ".join(words for _, words, _ in one.endings)
    loud = [f" Marked at {pretty(n.time)}: {' '.join(n.text.split())}." for n in one.notes if n.loud]
    return (
        f"Sequence diagram of {one.kind} {one.number} in {run.system.name}, {_many(len(columns), 'lifeline')}, "
        f"{_many(len(sent), 'message')}: {shown or 'none'}.{inside}{dead}{faults} {ends.capitalize()}.{''.join(loud)}"
    )


def _legend(place, used, inches, **where):
    """Name the lines that occur, and the boxes."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    from rehearsal.draw.legend import arrows, legend

    boxes: dict = {
        "working": {"fc": palette.WORK, "ec": palette.BOX_EDGE},
        "zombie: works, nobody waits": {"fc": palette.PAPER, "ec": palette.GREY, "ls": strokes.BROKEN},
        "down": {"fc": palette.DOWN_FACE, "ec": palette.DOWN, "hatch": "////"},
    }
    extra: list = [Patch(label=words, lw=0.9, **looks) for words, looks in boxes.items() if words in used]
    if "lost" in used:
        line = palette.KINDS["lost"]
        looks: dict = {"color": line.colour, "lw": line.width, "marker": "x", "ms": 8, "mew": 2.4}
        extra.append(Line2D([], [], label=palette.KIND_LABELS["lost"], **looks))
    kinds = [kind for kind in palette.KINDS if kind in used and kind != "lost"]
    words = [handle.get_label() for handle in extra] + [palette.KIND_LABELS[a.kind] for a in arrows(kinds)]
    if words:
        legend(place, kinds, extra, _fit(words, inches), **where)


def _fit(words, inches):
    """Return how many columns of a legend fit into a width [inches]."""
    widths = [0.073 * len(word) + 0.85 for word in words]
    return len(words) if sum(widths) <= inches else max(1, int(inches / max(widths)))
