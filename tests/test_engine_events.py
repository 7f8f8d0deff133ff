"""Events and commands: a broker, a durable queue for each reader, acknowledgement after the work."""

import pytest

from rehearsal import (
    Crash,
    Evenly,
    Exponential,
    Failed,
    ModelError,
    Poisson,
    Refused,
    Retry,
    System,
    Times,
    run,
)  # fmt: skip
from tests.systems import commander, listener, rows

ONE = Times("job", at=[0])


def audited(**how):
    """Return a listener with a second reader, `audit`, that takes 200 ms for each event."""
    system = listener(**how)
    system.service("audit").on("job.placed", takes=200)(lambda ctx, job: None)
    return system


def starts(run, target):
    return [(row.request, row.started) for row in rows(run, target=target)]


# Who gets what


def test_each_subscription_gets_every_event():
    result = run(audited(), Evenly("job", every=50, count=10))
    for reader in ("back", "audit"):
        assert [row.request for row in rows(result, target=reader)] == list(range(10))


def test_the_workers_of_one_subscription_share_its_events():
    result = run(listener(takes=30, workers=2), Times("job", at=[0, 0, 0, 0]))
    assert starts(result, "back") == [(0, 0), (1, 0), (2, 30), (3, 30)]


def test_a_slow_reader_delays_neither_the_publisher_nor_another_reader():
    with_audit, without = (run(s, Evenly("job", every=50, count=20)) for s in (audited(), listener()))
    assert starts(with_audit, "back") == starts(without, "back")
    assert list(with_audit.table.answered) == list(without.table.answered)
    assert rows(with_audit, target="audit")[-1].started > 20 * 50 + 1000


def test_an_event_waits_in_the_order_in_which_it_came():
    served = []
    run(listener(takes=10, body=lambda ctx, job: served.append(job.number)), Evenly("job", every=1, count=30))
    assert served == list(range(30))


def test_subscriptions_share_the_workers_of_their_service_unless_they_have_their_own():
    for own, second_starts in ((None, 10), (1, 0)):
        system = listener(takes=10)
        system.services["back"].on("job.noted", takes=10, workers=own)(lambda ctx, job: None)
        system.services["front"].operation(name="place", publishes=("job.placed", "job.noted"))(both)
        result = run(system, ONE)
        assert [row.started for row in rows(result, target="back")] == [0, second_starts]


def both(ctx, job):
    ctx.publish("job.placed", job)
    ctx.publish("job.noted", job)


def test_an_event_that_nobody_hears_reaches_the_broker_and_no_further():
    system = listener()
    del system.services["back"].subscriptions["job.placed"]
    with pytest.warns(UserWarning):
        result = run(system, ONE)
    assert [row.target for row in rows(result)] == ["front", "broker"]
    assert result.fates() == ["stuck"]


def test_a_command_goes_to_its_one_addressee_and_brings_no_reply():
    result = run(commander(takes=40), ONE)
    assert list(result.table.answered) == [0] and result.ended == 40
    assert [(row.target, row.answer) for row in rows(result, kind="command")] == [("broker", "none"), ("back", "none")]


# The broker


def test_the_broker_is_a_node_with_a_latency_of_its_own():
    system = listener(takes=10, network=1)
    system.broker(latency=7)
    (publish, _) = rows(run(system, ONE), target="broker")
    assert (publish.received, publish.started, publish.ended) == (2, 2, 9)


def test_a_broker_with_a_capacity_is_a_queue_like_any_other():
    system = listener(takes=0, workers=9)
    system.broker(latency=10, workers=1)
    result = run(system, Times("job", at=[0, 0]))
    assert [row.ended for row in rows(result, target="broker")] == [10, 20, 30, 40]


# Where a request ends


def test_a_request_ends_with_the_event_that_says_so_not_with_its_answer():
    result = run(listener(takes=30), ONE)
    assert (list(result.table.answered), list(result.table.settled)) == ([0], [30])


def test_a_request_ends_badly_with_the_event_that_says_so():
    system = listener()
    system.services["back"].on("job.placed", publishes="job.cancelled", takes=10, name="work")(
        lambda ctx, job: ctx.publish("job.cancelled", job)
    )
    system.accepts("job", system.find("place"), done="job.done", failed="job.cancelled")
    with pytest.warns(UserWarning):
        result = run(system, ONE)
    assert result.fates() == ["refused"] and list(result.table.settled) == [10]


def test_the_first_end_of_a_request_counts():
    """The order is shipped, and only then a crash takes the answer: told "failed", and done all the same."""
    system = listener(takes=1)

    @system.services["front"].operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)
        yield ctx.sleep(100)

    result = run(system, ONE, faults=[Crash("front", at=50)])
    assert result.table.kinds[result.table.kind[0]] == "job"
    assert (list(result.table.answered), list(result.table.settled)) == ([50], [1])
    assert result.fates() == ["on time"] and rows(result)[0].answer == "lost"


def test_an_error_told_first_is_the_end_though_the_work_goes_on():
    system = listener(takes=100)

    @system.services["front"].operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)
        yield ctx.sleep(100)

    result = run(system, ONE, faults=[Crash("front", at=50)])
    assert result.fates() == ["failed"] and rows(result, target="back")[0].outcome == "ok"


