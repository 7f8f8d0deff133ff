"""The picture of a breach: the broken request, and the moment at which it broke."""

from functools import partial

import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from rehearsal import Crash, CrashAt, Drop, Errors, Mute, System, Times, chain, choreograph, monolith, orchestrate, run
from rehearsal.draw import alt, breach, sequence
from rehearsal.draw.breach import _where
from rehearsal.draw.timeline import scene
from rehearsal.invariants import all_or_nothing, always, as_told, first_breach, never_twice
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
    assert any("payment down after charge no. 2 for 100 ms" in text.get_text() for text in texts(ax))
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


# Work in process


def boxes(ax):
    """Return the bars of the work done, as (from, to) [ms], in order."""
    faces = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return sorted((round(box.get_y(), 3), round(box.get_y() + box.get_height(), 3)) for box in faces)


def test_work_done_in_process_is_a_bar_of_the_service_with_its_name_and_no_arrow():
    done = run(monolith(steps(services(network=1, takes=10, refuses={"ship": 1}))), Times("order", at=[0]))
    one = scene(done, 0)
    names = ["reserve", "charge", "ship", "refund", "release"]
    assert [(bar.name, bar.start, bar.end) for bar in one.bars if bar.name] == [
        (name, 1 + 10 * n, 11 + 10 * n) for n, name in enumerate(names)
    ]
    assert [arrow.label for arrow in one.arrows if arrow.style != "reply"] == ["place"]
    ax = sequence(done, 0, fold=False)
    assert {text.get_text() for text in texts(ax)} >= {*names, "place", "monolith"}
    assert {(1.0, 11.0), (11.0, 21.0), (1.0, 51.0)} <= set(boxes(ax))
    assert "In process: reserve at monolith, charge at monolith, ship at monolith," in alt(ax.get_figure())


def test_in_a_chain_each_undoes_its_own_in_process():
    done = run(chain(steps(services(network=1, takes=10, refuses={"ship": 1}))), Times("order", at=[0]))
    assert [(bar.name, bar.service) for bar in scene(done, 0).bars if bar.name] == [
        ("refund", "payment"), ("release", "inventory"),
    ]  # fmt: skip
    sequence(done, 0)


@pytest.mark.parametrize("kind", [Crash, CrashAt, Errors, Mute, Drop])
def test_what_a_search_finds_in_a_monolith_can_be_drawn(kind):
    shop = monolith(steps(services(network=1, takes=10)))
    ways = partial(catalogue, kinds=kind, client=True)
    found = break_it(shop, TWO, [all_or_nothing, as_told, not_calm], faults=ways, progress=False)
    assert found and "Marked at" in alt(breach(found).get_figure())


def not_calm(run):
    """Break under any fault."""
    return "not calm" if run.faults else None


# Where the mark stands


def test_what_broke_without_an_effect_is_marked_where_it_was_worked_on():
    shop = System("shop", network=1)

    @shop.service("inventory", state={"stock": 0}).operation(takes=5)
    def take(ctx, order):
        ctx.state["stock"] -= 1
        yield ctx.sleep(10)
        ctx.state["stock"] += 1

    shop.accepts("order", take)

    @always
    def stock_is_real(moment):
        return "sold what is not there" if moment.states["inventory"]["stock"] < 0 else None

    found = first_breach(shop, TWO, stock_is_real)
    assert (found.at, found.request, _where(found)) == (6, 0, "inventory")
    assert alt(breach(found).get_figure()).endswith("Marked at 6 ms: broken: stock is real.")
    assert _where(first_breach(shop, TWO, lambda run: "all is over")) == "client"
