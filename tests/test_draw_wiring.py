"""The wiring chart: all of it can be read, and squares, heads and counts stand where the messages say."""

import warnings
from itertools import combinations, pairwise
from math import cos, radians, sin

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import Rectangle

from rehearsal import DesignWarning, Evenly, System, run, sec
from rehearsal.draw import alt, wiring, wiring_pair
from rehearsal.draw.pen import measure, wrap
from rehearsal.draw.slots import slots
from rehearsal.draw.wiring import chart, columns_of
from rehearsal.graphs import messages
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.blueprints import SHAPES, bus, chain, mesh, monolith, played, star, talker
from tests.boxes import outside, texts


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


def corners(text):
    """Return the four corners of a text as it is written, slanted headers included [pixels]."""
    angle = text.get_rotation()
    if not angle:
        box = text.get_window_extent()
        return [(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)]
    x, y = text.get_transform().transform(text.get_position())
    text.set_rotation(0)
    box = text.get_window_extent()
    text.set_rotation(angle)
    turn, lean = cos(radians(angle)), sin(radians(angle))
    flat = [(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)]
    return [(x + (u - x) * turn - (v - y) * lean, y + (u - x) * lean + (v - y) * turn) for u, v in flat]


def apart(one, two, slack=0.5):
    """Return whether two rectangles, each at any angle, keep apart: along some side of one of them."""
    for a, b in ((p, q) for shape in (one, two) for p, q in pairwise(shape)):
        length = ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5
        nx, ny = (b[1] - a[1]) / length, (a[0] - b[0]) / length
        mine, theirs = ([x * nx + y * ny for x, y in shape] for shape in (one, two))
        if max(mine) < min(theirs) + slack or max(theirs) < min(mine) + slack:
            return True
    return False


def can_be_read(figure):
    """Check that no text overlaps another, is cut off, or smaller than 8 points."""
    written = texts(figure)
    assert outside(figure) == []
    assert [t.get_text() for t in written if t.get_fontsize() < 8] == []
    placed = [(text.get_text(), corners(text)) for text in written]
    assert [(a, b) for (a, p), (b, q) in combinations(placed, 2) if not apart(p, q)] == []


@pytest.mark.parametrize("shape", SHAPES)
def test_all_of_it_can_be_read(every, shape):
    can_be_read(wiring(every[shape]).figure)


@pytest.mark.parametrize(
    "system", [star(13), chain(14), bus(14), mesh(14), talker(), monolith(), orchestrated()], ids=str
)
def test_blueprints_can_be_read(system):
    can_be_read(wiring(system).figure)


PAIRS = [
    ("star of 6, twice", "chain of 6"),
    ("star of 13", "chain of 14"),
    ("bus of 5", "mesh of 6"),
    ("monolith", "talker"),
    ("no requests", "no requests"),
]


@pytest.mark.parametrize("pair", PAIRS, ids=" + ".join)
def test_a_pair_can_be_read(every, pair):
    can_be_read(wiring_pair(*(every[shape] for shape in pair)))


def test_the_shops_of_the_course_can_be_read(storms):
    figure = wiring_pair(*storms)
    can_be_read(figure)
    assert figure.get_size_inches()[0] <= 13.6


def test_texts_that_overlap_are_found():
    figure, ax = plt.subplots()
    for angle in (0, 40):
        ax.text(0.5, 0.5, "over each other", rotation=angle, rotation_mode="anchor")
    with pytest.raises(AssertionError):
        can_be_read(figure)


def squares(ax):
    """Return the middles of the squares."""
    found = [p for p in ax.patches if type(p) is Rectangle]
    return sorted((p.get_x() + p.get_width() / 2, p.get_y() + p.get_height() / 2) for p in found)


def test_squares_stand_where_messages_are_sent_and_heads_where_they_are_handled(storms):
    for one in storms:
        ax, plot = wiring(one), chart(one, columns_of(one))
        rows = list(enumerate(messages(one)))
        expected = sorted((plot.x(sender), plot.y(n)) for n, row in rows for sender in row.senders)
        assert squares(ax) == [pytest.approx(point) for point in expected]
        heads = [p.get_xy()[:3] for p in ax.patches if type(p).__name__ == "Polygon"]
        middles = sorted((max(p[0] for p in h) + min(p[0] for p in h), h[0][1]) for h in heads)
        wanted = sorted((2 * plot.x(handler), plot.y(n)) for n, row in rows for _, handler, _ in row.pairs)
        assert middles == [pytest.approx(point) for point in wanted]


def test_orchestration_is_a_stack_and_choreography_a_staircase(storms):
    stack, stairs = (squares(wiring(one)) for one in storms)
    assert len({x for x, _ in stack}) == 2  # the client's and the orchestrator's
    assert [y for _, y in sorted(stairs)] == sorted(y for _, y in stairs) and len({x for x, _ in stairs}) == 5


