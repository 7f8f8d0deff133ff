"""The interaction graph: all of it can be read, it shows what was counted, and styles share their places."""

import os
import subprocess
import sys
import warnings
from itertools import combinations, pairwise

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import DesignWarning, run
from rehearsal.draw import alt, interaction, interaction_pair, png, sketch
from rehearsal.draw.bows import points_of
from rehearsal.draw.labels import Box, crosses
from rehearsal.draw.pen import WIDEST
from rehearsal.draw.sketch import fixed, layered
from rehearsal.draw.tags import numbers, tag
from rehearsal.graphs import declared, interactions
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.blueprints import SHAPES, chain, played, star, talker
from tests.boxes import readable, texts


@pytest.fixture(autouse=True)
def tidy():
    """Let systems look odd, and close what a test drew."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        yield
    plt.close("all")


@pytest.fixture(scope="module")
def storms():
    """Return both shops of the course through the same outage."""
    return [run(shop(), ORDERS, seed=7, faults=OUTAGE) for shop in (orchestrated, choreographed)]


@pytest.fixture(scope="module")
def every():
    """Return a run of every shape."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        return {name: make() for name, make in SHAPES.items()}


def boxes(ax):
    """Return the boxes of nodes by name [pixels]."""
    return {p.get_gid()[4:]: p.get_window_extent() for p in ax.patches if str(p.get_gid()).startswith("box:")}


def meet(a, b, slack=0.5):
    """Return whether two boxes overlap."""
    return min(a.x1, b.x1) - max(a.x0, b.x0) > slack and min(a.y1, b.y1) - max(a.y0, b.y0) > slack


def labels_keep_clear_of_boxes(figure):
    """Check that a label meets no node, and that a name stays within its own."""
    written = texts(figure)
    for ax in figure.axes:
        nodes = boxes(ax)
        assert not [pair for pair in combinations(nodes.values(), 2) if meet(*pair)]
        for text in written:
            if text.axes is not ax:
                continue
            mine, extent = str(text.get_gid()), text.get_window_extent()
            if mine.startswith("node:"):
                node = nodes[mine[5:]]
                assert node.x0 < extent.x0 and extent.x1 < node.x1 and node.y0 < extent.y0 and extent.y1 < node.y1
            else:
                assert not [name for name, node in nodes.items() if meet(extent, node)], text.get_text()


@pytest.mark.parametrize("broker", ["edge", "node"])
@pytest.mark.parametrize("shape", SHAPES)
def test_all_of_it_can_be_read(every, shape, broker):
    figure = interaction(every[shape], broker=broker).figure
    readable(figure)
    labels_keep_clear_of_boxes(figure)


@pytest.mark.parametrize("shape", ["chain of 6", "mesh of 6", "bus of 5", "talker"])
@pytest.mark.parametrize("flow", ["right", "down"])
def test_either_way_can_be_read(every, shape, flow):
    figure = interaction(every[shape], flow=flow).figure
    readable(figure)
    labels_keep_clear_of_boxes(figure)


PAIRS = [
    ("star of 6, twice", "chain of 6"),
    ("star of 13", "chain of 14"),
    ("mesh of 14", "bus of 14"),
    ("bus of 5", "mesh of 6"),
    ("monolith", "talker"),
    ("no requests", "no requests"),
]


@pytest.mark.parametrize("broker", ["edge", "node"])
@pytest.mark.parametrize("pair", PAIRS, ids=" + ".join)
def test_a_pair_can_be_read(every, pair, broker):
    figure = interaction_pair(*(every[shape] for shape in pair), broker=broker)
    readable(figure)
    labels_keep_clear_of_boxes(figure)


def test_the_shops_of_the_course_can_be_read(storms):
    for figure in [interaction_pair(*storms), *(interaction(one).figure for one in storms)]:
        readable(figure)
        labels_keep_clear_of_boxes(figure)


