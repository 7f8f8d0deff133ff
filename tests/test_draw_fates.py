"""Order fates: every request has its mark, and everything that is written can be read."""

import doctest
import sys

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rehearsal import FATES, Crash, Evenly, Poisson, Slow, System, ms, run, sec
from rehearsal.census import count
from rehearsal.draw import alt, fates, fates_pair, palette, png
from rehearsal.draw.fates import points, share
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.boxes import readable


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close what a test drew."""
    yield
    plt.close("all")


def marks(ax):
    """Return {fate: (x, y) of its marks}."""
    return {c.get_gid(): np.asarray(c.get_offsets()) for c in ax.collections if c.get_gid() in FATES}


@pytest.fixture(scope="module")
def cut():
    """Return a run that is cut in the middle of its backlog."""
    return run(choreographed(), ORDERS, seed=7, faults=OUTAGE, until=150 * sec)


def test_every_request_has_one_mark_those_without_an_end_on_a_strip_of_their_own(cut):
    ax = fates(cut)
    found = marks(ax)
    assert {fate: len(place) for fate, place in found.items()} == {f: n for f, n in count(cut).items() if n}
    settled = np.concatenate([place for fate, place in found.items() if fate != "open"])
    assert found["open"][:, 1].min() > settled[:, 1].max()
    assert len(found["open"]) > 500
    assert "not settled" in [label.get_text() for label in ax.get_yticklabels()]
    readable(ax.figure)


def test_marks_stand_at_the_numbers_of_the_run(cut):
    placed, took = points(cut)["late"]
    frame = cut.requests().query("fate == 'late'")
    assert np.allclose(placed, frame["offered"] / 1000)
    assert np.allclose(took, frame["latency"] / 1000)
    assert np.allclose(marks(fates(cut))["late"], np.column_stack([placed, took]))


def test_the_legend_counts_each_fate_and_the_words_say_the_same(cut):
    ax = fates(cut)
    counts, offered = count(cut), len(cut.table)
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == [f"{fate} {share(n, offered)}" for fate, n in counts.items() if n]
    for fate, n in counts.items():
        assert (f"{n:,} {fate}" in alt(ax)) == (n > 0)
    assert doctest.testmod(sys.modules["rehearsal.draw.fates"]).failed == 0


def test_a_pair_shares_its_axes():
    a, b = (run(shop(), ORDERS, seed=7, faults=OUTAGE, until=200 * sec) for shop in (orchestrated, choreographed))
    figure = fates_pair(a, b, titles=("Orchestrated", "Choreographed"))
    left, right = figure.axes
    assert left.get_ylim() == right.get_ylim()
    assert left.get_xlim() == right.get_xlim()
    assert left.get_yticks().tolist() == right.get_yticks().tolist()
    readable(figure)
    assert len(png(figure)) < 90_000


@pytest.mark.parametrize("offered", [0, 1, 100, 20_000])
def test_it_holds_from_none_to_20_000(offered):
    load = Evenly("order", every=15 * ms, until=(offered + 0.5) * 15 * ms)
    ax = fates(run(orchestrated(payment=8, inventory=4, shipping=4), load, faults=[OUTAGE, Crash("orders", 120 * sec)]))
    assert sum(map(len, marks(ax).values())) == offered
    readable(ax.figure)
    assert len(png(ax)) < 90_000


def test_names_of_many_faults_do_not_overlap():
    faults = [Slow(name, factor=2, at=90 * sec + i * 5 * sec, lasting=3 * sec) for i, name in enumerate(["orders"] * 3)]
    faults += [Crash("payment", at=98 * sec, lasting=2 * sec), Crash("shipping", at=290 * sec, lasting=50 * sec)]
    ax = fates(run(orchestrated(), Poisson("order", every=1 * sec, until=300 * sec), faults=faults))
    readable(ax.figure)
    assert sum(text.get_gid() == "fault" for text in ax.texts) == 5


def test_each_kind_has_its_objective():
    system = System("desk with a long name, such as a customer relationship desk")
    clerk = system.service("clerk")

    @clerk.operation(takes=30 * ms)
    def serve(ctx, request): ...

    system.accepts("order", serve, objective=40 * ms)
    system.accepts("question", serve, objective=4 * sec)
    loads = [Evenly("order", every=100 * ms, until=9 * sec), Evenly("question", every=130 * ms, until=9 * sec)]
    ax = fates(run(system, loads))
    written = [text.get_text() for text in ax.texts]
    assert "objective of order: 40 ms" in written
    assert "objective of question: 4 s" in written
    assert ax.get_xlabel() == "request placed at [simulated s]"
    readable(ax.figure)


def test_every_fate_has_a_mark_that_differs_in_more_than_its_colour():
    looks = [(mark.marker, mark.filled) for mark in palette.FATES.values()]
    assert tuple(palette.FATES) == FATES
    assert len(set(looks)) == len(FATES)
