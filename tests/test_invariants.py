"""Invariants: what has to hold at any moment, and at the end."""

import re
from functools import partial

import pytest

from rehearsal import (
    Constant,
    Crash,
    CrashAt,
    ModelError,
    Refused,
    System,
    Times,
    choreograph,
    monolith,
    orchestrate,
    run,
)
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
    watched,
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


# An invariant never changes the run


@always
def share_of_shipped(moment):
    """Divide by zero after the first effect, and never again."""
    done = len(moment.effects)
    return "too many" if 1 / (done - 1) > 5 else None


def test_an_invariant_that_raises_ends_the_run_with_its_name_the_moment_and_the_faults():
    """It is no failure of the service whose effect it looks at: nobody undoes anything for it."""
    shop, faults = orchestrate(sequence(services(network=1, takes=10))), Crash("shipping", at=500, lasting=10)
    words = (
        r"orchestrated order: the invariant 'share of shipped' raised ZeroDivisionError: division by zero "
        r"\(at 12 ms, shipping down from 500 ms for 10 ms\)"
    )
    with pytest.raises(ModelError, match=words) as caught:
        first_breach(shop, ONE, [nobody_waits, share_of_shipped], faults=faults)
    assert isinstance(caught.value.__cause__.__cause__, ZeroDivisionError)


def test_a_handler_cannot_swallow_what_an_invariant_raises():
    shop = System("shop")

    @shop.service("front").operation()
    def place(ctx, order):
        try:
            ctx.effect("paid")
        except Exception:
            ctx.effect("hidden")

    shop.accepts("order", place)
    with pytest.raises(ModelError, match="raised KeyError: 'sent'"):
        first_breach(shop, ONE, always(lambda moment: moment.states["front"]["sent"]))


def test_one_that_raises_at_the_end_says_so_with_the_faults():
    struck = run(doing(("paid", 1)), ONE, faults=Crash("front", at=500, lasting=10))
    words = r"'broken' raised IndexError: .* \(at the end, front down from 500 ms for 10 ms\)"
    with pytest.raises(ModelError, match=words):
        check(struck, [nobody_waits, broken])


def broken(run):
    """Look for what is not there."""
    return run.effects[99]


@pytest.mark.parametrize("value", [True, False, 0, "", ["paid"]])
@pytest.mark.parametrize("mark", [always, lambda invariant: invariant], ids=["always", "at the end"])
def test_an_invariant_returns_none_or_a_sentence(mark, value):
    returns = "None where it holds, and a sentence where it does not"
    with pytest.raises(ModelError, match=f"'paid once' returned {re.escape(repr(value))}, .* {returns}"):

        def paid_once(run):
            return value

        first_breach(doing(("paid", 1)), ONE, mark(paid_once))


@pytest.mark.parametrize(
    ("invariants", "error", "words"),
    [
        ([], ValueError, "at least one invariant"),
        ("never_twice", ValueError, "at least one invariant is wanted, such as all_or_nothing, not 'never_twice'"),
        ([never_twice, 3], TypeError, "a function of a run, such as all_or_nothing, not 3"),
    ],
)
def test_what_is_no_invariant_is_turned_down(invariants, error, words):
    with pytest.raises(error, match=words):
        first_breach(doing(), ONE, invariants)


# At any moment


def through_the_cellar():
    """Return a system whose stock is below zero for 10 ms, and nobody enters an effect meanwhile."""
    shop = System("shop")

    @shop.service("inventory", workers=9, state={"stock": 0}).operation()
    def take(ctx, order):
        yield ctx.sleep(5)
        ctx.state["stock"] -= 1
        yield ctx.sleep(10)
        ctx.state["stock"] += 1
        ctx.effect("take")

    shop.accepts("order", take)
    return shop


@always
def stock_is_real(moment):
    """Break while the stock is below zero."""
    return "sold what is not there" if moment.states["inventory"]["stock"] < 0 else None


def test_a_moment_is_also_a_step_of_a_handler_without_an_effect():
    """And the breach knows whose step it was."""
    breach = first_breach(through_the_cellar(), Times("order", at=[0, 50]), stock_is_real)
    assert (breach.at, breach.request) == (5, 0)
    span = breach.run.spans().loc[breach.span]
    assert (span["name"], span.request) == ("take", 0)


def test_work_done_in_process_is_a_step_too():
    """At 11 ms the first part of the monolith has done its work, and the handler goes on with the next."""
    seen = []

    @always
    def look(moment):
        seen.append((moment.now, len(moment.effects)))

    assert first_breach(monolith(sequence(services(network=1, takes=10))), ONE, look) is None
    assert list(dict.fromkeys(seen)) == [(1, 0), (11, 1), (21, 2), (31, 3), (32, 3)]  # and once more at the end


def test_looking_at_every_step_changes_nothing():
    load = Times("order", at=[0, 7, 14])
    for style in (orchestrate, choreograph, monolith):
        shop = style(sequence(services(refuses={"ship": 2})))
        looked, _ = watched(shop, load, always(lambda moment: None), faults=Crash("payment", at=60, lasting=50))
        assert looked.spans().equals(run(shop, load, faults=Crash("payment", at=60, lasting=50)).spans())


def test_a_moment_shows_the_trace_so_far():
    @always
    def few_messages(moment):
        sent = [moment.trace.edges[moment.trace.edge[row]].name for row in range(len(moment.trace))]
        return f"the messages so far: {', '.join(sent)}" if len(sent) > 2 else None

    breach = first_breach(orchestrate(sequence(services(network=1, takes=10))), ONE, few_messages)
    assert (breach.said, breach.at) == ("the messages so far: place, reserve, charge", 13)


