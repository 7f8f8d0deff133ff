"""Crashes: what becomes of work, queues, callers and messages, at each moment one can strike."""

import pytest

from rehearsal import Closed, Crash, Evenly, Lost, Rejected, Retry, System, Times, run
from tests.systems import answers, caller, commander, desk, listener, rows

ONE = Times("job", at=[0])


# A crash of a service that is called


def test_work_in_progress_is_lost_and_its_caller_hears_of_it_one_hop_later():
    assert answers(desk(takes=10, network=2), [0], Crash("desk", at=7, lasting=5)) == [("lost", 9)]


def test_the_queue_in_memory_is_lost_too():
    result = run(desk(takes=10), Times("job", at=[0, 0, 0]), faults=[Crash("desk", at=15)])
    assert [(row.answer, row.ended) for row in rows(result)[:2]] == [("ok", 10), ("lost", 15)]
    assert rows(result)[2].answer == "lost" and rows(result)[2].started != rows(result)[2].started  # it never started


def test_arrivals_while_it_is_down_are_refused_at_once():
    assert answers(desk(takes=10, network=2), [6], Crash("desk", at=7, lasting=5)) == [("rejected", 10)]


def test_the_window_is_half_open_and_at_a_tie_the_fault_goes_first():
    crash = Crash("desk", at=100, lasting=50)
    told = [answer for answer, _ in answers(desk(takes=0), [99.9, 100, 149.9, 150], crash)]
    assert told == ["ok", "rejected", "rejected", "ok"]
    assert answers(desk(takes=10), [90], crash) == [("lost", 100)]


def test_an_answer_on_its_way_arrives_though_its_sender_crashes():
    assert answers(desk(takes=10, network=5), [0], Crash("desk", at=16)) == [("ok", 20)]


def test_a_request_on_its_way_finds_nobody():
    assert answers(desk(takes=10, network=5), [0], Crash("desk", at=2, lasting=1)) == [("ok", 20)]
    assert answers(desk(takes=10, network=5), [0], Crash("desk", at=2, lasting=9)) == [("rejected", 10)]


def test_after_the_restart_every_worker_is_free_exactly_once():
    at = [0, 0, 0, 0, 50, 50, 50, 50]
    result = run(desk(takes=10, workers=3), Times("job", at=at), faults=[Crash("desk", at=5, lasting=5)])
    assert [row.started for row in rows(result)[4:]] == [50, 50, 50, 60]


def test_work_lost_in_a_crash_is_never_done_afterwards():
    done = []
    system = desk(takes=10, body=lambda ctx, job: done.append(job.number))
    run(system, Times("job", at=[0, 20]), faults=[Crash("desk", at=5, lasting=2)])
    assert done == [1]


def test_the_caller_can_tell_refused_from_lost():
    caught = []

    def ask(ctx, job):
        try:
            yield ctx.call("back.work", job)
        except (Lost, Rejected) as problem:
            caught.append((type(problem), str(problem)))

    system = caller(takes=10)
    system.services["front"].operation()(ask)
    run(system, Times("job", at=[0, 8]), faults=[Crash("back", at=5)])
    assert caught == [(Lost, "work at back was lost in a crash"), (Rejected, "work at back was not let in")]


def test_a_lost_call_is_retried_like_any_failure_and_succeeds_after_the_restart():
    result = run(caller(takes=10, retry=Retry(3, wait=20)), ONE, faults=[Crash("back", at=5, lasting=30)])
    assert [(row.sent, row.answer) for row in rows(result, kind="call")] == [(0, "lost"), (25, "rejected"), (45, "ok")]


def test_a_time_out_holds_while_the_news_of_a_crash_is_under_way():
    system = caller(takes=10, timeout=30)
    system.link("front", "back", 20)
    result = run(system, ONE, faults=[Crash("back", at=25)])
    (call,) = rows(result, kind="call")
    assert (call.answered, call.answer, call.outcome) == (30, "timeout", "lost")  # the news would come at 45


# A crash of a caller


