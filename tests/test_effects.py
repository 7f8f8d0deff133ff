"""The census of effects: what is left of each request in the world, against what was told."""

import pytest

from rehearsal import Constant, CrashAt, Evenly, Refused, System, Times, choreograph, orchestrate, run
from rehearsal.effects import DAMAGE, MEANING, WOUNDS, Usual, damage, expected, tally, totals, usual, wounds, wounds_of
from tests.processes import sequence, services

BOTH = ("paid", "sent")


def effect(*names, **amounts):
    """Return a body that does these effects, then publishes that it is done."""

    def body(ctx, order):
        for name, amount in [*((name, 1) for name in names), *amounts.items()]:
            ctx.effect(name, amount)
        ctx.publish("order.done", order)

    return body


def then(end, *names, **amounts):
    """Return a body that does these effects, and then something else than telling that it is done."""

    def body(ctx, order):
        for name, amount in [*((name, 1) for name in names), *amounts.items()]:
            ctx.effect(name, amount)
        end(ctx, order)

    return body


def no(ctx, order):
    raise Refused("no")


def silence(ctx, order):
    pass


def person(ctx, order):
    ctx.park("look at it")


def a_shop(*bodies):
    """Return a system in which the n-th order meets the n-th body; it is done when "order.done" is published."""
    shop = System("shop")

    def place(ctx, order):
        return bodies[order.number](ctx, order)

    front = shop.service("front", workers=99)
    shop.accepts("order", front.operation(publishes="order.done")(place), done="order.done")
    return shop


def kinds(*bodies, expects=BOTH, **how):
    done = run(a_shop(*bodies), Times("order", at=[10.0 * n for n in range(len(bodies))]), **how)
    return [one.kind for one in wounds_of(done, expects)]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("whole", effect("paid", "sent")),
        ("undone", then(no)),
        ("orphaned", then(no, "paid")),
        ("missing", effect("paid")),
        ("duplicated", effect("paid", "paid", "sent")),
        ("over-undone", effect("sent", paid=-1)),
        ("unreported", then(no, "paid", "sent")),
        ("unreported", then(silence, "paid", "sent")),  # nobody hears of it, and it is done
        ("stuck", then(silence, "paid")),
        ("lost", then(silence)),
        ("parked", then(person, "paid")),
    ],
)
def test_each_kind_of_damage(kind, body):
    assert kinds(body) == [kind]


def test_what_is_still_under_way_is_open_whatever_it_has():
    shop = System("slow shop")

    def place(ctx, order):
        ctx.effect("paid", 2)
        yield ctx.sleep(100)

    shop.accepts("order", shop.service("front").operation()(place))
    assert [one.kind for one in wounds_of(run(shop, Times("order", at=[0]), until=50), "paid")] == ["open"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("duplicated", then(person, "paid", "paid")),  # the person may not see that one
        ("duplicated", then(no, "paid", "paid")),
        ("duplicated", then(silence, "paid", "paid", sent=-1)),
        ("over-undone", then(person, paid=-1)),
        ("parked", then(person)),
    ],
)
def test_of_several_kinds_the_first_wins(kind, body):
    assert kinds(body) == [kind]


def test_done_and_undone_again_leaves_nothing():
    assert kinds(then(no, "paid", "sent"), then(no, "paid")) == ["unreported", "orphaned"]

    def undone(ctx, order):
        for amount in (1, -1):
            ctx.effect("paid", amount)
        raise Refused("no")

    assert kinds(undone) == ["undone"]


def test_every_request_has_exactly_one_kind_and_the_counts_add_up():
    bodies = [effect("paid", "sent"), then(no), then(no, "paid"), effect("paid"), then(silence), then(person)] * 3
    done = run(a_shop(*bodies), Times("order", at=[10.0 * n for n in range(len(bodies))]))
    counts = tally(done, BOTH)
    assert list(counts) == list(DAMAGE) == list(MEANING) and sum(counts.values()) == 18
    assert {kind: n for kind, n in counts.items() if n} == dict.fromkeys(
        ["whole", "undone", "orphaned", "missing", "lost", "parked"], 3
    )


