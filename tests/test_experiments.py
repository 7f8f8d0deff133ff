"""Experiments: tidy frames, intervals, pairs, when to stop, and that it does not matter who does the runs."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import inf
from statistics import mean, stdev

import pytest
from scipy import stats

from rehearsal import Exponential, Poisson, System, ms, run
from rehearsal.experiments import (
    NOBODY,
    HalfWidth,
    clear_cache,
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


def test_it_stops_when_it_is_narrow_enough_and_not_before():
    until = HalfWidth("mean", below=2.0, most=200)
    frame = replicate(queue, seeds=10, until=until, **quiet)
    found = intervals(frame, "mean").iloc[0]
    assert (found["high"] - found["low"]) / 2 < 2.0 and len(frame) % 10 == 0
    before = interval(frame["mean"][: len(frame) - 10])
    assert len(frame) == 10 or (before.high - before.low) / 2 >= 2.0
    assert frame.attrs["unmet"] == []


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


# Who does the runs


def test_two_processes_give_the_same_frame_to_the_bit_also_for_what_is_not_importable():
    takes = {"short": 10.0, "long": 30.0}
    recipe = lambda seed, which: queue(seed, takes=takes[which], count=40)  # noqa: E731
    alone = sweep(recipe, {"which": [*takes]}, seeds=4, **quiet)
    with ProcessPoolExecutor(2) as pool:
        assert sweep(recipe, {"which": [*takes]}, seeds=4, executor=pool, **quiet).equals(alone)


def test_the_cache_finds_what_it_has_and_nothing_else(tmp_path):
    calls = tmp_path / "calls"
    folder = tmp_path / "kept"

    def counted(seed, x, by=1, path=calls):
        with open(path, "a") as file:
            file.write(".")
        return x * by + seed

    def ask(**grid):
        frame = sweep(counted, grid, seeds=2, cache=folder, **quiet)
        return list(frame["value"]), len(calls.read_text())

    assert ask(x=[1, 2]) == ([1, 2, 2, 3], 4)
    assert ask(x=[1, 2]) == ([1, 2, 2, 3], 4)  # found
    assert ask(x=[2, 3]) == ([2, 3, 3, 4], 6)  # half of it
    assert ask(x=[1], by=[5]) == ([5, 6], 8)  # another question
    assert (clear_cache(folder), clear_cache(folder)) == (8, 0)
    assert ask(x=[1]) == ([1, 2], 10)


# Verdicts


def test_a_crossover_is_where_the_lines_meet_within_its_interval():
    found = crossover(line, "x", "value", low=0.0, high=10.0, between=("style", "a", "b"), seeds=12, **quiet)
    assert found and found.low <= 5.0 <= found.high and abs(found.at - 5.0) < 0.2
    assert (found.before, found.after) == ("a", "b")


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


def test_a_root_beyond_what_was_looked_at_is_told_so():
    """Where seeds disagree about which is better at the ends, the interval is open."""

    def noisy(seed, style, x):
        return x + (seed % 5 - 2) * 20.0 if style == "a" else 5.0

    found = crossover(noisy, "x", "value", low=0.0, high=10.0, between=("style", "a", "b"), seeds=5, **quiet)
    assert not found or -inf in (found.low,) or found.high == inf
