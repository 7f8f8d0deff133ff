"""Goodput: the curves are the rates of the run, the bracket ends where orders are on time again."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import Breakdowns, Crash, Evenly, LoadSpike, Partition, Slow, System, draw, ms, run, sec
from rehearsal.draw import alt, goodput_pair, png
from rehearsal.draw import goodput as picture
from rehearsal.recovery import goodput, recovered
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.blueprints import chain, star
from tests.boxes import readable

CUT = (("orders", "inventory"), ("payment",))
SHORT = Evenly("order", every=200 * ms, until=60 * sec)


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close what a test drew."""
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def storms():
    """Return both shops through the same outage."""
    return [run(shop(), ORDERS, seed=7, faults=OUTAGE) for shop in (orchestrated, choreographed)]


def line(ax, gid):
    """Return the points of the one line with this name."""
    (found,) = (one for one in ax.lines if one.get_gid() == gid)
    return found.get_xydata().tolist()


def written(ax, gid):
    """Return what is written under a name."""
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def test_curves_and_bars_are_the_rates_of_the_run(storms):
    for one in storms:
        above, _ = picture(one).axes
        found = goodput(one)
        for name, rates in (("offered", found.offered), ("on time", found.on_time), ("retries", found.retries)):
            if any(rates.rates):
                assert line(above, name) == [[m / sec, y] for m, y in zip(rates.middles, rates.rates, strict=True)]
        bars = [patch.get_height() for container in above.containers for patch in container]
        assert bars == found.late.rates
    assert "retries" not in [one.get_gid() for one in above.lines]  # the broker delivers again, nobody calls again


def test_the_bracket_ends_where_orders_are_on_time_again_and_the_title_says_so(storms):
    calls, events = storms
    above, below = picture(events).axes
    back = recovered(events, OUTAGE)
    (left, _), (right, _) = line(above, "bracket")
    assert (left, right) == (OUTAGE.until / sec, back / sec)
    took = f"{(back - OUTAGE.until) / sec:.1f} s"
    assert written(above, "again") == [f"on time again +{took}"]
    assert above.get_title(loc="left") == f"payment was down 50 s; orders were on time again {took} later"
    assert f"orders on time again +{took}" in alt(above.figure)
    most = max(goodput(events).open.counts)
    assert written(below, "most") == [f"{most:,} open"]
    above, _ = picture(calls).axes
    assert written(above, "again") == ["on time again at once"]


def test_faults_before_one_recovery_share_its_bracket():
    faults = [Crash("payment", at=90 * sec, lasting=30 * sec), Slow("payment", 1.2, at=100 * sec, lasting=30 * sec)]
    above, _ = picture(run(choreographed(), ORDERS, seed=7, faults=faults)).axes
    back = recovered(run(choreographed(), ORDERS, seed=7, faults=faults), faults[1])
    assert [x for x, _ in line(above, "bracket")] == [130, back / sec]
    assert written(above, "again") == [f"on time again +{back / sec - 130:.1f} s"]


def test_a_pair_shares_its_axes(storms):
    figure = goodput_pair(*storms)
    a, b, c, d = figure.axes
    assert a.get_xlim() == b.get_xlim() == c.get_xlim() == d.get_xlim()
    assert (a.get_ylim(), c.get_ylim()) == (b.get_ylim(), d.get_ylim())
    readable(figure)
    assert len(png(figure)) < 60_000


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ([], "No fault; 100.0% of orders on time"),
        ([Crash("payment", at=20 * sec)], "payment was down from 20 s on; orders were not on time again before"),
        ([Crash("payment", at=59 * sec, lasting=50 * sec)], "payment was down 50 s; no orders were placed afterwards"),
        (
            [Crash("payment", at=10 * sec, lasting=5 * sec), Slow("shipping", 3, at=12 * sec, lasting=6 * sec)],
            "payment",
        ),
        ([Crash("payment", at=10 * sec, lasting=5 * sec), Crash("shipping", at=40 * sec, lasting=6 * sec)], "payment"),
        ([Crash("payment", at=i * sec, lasting=1 * sec) for i in range(5, 50, 3)], "payment down 15 times; orders"),
        ([Breakdowns("payment", up=6 * sec, down=1 * sec)], "payment down 28 times; orders"),
        (
            [Partition((("orders", "inventory"), ("payment",)), at=20 * sec, lasting=5 * sec)],
            "orders, inventory cut off from payment for 5 s",
        ),
        ([LoadSpike(9, at=20 * sec, lasting=5 * sec)], "client asks ×9 for 5 s; orders"),
    ],
    ids=["none", "no end", "beyond the end", "two at once", "two", "many", "breakdowns", "partition", "spike"],
)
@pytest.mark.parametrize("shop", [orchestrated, choreographed])
def test_it_holds_for_every_number_of_faults(shop, faults, says):
    figure = picture(run(shop(), SHORT, seed=7, faults=faults, until=200 * sec))
    assert figure.axes[0].get_title(loc="left").startswith(says)
    readable(figure)


