"""A crash says what becomes of work, queue, arrivals and callers; what is durable goes on, and nobody counts twice."""

from itertools import product

import pytest

from rehearsal import Breakdowns, Constant, Crash, CrashAt, Failed, Retry, Slow, System, Times, run
from rehearsal.engine.outages import Outage
from tests.systems import answers, caller, desk, listener, rows

ONE = Times("job", at=[0])


def durable(system, **how):
    """Make the front of a system, or the service said, durable."""
    system.services[how.get("service", "front")].durable = True
    return system


def waiting(body, takes=10, workers=9, blocking=True, front=9):
    """Return a durable front that does what `body(ctx, job, work)` says, and a `back` for it to ask."""
    system = System("durable")
    work = system.service("back", workers=workers).operation(takes=takes, name="work")(lambda ctx, job: "done")

    @system.service("front", workers=front, blocking=blocking, durable=True).operation()
    def ask(ctx, job):
        return (yield from body(ctx, job, work))

    system.accepts("job", ask)
    return system


# Work in progress: it began at 0 and takes 10; the service is down from 7 until 12


@pytest.mark.parametrize(
    ("work", "end"),
    [
        ("lost", ("lost", 7)),  # at once, without a network
        ("restart", ("ok", 22)),  # all ten again
        ("resume", ("ok", 15)),  # the three that were left
    ],
)
def test_work_in_progress_is_lost_begins_anew_or_goes_on(work, end):
    assert answers(desk(takes=10), [0], Crash("desk", at=7, lasting=5, work=work)) == [end]


def test_work_that_is_kept_is_one_piece_of_work_with_one_effect():
    done = []
    system = desk(takes=10, body=lambda ctx, job: done.append(ctx.now))
    result = run(system, ONE, faults=[Crash("desk", at=7, lasting=5, work="resume")])
    assert done == [15] and [(row.started, row.ended) for row in rows(result)] == [(0, 15)]


def test_work_that_begins_anew_goes_at_the_pace_of_the_restart_and_what_goes_on_keeps_its_own():
    slow = Slow("desk", 3, at=0, lasting=10)  # thirty from 5 would end at 35
    for work, end in (("restart", 28), ("resume", 45)):
        assert answers(desk(takes=10), [5], slow, Crash("desk", at=8, lasting=10, work=work)) == [("ok", end)]


def test_a_second_crash_before_the_work_is_over_is_another_pause():
    crashes = [Crash("desk", at=at, lasting=5, work="resume") for at in (7, 13)]
    assert answers(desk(takes=10), [0], *crashes) == [("ok", 20)]  # 7 + 1 + 2, and twice 5 of nothing


# What waits: three jobs at 0, the crash at 15 finds one done, one in work, one waiting; up again at 25


@pytest.mark.parametrize(
    ("work", "queue", "ends"),
    [
        ("lost", "lost", [("ok", 10), ("lost", 15), ("lost", 15)]),
        ("lost", "kept", [("ok", 10), ("lost", 15), ("ok", 35)]),
        ("resume", "lost", [("ok", 10), ("ok", 30), ("lost", 15)]),
        ("resume", "kept", [("ok", 10), ("ok", 30), ("ok", 40)]),
        ("restart", "kept", [("ok", 10), ("ok", 35), ("ok", 45)]),
    ],
)
def test_the_queue_in_memory_is_lost_or_kept_whatever_becomes_of_the_work(work, queue, ends):
    assert answers(desk(takes=10), [0, 0, 0], Crash("desk", 15, 10, work=work, queue=queue)) == ends


# Arrivals: the service, which needs 5, is down from 10 until 20; somebody comes at 12


@pytest.mark.parametrize(
    ("arrivals", "end", "fate"),
    [("refused", ("rejected", 12), "rejected"), ("wait", ("ok", 25), "on time")],
)
def test_arrivals_are_refused_at_once_or_wait_for_the_restart(arrivals, end, fate):
    crash = Crash("desk", 10, 10, arrivals=arrivals)
    assert answers(desk(takes=5), [12], crash) == [end]
    assert run(desk(takes=5), Times("job", at=[12]), faults=[crash]).fates() == [fate]


def test_into_a_black_hole_arrivals_vanish_and_nobody_is_told_anything():
    result = run(desk(takes=5), Times("job", at=[12]), faults=[Crash("desk", 10, 10, arrivals="ignored")])
    (request,) = rows(result)
    assert (request.outcome, request.answer, str(request.received), str(request.answered)) == (
        "lost", "none", "nan", "nan",
    )  # fmt: skip
    assert result.fates() == ["stuck"]


