"""The picture of a breach: the broken request, and the moment at which it broke."""

import pytest
from matplotlib.text import Text

from rehearsal import CrashAt, Drop, Times, choreograph, orchestrate, run
from rehearsal.draw import alt, breach, sequence
from rehearsal.invariants import as_told, first_breach, never_twice
from rehearsal.search import break_it, catalogue
from tests.processes import sequence as steps
from tests.processes import services

TWO = Times("order", at=[0, 30])
CRASH = CrashAt("payment", "charge", "after", count=2, lasting=100)


def dance(**how):
    return choreograph(steps(services(network=1, takes=10)), **how)


def texts(ax):
    ax.get_figure().draw_without_rendering()
    return [text for text in ax.findobj(Text) if text.get_visible()]


def test_the_broken_request_is_drawn_and_the_moment_marked():
    found = first_breach(dance(), TWO, never_twice, faults=[CRASH])
    ax = breach(found)
    (line,) = [line for line in ax.lines if line.get_label() == "_mark"]
    assert found.request == 1 and ax.get_title(loc="left") == "Request 1 has charge 2 times"
    words = [text for text in texts(ax) if text.get_text() == "broken: never twice"]
    assert len(words) == 1 and words[0].get_color() == line.get_color()
    assert any("payment down after charge from 0 ms for 100 ms" in text.get_text() for text in texts(ax))
    assert "order 1 in choreographed order" in alt(ax.get_figure())
    assert alt(ax.get_figure()).endswith(f"Marked at {found.at - 30:g} ms: broken: never twice.")


def test_the_mark_stands_where_the_clock_says():
    done = run(dance(), TWO)
    ax = sequence(done, 0, mark=("payment", 20.0, "here"), fold=False)
    (line,) = [line for line in ax.lines if line.get_label() == "_mark"]
    assert set(line.get_ydata()) == {20.0}
    assert [line for line in sequence(done, 0).lines if line.get_label() == "_mark"] == []


def test_a_mark_has_room_also_after_the_end_and_at_a_service_without_a_lifeline():
    ax = sequence(run(dance(), TWO), 0, mark=("nobody", 70.0, "here"), fold=False)
    assert "here" in [text.get_text() for text in texts(ax)]
    assert ax.get_ylim()[0] > 70


@pytest.mark.parametrize("style", [choreograph, orchestrate])
def test_what_a_search_finds_can_be_drawn(style):
    shop = style(steps(services(network=1, takes=10)))
    found = break_it(shop, TWO, as_told, faults=lambda calm: catalogue(calm, kinds=(Drop,)), progress=False)
    ax = breach(found, title="mine")
    assert found and ax.get_title(loc="left") == "mine"
    assert "broken: as told" in [text.get_text() for text in texts(ax)]


def test_what_breaks_without_any_fault_says_so():
    found = first_breach(dance(), TWO, lambda run: "nothing at all")
    assert "broken: <lambda>" in [text.get_text() for text in texts(breach(found))]
    assert "without any fault" in "".join(text.get_text() for text in texts(breach(found)))
