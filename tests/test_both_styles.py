"""The same saga both ways: equal ends under every single fault, where messages are handled right (C20).

The traces differ. And what a saga owes in either style: somebody who hears of a failure, undos that are tried again, a
count of what is half-done.
"""

from collections import Counter
from functools import partial
from itertools import pairwise

import pytest

from rehearsal import Crash, Errors, Retry, Times, choreograph, orchestrate, run, sec
from rehearsal.census import count
from rehearsal.effects import tally, totals
from rehearsal.search import under_each
from tests.processes import branched, diamond, sequence, services
from tests.systems import rows

ONE, TWO = Times("order", at=[0]), Times("order", at=[0, 50])
WAITS = {"timeout": 200, "retry": Retry(5, wait=100, factor=2)}  # longer than any crash of the catalogue
SAFE = {"idempotent": True, "outbox": 0}
conducted = partial(orchestrate, durable=True, **WAITS, **SAFE)
commanded = partial(orchestrate, by="commands", durable=True, **SAFE)
danced = partial(choreograph, **SAFE)
SAFELY = {"calls": conducted, "commands": commanded, "dance": danced}
BARE = {
    "calls": partial(orchestrate, timeout=200), "commands": partial(orchestrate, by="commands"), "dance": choreograph,
}  # fmt: skip
ANSWERS = {"no refusal": {}, "the last step refuses": {"ship": 2}, "a step between refuses": {"charge": 2}}
each_answer = pytest.mark.parametrize("refuses", ANSWERS.values(), ids=ANSWERS)


def process(shape=sequence, **how):
    """Return the process of the shop: each step takes 10 ms, each hop one."""
    return shape(services(network=1, takes=10, **how))


def left(result):
    """Return {order: {effect: what is left of it}}, without what was undone."""
    found = totals(result.effects)
    return {row: {name: n for name, n in found.get(row, {}).items() if n} for row in range(len(result.fates()))}


def alike(one, other):
    """Return under how many of the faults that strike both the same is left, and how many there are."""
    both = [fault for fault in one if fault in other]
    return sum(left(one[fault]) == left(other[fault]) for fault in both), len(both)


# Equal ends


@each_answer
@pytest.mark.parametrize("shape", [sequence, diamond])
@pytest.mark.parametrize("style", SAFELY.values(), ids=SAFELY)
def test_under_every_single_fault_an_order_ends_as_in_the_calm_or_was_never_let_in(style, shape, refuses):
    """And the calm is the same in every style, so all ends are: whole, or nothing left; only the door may be shut."""
    if shape is diamond and refuses == {"ship": 2}:
        pytest.skip("the note to the customer of a diamond has no undo: it is left in the calm, too")
    system = style(process(shape, refuses=refuses))
    calm, struck = left(run(system, TWO)), under_each(system, TWO)
    assert len(struck) > 50
    for fault, result in struck.items():
        for row, fate in enumerate(result.fates()):
            shut = fate in ("rejected", "failed") and "orders" in fault.struck and not left(result)[row]
            assert left(result)[row] == calm[row] or shut, (fault, row)


@each_answer
def test_the_calm_leaves_the_same_in_every_style(refuses):
    ends = [left(run(style(process(refuses=refuses)), TWO)) for style in SAFELY.values()]
    whole = {"reserve": 1, "charge": 1, "ship": 1}
    assert ends == [{0: whole, 1: {} if refuses else whole}] * 3


@each_answer
def test_under_every_single_fault_that_strikes_both_the_same_is_left(refuses):
    """What can be struck in both is what both have in common: the work of the steps, and the way to their broker."""
    calls, commands, dance = (under_each(style(process(refuses=refuses)), TWO) for style in SAFELY.values())
    for one in (calls, commands):
        same, both = alike(one, dance)
        assert same == both >= 20


def test_without_the_safeguards_the_ends_are_not_equal():
    calls, commands, dance = (under_each(style(process(refuses={"ship": 2})), TWO) for style in BARE.values())
    for one in (calls, commands):
        same, both = alike(one, dance)
        assert same < both


