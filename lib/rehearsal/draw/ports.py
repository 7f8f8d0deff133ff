"""Give every edge of a layered graph a port of its own, and every box the room for its ports.

Pure geometry, in points. Where edges arrive, their ports are as far apart as their labels are wide; where
they leave, each port lies as near as it can to where its edge is going, so that what can be straight is
straight.
"""

from itertools import pairwise

from rehearsal.draw.layout import Item, chains, heights, layering, ordering, spread

PORT = 8.0  # least distance of two ports on a side without labels [pt]
EDGE = 8.0  # least distance of a port from the corner of its box [pt]
TURN = 13.0  # distance of two lines that turn back side by side [pt]


class Ports:
    """Hold a layered graph with its ports: who stands where across the flow, and where edges meet boxes.

    An "end" is (wire, "out" | "in"), one end of an edge that turns back.
    """

    def __init__(self, sizes, wires, down):
        self.sizes, self.wires, self.down = sizes, list(wires), down
        self.layer = layering(list(sizes), self.wires)
        self.paths = chains(self.wires, self.layer)
        self.rows = ordering(list(sizes), self.layer, self.paths)
        self.back = [i for i, path in enumerate(self.paths) if not path]
        self.lowest = [[i.name for i in row if i.wire < 0][-1] for row in self.rows]
        self.size = {name: self._grown(name) for name in self.layer}
        # A lone label may be higher than its box, so what a node takes up is not the size of its box.
        self.across = {name: max(self.size[name][1], self._labelled(name)) for name in self.layer}
        self.at = heights(self.rows, self.paths, self.layer, self.across)
        self.entry: dict = {}  # wire -> height of the port where it arrives
        self.leave: dict = {}  # wire, or end -> height of the port where it leaves
        for name in self.layer:
            self._arrivals(name)
        for name in self.layer:
            self._departures(name)

    def lined(self, ends):
        """Return places for turns side by side, from 0; labels lie on them (down), or between both ends of a wire."""
        told = [wire for wire, _ in ends]
        both = [self.wires[i].flat[0] + 8 for i in told if told.count(i) == 2]
        wide = [max(TURN, self.wires[i].flat[0] + 3) if self.down and way == "out" else TURN for i, way in ends]
        places = [0.0] if ends else []
        for (one, two), (a, b) in zip(pairwise(told), pairwise(wide), strict=True):
            places.append(places[-1] + (max(both) if one == two and not self.down else (a + b) / 2))
        return places

    def ends(self, name):
        """Return the feedback that leaves or enters a node, as (wire, "out" | "in")."""
        outs = [(i, "out") for i in self.back if self.wires[i].source == name]
        return outs + [(i, "in") for i in self.back if self.wires[i].target == name]

    def seat(self, end, deep):
        """Return the key by which turns stand underneath a node: leaving, loops around each other, arriving.

        `deep` is how low their tracks are: with this order no two lines cross.
        """
        wire, way = end
        loop = self.wires[wire].source == self.wires[wire].target
        if way == "out":
            return (1, -deep, wire) if loop else (0, deep, wire)
        return (2, deep, wire) if loop else (3, -deep, wire)

    def under(self, name):
        """Return whether feedback can leave a node underneath: no other box of its layer is in the way."""
        return self.lowest[self.layer[name]] == name

    def _grown(self, name):
        """Return the size of a box with room for all its ports."""
        length, breadth = self.sizes[name]
        labels = [self.wires[i].across + 3 for i in self._incoming(name)] or [0.0]
        outgoing = sum(bool(p) and w.source == name for w, p in zip(self.wires, self.paths, strict=True))
        ends = sorted(self.ends(name), key=lambda end: self.seat(end, end[0]))
        if self.under(name):
            length = max(length, max(self.lined(ends), default=0.0) + 2 * EDGE + 4)
        else:
            outgoing += len(ends)
        return length, max(breadth, sum(labels) - min(labels) + 2 * EDGE + 4, (outgoing - 1) * PORT + 2 * EDGE)

    def _incoming(self, name):
        return [i for i, p in enumerate(self.paths) if p and p[-1].name == name]

    def _labelled(self, name):
        return sum(self.wires[i].across + 3 for i in self._incoming(name))

    def _arrivals(self, name):
        """Give what arrives a port each, so that their labels together stand before the middle of the box."""
        depth, middle = self.layer[name], self.at[self.layer[name]][Item(name)]
        mine = self._incoming(name)
        mine.sort(key=lambda i: (self.at[depth - 1][self.paths[i][-2]], i))
        edge = middle - self._labelled(name) / 2
        for wire in mine:
            wide = self.wires[wire].across + 3
            self.entry[wire] = edge + wide / 2
            edge += wide

    def _departures(self, name):
        depth, middle = self.layer[name], self.at[self.layer[name]][Item(name)]
        room = self.size[name][1] / 2 - EDGE
        mine = [i for i, p in enumerate(self.paths) if p and p[0].name == name]
        aim = {i: self._next(i, depth) - middle for i in mine}
        mine.sort(key=lambda i: (aim[i], i))
        keys = [*mine, *([] if self.under(name) else self.ends(name))]
        reach = max([room, *(abs(a) for a in aim.values())])
        wanted = [aim.get(k, reach) * (room / reach) for k in keys]
        for place, (key, value) in enumerate(zip(keys, spread(wanted, [PORT] * (len(keys) - 1)), strict=True)):
            low, high = -room + place * PORT, room - (len(keys) - 1 - place) * PORT
            self.leave[key] = middle + min(max(value, low), high)

    def _next(self, wire, depth):
        """Return the height a wire goes to from its source."""
        step = self.paths[wire][1]
        return self.entry[wire] if step.wire < 0 else self.at[depth + 1][step]

    def height(self, wire, depth, leaving):
        """Return the height of a wire at the end (`leaving`) or at the start of a layer."""
        item = self.paths[wire][depth - self.layer[self.wires[wire].source]]
        if item.wire >= 0:
            return self.at[depth][item]
        return self.leave[wire] if leaving else self.entry[wire]