# What a request should have


def test_a_process_says_what_its_requests_should_have():
    shop = orchestrate(sequence(services()))
    done = run(shop, Evenly("order", every=1000, count=1))
    assert expected(done, 0) == {"reserve": None, "charge": None, "ship": None}


def test_without_a_process_it_is_what_those_have_that_ended_well():
    done = run(a_shop(effect("paid", "sent"), effect("paid"), then(no, "note")), Times("order", at=[0, 10, 20]))
    assert list(expected(done, 1)) == ["paid", "sent"]
    assert tally(done)["missing"] == 1


def test_a_reader_can_say_names_amounts_or_a_function_of_the_payload():
    bodies = effect(paid=250), effect(paid=250)
    done = run(a_shop(*bodies), Times("order", at=[0, 10], attributes={"price": Constant(250)}))
    assert tally(done, "paid")["whole"] == 2  # once is what was paid first
    assert tally(done, {"paid": 250})["whole"] == 2
    assert tally(done, {"paid": 300})["missing"] == 2
    assert tally(done, {"paid": 125})["duplicated"] == 2
    assert tally(done, lambda order: {"paid": order.price})["whole"] == 2


def test_once_is_the_amount_that_was_done_first():
    def twice(ctx, order):
        for _ in range(2):
            ctx.effect("paid", 250)
        ctx.publish("order.done", order)

    assert kinds(effect(paid=250), twice, expects="paid") == ["whole", "duplicated"]


def test_an_amount_below_zero_is_expected_like_any_other():
    """What leaves an account is no undo: half of it is missing, two of it are one too many."""
    move = {"from": -250, "to": 250}
    assert kinds(effect(**move), effect("to"), effect("to", **{"from": 9}), expects=move) == [
        "whole", "missing", "over-undone",
    ]  # fmt: skip
    assert kinds(then(no, **move), then(no, **{"from": -250}), expects=move) == ["unreported", "orphaned"]

    def twice(ctx, order):
        for amount in (-250, 250, -250):
            ctx.effect("from" if amount < 0 else "to", amount)
        ctx.publish("order.done", order)

    assert kinds(twice, effect("to"), expects=move) == ["duplicated", "missing"]
    assert kinds(effect(**move), effect(**{"from": -9, "to": 9}), expects=None) == ["whole", "whole"]
    assert kinds(effect(**move), then(no, **{"from": -9}), expects=None) == ["whole", "orphaned"]


def test_nothing_is_expected_of_what_is_free():
    free = {"paid": 0, "sent": None}
    assert kinds(effect("sent"), effect("paid", "sent"), then(no), expects=free) == ["whole", "duplicated", "undone"]


def test_the_last_digits_of_a_sum_do_no_damage():
    assert kinds(effect(paid=0.1 + 0.2), expects={"paid": 0.3}) == ["whole"]


def test_where_nobody_ended_well_nobody_knows_that_all_is_there():
    """So what is left of a bad end is a part of it: orphaned, not unreported."""
    done = run(a_shop(then(no, "paid"), then(no, "paid", "sent")), Times("order", at=[0, 10]))
    assert tally(done)["orphaned"] == 2 and list(expected(done, 0)) == ["paid", "sent"]
    known = run(a_shop(then(no, "paid"), effect("paid")), Times("order", at=[0, 10]))
    assert tally(known)["unreported"] == 1


def test_what_a_calm_run_has_tells_what_each_request_should_have():
    """Its own, where it ended well there; else what others of its kind have that did."""
    load = Times("order", at=[0, 10, 20])
    calm = run(a_shop(effect("paid"), effect("paid", "sent"), then(no)), load)
    told = usual(calm)
    assert [told(calm.payload(row)) for row in range(3)] == [
        {"paid": None}, {"paid": None, "sent": None}, {"paid": None, "sent": None},
    ]  # fmt: skip
    struck = run(a_shop(effect("paid"), effect("paid"), then(no, "paid", "sent")), load)
    assert [one.kind for one in wounds_of(struck, told)] == ["whole", "missing", "unreported"]
    assert repr(told) == "Usual(what each request has in the calm run)" and isinstance(told, Usual)
    assert usual(run(a_shop(then(no, "paid")), Times("order", at=[0])))(calm.payload(0)) is None


