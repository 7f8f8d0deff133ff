"""One program: the parts share its workers and its fate, and keep their names, their pace and their memory."""

import pytest

from rehearsal import (
    Crash,
    CrashAt,
    Errors,
    Evenly,
    Failed,
    Process,
    Refused,
    Retry,
    Slow,
    Step,
    System,
    Times,
    monolith,
    orchestrate,
    run,
    sec,
)  # fmt: skip
from tests.processes import sequence, services, step
from tests.systems import rows

CALM = Evenly("order", every=1 * sec, count=20)
ONE = Times("order", at=[0])
TAIL = Retry(3, wait=100)


def left(result):
    """Return {effect: what is left of it} of the first order."""
    found: dict = {}
    for effect in result.effects:
        if effect.request == 0:
            found[effect.name] = found.get(effect.name, 0) + effect.amount
    return {name: amount for name, amount in found.items() if amount}


def test_a_part_of_a_monolith_goes_down_with_the_whole_and_is_slow_by_itself():
    system = monolith(sequence(services(takes=10)))
    down = run(system, CALM, faults=[Crash("payment", at=2500, lasting=1000)])
    assert [o.service for o in down.outages] == ["monolith"] and down.fates().count("rejected") == 1
    slow = run(system, CALM, faults=[Slow("payment", 5)])
    assert {b - a for a, b in zip(slow.table.offered, slow.table.settled, strict=True)} != {30}
    took = {row.name: round(row.ended - row.started, 6) for row in rows(slow, request=0, kind="work")}
    assert took == {"reserve": 10, "charge": 50, "ship": 10}


@pytest.mark.parametrize(("moment", "charged"), [("before", 0), ("during", 0), ("after", 1)])
def test_work_on_a_part_takes_the_whole_down_at_any_of_its_moments(moment, charged):
    system = monolith(sequence(services(takes=10)))
    result = run(system, CALM, faults=[CrashAt("payment", "charge", moment, 2, lasting=50)])
    assert [o.service for o in result.outages] == ["monolith"] and result.fates()[1] == "failed"
    assert sum(e.amount for e in result.effects if (e.request, e.name) == (1, "charge")) == charged


def test_a_durable_whole_does_nothing_while_it_is_down():
    system = monolith(sequence(services(takes=10)))
    system.services["monolith"].durable = True
    result = run(system, ONE, faults=[Crash("payment", at=15, lasting=100)])
    assert [round(e.at) for e in result.effects] == [10, 115, 125]


def test_a_monolith_has_the_workers_of_all_its_parts():
    assert monolith(sequence(services())).services["monolith"].workers == 6
    whole = monolith(sequence(services()), replicas=3).services["monolith"]
    assert (whole.workers, whole.replicas) == (6, 3)


# Memory


def shelf(stock):
    """Return a process that reserves what is in stock at the start."""
    shop = System("shop", network=1.0)

    @shop.service("inventory", workers=2, state={"stock": stock}).operation(takes=10)
    def reserve(ctx, order):
        if ctx.state["stock"] < 1:
            raise Refused("sold out")
        ctx.state["stock"] -= 1

    return Process("order", [Step(reserve)])


@pytest.mark.parametrize("at", ["monolith", "inventory"])
def test_a_part_begins_with_the_memory_that_its_service_has(at):
    system = monolith(shelf(stock=3), at=at)
    for _ in range(2):  # a run leaves nothing behind for the next
        result = run(system, Evenly("order", every=1 * sec, count=5))
        assert result.fates() == ["on time"] * 3 + ["refused"] * 2
        assert result.states["inventory"]["stock"] == 0


def test_what_is_done_once_for_a_request_is_done_for_each_request():
    shop = System("shop")
    reserve = shop.service("inventory").operation(idempotent=True, name="reserve")(lambda ctx, order: None)
    result = run(monolith(Process("order", [Step(reserve)])), Evenly("order", every=10, count=3))
    assert [effect.request for effect in result.effects] == [0, 1, 2]


# Names


def test_undos_of_one_name_undo_each_its_own_step():
    shop = System("shop", network=1.0)
    names = {"inventory": "reserve", "payment": "charge"}
    undos = {}
    for place, name in names.items():
        home = shop.service(place)
        home.operation(name=name)(lambda ctx, order: None)
        undos[name] = home.operation(name="cancel", undoes=name)(lambda ctx, order: None)

    @shop.service("shipping").operation()
    def ship(ctx, order):
        raise Refused("no")

    steps = [Step(shop.find(name), undo=undos[name]) for name in names.values()]
    result = run(monolith(Process("order", [*steps, Step(ship, after=("reserve", "charge"))])), ONE)
    assert (result.fates(), left(result)) == (["compensated"], {})
    assert [row.name for row in rows(result, kind="work")][3:] == ["payment.cancel", "inventory.cancel"]


