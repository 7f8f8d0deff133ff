"""Route the edges of a layered graph: a port for each, its label on a straight run, feedback underneath.

Pure geometry, in points. Between two layers there are three strips: a corridor for what turns back, a strip
in which edges bend to their lanes, and a strip in which they run straight and carry their labels. So labels
can meet neither each other nor a bent line, by construction.
"""

from itertools import pairwise
from typing import NamedTuple

from rehearsal.draw.layout import Item
from rehearsal.draw.ports import TURN, Ports

HEAD = 11.0  # length of an arrow head [pt]
BEND = (10.0, 84.0)  # least and largest width of the strip in which edges bend [pt]
ROUNDS = 8  # of making room for the labels of tracks, at most
ROUND = 6.0  # radius of a corner [pt]


class Box(NamedTuple):
    """Place a node: its middle and its size, along and across the flow."""

    along: float
    across: float
    length: float
    breadth: float


class Route(NamedTuple):
    """Place an edge: its path of ("M" | "L" | "Q" | "C", points …), and the middle of its label."""

    path: tuple
    label: tuple
    back: bool = False


class Plan(NamedTuple):
    """Place everything: boxes by name, a route for each wire, and whether the flow runs downwards."""

    boxes: dict
    routes: list
    down: bool = False


def plan(sizes, wires, down=False):
    """Return the Plan for nodes of `sizes` {name: (along, across)}; who has no wire is left out."""
    routing = _Routing(sizes, list(wires), down)
    boxes = {name: routing.box(name) for name in sizes if name in routing.layer}
    drawn = [routing.forward(i) if path else routing.feedback(i) for i, path in enumerate(routing.paths)]
    return Plan(boxes, drawn, down)


