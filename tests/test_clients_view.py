"""The client's view after "accepted": it has to ask (polling), to be told (a callback), and may read what is old.

A customer is a service of its own, which buys by calling where orders enter; a read model hears how orders end, and
can be late.
"""

from functools import partial

import pytest

from rehearsal import Crash, Duplicate, Poisson, Times, choreograph, orchestrate, run, sec, theory
from tests.processes import sequence, services
from tests.samples import check
from tests.systems import rows

ONE = Times("order", at=[0])
STYLES = {"commands": partial(orchestrate, by="commands"), "dance": choreograph}
each_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


def shop(style, buy, lag=0, refuses=(), idempotent=False, takes=10):
    """Return the shop in a style, with a customer who buys by `buy(ctx, order, accept, look)`, and a read model.

    The model hears of the end of an order `lag` [ms] late. The customer is told of it too, and enters "told".
    """
    system = style(sequence(services(network=1, takes=takes, refuses=dict(refuses), workers=99)))
    entry = system.entries["order"]
    model = system.service("model", workers=999)
    customer = system.service("customer", workers=9999)

    def hear(word):
        def handler(ctx, order):
            ctx.state[order] = word

        return handler

    for word, topic in (("done", entry.done), ("cancelled", entry.failed)):
        model.on(topic, takes=lag, name=f"hear_{word}")(hear(word))
        customer.on(topic, name=f"told_{word}", workers=99, idempotent=idempotent)(
            lambda ctx, order: ctx.effect("told")
        )

    @model.operation()
    def look(ctx, order):
        return ctx.state.get(order, "unknown")

    @customer.operation(name="buy", calls=[entry.operation, look])
    def shopping(ctx, order):
        return (yield from buy(ctx, order, entry.operation, look))

    system.accepts("order", shopping, objective=5 * sec, done=entry.done, failed=entry.failed)
    return system


def polling(every, seen):
    """Return a customer who asks again and again until there is an end, and notes what is seen and when."""

    def buy(ctx, order, accept, look):
        seen.append((ctx.now, (yield ctx.call(accept, order))))
        word = "unknown"
        while word == "unknown":
            yield ctx.sleep(every)
            word = yield ctx.call(look, order)
            seen.append((ctx.now, word))

    return buy


def trusting(ctx, order, accept, look):
    """Buy, and ask nobody."""
    return (yield ctx.call(accept, order))


def ended(result):
    """Return when each order was over [ms]."""
    return list(result.table.settled)


# Accepted


@each_style
def test_accepted_is_no_end(style):
    """The answer comes at once, the same for an order that will be cancelled."""
    answered = {}
    for refuses in ({}, {"ship": 1}):
        result = run(style(sequence(services(network=1, takes=10, refuses=refuses))), ONE)
        (request,) = rows(result, kind="request")
        answered[result.fates()[0]] = request.answered, request.answer
        assert result.table.settled[0] > 30 > request.answered
    assert answered == {"on time": (2.0, "ok"), "compensated": (2.0, "ok")}


def test_who_is_conducted_by_calls_hears_the_end_with_the_answer():
    result = run(orchestrate(sequence(services(network=1, takes=10, refuses={"ship": 1}))), ONE)
    (request,) = rows(result, kind="request")
    assert (request.answer, request.answered) == ("refused", result.table.settled[0])


# Polling


@each_style
@pytest.mark.parametrize(("refuses", "word"), [({}, "done"), ({"ship": 1}, "cancelled")])
def test_a_client_that_asks_again_and_again_hears_of_it_at_its_next_look(style, refuses, word):
    seen = []
    result = run(shop(style, polling(50, seen), refuses=refuses), ONE)
    (_, first), *looks = seen
    assert first == "accepted"
    assert [said for _, said in looks] == ["unknown"] * (len(looks) - 1) + [word]
    assert 0 < looks[-1][0] - ended(result)[0] <= 50 + 3  # an interval, a hop to the model's broker and two to ask
    assert all(at <= ended(result)[0] + 3 for at, said in looks if said == "unknown")


