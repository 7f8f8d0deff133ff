"""The propagation graph: all of it can be read, arrows go the way the failure went, and every number was computed."""

import warnings
from itertools import combinations

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import Crash, DesignWarning, Evenly, Poisson, Slow, run, shop
from rehearsal.draw import alt, propagation, propagation_pair
from rehearsal.draw.spread import SPACE, graph_of, looks_of, message, tell, waited
from rehearsal.impact import compare
from rehearsal.travel import Way
from tests.blueprints import LONG, bus, chain, mesh, monolith, star
from tests.boxes import readable, texts
from tests.test_draw_interaction import boxes, meet

ORDERS = Poisson("order", every=50, count=500)
OUTAGE = Crash("payment", at=8_000, lasting=3_000)
STYLES = [shop.orchestrated, shop.choreographed]
SHAPES = {
    "star of 1": (star(1), LONG[0]),
    "star of 6, twice": (star(6, calls=2), LONG[1]),
    "star of 13": (star(13), LONG[2]),
    "chain of 2": (chain(2), LONG[1]),
    "chain of 14": (chain(14), LONG[3]),
    "mesh of 6": (mesh(6), LONG[4]),
    "mesh of 14": (mesh(14), LONG[7]),
    "bus of 5": (bus(5), "broker"),
    "bus of 14": (bus(14), LONG[3]),
    "monolith": (monolith(), "shop"),
}


@pytest.fixture(autouse=True)
def tidy():
    """Let systems look odd, and close what a test drew."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        yield
    plt.close("all")


def compared(system, load, *faults):
    """Return the comparison of a system with and without these faults."""
    return compare(*(run(system, load, seed=7, faults=f) for f in ((), faults)))


@pytest.fixture(scope="module")
def shops():
    """Return what the same outage did to both shops."""
    return [compared(make(), ORDERS, OUTAGE) for make in STYLES]


def clear(figure):
    """Check that all can be read, that no label meets a node, and that a node's words stay within it."""
    readable(figure)
    for ax in figure.axes:
        nodes = boxes(ax)
        assert not [pair for pair in combinations(nodes.values(), 2) if meet(*pair)]
        for text in (t for t in texts(figure) if t.axes is ax):
            mine, extent = str(text.get_gid()), text.get_window_extent()
            if mine.startswith("node:"):
                node = nodes[mine[5:]]
                assert node.x0 < extent.x0 and extent.x1 < node.x1 and node.y0 < extent.y0 and extent.y1 < node.y1
            else:
                assert not [name for name, node in nodes.items() if meet(extent, node)], text.get_text()


@pytest.mark.parametrize("shape", SHAPES)
def test_all_of_it_can_be_read(shape):
    system, victim = SHAPES[shape]
    found = compared(system, Evenly("order", every=150, count=8), Crash(victim, at=400, lasting=400))
    clear(propagation(found).figure)
    clear(propagation(found, broker="node", flow="down").figure)


def test_the_shops_can_be_read(shops):
    clear(propagation_pair(*shops))
    for found in shops:
        clear(propagation(found).figure)


def tips(ax):
    """Return {what an arrow is: [(x, y) of where it begins, of its last point before the head]} of a panel."""
    found = {}
    for patch in ax.patches:
        if str(patch.get_gid()).startswith(("way:", "pale")):
            points = patch.get_path().vertices
            found.setdefault(patch.get_gid(), []).append((tuple(points[0]), tuple(points[-1])))
    return found


def test_failure_goes_against_the_calls_and_load_with_them(shops):
    ax = propagation(shops[0])
    found, middle = tips(ax), {name: (box.x0 + box.x1) / 2 for name, box in boxes(ax).items()}
    for start, end in found["way:failure"]:
        assert start[0] > end[0]  # the flow runs to the right
    for start, end in found["way:load"]:
        assert start[0] < end[0]
    assert middle["client"] < middle["orders"] < middle["payment"]
    assert (len(found["way:failure"]), len(found["way:load"]), len(found["pale"])) == (2, 2, 4)


