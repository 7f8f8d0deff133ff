"""Loads: who asks for what, when; open ones never wait for an answer, closed ones do."""

from itertools import pairwise
from math import inf, isclose, sqrt
from pickle import dumps, loads
from statistics import fmean

import pytest

from rehearsal import Closed, Constant, Empirical, Evenly, Exponential, Poisson, Times, Uniform, ms, run, sec
from rehearsal.load import Request
from tests.systems import desk, rows


def offered(load, **how):
    return list(run(desk(takes=0), load, **how).table.offered)


def test_evenly_offers_like_a_clock_from_start_until_the_end_which_it_does_not_reach():
    assert offered(Evenly("job", every=10, start=5, until=45)) == [15, 25, 35]
    assert offered(Evenly("job", every=10, count=2)) == [10, 20]


def test_times_are_offered_exactly_then_and_in_order_whatever_the_order_they_are_written_in():
    moments = [0.1, 0.2, 0.3, 1 / 3, 1000, 1000]
    result = run(desk(takes=0), Times("job", at=reversed(moments)))
    assert list(result.table.offered) == moments
    assert list(result.trace.sent) == moments  # not an ulp beside it: a fault at that moment goes first


def test_poisson_offers_at_random_with_independent_exponential_gaps():
    moments = offered(Poisson("job", every=50, count=20_000), seed=3)
    gaps = [b - a for a, b in zip([0, *moments], moments, strict=False)]
    mean = fmean(gaps)
    assert isclose(mean, 50, rel_tol=5 / sqrt(len(gaps)))  # five standard errors
    assert isclose(fmean(g * g for g in gaps), 2 * 50**2, rel_tol=0.08)
    after = fmean(a * b for a, b in pairwise(gaps)) / mean**2
    assert isclose(after, 1, abs_tol=5 / sqrt(len(gaps)))  # neighbours are independent


def test_an_open_load_never_waits_for_answers():
    slow, quick = (run(desk(takes=t), Poisson("job", every=50, count=100), seed=3) for t in (10 * sec, 0))
    assert list(slow.table.offered) == list(quick.table.offered)


def test_a_closed_user_thinks_asks_and_waits_for_the_answer():
    result = run(desk(takes=30), Closed("job", users=1, think=10, count=3))
    assert list(result.table.offered) == [10, 50, 90]
    assert list(result.table.answered) == [40, 80, 120]


def test_closed_users_queue_behind_each_other_and_each_asks_on_their_own():
    result = run(desk(takes=30), Closed("job", users=2, think=10, until=100 * ms))
    assert list(zip(result.table.user, result.table.number, result.table.offered, strict=True)) == [
        (0, 0, 10), (1, 0, 10), (0, 1, 50), (1, 1, 80),
    ]  # fmt: skip


def test_latency_counts_from_the_moment_a_request_was_meant_to_be_sent():
    result = run(desk(takes=30), Times("job", at=[0, 0, 0]))
    assert [end - start for start, end in zip(result.table.offered, result.table.settled, strict=True)] == [30, 60, 90]


def test_two_loads_of_one_kind_have_names_and_draws_of_their_own():
    day = Poisson("job", every=50, count=50)
    night = Poisson("job", every=50, count=50, name="night")
    both = sorted(offered([day, night], seed=3))
    assert both == sorted(offered(day, seed=3) + offered(night, seed=3))
    assert offered(day, seed=3) != offered(night, seed=3)


def test_attributes_are_drawn_for_the_request_and_no_other_draw_moves():
    seen = []

    def body(ctx, job):
        seen.append((job.amount, job.card))

    plain = Poisson("job", every=50, count=20)
    rich = Poisson("job", every=50, count=20, attributes={"amount": Uniform(1, 9), "card": Empirical(["gold", "grey"])})
    system = desk(takes=Exponential(20), workers=99, body=body)
    assert rows(run(system, rich, seed=3)) == rows(run(desk(takes=Exponential(20), workers=99), plain, seed=3))
    assert all(1 <= amount <= 9 for amount, _ in seen) and {card for _, card in seen} == {"gold", "grey"}
    first, seen[:] = seen[:], []
    run(system, rich, seed=3)
    assert sorted(seen) == sorted(first)


def test_a_request_is_immutable_says_what_it_has_and_travels_between_processes():
    order = Request("order", 17, {"amount": 250})
    assert (repr(order), order.amount, loads(dumps(order)).amount) == ("order 17", 250, 250)
    with pytest.raises(AttributeError, match=r"order 17 is immutable: keep what changes in ctx\.state"):
        order.amount = 3
    with pytest.raises(AttributeError, match="has no 'amont'; it has: kind, number, amount"):
        _ = order.amont


def test_requests_that_say_the_same_are_equal_so_that_what_two_runs_remember_can_be_compared():
    order = Request("order", 17, {"amount": 250})
    assert order == loads(dumps(order)) and len({order, loads(dumps(order))}) == 1
    assert order not in (Request("order", 18, {"amount": 250}), Request("order", 17), Request("job", 17), "order 17")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Poisson(50, every=50), "first argument of Poisson is the kind"),
        (lambda: Poisson("job", every=0), "every must be greater than 0"),
        (lambda: Poisson("job", every=inf), "every must be finite"),
        (lambda: Evenly("job", every=-1), "every must be greater than 0"),
        (lambda: Poisson("job", every=1, until=5, start=5), "ends .* before it starts"),
        (lambda: Poisson("job", every=1, count=-1), "count must be a whole number"),
        (lambda: Times("job", at=[-1]), "each moment of Times"),
        (lambda: Closed("job", users=0), "users"),
        (lambda: Closed("job", users=2, think=-1), "think can be negative"),
        (lambda: Poisson("job", every=1, attributes={"amount": 3}), "attribute 'amount' must be a distribution"),
        (lambda: Poisson("job", every=1, attributes={"kind": Constant(3)}), "a request has a kind of its own"),
    ],
)
def test_a_load_that_makes_no_sense_is_refused_where_it_is_written(wrong, says):
    with pytest.raises((TypeError, ValueError), match=says):
        wrong()


@pytest.mark.parametrize("load", [Poisson("job", every=1), Evenly("job", every=1, until=inf), Closed("job", users=1)])
def test_a_load_knows_that_it_never_stops(load):
    assert load.endless
