"""Sensitivity: who wins over a range, where the verdict flips, and what is tried in between."""

from math import inf, isnan, nan

import numpy as np
import pytest

from rehearsal.experiments import NOBODY, Interval, crossover, sensitivity
from rehearsal.experiments.flips import between, flips_at, way

AB = {"between": ("style", "a", "b"), "progress": False}


def ask(difference, base, values, seeds=4, noise=0.0, **more):
    """Return what `sensitivity` says of one assumption: the difference b − a at x, each seed a little beside it."""

    def recipe(seed, style, x):
        return difference(x) + noise * (seed % 2 - 0.5) if style == "b" else 0.0

    return sensitivity(recipe, {"x": base}, {"x": values}, "value", seeds=seeds, **AB, **more)


def told(frame, *columns):
    """Return some columns of the rows of the assumption, with None for nan."""
    rows = frame[list(columns or ("value", "flips", "flips_at"))].values.tolist()[1:]
    return [tuple(None if isinstance(x, float) and isnan(x) else x for x in row) for row in rows]


def falling(x):
    """Return a difference that turns at 6: "a" is better below."""
    return 12.0 - 2 * x


def dip(x):
    """Return a difference that is below 0 from 4 to 8 only."""
    return abs(x - 6.0) - 2


# Two ends


def test_the_columns_for_two_ends_are_those_and_the_last_is_where_it_flips():
    found = ask(falling, 1, (0, 10))
    assert [*found.columns] == [
        "assumption", "end", "value", "mean", "low", "high", "n", "winner", "flips", "flips_at",
    ]  # fmt: skip
    assert found["end"].tolist() == ["base", "low", "high"] and found["flips_at"].dtype == float
    assert found["flips"].dtype == bool and isnan(found["flips_at"][0])


@pytest.mark.parametrize(("base", "values", "expected"), [
    (1, (0, 10), [(0, False, None), (10, True, 6.0)]),
    (1, (10, 0), [(10, True, 6.0), (0, False, None)]),
    (9, (0, 10), [(0, True, 6.0), (10, False, None)]),
    (9.5, (0.0, 9.0), [(0.0, True, 6.0), (9.0, False, None)]),  # a base outside of its range
    (1, (7, 10), [(7, True, 6.0), (10, True, 6.0)]),
    (1, (1, 10), [(1, False, None), (10, True, 6.0)]),
])  # fmt: skip
def test_where_a_straight_line_flips_is_exact(base, values, expected):
    assert told(ask(falling, base, values)) == expected


def test_between_two_ends_it_is_a_straight_line_whatever_is_there():
    assert told(ask(lambda x: 16.0 - x * x, 0, (0, 10)))[1] == (10, True, pytest.approx(1.6))
    assert told(ask(dip, 0, (0, 12))) == [(0, False, None), (12, False, None)]  # 5 would flip it


def test_it_is_the_verdict_that_flips_so_an_interval_has_to_leave_out_0():
    """Of four seeds, two half a unit above and two below, the half width is 3.182 × 0.577 / 2 = 0.919."""
    (_, far) = told(ask(falling, 1, (0, 10), noise=1.0))
    assert far[2] == pytest.approx(6 + 0.9187 / 2, abs=1e-4)
    found = crossover(lambda seed, style, x: falling(x) + (seed % 2 - 0.5) if style == "b" else 0.0, "x", "value",
                      low=1.0, high=10.0, steps=2, tolerance=9.0, seeds=4, **AB)  # fmt: skip
    assert far[2] == pytest.approx(found.high)
    at = told(ask(falling, 1, (0, far[2] - 0.001, far[2] + 0.001, 10), noise=1.0), "winner")
    assert at == [("a",), (NOBODY,), ("b",), ("b",)]


def test_it_is_the_verdict_that_flips_so_the_difference_has_to_matter():
    assert told(ask(falling, 1, (0, 10), matters=4))[1] == (10, True, 8.0)
    assert told(ask(falling, 1, (0, 10), matters=4, noise=1.0))[1] == (10, True, pytest.approx(8.0))
    assert told(ask(falling, 1, (0, 7), matters=4)) == [(0, False, None), (7, False, None)]


def test_from_no_difference_the_first_winner_flips_it():
    assert told(ask(falling, 6, (0, 10)), "value", "winner", "flips_at") == [(0, "a", 6.0), (10, "b", 6.0)]
    assert told(ask(falling, 5, (0, 10), matters=4)) == [(0, True, 4.0), (10, True, 8.0)]
    (low, high) = told(ask(falling, 6, (0, 10), noise=1.0))
    assert (low[2], high[2]) == (pytest.approx(6 - 0.9187 / 2, abs=1e-4), pytest.approx(6 + 0.9187 / 2, abs=1e-4))


