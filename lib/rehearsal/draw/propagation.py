"""The propagation graph: how far a failure travelled, how fast, and through which messages, against the calls.

The calls themselves are pale. A red arrow goes from who answered badly to who was told, and has its place in the order,
a word and a count; load goes with the calls; a backlog goes nowhere and is written at its queue.
"""

from math import inf

from rehearsal.draw import house, palette, pen
from rehearsal.draw.show import describe
from rehearsal.draw.sketch import edges_of, layered
from rehearsal.draw.spread import graph_of, look, looks_of, message, sentence
from rehearsal.draw.tags import write
from rehearsal.units import pretty

FOOT = 26.0  # height of a row of the legend [pt]
NAMES = 18  # where names are broken [characters]


def propagation(comparison, *, ax=None, title=None, subtitle=None, flow=None, broker=None):
    """Draw how what a change caused went through the system, and return the Axes.

    The shade of a node is the time from the fault to the first bad answer that somebody got from it: black is struck,
    white starved (no work comes any more). `broker="node"` shows the broker, which is the default where it is struck.
    """
    with house.style():
        looks, graph = looks_of(comparison), graph_of(comparison, broker)
        drawing = _sketched(graph, looks, flow)
        heads = title or message(comparison), look(comparison) if subtitle is None else subtitle
        marks = _marks(graph, looks)
        wide = max(drawing.width, pen.measure(heads[0], 12, True)[0], pen.measure(heads[1], 9)[0])
        rows = _rows(marks, max(wide, 600.0))
        ax = pen.sheet(ax, drawing.width, drawing.height, *heads, FOOT * len(rows), least=_widest(rows))
        _panel(ax, graph, drawing, looks)
        _legend(ax.get_figure(root=True), rows)
    return describe(ax, sentence(comparison, graph, looks))


def propagation_pair(a, b, *, titles=(None, None), subtitles=(None, None), broker=(None, None)):
    """Draw two propagation graphs, one above the other, and return the figure: one style or policy beside another."""
    import matplotlib.pyplot as plt

    pair = (a, b)
    with house.style():
        looks = [looks_of(c) for c in pair]
        graphs = [graph_of(c, how) for c, how in zip(pair, broker, strict=True)]
        drawings = [_sketched(g, k, None) for g, k in zip(graphs, looks, strict=True)]
        heads = [
            (t or message(c), look(c) if s is None else s) for t, s, c in zip(titles, subtitles, pair, strict=True)
        ]
        wide = max(*(d.width for d in drawings), *(pen.measure(t, 12, True)[0] for t, _ in heads))
        wide = max(wide, *(pen.measure(s, 9)[0] for _, s in heads))
        rows = _rows([m for g, k in zip(graphs, looks, strict=True) for m in _marks(g, k)], max(wide, 600.0))
        wide = max(wide, _widest(rows))
        height = sum(pen.TITLE + d.height for d in drawings) + pen.MARGIN + FOOT * len(rows) + pen.MARGIN
        figure = plt.figure(figsize=((wide + 2 * pen.MARGIN) / 72, height / 72), layout="none")
        top = pen.TITLE
        for comparison, graph, drawing, mine, head in zip(pair, graphs, drawings, looks, heads, strict=True):
            ax = pen.place(figure, pen.MARGIN, top, wide, drawing.height)
            pen.sheet(ax, wide, drawing.height, *head, own=True)
            _panel(ax, graph, drawing, mine)
            describe(ax, sentence(comparison, graph, mine))
            top += pen.TITLE + drawing.height + pen.MARGIN
        _legend(figure, rows)
    return figure


# How it is drawn


def _sketched(graph, looks, flow):
    for name in graph:
        graph.nodes[name]["size"] = _size(name, looks[name].lines)
    return layered(graph, flow)


def _size(name, lines):
    parts = [pen.measure(pen.wrap(name, NAMES), pen.NAME, True), *(pen.measure(line, pen.SMALL) for line in lines)]
    return max(64.0, max(w for w, _ in parts) + 16.0), max(32.0, sum(h for _, h in parts) + 12.0)


def _panel(ax, graph, drawing, looks):
    for data, path, at, label in drawing.edges:
        way = data["way"]
        if way is None:
            line = pen.style_of(data["kind"], data["undo"])._replace(colour=palette.QUIET, width=1.4)
            pen.arrow(ax, path, line, gid="pale")
            continue
        line = palette.WAYS[way.direction]
        if data["rare"]:
            line = line._replace(width=line.width / 2)
        if way.direction == "failure":
            path, at = _back(path, at, drawing.down)
        pen.arrow(ax, path, line, gid=f"way:{way.direction}")
        write(ax, label, at, line.colour, drawing.down)
    for name, box in drawing.boxes.items():
        _box(ax, name, box, looks[name], graph.nodes[name]["role"])


