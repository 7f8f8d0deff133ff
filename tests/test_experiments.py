"""Experiments: tidy frames, intervals, pairs, when to stop, and that it does not matter who does the runs."""

import io
import os
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import partial
from math import inf, nan
from random import Random
from statistics import mean, stdev
from threading import Lock

import pytest
from scipy import stats

from rehearsal import Exponential, LoadSpike, Poisson, System, ms, run
from rehearsal.experiments import (
    NOBODY,
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


def queue(seed, takes=20.0, every=50.0, count=150):
    """Return the run of one server."""
    system = System("queue")
    serve = system.service("desk").operation(name="serve", takes=Exponential(takes * ms))(lambda ctx, job: None)
    system.accepts("job", serve, objective=100 * ms)
    return run(system, Poisson("job", every=every, count=count), seed=seed)


def line(seed, style="a", x=0.0, slope=1.0):
    """Return a number that depends on the style, a parameter, and a little on the seed."""
    return slope * x if style == "a" else 5.0 + (seed % 3 - 1) / 10


quiet = {"progress": False}


# Frames


def test_a_replication_is_a_row_a_seed_with_the_usual_metrics():
    frame = replicate(queue, seeds=3, takes=30.0, **quiet)
    assert list(frame["seed"]) == [0, 1, 2] and set(frame["takes"]) == {30.0}
    alone = queue(1, takes=30.0)
    assert frame["on time"][1] == alone.fates().count("on time") / 150
    assert frame["mean"][1] == pytest.approx(alone.requests().latency.mean(), rel=1e-12)


def test_a_run_is_done_again_with_other_seeds():
    """With its load, its faults and its end; of its loads not those that its own spike had added."""
    spiked = run(queue(0).system, Poisson("job", every=50, count=150), until=5000, seed=7,
                 faults=LoadSpike(3, at=1000, lasting=500))  # fmt: skip
    frame = replicate(spiked, seeds=[7, 8], **quiet)
    assert len(spiked.loads) == 2 and frame["p95"][0] == replicate(lambda seed: spiked, 1, **quiet)["p95"][0]
    assert frame["p95"][1] != frame["p95"][0] and frame["open"][0] == spiked.fates().count("open") / len(spiked.table)


def test_the_units_of_what_was_measured_of_runs_are_known():
    units = replicate(queue, seeds=1, **quiet).attrs["units"]
    assert (units["p95"], units["on time"], units["throughput"]) == ("ms", "share", "1/s")
    assert replicate(lambda seed: {"mean": seed}, 1, **quiet).attrs["units"] == {}


def test_a_sweep_is_tidy_every_point_with_the_same_seeds():
    frame = sweep(line, {"style": ["a", "b"], "x": [1, 2, 3]}, seeds=[7, 9], **quiet)
    assert list(frame.columns) == ["style", "x", "seed", "value"] and len(frame) == 12
    assert {tuple(part["seed"]) for _, part in frame.groupby(["style", "x"])} == {(7, 9)}


def test_a_warm_up_is_cut_or_named():
    whole, cut = (replicate(queue, seeds=2, warmup=w, **quiet) for w in (0, 2000 * ms))
    assert whole.attrs["note"].endswith("no warm-up was cut") and "a warm-up of 2 s was cut" in cut.attrs["note"]
    late = queue(0).requests().query("offered >= 2000")
    assert cut["mean"][0] == pytest.approx(late.latency.mean(), rel=1e-12)


def test_wrong_grids_and_recipes_are_told_what_is_there():
    with pytest.raises(ValueError, match="empty grid"):
        sweep(line, {"x": []}, **quiet)
    with pytest.raises(TypeError, match=r"no parameter 'stile'.*style"):
        sweep(line, {"stile": ["a"]}, **quiet)
    with pytest.raises(ValueError, match="metrics here: value"):
        intervals(sweep(line, {"x": [1]}, **quiet), "p95")


# Intervals


def test_the_interval_is_students():
    sample = [3.0, 4.5, 1.2, 8.0, 5.5]
    found = interval(sample)
    low, high = stats.t.interval(0.95, 4, mean(sample), stdev(sample) / 5**0.5)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_the_bootstrap_is_bias_corrected_and_does_not_take_the_mean_to_be_normal():
    """Of a skewed sample it reaches further to the long side; Student's cannot. It is the same each time."""
    skewed = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 2.0, 9.0]
    found, student = interval(skewed, how="bootstrap"), interval(skewed)
    assert found == interval(skewed, how="bootstrap") != student and found.mean == student.mean
    assert found.high - found.mean > 2 * (found.mean - found.low)
    assert student.high - student.mean == pytest.approx(student.mean - student.low)
    frame = replicate(queue, seeds=12, **quiet)
    both = [intervals(frame, "mean", how=how).iloc[0] for how in ("t", "bootstrap")]
    assert both[0]["mean"] == both[1]["mean"] and both[0]["low"] != both[1]["low"]


