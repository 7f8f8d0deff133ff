"""Health strips: every cell is a number of the run, the columns say it, and all of it can be read."""

import doctest
import sys
import warnings

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex

from rehearsal import Breakdowns, Crash, CrashAt, Evenly, LoadSpike, Partition, Slow, ms, run, sec
from rehearsal.draw import alt, health_pair, palette, png, words
from rehearsal.draw import health as strips
from rehearsal.health import LEVELS, NO_TRAFFIC, just_late, levels
from rehearsal.health import health as measured
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.blueprints import LONGEST, bus, chain, mesh, named, star
from tests.boxes import readable, texts

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


def cells(ax, name):
    """Return {level or "late": where its cells of one row begin [s]}."""
    found = {}
    for c in ax.collections:
        row, _, level = (c.get_gid() or "").partition(": ")
        if row == name:
            found[level] = sorted(round(path.vertices[:, 0].min(), 3) for path in c.get_paths())
    return found


def by_gid(ax, gid):
    """Return what is written under a name."""
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def test_every_bin_with_traffic_has_its_cell(storms):
    for one in storms:
        ax, found = strips(one), measured(one)
        for name, row in found.rows.items():
            wanted: dict = {}
            for start, level, late in zip(found.bins, levels(row), just_late(row), strict=True):
                if level != NO_TRAFFIC:
                    wanted.setdefault(level, []).append(start / sec)
                if late:
                    wanted.setdefault("late", []).append(start / sec)
            assert cells(ax, name) == wanted


def test_colours_belong_to_thresholds_and_no_traffic_to_none():
    assert list(palette.HEALTH) == [*LEVELS, NO_TRAFFIC]
    assert len(set(palette.HEALTH.values())) == len(palette.HEALTH)


def test_the_colour_of_a_cell_is_that_of_its_level(storms):
    ax = strips(storms[1])
    looks = {c.get_gid(): c.get_facecolor() for c in ax.collections if ": " in (c.get_gid() or "")}
    for gid, colour in looks.items():
        level = gid.partition(": ")[2]
        if level != "late":
            assert to_hex(colour[0]).upper() == palette.HEALTH[level]


def test_the_struck_service_is_bold_and_boxed_in_its_window(storms):
    ax = strips(storms[0])
    weights = {label.get_text(): label.get_fontweight() for label in ax.get_yticklabels()}
    assert [name for name, weight in weights.items() if weight == "bold"] == ["payment"]
    (box,) = (patch for patch in ax.patches if patch.get_gid() == "struck payment")
    assert (box.get_x(), box.get_width()) == (90, 50)
    assert by_gid(ax, "fault") == ["payment down"]


def test_the_columns_and_the_words_say_what_was_measured(storms):
    one, found = storms[1], measured(storms[1])
    ax = strips(one)
    assert by_gid(ax, "unhealthy payment") == [f"{found.unhealthy('payment') / 1000:.0f} s"]
    assert by_gid(ax, "first payment") == [f"+{found.impacts['payment'] / 1000:.1f} s"]
    assert by_gid(ax, "unhealthy inventory") == by_gid(ax, "first inventory") == ["—"]
    ill = found.unhealthy("client") / 1000
    assert ax.get_title(loc="left") == f"payment was down 50 s; orders were not on time for {ill:.0f} s"
    assert f"payment below 99% for {found.unhealthy('payment') / 1000:.0f} s, first impact +2.0 s" in alt(ax)
    assert "payment down from 90 s to 140 s" in alt(ax)
    assert doctest.testmod(sys.modules[words.__name__]).failed == 0


def test_a_pair_stands_one_above_the_other_on_one_time_axis(storms):
    figure = health_pair(*storms)
    upper, lower = figure.axes
    assert upper.get_xlim() == lower.get_xlim()
    # The cells of both begin at the same place on the page, and a row is as high in both.
    assert upper.get_window_extent().x0 == pytest.approx(lower.get_window_extent().x0, abs=0.5)
    heights = [ax.get_window_extent().height / abs(ax.get_ylim()[0] - ax.get_ylim()[1]) for ax in (upper, lower)]
    assert heights[0] == pytest.approx(heights[1], rel=0.05)
    assert "Choreographed shop: payment was down 50 s" in lower.get_title(loc="left")
    assert "orchestrated" in alt(figure)
    assert "choreographed" in alt(figure)
    readable(figure)
    assert len(png(figure)) < 60_000


