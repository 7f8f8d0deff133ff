"""The geometry of graphs: layers, orders, ports and routes, checked without drawing anything."""

import doctest
from itertools import combinations, pairwise
from math import hypot

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.draw import bows, layout, ring, slots
from rehearsal.draw.labels import Box, crosses
from rehearsal.draw.layout import Item, Wire, chains, crossings, layering, ordering, spread
from rehearsal.draw.routes import plan, rounded

SIZE = (70.0, 32.0)


def wires(text, **how):
    """Return the wires of "a>b b>c"; a compensation is written "a~b"."""
    found = []
    for word in text.split():
        source, target = word.replace("~", ">").split(">")
        found.append(Wire(source, target, 60.0, 27.0, "~" in word, (80.0, 12.0), **how))
    return found


def names(found):
    """Return the names that wires join, in order of first occurrence."""
    return list(dict.fromkeys(name for w in found for name in (w.source, w.target)))


def rows(text):
    """Return the layers of a graph as strings of the names in each."""
    found = wires(text)
    layer = layering(names(found), found)
    return ["".join(n for n in layer if layer[n] == depth) for depth in range(max(layer.values()) + 1)]


@pytest.mark.parametrize("module", [layout, ring, slots])
def test_examples_in_docstrings_are_true(module):
    done = doctest.testmod(module)
    assert (done.failed, done.attempted > 0) == (0, True)


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("a>b b>c c>d", ["a", "b", "c", "d"]),
        ("a>b a>c a>d", ["a", "bcd"]),
        ("a>b b>d a>c c>d", ["a", "bc", "d"]),
        ("a>b b>c a>c", ["a", "b", "c"]),
        ("a>b b>c c>a", ["a", "b", "c"]),  # what closes a cycle is feedback
        ("a>b b>c c>c", ["a", "b", "c"]),
        ("a>b b>c c~b", ["a", "b", "c"]),
        ("a>b a>c b~c", ["a", "bc"]),  # a compensation does not shape the flow
        ("a>b b~c", ["a", "b", "c"]),  # unless nothing else leads to its target
        ("a>b b>c x>c", ["a", "bx", "c"]),  # who begins late stands next to its first partner
    ],
)
def test_layers_are_longest_paths_in_order_of_first_occurrence(text, layers):
    assert rows(text) == layers


def test_long_edges_pass_every_layer_in_a_lane_of_their_own():
    found = wires("a>b b>c c>d a>d")
    layer = layering(names(found), found)
    assert chains(found, layer)[3] == [Item("a"), Item("d", 3), Item("d", 3), Item("d")]


def test_feedback_has_no_chain():
    found = wires("a>b b>c c>a")
    assert chains(found, layering(names(found), found))[2] is None


def test_sweeps_take_out_crossings_that_the_order_of_occurrence_has():
    found = wires("a>b a>c b>x c>y a>d d>x b>z".replace("b>z", "d>z"))
    layer = layering(names(found), found)
    paths = chains(found, layer)
    assert crossings(ordering(names(found), layer, paths), paths, layer) == 0


def test_without_crossings_the_order_of_occurrence_stays():
    found = wires("o>d o>a o>c o>b")
    layer = layering(names(found), found)
    assert [item.name for item in ordering(names(found), layer, chains(found, layer))[1]] == ["d", "a", "c", "b"]


numbers = st.floats(-1000, 1000).map(lambda x: round(x, 3))


@given(st.lists(numbers, min_size=1, max_size=12), st.data())
def test_spread_keeps_the_gaps_and_moves_nothing_that_need_not_move(wanted, data):
    gaps = data.draw(st.lists(st.floats(0, 50), min_size=len(wanted) - 1, max_size=len(wanted) - 1))
    found = spread(wanted, gaps)
    assert all(b - a >= gap - 1e-6 for (a, b), gap in zip(pairwise(found), gaps, strict=True))
    assert sum(found) == pytest.approx(sum(wanted), abs=1e-6)  # least squares: the mean stays
    if all(b - a >= gap for (a, b), gap in zip(pairwise(wanted), gaps, strict=True)):
        assert found == pytest.approx(wanted)


