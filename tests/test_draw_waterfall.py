"""The waterfall: a row is a message of the request, a bar its work, and all that is written can be read."""

import warnings
from math import isnan

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import Crash, Evenly, Failed, Partition, Refused, Retry, Slow, System, ms, run, sec
from rehearsal.draw import alt, palette, png, waterfall, waterfall_pair
from rehearsal.draw.rows import rows
from rehearsal.draw.timeline import row_of
from rehearsal.draw.waterfall import MOST
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.blueprints import LONGEST, bus, chain, mesh, monolith, named, played, star, talker
from tests.boxes import readable

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


def told(run, row):
    """Return the rows in words: whose, what, how deep."""
    return [(r.service, r.name, r.depth) for r in rows(run, row)[0]]


def pieces(ax, gid):
    """Return the boxes with this name: (from, to, row)."""
    found = [patch for patch in ax.patches if patch.get_gid() == gid]
    return [(p.get_x(), p.get_x() + p.get_width(), round(p.get_y() + p.get_height() / 2)) for p in found]


def slow_clerk(cancel=None, takes=30 * ms):
    """Return a run whose caller gives up after 10 ms on work of 30 ms, twice."""
    system = System("desk")
    clerk, gate = system.service("clerk", workers=1), system.service("gate", workers=9)

    @clerk.operation(takes=takes)
    def serve(ctx, order): ...

    @gate.operation()
    def place(ctx, order):
        try:
            yield ctx.call(serve, order, timeout=10 * ms, retry=Retry(1), cancel=cancel)
        except Failed:
            raise Refused("no") from None

    system.accepts("order", place, objective=1 * sec)
    return run(system, Evenly("order", every=200 * ms, count=3))


# The rows


def test_calls_nest_under_their_callers_and_attempts_are_counted(storms):
    assert told(storms[0], row_of(storms[0], IN_OUTAGE)) == [
        ("client", "order 1800", 0),
        ("orders", "place", 1),
        ("inventory", "reserve", 2),
        ("payment", "charge #1", 2),
        ("payment", "charge #2", 2),
        ("payment", "charge #3", 2),
        ("inventory", "release", 2),
    ]


def test_events_nest_under_nobody_and_start_where_they_were_published(storms):
    row = row_of(storms[1], IN_OUTAGE)
    assert told(storms[1], row) == [
        ("client", "order 1800", 0),
        ("orders", "accept", 1),
        ("inventory", "order.placed", 0),
        ("payment", "stock.reserved", 0),
        ("shipping", "payment.taken", 0),
    ]
    reserved, paid = rows(storms[1], row)[0][2:4]
    assert paid.sent == reserved.end  # published when the work was over
    assert paid.start - paid.sent > 40 * sec
    assert paid.words.startswith("waited 49.7 s, ")


def test_what_a_monolith_does_in_process_nests_under_its_handler():
    system = System("program", network=1)
    home = system.service("program")
    part = home.operation(takes=10, name="part")(lambda ctx, job: None)

    @home.operation()
    def whole(ctx, job):
        yield ctx.work(part, job)

    system.accepts("job", whole)
    one = run(system, Evenly("job", every=10, count=1))
    found, _ = rows(one, 0)
    assert [(row.name, row.depth, row.busy) for row in found[1:]] == [("whole", 1, True), ("part", 2, False)]
    ax = waterfall(one, 0)
    assert "10 ms" in {text.get_text() for text in ax.texts}
    plt.close(ax.figure)


def test_a_bar_is_the_work_and_its_words_say_how_long(storms):
    one, row = storms[0], 100
    spans = one.spans().query("request == @row")
    start = one.table.offered[row]
    found, last = rows(one, row)
    assert [r.start for r in found[1:]] == pytest.approx(list(spans["started"] - start))
    assert [r.end for r in found[1:]] == pytest.approx(list(spans["ended"] - start))
    assert last == one.table.settled[row] - start
    assert found[0].end == one.table.answered[row] - start


def test_a_zombie_works_after_its_caller_gave_up():
    found, _ = rows(slow_clerk(), 0)
    first, second = found[2:]
    assert (first.start, first.end, first.works, first.zombie) == pytest.approx((0, 10, 10, 30))
    assert (second.start, second.end, second.works, second.zombie) == pytest.approx((10, 20, 30, 60))
    assert first.words == "gave up after 10 ms, works on for 20 ms, nobody waits"
    assert second.words == "gave up after 10 ms, works on for 30 ms, nobody waits"
    ax = waterfall(slow_clerk(), 0)
    assert pieces(ax, "zombie") == [
        (pytest.approx(10), pytest.approx(30), 2),
        (pytest.approx(30), pytest.approx(60), 3),
    ]
    readable(ax.figure)


def test_work_that_was_cancelled_leaves_no_zombie():
    found, _ = rows(slow_clerk(cancel="work"), 0)
    assert [r.zombie - r.end for r in found] == pytest.approx([0, 0, 0, 0])


def test_what_is_under_way_at_the_cut_reaches_to_the_end():
    cut = run(choreographed(), ORDERS, seed=7, faults=OUTAGE, until=100 * sec)
    found, last = rows(cut, row_of(cut, IN_OUTAGE))
    assert last == cut.ended - cut.table.offered[row_of(cut, IN_OUTAGE)]
    assert (found[-1].service, found[-1].words, found[-1].start) == ("payment", "still waits", last)
    readable(waterfall(cut, IN_OUTAGE).figure)


