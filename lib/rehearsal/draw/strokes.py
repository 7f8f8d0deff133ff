"""Draw what stands on the lifelines of a sequence diagram: faults, bars, waits, notes, folds."""

from rehearsal.draw import palette
from rehearsal.draw.arrows import cross, head
from rehearsal.draw.labels import Spot
from rehearsal.units import pretty

BROKEN = (0, (2, 1.5))  # the edge of work that nobody waits for
SHORT = 0.012  # of the axis: what is shorter shows no wait


def shade(page, shades):
    """Hatch the time in which a service was down; tint it where it was only slow or made errors."""
    from matplotlib.patches import Rectangle

    for s in shades:
        if not page.shows(s.start, s.end):
            continue
        x, top, bottom = page.columns[s.service], page.y(s.start), page.y(s.end)
        looks: dict = {"fc": palette.BAND, "lw": 0, "zorder": 0.5}
        if s.down:
            looks = {"fc": palette.DOWN_FACE, "ec": palette.DOWN, "hatch": "////", "lw": 0.9, "zorder": 2}
        box = page.ax.add_patch(Rectangle((x - page.down, top), 2 * page.down, bottom - top, **looks))
        colour = palette.DOWN if s.down else palette.GREY
        sides = [("left", x + page.down, 5), ("right", x - page.down, -5)]
        heights = [
            (bottom, -2, "bottom", 0),
            (top, -2, "top", 1),
            ((top + bottom) / 2, 0, "center", 2),
            (bottom, 2, "top", 3),
        ]
        spots = [Spot(px, y, dx, -dy, ha, va, bad) for y, dy, va, bad in heights for ha, px, dx in sides]
        page.label(s.text, spots, color=colour, fontweight="bold")
        if s.down:
            page.obstacles.append(box)
            page.used["down"] = True


def bars(page):
    """Draw the work: a bar from its start to its end, pale and dashed where nobody waits for it."""
    from matplotlib.patches import Rectangle

    for b in page.bars:
        if not page.shows(b.start, b.end):
            continue
        x, top, bottom = (
            page.columns[b.service] - page.half + page.step * b.lane,
            page.y(b.start),
            page.y(b.end),
        )
        looks = (
            {"fc": palette.PAPER, "ec": palette.GREY, "ls": BROKEN}
            if b.pale
            else {"fc": palette.WORK, "ec": palette.BOX_EDGE}
        )
        box = page.ax.add_patch(
            Rectangle((x, top), 2 * page.half, bottom - top, lw=0.9, zorder=3 + 0.1 * b.lane, **looks)
        )
        page.obstacles.append(box)
        page.used["zombie: works, nobody waits" if b.pale else "working"] = True


def waits(page, scene_waits):
    """Dot the time messages wait, beside the lifelines; return {(service, received): where it stands} for arrows."""
    stands: dict = {}
    lanes: dict = {}
    for w in sorted(scene_waits, key=lambda w: (w.start, w.end)):
        top, bottom = page.y(w.start), page.y(w.end)
        if bottom - top < SHORT * page.clock.length or not page.shows(w.start, w.end):
            continue
        side = 1 if page.columns.get(w.source, 0) > page.columns[w.service] else -1
        busy = lanes.setdefault((w.service, side), [])
        lane = next((i for i, until in enumerate(busy) if until <= w.start), len(busy))
        busy[lane : lane + 1] = [w.end]
        x = page.columns[w.service] + side * (page.aside + page.step * lane)
        colour = palette.KINDS[w.style].colour
        page.ax.plot([x, x], [top, bottom], color=colour, ls=palette.DOTTED, lw=1.8, zorder=4)
        if w.taken:
            head(page, (x, bottom), (page.columns[w.service] + side * page.half, bottom), palette.KINDS[w.style])
        page.lines.append((((x, top), (x, bottom)), 4))
        stands[w.service, w.start] = x
        sides = [(x, side, 0), (page.columns[w.service] - side * page.down, -side, 4)]
        page.label(w.text, _along(top, bottom, sides), color=palette.GREY, style="italic")
    return stands


def _along(top, bottom, sides):
    """Return the spots of words beside a line from `top` to `bottom`; `sides`: (x, which side, how bad)."""
    places = [(0.5, 0), (0.3, 1), (0.7, 1), (0.12, 2), (0.9, 2), (0.02, 3)]
    return [
        Spot(x, top + share * (bottom - top), 6 * side, 0, "left" if side > 0 else "right", "center", worse + bad)
        for x, side, worse in sides
        for share, bad in places
    ]


def notes(page, scene_notes):
    """Write time-outs and zombies beside their lifelines, and mark with ✗ where a caller gave up or work broke off."""
    for n in scene_notes:
        if not page.shows(n.time, n.time):
            continue
        x, y = page.columns[n.service], page.y(n.time)
        if n.cross:
            cross(page, x, y)
        if n.loud:
            looks: dict = {"color": palette.KINDS["lost"].colour, "lw": 1.2, "ls": BROKEN, "zorder": 2.5}
            page.ax.axhline(y, label="_mark", **looks)
            page.label(n.text, _over(page, n.service, y), color=looks["color"], fontweight="bold")
        elif n.text:
            page.label(n.text, beside(page, n.service, n.time, y), color=palette.GREY, style="italic")


def _over(page, service, y):
    """Return the spots of words on a line across the page: over or under it, near a lifeline first."""
    places = [i + share for i in range(-1, len(page.columns)) for share in (0.25, 0.5, 0.75)]
    heights = [(4, "bottom", 0), (-4, "top", 0.2), (16, "bottom", 2), (-16, "top", 2)]
    near = page.columns[service]
    return [Spot(x, y, 0, dy, "center", va, bad + 0.5 * abs(x - near)) for dy, va, bad in heights for x in places]


def beside(page, service, time, y, right_first=False):
    """Return the spots of a note beside a lifeline: left, then right, then a little higher or lower."""
    sides = [("right", page.edge(service, time, -1), -8), ("left", page.edge(service, time, 1), 8)]
    shifts = [(0, 0), (7, 1), (-7, 1), (14, 2), (-14, 2), (21, 3), (-21, 3), (30, 4), (-30, 4)]
    ordered = sides[::-1] if right_first else sides
    return [
        Spot(x, y, dx, dy, ha, "center", bad + 0.5 * i) for dy, bad in shifts for i, (ha, x, dx) in enumerate(ordered)
    ]


def folds(page):
    """Draw each folded stretch as a white tear across the page, with the time that passes in it."""
    from numpy import linspace, pi, sin

    left, right = -0.62, len(page.columns) - 0.38
    for a, b in page.clock.folds:
        top, bottom = page.y(a), page.y(b)
        height = bottom - top
        page.ax.axhspan(top + 0.3 * height, bottom - 0.3 * height, color=palette.PAPER, lw=0, zorder=7.5)
        xs = linspace(left, right, 60 * (len(page.columns) + 1))
        for y in (top + 0.3 * height, bottom - 0.3 * height):
            page.ax.plot(xs, y + 0.05 * height * sin(xs * 8 * pi), color=palette.RULE, lw=0.9, zorder=7.6)
        middle, gaps = (
            (top + bottom) / 2,
            sorted(range(len(page.columns) - 1), key=lambda i: abs(i - len(page.columns) // 2)),
        )
        spots = [Spot(i + share, middle, 0, 0, "center", "center", 0) for share in (0.5, 0.4, 0.6) for i in gaps]
        page.label(
            f"{pretty(b - a)} pass",
            spots or [Spot(0.5, middle, 0, 0, "center", "center")],
            color=palette.GREY,
            style="italic",
        )
