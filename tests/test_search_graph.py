"""A graph of six steps that can all be undone, with all safeguards on: in no style does a single fault do any harm.

Two branches that meet again, one of a step and one of two, and a step that is only done for some orders. Whatever
refuses, and whatever is struck, every order is whole or undone, each once, in the order the process says.
"""

from functools import partial

import pytest

from rehearsal import Process, Refused, Retry, Step, System, Times, choreograph, orchestrate, sec
from rehearsal.effects import totals
from rehearsal.invariants import (
    Broken,
    all_or_nothing,
    always,
    never_twice,
    nobody_parked,
    nobody_waits,
    nothing_negative,
)
from rehearsal.search import break_it, catalogue

ONE = Times("order", at=[0])
AFTER = {"a": (), "b": "a", "c": "b", "d": "a", "e": "d", "f": ("c", "e")}
WHOLE = (all_or_nothing, never_twice, nothing_negative, nobody_waits)

SAFE = {"idempotent": True, "outbox": 0}
ASKS = {"timeout": 200, "retry": Retry(5, wait=100, factor=2), "durable": True, **SAFE}  # for 3.1 s
STYLES = {
    "calls": partial(orchestrate, **ASKS),
    "calls, undone together": partial(orchestrate, undos="together", **ASKS),
    "calls of one who decides": partial(orchestrate, blocking=False, decides=2, **ASKS),
    "commands": partial(orchestrate, by="commands", durable=True, **SAFE),
    "dance": partial(choreograph, **SAFE),
    "dance with a clock": partial(choreograph, timeout=3 * sec, **SAFE),
}
each_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


def graph(refuses="", when=None):
    """Return the process; the steps named by `refuses` say no, and d is done only `when` that is so."""
    system = System("graph", network=1)

    def step(name):
        def work(ctx, order):
            if name in refuses:
                raise Refused(f"no {name}")

        home = system.service(f"at {name}", workers=2)
        do = home.operation(takes=10 + 3 * ord(name) % 7, name=name)(work)
        undo = home.operation(takes=5, name=f"un{name}", undoes=do)(lambda ctx, order: None)
        return Step(do, undo=undo, after=AFTER[name], when=when if name == "d" else None)

    return Process("order", [step(name) for name in AFTER])


def undone_in_order(process):
    """Return the invariant that a step is undone only once all that came after it is."""

    @always
    def undone_in_order(moment):
        last = moment.effects[-1] if moment.effects else None
        if last is None or last.amount > 0:
            return None
        left = totals(moment.effects)[last.request]
        ahead = [step.name for step in process.following(process.steps[last.name]) if left.get(step.name, 0) > 0]
        return Broken(f"has {last.name} undone before {', '.join(ahead)}", last.request) if ahead else None

    return undone_in_order


def search(style, process, *invariants, **how):
    return break_it(style(process), ONE, (undone_in_order(process), *WHOLE, *invariants), progress=False, **how)


@each_style
@pytest.mark.parametrize("refuses", ["", "ce", "f"])
def test_nothing_breaks_it_whoever_refuses(style, refuses):
    nothing = search(style, graph(refuses), nobody_parked, faults=catalogue)
    assert not nothing, nothing
    assert nothing.covered[1].tried == nothing.covered[1].schedules > 50


@each_style
def test_nothing_breaks_it_for_short_either(style):
    nothing = search(style, graph("f"), nobody_parked, faults=partial(catalogue, down=50, late=50))
    assert not nothing, nothing


@pytest.mark.parametrize("style", [n for n in STYLES if "together" not in n])
def test_nothing_breaks_it_where_a_step_is_left_out(style):
    nothing = search(STYLES[style], graph("f", when=lambda order: False), nobody_parked, faults=catalogue)
    assert not nothing, nothing


def test_an_outage_that_outlasts_all_tries_is_left_to_a_person_and_does_no_other_harm():
    """Conducted by calls: after 3.1 s an undo is parked and keeps no other back; all else is whole or undone."""
    shop, long = STYLES["calls"](graph("f")), {"faults": partial(catalogue, down=10 * sec), "progress": False}
    found = break_it(shop, ONE, nobody_parked, **long)
    assert "waits for a person" in found.said and found.again() == found.breach
    nothing = break_it(shop, ONE, WHOLE, **long)
    assert not nothing and nothing.lengths == ("lasting 10 s", "late by 60 s")


def test_in_a_dance_a_queue_waits_for_who_is_down_however_long():
    assert not search(STYLES["dance"], graph("f"), nobody_parked, faults=partial(catalogue, down=100 * sec))
