"""Crossovers: what lies between two verdicts is in the interval, and a place that fails does not end the search."""

from math import isnan
from random import Random

import pytest

from rehearsal.experiments import NOBODY, crossover, sensitivity, winner_map

AB = {"between": ("style", "a", "b"), "progress": False}


def look(recipe, low=0.0, high=10.0, seeds=6, **more):
    """Return where the styles "a" and "b" of a recipe cross over x."""
    return crossover(recipe, "x", "value", low=low, high=high, seeds=seeds, **AB, **more)


def level(x):
    """Return a difference that is none from 3 to 7."""
    return -1 if x < 3 else 1 if x > 7 else 0


def plateau(seed, style, x, noise=0.0):
    """Return a number: the styles differ below 3 and above 7."""
    return Random(f"{seed}{style}{x}").gauss(0, noise) + (level(x) if style == "a" else 0)


def line(seed, style, x):
    """Return x, or 4."""
    return x if style == "a" else 4.0


# What is between the verdicts


@pytest.mark.parametrize("seeds", [6, 20])
def test_a_plateau_is_in_the_interval_all_of_it(seeds):
    found = look(plateau, seeds=seeds, noise=0.05)
    assert (found.before, found.after) == ("a", "b")
    assert 2.8 < found.low <= 3 < 7 <= found.high < 7.2 and found.low < found.at < found.high


def test_the_ends_are_the_verdicts_around_what_is_not_told():
    found = look(plateau, noise=0.05)
    verdicts = dict(zip(found.points["x"], found.points["winner"], strict=True))
    assert (verdicts[found.low], verdicts[found.high]) == ("a", "b")
    assert {winner for x, winner in verdicts.items() if found.low < x < found.high} == {NOBODY}


def test_the_ends_are_known_to_the_tolerance():
    for tolerance in 0.5, 0.02:
        found = look(plateau, tolerance=tolerance)
        assert 3 - tolerance <= found.low <= 3 and 7 <= found.high <= 7 + tolerance


def test_where_they_tie_over_a_range_it_says_so_and_the_crossover_is_in_the_middle():
    found = look(plateau)
    assert found.at == 5 and found.low <= 3 and found.high >= 7
    assert found.said == "value: a is better below x = 5 [2.97, 7.03], b above; they tie exactly from 3.12 to 6.88"


def test_where_they_tie_throughout_it_says_so():
    assert look(lambda seed, style, x: 1).said == "value: no difference is told between x = 0 and 10, they tie exactly"
    above = look(lambda seed, style, x: max(x - 5, 0) if style == "a" else 0)
    assert "b is better by 2.5 to 5, and at 0, 2.5 and 5 they tie exactly" in above.said


def test_between_two_neighbouring_verdicts_the_difference_is_a_line_and_so_are_the_bounds_of_its_interval():
    """The difference is 35.5 − 10 x, within 2.262 × 0.527 / √10 = 0.377: the bounds cross 0 at 3.512 and 3.588."""
    found = look(lambda seed, style, x: 10 * x if style == "a" else 35 + seed % 2, low=1.0, high=9.0, seeds=10)
    assert (found.at, found.low, found.high) == (pytest.approx(3.55), pytest.approx(3.5123), pytest.approx(3.5877))


def test_a_difference_that_does_not_matter_is_in_the_interval():
    found = look(line, matters=2)
    assert found.at == pytest.approx(4) and 1.8 < found.low <= 2 and 6 <= found.high < 6.2


def test_whole_numbers_are_looked_at_until_they_are_neighbours():
    found = look(plateau, low=0, high=100)
    assert (found.low, found.high) == (2, 8) and "they tie exactly from 3 to 7" in found.said


# Where runs fail


def zone(seed, style, x, both=True):
    """Return a line that cannot be measured from 3 to 4.9."""
    if 3 < x < 4.9 and (both or style == "a"):
        raise ValueError("bad zone")
    return line(seed, style, x)


@pytest.mark.parametrize(("both", "lost"), [(True, 12), (False, 6)])
def test_a_place_that_fails_is_reported_and_the_others_are_kept(both, lost):
    with pytest.warns(UserWarning, match=f"{lost} of 72 runs failed and are left out; the first: x=3.75, both={both}"):
        found = look(zone, both=both)
    assert found.points["x"].tolist() == [0, 2.5, 5, 7.5, 10] and found.before == "a"
    assert len(found.frame) == 72 - lost and len(found.frame.attrs["failed"]) == lost
    assert {row["x"] for row in found.frame.attrs["failed"]} == {3.75}
    assert found.frame.attrs["note"].startswith(f"72 runs, no warm-up was cut, {lost} of 72 runs failed")


@pytest.mark.filterwarnings("ignore:12 of 72 runs failed")
def test_a_place_that_fails_is_in_the_interval_of_what_is_around_it():
    found = look(zone)
    assert (found.low, found.high) == (2.5, 5.0) and found.said.endswith("; nothing could be compared at 3.75")


@pytest.mark.filterwarnings("ignore:.*runs failed")
def test_a_place_that_fails_at_first_does_not_end_it_either():
    def half(seed, style, x):
        return 1 / 0 if x == 2.5 else line(seed, style, x)

    assert look(half).at == pytest.approx(4)


def test_where_all_fail_it_raises():
    with pytest.raises(RuntimeError, match=r"every run failed; the first: x=0.0, style=a, seed=0: ZeroDivisionError"):
        look(lambda seed, style, x: 1 / 0)


def test_what_has_no_number_is_not_called_no_difference():
    found = look(lambda seed, style, x: float("nan"))
    assert not found and found.said == "value: nothing could be compared between x = 0 and 10"


def test_interrupted_before_anything_is_done_it_says_so():
    def stopped(seed, style, x=0, y=0):
        raise KeyboardInterrupt

    assert look(stopped).said == "interrupted, so far value: nothing could be compared between x = 0 and 10"
    cells = winner_map(stopped, ("x", [1, 2]), ("y", [1]), "value", **AB)
    assert len(cells) == 0 and cells.attrs["interrupted"]
    found = sensitivity(stopped, {"x": 1}, {"x": (0, 2)}, "value", **AB)
    assert found["n"].tolist() == [0, 0, 0] and isnan(found["mean"][0])


@pytest.mark.filterwarnings("ignore:.*runs failed")
def test_nothing_flips_a_verdict_that_is_not_known():
    def fragile(seed, style, x):
        return 1 / 0 if x == 1 else line(seed, style, x)

    found = sensitivity(fragile, {"x": 1}, {"x": (0, 5)}, "value", **AB)
    assert found["n"][0] == 0 and found["winner"].tolist()[1:] == ["a", "b"] and not found["flips"].any()