def test_the_client_knows_half_an_interval_late_and_every_look_costs_a_call():
    """Orders take a random time, long against the interval, so their ends meet any moment of it alike."""
    looks = {}
    for every in (10, 50):
        result = run(shop(choreograph, polling(every, []), takes=None), Poisson("order", every=20, count=4_000), seed=5)
        known = [row.ended for row in rows(result, target="customer", name="buy")]
        late = [at - end for at, end in zip(known, ended(result), strict=True)]
        # From look to look it is the pause and two hops; the model hears by two hops, and the answer takes one.
        check([one - 3 for one in late], theory.polling_delay(every + 2))
        looks[every] = len(rows(result, name="look")) / 4_000
    assert looks[10] > 3 * looks[50]


# A callback


@each_style
def test_a_client_that_is_told_knows_after_one_hop_and_asks_nobody(style):
    result = run(shop(style, trusting), ONE)
    (told,) = (one.at for one in result.effects if one.name == "told")
    assert told - ended(result)[0] == 2  # to the broker, and from there
    assert rows(result, name="look") == []


@each_style
def test_a_callback_waits_for_a_client_that_is_away(style):
    result = run(shop(style, trusting), ONE, faults=Crash("customer", at=20, lasting=5 * sec))
    assert [one.at for one in result.effects if one.name == "told"] == [20 + 5 * sec]


def test_a_callback_may_come_twice_and_a_key_makes_it_one():
    twice = Duplicate(("broker", "customer"), at=0, lasting=1 * sec, ways="there")
    for key, times in ((False, 2), (True, 1)):
        result = run(shop(choreograph, trusting, idempotent=key), ONE, faults=twice)
        assert sum(one.name == "told" for one in result.effects) == times


# A stale read


def reading(at, seen):
    """Return a customer who buys, and reads the model at these moments, and no more."""

    def buy(ctx, order, accept, look):
        yield ctx.call(accept, order)
        for moment in at:
            yield ctx.sleep(moment - ctx.now)
            seen[moment] = yield ctx.call(look, order)

    return buy


@each_style
def test_right_after_accepted_nobody_has_heard_of_the_order(style):
    """It cannot read its own writes: the model is told later than the client."""
    seen = {}
    run(shop(style, reading([10, 500], seen)), ONE)
    assert seen == {10: "unknown", 500: "done"}


@each_style
def test_a_read_is_stale_for_as_long_as_the_model_is_late_and_no_longer(style):
    """The client was told that it is done, and reads that it is not."""
    end = ended(run(shop(style, trusting), ONE))[0]
    for lag in (0, 30, 200):
        knows, seen = end + 2 + lag, {}  # the model: two hops and its lag after the end
        for asked in (knows - 1.5, knows - 0.5):  # a question is on its way for one hop
            run(shop(style, reading([asked], seen), lag=lag), ONE)
        assert list(seen.values()) == ["unknown", "done"]
        told = end + 2  # the client itself, by its callback
        assert (told < knows) == (lag > 0)


def test_two_copies_of_a_model_let_a_client_read_backwards():
    """Done, and then not done: the second copy is later than the first."""
    seen = []

    def buy(ctx, order, accept, look):
        yield ctx.call(accept, order)
        yield ctx.sleep(100)
        for copy in (look, "copy.look"):
            seen.append((yield ctx.call(copy, order)))

    system = shop(choreograph, buy)
    copy = system.service("copy", workers=9)
    copy.operation(name="look")(lambda ctx, order: ctx.state.get(order, "unknown"))

    @copy.on(system.entries["order"].done, takes=500)
    def hear(ctx, order):
        ctx.state[order] = "done"

    asks = [system.find(name) for name in ("orders.accept", "model.look", "copy.look")]
    buying = system.services["customer"].operation(name="buy", calls=asks)(system.find("customer.buy").function)
    system.accepts("order", buying, done=system.entries["order"].done)
    run(system, ONE)
    assert seen == ["done", "unknown"]