@pytest.mark.parametrize("blocking", [True, False])
def test_a_caller_that_crashes_forgets_its_calls_and_the_work_it_asked_for_goes_on(blocking):
    result = run(caller(takes=10, front=1, blocking=blocking), Times("job", at=[0, 20]), faults=[Crash("front", 5, 10)])
    request, call, *later = rows(result)
    assert (request.answer, request.ended) == ("lost", 5)
    assert (call.outcome, call.ended, call.answer, call.answered) == ("ok", 10, "none", 5)
    assert [row.answer for row in later] == ["ok", "ok"]


def test_a_caller_that_crashes_while_it_waits_to_retry_never_does():
    result = run(caller(takes=10, timeout=3, retry=Retry(5, wait=30)), ONE, faults=[Crash("front", at=20, lasting=1)])
    assert len(rows(result, kind="call")) == 1


def test_a_caller_that_crashes_during_parallel_calls_forgets_them_all():
    system = caller(takes=10, workers=9)

    @system.services["front"].operation()
    def ask(ctx, job):
        yield ctx.all(ctx.call("work", job, key=1), ctx.call("work", job, key=2, timeout=7, retry=Retry(3)))

    result = run(system, ONE, faults=[Crash("front", at=5)])
    assert [(row.answer, row.answered) for row in rows(result, kind="call")] == [("none", 5)] * 2


def test_a_crash_runs_no_finally_and_what_it_leaves_behind_says_nothing(capsys):
    """A generator that is dropped runs its `finally`: no crash does, and the record must not depend on when."""
    closed = []

    def body(ctx, job):
        try:
            yield ctx.sleep(50)
        finally:
            closed.append(ctx.now)
            ctx.publish("job.done", job)
            yield ctx.sleep(1)

    for how in ({"faults": [Crash("back", at=20)]}, {"until": 20}):
        result = run(listener(takes=0, body=body), ONE, **how)
        assert [row.name for row in rows(result)].count("job.done") == 0
        assert closed == [result.ended]  # at the end of the run, where nothing it says counts
        closed.clear()
        del result
    assert capsys.readouterr().err == ""


def test_done_and_reported_failed_a_crash_after_the_effect_and_before_the_answer():
    """The third moment: the store has saved, the front crashes before it can say so, the retry saves again."""
    saved = []
    system = System("three")
    save = system.service("store", workers=9).operation(takes=5, name="save")(lambda ctx, job: saved.append(job.number))

    @system.service("front", workers=9).operation()
    def place(ctx, job):
        yield ctx.call(save, job)
        yield ctx.sleep(10)

    @system.service("shop", workers=9).operation()
    def enter(ctx, job):
        yield ctx.call(place, job, retry=Retry(1, wait=10))

    system.accepts("job", enter)
    moments = {"before": 0, "during": 2, "after": 12}
    count = {}
    for moment, at in moments.items():
        saved.clear()
        result = run(system, Times("job", at=[1]), faults=[Crash("front", at=at, lasting=3)])
        count[moment] = (len(saved), result.fates())
    assert count == {"before": (1, ["on time"]), "during": (2, ["on time"]), "after": (2, ["on time"])}


# A crash of a reader of events


@pytest.mark.parametrize("own", [None, 1])
@pytest.mark.parametrize("blocking", [True, False])
def test_durable_messages_wait_for_the_restart_and_what_was_in_work_comes_again_first(own, blocking):
    crash = Crash("back", at=15, lasting=100)
    result = run(listener(takes=10, own=own, blocking=blocking), Times("job", at=[0, 0, 0, 50]), faults=[crash])
    back = rows(result, target="back")
    assert [(row.request, row.attempt, row.outcome) for row in back] == [
        (0, 1, "ok"), (1, 1, "lost"), (2, 1, "ok"), (1, 2, "ok"), (3, 1, "ok"),
    ]  # fmt: skip
    assert [row.started for row in back] == [0, 10, 125, 115, 135]
    assert result.fates() == ["on time"] * 4