def test_the_traces_differ_and_so_does_who_knows():
    """One hears all and tells nobody why; in the other all who have something to undo hear what went wrong."""
    runs = {name: run(style(process(refuses={"ship": 1})), ONE) for name, style in SAFELY.items()}
    counts = {name: len(rows(result)) for name, result in runs.items()}
    assert counts == {"calls": 6, "commands": 22, "dance": 17}
    heard = {name: {row.target for row in rows(result, name="ship.failed")} for name, result in runs.items()}
    assert heard == {"calls": set(), "commands": set(), "dance": {"broker", "orders", "inventory", "payment"}}
    told = {name: result.table.answered[0] < result.table.settled[0] for name, result in runs.items()}
    assert told == {"calls": False, "commands": True, "dance": True}


# Who hears of a failure


@pytest.mark.parametrize("shape", [sequence, diamond, branched])
def test_each_failure_event_has_its_hearers(shape):
    """Everybody with something to undo that may have been done by then, and where orders enter: it has to be told."""
    steps = process(shape).steps
    system = choreograph(process(shape))
    hearers = {
        step.fails: {s.name for s in system.services.values() if step.fails in s.subscriptions}
        for step in steps.values()
    }
    for step in steps.values():
        later = {other.name for other in process(shape).following(step)}
        undoable = {other.undo.service for other in steps.values() if other.undo and other.name not in later}
        assert hearers[step.fails] >= {"orders"} | (undoable - {step.service})


def test_without_hearers_nobody_undoes_anything():
    deaf = choreograph(process(refuses={"ship": 1}), failures=False)
    assert not any(topic.endswith(".failed") for service in deaf.services.values() for topic in service.subscriptions)
    assert tally(run(deaf, ONE))["stuck"] == 1


# Undos that fail


@pytest.mark.parametrize("style", [conducted, danced], ids=["calls", "dance"])
def test_an_undo_is_tried_again_after_longer_and_longer_pauses(style):
    """100, 200, 400 ms and so on between the end of one try and the next."""
    system, broken = style(process(refuses={"ship": 1})), Errors("inventory", 1.0, at=30, lasting=1 * sec)
    result = run(system, ONE, faults=broken)
    undo = "release" if style is conducted else "refund.undone"
    tries = rows(result, name=undo, target="inventory")
    pauses = [later.sent - one.ended for one, later in pairwise(tries)]
    hop = 1 if style is conducted else 0  # the answer has to come back first
    assert pauses == [100 + hop, 200 + hop, 400 + hop, 800 + hop] and tries[-1].outcome == "ok"
    assert left(result) == {0: {}}


@pytest.mark.parametrize("style", SAFELY.values(), ids=SAFELY)
def test_who_waits_for_a_person_is_counted_as_a_fate_and_as_a_damage(style):
    system = style(process(refuses={"ship": 2}))
    result = run(system, TWO, faults=Errors("inventory", 1.0, at=80))
    assert (count(result)["parked"], tally(result)["parked"]) == (1, 1)
    assert (count(result)["on time"], tally(result)["whole"]) == (1, 1)


# Half-done, and counted


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("style", [partial(orchestrate, **WAITS), partial(orchestrate, by="commands")])
def test_a_conductor_without_memory_leaves_a_half_done_order_which_is_counted(style, durable):
    """Down while payment works: both are told to go on, and only who remembers can."""
    system = style(process(), durable=durable, idempotent=True, outbox=0)
    counts = tally(run(system, ONE, faults=Crash("orders", at=20, lasting=100)))
    half = counts["stuck"] + counts["orphaned"]
    assert (half, counts["whole"]) == ((0, 1) if durable else (1, 0))


@pytest.mark.parametrize("style", [conducted, commanded], ids=["calls", "commands"])
def test_one_that_remembers_asks_nobody_twice_whenever_it_goes_down(style):
    """At each millisecond of an order's life it crashes once, and every step is done once."""
    calm = run(style(process()), ONE)
    for moment in range(1, int(max(calm.table.settled))):
        result = run(style(process()), ONE, faults=Crash("orders", at=moment, lasting=30))
        done = Counter(effect.name for effect in result.effects)
        assert done == {"reserve": 1, "charge": 1, "ship": 1} or (moment <= 1 and not done), moment