class _Routing(Ports):
    """Place boxes, strips and tracks along the flow, and find each edge its way."""

    def __init__(self, sizes, wires, down):
        super().__init__(sizes, wires, down)
        self.turns: dict = {}  # end -> place along the flow where it turns
        self.tracks: dict = {}  # wire -> height of its track underneath
        self.spare: dict = {}  # ("gap" | "corridor", layer) -> what labels of tracks need there
        for _ in range(ROUNDS):
            self._columns()
            self._lay_tracks()
            for name in self.layer:
                self._turn(name)
            if self.down or not self._make_room():
                break

    def _make_room(self):
        """Widen what a track passes where its label finds no stretch of its own; return whether there was need."""
        need: dict = {}
        for wire in self.back:
            source, target = self._span(wire)
            short = self.wires[wire].flat[0] + 4 - self._stretch(wire)[0]
            if short > 0:
                key = ("corridor", source) if source == target else ("gap", source - 1)
                need[key] = max(short, need.get(key, 0.0))
        for key, short in need.items():
            self.spare[key] = self.spare.get(key, 0.0) + short
        return bool(need)

    def _columns(self):
        """Work out where each layer starts and ends, and how wide the strips between two layers are."""
        self.start, self.end, self.bend, self.corridor = [], [], [], []
        here = 0.0
        for depth, row in enumerate(self.rows):
            self.start.append(here)
            self.end.append(here + max(self.size[i.name][0] for i in row if i.wire < 0))
            # From below: the lower a node, the nearer its turn and the higher its track, so none cross.
            upwards = [i.name for i in reversed(row) if i.wire < 0 and not self.under(i.name)]
            aside = [end for name in upwards for end in sorted(self.ends(name), key=lambda e: -self.leave[e])]
            told = [wire for wire, _ in aside]
            # Both ends of a wire side by side, or another's turn would run through its label.
            aside.sort(key=lambda end: (told.count(end[0]) == 1, end[0] if told.count(end[0]) == 2 else 0))
            places = self.lined(aside)
            first = self.end[-1] + 9 + self.spare.get(("corridor", depth), 0.0)
            self.turns.update(zip(aside, (first + at for at in places), strict=True))
            self.corridor.append(first + places[-1] + 7 if aside else self.end[-1])
            self.bend.append(self.corridor[-1] + self._bend(depth))
            here = self.bend[-1] + self._straight(depth)

    def _passing(self, depth):
        """Return the wires between a layer and the next."""
        last = [(i, self.layer[w.source], self.layer[w.target]) for i, w in enumerate(self.wires) if self.paths[i]]
        return [i for i, first, end in last if first <= depth < end]

    def _bend(self, depth):
        rises = [abs(self.height(i, depth, True) - self.height(i, depth + 1, False)) for i in self._passing(depth)]
        return min(max(BEND[0], 0.42 * max(rises, default=0.0)), BEND[1])

    def _straight(self, depth):
        """Return the width of the strip of labels."""
        here = [w.along for w, p in zip(self.wires, self.paths, strict=True) if p and self.layer[w.target] == depth + 1]
        return max([16.0, *here]) + HEAD + 5 + self.spare.get(("gap", depth), 0.0)

    def box(self, name):
        """Return the box of a node; those of a layer are equally long."""
        depth = self.layer[name]
        start, end = self.start[depth], self.end[depth]
        return Box((start + end) / 2, self.at[depth][Item(name)], end - start, self.size[name][1])

    def forward(self, wire):
        """Return the route of a wire that goes with the flow."""
        first, last = self.layer[self.wires[wire].source], self.layer[self.wires[wire].target]
        path: list = [("M", (self.end[first], self.leave[wire]))]
        for depth in range(first, last):
            a, b = self.height(wire, depth, True), self.height(wire, depth + 1, False)
            left, right = self.corridor[depth], self.bend[depth]
            if abs(a - b) > 0.01:
                half = (left + right) / 2
                path += [("L", (left, a)), ("C", (half, a), (half, b), (right, b))]
            path.append(("L", (self.start[depth + 1], b)))
        even = all(
            abs(self.height(i, last - 1, True) - self.height(i, last, False)) <= 0.01 for i in self._passing(last - 1)
        )
        left = self.corridor[last - 1] if even else self.bend[last - 1]
        return Route(tuple(path), ((left + self.start[last] - HEAD) / 2, b))

    def _lay_tracks(self):
        """Give each feedback wire a track underneath all it passes: the shorter nearer, none over another."""
        bottom = [max(v + (self.across[i.name] / 2 if i.wire < 0 else 0.0) for i, v in at.items()) for at in self.at]
        self.floor = max(bottom, default=0.0)
        widest = max([0.0, *(self.wires[i].flat[1] for i in self.back)])
        laid: list = []
        for wire in sorted(self.back, key=self._nearness):
            low, high = min(self._span(wire)), max(self._span(wire))
            room = TURN if self.down else self.wires[wire].flat[1] + 3
            height = self.floor + widest + 16 if self.down else max(bottom[low : high + 1]) + room + 4
            for other, floor in laid:
                if self._meet(wire, other):
                    height = max(height, floor + room)
            self.tracks[wire] = height
            laid.append((wire, height))
            laid.sort(key=lambda pair: pair[1])

    def _nearness(self, wire):
        """Return the key by which tracks are laid: loops, the short, those of lower nodes first."""
        low, high = sorted(self._span(wire))
        ends = self.wires[wire].source, self.wires[wire].target
        loop = ends[0] == ends[1]
        return high - low, not loop, *(-round(self.at[self.layer[n]][Item(n)]) for n in ends), -wire

    def _span(self, wire):
        return self.layer[self.wires[wire].source], self.layer[self.wires[wire].target]

    def _meet(self, one, two):
        """Return whether two tracks pass below one layer; one may end at a node where another begins."""
        (a, b), (c, d) = sorted(self._span(one)), sorted(self._span(two))
        if b < c or d < a:
            return False
        ends = {
            self.wires[one].source: self.wires[two].target,
            self.wires[two].source: self.wires[one].target,
        }
        joint = [name for name, other in ends.items() if name == other and self.under(name)]
        return not (joint and (b == c or d == a) and a != b and c != d)

    def _turn(self, name):
        """Place the turns underneath a node: what leaves stands left of what enters, so no lines cross."""
        ends = self.ends(name) if self.under(name) else []
        ends.sort(key=lambda end: self.seat(end, self.tracks[end[0]]))
        middle = (self.start[self.layer[name]] + self.end[self.layer[name]]) / 2
        places = self.lined(ends)
        self.turns.update(zip(ends, (middle + at - places[-1] / 2 for at in places), strict=True))

    def feedback(self, wire):
        """Return the route of a wire that turns back: down, along its track, and up again."""
        track = self.tracks[wire]
        out, back = self.turns[wire, "out"], self.turns[wire, "in"]
        points = [*self._stub(wire, "out"), (out, track), (back, track), *reversed(self._stub(wire, "in"))]
        if self.down:
            return Route(rounded(points), (out, (self.floor + min(self.tracks.values())) / 2), True)
        return Route(rounded(points), (self._stretch(wire)[1], track - self.wires[wire].flat[1] / 2 - 2), True)

    def _stub(self, wire, side):
        """Return the points between a box and the turn: underneath it, or out at its end."""
        name = self.wires[wire].source if side == "out" else self.wires[wire].target
        box, turn = self.box(name), self.turns[wire, side]
        if self.under(name):
            return [(turn, box.across + box.breadth / 2)]
        height = self.leave[wire, side]
        return [(box.along + box.length / 2, height), (turn, height)]

    def _stretch(self, wire):
        """Return the widest stretch of a track that no other turn crosses: its length and its middle."""
        low, high = sorted((self.turns[wire, "out"], self.turns[wire, "in"]))
        mine = self.tracks[wire]
        through = [at for (other, _), at in self.turns.items() if other != wire and self.tracks[other] >= mine]
        stops = [low, *sorted(at for at in through if low < at < high), high]
        return max((b - a, -n, (a + b) / 2) for n, (a, b) in enumerate(pairwise(stops)))[::2]


def rounded(points):
    """Return the path through corner points, each corner rounded off as far as the shorter side allows."""
    path: list = [("M", points[0])]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        path += [("L", near), ("Q", corner, far)]
    return (*path, ("L", points[-1]))


def _towards(corner, other):
    distance = abs(corner[0] - other[0]) + abs(corner[1] - other[1])
    share = min(ROUND, distance / 2) / distance if distance else 0.0
    return tuple(c + (o - c) * share for c, o in zip(corner, other, strict=True))
