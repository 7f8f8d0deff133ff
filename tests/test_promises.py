"""What lasts: the ledger of effects, outboxes, order by key, at-most-once delivery, dead letters that come again."""

import pytest

from rehearsal import Crash, CrashAt, Evenly, Failed, ModelError, Poisson, Retry, System, Times, Uniform, ms, run, sec
from tests.systems import rows


def relay(outbox=None, idempotent=False, takes=5, workers=1, waits=False, network=1.0, **how):
    """Return a `desk` that publishes, and a `back` that works, tells, and enters each effect in the ledger."""
    system = System("relay", network)
    desk = system.service("desk", outbox=outbox)

    @desk.operation(publishes="job.placed")
    def place(ctx, job):
        ctx.effect("placed")
        ctx.publish("job.placed", job)

    def work(ctx, job):
        ctx.effect("work")
        ctx.publish("job.done", job)

    def slow_work(ctx, job):
        yield ctx.sleep(takes)
        work(ctx, job)

    back = system.service("back", workers=workers, outbox=outbox)
    said = {"publishes": "job.done", "idempotent": idempotent, "name": "work", **how}
    back.on("job.placed", takes=0 if waits else takes, **said)(slow_work if waits else work)
    system.accepts("job", place, done="job.done")
    return system


def effects(result):
    """Return the effects of a run in order, each as `request: name`, undone ones with a minus."""
    return [f"{e.request}: {'-' * (e.amount < 0)}{e.name}" for e in result.effects]


AFTER = CrashAt("back", "work", "after", lasting=30 * ms)
ONE = Times("job", at=[0])

# Effects


def test_an_effect_is_entered_when_it_happens_with_who_did_it_and_for_whom():
    result = run(relay(), Times("job", at=[0, 100]))
    assert result.effects[:2] == ((1.0, 0, "desk", "placed", 1, 0), (8.0, 0, "back", "work", 1, 2))
    assert effects(result) == ["0: placed", "0: work", "1: placed", "1: work"]
    frame = result.ledger()
    assert list(frame.columns) == ["at", "request", "service", "name", "amount", "span"] and len(frame) == 4


def test_the_ledger_counts_effects_whatever_became_of_their_messages():
    assert effects(run(relay(), ONE, faults=AFTER)) == ["0: placed", "0: work", "0: work"]


def test_work_that_a_crash_took_had_no_effect():
    assert effects(run(relay(), ONE, faults=Crash("back", at=4, lasting=10))) == ["0: placed", "0: work"]


def test_who_watches_sees_the_effects_and_the_memory_at_each_moment():
    seen = []
    system = relay()
    system.services["back"].state["stock"] = 3
    run(system, ONE, watch=lambda moment: seen.append((moment.now, len(moment.effects), moment.states["back"])))
    assert seen == [(1.0, 1, {"stock": 3}), (8.0, 2, {"stock": 3})]


def test_watching_changes_nothing():
    load = Poisson("job", every=20, count=50)
    plain, watched = run(relay(), load), run(relay(), load, watch=lambda moment: None)
    assert plain.effects == watched.effects and plain.trace.sent == watched.trace.sent


def test_a_run_keeps_what_its_services_remember_at_the_end():
    system = System("counter")

    @system.service("desk", state={"count": 0}).operation()
    def serve(ctx, job):
        ctx.state["count"] += 1

    system.accepts("job", serve)
    assert run(system, Evenly("job", every=1, count=5)).states == {"desk": {"count": 5}}


def test_what_was_asked_for_can_be_looked_up():
    asked = []
    system = System("desk")
    system.accepts("job", system.service("desk").operation(name="serve")(lambda ctx, job: asked.append(job)))
    result = run(system, Poisson("job", every=5, count=20, attributes={"amount": Uniform(1, 9)}), seed=4)
    assert [(job.number, job.amount) for job in asked] == [
        (result.payload(row).number, result.payload(row).amount) for row in range(20)
    ]


