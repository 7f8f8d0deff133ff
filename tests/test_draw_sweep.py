"""The picture of a sweep: marks are means, bars their intervals, theory has its own line, and all can be read."""

from math import nan

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from rehearsal import Exponential, Poisson, System, ms, run
from rehearsal.draw import alt, pair, sweep
from rehearsal.draw.endings import height
from rehearsal.draw.sweep import curve, series
from rehearsal.experiments import crossover, intervals
from rehearsal.experiments import sweep as experiment
from tests.blueprints import LONG
from tests.boxes import readable, texts

QUIET = {"progress": False}


@pytest.fixture(autouse=True)
def tidy():
    """Close what a test drew."""
    yield
    plt.close("all")


def recipe(seed, style="calls", hops=1.0, more=0):
    """Return a number that grows with the hops in one style, and a little with the seed in both."""
    return (10.0 * hops if style == "calls" else 35.0) + seed % 5 + more


def frame(seeds=5, **grid):
    """Return a frame of two styles over four numbers of hops."""
    return experiment(recipe, {"style": ["calls", "bus"], "hops": [1.0, 2.0, 4.0, 8.0], **grid}, seeds, **QUIET)


def drawn(ax, kind):
    """Return {name: artist} of the lines, bars, bands, theories or names that are drawn."""
    found = [(str(a.get_gid()), a) for a in (*ax.lines, *ax.collections, *ax.texts)]
    return {gid.removeprefix(f"{kind}:"): a for gid, a in found if gid.startswith(f"{kind}:")}


def title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def test_marks_are_the_means_and_bars_the_intervals():
    ax, table = sweep(frame(), "hops", "value", "style"), intervals(frame(), "value")
    for name, part in table.groupby("style"):
        assert drawn(ax, "line")[name].get_xydata().tolist() == part[["hops", "mean"]].values.tolist()
        bars = [[*bar[:, 1]] for bar in drawn(ax, "bars")[name].get_segments()]
        assert bars == part[["low", "high"]].values.tolist()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("hops", "value")


def test_lines_are_named_and_told_apart_by_more_than_colour():
    ax = sweep(frame(), "hops", "value", "style")
    assert [text.get_text() for text in drawn(ax, "name").values()] == ["calls", "bus"]
    looks = {(line.get_color(), line.get_marker()) for line in drawn(ax, "line").values()}
    assert len({colour for colour, _ in looks}) == len({mark for _, mark in looks}) == 2
    readable(ax.figure)


def test_what_is_neither_x_nor_by_is_averaged_within_each_seed():
    ax = sweep(frame(more=[0, 10]), "hops", "value", "style")
    assert drawn(ax, "line")["bus"].get_ydata().tolist() == [42.0] * 4


def test_the_title_says_who_is_lower_where_in_pairs():
    assert title(sweep(frame(), "hops", "value", "style")) == "Calls has the lower value up to hops = 2, bus from 4 on"
    ahead = frame().query("hops > 3").reset_index(drop=True)
    assert title(sweep(ahead, "hops", "value", "style", xlabel="hops [1]")) == "Bus has the lower value at every hops"
    same = experiment(lambda seed, style, x: seed, {"style": ["a", "b"], "x": [1, 2]}, 3, **QUIET)
    assert title(sweep(same, "x", "value", "style")) == "No difference in value is told at any x"
    three = frame(style=["calls", "bus", "mail"])
    assert title(sweep(three, "hops", "value", "style")) == "Value at hops = 8: bus 37, mail 37, calls 82"
    grid = {"style": ["a", "b"], "x": [1, 2, 3]}
    back = experiment(lambda seed, style, x: (x - 2) ** 2 if style == "a" else 0.5, grid, 2, **QUIET)
    assert title(sweep(back, "x", "value", "style")) == "Lower value: b at x = 1 and 3; a at x = 2"


def test_one_line_says_its_ends_and_needs_no_name():
    ax = sweep(frame().query("style == 'calls'"), "hops", "value")
    assert title(ax) == "Value: 12 at hops = 1, 82 at hops = 8" and drawn(ax, "name") == {}


