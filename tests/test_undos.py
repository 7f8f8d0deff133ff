"""What an undo found: it was undone, or there was nothing to undo; the fate of the request tells, in every style."""

from functools import partial

import pytest

from rehearsal import (
    CrashAt,
    Duplicate,
    Failed,
    Process,
    System,
    Times,
    blend,
    chain,
    choreograph,
    monolith,
    ms,
    orchestrate,
    run,
)
from tests.processes import sequence, services, step

ONE = Times("order", at=[0])
STYLES = {
    "calls": orchestrate, "together": partial(orchestrate, undos="together"),
    "commands": partial(orchestrate, by="commands"), "events": choreograph, "blend": partial(blend, events=["ship"]),
    "monolith": monolith, "chain": chain,
}  # fmt: skip
each_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


def ends(style, faults=(), **how):
    """Return the fate of one order, and its effects in order."""
    result = run(style(sequence(services(network=1, takes=10, **how))), ONE, faults=faults)
    return result.fates()[0], [(effect.name, effect.amount) for effect in result.effects]


@each_style
def test_who_was_refused_at_once_is_refused_and_who_has_something_undone_compensated(style):
    assert ends(style, refuses={"reserve": 1}) == ("refused", [])
    assert ends(style, refuses={"charge": 1}) == ("compensated", [("reserve", 1), ("reserve", -1)])


@pytest.mark.parametrize("twice", [False, True], ids=["the answer is lost", "asked twice"])
@pytest.mark.parametrize("name", ["calls", "together", "commands", "events", "blend"])
def test_what_was_undone_stays_undone_though_it_is_asked_for_again(name, twice):
    """Whoever asks once more finds nothing, and hears what the first would have heard."""
    lost = CrashAt("inventory", "release", "after", lasting=5)
    asks = "broker" if name in ("commands", "events") else "orders"
    again = Duplicate((asks, "inventory"), ways="there")
    fate, effects = ends(STYLES[name], again if twice else lost, refuses={"charge": 1})
    assert (fate, effects.count(("reserve", -1))) == ("compensated", 1)


@each_style
def test_an_undo_may_say_itself_that_there_is_nothing_to_undo(style):
    """Of what its operation finds nothing of, no effect is taken back."""
    shop = System("shop", network=1 * ms)
    here = shop.service("here", workers=3)
    look = here.operation(name="look")(lambda ctx, order: None)

    @here.operation(undoes="look")
    def forget(ctx, order):
        return False

    @here.operation()
    def fail(ctx, order):
        raise Failed("no luck")

    process = Process("order", [step(shop, "look", undo="forget"), step(shop, "fail", after="look")])
    assert look.name == "look"
    result = run(style(process) if style is not STYLES["blend"] else blend(process, events=["fail"]), ONE)
    assert [effect.amount for effect in result.effects] == [1]
    assert result.fates()[0] != "compensated"


def test_work_done_by_hand_in_process_says_so_too():
    shop = System("by hand")
    here = shop.service("here")
    take = here.operation(name="take")(lambda ctx, order: None)
    found = here.operation(name="give back", undoes="take")(lambda ctx, order: order.number == 1)

    @here.operation()
    def place(ctx, order):
        yield ctx.work(take, order)
        yield ctx.work(found, order)
        raise Failed("no luck")

    shop.accepts("order", place)
    assert run(shop, Times("order", at=[0, 5])).fates() == ["failed", "compensated"]


@pytest.mark.parametrize("problem", ["refuses", "raises"])
@pytest.mark.parametrize("style", [s for name, s in STYLES.items() if name != "chain"],
                         ids=[name for name in STYLES if name != "chain"])  # fmt: skip
def test_an_optional_step_ends_nothing_beyond_the_pivot_either(style, problem):
    """Nobody insists on it: it is tried as often as anything, and left."""
    how = {"refuses": {"notify": 1}} if problem == "refuses" else {"raises": {"notify": RuntimeError}.items()}
    shop = services(network=1, takes=10, **how)
    steps = [step(shop, "charge", undo="refund"), step(shop, "notify", after="charge", optional=True)]
    steps += [step(shop, "ship", after="charge")]
    process = Process("order", steps, pivot="charge")
    result = run(style(process), ONE)
    assert result.fates() == ["on time"] and max(result.table.settled) < 100
