"""Draws: distributions are what they say, and a draw is found by its key alone."""

from math import isclose, sqrt
from statistics import fmean, stdev

import pytest

from rehearsal import Constant, Empirical, Exponential, Lognormal, Uniform
from rehearsal.draws import KEPT, PAGE, Book, times

EACH = [
    Constant(20),
    Exponential(20),
    Uniform(10, 30),
    Lognormal(20, cv=0.5),
    Lognormal(20, cv=2),
    Empirical([5, 10, 45]),
]


def sample(distribution, n=20_000, seed=1):
    book = Book(distribution, seed, "takes", "work")
    return [book.draw("order", 0, i) for i in range(n)]


@pytest.mark.parametrize("distribution", EACH, ids=repr)
def test_a_sample_has_the_mean_and_the_variation_the_distribution_says(distribution):
    drawn = sample(distribution)
    # Five standard errors of the mean: with a fixed seed this cannot flicker, and a wrong formula is far outside.
    error = 5 * distribution.cv * distribution.mean / sqrt(len(drawn))
    assert abs(fmean(drawn) - distribution.mean) <= error + 1e-9
    assert isclose(stdev(drawn), distribution.cv * distribution.mean, rel_tol=0.1, abs_tol=1e-9)


@pytest.mark.parametrize("distribution", EACH, ids=repr)
def test_no_draw_is_below_the_least_value_a_distribution_names(distribution):
    assert min(sample(distribution)) >= distribution.least >= 0
    assert distribution.quantile(0.0) >= distribution.least
    assert distribution.quantile(1 - 2**-53) < float("inf")


@pytest.mark.parametrize("distribution", EACH, ids=repr)
def test_a_page_of_quantiles_is_the_quantiles_one_by_one(distribution):
    us = [0.0, 0.25, 0.5, 0.999]
    assert distribution.stretch(us) == [distribution.quantile(u) for u in us]


def test_changing_the_mean_stretches_every_draw_and_reshuffles_none():
    short, long = sample(Exponential(10), 500), sample(Exponential(20), 500)
    assert all(isclose(2 * a, b) for a, b in zip(short, long, strict=True))


@pytest.mark.parametrize("changed", ["seed", "purpose", "work", "who", "k", "n"])
def test_every_part_of_the_key_leads_to_another_draw(changed):
    key = {"seed": 1, "purpose": "takes", "work": "reserve", "who": "order", "k": 0, "n": 17}
    other = key | {changed: {"seed": 2, "k": 1, "n": 18}.get(changed, "another")}

    def draw(seed, purpose, work, who, k, n):
        return Book(Uniform(0, 1), seed, purpose, work).draw(who, k, n)

    assert draw(**key) == draw(**key) != draw(**other)


def test_the_order_of_asking_changes_no_draw():
    numbers = [0, 5 * PAGE, 3, PAGE + 1, 2 * PAGE]
    book, again = (Book(Exponential(1), 7, "takes", "work") for _ in range(2))
    forwards = {n: book.draw("order", 0, n) for n in numbers}
    assert forwards == {n: again.draw("order", 0, n) for n in reversed(numbers)}


def test_a_forgotten_page_comes_back_with_the_same_numbers():
    book = Book(Exponential(1), 7, "takes", "work")
    first = book.draw("order", 0, 3)
    for user in range(KEPT + 1):
        book.draw(f"user {user}", 0, 0)
    assert ("order", 0, 0) not in book
    assert book.draw("order", 0, 3) == first


def test_draws_are_these_numbers_on_every_machine():
    """The bytes behind "same four, same trace": the key's text seeds the generator, not Python's hash."""
    book = Book(Uniform(0, 1), 7, "takes", "reserve")
    numbers = [0.3311495780898437, 0.7413222828119851, 0.9590616290675982]
    assert [book.draw("order", 0, n) for n in (0, 1, PAGE)] == numbers


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Exponential(-1),
        lambda: Exponential("20"),
        lambda: Exponential(float("nan")),
        lambda: Exponential(float("inf")),
        lambda: Constant(True),
        lambda: Uniform(30, 10),
        lambda: Lognormal(20, -1),
        lambda: Lognormal(-20, 1),
        lambda: Empirical([]),
    ],
)
def test_a_bad_parameter_is_refused_where_it_is_written(wrong):
    with pytest.raises((TypeError, ValueError), match=r"mean|value|cv|low|high"):
        wrong()


def test_a_duration_may_be_a_number_or_a_distribution_and_never_negative():
    assert times(20, "takes") == Constant(20.0)
    assert times(Exponential(20), "takes") == Exponential(20)
    for negative in (-1, Uniform(-1, 5), Constant(-3), Empirical([3, -1])):
        with pytest.raises(ValueError, match="takes can be negative"):
            times(negative, "takes")
    for nonsense in ("20", None, True, Empirical(["fast", "slow"])):
        with pytest.raises(TypeError, match="takes"):
            times(nonsense, "takes")


def test_a_distribution_that_is_always_zero_has_no_variation():
    assert [d.cv for d in (Uniform(0, 0), Empirical([0, 0]), Constant(0))] == [0, 0, 0]
