"""What a style costs: a step the same however many there are, and hardly more than what a reader would have written.

Counted in lines that are run, which are the same on every run and every Python; `python -m tests.bench` tells the time.
"""

import sys
from functools import partial
from pathlib import Path

import pytest

import rehearsal
from rehearsal import Poisson, System, Times, run
from rehearsal.process import Process, Step, choreograph, monolith, orchestrate
from tests.bench import order_flow, styles

ROOMS = str(Path(rehearsal.__file__).parent / "process")
STYLES = {"calls": orchestrate, "commands": partial(orchestrate, by="commands")}
STYLES |= {"dance": choreograph, "monolith": monolith}


def lines_run(system, orders, where):
    """Return how many lines of the code in some folder a run takes."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if not frame.f_code.co_filename.startswith(where):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run(system, Poisson("order", every=50, count=orders), seed=7)
    finally:
        sys.settrace(before)
    return count


def an_order(system, few=1, many=3, where=ROOMS):
    """Return how many lines one more order takes."""
    run(system, Times("order", at=[0]))  # what is read once, from the code of the handlers, is read now
    return (lines_run(system, many, where) - lines_run(system, few, where)) / (many - few)


def line(length):
    """Return so many steps, one after another, each at a service of its own."""
    home, steps = System("line"), []
    for n in range(length):
        do = home.service(f"service {n}").operation(name=f"do {n}", takes=20)(lambda ctx, order: None)
        steps.append(Step(do, after=steps[-1:]))
    return Process("order", steps)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_step_costs_an_order_the_same_however_many_there_are(style):
    few, many = (an_order(style(line(length))) / length for length in (5, 50))
    assert many <= few


def test_what_orchestrate_makes_costs_hardly_more_than_what_a_reader_would_write():
    """And what it makes enters the effects of the steps, which by hand nobody does."""
    everywhere = {"few": 5, "many": 20, "where": str(Path(ROOMS).parent.parent.parent)}
    made, written = orchestrate(styles.process()), order_flow.shop()
    assert an_order(made, **everywhere) < 1.15 * an_order(written, **everywhere)