def planned(text, down=False):
    """Return the Plan of a graph."""
    found = wires(text)
    return plan(dict.fromkeys(names(found), SIZE), found, down)


def test_a_chain_is_exactly_straight():
    drawn = planned("a>b b>c c>d a>d")
    assert len({drawn.boxes[name].across for name in "abcd"}) == 1
    assert len({y for route in drawn.routes[:2] for _, *points in route.path for _, y in points}) == 1


def test_a_hub_stands_exactly_in_the_middle_of_its_leaves():
    drawn = planned("c>o o>a o>b o>d o>e")
    middle = (drawn.boxes["a"].across + drawn.boxes["e"].across) / 2
    assert drawn.boxes["o"].across == pytest.approx(middle)
    assert drawn.boxes["c"].across == pytest.approx(middle)


def test_parallel_edges_have_ports_of_their_own():
    drawn = planned("a>b a>b a~b")
    ends = [route.path[-1][-1] for route in drawn.routes]
    assert len(set(ends)) == 3
    assert [y for _, y in ends] == sorted(y for _, y in ends)


def test_feedback_runs_underneath_and_the_shorter_nearer():
    drawn = planned("a>b b>c c>d d~a c~b")
    lowest = max(box.across + box.breadth / 2 for box in drawn.boxes.values())
    far, near = (max(y for _, *ps in drawn.routes[i].path for _, y in ps) for i in (3, 4))
    assert lowest < near < far
    assert drawn.routes[3].back and not drawn.routes[0].back


def test_steps_back_from_node_to_node_share_a_height():
    drawn = planned("a>b b>c c>d d~c c~b b~a")
    assert len({max(y for _, *ps in route.path for _, y in ps) for route in drawn.routes[3:]}) == 1


def trace(path, steps=10):
    """Return points along a path."""
    (_, here), *rest = path
    found = [here]
    for code, *points in rest:
        curve = [here, *points]
        for n in range(1, steps + 1):
            level, t = curve, n / steps
            while len(level) > 1:
                level = [tuple((1 - t) * p + t * q for p, q in zip(a, b, strict=True)) for a, b in pairwise(level)]
            found.append(level[0])
        here = points[-1]
        assert code in "LQC"
    return found


def as_box(x, y, width, height, less=0.5):
    """Return a box, a hair smaller than it is."""
    return Box(x - width / 2 + less, y - height / 2 + less, x + width / 2 - less, y + height / 2 - less)


def meets(a, b):
    """Return whether two boxes overlap."""
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1


@st.composite
def graphs(draw):
    """Draw a graph of 1 to 14 nodes with up to 26 labelled edges, loops and parallel ones among them."""
    count = draw(st.integers(1, 14))
    node = st.integers(0, count - 1).map(lambda n: f"n{n}")
    edge = st.tuples(node, node, st.booleans(), st.floats(20, 120), st.sampled_from([16.0, 27.0, 49.0]))
    edges = draw(st.lists(edge, min_size=1, max_size=26))
    down = draw(st.booleans())
    found = []
    for s, t, undo, width, height in edges:
        size = (14.0, width) if down else (width, height)
        found.append(Wire(s, t, *size, undo, (14.0, width) if down else (width, 12.0)))
    sizes = {f"n{n}": (32.0 + 10 * (n % 3), 70.0 + 9 * n)[:: 1 if down else -1] for n in range(count)}
    return sizes, found, down


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_labels_meet_nothing_in_any_graph(graph):
    sizes, found, down = graph
    drawn = plan(sizes, found, down)
    boxes = {name: as_box(*box) for name, box in drawn.boxes.items()}
    labels = [
        as_box(*route.label, *(w.flat if route.back else (w.along, w.across)))
        for w, route in zip(found, drawn.routes, strict=True)
    ]
    assert not [pair for pair in combinations(boxes.values(), 2) if meets(*pair)]
    assert not [pair for pair in combinations(labels, 2) if meets(*pair)]
    assert not [name for label in labels for name, box in boxes.items() if meets(label, box)]


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_edges_run_from_box_to_box_and_over_nobody_elses_label(graph):
    sizes, found, down = graph
    drawn = plan(sizes, found, down)
    lines = [trace(route.path) for route in drawn.routes]
    for wire, route, line in zip(found, drawn.routes, lines, strict=True):
        for name, (x, y) in ((wire.source, line[0]), (wire.target, line[-1])):
            box = drawn.boxes[name]
            beside, above = abs(x - box.along) - box.length / 2, abs(y - box.across) - box.breadth / 2
            assert max(beside, above) == pytest.approx(0, abs=1e-6)
        size = wire.flat if route.back else (wire.along, wire.across)
        label = as_box(*route.label, *size, less=1.0)
        others = [other for other in lines if other is not line]
        assert not [part for other in others for part in pairwise(other) if crosses(label, part)]