@pytest.mark.parametrize("system", [star(1), star(13), chain(14), mesh(14), bus(5)], ids=lambda s: s.name)
def test_it_holds_for_1_to_14_services_with_long_names(system):
    names = list(system.snapshot().services)
    faults = [Crash(names[-1], at=10 * sec, lasting=10 * sec), Slow(names[0], 3, at=30 * sec, lasting=5 * sec)]
    ax = strips(run(system, SHORT, seed=7, faults=faults))
    readable(ax.figure)
    assert len(by_gid(ax, "fault")) == 2


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ([], "No fault; orders stayed on time"),
        ([Crash("shipping", at=20 * sec)], "shipping was down from 20 s on; orders were not on time for 40 s"),
        ([Crash("payment", at=59 * sec, lasting=50 * sec)], "payment was down 50 s; orders were not on time for 5 s"),
        (
            [Crash("payment", at=20 * sec, lasting=9 * sec), Crash("shipping", at=21 * sec, lasting=9 * sec)],
            "payment was down 9 s and shipping was down 9 s; orders were not on time for",
        ),
        ([Crash("payment", at=i * sec, lasting=1 * sec) for i in range(5, 50, 3)], "payment down 15 times; orders"),
        ([CrashAt("payment", "stock.reserved", count=50, lasting=5 * sec)], "payment was down 5 s; orders"),
        ([Breakdowns("payment", up=6 * sec, down=1 * sec)], "payment down 28 times; orders"),
        (
            [Partition((("orders", "inventory"), ("payment",)), at=20 * sec, lasting=5 * sec)],
            "orders, inventory cut off from payment for 5 s",
        ),
        ([LoadSpike(9, at=20 * sec, lasting=5 * sec)], "client asks ×9 for 5 s; orders"),
        ([Slow("tax", 2, at=5 * sec, lasting=i * sec) for i in (1, 2, 3)], "tax ×2 slower 3 times"),
    ],
    ids=["none", "no end", "beyond the end", "two", "many", "crash at", "breakdowns", "partition", "spike", "at once"],
)
def test_it_holds_for_every_number_of_faults(faults, message):
    shop = choreographed()
    shop.service("tax")
    ax = strips(run(shop, SHORT, seed=7, faults=faults, until=200 * sec))
    assert ax.get_title(loc="left").startswith(message)
    readable(ax.figure)


def test_without_a_fault_there_is_no_first_impact():
    ax = strips(run(choreographed(), SHORT, seed=7))
    assert "first\nimpact" not in [text.get_text() for text in texts(ax.figure)]
    assert "unhealthy\nfor" in [text.get_text() for text in texts(ax.figure)]
    assert "No fault." in alt(ax)


def test_it_holds_with_nothing_offered():
    ax = strips(run(choreographed(), Evenly("order", every=1 * sec, until=0.5 * sec), faults=OUTAGE))
    assert cells(ax, "client") == {}
    readable(ax.figure)


@pytest.mark.parametrize("name", LONGEST)
def test_names_of_sixty_letters_are_folded_and_leave_room_for_the_rest(name):
    one = named(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = strips(one)
        readable(ax.figure)
    said = [label.get_text() for label in ax.get_yticklabels()]
    assert len(set(said)) == 3 and max(len(line) for text in said for line in text.split("\n")) <= 40
    assert all(name.format(n)[-9:] in "".join(said).replace("\n", "") for n in (1, 2))
    assert ax.get_position().width > 0.4


def test_a_panel_that_is_too_low_grows(storms):
    _, (left, right) = plt.subplots(1, 2, figsize=(13, 1.5), layout="constrained")
    strips(storms[0], ax=left)
    strips(storms[1], ax=right)
    readable(left.figure)


def test_the_same_run_is_the_same_picture(storms):
    assert png(strips(storms[0])) == png(strips(storms[0]))
