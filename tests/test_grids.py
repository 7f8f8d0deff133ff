"""What an experiment is asked: values, seeds and options; a mistake is told before anything runs, or after one run."""

from collections import namedtuple
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest

from rehearsal.experiments import (
    HalfWidth,
    crossover,
    interval,
    intervals,
    paired,
    replicate,
    sensitivity,
    sweep,
    tally,
    winner_map,
)
from rehearsal.experiments.points import label, listed

quiet = {"progress": False}
ab = {"between": ("style", "a", "b"), "progress": False}
Wait = namedtuple("Wait", "first last")


class Counted:
    """A recipe that counts its runs."""

    def __init__(self, answer=lambda seed, **params: seed):
        self.answer, self.runs = answer, 0

    def __call__(self, seed, **params):
        self.runs += 1
        return self.answer(seed, **params)


def waits(seed, style="a", timeout=None, x=0):
    """Return a number that depends on everything, where no timeout costs 50."""
    return (50 if timeout is None else timeout) + (x if style == "a" else 3) + seed % 2 / 10


# Several values, or one


@pytest.mark.parametrize("values", [
    [1, 2], (1, 2), range(1, 3), np.arange(1, 3), {"a": 1, "b": 2}.values(), {1: "a", 2: "b"}.keys(), map(int, "12"),
    (n for n in (1, 2)), [np.int64(1), np.int64(2)],
])  # fmt: skip
def test_what_can_be_gone_through_is_a_list_of_values(values):
    frame = sweep(lambda seed, x: 10 * x + seed, {"x": values}, seeds=2, **quiet)
    assert frame["x"].tolist() == [1, 1, 2, 2] and frame["value"].tolist() == [10, 11, 20, 21]
    assert {type(x) for x in frame["x"].tolist()} == {int}


@pytest.mark.parametrize("value", ["bus", b"bus", None, 2, len, Wait(1, 2), Counted, np.array(3.0), np.float64(3)])
def test_one_value_is_one_value(value):
    assert listed(value, "x") == {label(value) if not isinstance(value, np.generic | np.ndarray) else 3.0: value}


def test_a_list_that_is_one_value_stands_in_a_list():
    assert sweep(lambda seed, x: sum(x), {"x": [[1, 2], [3]]}, 1, **quiet)["value"].tolist() == [3, 3]
    assert replicate(lambda seed, x: sum(x), 2, x=[1, 2], **quiet)["value"].tolist() == [3, 3]


@pytest.mark.parametrize("ask", [
    lambda once: replicate(waits, 2, x=once, **quiet),
    lambda once: sweep(waits, {"x": {"few": once}}, 2, **quiet),
    lambda once: sweep(waits, {"x": [once]}, 2, **quiet),
])  # fmt: skip
def test_what_the_first_run_would_use_up_is_refused(ask):
    with pytest.raises(
        TypeError, match="a value of 'x' is a generator, which the first run would use up: write a list"
    ):
        ask(n for n in (1, 2))


# None is a value


def test_none_stays_none_in_a_frame():
    frame = sweep(waits, {"timeout": [None, 20.0], "style": [None, "b"]}, 2, **quiet)
    assert (
        frame["timeout"].tolist() == [None] * 4 + [20.0] * 4 and frame["style"].tolist() == [None, None, "b", "b"] * 2
    )
    assert frame.groupby("timeout", dropna=False)["value"].count().tolist() == [4, 4]
    assert frame["seed"].dtype == int and sweep(waits, {"x": [1.0, 2.0]}, 2, **quiet)["x"].dtype == float


def test_none_is_a_point_with_its_interval_and_a_value_to_compare():
    frame = sweep(waits, {"timeout": [None, 20.0], "x": [0, 5]}, 2, **quiet)
    found = intervals(frame, "value", by="timeout")
    assert found["timeout"].tolist() == [None, 20.0] and found["mean"].round(2).tolist() == [52.55, 22.55]
    other = paired(frame, "value", between="timeout")
    assert other["difference"].tolist() == ["20.0 − None"] * 2 and other["mean"].tolist() == [-30, -30]
    assert paired(frame, "value", between="x")["timeout"].tolist() == [None, 20.0]


def test_a_map_has_all_its_cells_also_where_a_value_is_none():
    cells = winner_map(waits, ("x", [1, 5]), ("timeout", [None, 100.0]), "value", seeds=4, **ab)
    assert cells["timeout"].tolist() == [None, None, 100.0, 100.0] and cells["winner"].tolist() == ["a", "b"] * 2
    assert len(winner_map(waits, ("x", [1, 5]), ("timeout", [None]), "value", seeds=4, **ab)) == 2


def test_none_may_be_the_base_an_end_or_one_of_the_rivals():
    base = sensitivity(waits, {"timeout": None, "x": 1}, {"x": (0, 5)}, "value", seeds=3, **ab)
    assert base["n"].tolist() == [3] * 3 and base["flips"].tolist() == [False, False, True]
    end = sensitivity(waits, {"timeout": 5.0, "x": 1}, {"timeout": (None, 9.0)}, "value", seeds=3, **ab)
    assert end["value"].tolist() == ["", None, 9.0] and end["n"].tolist() == [3] * 3
    rivals = sensitivity(waits, {"x": 1}, {"x": (0, 5)}, "value", seeds=3, between=("timeout", None, 20.0), **quiet)
    assert rivals["winner"].tolist() == [20.0] * 3


