"""Deliveries: where the key is stored, writes in two places, replies minutes late, poison that is mended and replayed.

What one handler, one outbox or one lane does is in tests/test_promises.py; here is what becomes of the whole.
"""

from functools import partial

import pytest

from rehearsal import (
    Crash,
    CrashAt,
    Delay,
    Failed,
    Process,
    Refused,
    Retry,
    Step,
    System,
    Times,
    choreograph,
    minute,
    ms,
    orchestrate,
    run,
    sec,
)  # fmt: skip
from rehearsal.effects import tally, totals
from tests.processes import sequence, services
from tests.systems import rows

ONE = Times("job", at=[0])


def reader(work, **how):
    """Return a desk that tells `back` of each job, which does what `work` says; a hop takes 1 ms."""
    system = System("reader", network=1)

    @system.service("desk", workers=9).operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    system.service("back", workers=how.pop("workers", 1), outbox=how.pop("outbox", None)).on("job.placed", **how)(work)
    system.accepts("job", place)
    return system


def done(result, request=0):
    """Return how often the work was done for a request."""
    return totals(result.effects).get(request, {}).get("work", 0)


def works(ctx, job):
    ctx.effect("work")


# How often


@pytest.mark.parametrize(
    ("how", "counts"),
    [
        ({"acknowledge": "before"}, {"before": 1, "during": 0, "after": 1}),  # at most once
        ({}, {"before": 1, "during": 1, "after": 2}),  # at least once
        ({"idempotent": True}, {"before": 1, "during": 1, "after": 1}),  # at least once, and the key of the request
    ],
    ids=["at most once", "at least once", "with a key"],
)
def test_how_often_work_is_done_in_a_crash_at_each_of_its_moments(how, counts):
    found = {}
    for moment in counts:
        crash = CrashAt("back", "job.placed", moment, lasting=50 * ms)
        found[moment] = done(run(reader(works, takes=10, **how), ONE, faults=crash))
    assert found == counts


# Where the key is stored: at the same instant as the effect, or before it, or after it


def at_once(ctx, job):
    yield ctx.sleep(5)
    if job not in ctx.state:
        ctx.state[job] = True
        ctx.effect("work")
    yield ctx.sleep(5)


def key_first(ctx, job):
    if job in ctx.state:
        return
    ctx.state[job] = True
    yield ctx.sleep(5)
    ctx.effect("work")
    yield ctx.sleep(5)


def effect_first(ctx, job):
    if job in ctx.state:
        return
    yield ctx.sleep(5)
    ctx.effect("work")
    yield ctx.sleep(5)
    ctx.state[job] = True


@pytest.mark.parametrize(("work", "counts"), [(at_once, {1}), (key_first, {0, 1}), (effect_first, {1, 2})])
def test_a_key_stored_apart_from_its_effect_loses_it_or_doubles_it(work, counts):
    """The crash falls between the two, at one of the moments from 1 to 20 ms."""
    crashes = [Crash("back", at=moment, lasting=30) for moment in range(1, 20)]
    assert {done(run(reader(work), ONE, faults=crash)) for crash in crashes} == counts


def test_the_librarys_own_key_is_stored_with_the_effect():
    crashes = [Crash("back", at=moment, lasting=30) for moment in range(1, 20)]
    crashes += [CrashAt("back", "job.placed", moment, lasting=30) for moment in ("before", "during", "after")]
    assert {done(run(reader(works, takes=10, idempotent=True), ONE, faults=crash)) for crash in crashes} == {1}


# Two writes: what was done, and what is told of it


def tells_first(ctx, job):
    ctx.publish("job.done", job)
    yield ctx.sleep(5)
    ctx.effect("work")


def does_first(ctx, job):
    ctx.effect("work")
    yield ctx.sleep(5)
    ctx.publish("job.done", job)


def both_at_once(ctx, job):
    yield ctx.sleep(5)
    ctx.effect("work")
    ctx.publish("job.done", job)


@pytest.mark.parametrize(
    ("work", "outbox", "found"),
    [
        (tells_first, None, {(0, 1), (1, 1)}),  # told, and not done: at most once, so nobody does it later
        (does_first, None, {(1, 0), (1, 1)}),  # done, and nobody knows
        (both_at_once, None, {(0, 0), (1, 0), (1, 1)}),  # also where nothing lies between them but the crash
        (both_at_once, 0, {(0, 0), (1, 1)}),
        (both_at_once, 25 * ms, {(0, 0), (1, 1)}),
    ],
)
@pytest.mark.filterwarnings("ignore::rehearsal.DesignWarning")  # nobody hears of it: it is looked at as it leaves
def test_two_writes_come_apart_in_a_crash_and_an_outbox_keeps_them_together(work, outbox, found):
    """(done, told), over all moments of the crash, that between an effect and its telling among them."""
    crashes = [Crash("back", at=moment + 0.5, lasting=30) for moment in range(1, 15)]
    ends = set()
    for crash in [*crashes, CrashAt("back", "job.placed", "after", lasting=30)]:
        system = reader(work, publishes="job.done", acknowledge="before", outbox=outbox)
        result = run(system, ONE, faults=crash)
        ends.add((done(result), len(rows(result, name="job.done", target="broker"))))
    assert ends == found


# Minutes late