# Outbox


@pytest.mark.parametrize("waits", [False, True])
def test_a_crash_between_effect_and_event_loses_the_event_of_an_idempotent_reader(waits):
    result = run(relay(idempotent=True, waits=waits), ONE, faults=AFTER)
    assert (result.fates(), effects(result)) == (["stuck"], ["0: placed", "0: work"])


@pytest.mark.parametrize("poll", [0, 25 * ms])
@pytest.mark.parametrize("waits", [False, True])
def test_an_outbox_carries_it_past_the_crash(waits, poll):
    result = run(relay(outbox=poll, idempotent=True, waits=waits), ONE, faults=AFTER)
    assert (result.fates(), effects(result)) == (["on time"], ["0: placed", "0: work"])
    assert len(rows(result, name="job.done")) == 1


def test_without_a_key_an_outbox_delivers_twice_what_was_done_twice():
    result = run(relay(outbox=0), ONE, faults=AFTER)
    assert effects(result) == ["0: placed", "0: work", "0: work"] and len(rows(result, name="job.done")) == 2


@pytest.mark.parametrize(("first", "works"), [(False, 2), (True, 1)])
def test_a_key_guards_its_own_work_and_not_what_was_told_twice_before_it(first, works):
    """Who works twice tells twice, and those are two messages: the chain is as safe as each of its links."""
    system = relay(outbox=0, idempotent=first)
    system.service("last").on("job.done", name="end", idempotent=True)(lambda ctx, job: ctx.effect("end"))
    result = run(system, ONE, faults=AFTER)
    assert [effects(result).count(f"0: {name}") for name in ("work", "end")] == [works, works]


def test_a_relay_that_is_pushed_to_costs_no_time():
    load = Poisson("job", every=20, count=50)
    with_it, without = run(relay(outbox=0), load), run(relay(), load)
    assert with_it.table.settled == without.table.settled


def test_a_polling_relay_sends_at_its_own_moments():
    result = run(relay(outbox=25 * ms, network=0), Times("job", at=[3, 24, 26]))
    assert [row.sent for row in rows(result, name="job.placed", target="broker")] == [25, 25, 50]
    assert list(result.table.settled) == [50, 50, 75]


def test_a_command_leaves_by_the_outbox_too():
    system = System("commands")
    done = []

    @system.service("back").operation()
    def work(ctx, job):
        done.append(ctx.now)

    @system.service("desk", outbox=10).operation()
    def place(ctx, job):
        ctx.send(work, job)

    system.accepts("job", place)
    run(system, Times("job", at=[3]))
    assert done == [10]


def test_what_waits_in_an_outbox_survives_a_plain_crash_and_leaves_after_it():
    result = run(relay(outbox=25 * ms, network=0), Times("job", at=[3]), faults=Crash("desk", at=10, lasting=50))
    assert [row.sent for row in rows(result, name="job.placed", target="broker")] == [60]


# At most once


def test_acknowledged_before_the_work_a_message_is_delivered_at_most_once():
    early = run(relay(acknowledge="before"), ONE, faults=Crash("back", at=4, lasting=10))
    assert (early.fates(), effects(early)) == (["stuck"], ["0: placed"])
    late = run(relay(acknowledge="before"), ONE, faults=Crash("back", at=1, lasting=10))  # still with its broker
    assert late.fates() == ["on time"]


def test_acknowledged_before_the_work_a_failure_is_not_tried_again():
    system = System("reader")

    @system.service("desk").operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    @system.service("back").on("job.placed", publishes="job.done", acknowledge="before")
    def work(ctx, job):
        raise Failed("no")

    system.accepts("job", place, done="job.done")
    result = run(system, ONE)
    assert len(rows(result, target="back")) == 1 and result.dead_letters == []


# Order