def test_nan_is_a_value_too():
    cells = winner_map(waits, ("x", [1, float("nan")]), ("timeout", [float("nan"), 5.0]), "value", seeds=2, **ab)
    assert len(cells) == 4


# What is wrong is told before anything runs


@pytest.mark.parametrize(("ask", "told"), [
    (partial(sweep, grid=[1, 2]), r"a grid is \{parameter: values\}.*not \[1, 2\]"),
    (partial(sweep, grid={1: [2]}), r"a grid is \{parameter: values\}"),
    (partial(replicate, seeds=2.5), "seeds is how many, 1 or more, or a list of different whole numbers, not 2.5"),
    (partial(replicate, seeds=True), "seeds is how many"),
    (partial(replicate, seeds="ab"), "seeds is how many"),
    (partial(replicate, seeds=[1, 1]), "seeds is how many"),
    (partial(replicate, executor=2), r"executor is one of concurrent.futures, such as .*, not 2"),
    (partial(replicate, until=300.0), r"until is HalfWidth\(metric, below=…\).*not 300.0.*in the grid of `sweep`"),
    (partial(replicate, until=HalfWidth("value", 1, between="style")), "until compares no parameter 'style'"),
    (partial(sweep, grid={"x": [1]}, until=HalfWidth("value", 1, between="x")), "of which there is one value only"),
    (partial(replicate, seeds=20, until=HalfWidth("value", 1, most=9)), "9 seeds at most, and seeds are 20"),
    (partial(replicate, cache=5), "cache is True, False or a folder, not 5"),
])  # fmt: skip
def test_a_wrong_argument_of_a_sweep_is_told_before_anything_runs(ask, told):
    recipe = Counted()
    with pytest.raises((TypeError, ValueError), match=told):
        ask(recipe, **quiet)
    assert recipe.runs == 0


@pytest.mark.parametrize(("ask", "told"), [
    (partial(crossover, low=0, high=1, tolerance=0), "tolerance must be greater than 0, not 0"),
    (partial(crossover, low=0, high=1, tolerance="x"), "tolerance must be greater than 0, not 'x'"),
    (partial(crossover, low="a", high="b"), "low and high are numbers, not 'a'"),
    (partial(crossover, low=1, high=1), "low must be less than high, not 1 and 1"),
    (partial(crossover, low=0, high=1, steps=1), "steps must be a whole number, 2 or more, not 1"),
    (partial(crossover, low=0, high=1, level=95), "level is a share such as 0.95, not 95"),
    (partial(crossover, low=0, high=1, how="z"), "how is 't' or 'bootstrap', not 'z'"),
    (partial(crossover, low=0, high=1, matters=-1), "matters is the least difference that counts, 0 or more, not -1"),
    (partial(crossover, low=0, high=1, seeds=1), "two seeds or more"),
])  # fmt: skip
def test_a_wrong_argument_of_a_crossover_is_told_before_anything_runs(ask, told):
    recipe = Counted()
    with pytest.raises((TypeError, ValueError), match=told):
        ask(recipe, "x", "value", **ab)
    assert recipe.runs == 0


@pytest.mark.parametrize(("ask", "told"), [
    (lambda recipe: winner_map(recipe, "x", ("y", [1]), "value", **ab), r"x and y are \(parameter, values\).*not 'x'"),
    (lambda recipe: winner_map(recipe, ("x", [1]), ("x", [2]), "value", **ab), "different parameters, not both 'x'"),
    (lambda recipe: winner_map(recipe, ("n", [1]), ("x", [2]), "value", **ab), "'n' is a column of its own"),
    (lambda recipe: winner_map(recipe, ("x", [1]), ("y", [2]), "value", between=("load", "low", "high"), **quiet),
     "'low' is a column of its own"),
    (lambda recipe: crossover(recipe, "n", "value", low=1, high=2, **ab), "'n' is a column of its own"),
    (lambda recipe: sensitivity(recipe, [1], {}, "value", **ab), r"base is a dict by parameter, not \[1\]"),
    (lambda recipe: sensitivity(recipe, {"x": 1}, {"x": 5}, "value", **ab), "two ends, not 1"),
])  # fmt: skip
def test_a_wrong_comparison_is_told_before_anything_runs(ask, told):
    recipe = Counted()
    with pytest.raises((TypeError, ValueError), match=told):
        ask(recipe)
    assert recipe.runs == 0


@pytest.mark.parametrize(("arguments", "told"), [
    ({"below": -1}, "below of HalfWidth must be greater than 0, not -1"),
    ({"below": 1, "most": 2.5}, "most of HalfWidth must be a whole number"),
    ({"below": 1, "level": 95}, "level is a share"),
])  # fmt: skip
def test_a_stop_that_cannot_be_is_told_where_it_is_made(arguments, told):
    with pytest.raises(ValueError, match=told):
        HalfWidth("value", **arguments)