def test_theory_is_a_line_of_its_own_and_marks_beside_it_are_not_joined():
    alone = frame().query("style == 'calls'")
    ax = sweep(alone, "hops", "value", theory={"10 h": lambda hops: 10 * hops})
    line = drawn(ax, "theory")["10 h"]
    assert line.get_ydata() == pytest.approx(10 * line.get_xdata()) and len(line.get_xdata()) > 100
    assert drawn(ax, "line")["simulated"].get_linestyle() == "None" and drawn(ax, "band") == {}
    assert [*drawn(ax, "name")] == ["simulated", "10 h"] and "dashed: theory" in " ".join(map(str, ax.texts))
    readable(ax.figure)
    assert [*drawn(sweep(alone, "hops", "value", theory=lambda hops: hops), "theory")] == ["theory"]


def test_the_theory_of_a_style_has_its_colour_and_no_second_name():
    ax = sweep(frame(), "hops", "value", "style", theory={"calls": lambda h: 10 * h + 2, "bus": lambda h: 37})
    for name in ("calls", "bus"):
        assert drawn(ax, "theory")[name].get_color() == drawn(ax, "line")[name].get_color()
    assert sorted(drawn(ax, "name")) == ["bus", "calls"]


def test_theory_is_silent_where_it_knows_nothing():
    def wait(load):
        if load >= 1:
            raise ValueError("no steady state")
        return 1 / (1 - load)

    found = curve(wait, [0.0, 2.0])
    assert all((y == y) == (x < 1) for x, y in found) and len(found) == 201
    assert [x for x, _ in curve(lambda n: n, [1, 3])] == [1, 2, 3]
    assert curve(lambda word: len(word), ["a", "bc"]) == [("a", 1.0), ("bc", 2.0)]
    assert curve(lambda x: x, [1.0, 100.0], log=True)[100][0] == pytest.approx(10.0)
    assert str(curve(lambda x: nan, [1])) == "[(1, nan)]"


def test_a_simulated_queue_lies_on_its_theory():
    """M/M/1 at three loads, 8 seeds of 1,000 jobs: theory is within the interval, widened by half for three looks."""

    def queue(seed, load):
        system = System("queue", network=0.0)
        serve = system.service("desk").operation(takes=Exponential(20 * ms), name="serve")(lambda ctx, job: None)
        system.accepts("job", serve)
        return run(system, Poisson("job", every=20 / load * ms, count=1000), seed=seed)

    runs = experiment(queue, {"load": [0.2, 0.4, 0.6]}, 8, **QUIET)
    ax = sweep(runs, "load", "mean", theory={"M/M/1": lambda load: 20 / (1 - load)}, xlabel="utilisation")
    for load, mean, low, high in series(runs, "load", "mean")[0].points:
        assert abs(mean - 20 / (1 - load)) <= 0.75 * (high - low)
    assert ax.get_ylabel() == "latency, mean [ms]" and ax.get_xlabel() == "utilisation"
    assert title(ax).startswith("Mean latency: 2") and "ms at utilisation = 0.6" in title(ax)
    readable(ax.figure)
    share = sweep(runs, "load", "on time")
    assert "100 %" in [text.get_text() for text in share.get_yticklabels()] and "100 %" in alt(share.figure)


def test_a_crossover_is_marked_with_its_interval():
    found = crossover(recipe, "hops", "value", low=1.0, high=8.0, between=("style", "calls", "bus"), seeds=6, **QUIET)
    ax = sweep(found.frame, "hops", "value", "style", crossover=found)
    assert title(ax) == "Calls is better below hops = 3.5 [3.5, 3.5], bus above"
    (line,) = [line for line in ax.lines if line.get_gid() == "crossover"]
    assert line.get_xdata() == [found.at, found.at] and "3.5 [3.5, 3.5]" in drawn(ax, "name")
    assert "calls is better below hops = 3.5" in alt(ax.figure).casefold()
    readable(ax.figure)


