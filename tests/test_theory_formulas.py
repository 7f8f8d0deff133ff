"""The formulas agree with their definitions, with each other, and with values worked out by hand."""

import doctest
from math import factorial, inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal import theory

times = st.floats(1, 1000)
shares = st.floats(0.01, 0.98)


def test_the_examples_in_the_docstrings_hold():
    themes = [theory.failures, theory.queues, theory.resilience, theory.sagas, theory.styles]
    done = [doctest.testmod(theme) for theme in themes]
    assert sum(each.attempted for each in done) >= 40
    assert sum(each.failed for each in done) == 0


@given(offered=st.floats(0.1, 30), workers=st.integers(1, 40))
def test_erlang_b_is_the_ratio_that_defines_it(offered, workers):
    terms = [offered**k / factorial(k) for k in range(workers + 1)]
    assert isclose(theory.erlang_b(offered, workers), terms[-1] / sum(terms))


@given(workers=st.integers(1, 40), busy=shares)
def test_erlang_c_is_the_ratio_that_defines_it(workers, busy):
    offered = busy * workers
    waiting = offered**workers / factorial(workers) / (1 - busy)
    terms = [offered**k / factorial(k) for k in range(workers)]
    assert isclose(theory.erlang_c(offered, workers), waiting / (sum(terms) + waiting))


@given(every=times, busy=shares)
def test_one_worker_is_the_simplest_case_of_many(every, busy):
    takes = busy * every
    assert isclose(theory.erlang_c(busy, 1), busy)
    assert isclose(theory.mmc_wait(every, takes, workers=1), theory.mm1_wait(every, takes))
    assert isclose(theory.mm1_sojourn(every, takes), 1 / (1 / takes - 1 / every))


@given(every=times, busy=shares)
def test_constant_work_halves_the_wait_of_exponential_work(every, busy):
    assert isclose(2 * theory.md1_wait(every, busy * every), theory.mm1_wait(every, busy * every))


@given(every=times, busy=shares, workers=st.integers(2, 20))
def test_a_shared_queue_waits_less_than_queues_apart(every, busy, workers):
    shared = theory.mmc_wait(every, busy * every * workers, workers)
    apart = theory.mm1_wait(every * workers, busy * every * workers)
    assert shared < apart


def test_a_system_that_cannot_keep_up_waits_without_end():
    assert theory.mm1_wait(every=10, takes=10) == inf
    assert theory.mmc_wait(every=10, takes=31, workers=3) == inf
    assert theory.drain_time(every=10, takes=31, outage=100, workers=3) == inf
    assert theory.drain_spread(every=10, takes=31, outage=100, workers=3) == inf
    assert theory.erlang_c(3, workers=3) == 1


def test_a_row_of_stations_adds_up_and_branches_do_not():
    assert theory.tandem(100, 80, 80) == 2 * theory.mm1_sojourn(100, 80)
    assert theory.mm1_sojourn(100, 80) < theory.fork_join(100, 80) < theory.slowest_of(2, theory.mm1_sojourn(100, 80))
    assert theory.slowest_of(3, mean=20) == pytest.approx(20 * 1.8333, rel=1e-4)


@given(every=times, busy=shares, outage=st.floats(1, 1e5), workers=st.integers(1, 9))
def test_after_an_outage_the_backlog_goes_up_at_lambda_and_down_at_mu_minus_lambda(every, busy, outage, workers):
    takes = busy * every * workers
    (at, none), (until, top), (empty, nothing) = theory.backlog_path(every, takes, 50, 50 + outage, workers)
    assert (at, none, until, nothing) == (50, 0, 50 + outage, 0)
    assert isclose(top, theory.backlog_after(every, outage))
    assert isclose(top / (empty - until), workers / takes - 1 / every, rel_tol=1e-6)
    assert isclose(theory.delayed_by(every, takes, outage, workers), (empty - at) / every, rel_tol=1e-9)


def test_zombies_are_what_takes_longer_than_the_time_out():
    half = theory.mm1_quantile(100, 80, share=0.5)
    assert theory.zombie_share(100, 80, timeout=half) == pytest.approx(0.5)


def test_availability_and_attempts_by_hand():
    assert theory.in_series() == 1
    assert theory.in_series(0.9, 0.8) == pytest.approx(0.72)
    assert theory.availability(up=3, down=1) == 0.75
    assert theory.attempts(failure=1, retries=4) == 5
    assert theory.attempts(failure=0, retries=4) == 1
    assert theory.attempts(failure=0.2, retries=50) == pytest.approx(1 / (1 - 0.2))
    assert theory.polling_delay(poll=40) == 20
