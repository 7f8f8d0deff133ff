"""Simulation against theory: what sagas commit, try, undo and leave to a person; what is done twice, or given up.

Each mean is held against four standard errors, taken from the means of 20 batches, see tests/samples.py; with a fixed
seed nothing can flicker.
"""

from collections import Counter
from functools import partial
from itertools import product

import pytest

from rehearsal import (
    Constant,
    Drop,
    Errors,
    Evenly,
    Failed,
    Poisson,
    Process,
    Refused,
    Retry,
    Step,
    System,
    Uniform,
    choreograph,
    orchestrate,
    run,
    theory,
)  # fmt: skip
from tests.samples import check, shares
from tests.systems import rows

FAILS, STEPS, COUNT = 0.6, 3, 10_000
AGAIN = 4  # so often a command whose handler fails comes again, whatever is said
commanded = partial(orchestrate, by="commands")
STYLES = {
    "calls": (lambda process, retries, **how: orchestrate(process, retry=Retry(retries), **how), 2),
    "commands": (lambda process, retries, **how: commanded(process, **how), AGAIN),
    "dance": (lambda process, retries, **how: choreograph(process, retry=Retry(retries), **how), 2),
}
each_style = pytest.mark.parametrize(("style", "retries"), STYLES.values(), ids=STYLES)


def unlucky(word, chance, problem=Failed):
    """Return a body that cannot do it by a chance at each attempt, as the luck of the order has it."""

    def body(ctx, order):
        ctx.state[word] = ctx.state.get(word, 0) + 1
        if getattr(order, f"{word} {ctx.attempt}") < chance:
            raise problem("bad luck")

    return body


def saga(style, retries, problem=Failed, undo_fails=0.0, undo_retries=0, **how):
    """Return the run of many sagas of three steps, of which each attempt fails by chance, and undos too."""
    system, steps = System("saga", network=1), []
    for n in range(STEPS):
        home = system.service(f"service {n}", workers=99)
        do = home.operation(takes=1, name=f"do{n}")(unlucky(f"do{n}", FAILS, problem))
        undo = home.operation(takes=1, name=f"undo{n}", undoes=do)(unlucky(f"undo{n}", undo_fails))
        steps.append(Step(do, undo=undo, after=steps[-1:]))
    process = Process("order", steps, again=Retry(undo_retries))
    words = [f"{what}{n} {k}" for what, n, k in product(("do", "undo"), range(STEPS), range(1, AGAIN + 2))]
    luck = dict.fromkeys(words, Uniform(0, 1))
    return run(style(process, retries, **how), Evenly("order", every=50, count=COUNT, attributes=luck), seed=21)


def each(counts):
    """Return how often each order was counted, in order, those not counted too."""
    return [counts[row] for row in range(COUNT)]


# Sagas


@each_style
def test_what_a_saga_commits_tries_and_undoes_with_retries_before_compensating(style, retries):
    result = saga(style, retries)
    check(shares(result.fates(), "on time"), theory.saga_committed(FAILS, STEPS, retries))
    undone = each(Counter(one.request for one in result.effects if one.amount < 0))
    check(undone, theory.saga_undone(FAILS, STEPS, retries), within=0.2)
    done = each(Counter(one.request for one in result.effects if one.amount > 0))
    committed = [fate == "on time" for fate in result.fates()]
    tried = [n + (not well) for n, well in zip(done, committed, strict=True)]
    check(tried, theory.saga_steps(FAILS, STEPS, retries))
    calls = sum(result.states[f"service {n}"].get(f"do{n}", 0) for n in range(STEPS)) / COUNT
    # An order makes at most (r + 1) n of them, so their spread is at most half of that; four standard errors.
    assert calls == pytest.approx(theory.saga_calls(FAILS, STEPS, retries), abs=2 * (retries + 1) * STEPS / COUNT**0.5)


def test_retries_cost_calls_and_save_undos():
    few, many = (theory.saga_undone(0.1, 5, retries) for retries in (0, 2))
    assert many < few / 50 and theory.saga_calls(0.1, 5, 2) > theory.saga_calls(0.1, 5)


@each_style
def test_the_share_of_sagas_that_a_person_has_to_look_at(style, retries):
    """A no is not tried again; an undo that fails is."""
    undo_retries, chance = (AGAIN, 0.9) if style is STYLES["commands"][0] else (1, 0.6)
    how = {"undo_fails": chance, "undo_retries": undo_retries, "careful": False}
    result = saga(style, retries, Refused, **how)
    check(shares(result.fates(), "parked"), theory.saga_parked(FAILS, chance, STEPS, 0, undo_retries), within=0.2)


def test_without_retries_it_is_the_saga_of_the_textbook():
    p, q = 0.2, 0.8
    assert theory.saga_undone(p, 4) == pytest.approx(sum((k - 1) * p * q ** (k - 1) for k in range(1, 5)))
    assert theory.saga_steps(p, 4) == theory.saga_calls(p, 4) == pytest.approx((1 - q**4) / p)
    assert theory.saga_parked(p, 1.0, 4) == pytest.approx(1 - q**4 - p)  # all that have something to undo
    assert theory.saga_parked(p, 0.0, 4) == 0
    assert theory.saga_parked(p, 0.3, 4, retries=2) == pytest.approx(theory.saga_parked(p**3, 0.3, 4))


