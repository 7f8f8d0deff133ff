"""Simulation against theory: queues, their limits, their beginnings, and users who wait for an answer."""

from math import isclose
from random import Random
from statistics import fmean

import pytest

from rehearsal import (
    Closed,
    Constant,
    Crash,
    Evenly,
    Exponential,
    Poisson,
    Retry,
    System,
    Times,
    Uniform,
    run,
    theory,
)  # fmt: skip
from rehearsal.measures import area, busy, littles_law
from tests.samples import check, shares, sojourns, waits
from tests.systems import caller, desk, listener


def totals(system, load, **how):
    """Run and keep the requests only."""
    return run(system, load, keep="totals", **how)


# One worker, several


def test_mm1_sojourn_and_its_quantile():
    sample = sojourns(totals(desk(Exponential(60)), Poisson("job", every=100, count=40_000), seed=1))
    check(sample, theory.mm1_sojourn(every=100, takes=60))
    over = theory.mm1_quantile(100, 60, share=0.9)
    check([1.0 * (time > over) for time in sample], 0.1, within=0.3)


@pytest.mark.parametrize("workers", [2, 5])
def test_mmc_wait_and_the_share_that_waits(workers):
    takes = 60 * workers
    result = run(desk(Exponential(takes), workers=workers), Poisson("job", every=100, count=40_000), seed=2)
    sample = waits(result)
    check(sample, theory.mmc_wait(100, takes, workers), within=0.3)
    check([1.0 * (time > 0) for time in sample], theory.erlang_c(takes / 100, workers), within=0.15)


def test_utilisation_is_the_share_of_time_at_work():
    result = run(desk(Exponential(120), workers=2), Poisson("job", every=100, count=20_000), seed=6)
    share = area(busy(result, "desk"), result.ended) / result.ended / 2
    assert isclose(share, theory.utilisation(100, 120, workers=2), rel_tol=0.03)  # 3/sqrt(20,000) and some


# Other work, other arrivals


def test_md1_waits_half_as_long_as_mm1():
    result = run(desk(Constant(60)), Poisson("job", every=100, count=30_000), seed=3)
    check(waits(result), theory.md1_wait(every=100, takes=60))
    assert theory.md1_wait(100, 60) == theory.mm1_wait(100, 60) / 2


def test_mg1_pollaczek_khinchine():
    takes = Uniform(0, 120)
    result = run(desk(takes), Poisson("job", every=100, count=30_000), seed=3)
    check(waits(result), theory.pollaczek_khinchine(100, takes.mean, takes.cv), within=0.15)


def test_dm1_arrivals_like_a_clock_wait_less():
    result = totals(desk(Exponential(65)), Evenly("job", every=100, count=30_000), seed=4)
    check(sojourns(result), theory.gm1_sojourn(Constant(100), takes=65))
    assert theory.gm1_sojourn(Constant(100), takes=65) < theory.mm1_sojourn(100, 65) / 1.5


@pytest.mark.parametrize("gaps", [Uniform(0, 200), Uniform(60, 140)])
def test_gm1_arrivals_of_any_regularity(gaps):
    dice, moment, moments = Random(5), 0.0, []
    for _ in range(30_000):
        moment += gaps.quantile(dice.random())
        moments.append(moment)
    result = totals(desk(Exponential(65)), Times("job", at=moments), seed=4)
    check(sojourns(result), theory.gm1_sojourn(gaps, takes=65))


# Room for so many


def test_erlang_b_without_a_queue_the_share_turned_away():
    result = totals(desk(Exponential(200), workers=3, queue=0), Poisson("job", every=100, count=20_000), seed=5)
    check(shares(result.fates(), "rejected"), theory.erlang_b(2, workers=3))


def test_erlang_b_asks_for_the_mean_of_the_work_only():
    result = totals(desk(Constant(200), workers=3, queue=0), Poisson("job", every=100, count=20_000), seed=5)
    check(shares(result.fates(), "rejected"), theory.erlang_b(2, workers=3))


@pytest.mark.parametrize(("takes", "workers", "queue"), [(90, 1, 3), (180, 2, 4), (300, 2, 5)])
def test_mmck_a_queue_limit_trades_waiting_for_loss(takes, workers, queue):
    """The last of the three is overloaded: what is let in waits no longer than the queue is."""
    system = desk(Exponential(takes), workers=workers, queue=queue)
    result = run(system, Poisson("job", every=100, count=30_000), seed=6)
    check(shares(result.fates()[500:], "rejected"), theory.mmck_loss(100, takes, workers, queue))
    check(waits(result, outcome="ok"), theory.mmck_wait(100, takes, workers, queue))


# The beginning


def test_the_first_ones_wait_less_by_what_spitzer_says():
    """A run begins with an empty queue; 1,200 seeds are 1,200 beginnings, each independent of the others."""
    system, load = desk(Exponential(80)), Poisson("job", every=100, count=30)
    begins = [[wait - 80 for wait in sojourns(totals(system, load, seed=s), since=0)] for s in range(1_200)]
    expected = theory.first_waits(every=100, takes=80, count=30)
    for n in (5, 15, 30):
        check([waits[n - 1] for waits in begins], expected[n - 1], within=0.25)
    check([fmean(waits) for waits in begins], fmean(expected), within=0.2)
    assert fmean(expected) < 0.55 * theory.mm1_wait(100, 80)  # thirty are a bad sample of the long run


# Users who wait for the answer


def through(stations):
    """Return a front that calls one station after another, each with one worker."""
    system = System("row")
    works = [
        system.service(f"s{i}").operation(name=f"work{i}", takes=Exponential(takes))(lambda ctx, job: None)
        for i, takes in enumerate(stations)
    ]

    @system.service("front", workers=1000).operation()
    def go(ctx, job):
        for work in works:
            yield ctx.call(work, job)

    system.accepts("job", go)
    return system


@pytest.mark.parametrize(("users", "think"), [(4, Exponential(100)), (12, Constant(300))])
def test_closed_load_is_what_exact_mean_value_analysis_says(users, think):
    stations = (60, 30, 45)
    load = Closed("job", users=users, think=think, count=24_000 // users)
    result = totals(through(stations), load, seed=8)
    check(sojourns(result), theory.closed_sojourn(users, think.mean, *stations))
    rate = 1000 * len(result.table) / result.ended
    assert isclose(rate, theory.closed_rate(users, think.mean, *stations), rel_tol=0.03)  # 4/sqrt(24,000), and an end


def test_a_closed_load_never_asks_for_more_than_there_is_an_open_one_does():
    """Forty users at a worker of 60 ms: they wait, and the worker is never asked for more than it can do."""
    result = totals(through([60]), Closed("job", users=40, think=Exponential(100), count=200), seed=9)
    assert isclose(1000 * len(result.table) / result.ended, 1000 / 60, rel_tol=0.05)  # 4/sqrt(8,000)
    check(sojourns(result, since=1_000), theory.closed_sojourn(40, 100, 60))


# Little's law


def test_littles_law_holds_on_the_sample_path_of_every_service():
    system = caller(Exponential(60), timeout=100, retry=Retry(1), network=Exponential(5))
    crash = Crash("back", at=5_000, lasting=1_000)
    for law in (
        littles_law(run(system, Poisson("job", every=100, count=500), faults=[crash])),
        littles_law(run(listener(Exponential(60)), Poisson("job", every=100, count=500), until=40_000)),
    ):
        assert (law["arrivals"] > 300).all() and law["L"]["back"] > 0.5
        assert (abs(law["difference"]) < 1e-9).all()  # an identity of the record: only rounding is left