def test_what_is_there_twice_in_the_calm_run_is_twice_too_much():
    """A guess tells what is missing; it is no excuse."""
    done = run(a_shop(effect("paid", "paid")), Times("order", at=[0]))
    assert [one.kind for one in wounds_of(done, usual(done))] == ["duplicated"]


def test_a_process_knows_better_than_its_calm_run():
    assert usual(run(orchestrate(sequence(services())), Times("order", at=[0]))) is None


# Frames


def test_damage_has_a_row_a_kind_and_shares_of_what_was_offered():
    calm = run(a_shop(effect("paid", "sent"), effect("paid", "sent")), Times("order", at=[0, 10]))
    sick = run(a_shop(effect("paid", "sent"), then(no, "paid")), Times("order", at=[0, 10]))
    frame = damage(calm=calm, sick=sick, expects=BOTH)
    assert list(frame.index) == list(DAMAGE)
    assert list(frame["sick", "count"][["whole", "orphaned"]]) == [1, 1]
    assert list(frame["calm", "share"][["whole", "orphaned"]]) == [1.0, 0.0]
    assert list(damage(calm, expects=BOTH).columns) == ["count", "share"]
    with pytest.raises(TypeError, match="at least one run"):
        damage()


def test_wounds_say_which_request_in_which_effects_since_when():
    def slowly(ctx, order):
        for pause in (5, 7):
            yield ctx.sleep(pause)
            ctx.effect("paid")
        ctx.effect("sent")
        yield ctx.sleep(20)
        ctx.publish("order.done", order)

    bodies = slowly, effect("paid", "sent"), effect("paid")
    shop = System("shop")

    @shop.service("front", workers=9).operation(publishes="order.done")
    def place(ctx, order):
        if order.number == 0:
            yield from slowly(ctx, order)
        else:
            bodies[order.number](ctx, order)

    shop.accepts("order", place, done="order.done")
    frame = wounds(run(shop, Times("order", at=[0, 10, 20])), BOTH)
    assert list(frame.itertuples(name=None)) == [(0, "duplicated", ("paid",), 12.0), (2, "missing", ("sent",), 20.0)]
    assert set(frame.kind) <= set(WOUNDS)


def test_a_wound_that_healed_does_not_count():
    def mended(ctx, order):
        for amount in (1, 1, -1):
            ctx.effect("paid", amount)
        ctx.publish("order.done", order)

    assert kinds(mended, expects="paid") == ["whole"]


# In both styles


def test_the_third_moment_of_a_crash_charges_twice_where_events_are_delivered_again():
    """A time-out in a conducted order undoes; a delivery that is made again does it twice."""
    load = Evenly("order", every=1000, count=1)
    crashes = {orchestrate: "charge", choreograph: "reserve.done"}
    found = {}
    for style, word in crashes.items():
        shop = style(sequence(services(network=1, takes=10)))
        struck = run(shop, load, faults=[CrashAt("payment", word, "after", lasting=100)])
        found[style] = [one.kind for one in wounds_of(struck)]
        assert totals(struck.effects)[0]["charge"] == {orchestrate: 0, choreograph: 2}[style]
    assert found == {orchestrate: ["undone"], choreograph: ["duplicated"]}


def test_what_nobody_expects_is_no_damage_where_it_is_left():
    """A note about a failed order is no half of it; but twice is twice."""
    assert kinds(then(no, "noted"), then(no, "noted", "noted"), then(silence, "noted")) == [
        "undone", "duplicated", "lost",
    ]  # fmt: skip