def _back(path, at, down):
    """Return a path the other way round, and where its label stands now that the head is at the other end.

    The layout leaves room for a head before the target; here it is needed behind the source.
    """
    head, way = pen.HEAD[0] + 1, 1 if down else 0

    def moved(point):
        return tuple(value + head * (place == way) for place, value in enumerate(point))

    if [code for code, *_ in path[:3]] == ["M", "L", "C"]:
        path = [path[0], ("L", moved(path[1][1])), ("C", *map(moved, path[2][1:])), *path[3:]]
        at = moved(at) if len(path) == 4 else at
    ends = [points[-1] for _, *points in path]
    turned = [(code, *points[-2::-1], before) for (code, *points), before in zip(path[1:], ends[:-1], strict=True)]
    return [("M", ends[-1]), *reversed(turned)], at


def _box(ax, name, box, look, role):
    from matplotlib.patches import FancyBboxPatch

    x, y, width, height = box
    corner = min(width, height) / 2 if role == "client" else 4.5
    style = f"round,pad=0,rounding_size={corner}"
    looks = {"facecolor": look.face, "edgecolor": look.edge, "linewidth": 1.6, "zorder": 4, "gid": f"box:{name}"}
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle=style, **looks))
    title = pen.wrap(name, NAMES)
    rows = [(title, pen.NAME, look.state in ("struck", "hit")), *((line, pen.SMALL, False) for line in look.lines)]
    heights = [pen.measure(text, size, bold)[1] for text, size, bold in rows]
    top = y - sum(heights) / 2
    for (text, size, bold), high in zip(rows, heights, strict=True):
        weight = "bold" if bold else "normal"
        pen.text(ax, x, top + high / 2, text, size, look.ink, f"node:{name}", fontweight=weight, zorder=6)
        top += high


# The legend


def _marks(graph, looks):
    """Return what the legend has to explain, in the house order: (label, face, edge) or (label, line)."""
    states = {look.state for look in looks.values()}
    faces = {look.face for look in looks.values() if look.state == "hit"}
    found: list = [("struck by the fault", palette.STRUCK, palette.STRUCK)] if "struck" in states else []
    for limit, face in palette.IMPACT.items():
        if face in faces:
            within = f"hit within {pretty(1000 * limit)}" if limit < inf else "hit later"
            found.append((within, face, palette.IMPACT_EDGE))
    if "starved" in states:
        found.append(("starved (no work comes)", palette.PAPER, palette.OPEN))
    if "unaffected" in states:
        found.append(("unaffected", palette.BOX, palette.BOX_EDGE))
    ways = {d["way"].direction for _, _, d in edges_of(graph) if d["way"]}
    told = {"failure": "failure, against the calls", "load": "load, with the calls"}
    return found + [(told[way], palette.WAYS[way]) for way in palette.WAYS if way in ways]


def _wide(mark):
    return pen.measure(mark[0], 9)[0] + 52


def _rows(marks, room):
    """Return the marks in rows that are no wider than `room` [pt], each mark once."""
    order = {mark[0]: mark for mark in marks}
    rows: list = [[]]
    for mark in sorted(order.values(), key=_rank):
        if rows[-1] and sum(map(_wide, [*rows[-1], mark])) > room:
            rows.append([])
        rows[-1].append(mark)
    return rows


def _rank(mark):
    faces = [palette.STRUCK, *palette.IMPACT.values(), palette.PAPER, palette.BOX]
    return faces.index(mark[1]) if len(mark) == 3 else len(faces) + list(palette.WAYS.values()).index(mark[1])


def _widest(rows):
    return max(sum(map(_wide, row)) for row in rows)


def _legend(figure, rows):
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    height = figure.get_size_inches()[1] * 72
    for n, row in enumerate(reversed(rows)):
        handles = [
            Patch(fc=mark[1], ec=mark[2], lw=1.4, label=mark[0])
            if len(mark) == 3
            else Line2D([], [], color=mark[1].colour, ls=mark[1].dash, lw=mark[1].width, label=mark[0])
            for mark in row
        ]
        how = {"ncols": len(row), "frameon": False, "fontsize": 9, "handlelength": 2.0, "columnspacing": 1.6}
        at = 0.5, (8 + n * (FOOT - 6)) / height
        figure.legend(handles=handles, loc="lower center", bbox_to_anchor=at, borderaxespad=0.0, **how)
