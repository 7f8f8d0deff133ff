"""The backlog: what is drawn and written is what was measured, and theory stands beside it."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import Crash, Evenly, Slow, ms, run, sec, theory
from rehearsal.draw import alt
from rehearsal.draw.backlog import backlog, predicted
from rehearsal.measures import backlog as waiting
from rehearsal.measures import drains, peak
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.boxes import readable, texts

THEORY = {"every": 50 * ms, "takes": 60 * ms}


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close what a test drew."""
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def storm():
    """Return the choreographed shop through an outage."""
    return run(choreographed(), ORDERS, seed=7, faults=OUTAGE)


def lines(ax, gid):
    """Return the points of the lines with this name."""
    return [line.get_xydata().tolist() for line in ax.lines if line.get_gid() == gid]


def test_the_line_is_the_backlog_and_its_numbers_are_written(storm):
    ax = backlog(storm, "payment", theory=THEORY)
    steps, (drain,) = waiting(storm, "payment"), drains(storm, "payment")
    (drawn,) = lines(ax, "waiting")
    assert drawn[:-1] == [[t / 1000, n] for t, n in zip(*steps, strict=True)]
    written = [text.get_text() for text in texts(ax.figure)]
    assert f"{drain.top:,} wait" in written
    assert f"none wait at {drain.empty / 1000:.0f} s" in written
    assert f"up to {drain.top:,} wait" in alt(ax)
    assert peak(steps)[1] == drain.top
    readable(ax.figure)


def test_theory_stands_on_the_same_axes(storm):
    ax = backlog(storm, "payment", theory=THEORY)
    (path,) = predicted(storm, "payment", drains(storm, "payment"), **THEORY)
    (drawn,) = lines(ax, "theory")
    assert path == theory.backlog_path(50, 60, OUTAGE.at, OUTAGE.until, workers=2)
    assert drawn == [[t / 1000, n] for t, n in path]
    written = [text.get_text() for text in texts(ax.figure)]
    assert {"theory: up 20 a second", "theory: 1,000", "theory: down 13.3 a second", "theory: 215 s"} <= set(written)
    assert "Theory: 1,000, gone at 215 s." in alt(ax)


def test_a_topic_is_the_backlog_of_its_readers(storm):
    by_topic = backlog(storm, "stock.reserved", theory=THEORY)
    by_service = backlog(storm, "payment", theory=THEORY)
    assert lines(by_topic, "waiting") == lines(by_service, "waiting")
    assert lines(by_topic, "theory") == lines(by_service, "theory")


def test_a_caller_that_is_refused_leaves_no_backlog_behind():
    calls = run(orchestrated(), ORDERS, seed=7, faults=OUTAGE)
    (drain,) = drains(calls, "payment")
    assert (drain.top, drain.empty) == (0, OUTAGE.until)
    readable(backlog(calls, "payment", theory=THEORY).figure)


def test_several_outages_each_have_their_peak_and_their_theory():
    faults = [Crash("payment", at=at * sec, lasting=20 * sec) for at in (50, 180)]
    twice = run(choreographed(), ORDERS, seed=7, faults=[*faults, Slow("shipping", 2, at=60 * sec, lasting=30 * sec)])
    ax = backlog(twice, "payment", theory=THEORY)
    assert len(lines(ax, "theory")) == len(drains(twice, "payment")) == 2
    readable(ax.figure)


@pytest.mark.parametrize(
    ("crew", "until", "words"),
    [
        (1, 300 * sec, "never gone"),  # one worker cannot keep up at all
        (2, 180 * sec, "is not gone at the end"),  # cut while it drains
        (2, 100 * sec, "is not gone at the end"),  # cut during the outage
        (8, 300 * sec, "is gone at"),
    ],
)
def test_it_holds_where_the_backlog_does_not_drain(crew, until, words):
    ax = backlog(run(choreographed(payment=crew), ORDERS, faults=OUTAGE, until=until), "payment", theory=THEORY)
    assert words in alt(ax)
    readable(ax.figure)


def test_an_outage_without_end_has_no_theory_of_its_drain():
    ended = run(choreographed(), ORDERS, faults=Crash("payment", at=90 * sec), until=200 * sec)
    ax = backlog(ended, "payment", theory=THEORY)
    assert lines(ax, "theory") == []
    assert "Down from 90 s on: up to" in alt(ax)
    readable(ax.figure)


def test_it_holds_with_nothing_offered():
    ax = backlog(run(choreographed(), Evenly("order", every=1 * sec, until=0.5 * sec)), "payment")
    assert "0 at most" in alt(ax)
    readable(ax.figure)


def test_an_unknown_name_is_answered_with_what_there_is(storm):
    with pytest.raises(ValueError, match="no queue 'paiment'; did you mean 'payment'"):
        backlog(storm, "paiment")
