"""The Pareto picture: the front is the undominated rows, and every mark and name can be read."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.draw import alt, pareto
from rehearsal.draw.pareto import SIZE, dodge
from rehearsal.pareto import dominates, front
from tests.boxes import readable, texts

BETTER = {"messages": "less", "on time [%]": "more", "places": "less"}
LONG = "conducts everything but the notification of the customer"


@pytest.fixture(autouse=True)
def tidy():
    """Close what a test drew."""
    yield
    plt.close("all")


def designs(extra=()):
    """Return five designs, of which two are at the same point, and some more."""
    rows = [("nobody", 12, 89.1, 1), ("mail", 11, 92.6, 2), ("points", 11, 89.1, 2), ("other", 11, 89.1, 2),
            ("all", 4, 80.4, 6), *extra]  # fmt: skip
    return pd.DataFrame([r[1:] for r in rows], index=[r[0] for r in rows], columns=list(BETTER))


def drawn(ax, kind):
    """Return {name: artist} of the marks or names that are drawn."""
    found = [(str(a.get_gid()), a) for a in (*ax.lines, *ax.texts)]
    return {gid.removeprefix(f"{kind}:"): a for gid, a in found if gid.startswith(f"{kind}:")}


def draw(frame, **how):
    return pareto(frame, "messages", "on time [%]", better=BETTER, third="places", **how)


def test_the_front_is_what_no_other_beats():
    assert front(designs(), BETTER) == ["nobody", "mail", "all"]
    assert front(designs(), {"places": "less"}) == ["nobody"]
    assert front(designs(), {"messages": "more"}) == ["nobody"]


def test_equals_stay_together():
    assert front(designs().loc[["points", "other"]], BETTER) == ["points", "other"]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_what_is_not_on_the_front_is_beaten_by_what_is(rows):
    frame = pd.DataFrame(rows, columns=["a", "b"])
    best = front(frame, {"a": "less", "b": "less"})
    assert best
    for name, row in enumerate(rows):
        assert (name in best) != any(dominates(rows[other], row) for other in best)


def test_a_column_or_a_way_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="did you mean 'places'"):
        front(designs(), {"place": "less"})
    with pytest.raises(ValueError, match="'less' or 'more', not 'most'"):
        front(designs(), {"places": "most"})
    with pytest.raises(ValueError, match="a column at least"):
        front(designs(), {})


def test_all_of_it_can_be_read():
    crowd = [(f"{LONG} {n}", 4 + n // 3, 80.4 + n % 2 / 10, 6) for n in range(9)]
    for extra in ([], crowd):
        readable(draw(designs(extra)).figure)
    readable(draw(designs()[:1]).figure)


def test_only_the_front_is_filled_and_named():
    ax = draw(designs())
    faces = {name: mark.get_markerfacecolor() for name, mark in drawn(ax, "point").items()}
    assert list(faces) == ["nobody", "mail", "all", "points"]
    assert faces["mail"] == faces["all"] == faces["nobody"] != faces["points"]
    assert list(drawn(ax, "name")) == ["nobody", "mail", "all"]
    assert list(drawn(draw(designs(), names=["points"]), "name")) == ["points"]


def test_the_third_quantity_is_written_in_the_marks():
    said = {name: text.get_text() for name, text in drawn(draw(designs()), "third").items()}
    assert said == {"nobody": "1", "mail": "2", "points": "2", "all": "6"}
    assert drawn(pareto(designs(), "messages", "on time [%]", better=BETTER), "third") == {}


def test_rows_that_are_equal_share_a_mark_that_says_so():
    said = {name: text.get_text() for name, text in drawn(draw(designs()), "times").items()}
    assert said == {"points": "× 2"}
    assert list(drawn(draw(designs()[:1]), "point")) == ["nobody"]


def test_no_mark_covers_another():
    near = [("near", 11, 89.0, 3), ("nearer", 11.01, 89.1, 4), ("home", 11.2, 89.1, 5)]
    ax = draw(designs(near))
    ax.figure.draw_without_rendering()
    scale = ax.figure.dpi / 72
    places = [tuple(m.get_transform().transform(m.get_xydata())[0]) for m in drawn(ax, "point").values()]
    for i, (x, y) in enumerate(places):
        assert all((x - a) ** 2 + (y - b) ** 2 >= (SIZE * scale) ** 2 for a, b in places[:i])


def test_who_is_alone_is_not_moved():
    assert dodge([(0, 0), (30, 0), (0, 30)], 10) == [0, 0, 0]


def test_the_first_at_a_point_keeps_it():
    near = [("a", 8, 89.0, 3), ("b", 8, 89.0, 4), ("c", 8, 89.0, 5), ("d", 8.5, 89.0, 6)]
    moved = {name: mark.get_transform().transform(mark.get_xydata())[0, 0] for name, mark in
             drawn(draw(designs(near)), "point").items()}  # fmt: skip
    ax = draw(designs(near))
    home = {name: ax.transData.transform((x, 0))[0] for name, x in (("a", 8), ("d", 8.5))}
    assert {name: moved[name] for name in home} == pytest.approx(home, abs=1)


def test_the_line_joins_what_is_not_beaten_in_two():
    (line,) = [line for line in draw(designs()).lines if line.get_gid() == "front"]
    assert line.get_xydata().tolist() == [[4, 80.4], [11, 80.4], [11, 92.6]]
    other = {"messages": "more", "on time [%]": "more"}
    (line,) = [a for a in pareto(designs(), "messages", "on time [%]", better=other).lines if a.get_gid() == "front"]
    assert line.get_xydata().tolist() == [[11, 92.6], [11, 89.1], [12, 89.1]]


def test_two_side_by_side_have_the_same_axes():
    assert draw(designs(), xlim=(0, 20), ylim=(50, 100)).get_xlim() == (0, 20)
    assert draw(designs(), ylim=(50, 100)).get_ylim() == (50, 100)


def test_it_draws_on_a_panel_that_is_given():
    _, ax = plt.subplots()
    assert draw(designs(), ax=ax, title="One", subtitle="") is ax and ax.get_title(loc="left") == "One"


def test_the_sentence_has_the_numbers_drawn():
    said = alt(draw(designs()))
    assert said.startswith("on time [%] by messages; 3 of 5 are worth choosing from: nobody (messages 12, ")
    assert "all (messages 4, on time [%] 80.4, places 6)" in said and "points" not in said
    assert "3 of 5" in " ".join(t.get_text() for t in texts(draw(designs()).figure))