SHOP = partial(services, network=1, takes=10)
ORDER = Times("order", at=[0])
LATE = Delay(("orders", "payment"), 3 * minute, at=20, lasting=50, ways="back")  # the answer to `charge`


def test_a_reply_that_comes_minutes_late_finds_nobody_waiting_and_changes_nothing():
    result = run(orchestrate(sequence(SHOP()), timeout=500), ORDER, faults=LATE)
    (charge,) = rows(result, name="charge")
    assert (charge.outcome, charge.answer) == ("ok", "timeout")  # done, and nobody knew
    assert (result.fates(), totals(result.effects)[0]) == (["compensated"], {"reserve": 0, "charge": 0})
    assert result.effects[-1].at < 1 * sec  # undone at once, and what comes minutes later is of no use to anybody


def test_who_asks_again_gets_the_stored_answer_and_the_late_one_is_not_taken_for_another():
    system = orchestrate(sequence(SHOP()), timeout=500, retry=Retry(3), idempotent=True)
    result = run(system, ORDER, faults=LATE)
    assert [row.answer for row in rows(result, name="charge")] == ["timeout", "ok"]
    assert (result.fates(), set(totals(result.effects)[0].values())) == (["on time"], {1})
    assert [row.answer for row in rows(result, name="ship")] == ["ok"]


def test_without_a_time_out_a_conductor_waits_for_it_and_the_order_is_whole_and_late():
    result = run(orchestrate(sequence(SHOP()), objective=5 * sec), ORDER, faults=LATE)
    assert (result.fates(), tally(result)["whole"]) == (["late"], 1)
    assert result.table.settled[0] > 3 * minute


@pytest.mark.parametrize("style", [partial(orchestrate, by="commands"), choreograph], ids=["commands", "dance"])
def test_an_event_that_comes_minutes_late_makes_an_order_late_and_no_more(style):
    late = Delay(("payment", "broker"), 3 * minute, at=20, lasting=50)
    result = run(style(sequence(SHOP()), objective=5 * sec), ORDER, faults=late)
    assert (result.fates(), tally(result)["whole"]) == (["late"], 1)


def test_what_comes_after_the_dance_was_given_up_is_not_done_where_services_are_careful():
    """The order to pay is three minutes late; somebody notices after a second, and has it undone."""
    late = Delay(("broker", "payment"), 3 * minute, at=10, lasting=50)
    for careful, ends in ((True, {"reserve": 0}), (False, {"reserve": 0, "charge": 0, "ship": 1})):
        result = run(choreograph(sequence(SHOP()), timeout=1 * sec, careful=careful), ORDER, faults=late)
        assert result.fates() == ["compensated"]
        assert totals(result.effects)[0] == ends


# Poison, mended, and replayed


def defective(until, lane=False, **how):
    """Return a reader with a defect, mended at `until` [ms]: it cannot read order 1; and what it has done."""
    order = []

    def work(ctx, job):
        if job.number == 1 and ctx.now < until:
            raise Failed("cannot read this one")
        ctx.effect("work")
        order.append(job.number)

    key = {"key": lambda job: "all"} if lane else {}
    return reader(work, takes=1, retry=Retry(2, wait=10), **key, **how), order


FOUR = Times("job", at=[0, 10, 20, 30])


@pytest.mark.parametrize("lane", [False, True])
def test_a_poison_message_is_given_up_and_the_others_pass(lane):
    system, order = defective(until=float("inf"), lane=lane)
    result = run(system, FOUR)
    assert order == [0, 2, 3] and len(result.dead_letters) == 1
    assert [row.outcome for row in rows(result, target="back", request=1)] == ["failed"] * 3


@pytest.mark.parametrize(("lane", "order"), [(False, [0, 2, 3, 1]), (True, [0, 1, 2, 3])])
def test_replayed_after_the_defect_is_mended_it_is_done_once(lane, order):
    """Without a key its successors overtake it; with one they wait a minute for the replay, and keep the order."""
    system, done_in_order = defective(until=30 * sec, lane=lane, replay=60 * sec)
    result = run(system, FOUR)
    assert (done_in_order, result.dead_letters) == (order, [])
    assert [done(result, row) for row in range(4)] == [1, 1, 1, 1]
    assert (result.effects[1].at > 60 * sec) == lane


def test_replayed_too_early_it_is_dead_for_good():
    system, order = defective(until=90 * sec, replay=60 * sec)
    result = run(system, FOUR)
    assert order == [0, 2, 3] and len(result.dead_letters) == 1
    assert len(rows(result, target="back", request=1)) == 4


# An undo that raises by itself


@pytest.mark.parametrize("careful", [True, False])
@pytest.mark.parametrize("style", [orchestrate, partial(orchestrate, by="commands"), choreograph])
def test_an_undo_that_raises_is_tried_again_until_it_succeeds(style, careful):
    system = System("shop", network=1)

    @system.service("inventory").operation()
    def reserve(ctx, order): ...

    @system.services["inventory"].operation(undoes=reserve)
    def release(ctx, order):
        if ctx.attempt < 3:
            raise Failed("not yet")

    @system.service("shipping").operation()
    def ship(ctx, order):
        raise Refused("too heavy")

    process = Process("order", [Step(reserve, undo=release), Step(ship, after=reserve)])
    result = run(style(process, careful=careful), ORDER)
    assert (result.fates(), totals(result.effects)[0]) == (["compensated"], {"reserve": 0})