def test_a_message_that_a_crash_took_and_its_repetition_have_rows_of_their_own():
    crashed = run(choreographed(), ORDERS, seed=7, faults=Crash("payment", 1 * sec, 200 * ms), until=10 * sec)
    again = int(crashed.spans().query("attempt == 2")["request"].iloc[0])
    names = [(r.service, r.name, r.bad) for r in rows(crashed, again)[0]]
    assert names[3:5] == [("payment", "stock.reserved", True), ("payment", "stock.reserved #2", False)]
    readable(waterfall(crashed, again).figure)


# The picture


def test_every_row_has_its_bar_and_what_failed_its_cross(storms):
    ax = waterfall(storms[0], IN_OUTAGE)
    found, _ = rows(storms[0], row_of(storms[0], IN_OUTAGE))
    drawn = pieces(ax, "bar")
    assert [place for *_, place in drawn] == list(range(len(found)))
    assert [left for left, *_ in drawn] == pytest.approx([r.start for r in found])
    crosses = [line.get_ydata()[0] for line in ax.lines if line.get_gid() == "cross"]
    assert crosses == [i for i, r in enumerate(found) if r.bad] == [3, 4, 5]
    assert [t.get_text() for t in ax.texts if t.get_gid() == "words"] == [r.words for r in found]


def test_down_time_is_hatched_on_the_rows_of_whom_it_struck(storms):
    ax = waterfall(storms[0], IN_OUTAGE)
    assert [place for *_, place in pieces(ax, "down")] == [3, 4, 5]
    assert [t.get_text() for t in ax.texts if t.get_gid() == "fault"] == ["payment down"]


def test_the_title_says_the_end_and_the_words_every_row(storms):
    ax = waterfall(storms[1], IN_OUTAGE)
    assert ax.get_title(loc="left") == "Order 1800: late after 49.8 s"
    for row in rows(storms[1], row_of(storms[1], IN_OUTAGE))[0]:
        assert f"{row.service} {row.name} {row.words}" in alt(ax)
    assert "payment down from 0 ms to 49.5 s" in alt(ax)
    settled = next(line for line in ax.lines if line.get_gid() == "settled")
    assert settled.get_color() == palette.FATES["late"].colour


def test_a_pair_shares_its_axis_and_its_columns(storms):
    figure = waterfall_pair(*storms, IN_OUTAGE)
    upper, lower = figure.axes
    assert upper.get_xlim() == lower.get_xlim()
    assert upper.get_xticks().tolist() == lower.get_xticks().tolist()
    assert upper.get_window_extent().x0 == pytest.approx(lower.get_window_extent().x0, abs=0.5)
    assert upper.get_window_extent().width == pytest.approx(lower.get_window_extent().width, abs=0.5)
    assert upper.get_title(loc="left") == "Orchestrated shop: order 1800 compensated after 1.03 s"
    # Payment stays down on both, though one of the two orders no longer waits for it.
    ends = [max(end for _, end, _ in pieces(ax, "down")) for ax in (upper, lower)]
    assert ends[0] == ends[1] > pieces(upper, "bar")[0][1]
    readable(figure)
    assert len(png(figure)) < 60_000


@pytest.mark.parametrize("shop", [orchestrated, choreographed])
@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Crash("payment", at=90 * sec)],
        [Crash("payment", at=90 * sec, lasting=4 * sec, arrivals="ignored"), Slow("shipping", 9, 91 * sec, 9 * sec)],
        [Partition((("orders", "inventory"), ("payment",)), at=90 * sec, lasting=3 * sec)],
        [Slow("payment", 20, at=90 * sec, lasting=20 * sec)],
    ],
    ids=["none", "no end", "two", "partition", "slow"],
)
def test_it_holds_for_every_number_of_faults(shop, faults):
    one = run(shop(), ORDERS, seed=7, faults=faults, until=120 * sec)
    for number in (1790, 1830):
        readable(waterfall(one, number).figure)


@pytest.mark.parametrize(
    "system", [monolith(), star(1), star(13), chain(14), bus(14), mesh(6), talker()], ids=lambda s: s.name
)
def test_it_holds_for_1_to_14_services_with_long_names(system):
    readable(waterfall(played(system), 3).figure)


@pytest.mark.parametrize("name", LONGEST)
def test_names_of_sixty_letters_are_folded_and_leave_room_for_the_rest(name):
    one = named(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = waterfall(one, 3)
        readable(ax.figure)
    for gid, known in (("service", name.format(1)), ("name", name.format("work"))):
        (said,) = {t.get_text() for t in ax.texts if t.get_gid() == gid and t.get_text().endswith(known[-9:])}
        assert "\n" in said and max(map(len, said.split("\n"))) <= 30
    assert ax.get_position().width > 0.4


def test_of_very_many_messages_the_first_are_drawn_and_the_rest_is_counted():
    one = played(mesh(14), 5)
    found, _ = rows(one, 0)
    ax = waterfall(one, 0)
    assert len(pieces(ax, "bar")) == MOST < len(found)
    assert f"and {len(found) - MOST:,} more messages" in [text.get_text() for text in ax.texts]
    readable(ax.figure)


def test_a_part_of_the_time_and_no_fold(storms):
    readable(waterfall(storms[0], IN_OUTAGE, span=(0, 100 * ms)).figure)
    readable(waterfall(storms[1], IN_OUTAGE, fold=False).figure)
    tears = [line for line in waterfall(storms[1], IN_OUTAGE).lines if line.get_gid() == "tear"]
    assert len(tears) == 2
    assert not any(isnan(x) for line in tears for x in line.get_xdata())
