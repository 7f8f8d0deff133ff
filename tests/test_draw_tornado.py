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


def dots(ax):
    """Return {gid: line} of the dots."""
    return {each.get_gid().removeprefix("dot:"): each for each in ax.lines if str(each.get_gid()).startswith("dot:")}


def values(ax):
    """Return {gid: text} beside the bars."""
    named = [(str(text.get_gid()), text) for text in ax.texts]
    return {gid.removeprefix("value:"): text for gid, text in named if gid.startswith("value:")}


def ask(difference, base, values, names=("a", "b"), **more):
    """Return what `sensitivity` says of x, where the second of two systems is so much dearer."""
    return sensitivity(lambda seed, style, x: difference(x) if style == names[1] else 0.0, {"x": base}, {"x": values},
                       "value", between=("style", *names), seeds=2, **QUIET, **more)  # fmt: skip


def line(values, base=1, **more):
    """Return what `sensitivity` says of a difference of 12 − 2 x."""
    return ask(lambda x: 12.0 - 2 * x, base, values, **more)


def dip(values, base=0, **more):
    """Return what `sensitivity` says of a difference that is below 0 from 4 to 8 only."""
    return ask(lambda x: abs(x - 6.0) - 2, base, values, **more)


def drawn(ax, gid):
    (one,) = [each for each in ax.lines if each.get_gid() == gid]
    return one


def test_bars_run_from_the_base_to_the_difference_at_each_end():
    ax = tornado(found())
    ends = {gid: (bar.get_x(), bar.get_x() + bar.get_width()) for gid, bar in bars(ax).items()}
    assert ends == {
        "latency:low": (10, 26), "latency:high": (10, -10), "hops:low": (10, 15), "hops:high": (10, 5),
        "pay:low": (10, 10), "pay:high": (10, 10),
    }  # fmt: skip
    assert drawn(ax, "zero").get_xdata() == [0, 0] and drawn(ax, "base").get_xdata() == [10, 10]


def test_whiskers_are_the_intervals():
    ax = tornado(found())
    for row in found().to_dict("records")[1:]:
        assert [*drawn(ax, f"whisker:{row['assumption']}:{row['end']}").get_xdata()] == [row["low"], row["high"]]


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
    assert said == {"latency:low": "1", "latency:high": "10: flips to bus from 7.62 on",
                    "hops:low": "3", "hops:high": "5", "pay:low": "0.5", "pay:high": "2"}  # fmt: skip
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
    assert "latency = 10: bus better by 10 (flips from 7.62 on); hops = 3: calls better by 15;" in said
    exact = alt(tornado(line((0, 12))).figure)
    assert exact.endswith("x = 0: a better by 12; x = 12: b better by 12 (flips from 6 on).")
    base, between = BASE | {"latency": 7.5}, ("style", "calls", "bus")
    even = tornado(sensitivity(recipe, base, {"pay": (1, 2)}, "value", between=between, seeds=6, **QUIET))
    assert even.get_title(loc="left") == "No difference is told, whichever of 1 assumptions moves"


def test_words_say_from_which_value_on_it_flips():
    assert [text.get_text() for text in values(tornado(line((0, 12)))).values()] == ["0", "12: flips to b from 6 on"]
    assert values(tornado(line((0, 12), base=10)))["x:low"].get_text() == "0: flips to a from 6 on"
    at_once = ask(lambda x: {"here": 3, "there": -3}[x], "here", ("there", "here"))
    assert values(tornado(at_once))["x:low"].get_text() == "there: flips to b"


def test_what_flips_on_the_way_only_is_written_in_bold_and_has_a_dot():
    ax = tornado(dip((0, 3, 6, 12)))
    assert ax.get_title(loc="left") == "1 of 1 assumptions flips the verdict: x"
    low, high = values(ax).values()
    assert (low.get_text(), high.get_text()) == ("0", "12: flips to b on the way, at 4")
    assert (low.get_fontweight(), high.get_fontweight()) == ("normal", "bold")
    assert [bar.get_linewidth() for bar in bars(ax).values()] == [1, 1]  # neither end flips it
    assert [*dots(ax)] == ["x:3", "x:6"] and [dot.get_xdata()[0] for dot in dots(ax).values()] == [1, -2]
    assert {dot.get_ydata()[0] for dot in dots(ax).values()} == {bars(ax)["x:high"].get_y() + 0.18}
    looks = faces(["a", "b"])
    assert [dot.get_markerfacecolor() for dot in dots(ax).values()] == [looks["a"][0], looks["b"][0]]
    assert [dot.get_markeredgewidth() for dot in dots(ax).values()] == [1, 2]
    assert [*drawn(ax, "span:x:high").get_xdata()] == [-2, 4]
    assert alt(ax.figure) == (
        "Tornado of value; 1 of 1 assumptions flips the verdict: x. Base: a better by 4. x = 0: a better by 4; "
        "x = 3: a better by 1; x = 6: b better by 2 (flips); x = 12: a better by 4 (flips to b on the way, at 4)."
    )
    assert not dots(tornado(dip((0, 12)))) and values(tornado(dip((0, 12))))["x:high"].get_text() == "12"


