"""The damage matrix: a row for each version of a system, a column for each kind of damage, counts in the cells."""

from rehearsal.draw import house, palette, pen
from rehearsal.draw.show import describe
from rehearsal.effects import DAMAGE, MEANING, tally

CELL, ROW, AIR = 62.0, 26.0, 6.0  # least width and the height of a cell, and what is free between two [pt]
GOOD, KNOWN = ("whole", "undone"), ("parked", "open")  # as it should be; not over, and somebody knows
PALEST = 0.22  # how much colour the smallest share has


def damage(versions, *, rows="version", expects=None, ax=None, title=None, subtitle=None):
    """Draw what became of the effects of each version, {name: a run, or several}, and return the Axes.

    A cell holds how many requests have this kind of damage, and is the darker the larger their share; a kind that no
    version has, has no column. `rows` says what the versions are; `expects` is as for `effects.damage`.
    """
    found = counts(versions, expects)
    columns = shown(found)
    with house.style():
        side, top = _side(rows, found), _top(columns)
        width = side + len(columns) * (CELL + AIR) - AIR + 1
        heads = title or message(found), look(found) if subtitle is None else subtitle
        ax = pen.sheet(ax, width, top + len(found) * (ROW + AIR), *heads)
        _names(ax, rows, found, columns, side, top)
        for n, (name, kinds) in enumerate(found.items()):
            for place, kind in enumerate(columns):
                corner = side + place * (CELL + AIR), top + n * (ROW + AIR)
                _cell(ax, corner, kind, kinds[kind], sum(kinds.values()), f"cell:{name}:{kind}")
    return describe(ax, sentence(found))


def counts(versions, expects=None):
    """Return {name: {kind of damage: number of requests}} of each version."""
    if not versions:
        raise ValueError("a damage matrix needs at least one version, such as {'safe': run}")
    return {name: tally(runs, expects) for name, runs in versions.items()}


def shown(found):
    """Return the kinds of damage that have a column: those that occur, in order.

    >>> shown({"safe": {"whole": 9, "undone": 0, "stuck": 0}, "bare": {"whole": 7, "undone": 0, "stuck": 2}})
    ['whole', 'stuck']
    """
    return [kind for kind in DAMAGE if any(kinds.get(kind) for kinds in found.values())]


def message(found):
    """Say how many versions leave damage.

    >>> message({"safe": {"whole": 9, "stuck": 0}, "bare": {"whole": 7, "stuck": 2}})
    '1 of 2 versions leaves damage'
    """
    hurt = sum(any(n for kind, n in kinds.items() if kind not in GOOD) for kinds in found.values())
    return f"{hurt or 'none'} of {len(found)} versions leave{'' if hurt > 1 else 's'} damage".capitalize()


def look(found):
    """Say how many requests a row has."""
    offered = sorted({sum(kinds.values()) for kinds in found.values()})
    many = f"{offered[0]:,}" if len(offered) == 1 else f"{offered[0]:,} to {offered[-1]:,}"
    return f"what is left in the world of the {many} requests of each row"


def sentence(found):
    """Say in words what the picture shows."""
    told = [
        f"{name}: {', '.join(f'{n:,} {kind}' for kind, n in kinds.items() if n) or 'none'}"
        for name, kinds in found.items()
    ]
    means = "; ".join(f"{kind}: {MEANING[kind]}" for kind in shown(found))
    return f"Damage matrix, requests by kind. {'; '.join(told)}. ({means}.)"


def colour(kind, share):
    """Return the colour of a cell: white for nothing, the full colour of its kind for all."""
    from matplotlib.colors import to_hex, to_rgb

    strength = PALEST + (1 - PALEST) * share if share else 0.0
    hue = to_rgb(palette.HEALTH["≥ 99 %" if kind in GOOD else "90–99 %" if kind in KNOWN else "< 50 %"])
    return to_hex([1 - strength * (1 - part) for part in hue])


def _side(rows, found):
    return max(pen.measure(pen.wrap(name, 30), pen.NAME, True)[0] for name in (rows, *found)) + 12


def _top(columns):
    return max([pen.measure(pen.wrap(kind, 10), pen.LABEL)[1] for kind in columns] + [12.0]) + 9


def _names(ax, rows, found, columns, side, top):
    pen.text(ax, side - 12, top - 6, rows, colour=palette.GREY, ha="right", va="baseline")
    for place, kind in enumerate(columns):
        x = side + place * (CELL + AIR) + CELL / 2
        pen.text(ax, x, top - 6, pen.wrap(kind, 10), va="baseline", gid=f"column:{kind}")
    for n, name in enumerate(found):
        y = top + n * (ROW + AIR) + ROW / 2
        pen.text(ax, side - 12, y, pen.wrap(name, 30), pen.NAME, ha="right", gid=f"row:{name}")


def _cell(ax, corner, kind, count, offered, gid):
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    face = colour(kind, count / offered if offered else 0.0)
    edge = {"lw": 0} if count else {"ec": palette.RULE, "lw": 0.8}
    ax.add_patch(Rectangle(corner, CELL, ROW, fc=face, zorder=2, gid=gid, **edge))
    dark = sum(to_rgb(face)) < 1.6
    ink = palette.PAPER if dark else palette.INK if count else palette.GREY
    where = corner[0] + CELL / 2, corner[1] + ROW / 2
    pen.text(ax, *where, f"{count:,}" if count else "–", colour=ink, gid="told")