def by_customer(workers, key=None, fails=(), takes=(30, 5), **how):
    """Return a reader whose work on the first message of each customer takes longer than on the second."""
    system, done = System("by customer"), []

    @system.service("desk", workers=9).operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    @system.service("back", workers=workers).on("job.placed", key=key, **how)
    def work(ctx, job):
        if job.number in fails:
            raise Failed("poison")
        yield ctx.sleep(takes[job.number % 2])
        done.append(job.number)

    system.accepts("job", place)
    return system, done


def customer(job):
    """Return whose job it is: two in a row belong together."""
    return job.number // 2


def test_competing_workers_overtake_and_a_key_keeps_the_order():
    for key, order in ((None, [1, 3, 0, 2]), (customer, [0, 2, 1, 3])):
        system, done = by_customer(workers=4, key=key)
        run(system, Times("job", at=[0, 1, 2, 3]))
        assert done == order


def test_order_by_key_costs_nothing_where_keys_differ():
    system, done = by_customer(workers=4, key=lambda job: job.number)
    run(system, Times("job", at=[0, 1, 2, 3]))
    assert done == [1, 3, 0, 2]


def test_a_crash_keeps_the_order_within_a_key():
    system, done = by_customer(workers=4, key=customer)
    run(system, Times("job", at=[0, 1, 2, 3]), faults=Crash("back", at=10, lasting=20))
    assert done == [0, 2, 1, 3]


def test_a_poison_message_holds_up_its_own_key_only_and_then_lets_it_go():
    system, done = by_customer(workers=4, key=customer, fails={0}, retry=Retry(2, wait=100))
    result = run(system, Times("job", at=[0, 1, 2, 3]))
    assert done == [2, 3, 1] and len(result.dead_letters) == 1
    assert rows(result, target="back", request=1)[0].started == 200


def test_with_a_key_messages_that_wait_keep_the_moment_they_came():
    system, _ = by_customer(workers=4, key=customer)
    second = rows(run(system, Times("job", at=[0, 1])), target="back", request=1)[0]
    assert (second.received, second.started) == (1, 30)


# Dead letters, and requests left to a person


def failing(until, **how):
    """Return a reader that fails until a moment [ms], and tries twice."""
    system = System("failing")

    @system.service("desk").operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    @system.service("back").on("job.placed", publishes="job.done", retry=Retry(1), **how)
    def work(ctx, job):
        if ctx.now < until:
            raise Failed("not yet")
        ctx.publish("job.done", job)

    system.accepts("job", place, done="job.done", objective=10 * sec)
    return system


def test_a_dead_letter_waits_for_a_person():
    result = run(failing(until=1 * sec), ONE)
    assert (result.fates(), len(result.dead_letters)) == (["parked"], 1)


def test_a_dead_letter_comes_again_once_after_a_while():
    result = run(failing(until=1 * sec, replay=2 * sec), ONE)
    assert (result.fates(), list(result.table.settled), result.dead_letters) == (["on time"], [2 * sec], [])
    assert [row.attempt for row in rows(result, target="back")] == [1, 2, 3]


def test_a_dead_letter_that_fails_again_stays_dead():
    result = run(failing(until=9 * sec, replay=2 * sec), ONE)
    assert (result.fates(), len(result.dead_letters)) == (["parked"], 1)


def test_a_handler_may_leave_a_request_to_a_person():
    system = System("desk")
    system.accepts("job", system.service("desk").operation(name="serve")(lambda ctx, job: ctx.park("no idea")))
    result = run(system, Times("job", at=[7]))
    assert (result.fates(), result.parked) == (["parked"], ((7.0, 0, "desk", "no idea"),))


# Wrong words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"acknowledge": "never"}, "'never'"),
        ({"key": "customer"}, "function of the payload"),
        ({"replay": 0}, "replay of back.work"),
    ],
)
def test_a_wrong_word_is_refused_at_once(words, told):
    with pytest.raises((ValueError, TypeError, ModelError), match=told):
        relay(**words)