def test_where_more_is_better_it_flips_at_the_same_place():
    found = ask(falling, 1, (0, 10), better="more")
    assert told(found) == [(0, False, None), (10, True, 6.0)] and found["winner"].tolist() == ["b", "b", "a"]


# Values in between


def test_what_flips_in_the_middle_only_is_seen_where_it_is_tried():
    found = ask(dip, 0, (0, 3, 6, 12))
    assert found["end"].tolist() == ["base", "low", "between", "between", "high"]
    assert told(found) == [(0, False, None), (3, False, None), (6, True, 4.0), (12, False, 4.0)]
    assert told(ask(dip, 12, (0, 6, 12))) == [(0, False, 8.0), (6, True, 8.0), (12, False, None)]
    assert found["winner"].tolist() == ["a", "a", "a", "b", "a"]


def test_the_flip_is_between_the_neighbours_around_it():
    assert told(ask(lambda x: 16.0 - x * x, 0, (0, 10)))[-1][2] == pytest.approx(1.6)
    fine = ask(lambda x: 16.0 - x * x, 0, np.linspace(0, 10, 5))
    assert [at for *_, at in told(fine)] == [None, None, 3.8, 3.8, 3.8]
    assert told(ask(lambda x: 16.0 - x * x, 0, range(11)))[-1] == (10, True, 4.0)


def test_the_first_of_two_flips_counts():
    """From nobody at 0 it goes to "a", and by 8 to "b"."""
    found = ask(lambda x: x * (6.0 - x), 0, (0, 3, 8))
    assert told(found, "value", "winner", "flips", "flips_at") == [
        (0, NOBODY, False, None), (3, "a", True, 0.0), (8, "b", True, 0.0),
    ]  # fmt: skip


def test_the_base_has_its_place_among_the_numbers_and_is_not_run_again():
    seen = []

    def recipe(seed, style, x):
        seen.append((seed, style, x))
        return falling(x) if style == "b" else 0.0

    base, ranges = {"x": 4}, {"x": (0, 2, 4, 5, 8, 10)}
    found = sensitivity(recipe, base, ranges, "value", seeds=3, **AB)
    assert len(seen) == len(set(seen)) == 6 * 2 * 3
    assert told(found)[3:] == [(5, False, None), (8, True, 6.0), (10, True, 6.0)]
    seen.clear()
    sensitivity(recipe, base, {"x": (0, 10)}, "value", seeds=3, **AB)
    assert len(seen) == 3 * 2 * 3


def test_the_swing_of_what_is_tried_in_between_counts():
    def recipe(seed, style, x, y):
        return dip(x) - y if style == "b" else 0.0

    found = sensitivity(recipe, {"x": 0, "y": 0}, {"y": (0, 5), "x": (0, 6, 12)}, "value", seeds=2, **AB)
    assert found["assumption"].tolist()[1:] == ["x", "x", "x", "y", "y"]
    found = sensitivity(recipe, {"x": 0, "y": 0}, {"x": (0, 12), "y": (0, 5)}, "value", seeds=2, **AB)
    assert found["assumption"].tolist()[1:] == ["y", "y", "x", "x"]


# Values that are no numbers

SIZES = {"none": 5.0, "some": 2.0, "much": -1.0, "all": -3.0}


@pytest.mark.parametrize(("base", "values", "expected"), [
    ("none", ("much", "some"), [("much", True, "much"), ("some", False, None)]),
    ("none", ("none", "some", "much", "all"), [
        ("none", False, None), ("some", False, None), ("much", True, "much"), ("all", True, "much"),
    ]),
    ("some", ("all", "none", "some", "much"), [
        ("all", True, "all"), ("none", False, None), ("some", False, None), ("much", True, "much"),
    ]),
    ("all", ("none", "some", "much", "all"), [
        ("none", True, "some"), ("some", True, "some"), ("much", False, None), ("all", False, None),
    ]),
    ("none", ("all", "some", "much"), [("all", True, "all"), ("some", False, None), ("much", True, "much")]),
])  # fmt: skip
def test_without_numbers_it_is_the_first_value_that_flips_it(base, values, expected):
    assert told(ask(SIZES.get, base, values)) == expected


