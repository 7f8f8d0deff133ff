"""Tails: each curve is the share of a window's requests that took longer, and nobody is left out."""

import doctest
import sys

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import Crash, Evenly, Slow, ms, run, sec
from rehearsal.draw import alt, png
from rehearsal.draw import tails as picture
from rehearsal.recovery import tails
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from rehearsal.units import pretty
from tests.blueprints import chain, star
from tests.boxes import readable

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


def curve(ax, name):
    """Return how high a curve is at a time [s]."""
    (line,) = (one for one in ax.lines if one.get_gid() == name)
    points = line.get_xydata().tolist()
    return lambda time: [y for x, y in points if x <= time][-1]


def test_a_curve_is_the_share_that_took_longer(storms):
    for one in storms:
        ax = picture(one)
        frame = one.requests()
        during = frame[(frame["offered"] >= OUTAGE.at) & (frame["offered"] < OUTAGE.until)]
        for time in (0.1, 0.5, 2, 20, 45):
            done = during["fate"].isin(["on time", "late", "refused"]) & (during["latency"] <= 1000 * time)
            assert curve(ax, "during")(time) == pytest.approx(1 - done.mean())


def test_the_title_and_the_words_say_the_measured_tail(storms):
    found = tails(storms[1])
    ax = picture(storms[1])
    b, d, a = (pretty(found[name].over(0.01)) for name in ("before", "during", "after"))
    assert ax.get_title(loc="left").replace("\n", " ") == f"1 in 100 orders took over {b} before, {d} during, {a} after"
    assert f"during: {found['during'].total} orders" in alt(ax)
    calls = picture(storms[0])
    assert "for ever during" in calls.get_title(loc="left").replace("\n", " ")
    assert "during: 98% never done" in [text.get_text() for text in calls.texts]
    assert round(tails(storms[0])["during"].never, 2) == 0.98
    assert doctest.testmod(sys.modules["rehearsal.draw.tails"]).failed == 0


@pytest.mark.parametrize("shop", [orchestrated, choreographed])
@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Crash("payment", at=20 * sec)],
        [Crash("payment", at=0, lasting=20 * sec)],
        [Crash("payment", at=10 * sec, lasting=5 * sec), Slow("shipping", 3, at=40 * sec, lasting=6 * sec)],
    ],
    ids=["none", "no end", "no before", "two"],
)
def test_it_holds_for_every_number_of_faults(shop, faults):
    ax = picture(run(shop(), SHORT, seed=7, faults=faults, until=100 * sec))
    readable(ax.figure)
    assert len(png(ax)) < 60_000


@pytest.mark.parametrize("count", [0, 1, 2])
def test_it_holds_with_next_to_nothing_placed(count):
    readable(picture(run(choreographed(), Evenly("order", every=1 * sec, count=count), faults=OUTAGE)).figure)


@pytest.mark.parametrize("system", [star(1), chain(14)], ids=lambda s: s.name)
def test_it_holds_without_an_objective(system):
    readable(picture(run(system, SHORT, seed=7)).figure)


def test_windows_of_ones_own_have_curves_of_their_own(storms):
    windows = {"first minute": (0, 60 * sec), "second": (60 * sec, 120 * sec), "third": (120 * sec, 180 * sec),
               "fourth": (180 * sec, 240 * sec)}  # fmt: skip
    ax = picture(storms[1], windows=windows)
    assert [line.get_gid() for line in ax.lines if line.get_gid()] == list(windows)
    readable(ax.figure)