def test_a_black_hole_costs_its_caller_the_time_out():
    result = run(
        caller(takes=5, timeout=30, retry=Retry(1, wait=8)),
        Times("job", at=[12]),
        faults=[Crash("back", 10, 10, arrivals="ignored")],
    )
    calls = [(row.sent, row.answered, row.answer, row.outcome) for row in rows(result, kind="call")]
    assert calls == [(12, 42, "timeout", "lost"), (50, 55, "ok", "ok")]


def test_from_a_black_hole_those_already_waiting_hear_nothing_either():
    hole = Crash("back", at=5, lasting=100, arrivals="ignored")
    result = run(caller(takes=10, workers=1, timeout=30), Times("job", at=[0, 0]), faults=[hole])
    at_work, queued = rows(result, kind="call")
    assert [(row.answer, row.answered, row.outcome) for row in (at_work, queued)] == [("timeout", 30, "lost")] * 2
    assert (at_work.ended, str(queued.ended)) == (5, "nan")


def test_those_who_waited_outside_come_in_order_behind_the_queue_that_was_kept():
    crash = Crash("desk", 5, 15, queue="kept", work="resume", arrivals="wait")
    assert answers(desk(takes=10), [0, 0, 8, 9], crash) == [("ok", 25), ("ok", 35), ("ok", 45), ("ok", 55)]


def test_a_queue_limit_counts_those_who_waited_outside_when_they_come_in():
    crash = Crash("desk", 0, 20, arrivals="wait")
    assert answers(desk(takes=10, queue=1), [1, 2, 3], crash) == [("ok", 30), ("ok", 40), ("rejected", 20)]


def test_a_queue_limit_counts_the_queue_that_was_kept():
    crash = Crash("desk", 5, 15, queue="kept")
    told = answers(desk(takes=10, queue=1), [0, 0, 21, 31], crash)
    assert told == [("lost", 5), ("ok", 30), ("ok", 40), ("ok", 50)]
    assert answers(desk(takes=10, queue=1), [0, 0, 20, 21], crash)[3] == ("rejected", 21)


# A durable service: it finds its queue again, and its handlers go on where they were; down from 5 until 25


@pytest.mark.parametrize("blocking", [True, False])
def test_an_answer_that_comes_during_the_outage_is_found_at_the_restart(blocking):
    result = run(durable(caller(takes=10, blocking=blocking)), ONE, faults=[Crash("front", 5, 20)])
    request, call = rows(result)
    assert (call.answer, call.answered, request.answer, request.answered) == ("ok", 10, "ok", 25)
    assert len(rows(result, kind="call")) == 1  # it asked only once


@pytest.mark.parametrize("blocking", [True, False])
def test_an_answer_that_comes_after_the_outage_finds_a_handler_that_never_noticed(blocking):
    calm, storm = (
        run(durable(caller(takes=40, blocking=blocking)), ONE, faults=faults)
        for faults in ([], [Crash("front", 5, 20)])
    )
    assert rows(calm) == rows(storm)


def test_parallel_calls_go_on_when_the_last_answer_is_there_and_the_service_up():
    def body(ctx, job, work):
        yield ctx.all(ctx.call(work, job, key=1), ctx.call(work, job, key=2))
        yield ctx.call(work, job)

    result = run(waiting(body), ONE, faults=[Crash("front", 5, 20)])
    assert [(row.sent, row.answered) for row in rows(result, kind="call")] == [(0, 10), (0, 10), (25, 35)]


@pytest.mark.parametrize(("nap", "wakes"), [(10, 25), (50, 50)])
def test_a_pause_that_ends_during_the_outage_ends_with_it(nap, wakes):
    def body(ctx, job, work):
        yield ctx.sleep(nap)

    assert run(waiting(body), ONE, faults=[Crash("front", 5, 20)]).ended == wakes


@pytest.mark.parametrize(("wait", "sends"), [(0, 25), (6, 25), (30, 40)])
def test_a_retry_due_during_the_outage_is_made_at_the_restart(wait, sends):
    def body(ctx, job, work):
        yield ctx.call(work, job, timeout=10, retry=Retry(1, wait=wait))

    first, second = rows(run(waiting(body, takes=100), ONE, faults=[Crash("front", 5, 20)]), kind="call")
    assert (first.answered, first.answer) == (10, "timeout")
    assert (second.sent, second.answered) == (sends, sends + 10)