def desk(load, *faults, takes=10 * ms, objective=500 * ms, until=None):
    """Return a run of one clerk without a queue limit."""
    system = System("desk")
    system.accepts("order", system.service("clerk").operation(takes=takes)(serve), objective=objective)
    return run(system, load, faults=faults, until=until)


def serve(ctx, order):
    """Serve an order."""


MINUTE = Evenly("order", every=100 * ms, until=60 * sec)
HARMLESS, HARMFUL = Slow("clerk", 1.01), Slow("clerk", 20, at=20 * sec)
OUT = Crash("clerk", at=20 * sec, lasting=5 * sec)


@pytest.mark.parametrize(
    ("load", "faults", "title", "words"),
    [
        (MINUTE, [HARMLESS], "orders stayed on time", ["orders on time all along"]),
        (MINUTE, [HARMFUL], "orders were not on time again before the end", ["orders not on time again"]),
        (MINUTE, [HARMLESS, OUT], "orders were on time in the end", ["orders on time in the end", "again at once"]),
        (MINUTE, [Crash("clerk", at=2 * sec, lasting=1 * sec), HARMFUL], "orders were not on time again before", []),
        (MINUTE, [Slow("clerk", 1.01, at=50 * sec, lasting=30 * sec)], "orders stayed on time", []),
        (MINUTE, [Crash("clerk", at=55 * sec, lasting=9 * sec)], "no orders were placed afterwards", ["none placed"]),
        (MINUTE, [Crash("clerk", at=70 * sec, lasting=1 * sec)], "no orders were placed afterwards", []),
    ],
    ids=["mild", "bad", "mild and out", "out, then bad", "mild to the end", "end of load", "after it"],
)
def test_the_title_says_what_is_true_of_faults_that_last_or_hurt_nobody(load, faults, title, words):
    one = desk(load, *faults)
    ax = picture(one).axes[0]
    said = ax.get_title(loc="left").replace("\n", " ")
    assert title in said, said
    assert all(word in alt(ax) for word in words), alt(ax)
    assert "never" not in said + alt(ax)


def test_where_nobody_asked_nobody_was_on_time_or_not():
    one = desk(Evenly("order", every=1 * sec, count=0), HARMLESS, until=60 * sec)
    assert picture(one).axes[0].get_title(loc="left") == "clerk ×1.01 slower from 0 ms on; no orders were placed"
    assert draw.health(one).get_title(loc="left") == "clerk ×1.01 slower from 0 ms on; no orders were placed"


def test_of_several_faults_the_title_counts_from_the_end_of_the_last():
    """The first, of 10 s, leaves a backlog of 100 orders that takes 11.1 s to drain; the second, of 2 s, one of 20."""
    faults = [
        Crash("clerk", at, lasting, work="resume", queue="kept", arrivals="wait")
        for at, lasting in ((10 * sec, 10 * sec), (40 * sec, 2 * sec))
    ]
    one = desk(MINUTE, *faults, takes=50 * ms)
    long, short = (recovered(one, fault) - fault.until for fault in faults)
    assert short < 3 * sec < 8 * sec < long
    assert picture(one).axes[0].get_title(loc="left").endswith(f"orders were on time again {short / sec:.1f} s later")


@pytest.mark.parametrize("system", [star(1), chain(14)], ids=lambda s: s.name)
def test_it_holds_for_1_to_14_services_with_long_names(system):
    names = list(system.snapshot().services)
    faults = [Crash(names[0], at=10 * sec, lasting=10 * sec), Slow(names[-1], 3, at=30 * sec, lasting=5 * sec)]
    readable(picture(run(system, SHORT, seed=7, faults=faults)))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_it_holds_with_next_to_nothing_offered(count):
    readable(picture(run(choreographed(), Evenly("order", every=1 * sec, count=count), faults=OUTAGE)))


def test_it_draws_into_a_part_of_a_figure(storms):
    whole = plt.figure(figsize=(12, 5), layout="constrained")
    left, right = whole.subfigures(1, 2)
    assert picture(storms[0], figure=left) is left
    picture(storms[1], figure=right)
    readable(whole)
