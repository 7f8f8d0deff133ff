"""A business process: its steps, what each comes after, what undoes it, and the longest path."""

from itertools import pairwise
from typing import NamedTuple

from rehearsal.designs import critical_path
from rehearsal.draw import house, palette, pen
from rehearsal.draw.layout import Wire
from rehearsal.draw.routes import plan
from rehearsal.draw.show import describe

HEAVY, PALE = palette.Line(palette.INK, "solid", True, 2.2), palette.Line(palette.GREY, "solid", True, 1.3)
UNDO = palette.KINDS["compensation"].colour
LIMIT = 18  # where names are broken [characters]


class Words(NamedTuple):
    """Hold what a box says: lines of (text, size, colour, bold)."""

    lines: tuple
    width: float
    height: float


def process(thing, *, ax=None, title=None, subtitle=None):
    """Draw a process from its first step to its last, the longest path by mean work in bold; return the Axes."""
    path, length = critical_path(thing)
    steps = list(thing.steps.values())
    says = {step.name: words(step, step.name in path) for step in steps}
    longest = set(pairwise(path))
    pairs = [(name, step.name) for step in steps for name in step.after]
    placed = plan({n: (w.width, w.height) for n, w in says.items()}, [Wire(*p, 26.0) for p in pairs])
    boxes = _beside(placed.boxes, says)
    points = [p for route in placed.routes for _, *ps in route.path for p in ps]
    points += [(x + s * w / 2, y + s * h / 2) for x, y, w, h in boxes.values() for s in (-1, 1)]
    dx, dy = (3 - min(p[i] for p in points) for i in (0, 1))
    width, height = (max(p[i] for p in points) + d + 3 for i, d in ((0, dx), (1, dy)))
    with house.style():
        heads = title or message(thing, length), look(thing) if subtitle is None else subtitle
        ax = pen.sheet(ax, width, height, *heads)
        for pair, route in sorted(zip(pairs, placed.routes, strict=True), key=lambda item: item[0] in longest):
            moved = [(code, *((x + dx, y + dy) for x, y in ps)) for code, *ps in route.path]
            pen.arrow(ax, moved, HEAVY if pair in longest else PALE, gid=f"after:{pair[0]}:{pair[1]}")
        for name, (x, y, w, h) in boxes.items():
            _box(ax, name, (x + dx, y + dy, w, h), says[name], name in path, thing.steps[name].optional)
    return describe(ax, sentence(thing, path, length))


def _beside(boxes, says):
    """Return the boxes with those that no arrow reaches beneath the others."""
    below = max((y + h / 2 for _, y, _, h in boxes.values()), default=0.0) + 18
    left = min((x - w / 2 for x, _, w, _ in boxes.values()), default=0.0)
    found = dict(boxes)
    for name, said in says.items():
        if name not in found:
            found[name] = (left + said.width / 2, below + said.height / 2, said.width, said.height)
            left += said.width + 18
    return found


def words(step, heavy):
    """Return what the box of a step says: its name, who does it and for how long, what undoes it."""
    lines = [(pen.wrap(step.name, LIMIT), pen.NAME, palette.INK, heavy)]
    lines.append((f"{step.service}, {step.operation.takes.mean:g} ms", pen.SMALL, palette.GREY, False))
    if step.when is not None:
        lines.append(("only for some", pen.SMALL, palette.GREY, False))
    if step.undo is not None:
        lines.append((f"undone by {step.undo.name}", pen.SMALL, UNDO, False))
    sizes = [pen.measure(text, size, bold) for text, size, _, bold in lines]
    return Words(tuple(lines), max(64.0, max(w for w, _ in sizes) + 18), sum(h for _, h in sizes) + 14)


def _box(ax, name, box, said, heavy, optional):
    from matplotlib.patches import FancyBboxPatch

    x, y, width, height = box
    ax.add_patch(FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=4.5",
        facecolor=palette.PAPER if optional else palette.BOX, edgecolor=palette.INK if heavy else palette.BOX_EDGE,
        linewidth=2.2 if heavy else 1.2, linestyle=(0, (3, 2)) if optional else "solid", zorder=4, gid=f"box:{name}",
    ))  # fmt: skip
    top = y - (height - 14) / 2
    for text, size, colour, bold in said.lines:
        high = pen.measure(text, size, bold)[1]
        weight = "bold" if bold else "normal"
        pen.text(ax, x, top + high / 2, text, size, colour, f"step:{name}", fontweight=weight)
        top += high


def message(thing, length):
    """Return the title: how many steps, and how long the longest path takes by mean work."""
    count = len(thing.steps)
    return f"{thing.name}: {count} step{'s' * (count > 1)}, {length:g} ms of work on the longest path"


def look(thing):
    """Return the grey line: what the marks mean."""
    dashed = "; dashed: optional" if any(s.optional for s in thing.steps.values()) else ""
    return f"bold: the longest path by mean work; an arrow leads to what comes after{dashed}"


def sentence(thing, path, length):
    """Say in words what the picture shows."""
    steps = []
    for step in thing.steps.values():
        after = f" after {' and '.join(step.after)}" if step.after else ""
        steps.append(f"{step.name} at {step.service}{after}")
    return f"Process {thing.name}: {'; '.join(steps)}. Longest path: {', '.join(path)}, {length:g} ms."