def test_a_time_out_during_the_outage_is_learnt_at_the_restart():
    learnt = []

    def body(ctx, job, work):
        try:
            yield ctx.call(work, job, timeout=10)
        except Failed:
            learnt.append(ctx.now)

    run(waiting(body, takes=100), ONE, faults=[Crash("front", 5, 20)])
    assert learnt == [25]


@pytest.mark.parametrize(("work", "end"), [("lost", 35), ("restart", 35), ("resume", 30)])
def test_own_work_of_a_durable_service_is_never_lost_it_begins_anew_unless_it_goes_on(work, end):
    """Durable is what was written down: a handler's steps, not the seconds of a computation."""
    system = durable(desk(takes=10), service="desk")
    assert answers(system, [0, 0], Crash("desk", 5, 20, work=work)) == [("ok", end), ("ok", end + 10)]


def test_a_durable_service_that_never_comes_back_leaves_its_requests_stuck():
    system = durable(caller(takes=10))
    for until in (None, 500):
        assert run(system, Times("job", at=[0, 2]), until=until, faults=[Crash("front", 5)]).fates() == ["stuck"] * 2


def test_handlers_that_did_not_wait_for_a_worker_do_so_after_the_restart():
    """Not blocking, one worker: both answers are there, and each handler's second step needs the worker for 0 ms."""

    def body(ctx, job, work):
        yield ctx.call(work, job)
        yield ctx.call(work, job)

    result = run(waiting(body, blocking=False, front=1), Times("job", at=[0, 1, 30]), faults=[Crash("front", 5, 20)])
    assert [(row.request, row.sent) for row in rows(result, kind="call")] == [
        (0, 0),
        (1, 1),
        (0, 25),
        (1, 25),
        (2, 30),
        (2, 40),
    ]
    assert result.fates() == ["on time"] * 3


def test_a_reader_of_events_that_is_durable_is_not_delivered_again():
    asked = []
    system = durable(listener(), service="back")
    system.service("store", workers=9).operation(takes=10, name="save")(lambda ctx, job: asked.append(job.number))

    def body(ctx, job):
        yield ctx.call("store.save", job)
        ctx.publish("job.done", job)

    system.services["back"].on("job.placed", publishes="job.done", name="work")(body)
    result = run(system, ONE, faults=[Crash("back", 5, 20)])
    assert asked == [0] and [row.attempt for row in rows(result, target="back")] == [1]
    assert list(result.table.settled) == [25]


def test_a_durable_reader_keeps_a_redelivery_that_was_in_work():
    def body(ctx, job):
        if ctx.attempt == 1:
            raise Failed("not yet")
        ctx.publish("job.done", job)

    system = durable(listener(takes=10, body=body, retry=Retry(1)), service="back")
    result = run(system, ONE, faults=[Crash("back", 15, 20, work="resume")])
    assert [(row.attempt, row.started, row.ended) for row in rows(result, target="back")] == [(1, 0, 10), (2, 10, 40)]


@pytest.mark.parametrize("poll", [None, 5])
def test_a_durable_reader_keeps_its_queue_even_where_the_broker_keeps_nothing(poll):
    system = durable(listener(takes=10, poll=poll), service="back")
    system.broker(durable=False)
    result = run(system, Times("job", at=[0, 0]), faults=[Crash("back", 7, 20)])
    assert result.fates() == ["on time"] * 2
    assert list(result.table.settled) == [37, 47]


# Fail-over


def test_a_standby_takes_over_and_the_outage_is_that_short():
    system = desk(takes=1)
    system.services["desk"].failover = 5
    result = run(system, Times("job", at=[8, 12, 15]), faults=[Crash("desk", at=10)])
    assert result.fates() == ["on time", "rejected", "on time"]
    assert result.outages == (Outage("desk", 10, 15),)


def test_a_crash_shorter_than_the_fail_over_is_over_before_it():
    system = desk(takes=1)
    system.services["desk"].failover = 50
    assert run(system, Times("job", at=[20]), faults=[Crash("desk", at=10, lasting=10)]).fates() == ["on time"]


@pytest.mark.parametrize(
    "fault",
    [CrashAt("desk", "serve", "before", lasting=90), Breakdowns("desk", up=10, down=90, lasting=20)],
)
def test_a_standby_takes_over_whatever_kind_of_crash_it_was(fault):
    system = desk(takes=1)
    system.services["desk"].failover = 5
    result = run(system, Times("job", at=[10, 16, 21]), faults=[fault])
    assert [round(o.until - o.at) for o in result.outages] == [5]
    assert result.fates()[1:] == ["on time"] * 2