def test_none_is_a_value_where_it_was_said():
    def waits(x):
        return -2.0 if x is None else 20.0 - x

    assert told(ask(waits, 10, (5, None))) == [(5, False, None), (None, True, None)]
    found = ask(waits, 10, (5, 10, None))
    assert found["flips"].tolist() == [False, False, False, True] and found["flips_at"].tolist()[3] is None
    back = told(ask(waits, None, (10, 15, 30, None)))  # from None by 30 to 15: that is a line from −10 to 5
    assert back == [(10, True, 20.0), (15, True, 20.0), (30, False, None), (None, False, None)]
    assert told(ask(waits, None, (10, 15))) == [(10, True, 10), (15, True, 15)]


def test_true_is_no_number_and_from_infinity_there_is_no_line():
    assert told(ask(lambda x: 1.0 if x else -1.0, True, (False, True)))[0][1] is True
    assert told(ask(lambda x: 12 - 2.0 * min(x, 9), 1, (1, inf)))[1] == (inf, True, inf)
    assert told(ask(lambda x: 12 - 2.0 * min(x, 9), inf, (1, 9)))[0] == (1, True, 6.0)


# What is not known


@pytest.mark.filterwarnings("ignore:.*runs failed")
def test_a_value_that_fails_is_passed_over():
    def fails(x):
        return 1 / 0 if x == 5 else falling(x)

    found = ask(fails, 1, (0, 5, 10))
    assert told(found, "value", "n", "flips", "flips_at") == [
        (0, 4, False, None),
        (5, 0, False, None),
        (10, 4, True, 6.0),
    ]
    assert told(ask(fails, 1, (0, 5))) == [(0, False, None), (5, False, None)]
    assert told(ask(fails, 5, (0, 3, 10))) == [(0, False, None), (3, False, None), (10, False, None)]


@pytest.mark.filterwarnings("ignore:.*runs failed")
def test_without_an_interval_there_is_no_line():
    found = ask(lambda x: inf if x == 5 else falling(x), 1, (0, 5, 10))
    assert told(found, "value", "winner", "flips_at")[1:] == [(5, NOBODY, None), (10, "b", 10)]
    assert told(ask(falling, 1, (0, 10), seeds=1)) == [(0, False, None), (10, False, None)]


def test_interrupted_it_tells_what_was_done():
    def recipe(seed, style, x):
        if x == 9 and seed == 1:
            raise KeyboardInterrupt
        return falling(x) if style == "b" else 0.0

    found = sensitivity(recipe, {"x": 1}, {"x": (0, 8, 9, 10)}, "value", seeds=2, **AB)
    assert found["n"].tolist() == [2, 2, 2, 1, 1] and found.attrs["interrupted"]
    assert told(found)[1:] == [(8, True, 6.0), (9, False, 6.0), (10, False, 6.0)]


@pytest.mark.parametrize(("values", "said"), [
    ((5,), "the range of 'x' has two ends, not 1: 5"),
    ("ab", "the range of 'x' has two ends, not 1: ab"),
    ((1, 9, 5), "go up or down from one end to the other, not 'x': 1, 9, 5"),
    ((1, 5, 5), "x has 5 twice"),
])  # fmt: skip
def test_what_is_no_range_is_told(values, said):
    with pytest.raises(ValueError, match=said):
        ask(falling, 1, values)


# The parts


def test_two_values_that_are_called_alike_are_refused():
    """Else the row of the range would show what was found at the base."""
    for base, values in ((lambda n: 1.0, [lambda n: -1.0, lambda n: 2.0]), (5, {5: -7, 9: 9})):
        with pytest.raises(ValueError, match=r"the base and the range of 'x' both call something .*: name them apart"):
            ask(falling, base, values)


def test_a_way_leads_from_the_base_to_the_value():
    assert way([10, 5, 0], 7, 10) == [7, 10] and way([10, 5, 0], 7, 0) == [7, 5, 0]
    assert way([1, 2, 3], 0, 3) == [0, 1, 2, 3] and way([1, 2, 3], 2.0, 2) == [2.0]
    assert way(["c", "b", "a"], "a", "c") == ["a", "b", "c"] and way(["c", "b"], "a", "c") == ["a", "c"]
    assert way([1, nan, 3], 3, 1) == [3, nan, 1] and way([1, 2], nan, 2)[1:] == [2]


def test_a_flip_lies_between_the_two():
    flat, over = Interval(0.0, 0.0, 0.0, 5), Interval(3.0, 2.0, 4.0, 5)
    assert between((0, flat), (6, over)) == 0 and between((0, flat), (6, over), matters=1.5) == 3
    assert between((0, Interval(2.0, -1.0, 5.0, 5)), (6, over)) == 2
    assert between((6, over), (0, Interval(-3.0, -4.0, -2.0, 5))) == pytest.approx(2.0)
    assert isnan(flips_at([(0, flat, False)])) and isnan(flips_at([]))