def test_an_interval_needs_two_seeds_and_leaves_out_what_is_not_a_number():
    assert interval([4.0])[0] == 4.0 and interval([4.0]).n == 1 and interval([4.0]).low != interval([4.0]).low
    assert interval([3.0, nan, 5.0]) == interval([3.0, 5.0])
    assert interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0, 3)
    with pytest.raises(ValueError, match="'t' or 'bootstrap'"):
        interval([1.0, 2.0], how="z")


def test_parameters_left_out_are_averaged_within_each_seed_first():
    """The seeds are the replications, not the rows: eight rows of four seeds are four."""
    frame = sweep(line, {"style": ["b"], "x": [1, 2]}, seeds=4, **quiet)
    assert intervals(frame, "value", by="style").iloc[0]["n"] == 4


def test_an_interval_holds_the_truth_as_often_as_it_says():
    """M/M/1 at half load, 200 experiments of 8 seeds: 95 % of the intervals, within four standard errors (6 points)."""
    values = list(replicate(queue, seeds=400, takes=20.0, every=100.0, count=60, **quiet)["mean"])
    truth = mean(values)
    held = [interval(values[i : i + 8]) for i in range(0, 400, 8)]
    share = mean(found.low <= truth <= found.high for found in held)
    assert abs(share - 0.95) <= 0.13  # four standard errors with 50 intervals


def test_pairs_are_narrower_than_two_intervals():
    frame = sweep(queue, {"takes": [20.0, 22.0]}, seeds=10, **quiet)
    alone = intervals(frame, "mean").iloc[0]
    together = paired(frame, "mean", between="takes").iloc[0]
    assert together["differs"] and together["high"] - together["low"] < (alone["high"] - alone["low"]) / 2


def test_a_paired_difference_is_the_other_minus_the_base():
    frame = sweep(line, {"style": ["a", "b", "c"], "x": [1, 20]}, seeds=6, **quiet)
    found = paired(frame, "value", between="style", base="b")
    assert list(found["difference"]) == ["a − b", "c − b"] * 2 and list(found["mean"]) == [-4.0, 0.0, 15.0, 0.0]
    assert list(found["differs"]) == [True, False] * 2
    with pytest.raises(ValueError, match="no value of 'style': a, b, c"):
        paired(frame, "value", between="style", base="d")


def test_it_stops_when_it_is_narrow_enough_and_not_before():
    until = HalfWidth("mean", below=2.0, most=200)
    frame = replicate(queue, seeds=10, until=until, **quiet)
    found = intervals(frame, "mean").iloc[0]
    assert (found["high"] - found["low"]) / 2 < 2.0 and len(frame) % 10 == 0
    before = interval(frame["mean"][: len(frame) - 10])
    assert len(frame) == 10 or (before.high - before.low) / 2 >= 2.0
    assert frame.attrs["unmet"] == []


def test_a_comparison_stops_when_the_difference_is_narrow_enough():
    """In pairs that is long before each of the two is."""
    until = partial(HalfWidth, "mean", below=1.0, most=60)
    pairs = sweep(queue, {"takes": [20.0, 21.0]}, seeds=10, until=until(between="takes"), **quiet)
    alone = sweep(queue, {"takes": [20.0, 21.0]}, seeds=10, until=until(), **quiet)
    assert len(pairs) < len(alone) and pairs.attrs["unmet"] == [] and len(alone.attrs["unmet"]) == 2
    found = paired(pairs, "mean", between="takes").iloc[0]
    assert (found["high"] - found["low"]) / 2 < 1.0