def test_a_redelivery_after_a_crash_is_a_new_message_received_at_the_crash():
    result = run(listener(takes=10, network=3), ONE, faults=[Crash("back", at=15, lasting=5)])
    first, second = rows(result, target="back")
    assert (first.ended, first.outcome, first.answer) == (15, "lost", "none")
    assert (second.parent, second.sent, second.received, second.started) == (first.parent, 15, 15, 20)


def test_a_reader_with_workers_of_its_own_shares_the_fate_of_its_service():
    result = run(listener(takes=10, own=2), Times("job", at=[0, 0, 0]), faults=[Crash("back", at=5, lasting=5)])
    done = rows(result, target="back", outcome="ok")
    assert sorted(row.started for row in done) == [10, 10, 20]  # two workers, each free once


def test_a_command_waits_for_an_addressee_that_is_down():
    result = run(commander(takes=10), ONE, faults=[Crash("back", at=0, lasting=70)])
    assert [row.started for row in rows(result, target="back")] == [70]


def test_a_handler_that_waited_for_a_call_is_delivered_again_and_asks_again():
    saved = []
    system = listener()
    system.service("store", workers=9).operation(takes=10, name="save")(lambda ctx, job: saved.append(job.number))

    def body(ctx, job):
        yield ctx.call("store.save", job)
        ctx.publish("job.done", job)

    system.services["back"].on("job.placed", publishes="job.done", name="work")(body)
    result = run(system, ONE, faults=[Crash("back", at=5, lasting=10)])
    assert saved == [0, 0]  # a duplicate: at least once
    assert result.fates() == ["on time"] and len(rows(result, name="job.done")) == 1


def test_a_backlog_stays_at_the_reader_and_nobody_upstream_notices():
    load, crash = Evenly("job", every=10, count=100), Crash("back", at=200, lasting=300)
    calm, storm = (run(listener(takes=5, network=1), load, faults=faults) for faults in ([], [crash]))
    assert list(storm.table.answered) == list(calm.table.answered)
    assert storm.fates() == ["on time"] * 100
    late = [b - a for a, b in zip(calm.table.settled, storm.table.settled, strict=True)]
    assert late[0] == 0 < max(late) and late[-1] == 0


# A crash of the broker


def test_publishers_keep_what_they_cannot_hand_over_and_nothing_is_lost():
    result = run(listener(takes=1), Evenly("job", every=10, count=50), faults=[Crash("broker", at=95, lasting=200)])
    assert list(result.table.answered) == [10.0 * n for n in range(1, 51)]  # accepted all the same
    assert [row.request for row in rows(result, target="back")] == list(range(50))
    held = rows(result, target="broker", name="job.placed")[9:28]
    assert {row.received for row in held} == {295} and result.fates() == ["on time"] * 50


def test_a_broker_keeps_what_it_was_working_on_and_starts_again_on_it_first():
    system = listener(takes=0, workers=9)
    system.broker(latency=20, workers=1)
    result = run(system, Times("job", at=[0, 5]), faults=[Crash("broker", at=10, lasting=90)])
    placed = rows(result, target="broker", name="job.placed")
    assert [(row.request, row.received, row.started, row.ended) for row in placed] == [
        (0, 0, 100, 120),
        (1, 5, 120, 140),
    ]


def test_a_broker_that_is_down_at_the_cut_holds_messages_that_have_not_started_or_ended():
    system = listener(takes=0)
    system.broker(latency=20)
    result = run(system, ONE, until=50, faults=[Crash("broker", at=10, lasting=90)])
    (held,) = rows(result, target="broker")
    assert (held.outcome, str(held.started), str(held.ended)) == ("open", "nan", "nan")
    assert result.fates() == ["open"]


def test_a_closed_user_goes_on_after_a_crash_as_after_any_answer():
    result = run(desk(takes=10), Closed("job", users=1, think=7, count=5), faults=[Crash("desk", at=26, lasting=20)])
    told = [row.answer for row in rows(result)]
    assert told == ["ok", "lost", "rejected", "rejected", "ok"]
    assert list(result.table.offered) == [7, 24, 33, 40, 47]