def test_a_service_stands_at_the_same_place_in_both_styles(storms):
    one, two = (boxes(ax) for ax in interaction_pair(*storms).axes)
    shift = {round(two[name].x0 - one[name].x0, 3) for name in one}
    assert len(shift) == 1 and {round(two[name].y0 - one[name].y0, 3) for name in one} == {0.0}


def test_the_hub_stands_in_the_middle_of_a_star(storms):
    placed = boxes(interaction_pair(*storms).axes[0])
    middle = placed["orders"].x0 + placed["orders"].x1
    around = [placed[name] for name in ("inventory", "shipping")]
    assert [b.x0 + b.x1 for b in around] == pytest.approx([middle, middle], abs=4)
    assert around[0].y0 > placed["orders"].y1 and around[1].y1 < placed["orders"].y0
    assert placed["client"].x1 < placed["orders"].x0 < placed["payment"].x0


def test_what_is_drawn_is_what_was_counted(storms):
    written = [text.get_text() for text in texts(interaction(storms[0]).figure)]
    for *_, data in interactions(storms[0]).edges(data=True):
        assert data["name"] in written and f"{data['count']:,}" in written
        assert not data["failures"] or f"✗{data['failures']:,}" in written
    assert sum(text.startswith("✗") for text in written) == 1


def test_the_alt_text_is_made_of_the_same_numbers(storms):
    assert alt(interaction(storms[0])) == (
        "Interaction graph of orchestrated shop: 4 services, 5 edges, 25,723 messages; "
        "client → orders place (request, 5,936); orders → inventory reserve (call, 5,936); "
        "orders → payment charge (call, 7,915, ✗2,950); orders → shipping ship (call, 4,965); "
        "orders → inventory release (compensation, 971)."
    )
    assert alt(interaction_pair(*storms)).count("Interaction graph of") == 2


def test_the_hub_is_told_apart_and_so_is_who_never_spoke():
    drawn = {p.get_gid(): p for p in interaction(played(star(4), 3)).patches if p.get_gid()}
    assert drawn["box:orchestrator"].get_linewidth() > drawn["box:payment"].get_linewidth()
    drawn = {p.get_gid(): p for p in interaction(played(talker(), 3)).patches if p.get_gid()}
    assert drawn["box:forgotten-service"].get_linestyle() != drawn["box:shop"].get_linestyle() == "solid"


def test_an_event_that_nobody_hears_is_a_line_in_red():
    ax = interaction(played(talker(), 3))
    (note,) = (text for text in ax.texts if text.get_gid() == "note")
    assert note.get_text() == "✗ nobody hears order.lost, which shop publishes (3)"
    assert "nobody hears order.lost" in alt(ax)


def test_a_blueprint_and_a_graph_can_be_drawn_too(storms):
    assert alt(interaction(orchestrated())).startswith(
        "Interaction graph of orchestrated shop: 4 services, 5 edges; client"
    )
    graph = interactions(storms[0])
    assert alt(interaction(graph)) == alt(interaction(storms[0]))
    assert [numbers(data) for *_, data in declared(orchestrated()).edges(data=True)] == [("", "")] * 5


def test_arrow_heads_sit_on_the_edges_of_boxes(storms):
    drawing = layered(interactions(storms[0]))
    for data, path, *_ in drawing.edges:
        x, y, width, height = drawing.boxes["orders" if data["name"] == "place" else _target(data["name"])]
        tip = path[-1][-1]
        assert tip[0] == pytest.approx(x - width / 2) and abs(tip[1] - y) <= height / 2


def _target(name):
    return {"reserve": "inventory", "release": "inventory", "charge": "payment", "ship": "shipping"}[name]


def test_deep_graphs_run_down_and_others_to_the_right():
    assert layered(declared(chain(14))).down
    assert not layered(declared(chain(4))).down and not layered(declared(star(13))).down
    assert layered(declared(chain(4)), flow="down").down
    with pytest.raises(ValueError, match='flow is "right", "down" or None'):
        layered(declared(chain(4)), flow="up")