def test_the_arrows_have_the_numbers_and_counts_of_the_travel(shops):
    for found, ax in zip(shops, propagation_pair(*shops).axes, strict=True):
        travel, written = found.travel(), {t.get_text().replace("\n", " ").replace(SPACE, " ") for t in ax.texts}
        hard = [way for way in found.ways() if not way.mild]
        assert {tell(way, n).replace(SPACE, " ") for n, way in enumerate(hard, 1)} <= written
        assert travel["count"].tolist()[: len(hard)] == [way.count for way in hard]
    assert len([way for way in shops[0].ways() if not way.mild]) == 4


def test_a_way_says_every_word_with_its_count():
    way = Way("payment", "orders", "charge", "failure", {"times out": 1810, "lost": 2}, 0.0, 0.0)
    assert tell(way, 1).replace(SPACE, " ") == "1 times out ×1,810, lost ×2"


def test_a_node_looks_like_what_happened_to_it(shops):
    states = [{name: look.state for name, look in looks_of(found).items()} for found in shops]
    assert states[0] == {
        "client": "hit", "orders": "hit", "inventory": "unaffected", "payment": "struck", "shipping": "starved",
    }  # fmt: skip
    assert states[1] == {
        "client": "hit", "orders": "unaffected", "inventory": "unaffected", "payment": "struck", "shipping": "starved",
        "broker": "unaffected",
    }  # fmt: skip
    lines = {name: look.lines for name, look in looks_of(shops[1]).items()}
    assert lines["payment"] == ("down", "waited up to 3 s") and lines["shipping"] == ("no work",)
    first = shops[1].services().loc["client", "first impact"]
    assert lines["client"] == (f"late, +{first:.1f} s",)


def test_a_wait_is_written_where_it_is_a_tenth_of_the_objective(shops):
    assert waited(shops[1], "payment") == shops[1].longest_wait("payment") > 2_900
    assert 0 < shops[1].longest_wait("shipping") < 200 and waited(shops[1], "shipping") == 0


def test_the_title_says_how_far_it_came(shops):
    conducted, danced = map(message, shops)
    failed = int((shops[0].requests()["storm"] == "compensated").sum())
    assert conducted.endswith(f"; {failed} orders fail") and "travels back to the client in 1.0" in conducted
    late = int((shops[1].requests()["storm"] == "late").sum())
    assert danced == f"Choreographed shop: nobody is told no; {late} orders come too late"
    slower = compared(shop.orchestrated(), ORDERS, Slow("shipping", 2, at=8_000, lasting=500))
    assert "orders come later, none too late" in message(slower)
    nobody = compared(shop.orchestrated(), ORDERS, Crash("shipping", at=90_000, lasting=500))
    assert message(nobody) == "Orchestrated shop: the client notices nothing"


def test_many_faults_are_counted_not_listed():
    """However many there are, the words above the picture make it no wider."""
    faults = [Slow("payment", 3, at=500 + 100 * n, lasting=40) for n in range(50)]
    found = compared(shop.orchestrated(), Poisson("order", every=50, count=150), *faults)
    ax = propagation(found)
    said = [text.get_text() for text in texts(ax.figure)]
    assert any(text.startswith("50 faults: ") for text in said) and "seed 7, 50 faults: " in repr(found)
    assert ax.figure.get_size_inches()[0] < 12
    two = compared(shop.orchestrated(), Poisson("order", every=50, count=150), *faults[:2])
    assert two.cause == f"{faults[0]} and {faults[1]}"


def test_the_broker_is_shown_where_it_is_struck(shops):
    assert "broker" not in graph_of(shops[1]) and "broker" in graph_of(shops[1], "node")
    found = compared(shop.choreographed(), ORDERS, Crash("broker", at=8_000, lasting=3_000))
    assert "broker" in graph_of(found) and looks_of(found)["broker"].state == "struck"
    clear(propagation(found).figure)


def test_it_draws_on_a_panel_that_is_given(shops):
    figure, ax = plt.subplots(figsize=(3, 2))
    assert propagation(shops[0], ax=ax) is ax
    assert figure.get_size_inches()[0] > 3


def test_the_sentence_has_the_numbers_drawn(shops):
    said = alt(propagation(shops[0]))
    ways = [way for way in shops[0].ways() if not way.mild]
    for number, way in enumerate(ways, 1):
        assert f"{tell(way, number).replace(SPACE, ' ')} from {way.source} to {way.target} ({way.direction})" in said
    assert "shipping starved (no work)" in said and "payment struck (down" in said
