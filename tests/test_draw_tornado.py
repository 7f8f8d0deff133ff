"""The tornado: bars run from the base to the ends of each range, and those that flip the verdict are marked."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from rehearsal.draw import alt, tornado
from rehearsal.draw.winners import faces
from rehearsal.experiments import sensitivity
from tests.blueprints import LONG
from tests.boxes import readable

QUIET = {"progress": False}
BASE = {"latency": 5, "hops": 4, "pay": 1.0}
RANGES = {"latency": (1, 10), "hops": (3, 5), "pay": (0.5, 2.0)}


@pytest.fixture(autouse=True)
def tidy():
    """Close what a test drew."""
    yield
    plt.close("all")


def recipe(seed, style, latency, hops, pay):
    """Return a number: calls cost hops by latency, the bus 30 and a little by the seed; pay changes nothing."""
    return latency * hops if style == "calls" else 30.0 + (seed % 3 - 1) / 2


def found(ranges=RANGES, names=("calls", "bus"), **how):
    return sensitivity(recipe, BASE, ranges, "value", between=("style", *names), seeds=6, **QUIET, **how)


def bars(ax):
    """Return {gid: patch} of the bars."""
    return {p.get_gid().removeprefix("bar:"): p for p in ax.patches if str(p.get_gid()).startswith("bar:")}


def values(ax):
    """Return {gid: text} beside the bars."""
    named = [(str(text.get_gid()), text) for text in ax.texts]
    return {gid.removeprefix("value:"): text for gid, text in named if gid.startswith("value:")}


def line(ax, gid):
    (one,) = [each for each in ax.lines if each.get_gid() == gid]
    return one


def test_bars_run_from_the_base_to_the_difference_at_each_end():
    ax = tornado(found())
    ends = {gid: (bar.get_x(), bar.get_x() + bar.get_width()) for gid, bar in bars(ax).items()}
    assert ends == {
        "latency:low": (10, 26), "latency:high": (10, -10), "hops:low": (10, 15), "hops:high": (10, 5),
        "pay:low": (10, 10), "pay:high": (10, 10),
    }  # fmt: skip
    assert line(ax, "zero").get_xdata() == [0, 0] and line(ax, "base").get_xdata() == [10, 10]


def test_whiskers_are_the_intervals():
    ax = tornado(found())
    for row in found().to_dict("records")[1:]:
        assert [*line(ax, f"whisker:{row['assumption']}:{row['end']}").get_xdata()] == [row["low"], row["high"]]


def test_the_widest_swing_is_on_top_and_the_first_end_said_above_the_other():
    ax = tornado(found())
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "latency\n(base: 5)", "hops\n(base: 4)", "pay\n(base: 1)",
    ]  # fmt: skip
    heights = [ax.transData.transform((0, bar.get_y()))[1] for bar in bars(ax).values()]
    assert heights == sorted(heights, reverse=True)


def test_what_flips_is_marked_by_words_weight_and_edge():
    ax = tornado(found())
    said = {gid: text.get_text() for gid, text in values(ax).items()}
    assert said == {"latency:low": "1", "latency:high": "10: flips to bus", "hops:low": "3", "hops:high": "5",
                    "pay:low": "0.5", "pay:high": "2"}  # fmt: skip
    bold = [gid for gid, text in values(ax).items() if text.get_fontweight() == "bold"]
    heavy = [gid for gid, bar in bars(ax).items() if bar.get_linewidth() > 2]
    assert bold == heavy == ["latency:high"]


def test_a_bar_looks_like_its_winner():
    looks = faces(["calls", "bus"])
    drawn = bars(tornado(found({"latency": (7.5, 10)})))
    assert drawn["latency:low"].get_hatch() and not drawn["latency:high"].get_hatch()
    assert drawn["latency:high"].get_facecolor()[:3] == pytest.approx(to_rgb(looks["bus"][0]))
    assert values(tornado(found({"latency": (7.5, 10)})))["latency:low"].get_text() == "7.5: no difference"


def test_both_sides_of_zero_say_who_is_better_there():
    def sides(frame):
        ax = tornado(frame)
        placed = {text.get_text(): text.get_window_extent().x0 for text in ax.texts if text.get_gid() == "side"}
        return sorted(placed, key=lambda text: placed[text])

    assert sides(found()) == ["◂ bus is better", "calls is better ▸"]
    assert sides(found(better="more")) == ["◂ calls is better", "bus is better ▸"]


def test_title_and_words_say_what_flips():
    assert tornado(found()).get_title(loc="left") == "1 of 3 assumptions flips the verdict: latency"
    calm = tornado(found({"hops": (3, 5)}))
    assert calm.get_title(loc="left") == "None of 1 assumptions flips the verdict: calls is never beaten"
    assert any(text.get_text().startswith("dashed: the base, calls better by 10; bars:") for text in calm.texts)
    both = tornado(found({"hops": (3, 9), "latency": (1, 10)}))
    assert both.get_title(loc="left") == "2 of 2 assumptions flip the verdict: latency and hops"
    said = alt(tornado(found()).figure)
    assert said.startswith(
        "Tornado of value; 1 of 3 assumptions flips the verdict: latency. Base: calls better by 10. "
    )
    assert "latency = 10: bus better by 10 (flips); hops = 3: calls better by 15;" in said
    base, between = BASE | {"latency": 7.5}, ("style", "calls", "bus")
    even = tornado(sensitivity(recipe, base, {"pay": (1, 2)}, "value", between=between, seeds=6, **QUIET))
    assert even.get_title(loc="left") == "No difference is told, whichever of 1 assumptions moves"


def test_both_ends_on_one_side_of_the_base_stand_beside_each_other():
    ax = tornado(found({"latency": (6, 10)}))
    low, high = bars(ax).values()
    assert low.get_y() + low.get_height() <= high.get_y() and low.get_width() < 0 > high.get_width()
    readable(ax.figure)


def test_all_of_it_can_be_read():
    readable(tornado(found()).figure)
    readable(tornado(found(names=[*LONG][:2])).figure)
    many = pd.concat([found(), *(found().iloc[1:].assign(assumption=f"{LONG[n % len(LONG)]} {n}") for n in range(6))])
    many.attrs = found().attrs
    readable(tornado(many).figure)
    assert tornado(found(names=[*LONG][:2])).get_xlim() == (-1, 1)  # these two never differ
    _, ax = plt.subplots(figsize=(9, 4))
    assert tornado(found(), ax=ax, title="Mine", subtitle="") is ax and ax.get_title(loc="left") == "Mine"


def test_what_is_no_sensitivity_is_told():
    with pytest.raises(ValueError, match="no frame of `sensitivity`"):
        tornado(pd.DataFrame({"mean": [1.0]}))


def test_none_may_be_an_end_and_the_base():
    found = sensitivity(lambda seed, style, x: (x or 9) * (1 if style == "a" else -1), {"x": None}, {"x": (None, -1)},
                        "value", between=("style", "a", "b"), seeds=2, progress=False)  # fmt: skip
    assert "x = None: b better by 18; x = -1: a better by 2 (flips)" in alt(tornado(found).figure)