def test_pairs_grow_until_no_label_lies_on_a_line(storms):
    graphs = [interactions(one) for one in storms]
    at = {
        "client": (-0.9, 0.0),
        "orders": (0.0, 0.0),
        "inventory": (0.0, -1.0),
        "payment": (1.0, 0.0),
        "shipping": (0.0, 1.0),
    }
    drawings, bad = fixed(graphs, [at, at])
    assert bad == (0, 0) and all(drawing.width <= WIDEST for drawing in drawings)
    for drawing in drawings:
        for _, _, (x, y), words in drawing.edges:
            high = (words.above + words.below) / 2
            label = Box(x - words.width / 2, y - high, x + words.width / 2, y + high)
            lines = [line for _, path, *_ in drawing.edges for line in pairwise(points_of(path))]
            assert not [line for line in lines if crosses(label, line)]


def test_positions_can_be_given(storms):
    at = {"client": (-1, 0), "orders": (0, 0), "inventory": (0, -1), "payment": (1, 0), "shipping": (0, 1)}
    ax = interaction(storms[0], positions=at)
    placed = boxes(ax)
    assert placed["payment"].x0 > placed["orders"].x1 and placed["inventory"].y0 > placed["orders"].y1
    with pytest.raises(ValueError, match="no place for shipping"):
        interaction(storms[0], positions={name: at[name] for name in ("client", "orders", "inventory", "payment")})


def test_a_panel_that_is_too_small_grows(storms):
    figure, axes = plt.subplots(1, 2, figsize=(4, 2), layout="constrained")
    for one, ax in zip(storms, axes, strict=True):
        assert interaction(one, ax=ax) is ax
    readable(figure)
    labels_keep_clear_of_boxes(figure)


def test_labels_take_three_forms():
    data = {"name": "stock.reserved", "count": 1234, "failures": 5, "kind": "event"}
    split, flat, block = (tag(data, form, 8, "3") for form in ("split", "flat", "block"))
    assert (split.name, split.number, split.failed) == ("stock.\nreserved", "1,234", "✗5")
    assert flat.name == "stock.reserved" and flat.width > split.width and flat.above < split.above
    assert (block.name, block.number) == ("3 stock.\nreserved", "")
    assert tag(data, "block", 0, "3").name == "3"


def test_messages_are_ranked_by_first_occurrence_compensations_apart(storms):
    ranks = sketch.ranks(interactions(storms[0]))
    assert list(ranks.items())[-1] == (("call", "ship"), "4") and ("call", "release") not in ranks
    assert sketch.ranks(interactions(storms[0]), undo=True)["call", "release"] == "5"


PICTURES = """
import hashlib, warnings
warnings.simplefilter("ignore")
from rehearsal.draw import interaction, interaction_pair, png, wiring, wiring_pair
from tests.blueprints import bus, chain, mesh, played, star
a, b, c = played(star(5), 9), played(chain(7), 9), played(bus(6), 9)
figures = [interaction(a), interaction(b), interaction(c, broker="node"), interaction(mesh(9)),
           interaction_pair(a, b), interaction_pair(a, c, broker="node"), wiring(c), wiring_pair(a, b)]
print([hashlib.sha256(png(f)).hexdigest() for f in figures])
"""


def test_the_same_pictures_have_the_same_bytes_under_every_hash_seed():
    out = []
    for seed in ("1", "2"):
        paths = os.pathsep.join(["lib", ".", os.environ.get("PYTHONPATH", "")])
        env = os.environ | {"PYTHONHASHSEED": seed, "MPLBACKEND": "agg", "PYTHONPATH": paths}
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        done = subprocess.run(
            [sys.executable, "-c", PICTURES], capture_output=True, text=True, env=env, cwd=root, timeout=300
        )
        assert done.returncode == 0, done.stderr
        out.append(done.stdout)
    assert out[0] == out[1] and len(set(eval(out[0]))) == 8


def test_a_picture_is_small(storms):
    assert len(png(interaction_pair(*storms))) < 90_000