def test_counts_are_exact(storms):
    written = [text.get_text() for text in texts(wiring(storms[0]).figure)]
    for row in messages(storms[0]):
        assert f"{row.number:,}" in written and (not row.failures or f"✗{row.failures:,}" in written)


def test_the_footer_counts_the_messages_each_column_sends(storms):
    ax = wiring(storms[0])
    lowest = max(t.get_position()[1] for t in ax.texts)
    assert [t.get_text() for t in ax.texts if t.get_position()[1] == lowest] == ["1", "4", "·", "·", "·", "sends"]


def test_the_alt_text_is_made_of_the_same_numbers(storms):
    assert alt(wiring(storms[0])) == (
        "Wiring chart of orchestrated shop: 5 messages between 5 columns; client → orders place n=5,936; "
        "orders → inventory reserve n=5,936; orders → payment charge n=7,915 ✗2,950; "
        "orders → shipping ship n=4,965; orders → inventory release n=971."
    )
    assert "shipping → the end order.shipped n=5,936" in alt(wiring_pair(*storms))


def test_an_event_is_heard_by_nobody_or_ends_its_request(storms):
    said = [text.get_text() for text in wiring(played(talker(), 3)).texts]
    assert "✗ nobody hears it" in said
    said = [text.get_text() for text in wiring(storms[1]).texts]
    assert "ends the request" in said and "✗ nobody hears it" not in said


def test_a_blueprint_has_no_counts():
    said = [text.get_text() for text in wiring(orchestrated()).texts]
    assert "n" not in said and "reserve" in said


def test_columns_are_in_declared_order_or_as_asked_for(storms):
    assert columns_of(storms[0]) == ["client", "orders", "inventory", "payment", "shipping"]
    assert columns_of(storms[0], ["shipping", "orders"]) == ["client", "shipping", "orders", "inventory", "payment"]
    services = storms[0].system.services
    assert columns_of(storms[0], [services["payment"]])[1] == "payment"
    with pytest.raises(ValueError, match="no service 'shiping'; did you mean 'shipping'"):
        wiring(storms[0], services=["shiping"])


def test_a_pair_has_the_same_service_in_the_same_column(storms):
    one, two = (
        {t.get_text(): t.get_position() for t in ax.texts if str(t.get_gid()).startswith("node:")}
        for ax in wiring_pair(*storms).axes
    )
    assert one == two


def test_what_only_one_style_has_shares_a_column_with_what_only_the_other_has():
    assert slots(["a", "x", "b"], ["a", "y", "z", "b"]) == [("a", "a"), ("x", "y"), (None, "z"), ("b", "b")]
    assert slots(["a"], []) == [("a", None)]
    assert slots(["a", "b", "c"], ["c", "a"]) == [("a", "a"), ("b", None), ("c", "c")]


def test_a_message_to_oneself_is_a_loop():
    ax = wiring(played(talker(), 3))
    loops = [p for p in ax.patches if type(p).__name__ == "PathPatch" and len(p.get_path()) > 2]
    assert len(loops) == 1


def test_many_services_can_send_one_message():
    system = System("many senders")
    a, b, c = (system.service(name, workers=9) for name in "abc")

    @c.operation()
    def work(ctx, order): ...

    @b.operation()
    def half(ctx, order):
        yield ctx.call(work, order)

    @a.operation()
    def begin(ctx, order):
        yield ctx.call(half, order)
        yield ctx.call(work, order)

    system.accepts("order", begin)
    row = messages(run(system, Evenly("order", every=1 * sec, count=2)))[2]
    assert row.senders == {"b": 2, "a": 2} and row.pairs == (("b", "c", False), ("a", "c", False))


def test_text_is_as_wide_as_it_is_measured(storms):
    figure = wiring(storms[0]).figure
    for text in texts(figure):
        if text.get_gid() == "label" and "✗" not in text.get_text():
            wide = text.get_window_extent().width * 72 / figure.dpi
            bold = text.get_fontweight() == "bold"
            assert measure(text.get_text(), text.get_fontsize(), bold)[0] == pytest.approx(wide, abs=1.6)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("payment", ["payment"]),
        ("stock.reserved", ["stock.reserved"]),
        ("customer-notification-gateway", ["customer-", "notification-", "gateway"]),
        ("a_very_long_operation", ["a_very_long_", "operation"]),
        ("unbreakablenameofaservice", ["unbreakablenameofaservice"]),
        ("fraud detection unit", ["fraud", "detection unit"]),
    ],
)
def test_long_names_are_broken_where_they_have_a_joint(name, lines):
    assert wrap(name).split("\n") == lines