# Several causes of being down


def test_a_standby_takes_over_after_a_crash_at_a_moment_as_well():
    system = desk(takes=10)
    system.services["desk"].failover = 5
    fault = CrashAt("desk", "serve", "before", lasting=100)
    assert answers(system, [20, 24, 25], fault) == [("rejected", 20), ("rejected", 24), ("ok", 35)]


def test_a_service_is_down_until_the_last_cause_is_over():
    """The crash from 10 until 30; at 15 somebody comes and finds it crashing once more, for 50."""
    faults = [Crash("desk", 10, 20), CrashAt("desk", "serve", "before", lasting=50, at=12)]
    told = answers(desk(takes=0), [9, 15, 29, 30, 64, 65], *faults)
    assert [answer for answer, _ in told] == ["ok", "rejected", "rejected", "rejected", "rejected", "ok"]
    result = run(desk(takes=0), Times("job", at=[9, 15, 70]), faults=faults)
    assert result.outages == (Outage("desk", 10, 65),)


def test_the_cause_that_is_over_first_ends_nothing():
    faults = [Crash("desk", 10, 90), CrashAt("desk", "serve", "before", lasting=5, at=12)]
    told = answers(desk(takes=0), [15, 25, 100], *faults)
    assert [answer for answer, _ in told] == ["rejected", "rejected", "ok"]


def test_a_service_that_goes_down_again_at_once_does_not_come_up_in_between():
    faults = [Crash("desk", at, 10, work="resume", queue="kept", arrivals="wait") for at in (10, 20)]
    assert answers(desk(takes=10), [5, 15], *faults) == [("ok", 35), ("ok", 45)]
    assert run(desk(takes=10), Times("job", at=[5]), faults=faults).outages == (Outage("desk", 10, 30),)


def test_what_waited_for_the_restart_is_slow_only_where_the_window_reaches():
    crash = Crash("desk", 10, 10, arrivals="wait")
    assert answers(desk(takes=10), [12], crash, Slow("desk", 3, at=0, lasting=20)) == [("ok", 30)]
    assert answers(desk(takes=10), [12], crash, Slow("desk", 3, at=20, lasting=1)) == [("ok", 50)]


# Nobody is counted twice


KINDS = [
    Crash("back", 25, 30, work, queue, arrivals)
    for work, queue, arrivals in product(
        ("lost", "restart", "resume"), ("lost", "kept"), ("refused", "ignored", "wait")
    )
]


@pytest.mark.parametrize("crash", KINDS, ids=lambda crash: f"{crash.work}-{crash.queue}-{crash.arrivals}")
def test_afterwards_every_worker_is_free_exactly_once(crash):
    busy, later = [0, 0, 3, 6, 20, 24, 26, 40], [500] * 4
    result = run(caller(takes=10, workers=3), Times("job", at=busy + later), faults=[crash])
    assert [row.started for row in rows(result, kind="call")[-4:]] == [500, 500, 500, 510]


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("work", ["lost", "restart", "resume"])
def test_afterwards_every_worker_of_a_caller_is_free_exactly_once(stays, blocking, work):
    """The front works for 10 before it asks the back, which takes 10: at 15 some work, some wait, some queue."""
    system = caller(takes=10, workers=9, front=2, blocking=blocking)
    ask = system.services["front"].operations["ask"].function
    system.accepts("job", system.services["front"].operation(takes=10, name="ask")(ask))
    system.services["front"].durable = stays
    load = Times("job", at=[0, 0, 0, 5, 7, 500, 500, 500])
    result = run(system, load, faults=[Crash("front", 15, 30, work=work, queue="kept")])
    assert [row.started for row in rows(result, kind="request")[-3:]] == [500, 500, 520 if blocking else 510]


# Struck again while it is down: the later fault's words hold for what was kept so far, and for who still waits outside

KIND = {"work": "resume", "queue": "kept", "arrivals": "wait"}


def test_windows_that_touch_are_one_outage_and_the_second_crash_loses_what_the_first_had_kept():
    jobs = [0, 0, 6]  # in work, in the queue, and outside while the first crash lasts
    for second in (10, 10.001):  # a moment of health in between makes no difference to anybody
        told = answers(desk(takes=20), jobs, Crash("desk", 5, 5, **KIND), Crash("desk", second, 5))
        assert [answer for answer, _ in told] == ["lost", "lost", "lost" if second > 10 else "rejected"]
        assert {moment for _, moment in told} == {second}
    result = run(desk(), ONE, faults=[Crash("desk", 5, 5, **KIND), Crash("desk", 10, 5)])
    assert result.outages == (Outage("desk", 5, 15),)


