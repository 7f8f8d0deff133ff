"""The naive way: each calls the next, and undoes its own part where that fails."""

import pytest

from rehearsal import (
    Errors,
    Evenly,
    ModelError,
    Process,
    Refused,
    Retry,
    Step,
    System,
    Times,
    chain,
    orchestrate,
    run,
    sec,
)  # fmt: skip
from rehearsal.traffic import traffic
from tests.processes import branched, sequence, services, step
from tests.systems import rows
from tests.test_monolith import broken_undo, left

CALM = Evenly("order", every=1 * sec, count=20)
ONE = Times("order", at=[0])


def test_a_chain_holds_everybody_until_the_last_has_answered():
    result = run(chain(sequence(services(takes=10, network=0.0))), Evenly("order", every=1000, count=1))
    assert [(row.target, row.ended) for row in rows(result)] == [
        ("inventory", 1030),
        ("payment", 1030),
        ("shipping", 1030),
    ]
    with pytest.raises(ModelError, match="a chain is a sequence"):
        chain(branched(services()))


def test_a_chain_undoes_on_the_way_back():
    fates = run(chain(sequence(services(refuses={"ship": 2}))), CALM).fates()
    assert fates == ["on time", "compensated"] * 10


# Conditions


@pytest.mark.parametrize("last", [False, True], ids=["in the middle", "at the end"])
def test_a_step_that_does_not_apply_costs_nothing_and_stops_nobody(last):
    """Every second order needs no charge: whoever comes before asks for the one after, and so does a conductor."""
    shop = services(takes=10, network=0.0)
    steps = [step(shop, "reserve"), step(shop, "charge", after="reserve", when=lambda order: order.number % 2)]
    process = Process("order", steps if last else [*steps, step(shop, "ship", after="charge")])
    result = run(chain(process), CALM)
    ended = [b - a for a, b in zip(result.table.offered, result.table.settled, strict=True)]
    assert ended == ([10, 20] if last else [20, 30]) * 10
    assert [e.request for e in result.effects if e.name == "charge"] == list(range(1, 20, 2))
    conducted = run(orchestrate(process), CALM)
    assert [(e.at, e.request, e.name) for e in result.effects] == [(e.at, e.request, e.name) for e in conducted.effects]


def test_two_conditions_in_a_row_are_passed_over_together():
    shop = services(takes=10, network=1.0)
    process = Process("order", [
        step(shop, "reserve"), step(shop, "charge", after="reserve", when=lambda order: order.number == 1),
        step(shop, "notify", after="charge", when=lambda order: order.number == 2), step(shop, "ship", after="notify"),
    ])  # fmt: skip
    result = run(chain(process), Evenly("order", every=1 * sec, count=3))
    asked = [[row.name for row in rows(result, request=n, kind="call")] for n in range(3)]
    assert asked == [["ship"], ["charge", "ship"], ["notify", "ship"]]
    assert traffic(result)["messages"].item() == (2 + 4 + 4) / 3


def test_nobody_stands_before_the_first_link_to_look_whether_it_is_needed():
    shop = services()
    with pytest.raises(ModelError, match="nobody stands before reserve in a chain"):
        chain(Process("order", [step(shop, "reserve", when=lambda order: True)]))
    with pytest.raises(ModelError, match="nobody stands before reserve in a chain"):
        chain(Process("order", [step(shop, "reserve", optional=True)]))


# What fails


def test_an_optional_step_that_cannot_be_done_stops_nobody():
    shop = services(takes=10, refuses={"notify": 1})
    steps = [step(shop, "reserve", undo="release"), step(shop, "notify", after="reserve", optional=True)]
    result = run(chain(Process("order", steps)), ONE)
    assert (result.fates(), left(result)) == (["on time"], {"reserve": 1})


def test_an_undo_that_fails_is_tried_again():
    result = broken_undo(lasting=500, style=chain)
    assert (result.fates(), left(result)) == (["compensated"], {})


def test_an_undo_that_goes_on_failing_is_parked_for_a_person_and_the_others_are_done():
    result = broken_undo(lasting=3600 * sec, style=chain)
    assert (result.fates(), left(result)) == (["parked"], {"charge": 1})
    assert [(one.service, one.why.partition(":")[0]) for one in result.parked] == [("payment", "refund failed")]


def test_who_is_asked_again_after_it_has_undone_its_part_does_it_again():
    """Shipping fails at each of payment's three attempts; then inventory asks payment again, and shipping is well."""
    system = chain(sequence(services(takes=10, network=1.0)), retry=Retry(2, wait=100))
    result = run(system, ONE, faults=Errors("shipping", 1.0, at=0, lasting=300))
    story = [(effect.name, effect.amount) for effect in result.effects]
    assert story == [("reserve", 1), ("charge", 1), ("charge", -1), ("charge", 1), ("ship", 1)]
    assert result.fates() == ["on time"]


def test_a_chain_cannot_tell_what_is_beyond_a_pivot():
    with pytest.raises(ModelError, match="cannot know whether charge is done: no pivot in a chain"):
        chain(Process("order", sequence(services()).steps.values(), pivot="charge"))


def test_each_undoes_its_own_part():
    shop = System("shop")
    reserve = shop.service("inventory").operation(name="reserve")(lambda ctx, order: None)
    release = shop.service("desk").operation(name="release", undoes="reserve")(lambda ctx, order: None)
    with pytest.raises(ModelError, match=r"desk\.release is not at inventory"):
        chain(Process("order", [Step(reserve, undo=release)]))


def test_undos_of_one_name_undo_each_its_own_step():
    shop, steps, before = System("shop", network=1.0), [], ()
    for place, name in (("inventory", "reserve"), ("payment", "charge"), ("shipping", "ship")):

        def body(ctx, order, name=name):
            if name == "ship":
                raise Refused("no")

        home = shop.service(place)
        work = home.operation(name=name)(body)
        cancel = home.operation(name="cancel", undoes=name)(lambda ctx, order: None)
        steps.append(Step(work, undo=cancel, after=before))
        before = name
    result = run(chain(Process("order", steps)), ONE)
    assert (result.fates(), left(result)) == (["compensated"], {})


def test_what_an_operation_says_of_itself_it_says_in_a_chain():
    shop = System("shop")
    tell = {"publishes": "stock.low", "idempotent": True, "work": "take"}
    reserve = shop.service("inventory").operation(name="reserve", **tell)(
        lambda ctx, order: ctx.publish("stock.low", order)
    )
    ship = shop.service("shipping").operation(name="ship")(lambda ctx, order: None)
    shop.service("desk").on("stock.low")(lambda ctx, order: None)
    link = chain(Process("order", [Step(reserve), Step(ship, after=reserve)])).find("reserve")
    assert (link.publishes, link.idempotent, link.work) == (("stock.low",), True, "take")