def test_a_moment_knows_what_was_asked_for():
    @always
    def paid_the_price(moment):
        prices = [(one, moment.payload(one.request).price) for one in moment.effects]
        return next((f"the price was {price}" for one, price in prices if one.amount != price), None)

    load = Times("order", at=[0, 5], attributes={"price": Constant(250)})
    assert first_breach(doing(("paid", 250)), load, paid_the_price) is None
    assert first_breach(doing(("paid", 100)), load, paid_the_price).said == "the price was 250"


def test_a_moment_says_what_it_cannot_know_yet():
    known = "effects, faults, loads, now, parked, seed, states, system, table, trace"
    with pytest.raises(ModelError, match=f"a moment of a run has no 'fates', only {known}: .* without @always"):
        first_breach(doing(("paid", 1)), ONE, always(lambda moment: moment.fates()))


# Names and expectations


def test_an_invariant_may_have_some_of_its_arguments_already():
    one = partial(all_or_nothing, expects=("paid", "sent"))
    breach = first_breach(doing(("paid", 1)), ONE, one, expects="paid")
    assert (breach.invariant, breach.said) == ("all or nothing", "request 0 is half-done: paid ×1, but no sent")
    twice = partial(never_twice, expects={"paid": 0.5})
    assert first_breach(doing(("paid", 1), ("paid", -1)), ONE, twice).at == 10  # marked as what it is made of

    def at_most(many, run):
        return "more effects than that" if len(run.effects) > many else None

    assert check(run(doing(("paid", 1)), ONE), partial(at_most, 0))[0].invariant == "at most"


def test_two_invariants_of_one_name_are_two():
    two = always(lambda moment: "one" if moment.effects else None), lambda run: "two"
    _, breaches = watched(doing(("paid", 1)), ONE, two)
    assert [breach.said for breach in breaches] == ["one", "two"]


def test_what_comes_in_parts_is_there_once_where_that_is_expected():
    parts = ("paid", 100), ("paid", 150)
    assert said(never_twice, *parts) == ("request 0 has paid 2.5 times", 20)
    assert said(never_twice, *parts, expects={"paid": 250}) is None
    assert said(never_twice, *parts, *parts, expects={"paid": 250}) == ("request 0 has paid 1.4 times", 30)
    assert said([all_or_nothing, never_twice], *parts, expects=lambda order: {"paid": 250}) is None


def test_what_leaves_an_account_is_no_undo_where_that_is_expected():
    """By name, an amount below zero; without, all_or_nothing sees it in the calm run, and nothing_negative asks."""
    moves = ("from", -250), ("to", 250)
    assert said([conserved("from", "to"), all_or_nothing], *moves) is None
    assert said(nothing_negative, *moves) == ("request 0 has from undone that was not done", 10)
    both = {"from": -250, "to": 250}
    assert said([nothing_negative, never_twice, all_or_nothing], *moves, expects=both) is None
    assert said(never_twice, *moves, ("from", -250), expects=both) == ("request 0 has from 2 times", 30)
    assert said(nothing_negative, ("from", 250), expects=both) == ("request 0 has from undone that was not done", 10)
    assert said(all_or_nothing, ("from", -250), expects=both)[0] == "request 0 is half-done: from ×-250, but no to"


def test_what_only_some_requests_have_is_not_missed_in_the_others():
    """Each request of a hand-written system is held against itself in the calm run, not against the others."""
    shop = System("shop")

    @shop.service("till").operation(takes=10)
    def pay(ctx, order):
        ctx.effect("pay")
        if order.number % 2:
            ctx.effect("wrap")

    shop.accepts("order", pay)
    assert first_breach(shop, Times("order", at=[0, 30]), all_or_nothing) is None


@pytest.mark.parametrize(
    ("effects", "words"),
    [
        ([("paid", 1)], "is orphaned"),  # nobody ended well, so nobody knows whether that is all
        ([("paid", 1), ("paid", 1)], "is duplicated"),
        ([("paid", 1), ("sent", 1), ("sent", 1)], "is duplicated"),
        ([("paid", 1), ("sent", 1), ("sent", -1), ("sent", -1)], "is over-undone"),
        ([("sent", 1), ("sent", 1)], None),
        ([("paid", 1), ("paid", 1), ("paid", -2)], None),
    ],
)
def test_what_is_left_of_an_order_that_was_refused_did_not_come_back(effects, words):
    told = words and f"request 0 {words}, and its paid did not come back"
    expects = None if len(effects) == 1 else ("paid", "sent", "noted")
    found = check(run(doing(*effects, end=refuse), ONE), returns("paid"), expects)
    assert [breach.said for breach in found] == [told] * bool(words)


def test_who_is_parked_has_a_person_to_bring_it_back():
    assert said(returns("paid"), ("paid", 1), ("paid", 1), end=park, expects=("paid", "sent")) is None


def test_a_sentence_about_no_request_is_of_the_moment_at_which_the_last_thing_happened():
    """Not of the moment at which the run was cut, long after."""
    load, down = Times("order", at=[1]), Crash("front", at=0, lasting=5)
    moments = [first_breach(doing(), load, lambda run: "ill", faults=down, until=cut).at for cut in (None, 600)]
    assert moments == [1, 1]