def test_what_both_crashes_keep_goes_on_after_the_second():
    both = [Crash("desk", 5, 5, **KIND), Crash("desk", 10, 5, **KIND)]
    assert answers(desk(takes=20), [0, 0, 6], *both) == [("ok", 30), ("ok", 50), ("ok", 70)]
    again = [both[0], Crash("desk", 10, 5, work="restart", queue="kept")]
    assert answers(desk(takes=20), [0, 0, 6], *again) == [("ok", 35), ("ok", 55), ("rejected", 10)]


def test_what_has_to_begin_anew_does_so_though_a_second_crash_would_resume_it():
    crashes = [Crash("desk", 5, 5, work="restart"), Crash("desk", 10, 5, work="resume")]
    assert answers(desk(takes=20), [0], *crashes) == [("ok", 35)]


@pytest.mark.parametrize(("arrivals", "end"), [("refused", ("rejected", 12)), ("wait", ("ok", 40))])
def test_arrivals_are_treated_as_the_later_fault_says_as_long_as_it_lasts(arrivals, end):
    breakdown = Breakdowns("desk", up=Constant(5), down=Constant(30), lasting=10)  # down from 5 until 35
    told = answers(desk(takes=5), [12, 20], breakdown, Crash("desk", 10, 5, arrivals=arrivals))
    assert told == [end, ("ok", 40 + 5 * (arrivals == "wait"))]  # who comes at 20 waits again


def test_a_crash_inside_a_breakdown_takes_what_the_breakdown_had_kept():
    breakdown = Breakdowns("desk", up=Constant(5), down=Constant(10), work="resume", lasting=10)  # until 15
    assert answers(desk(takes=20), [0, 0], breakdown) == [("ok", 30), ("ok", 50)]
    assert answers(desk(takes=20), [0, 0], breakdown, Crash("desk", 10, 20)) == [("lost", 10), ("lost", 10)]


def test_a_handler_the_first_crash_kept_is_lost_in_the_second_and_its_answer_finds_nobody():
    result = run(caller(takes=7), ONE, faults=[Crash("front", 5, 5, **KIND), Crash("front", 10, 5)])
    request, call = rows(result)
    assert (request.outcome, request.answered, call.answer, call.answered) == ("lost", 10, "ok", 7)


def test_a_durable_queue_outlasts_both_and_each_delivery_comes_once():
    crashes = [Crash("back", 5, 5, **KIND), Crash("back", 10, 5)]
    result = run(listener(takes=20), Times("job", at=[0, 0]), faults=crashes)
    deliveries = rows(result, kind="event", target="back")
    assert [(row.attempt, row.outcome, row.ended) for row in deliveries] == [
        (1, "lost", 10),
        (1, "ok", 55),
        (2, "ok", 35),
    ]
    assert set(result.fates()) == {"on time"}


@pytest.mark.parametrize("blocking", [True, False])
def test_a_worker_who_decides_in_a_crash_is_not_free_as_well_after_the_restart(blocking):
    """It goes on with its decision; were it free besides, two would be decided at once by one worker."""
    system = System("deciding")
    back = system.service("back", workers=50).operation(takes=10, name="work")(lambda ctx, job: None)

    @system.service("front", blocking=blocking, durable=True, decides=5).operation()
    def ask(ctx, job):
        yield ctx.call(back, job)

    system.accepts("job", ask)
    down = Crash("front", at=12, lasting=20, work="resume", queue="kept", arrivals="wait")
    result = run(system, Times("job", at=[0, 100, 100, 100]), faults=down)
    assert list(result.table.answered) == [32, *([115, 130, 145] if blocking else [115, 120, 125])]


def test_a_worker_who_works_in_process_in_a_crash_is_not_free_as_well_after_the_restart():
    system = System("program")
    home = system.service("program", blocking=False, durable=True)
    part = home.operation(takes=10, name="part")(lambda ctx, job: None)

    @home.operation()
    def whole(ctx, job):
        yield ctx.work(part, job)

    system.accepts("job", whole)
    result = run(system, Times("job", at=[0, 100, 100]), faults=Crash("program", at=5, lasting=20))
    assert list(result.table.answered)[1:] == [110, 120]