@given(graphs())
def test_the_same_graph_gives_the_same_plan(graph):
    assert plan(*graph) == plan(*graph)


def test_corners_are_rounded_no_further_than_half_a_side():
    path = rounded([(0, 0), (0, 4), (100, 4)])
    assert path == (("M", (0, 0)), ("L", (0, 2)), ("Q", (0, 4), (6, 4)), ("L", (100, 4)))


def test_styles_share_the_place_of_every_service():
    one, two = ring.shared(
        ["client", "orchestrator", "stock", "pay"],
        ["client", "orders", "stock", "pay", "mail"],
        ("orchestrator", None),
        (["client"], ["client"]),
    )
    assert one["stock"] == two["stock"] and one["pay"] == two["pay"] and one["client"] == two["client"]
    assert one["orchestrator"] == two["orders"] == (0.0, 0.0)
    assert len(set(two.values())) == 5


def test_seats_are_taken_with_few_crossings():
    ends = {"o": (0.0, 0.0)}
    seats = [(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]
    found = ring.untangled(["a", "b", "c", "d"], seats, ends, [("a", "c"), ("c", "b"), ("b", "d"), ("d", "a")])
    assert ring._tangle(found | ends, [("a", "c"), ("c", "b"), ("b", "d"), ("d", "a")])[0] == 0
    assert found["a"] in seats[:2]  # the first message at the top, and then clockwise


@pytest.mark.parametrize("count", range(1, 14))
@pytest.mark.parametrize("lead", [True, False])
def test_angles_are_apart_and_leave_room_for_the_entrance(count, lead):
    found = ring.angles(count, lead)
    assert len(found) == len(set(found)) == count
    assert not lead or all(abs(angle) < 145 for angle in found)


def test_bows_begin_and_end_at_their_boxes_and_keep_apart():
    boxes = {"a": (0.0, 0.0, 70.0, 32.0), "b": (300.0, 20.0, 70.0, 32.0), "c": (150.0, 10.0, 60.0, 32.0)}
    paths = bows.bows(boxes, [("a", "b"), ("b", "a"), ("a", "b")])
    for path, (source, target) in zip(paths, [("a", "b"), ("b", "a"), ("a", "b")], strict=True):
        line = bows.points_of(path)
        for (x, y), (u, v, w, h) in ((line[0], boxes[source]), (line[-1], boxes[target])):
            assert max(abs(x - u) - w / 2, abs(y - v) - h / 2) == pytest.approx(0, abs=4)
        assert not any(abs(x - 150) < 30 and abs(y - 10) < 16 for x, y in line)  # around what is in between
    middles = [bows.points_of(path)[6] for path in paths]
    assert all(hypot(a[0] - b[0], a[1] - b[1]) > 12 for a, b in combinations(middles, 2))


def test_labels_find_places_beside_their_lines():
    boxes = {"a": (0.0, 0.0, 70.0, 32.0), "b": (300.0, 0.0, 70.0, 32.0)}
    paths = bows.bows(boxes, [("a", "b"), ("b", "a")])
    spots, over = bows.settle(paths, [(60.0, 12.0), (60.0, 12.0)], boxes)
    assert over == 0 and None not in spots
    assert not meets(as_box(*spots[0], 60, 12), as_box(*spots[1], 60, 12))