# Messages


def at_least_once(deliveries, key):
    """Return the run of a relay that hands each message over until its receipt comes, or gives it up."""
    system = System("relay", network=1)
    take = system.service("back", workers=99).operation(takes=1, name="take", idempotent=key)(
        lambda ctx, job: ctx.effect("taken")
    )

    @system.service("relay", workers=9999).operation()
    def hand_over(ctx, job):
        yield ctx.call(take, job, timeout=10, retry=Retry(deliveries - 1))

    system.accepts("job", hand_over)
    lost = [Drop(("relay", "back"), 0.3, at=0, ways="there"), Drop(("relay", "back"), 0.4, at=0, ways="back")]
    return run(system, Poisson("job", every=20, count=COUNT), seed=22, faults=lost)


@pytest.mark.parametrize("deliveries", [1, 2, 4])
def test_how_often_a_message_is_done_and_how_many_twice_where_receipts_get_lost(deliveries):
    result = at_least_once(deliveries, key=False)
    done = each(Counter(one.request for one in result.effects))
    check(done, theory.times_done(0.3, 0.4, deliveries))
    twice, expected = [1.0 * (n > 1) for n in done], theory.duplicate_share(0.3, 0.4, deliveries)
    assert sum(twice) == 0 if deliveries == 1 else check(twice, expected, within=0.2) is None


def test_with_a_key_no_effect_is_there_twice_and_as_many_messages_are_sent():
    bare, keyed = (at_least_once(4, key=key) for key in (False, True))
    assert max(Counter(one.request for one in keyed.effects).values()) == 1
    assert len(rows(bare, kind="call")) == len(rows(keyed, kind="call"))


def test_what_is_given_up_and_how_much_of_that_was_done():
    result = at_least_once(2, key=False)
    done = {one.request for one in result.effects}
    given_up = [row for row, fate in enumerate(result.fates()) if fate == "failed"]
    share = theory.dead_letter_share(1 - 0.7 * 0.6, deliveries=2)
    check(shares(result.fates(), "failed"), share)
    check([1.0 * (row in done) for row in given_up], theory.done_and_unknown(0.3, 0.4, 2) / share, within=0.2)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_how_many_letters_are_dead_after_their_last_delivery(retries):
    system = System("reader", network=1)

    @system.service("desk").operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    system.service("back", workers=9).on("job.placed", takes=1, retry=Retry(retries))(lambda ctx, job: None)
    system.accepts("job", place)
    result = run(system, Poisson("job", every=20, count=COUNT), seed=23, faults=Errors("back", 0.5))
    dead = {result.trace.request[row] for row in result.dead_letters}
    expected = theory.dead_letter_share(0.5, deliveries=retries + 1)
    check([1.0 * (row in dead) for row in range(COUNT)], expected, within=0.2)


def test_a_reader_that_is_done_and_fails_before_it_says_so_does_it_again():
    """At each delivery its receipt is lost by chance; b of the messages are done twice, or more often."""
    system = System("reader", network=1)

    @system.service("desk").operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    @system.service("back", workers=9).on("job.placed", takes=1, retry=Retry(3))
    def read(ctx, job):
        ctx.effect("taken")
        if getattr(job, f"luck {ctx.attempt}") < 0.4:
            raise Failed("no receipt")

    system.accepts("job", place)
    luck = {f"luck {n}": Uniform(0, 1) for n in range(1, 5)}
    result = run(system, Evenly("job", every=20, count=COUNT, attributes=luck), seed=24)
    done = each(Counter(one.request for one in result.effects))
    check([1.0 * (n > 1) for n in done], theory.duplicate_share(0, 0.4, deliveries=4))
    check(done, theory.times_done(0, 0.4, deliveries=4))
    dead = {result.trace.request[row] for row in result.dead_letters}
    check([1.0 * (row in dead) for row in range(COUNT)], theory.dead_letter_share(0.4, deliveries=4), within=0.3)


# An outbox


@pytest.mark.parametrize(("poll", "expected"), [(0, 0.0), (40, 20.0), (200, 100.0)])
def test_a_relay_that_looks_now_and_then_adds_half_an_interval(poll, expected):
    system = System("relay", network=Constant(1))

    @system.service("desk", workers=99, outbox=poll).operation(takes=Uniform(0, 400), publishes="job.placed")
    def place(ctx, job):
        ctx.effect("placed")
        ctx.publish("job.placed", job)

    system.accepts("job", place, done="job.placed")
    result = run(system, Poisson("job", every=50, count=COUNT), seed=25)
    stored = {one.request: one.at for one in result.effects}
    waited = [row.sent - stored[row.request] for row in rows(result, target="broker")]
    assert expected == (theory.polling_delay(poll) if poll else 0)
    assert max(waited) == 0 if not poll else check(waited, expected) is None