def test_words_tell_a_flip_that_lasts_from_one_that_does_not():
    twice = ask(lambda x: 1.0 if x in (0, 4) else -1.0, 0, (0, 2, 4, 6))
    assert values(tornado(twice))["x:high"].get_text() == "6: flips to b, first at 1"
    both = ask(lambda x: x * (6.0 - x), 0, (0, 3, 8))
    assert values(tornado(both))["x:high"].get_text() == "8: flips to b, first to a at 0"
    tied = dip((0, 6, 8))
    assert values(tornado(tied))["x:high"].get_text() == "8: no difference, flips to b on the way, at 4"
    assert alt(tornado(tied).figure).endswith("x = 8: no difference (flips to b on the way, at 4).")


def test_the_grey_line_says_what_dots_are_where_there_are_any():
    def look(frame):
        return next(text.get_text() for text in tornado(frame).texts if text.get_text().startswith("dashed: "))

    assert look(dip((0, 12))).endswith("with interval")
    assert look(dip((0, 6, 12))).replace("\n", " ").endswith("with interval; dots: in between")


def test_a_value_on_the_way_to_no_end_has_a_bar_of_its_own():
    sides = {"nowhere": 10, "here": -5, "there": -9, "far": 12}
    ax = tornado(ask(sides.get, "nowhere", ("here", "there", "far")))
    assert [text.get_text() for text in values(ax).values()] == ["here: flips to b", "there: flips to b", "far"]
    tops = [bar.get_y() for bar in bars(ax).values()]
    assert tops == sorted(tops) and tops[2] - tops[1] == pytest.approx(tops[1] - tops[0]) == pytest.approx(0.36)
    assert not dots(ax) and list(ax.get_yticks()) == [pytest.approx(tops[1] + 0.18)]
    readable(ax.figure)
    named = tornado(ask(sides.get, "nowhere", ("nowhere", "here", "far")))
    assert [*bars(named)] == ["x:low", "x:high"] and [*dots(named)] == ["x:here"]


def test_words_overlap_nothing_whatever_is_in_between():
    sides = {"nowhere": 10, "here": -5, "there": -9, "far": 12}
    for frame in (dip((0, 3, 6, 12)), dip((12, 6, 0), base=3), dip((5, 7, 12), base=4.5), dip(range(13), base=6),
                  dip((0, 5, 6, 7, 12), names=LONG[:2]), line((0, 12), names=LONG[:2]),
                  ask(sides.get, "here", ("far", "there", "here", "nowhere"), names=LONG[:2])):  # fmt: skip
        readable(tornado(frame).figure)
        plt.close("all")


def test_long_words_leave_the_bars_their_room():
    ax = tornado(dip((0, 5, 6, 7, 12), names=[name * 2 for name in LONG[:2]]))
    readable(ax.figure)
    ends = ax.transData.transform([(-2, 0), (4, 0)])[:, 0]
    assert ends[1] - ends[0] >= 199 * ax.figure.dpi / 72
    assert tornado(line((0, 12))).figure.get_size_inches()[0] == 9


def test_shares_are_in_points_also_at_the_base():
    frame = line((0, 12))
    frame.attrs["units"] = {"value": "share"}
    assert drawn(tornado(frame), "base").get_xdata() == [1000, 1000]


@pytest.mark.filterwarnings("ignore:.*runs failed")
def test_of_a_base_that_failed_no_verdict_is_told():
    found = line((0, 9))
    failed = ask(lambda x: 1 / 0 if x == 1 else x - 4.0, 1, (0, 9))
    assert "the base, so no verdict flips. Base: nothing could be compared. x = 0:" in alt(tornado(failed).figure)
    found = found.iloc[:1]
    assert alt(tornado(found).figure).endswith("Base: a better by 10.")


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
    back = sensitivity(lambda seed, style, x: (x or 9) * (1 if style == "a" else -1), {"x": -1}, {"x": (-1, None)},
                       "value", between=("style", "a", "b"), seeds=2, progress=False)  # fmt: skip
    assert [text.get_text() for text in values(tornado(back)).values()] == ["-1", "None: flips to b"]
