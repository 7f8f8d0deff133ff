"""Invariants: what has to hold at any moment, and at the end."""

import pytest

from rehearsal import Crash, CrashAt, Refused, System, Times, choreograph, orchestrate, run
from rehearsal.invariants import (
    Broken,
    all_or_nothing,
    always,
    as_told,
    check,
    conserved,
    first_breach,
    never_twice,
    nobody_parked,
    nobody_waits,
    nothing_negative,
    only_with,
    returns,
)
from tests.processes import sequence, services

ONE = Times("order", at=[0])


def doing(*effects, end=None):
    """Return a system whose order enters these effects, (name, amount) each, 10 ms apart, and then ends so."""
    shop = System("shop")

    @shop.service("front").operation()
    def place(ctx, order):
        for name, amount in effects:
            yield ctx.sleep(10)
            ctx.effect(name, amount)
        if end is not None:
            yield from end(ctx)

    shop.accepts("order", place)
    return shop


def refuse(ctx):
    yield ctx.sleep(10)
    raise Refused("no")


def park(ctx):
    yield ctx.sleep(10)
    ctx.park("look")


def said(invariant, *effects, end=None, **how):
    breach = first_breach(doing(*effects, end=end), ONE, invariant, **how)
    return breach and (breach.said, breach.at)


@pytest.mark.parametrize(
    ("invariant", "effects", "words"),
    [
        # At the moment at which it breaks, though all is well again later
        (never_twice, [("paid", 1), ("paid", 1), ("paid", -1)], ("request 0 has paid 2 times", 20)),
        (never_twice, [("paid", 250), ("sent", 1)], None),
        (nothing_negative, [("paid", -1), ("paid", 1)], ("request 0 has paid undone that was not done", 10)),
        (nothing_negative, [("paid", 1), ("paid", -1)], None),
        (only_with("sent", "paid"), [("sent", 1), ("paid", 1)], ("request 0 has sent without paid", 10)),
        (only_with("sent", "paid"), [("paid", 1), ("sent", 1)], None),
        # At the end
        (conserved("account", "till"), [("account", -5), ("till", 5)], None),
        (
            conserved("account", "till"),
            [("account", -5), ("till", 4)],
            ("request 0 has -1 left over of account and till", 20),
        ),
    ],
)
def test_what_holds_for_the_effects(invariant, effects, words):
    assert said(invariant, *effects) == words


@pytest.mark.parametrize(
    ("invariant", "effects", "end", "words"),
    [
        (all_or_nothing, [("paid", 1)], None, "request 0 is half-done: paid ×1, but no sent"),
        (all_or_nothing, [("paid", 1)], refuse, "request 0 is half-done: paid ×1, but no sent"),
        (all_or_nothing, [("paid", 1), ("sent", 1)], refuse, None),
        (
            all_or_nothing,
            [("paid", 1), ("paid", -1)],
            None,
            "request 0 was told to be done, and nothing is: no paid, sent",
        ),
        (all_or_nothing, [], refuse, None),
        (all_or_nothing, [("paid", 1)], park, None),  # a person will mend it
        (
            as_told,
            [("paid", 1), ("sent", 1)],
            refuse,
            "request 0 is unreported: every effect is there, and the client was told that it failed, or nothing",
        ),
        (as_told, [], refuse, None),
        (returns("paid"), [("paid", 1)], refuse, "request 0 is orphaned, and its paid did not come back"),
        (returns("paid"), [("paid", 1), ("paid", -1)], refuse, None),
        (returns("paid"), [("paid", 1)], None, None),
        (nobody_parked, [], park, "request 0 waits for a person: look"),
        (nobody_parked, [], refuse, None),
    ],
)
def test_what_holds_at_the_end(invariant, effects, end, words):
    found = said(invariant, *effects, end=end, expects=("paid", "sent"))
    assert (found and found[0]) == words


def test_nobody_waits_for_ever_nor_is_still_under_way():
    struck = run(doing(("paid", 1)), ONE, faults=[Crash("front", at=0, arrivals="ignored")])
    assert nobody_waits(struck) == "request 0 waits for ever: it is stuck"
    assert nobody_waits(run(doing(("paid", 1)), ONE, until=5)) == "request 0 is still open at the end"
    assert nobody_waits(run(doing(("paid", 1)), ONE)) is None


def test_a_reader_writes_an_invariant_as_a_plain_function():
    """A mark says that it holds at any moment; else it is asked at the end."""

    def at_most_one(moment):
        total = sum(one.amount for one in moment.effects if one.name == "paid")
        return f"{total} paid" if total > 1 else None

    twice_and_back = [("paid", 1), ("paid", 1), ("paid", -1)]
    assert said(at_most_one, *twice_and_back) is None
    assert said(always(at_most_one), *twice_and_back) == ("2 paid", 20)


def test_an_invariant_may_look_at_the_memory_of_services():
    shop = System("shop")

    @shop.service("inventory", state={"stock": 1}).operation()
    def reserve(ctx, order):
        ctx.state["stock"] -= 1
        ctx.effect("reserve")

    shop.accepts("order", reserve)

    @always
    def stock_is_real(moment):
        return "sold what is not there" if moment.states["inventory"]["stock"] < 0 else None

    breach = first_breach(shop, Times("order", at=[0, 10, 20]), stock_is_real)
    assert (breach.said, breach.at, breach.request, breach.invariant) == (
        "sold what is not there", 10, 1, "stock is real",
    )  # fmt: skip


def test_a_sentence_may_say_of_which_request_it_speaks():
    breach = first_breach(doing(("paid", 1)), Times("order", at=[0, 5]), lambda run: Broken("is ill", 1))
    assert (breach.request, breach.said) == (1, "request 1 is ill")


def test_check_asks_all_at_the_end_in_order():
    done = run(doing(("paid", 1), ("paid", 1), ("sent", -1)), ONE)
    assert [b.invariant for b in check(done, [nothing_negative, nobody_waits, never_twice])] == [
        "nothing negative", "never twice",
    ]  # fmt: skip
    assert check(done, nobody_waits) == []
    assert str(check(done, never_twice)[0]) == "never twice: request 0 has paid 2 times, at 30 ms"


def test_a_breach_names_the_message_and_holds_the_run():
    """The delivery that is made again after the crash is the one that charges twice."""
    shop = choreograph(sequence(services(network=1, takes=10)))
    crash = CrashAt("payment", "reserve.done", "after", lasting=100)
    breach = first_breach(shop, ONE, [nobody_waits, never_twice], faults=[crash])
    span = breach.run.spans().loc[breach.span]
    assert (span["name"], span.target, span.attempt, span.ended) == ("reserve.done", "payment", 2, breach.at)


def test_calm_runs_of_both_styles_keep_them_all():
    invariants = [
        all_or_nothing, as_told, never_twice, nothing_negative, nobody_waits, nobody_parked,
        only_with("ship", "charge"), returns("reserve"),
    ]  # fmt: skip
    for style in (orchestrate, choreograph):
        for refuses in ({}, {"ship": 2}):
            shop = style(sequence(services(refuses=refuses)))
            assert first_breach(shop, Times("order", at=[0, 50, 100]), invariants, seed=7) is None