def test_a_parameter_with_the_name_of_an_option_is_told_where_it_can_be_said():
    with pytest.raises(TypeError, match=r"a value of 'warmup' too \(as a keyword 'warmup' is an option.*`sweep`"):
        replicate(lambda seed, warmup: seed, 2, warmup=5, **quiet)
    assert sweep(lambda seed, warmup: warmup, {"warmup": [5]}, 1, **quiet)["value"].tolist() == [5]


# What is wrong with a metric is told after the first run


@pytest.mark.parametrize("ask", [
    lambda recipe: sweep(recipe, {"x": [1, 2]}, 50, until=HalfWidth("p59", 1), **quiet),
    lambda recipe: winner_map(recipe, ("x", [1, 2]), ("y", [1, 2]), "p59", seeds=50, **ab),
    lambda recipe: sensitivity(recipe, {"x": 1}, {"x": (0, 2)}, "p59", **ab),
    lambda recipe: crossover(recipe, "x", "p59", low=0, high=1, **ab),
])  # fmt: skip
def test_a_metric_that_is_not_measured_is_told_after_the_first_run(ask):
    recipe = Counted()
    with pytest.raises(ValueError, match="no metric 'p59'; metrics here: value"):
        ask(recipe)
    assert recipe.runs == 1


def test_it_is_the_first_run_that_did_not_fail():
    recipe = Counted(lambda seed: seed if seed > 3 else 1 / 0)
    with pytest.raises(ValueError, match="no metric 'p59'"):
        replicate(recipe, 50, until=HalfWidth("p59", 1), **quiet)
    assert recipe.runs == 5


def test_it_is_told_also_where_others_do_the_runs():
    with ProcessPoolExecutor(1) as pool, pytest.raises(ValueError, match="no metric 'p59'"):
        replicate(lambda seed: seed, 4, until=HalfWidth("p59", 1), executor=pool, **quiet)


def test_a_metric_with_the_name_of_a_parameter_is_told_after_the_first_run():
    recipe = Counted(lambda seed, x: {"x": seed})
    with pytest.raises(ValueError, match="'x' is a parameter, and the recipe returns it as a metric too"):
        sweep(recipe, {"x": [1, 2]}, 50, **quiet)
    assert recipe.runs == 1


def test_a_recipe_that_measures_nothing_is_told():
    with pytest.raises(RuntimeError, match="not an empty dict"):
        replicate(lambda seed: {}, 2, **quiet)


# Tables do not lose a column, nor mix what is not the same


def test_a_parameter_with_the_name_of_a_column_is_told():
    frame = sweep(lambda seed, n: n + seed, {"n": [10, 20]}, 3, **quiet)
    assert frame["n"].tolist() == [10] * 3 + [20] * 3
    with pytest.raises(ValueError, match="'n' is a column of its own"):
        intervals(frame, "value")
    assert intervals(frame.rename(columns={"n": "services"}), "value")["services"].tolist() == [10, 20]


def test_seeds_that_lack_a_point_are_left_out_of_an_average_over_points():
    """Else a seed that has only the dear point would raise the mean, and after a stop most seeds are such."""
    frame = sweep(lambda seed, x: x + seed % 2, {"x": [0, 100]}, 4, **quiet)
    assert intervals(frame[:-1], "value", by=[]).iloc[0].tolist()[0] == pytest.approx((50 + 51 + 50) / 3)
    assert intervals(frame[:-1], "value", by=[])["n"].tolist() == [3]
    noisy = sweep(lambda seed, x: x * (seed % 3), {"x": [0, 100]}, 10, until=HalfWidth("value", 30, most=60), **quiet)
    assert len(noisy) == 50 and intervals(noisy, "value", by=[])["n"].tolist() == [10]


def test_pairs_are_of_single_runs():
    frame = sweep(waits, {"style": ["a", "b"], "x": [1, 2]}, 3, **quiet)
    with pytest.raises(ValueError, match="a seed stands twice at one point"):
        paired(frame.drop(columns="x"), "value")


def test_means_of_a_map_are_over_the_seeds_that_both_have():
    cells = winner_map(lambda seed, style, x, y: float("nan") if style == "a" and seed == 2 else seed,
                       ("x", [0]), ("y", [0]), "value", seeds=3, **ab)  # fmt: skip
    assert cells[["a", "b", "mean", "n"]].iloc[0].tolist() == [0.5, 0.5, 0, 2]


def test_what_is_no_map_has_no_tally():
    with pytest.raises(ValueError, match="this is no winner map"):
        tally(replicate(waits, 2, **quiet))


def test_infinite_numbers_leave_no_interval():
    inf = float("inf")
    assert interval([inf, 1.0]).mean == inf and interval([inf, inf]).low != interval([inf, inf]).low
    assert interval([inf, -inf, 1.0]).n == 3 and not interval([inf, inf]).differs