def test_a_point_without_a_single_number_is_asked_no_more():
    """It cannot get narrow: after ten seeds it is given up, and the others go on. `most` would have been 200."""

    def half(seed, x, y=0):
        return 1 / 0 if x == 2 else nan if x == 3 else (seed % 5) ** y

    asked = {"x": [1, 2, 3], "y": [1, 2]}
    with pytest.warns(UserWarning, match="20 of .* runs failed"):
        frame = sweep(half, asked, 5, until=HalfWidth("value", below=1.0), **quiet)
    left = frame.groupby(["x", "y"])["seed"].count()
    assert (left[1, 1], left[3, 1], left[3, 2]) == (15, 10, 10) and left[1, 2] > 20
    assert frame.attrs["unmet"] == [{"x": x, "y": y} for x in (2, 3) for y in (1, 2)]
    told = "4 points are still wider than asked for, 4 of them asked no more after 10 seeds or more without one number"
    assert frame.attrs["note"].endswith(told)


def test_a_comparison_with_what_always_fails_is_asked_no_more():
    until = HalfWidth("value", below=0.1, between="x")
    with pytest.warns(UserWarning, match="12 of 24 runs failed"):
        frame = sweep(lambda seed, x: 1 / (x - 2) + seed, {"x": [1, 2]}, 12, until=until, **quiet)
    assert len(frame) == 12 and len(frame.attrs["unmet"]) == 2


def test_it_stops_at_the_most_and_says_what_is_unmet():
    frame = replicate(queue, seeds=5, until=HalfWidth("mean", below=1e-9, most=15), **quiet)
    assert len(frame) == 15 and len(frame.attrs["unmet"]) == 1


# What goes wrong


def fragile(seed, x=0):
    """Fail at one point."""
    if x == 2 and seed == 1:
        raise ZeroDivisionError("at that point")
    return x + seed


def test_a_point_that_fails_is_reported_with_its_parameters_and_the_others_are_kept():
    with pytest.warns(UserWarning, match="x=2, seed=1: ZeroDivisionError"):
        frame = sweep(fragile, {"x": [1, 2, 3]}, seeds=2, **quiet)
    assert len(frame) == 5 and frame.attrs["failed"][0]["x"] == 2


def test_a_recipe_that_leaves_python_has_failed():
    """In other processes, too, where a worker that ends would take the rest with it."""

    def leaving(seed):
        return sys.exit("bye") if seed == 2 else seed

    with pytest.warns(UserWarning, match="seed=2: SystemExit: bye"):
        alone = replicate(leaving, seeds=4, **quiet)
    with ProcessPoolExecutor(1) as pool, pytest.warns(UserWarning, match="seed=2: SystemExit: bye"):
        assert replicate(leaving, seeds=4, executor=pool, **quiet).equals(alone)
    assert list(alone["value"]) == [0, 1, 3]


def test_where_all_fail_it_raises():
    with pytest.raises(RuntimeError, match="every run failed"):
        replicate(fragile, seeds=[1], x=2, **quiet)


def test_ctrl_c_keeps_what_is_done():
    def tired(seed):
        if seed == 3:
            raise KeyboardInterrupt
        return seed

    frame = replicate(tired, seeds=9, **quiet)
    assert list(frame["value"]) == [0, 1, 2] and frame.attrs["interrupted"]
    assert frame.attrs["note"].startswith("interrupted")


def tired(seed, x=0):
    """Return a number, until somebody presses Ctrl-C."""
    if seed == 3:
        raise KeyboardInterrupt
    return seed


def test_ctrl_c_leaves_whole_pairs():
    """All points have the first seed before any has the next, so what is done can be compared."""
    frame = sweep(tired, {"x": [1, 2]}, seeds=9, **quiet)
    assert list(frame["seed"]) == [0, 1, 2, 0, 1, 2]


def test_ctrl_c_in_other_processes_keeps_what_is_done_there():
    """Two workers take seeds in their order, so that two of the first three are done before the fourth is begun."""
    with ProcessPoolExecutor(2) as pool:
        frame = replicate(tired, seeds=9, executor=pool, **quiet)
    assert frame.attrs["interrupted"] and len({0, 1, 2} & set(frame["value"])) >= 2 and 3 not in set(frame["value"])


class Here(Executor):
    """Do what is submitted at once, and be interrupted at the third; the rest waits."""

    def __init__(self):
        self.futures = []

    def submit(self, function, /, *arguments):
        future = Future()
        self.futures.append(future)
        if len(self.futures) != 3 and len(self.futures) < 6:
            future.set_result(function(*arguments))
        elif len(self.futures) == 3:
            future.set_exception(KeyboardInterrupt())
        return future


