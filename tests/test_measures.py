"""Measures: latencies with what they leave out, Little's law on the record, and the backlog as a step function."""

import doctest
from math import inf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal import Crash, Evenly, Exponential, Poisson, System, measures, ms, run, sec, theory
from rehearsal.measures import Steps, backlog, busy, empty_after, latency, littles_law, peak, percentile, value_at
from rehearsal.shop import choreographed, orchestrated

LOAD = Poisson("order", every=50 * ms, until=120 * sec)
OUTAGE = Crash("payment", at=20 * sec, lasting=20 * sec)


@pytest.fixture(scope="module")
def storm():
    """Return the choreographed shop through an outage."""
    return run(choreographed(), LOAD, seed=7, faults=OUTAGE)


def one_desk(takes=30 * ms, **how):
    """Return a system of one service and one operation."""
    system = System("desk")
    clerk = system.service("clerk", **how)

    @clerk.operation(takes=takes)
    def serve(ctx, order): ...

    system.accepts("order", serve)
    return system


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(measures).failed == 0


@given(sample=st.lists(st.integers(0, 99), min_size=1, max_size=200), share=st.integers(1, 100))
def test_a_percentile_was_observed_and_is_the_smallest_that_covers_its_share(sample, share):
    ordered = sorted(sample)
    found = percentile(ordered, share / 100)
    covered = sum(value <= found for value in ordered)
    below = sum(value < found for value in ordered)
    assert found in ordered
    assert 100 * covered >= share * len(ordered) > 100 * below


def test_latency_counts_what_has_no_end_yet():
    cut = run(one_desk(), Evenly("order", every=20 * ms, until=1 * sec), until=200 * ms)
    row = latency(cut).iloc[0]
    # Offered at 20, 40, …, 180 and at 200 nothing more; served one after the other, 30 ms each.
    assert (row["count"], row["open"]) == (5, len(cut.table) - 5)
    assert row["max"] == 5 * 30 + 20 - 5 * 20
    assert row["p50"] == 50


def test_latency_of_constant_work_is_that_work():
    frame = latency(run(one_desk(), Evenly("order", every=50 * ms, until=1 * sec)), since=500 * ms)
    assert list(frame.columns) == ["count", "mean", "p50", "p95", "p99", "max", "open"]
    assert frame.iloc[0].tolist() == pytest.approx([10, 30, 30, 30, 30, 30, 0])


def test_answered_and_settled_differ_where_the_answer_is_not_the_end(storm):
    answered, settled = (latency(storm, of=of).loc["choreographed shop"] for of in ("answered", "settled"))
    assert answered["count"] == settled["count"] == len(storm.table)
    assert answered["max"] < 20 < 10_000 < settled["max"]


def test_latency_of_nothing_has_no_mean_and_says_zero():
    row = latency(run(one_desk(), Evenly("order", every=2 * sec, until=1 * sec))).iloc[0]
    assert row["count"] == row["open"] == 0
    assert isnan(row["mean"])


def test_a_word_that_is_no_end_is_an_error(storm):
    with pytest.raises(ValueError, match='of="settled" or of="answered", not \'done\''):
        latency(storm, of="done")


@pytest.mark.parametrize("shop", [orchestrated, choreographed])
@pytest.mark.parametrize("until", [None, 33 * sec])
def test_littles_law_holds_on_the_sample_path(shop, until):
    frame = littles_law(run(shop(), LOAD, seed=7, faults=OUTAGE, until=until))
    assert {"orders", "inventory", "payment", "shipping"} <= set(frame.index)
    assert frame["L"].tolist() == pytest.approx(frame["lambda W"].tolist(), rel=1e-9)
    assert frame["difference"].abs().max() < 1e-9
    assert frame["L"].max() > 1


def test_backlog_of_an_outage_by_service_and_by_topic(storm):
    steps = backlog(storm, "payment")
    top, most = peak(steps)
    assert steps == backlog(storm, "stock.reserved")
    assert steps.times == sorted(set(steps.times))
    assert OUTAGE.at < top <= OUTAGE.until
    assert most == pytest.approx(theory.backlog_after(50, OUTAGE.lasting), rel=0.1)
    assert value_at(steps, 0.0) == value_at(steps, storm.ended) == 0
    drained = empty_after(steps, OUTAGE.until) - OUTAGE.until
    expected = theory.drain_time(50, 60, OUTAGE.lasting, workers=2)
    assert abs(drained - expected) < 3 * theory.drain_spread(50, 60, OUTAGE.lasting, workers=2)


def test_backlog_by_hand():
    steps = backlog(run(one_desk(), Evenly("order", every=10 * ms, until=45 * ms)), "clerk")
    assert steps == Steps([0, 10, 20, 30, 40, 70, 100], [0, 0, 1, 2, 2, 1, 0])
    assert peak(steps) == (30, 2)
    assert peak(steps, since=60) == (60, 2)  # from 40 to 70
    assert peak(steps, since=70) == (70, 1)
    assert empty_after(steps, 20) == 100
    assert empty_after(Steps([0, 5], [0, 3]), 5) == inf


def test_busy_counts_workers_and_a_crash_frees_them(storm):
    steps = busy(storm, "payment")
    assert max(steps.counts) == 2
    assert value_at(steps, OUTAGE.at) == 0
    assert value_at(steps, OUTAGE.until) == 2


def test_what_a_crash_took_from_memory_waits_no_longer():
    calls = run(
        one_desk(), Evenly("order", every=10 * ms, until=65 * ms), faults=Crash("clerk", at=55 * ms, lasting=1 * sec)
    )
    steps = backlog(calls, "clerk")
    assert value_at(steps, 54) > 0
    assert value_at(steps, 55) == 0
    assert max(t for t in steps.times) <= 65


def test_utilisation_and_mean_wait_meet_theory():
    served = run(one_desk(takes=Exponential(80 * ms)), Poisson("order", every=100 * ms, until=8_000 * sec), seed=3)
    waiting = measures.area(backlog(served, "clerk"), served.ended) / served.ended
    working = measures.area(busy(served, "clerk"), served.ended) / served.ended
    assert working == pytest.approx(theory.utilisation(100, 80), rel=0.01)
    assert waiting == pytest.approx(theory.mm1_wait(100, 80) / 100, rel=0.05)


def test_a_run_that_kept_its_totals_only_says_so():
    totals = run(one_desk(), Evenly("order", every=50 * ms, until=1 * sec), keep="totals")
    with pytest.raises(ValueError, match="kept its totals only"):
        backlog(totals, "clerk")
    assert latency(totals).iloc[0]["count"] == 19


def test_an_unknown_queue_is_answered_with_what_there_is(storm):
    with pytest.raises(ValueError, match=r"no queue 'stock.reservd'; did you mean 'stock.reserved'"):
        backlog(storm, "stock.reservd")