def test_words_stand_side_by_side_and_are_not_joined():
    faults = {"none": 1.0, "a crash of payment": 5.0, "a slow mail server": 2.0}
    ax = sweep(experiment(recipe, {"style": ["calls", "bus"], "hops": faults}, 5, **QUIET), "hops", "value", "style")
    assert [text.get_text() for text in ax.get_xticklabels()] == [*faults]
    assert {line.get_linestyle() for line in drawn(ax, "line").values()} == {"None"}
    assert title(ax) == "Lower value: calls at hops = none and a slow mail server; bus at hops = a crash of payment"
    readable(ax.figure)


def test_one_seed_has_no_interval_and_says_so():
    ax = sweep(frame(seeds=1), "hops", "value", "style")
    assert "one seed each, no interval" in [text.get_text() for text in ax.texts] and "[" not in alt(ax.figure)


def test_scales_can_be_logarithmic_and_ticks_are_numbers():
    ax = sweep(frame(), "hops", "value", "style", log="xy")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "2", "4", "8"]
    assert {"20", "50"} <= {text.get_text() for text in ax.get_yticklabels()}
    readable(ax.figure)


def test_an_axis_begins_at_0_or_says_where():
    assert height(0, 5)[0] == height(10, 21)[0] == 0 and height(0, 0) == (0.0, 1.0)
    assert height(-9, -3) == (pytest.approx(-9.72), pytest.approx(0.72))
    ax = sweep(frame().query("hops == 4 or hops == 2 and style == 'bus'"), "hops", "value", "style")
    assert ax.get_ylim()[0] > 0 and any("the axis begins at" in text.get_text() for text in ax.texts)
    assert sweep(frame(), "hops", "value", "style", ylim=(0, 200)).get_ylim() == (0, 200)


def test_two_panels_have_the_same_axes():
    _, (left, right) = pair()
    sweep(frame(), "hops", "value", "style", ax=left, title="One", subtitle="")
    assert sweep(frame(more=[900]), "hops", "value", "style", ax=right) is right
    assert left.get_ylim() == right.get_ylim() and left.get_ylim()[0] == 0 and left.get_ylim()[1] > 980
    assert left.get_title(loc="left") == "One"
    readable(left.figure)


def test_whole_numbers_have_whole_ticks():
    ax = sweep(experiment(lambda seed, x: x + seed, {"x": [1, 2, 3]}, 2, **QUIET), "x", "value")
    assert {text.get_text() for text in texts(ax.figure)} & {"1.5", "2.5"} == set()


def test_long_names_and_lines_that_end_together_can_be_read():
    names = [*LONG][:6]
    crowd = experiment(lambda seed, style, x: x + seed % 3, {"style": names, "x": [1, 2, 3]}, 4, **QUIET)
    readable(sweep(crowd, "x", "value", "style").figure)
    with pytest.raises(ValueError, match="too many to tell apart"):
        sweep(pd.concat([crowd, crowd.assign(style="another")]), "x", "value", "style")


def test_the_sentence_has_the_numbers_drawn():
    said = alt(sweep(frame(), "hops", "value", "style").figure)
    assert said.startswith("Value by hops, means with 95% intervals. calls: 1: 12 [10, 14], 2: 22 [20, 24], ")
    assert said.endswith("bus: 1: 37 [35, 39], 2: 37 [35, 39], 4: 37 [35, 39], 8: 37 [35, 39].")


def test_a_metric_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="metrics here: value"):
        sweep(frame(), "hops", "p95", "style")
    assert [t.get_text() for t in texts(sweep(frame(), "hops", "value", "style").figure)]


def test_none_is_a_value_of_a_parameter_and_of_a_line():
    frame = experiment(lambda seed, style, hops: (hops or 9) + (style is None) + seed % 2 / 10,
                       {"style": [None, "bus"], "hops": [None, 2]}, 4, **QUIET)  # fmt: skip
    ax = sweep(frame, "hops", "value", "style")
    assert {*drawn(ax, "line")} == {"None", "bus"} and [text.get_text() for text in ax.get_xticklabels()] == [
        "None",
        "2",
    ]
    assert title(ax) == "Bus has the lower value at every hops"