def test_ctrl_c_while_others_work_keeps_what_came_back_and_calls_off_the_rest():
    pool = Here()
    frame = replicate(lambda seed: seed, seeds=9, executor=pool, **quiet)
    assert frame.attrs["interrupted"] and list(frame["value"]) == [0, 1, 3, 4]
    assert [future.cancelled() for future in pool.futures] == [False] * 5 + [True] * 4


def test_interrupted_before_anything_is_done_is_an_empty_frame():
    frame = replicate(tired, seeds=[3], **quiet)
    assert len(frame) == 0 and frame.attrs["note"].startswith("interrupted")


def test_a_worker_that_dies_is_told_and_nobody_waits_for_it():
    with ProcessPoolExecutor(1) as pool, pytest.raises(RuntimeError, match=r"every run failed.*BrokenProcessPool"):
        replicate(lambda seed: os._exit(1), seeds=2, executor=pool, **quiet)


def test_a_recipe_that_cannot_travel_says_why():
    lock = Lock()
    with ProcessPoolExecutor(1) as pool, pytest.raises(TypeError, match=r"cannot travel.*lock"):
        replicate(lambda seed: lock.locked(), seeds=2, executor=pool, **quiet)


# The bar


class Terminal(io.StringIO):
    """Take what a terminal would show."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("place", "wanted", "shown"), [
    (Terminal, True, True), (Terminal, False, False), (io.StringIO, True, False),
])  # fmt: skip
def test_the_bar_shows_where_somebody_watches_and_it_is_wanted(monkeypatch, place, wanted, shown):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(sys, "stderr", screen := place())
    replicate(line, seeds=3, progress=wanted)
    assert ("line" in screen.getvalue() and "0/3" in screen.getvalue()) == shown
    assert shown or screen.getvalue() == ""


def test_the_bar_shows_in_a_notebook_that_is_open(monkeypatch):
    monkeypatch.setattr(sys, "stderr", screen := io.StringIO())
    monkeypatch.setenv("JPY_SESSION_NAME", "04.ipynb")
    replicate(line, seeds=3)
    assert "0/3" in screen.getvalue() and screen.getvalue().endswith(" \r")  # it leaves nothing behind


# Who does the runs


def test_two_processes_give_the_same_frame_to_the_bit_also_for_what_is_not_importable():
    takes = {"short": 10.0, "long": 30.0}
    recipe = lambda seed, which: queue(seed, takes=takes[which], count=40)  # noqa: E731
    alone = sweep(recipe, {"which": [*takes]}, seeds=4, **quiet)
    with ProcessPoolExecutor(2) as pool:
        assert sweep(recipe, {"which": [*takes]}, seeds=4, executor=pool, **quiet).equals(alone)


# Verdicts


def test_a_crossover_is_where_the_lines_meet_within_its_interval():
    found = crossover(line, "x", "value", low=0.0, high=10.0, between=("style", "a", "b"), seeds=12, **quiet)
    assert found and found.low <= 5.0 <= found.high and abs(found.at - 5.0) < 0.2
    assert (found.before, found.after) == ("a", "b")


def test_the_interval_of_a_crossover_holds_the_truth_as_often_as_it_says():
    """The root is at 5 plus the mean of the noise of the seeds, standard normal; 40 experiments of 12 seeds."""

    def noisy(seed, style, x):
        return x if style == "a" else Random(seed).gauss(5.0, 1.0)

    held = 0
    for first in range(0, 480, 12):
        found = crossover(noisy, "x", "value", low=0.0, high=10.0, between=("style", "a", "b"),
                          seeds=range(first, first + 12), **quiet)  # fmt: skip
        held += found.low <= 5.0 <= found.high
    assert 0.83 <= held / 40 <= 1  # 0.95, less 0.02 for a bootstrap of twelve, less three standard errors of 0.035


def test_a_crossover_between_whole_numbers_looks_at_whole_numbers():
    found = crossover(line, "x", "value", low=0, high=16, between=("style", "a", "b"), seeds=6, **quiet)
    assert {type(x) for x in found.points["x"]} == {int} and 4 <= found.at <= 6


def test_a_second_crossover_is_told():
    def valley(seed, style, x):
        return abs(x - 5.0) if style == "a" else 2.0 + (seed % 3 - 1) / 10

    found = crossover(valley, "x", "value", low=0.0, high=10.0, between=("style", "a", "b"), seeds=6, **quiet)
    assert (found.before, found.after) == ("b", "a") and found.low <= found.at <= found.high
    assert abs(found.low - 3) < 0.2 and abs(found.high - 3) < 0.2  # of the first
    assert "it turns again between 5 and 7.5" in found.said


def test_a_tie_where_the_search_begins_does_not_spoil_the_interval():
    def tied(seed, style, x):
        return 0 if x <= 2 else (x if style == "a" else 9.4 + 0.1 * (seed % 3))

    spans = []
    for low in 2.0, 4.0:
        found = crossover(tied, "x", "value", low=low, high=16.0, between=("style", "a", "b"), seeds=9, **quiet)
        spans.append((found.low, found.high))
        assert found.low <= 9.5 <= found.high and found.high - found.low < 0.5, found
    assert spans[0] == pytest.approx(spans[1], abs=0.1)


def test_an_interrupted_crossover_says_what_it_has():
    def stopped(seed, style, x):
        if x not in (0.0, 2.5, 5.0, 7.5, 10.0):
            raise KeyboardInterrupt
        return line(seed, style, x - 0.3)

    found = crossover(stopped, "x", "value", low=0.0, high=10.0, between=("style", "a", "b"), seeds=6, **quiet)
    assert found.said.startswith("interrupted, so far value: ") and 5.0 <= found.at <= 5.6


def test_two_systems_are_compared_in_pairs():
    """What the seeds do to both cancels: a difference of 1 is told among values that differ by 100."""

    def wide(seed, style, x, y):
        return 100.0 * (seed % 5) + (style == "b") * (1 + seed % 2 / 10)

    cells = winner_map(wide, ("x", [0]), ("y", [0]), "value", between=("style", "a", "b"), seeds=10, **quiet)
    assert list(cells["winner"]) == ["a"] and cells["high"][0] - cells["low"][0] < 0.2


def test_no_crossover_is_a_result():
    found = crossover(line, "x", "value", low=6.0, high=10.0, between=("style", "a", "b"), seeds=6, **quiet)
    assert not found and "b is better throughout" in found.said


def test_a_map_has_cells_without_a_difference():
    cells = winner_map(
        line, ("x", [0, 5, 10]), ("slope", [1.0, 1.2]), "value", between=("style", "a", "b"), seeds=6, **quiet
    )
    assert list(cells["winner"])[:3] == ["a", NOBODY, "b"]
    assert sum(tally(cells).values()) == 6


def test_what_does_not_matter_is_no_difference():
    near = partial(
        winner_map, line, ("x", [4]), ("slope", [1.0]), "value", between=("style", "a", "b"), seeds=6, **quiet
    )
    assert [list(near(matters=m)["winner"]) for m in (0.0, 3.0)] == [["a"], [NOBODY]]


def test_the_assumption_that_flips_the_verdict_comes_first():
    base, ranges = {"x": 4, "slope": 1.0}, {"slope": (0.9, 1.1), "x": (1, 9)}
    found = sensitivity(line, base, ranges, "value", between=("style", "a", "b"), seeds=6, **quiet)
    assert list(found["assumption"]) == ["", "x", "x", "slope", "slope"]
    assert list(found["flips"]) == [False, False, True, False, False]


def test_a_verdict_that_is_lost_is_not_one_that_flips():
    """At 5 nobody is better: that is no other winner."""
    base, ranges = {"x": 4, "slope": 1.0}, {"x": (5, 3)}
    found = sensitivity(line, base, ranges, "value", between=("style", "a", "b"), seeds=6, **quiet)
    assert list(found["winner"]) == ["a", NOBODY, "a"] and not found["flips"].any()
    assert list(found["end"]) == ["base", "low", "high"] and list(found["value"])[1:] == [5, 3]
    with pytest.raises(ValueError, match="assumptions here: slope, x"):
        sensitivity(line, base, {"y": (1, 2)}, "value", between=("style", "a", "b"), **quiet)


def test_a_root_beyond_what_was_looked_at_is_told_so():
    """Where seeds disagree about which is better at the ends, the interval is open."""

    def noisy(seed, style, x):
        return x + (seed % 5 - 2) * 20.0 if style == "a" else 5.0

    found = crossover(noisy, "x", "value", low=0.0, high=10.0, between=("style", "a", "b"), seeds=5, **quiet)
    assert not found or -inf in (found.low,) or found.high == inf
