"""Small multiples: each panel is its own run's goodput, and all are on the same axes."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import run, sec
from rehearsal.draw import alt, multiples
from rehearsal.recovery import goodput
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated


@pytest.fixture(scope="module")
def runs():
    """Return four runs: two styles, with and without the outage."""
    return {
        f"{shop.__name__}, {day}": run(shop(), ORDERS, seed=7, faults=faults)
        for shop in (orchestrated, choreographed)
        for day, faults in (("calm", ()), ("storm", OUTAGE))
    }


@pytest.fixture
def figure(runs):
    """Return their picture, and close it."""
    yield multiples(runs)
    plt.close("all")


def test_each_panel_shows_the_rates_of_its_run(runs, figure):
    for one, ax in zip(runs.values(), figure.axes, strict=True):
        found = goodput(one, 2 * sec)
        drawn = {line.get_gid(): line.get_ydata().tolist() for line in ax.lines}
        assert drawn == {
            "offered": found.offered.rates,
            "retries": found.retries.rates,
            "on time": found.on_time.rates,
        }


def test_all_panels_share_their_axes_and_an_empty_place_has_none(runs, figure):
    assert len(figure.axes) == len(runs) == 4
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes}) == 1


def test_titles_and_words_say_when_each_was_on_time_again(runs, figure):
    titles = [(ax.get_title(loc="left"), ax.get_title(loc="right")) for ax in figure.axes]
    assert titles == [
        ("orchestrated, calm", "no fault"),
        ("orchestrated, storm", "on time again at once"),
        ("choreographed, calm", "no fault"),
        ("choreographed, storm", "on time again +67.2 s"),
    ]
    good = runs["choreographed, storm"].fates().count("on time")
    assert f"choreographed, storm: {good:,} of {len(runs['choreographed, storm'].table):,} on time" in alt(figure)


def test_the_axis_of_time_ends_where_it_is_told(runs):
    figure = multiples(runs, columns=2, until=150 * sec)
    assert {ax.get_xlim() for ax in figure.axes} == {(0, 150)}
    plt.close(figure)