# At least once


def broken(times):
    """Return a body that fails the first `times` deliveries."""

    def body(ctx, job):
        if ctx.attempt <= times:
            raise Failed("not yet")
        ctx.publish("job.done", job)

    return body


def test_a_delivery_that_fails_comes_again_as_a_message_of_its_own():
    result = run(listener(takes=10, network=1, body=broken(2), retry=Retry(4, wait=5)), ONE)
    tries = rows(result, target="back")
    assert [(row.attempt, row.sent, row.outcome) for row in tries] == [
        (1, 2, "failed"),
        (2, 18, "failed"),
        (3, 34, "ok"),
    ]
    assert {row.parent for row in tries} == {1}  # the publishing span
    assert result.fates() == ["on time"] and not result.dead_letters


def test_a_poison_message_goes_to_the_dead_letters_after_its_limit_and_lets_the_others_pass():
    def body(ctx, job):
        if job.number == 1:
            raise Failed("poison")
        ctx.publish("job.done", job)

    result = run(listener(takes=10, body=body, retry=Retry(3)), Times("job", at=[0, 0, 0]))
    assert result.fates() == ["on time", "parked", "on time"]
    (letter,) = result.dead_letters
    assert (rows(result)[letter].request, rows(result)[letter].attempt) == (1, 4)
    assert len(rows(result, target="back", request=1)) == 4


def test_a_redelivery_breaks_the_order():
    served = []

    def body(ctx, job):
        if (job.number, ctx.attempt) == (0, 1):
            raise Failed("once")
        served.append(job.number)

    run(listener(takes=10, body=body, retry=Retry(1)), Times("job", at=[0, 0, 0]))
    assert served == [1, 2, 0]


def test_a_business_no_is_an_answer_and_is_not_delivered_again():
    def body(ctx, job):
        raise Refused("no such customer")

    result = run(listener(body=body), ONE)
    assert [(row.outcome, row.answer) for row in rows(result, target="back")] == [("refused", "none")]
    assert not result.dead_letters


def test_a_redelivery_draws_afresh():
    result = run(listener(takes=Exponential(10), body=broken(4)), ONE)
    works = {round(row.ended - row.started, 9) for row in rows(result, target="back")}
    assert len(works) == 5


def test_a_request_whose_message_will_come_again_is_open_at_the_cut_not_stuck():
    system = listener(takes=10, body=broken(1), retry=Retry(1, wait=100))
    assert run(system, ONE, until=50).fates() == ["open"]
    assert run(system, ONE).fates() == ["on time"]


def test_a_reader_can_call_and_wait_and_its_message_is_acknowledged_after_that():
    system = listener()
    system.service("store", workers=9).operation(takes=25, name="save")(lambda ctx, job: None)

    def body(ctx, job):
        yield ctx.call("store.save", job)
        ctx.publish("job.done", job)

    system.services["back"].on("job.placed", publishes="job.done", takes=10, name="work")(body)
    result = run(system, Times("job", at=[0, 0]))
    assert [(row.started, row.ended) for row in rows(result, target="back")] == [(0, 35), (35, 70)]


# Capacity and durable messages


def crowded(queue):
    """Return a `back` of one worker that hears events and can be asked, with a limit to its queue."""
    system = System("crowded")
    back = system.service("back", workers=1, queue=queue)
    back.on("job.placed", takes=10)(lambda ctx, job: None)
    ask = back.operation(takes=1, name="ask")(lambda ctx, job: None)
    place = system.service("front", workers=99).operation(publishes="job.placed", name="place")(
        lambda ctx, job: ctx.publish("job.placed", job)
    )
    system.accepts("job", place)
    system.accepts("question", ask)
    return system


def test_durable_messages_are_never_turned_away_by_a_queue_limit():
    result = run(crowded(queue=1), Times("job", at=[0] * 50))
    assert [row.outcome for row in rows(result, target="back")] == ["ok"] * 50


def test_durable_messages_do_not_count_against_the_queue_limit():
    load = [Times("job", at=[0] * 3), Times("question", at=[5, 6])]
    result = run(crowded(queue=1), load)
    asked = rows(result, name="ask")
    assert [row.outcome for row in asked] == ["ok", "rejected"]
    assert asked[0].started == 30  # behind the three that were before it


def test_a_payload_that_could_change_on_the_way_is_a_mistake():
    def body(ctx, job):
        ctx.publish("job.done", [1, 2])

    with pytest.raises(ModelError, match=r"back\.work sends a list, which could change on the way"):
        run(listener(body=body), ONE)


def test_correlation_needs_no_help():
    """A handler publishes anything at all, and the trace still knows the request and the cause."""
    result = run(
        listener(takes=Exponential(10), workers=3, body=lambda ctx, job: ctx.publish("job.done", "whatever")),
        Poisson("job", every=5, count=100),
    )
    assert result.fates() == ["on time"] * 100
    assert [row.request for row in rows(result, target="broker", name="job.done")] != list(range(100))
