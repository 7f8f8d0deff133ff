"""The sequence diagram: what happened to one request is what is drawn, and all of it can be read."""

import doctest
from itertools import combinations, pairwise
from math import isnan

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from rehearsal import Crash, Evenly, Exponential, Failed, Poisson, Refused, Retry, Slow, System, ms, run, sec
from rehearsal.draw import alt, clock, house, png, sequence, sequence_pair
from rehearsal.draw.clock import Clock, quiet, ticks
from rehearsal.draw.labels import Box, choose, crosses, overlap
from rehearsal.draw.timeline import row_of, scene, spans_of
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.boxes import readable, texts

IN_OUTAGE = ("order", 1800)


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close what a test drew."""
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def storms():
    """Return both shops through the same outage."""
    return [run(shop(), ORDERS, seed=7, faults=OUTAGE) for shop in (orchestrated, choreographed)]


def told(one):
    """Return the arrows of a scene in words, replies apart."""
    return [f"{a.source} > {a.target} {a.label}{' ✗' if a.cross else ''}" for a in one.arrows if a.style != "reply"]


def gateway(services, call, load=None, **how):
    """Return a run of a gateway whose handler `call(ctx, order, operations)` asks the services, 20 ms of work each."""
    system = System("gateway and services", network=1 * ms)
    operations = []
    for name in services:
        service = system.service(name, workers=1)

        @service.operation(takes=20 * ms, name=f"ask_{name.split('-')[0].split(' ')[0]}")
        def ask(ctx, order): ...

        operations.append(ask)
    gate = system.service("gateway", workers=9)

    @gate.operation()
    def place(ctx, order):
        yield from call(ctx, order, operations)

    system.accepts("order", place, objective=500 * ms)
    return run(system, load or Evenly("order", every=500 * ms, until=1 * sec), **how)


# The scene


def test_spans_are_those_of_the_request_and_times_count_from_its_offer(storms):
    row = row_of(storms[0], IN_OUTAGE)
    frame = storms[0].spans().query("request == @row")
    spans = spans_of(storms[0], row)
    assert [s.id for s in spans] == list(frame.index)
    assert [s.sent for s in spans] == pytest.approx(list(frame["sent"] - storms[0].table.offered[row]))
    assert [(s.source, s.target, s.outcome) for s in spans] == [
        (s.source, s.target, s.outcome) for s in frame.itertuples()
    ]


def test_a_call_to_a_service_that_is_down_ends_in_a_cross_and_is_counted_by_attempt(storms):
    one = scene(storms[0], row_of(storms[0], IN_OUTAGE))
    assert told(one) == [
        "client > orders place",
        "orders > inventory reserve",
        "orders > payment charge #1 ✗",
        "orders > payment charge #2 ✗",
        "orders > payment charge #3 ✗",
        "orders > inventory release",
    ]
    assert [a.style for a in one.arrows[:6]] == ["request", "call", "lost", "lost", "lost", "compensation"]
    assert one.services == ["client", "orders", "inventory", "payment"]
    assert [(s.service, s.text) for s in one.shades] == [("payment", "down")]
    assert one.fate == "compensated"


def test_an_event_is_one_arrow_from_publisher_to_reader_and_waits_on_its_topic(storms):
    one = scene(storms[1], row_of(storms[1], IN_OUTAGE))
    assert told(one) == [
        "client > orders accept",
        "orders > inventory order.placed",
        "inventory > payment stock.reserved",
        "payment > shipping payment.taken",
        "shipping > None order.shipped\n(ends the order)",
    ]
    longest = max(one.waits, key=lambda w: w.end - w.start)
    assert (longest.service, longest.text) == ("payment", "waits on topic")
    assert longest.end - longest.start > 40 * sec


def test_the_broker_has_a_lifeline_where_asked_and_where_it_was_down(storms):
    row = row_of(storms[1], IN_OUTAGE)
    assert "broker" not in scene(storms[1], row).services
    assert "orders > broker order.placed" in told(scene(storms[1], row, broker=True))
    down = run(choreographed(), ORDERS, seed=7, faults=Crash("broker", at=1 * sec, lasting=1 * sec), until=5 * sec)
    assert "broker" in scene(down, 25).services
    assert "broker" not in scene(down, 60).services


def test_an_event_that_nobody_hears_is_a_stub():
    one = scene(*shout(), broker=False)
    assert [(a.target, a.label) for a in one.arrows if a.style == "event"] == [(None, "order.failed\n(nobody hears)")]
    assert one.services == ["client", "orders"]


def shout():
    """Return a run in which an event has no reader, and a row of it."""
    system = System("shouting shop", network=1 * ms)
    orders = system.service("orders")

    @orders.operation(takes=5 * ms, publishes="order.failed")
    def place(ctx, order):
        ctx.publish("order.failed", order)

    system.accepts("order", place)
    with pytest.warns(match=r"order\.failed"):
        return run(system, Evenly("order", every=50 * ms, until=1 * sec)), 3


def slow_payment():
    """Return a run whose caller gives up after 15 ms on work of 20 ms, twice, and undoes nothing."""

    def call(ctx, order, operations):
        try:
            yield ctx.call(operations[0], order, timeout=15 * ms, retry=Retry(1))
        except Failed:
            raise Refused("no") from None

    return gateway(["payment"], call)


def test_work_after_a_time_out_is_pale_and_nobody_waits_for_it():
    one = scene(slow_payment(), 0)
    work = [b for b in one.bars if b.service == "payment"]
    assert [b.pale for b in work] == [False, True, False, True]
    assert [b.end - b.start for b in work] == pytest.approx([14, 6, 9, 11])
    assert [n.text for n in one.notes].count("timeout 15 ms") == 2
    assert [n.text for n in one.notes].count("nobody waits") == 2
    assert sum(a.style == "reply" for a in one.arrows) == 1  # the client's; late replies find nobody


def test_a_redelivery_waits_again_and_its_publisher_sends_nothing_twice():
    faults = Crash("payment", at=1 * sec, lasting=200 * ms)
    crashed = run(choreographed(), ORDERS, seed=7, faults=faults, until=10 * sec)
    frame = crashed.spans().query("attempt == 2")
    one = scene(crashed, int(frame["request"].iloc[0]))
    assert [a.label for a in one.arrows].count("stock.reserved") == 1
    assert "waits again, #2" in [w.text for w in one.waits]
    assert any(n.cross and n.service == "payment" for n in one.notes)


def test_work_side_by_side_at_one_service_has_lanes():
    def call(ctx, order, operations):
        yield ctx.all(*(ctx.call(operations[0], order, key=i) for i in range(3)))

    together = gateway(["one"], call)
    assert [b.lane for b in scene(together, 0).bars if b.service == "one"] == [0, 0, 0]
    system = System("wide", network=1 * ms)
    wide = system.service("wide", workers=3)

    @wide.operation(takes=20 * ms)
    def work(ctx, order): ...

    gate = system.service("gate")

    @gate.operation()
    def place(ctx, order):
        yield ctx.all(*(ctx.call(work, order, key=i) for i in range(3)))

    system.accepts("order", place)
    one = scene(run(system, Evenly("order", every=500 * ms, until=1 * sec)), 0)
    assert [b.lane for b in one.bars if b.service == "wide"] == [0, 1, 2]


def test_a_request_that_is_open_reaches_to_the_end_of_the_run():
    cut = run(choreographed(), ORDERS, seed=7, faults=OUTAGE, until=100 * sec)
    row = row_of(cut, IN_OUTAGE)
    one = scene(cut, row)
    assert one.fate == "open"
    assert one.last == cut.ended - cut.table.offered[row]
    assert isnan(one.settled)
    assert not one.waits[-1].taken
    ax = sequence(cut, row)
    assert ax.get_title(loc="left") == f"Order {one.number}: open"
    readable(ax.figure)


def test_an_unknown_request_is_answered_with_what_there_is(storms):
    with pytest.raises(ValueError, match="no request parcel 3; kinds here: order"):
        sequence(storms[0], ("parcel", 3))
    with pytest.raises(ValueError, match="no request 99999: this run has"):
        sequence(storms[0], 99_999)


# The clock


@given(moments=st.lists(st.floats(0, 1e6), min_size=2, max_size=40, unique=True), folding=st.sampled_from([None, True]))
def test_a_clock_runs_forward_and_keeps_one_scale_outside_its_folds(moments, folding):
    moments = sorted(moments)
    time = clock.clock(moments, moments[0], moments[-1] + 1, folding)
    places = [time.place(t) for t in moments]
    assert places == sorted(places)
    assert set(time.folds) <= set(pairwise(moments))
    for a, b in pairwise(time.times):
        if (a, b) not in time.folds:
            assert time.place(b) - time.place(a) == pytest.approx(b - a, abs=1e-6)


def test_the_examples_of_the_clock_hold():
    assert doctest.testmod(clock).failed == 0


def test_only_long_quiet_stretches_are_folded_and_only_where_they_crush_the_rest():
    bursts = [0, 10, 20, 30, 50_000, 50_010, 50_020]
    assert quiet(bursts) == [(30, 50_000)]
    assert quiet(bursts, folding=False) == []
    even = [0, 100, 200, 300, 1500, 1600]
    assert quiet(even) == []
    assert quiet(even, folding=True) == [(300, 1500)]


def test_ticks_are_true_on_both_sides_of_a_fold_and_none_is_within():
    time = clock.clock([0, 10, 20, 30, 50_000, 50_010, 50_020], 0, 50_020)
    marks, unit = ticks(time)
    assert unit == "s"
    for place, words in marks:
        assert time.place(1000 * float(words.replace(",", ""))) == pytest.approx(place)
        assert not 30 < 1000 * float(words.replace(",", "")) < 50_000
    assert ticks(Clock([0, 1500], [0, 1500], []))[1] == "ms"


# The labels


boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h), st.floats(0, 90), st.floats(0, 90), st.floats(1, 30), st.floats(1, 20)
)


@given(wishes=st.lists(st.lists(st.tuples(boxes, st.floats(0, 9)), max_size=6), max_size=12), solid=st.lists(boxes))
def test_chosen_places_overlap_nothing_and_stay_within_the_frame(wishes, solid):
    frame = Box(0, 0, 100, 100)
    chosen = choose(wishes, solid, [], frame)
    taken = [wish[i][0] for wish, i in zip(wishes, chosen, strict=True) if i is not None]
    for a, b in combinations(taken, 2):
        assert not overlap(a, b)
    assert not any(overlap(a, b) for a in taken for b in solid)
    assert all(b.x1 <= 100 and b.y1 <= 100 for b in taken)


def test_the_best_free_place_is_taken_and_lines_are_only_a_cost():
    here, there = Box(0, 0, 10, 10), Box(50, 50, 60, 60)
    frame, line = Box(0, 0, 100, 100), ((0, 5), (20, 5))
    assert choose([[(here, 0), (there, 1)]], [], [], frame) == [0]
    assert choose([[(here, 0), (there, 1)]], [], [(line, 2)], frame) == [1]
    assert choose([[(here, 0)]], [], [(line, 2)], frame) == [0]
    assert choose([[(here, 0)], [(here, 0), (there, 1)]], [], [], frame) == [0, 1]
    assert choose([[(here, 0)]], [Box(5, 5, 6, 6)], [], frame) == [None]


@pytest.mark.parametrize(
    ("segment", "runs_through"),
    [
        (((-5, 5), (15, 5)), True),
        (((5, -5), (5, 15)), True),
        (((-5, -5), (15, 15)), True),
        (((2, 2), (3, 3)), True),
        (((-5, 11), (15, 11)), False),
        (((-9, 5), (-1, 5)), False),
        (((9, 12), (12, 9)), False),
    ],
)
def test_a_segment_runs_through_a_box_or_not(segment, runs_through):
    assert crosses(Box(0, 0, 10, 10), segment) is runs_through


# The picture


def clear(figure):
    """Check that all can be read, and that no label lies on a bar or a fault, and no header on another."""
    readable(figure)
    for ax in figure.axes:
        headers = [t.get_bbox_patch().get_window_extent() for t in ax.texts if str(t.get_gid()).startswith("header")]
        solid = [p.get_window_extent() for p in ax.patches if isinstance(p, Rectangle) and 2 <= p.get_zorder() < 7]
        labels = [t.get_window_extent() for t in ax.texts if not str(t.get_gid()).startswith("header")]
        pairs = [*combinations(headers, 2), *((a, b) for a in labels for b in solid)]
        assert not [(a, b) for a, b in pairs if overlap(Box(*a.extents), Box(*b.extents), gap=-0.5)]


def words(figure):
    """Return what is written in a figure."""
    return [text.get_text() for text in texts(figure)]


def test_the_orchestrated_order_in_the_outage(storms):
    ax = sequence(storms[0], IN_OUTAGE)
    written = words(ax.figure)
    assert {"charge #1", "charge #2", "charge #3", "release", "down", "refused"} <= set(written)
    assert "compensated after 1.03 s" in written
    assert "Compensated after 1.03 s" in alt(ax)
    assert "3 of them went wrong" in " ".join(written)
    clear(ax.figure)


def test_the_choreographed_order_in_the_outage_is_folded(storms):
    ax = sequence(storms[1], IN_OUTAGE)
    written = words(ax.figure)
    assert any(text.endswith(" s pass") for text in written)
    assert {"waits on topic", "down", "payment.taken"} <= set(written)
    assert any(text.startswith("answered after ") for text in written)
    clear(ax.figure)


def test_a_pair_has_the_same_lifelines_and_the_same_axis(storms):
    figure = sequence_pair(*storms, IN_OUTAGE, titles=("Conducted", "Danced"))
    left, right = figure.axes
    assert left.get_ylim() == right.get_ylim()
    headers = [[t.get_text() for t in ax.texts if str(t.get_gid()).startswith("header")] for ax in figure.axes]
    assert headers[0] == headers[1]
    assert left.get_title(loc="left") == "Conducted"
    assert alt(figure).count("Sequence diagram of order 1800") == 2
    clear(figure)
    assert len(png(figure)) < 90_000


def test_every_attempt_and_every_wait_of_zombies_can_be_read():
    ax = sequence(slow_payment(), 0)
    assert words(ax.figure).count("timeout 15 ms") == words(ax.figure).count("nobody waits") == 2
    clear(ax.figure)


def test_a_fault_that_is_no_crash_is_tinted_and_named():
    slow = run(orchestrated(), ORDERS, seed=7, faults=Slow("payment", factor=3), until=2 * sec)
    ax = sequence(slow, 0)
    assert "×3 slower" in words(ax.figure)
    clear(ax.figure)


def test_a_stub_says_that_nobody_hears():
    ax = sequence(*shout())
    assert "order.failed\n(nobody hears)" in words(ax.figure)
    assert "orders to no service order.failed (nobody hears)" in alt(ax)
    clear(ax.figure)


@pytest.mark.parametrize("broker", [False, True])
def test_commands_and_events_with_and_without_the_broker(storms, broker):
    clear(sequence(storms[1], 3, broker=broker).figure)


LONG = ["customer-relationship-management", "warehouse_replenishment_planning", "fraud", "Notification Service"]


@pytest.mark.parametrize("count", [1, 2, 5, 13])
def test_it_holds_for_one_to_fourteen_services_with_long_names(count):
    names = [f"{LONG[i % 4]} {i}" for i in range(count)]

    def call(ctx, order, operations):
        yield ctx.all(*(ctx.call(o, order) for o in operations[: count // 2]))
        for operation in operations[count // 2 :]:
            yield ctx.call(operation, order, timeout=200 * ms, retry=Retry(1))

    ax = sequence(gateway(names, call), 0)
    clear(ax.figure)
    assert len(png(ax)) < 90_000


def test_a_small_panel_makes_its_figure_grow(storms):
    with house.style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3))
    sequence(storms[0], IN_OUTAGE, ax=left)
    sequence(storms[1], IN_OUTAGE, ax=right)
    readable(figure)


def test_a_part_of_the_time_and_of_the_services(storms):
    ax = sequence(storms[0], IN_OUTAGE, services=["payment", "orders"], span=(0, 800), title="Charging", subtitle="")
    headers = [t.get_text() for t in ax.texts if str(t.get_gid()).startswith("header")]
    assert headers == ["payment", "orders"]
    assert {"charge #1", "charge #2"} <= set(words(ax.figure))
    assert ax.get_title(loc="left") == "Charging"
    clear(ax.figure)


@pytest.mark.parametrize("seed", range(2))
def test_random_requests_of_a_busy_shop_can_be_read(seed):
    system = orchestrated(payment=1)
    busy = run(system, Poisson("order", every=40 * ms, until=5 * sec), seed=seed, faults=Slow("shipping", 3))
    for row in range(0, len(busy.table), 40):
        ax = sequence(busy, row)
        readable(ax.figure)
        plt.close(ax.figure)


def test_an_exponential_network_and_no_work_at_all():
    system = System("idle", network=Exponential(1 * ms))
    desk = system.service("desk")

    @desk.operation()
    def nod(ctx, order): ...

    system.accepts("order", nod)
    clear(sequence(run(system, Evenly("order", every=50 * ms, until=1 * sec)), 2).figure)