def test_a_step_may_have_the_name_of_the_way_in():
    shop = System("shop", network=1.0)
    place = shop.service("warehouse").operation(takes=10, name="place")(lambda ctx, order: None)
    result = run(monolith(Process("order", [Step(place)])), ONE)
    assert (result.fates(), [effect.name for effect in result.effects]) == (["on time"], ["place"])


# What fails


def test_an_optional_step_that_cannot_be_done_stops_nobody():
    shop = services(takes=10, refuses={"notify": 1})
    process = Process("order", [
        step(shop, "reserve", undo="release"), step(shop, "notify", after="reserve", optional=True),
        step(shop, "ship", after="reserve"),
    ])  # fmt: skip
    for style in (monolith, orchestrate):
        result = run(style(process), ONE)
        assert (result.fates(), left(result)) == (["on time"], {"reserve": 1, "ship": 1})


def turning(tail=TAIL, **how):
    """Return the sequence with `charge` as its pivot, as one program."""
    process = sequence(services(takes=10, network=1.0, **how))
    return monolith(Process("order", process.steps.values(), pivot="charge", tail=tail))


def test_beyond_the_pivot_a_failure_is_tried_again_and_nothing_is_undone():
    result = run(turning(), ONE, faults=Errors("shipping", 1.0, at=0, lasting=200))
    tries = [(row.started, row.outcome) for row in rows(result, name="ship")]
    assert (result.fates(), left(result)) == (["on time"], {"reserve": 1, "charge": 1, "ship": 1})
    # Two works and the hop of the request; then each try takes 10 ms, and 100 ms pass before the next.
    assert tries == [(21, "failed"), (131, "failed"), (241, "ok")]


@pytest.mark.parametrize(("how", "tries"), [({"refuses": {"ship": 1}}, 1), ({}, 4)], ids=["refused", "failed"])
def test_beyond_the_pivot_what_cannot_be_done_is_left_to_a_person(how, tries):
    result = run(turning(**how), ONE, faults=[] if how else Errors("shipping", 1.0))
    assert (result.fates(), left(result)) == (["parked"], {"reserve": 1, "charge": 1})
    assert len(rows(result, name="ship")) == tries
    assert [one.why.partition(":")[0] for one in result.parked] == ["no way back after charge"]


def test_what_is_tried_again_is_what_the_process_says():
    result = run(turning(tail=Retry(3, on="timeout")), ONE, faults=Errors("shipping", 1.0))
    assert (result.fates(), len(rows(result, name="ship"))) == (["parked"], 1)


def test_before_the_pivot_a_failure_is_undone_as_ever():
    result = run(turning(refuses={"charge": 1}), ONE)
    assert (result.fates(), left(result)) == (["compensated"], {})


def broken_undo(lasting, style=monolith):
    """Return the run in which shipping refuses, and payment cannot refund for a while."""
    shop = services(takes=10, network=1.0, refuses={"ship": 1})
    return run(style(sequence(shop)), ONE, faults=Errors("payment", 1.0, at=25, lasting=lasting))


def test_an_undo_that_fails_is_tried_again():
    result = broken_undo(lasting=500)
    assert (result.fates(), left(result)) == (["compensated"], {})


def test_an_undo_that_goes_on_failing_is_parked_for_a_person_and_the_others_are_done():
    result = broken_undo(lasting=3600 * sec)
    assert (result.fates(), left(result)) == (["parked"], {"charge": 1})
    assert [one.why.partition(":")[0] for one in result.parked] == ["refund failed"]


def test_the_client_is_told_what_went_wrong():
    told = []

    def asking(style):
        system = style(sequence(services(takes=10, refuses={"ship": 1})))
        entry = system.entries["order"].operation

        @system.service("till").operation()
        def ask(ctx, order):
            try:
                yield ctx.call(entry, order)
            except (Refused, Failed) as problem:
                told.append(repr(problem))

        system.accepts("order", ask)
        run(system, ONE)

    asking(monolith), asking(orchestrate)
    assert told == ["Refused('no ship')"] * 2
