"""Workers: what waits, who is busy, and the limits of both."""

import doctest
import sys

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import Breakdowns, Crash, Evenly, Exponential, Poisson, Slow, System, measures, ms, run, sec, theory
from rehearsal.draw import alt, png, workers
from rehearsal.draw.workers import busy_share, limits
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.blueprints import LONG, chain, star
from tests.boxes import readable

SHORT = Evenly("order", every=200 * ms, until=60 * sec)


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close what a test drew."""
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def storm():
    """Return the choreographed shop through an outage."""
    return run(choreographed(), ORDERS, seed=7, faults=OUTAGE)


def desk(queue, every=20 * ms, crew=1):
    """Return a run of a clerk with a limited queue."""
    system = System("desk")

    @system.service("clerk", workers=crew, queue=queue).operation(takes=Exponential(30 * ms))
    def serve(ctx, order): ...

    system.accepts("order", serve)
    return run(system, Poisson("order", every=every, until=20 * sec), seed=3)


def words(ax, gid):
    """Return what is written under a name."""
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def test_above_is_the_backlog_below_the_mean_of_busy_workers(storm):
    above, below = workers(storm, "payment").axes
    (line,) = (one for one in above.lines if one.get_gid() == "waiting")
    steps = measures.backlog(storm, "payment")
    assert line.get_xydata()[:-1].tolist() == [[t / sec, n] for t, n in zip(*steps, strict=True)]
    (mean,) = (patch for patch in below.patches if patch.get_gid() == "mean")
    values, edges, _ = mean.get_data()
    area = sum(v * (b - a) for v, a, b in zip(values, edges, edges[1:], strict=False))
    assert area == pytest.approx(measures.area(measures.busy(storm, "payment"), storm.ended) / sec)
    assert doctest.testmod(sys.modules["rehearsal.draw.workers"]).failed == 0


def test_the_title_and_the_words_say_what_was_measured(storm):
    figure = workers(storm, "payment")
    at, most = measures.peak(measures.backlog(storm, "payment"))
    share = busy_share(storm, "payment")
    said = f"Payment: {most:,} wait at most, at {at / sec:.0f} s; its workers are {share:.0%} busy"
    assert figure.axes[0].get_title(loc="left") == said
    assert f"{most:,} messages wait at most" in alt(figure)
    assert "payment down from 90 s to 140 s" in alt(figure)


def test_how_busy_workers_are_meets_theory():
    served = run(orchestrated(), ORDERS, seed=7)
    # 6,000 draws of work in mean 60 ms: the standard error of their sum is 1.3 %.
    assert busy_share(served, "payment") == pytest.approx(theory.utilisation(50, 60, 2), rel=0.04)


def test_limits_are_lines_where_they_are_near_and_words_where_they_are_far():
    near, far = desk(queue=5), desk(queue=500, every=60 * ms)
    assert limits(near, "clerk") == (1, 5)
    above, below = workers(near, "clerk").axes
    assert words(above, "limit") == ["limit 5"]
    assert words(below, "limit") == ["1 worker"]
    assert [line.get_ydata()[0] for line in above.lines if line.get_gid() == "limit"] == [5]
    above, _ = workers(far, "clerk").axes
    assert words(above, "limit") == []
    assert above.get_ylabel() == "messages waiting\n(limit 500)"


def test_subscriptions_with_workers_of_their_own_count():
    system = System("pair")
    first, second = system.service("first"), system.service("second", workers=2)

    @first.operation(publishes="order.placed")
    def place(ctx, order):
        ctx.publish("order.placed", order)

    @second.on("order.placed", takes=10 * ms, workers=3)
    def react(ctx, order): ...

    system.accepts("order", place)
    assert limits(run(system, SHORT), "second") == (5, float("inf"))


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Crash("payment", at=20 * sec)],
        [Crash("payment", at=10 * sec, lasting=5 * sec), Slow("shipping", 3, at=12 * sec, lasting=6 * sec)],
        [Breakdowns("payment", up=Exponential(3 * sec), down=Exponential(1 * sec))],
    ],
    ids=["none", "no end", "two", "breakdowns"],
)
@pytest.mark.parametrize("shop", [orchestrated, choreographed])
def test_it_holds_for_every_number_of_faults(shop, faults):
    for name in ("payment", "orders"):
        readable(workers(run(shop(), SHORT, seed=7, faults=faults, until=80 * sec), name))


@pytest.mark.parametrize("system", [star(13), chain(14)], ids=lambda s: s.name)
def test_it_holds_for_long_names(system):
    readable(workers(run(system, SHORT, seed=7, faults=Slow(LONG[0], 3, at=30 * sec, lasting=5 * sec)), LONG[0]))


def test_it_holds_with_nothing_offered():
    readable(workers(run(choreographed(), Evenly("order", every=1 * sec, until=0.5 * sec)), "payment"))


def test_the_same_run_is_the_same_picture(storm):
    assert png(workers(storm, "payment")) == png(workers(storm, "payment"))


def test_a_name_that_is_no_service_is_answered_with_those_there_are(storm):
    with pytest.raises(ValueError, match="no service 'paiment'; did you mean 'payment'"):
        workers(storm, "paiment")


def test_while_a_replica_is_down_the_limit_is_lower():
    system = System("thinned")
    desk = system.service("desk", workers=2, replicas=3)
    system.accepts("job", desk.operation(takes=20, name="serve")(lambda ctx, job: None))
    crashes = [Crash("desk", at=1000, lasting=2000, replica=1), Crash("desk", at=2000, lasting=3000, replica=3)]
    picture = workers(run(system, Evenly("job", every=10, count=900), faults=crashes), "desk")
    left = [line.get_segments()[0] for line in picture.axes[1].collections if line.get_gid() == "left"]
    assert [(start[0], end[0], start[1]) for start, end in left] == [(1, 2, 4), (2, 3, 2), (3, 5, 4)]
