"""Policies as data: what they say, what they refuse, how several are put together."""

import pytest

from rehearsal import Bulkhead, CircuitBreaker, Guard, Hedge, Retry, RetryBudget, sec
from rehearsal.policies import UNSET


def test_a_fixed_a_linear_and_an_exponential_pause():
    assert [Retry(3, wait=10).pause(i) for i in range(3)] == [10, 10, 10]
    assert [Retry(3, wait=10, step=5).pause(i) for i in range(3)] == [10, 15, 20]
    assert [Retry(3, wait=10, factor=3).pause(i) for i in range(3)] == [10, 30, 90]


def test_the_cap_applies_before_the_jitter():
    retry = Retry(9, wait=100, factor=2, cap=300, jitter="full")
    assert retry.pause(8, chance=0.5) == 150
    assert Retry(9, wait=100, factor=2, cap=300, jitter="equal").pause(8, chance=0.5) == 225


def test_a_pause_beyond_what_a_float_can_say_is_the_cap():
    assert Retry(2000, wait=1, factor=2, cap=20).pause(1999) == 20
    assert Retry(2000, wait=1, factor=1.5, cap=20, jitter="full").pause(1999, chance=0.5) == 10
    assert Retry(2000, factor=2, step=1, cap=9000).pause(1999) == 1999


def test_numbers_of_numpy_are_numbers_and_become_pythons_own():
    import numpy as np

    assert repr(Retry(np.int64(3), wait=np.float32(0.5))) == repr(Retry(3, wait=0.5))
    assert repr(CircuitBreaker(window=np.int64(10))) == repr(CircuitBreaker(window=10))
    made = [Bulkhead(np.int64(4)), Hedge(np.float64(5)), RetryBudget(np.float64(0.5))]
    assert repr(made) == repr([Bulkhead(4), Hedge(5.0), RetryBudget(0.5)])


def test_what_is_tried_again_has_an_order_of_its_own():
    assert Retry(2, on={"timeout", "failed", "lost"}).on == Retry(2, on=["lost", "timeout", "failed"]).on
    assert Retry(2, on=("timeout", "lost", "rejected", "failed")).plain


def test_decorrelated_jitter_draws_up_to_three_times_the_pause_before():
    retry = Retry(9, wait=10, cap=50, jitter="decorrelated")
    assert [retry.pause(0, 0.0), retry.pause(0, 1.0), retry.pause(1, 1.0, last=12), retry.pause(2, 1.0, last=40)] == [
        10, 30, 36, 50,
    ]  # fmt: skip


def test_the_defaults_of_a_breaker_are_the_published_ones():
    breaker = CircuitBreaker()
    assert (breaker.window, breaker.per, breaker.minimum, breaker.failure_rate) == (100, "calls", 100, 0.5)
    assert (breaker.open_for, breaker.probes, breaker.slow, breaker.slow_rate) == (60 * sec, 10, 60 * sec, 1.0)


def test_a_minimum_is_never_more_than_the_window_holds():
    assert CircuitBreaker(window=20).minimum == 20
    assert CircuitBreaker(window=20 * sec, per="time").minimum == 100


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Retry(2, jitter="some"), "jitter"),
        (lambda: Retry(2, on="refused"), "tries again"),
        (lambda: Retry(2, on=None), "tries again .* not None"),
        (lambda: Retry(2, on=7), "tries again .* not 7"),
        (lambda: Retry(True), "times"),
        (lambda: Retry(2, factor="x"), "factor of Retry must be greater than 0, not 'x'"),
        (lambda: Retry(2, factor=float("inf")), "factor of Retry must be finite"),
        (lambda: RetryBudget(ratio=2), "ratio"),
        (lambda: RetryBudget(burst=-1), "burst"),
        (lambda: RetryBudget(burst="x"), "burst of RetryBudget must be 1 or more"),
        (lambda: RetryBudget(burst=0.5), "must be 1 or more, or 0 for no retry, not 0.5"),
        (lambda: CircuitBreaker(window=0), "window"),
        (lambda: CircuitBreaker(failure_rate=0), "failure_rate"),
        (lambda: CircuitBreaker(counts="both"), "counts"),
        (lambda: CircuitBreaker(probes=0), "probes"),
        (lambda: Bulkhead(0), "calls"),
        (lambda: Bulkhead(2, wait=-1), "wait"),
        (lambda: Hedge(after=-1), "after"),
    ],
)
def test_a_policy_that_makes_no_sense_says_which_word_is_wrong(make, word):
    with pytest.raises((TypeError, ValueError), match=word):
        make()


def test_of_two_guards_the_upper_one_speaks_first():
    upper, lower = Guard(timeout=10, retry=Retry(1)), Guard(timeout=20, deadline=90)
    both = upper.over(lower)
    assert (both.timeout, both.deadline, both.retry) == (10, 90, Retry(1))


def test_a_time_out_of_infinity_takes_the_time_out_away():
    assert Guard(timeout=float("inf")).over(Guard(timeout=20)).said("timeout") is None


def test_a_guard_prints_what_was_said_and_nothing_else():
    assert repr(Guard(timeout=10, hedge=Hedge(5))) == "Guard(timeout=10.0, hedge=Hedge(after=5))"
    assert repr(UNSET) == "-"


def test_policies_are_plain_data():
    assert Retry(2, wait=5) == Retry(2, wait=5)
    assert len({CircuitBreaker(), CircuitBreaker(), Bulkhead(3)}) == 2
    with pytest.raises(AttributeError):
        Retry(2).times = 3
