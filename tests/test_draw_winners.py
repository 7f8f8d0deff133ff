"""The winner map: a cell looks like its winner, says by how much, and nobody winning has a look of its own."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from rehearsal.draw import alt, winners
from rehearsal.draw.winners import faces, written
from rehearsal.experiments import NOBODY, winner_map
from tests.blueprints import LONG
from tests.boxes import readable

QUIET = {"progress": False}


@pytest.fixture(autouse=True)
def tidy():
    """Close what a test drew."""
    yield
    plt.close("all")


def recipe(seed, style, hops=1.0, latency=1.0):
    """Return a number: calls cost their hops, the bus 6, and a little by the seed."""
    return hops * latency if style == "calls" else 6.0 + (seed % 3 - 1) / 2


def cells(names=("calls", "bus"), hops=(1, 3, 9), latency=(1, 2), **how):
    between = ("style", *names)
    return winner_map(recipe, ("hops", hops), ("latency", latency), "value", between=between, seeds=6, **QUIET, **how)


def drawn(ax):
    """Return {gid: patch} of the cells, and {gid: what is written in it}."""
    patches = {patch.get_gid(): patch for patch in ax.patches if str(patch.get_gid()).startswith("cell:")}
    told = [text for text in ax.texts if text.get_gid() == "told"]
    return patches, dict(zip(patches, (text.get_text() for text in told), strict=True))


def place(ax, text):
    """Return where the text that has a gid stands."""
    (found,) = [each.get_position() for each in ax.texts if each.get_gid() == text]
    return found


def test_every_cell_looks_like_its_winner_and_says_by_how_much():
    patches, told = drawn(winners(cells()))
    looks = faces(["calls", "bus"])
    for row in cells().to_dict("records"):
        patch = patches[f"cell:{row['hops']}:{row['latency']}"]
        assert patch.get_facecolor()[:3] == pytest.approx(to_rgb(looks[row["winner"]][0]))
        assert bool(patch.get_hatch()) == (row["winner"] == NOBODY)
    assert told == {"cell:1:2": "4", "cell:1:1": "5", "cell:3:2": "0 ± 0.469", "cell:3:1": "3",
                    "cell:9:2": "12", "cell:9:1": "3"}  # fmt: skip


def test_the_three_looks_are_told_apart_without_colour():
    def grey(colour):
        red, green, blue = to_rgb(colour)
        return 0.299 * red + 0.587 * green + 0.114 * blue

    one, other, nobody = faces(["calls", "bus"]).values()
    assert grey(other[0]) - grey(one[0]) > 0.3 and one[3] is other[3] is None and nobody[3]
    for face, _, ink, _ in (one, other, nobody):
        assert abs(grey(face) - grey(ink)) > 0.5


def test_x_runs_to_the_right_and_y_upwards():
    ax = winners(cells(), xlabel="hops of a call", ylabel="latency [ms]")
    assert place(ax, "column:1")[0] < place(ax, "column:3")[0] < place(ax, "column:9")[0]
    assert place(ax, "row:2")[1] < place(ax, "row:1")[1]  # a sheet's y runs down
    said = {text.get_gid(): text.get_text() for text in ax.texts}
    assert (said["axis:x"], said["axis:y"]) == ("hops of a call", "latency [ms]")


def test_title_and_words_are_made_of_the_verdicts():
    ax = winners(cells())
    assert ax.get_title(loc="left") == "Calls is better in 3 of 6 cells, bus in 2, no difference in 1"
    assert any(text.get_text().startswith("in a cell: by how much its value is lower; no difference: 0 is within")
               for text in ax.texts)  # fmt: skip
    assert winners(cells(hops=(1,))).get_title(loc="left") == "Calls is better in all 2 cells"
    none = winners(cells(hops=(3,), latency=(2,)))
    assert none.get_title(loc="left") == "No difference is told in any of 1 cells"
    less = winners(cells(matters=4.5))
    assert "or it is less than 4.5" in " ".join(text.get_text() for text in less.texts)
    assert "is higher" in " ".join(text.get_text() for text in winners(cells(better="more")).texts)


def test_the_sentence_has_every_cell():
    said = alt(winners(cells()).figure)
    assert said.startswith("Winner map of value, calls and bus; calls is better in 3 of 6 cells, bus in 2, no diff")
    assert "hops 9 and latency 1: bus by 3;" in said and "hops 3 and latency 2: no difference;" in said


def test_a_difference_of_shares_is_in_points():
    table = cells(hops=(1, 9), latency=(1,))
    table.attrs["units"] = {"value": "share"}
    table["mean"], table["low"], table["high"] = table["mean"] / 100, table["low"] / 100, table["high"] / 100
    ax = winners(table)
    assert drawn(ax)[1] == {"cell:1:1": "5", "cell:9:1": "3"} and "bus by 3 points" in alt(ax.figure)
    assert "[points]" in " ".join(text.get_text() for text in ax.texts)


def test_a_cell_without_runs_is_empty():
    def fragile(seed, style, hops, latency):
        return 1 / 0 if hops == 3 else recipe(seed, style, hops, latency)

    with pytest.warns(UserWarning, match="failed"):
        table = winner_map(fragile, ("hops", [1, 3]), ("latency", [1, 2]), "value", between=("style", "calls", "bus"),
                           seeds=2, **QUIET)  # fmt: skip
    table.loc[len(table)] = {**table.iloc[0], "hops": 3}  # one of the two is there
    assert drawn(winners(table))[1]["cell:3:2"] == "–"
    alone = {"winner": NOBODY, "mean": 1.0, "n": 1}
    assert written(table, alone) == "?"


def test_all_of_it_can_be_read():
    readable(winners(cells()).figure)
    readable(winners(cells(hops=(1,), latency=(1,))).figure)
    readable(winners(cells(hops=range(1, 13), latency=[1, 2, 50, 1234.5])).figure)
    readable(winners(cells(names=[*LONG][:2]), xlabel="how many hops each of the calls takes", ylabel="ms").figure)
    _, ax = plt.subplots()
    assert winners(cells(), ax=ax) is ax
    readable(ax.figure)


def test_what_is_no_winner_map_is_told():
    with pytest.raises(ValueError, match="no winner map"):
        winners(cells().drop(columns="winner").pipe(lambda table: table.__class__(table.to_dict("list"))))


def test_none_is_a_row_of_a_map():
    cells = winner_map(lambda seed, style, x, y: x * (style == "a") + (y or 9), ("x", [-1, 1]), ("y", [None, 2]),
                       "value", between=("style", "a", "b"), seeds=2, progress=False)  # fmt: skip
    assert "x -1 and y None: a by 1; x 1 and y None: b by 1; x -1 and y 2: a by 1" in alt(winners(cells).figure)
