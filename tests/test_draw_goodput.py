"""Goodput: the curves are the rates of the run, the bracket ends where orders are on time again."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import Breakdowns, Crash, Evenly, LoadSpike, Partition, Slow, ms, run, sec
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
        ([Crash("payment", at=20 * sec)], "payment was down from 20 s on; orders were never on time again"),
        ([Crash("payment", at=59 * sec, lasting=50 * sec)], "payment was down 50 s; orders were never on time again"),
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
