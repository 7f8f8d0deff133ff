"""A broker that crashes or is slow: a durable one loses nothing, another keeps nothing, a standby shortens it all."""

import pytest

from rehearsal import Breakdowns, Crash, CrashAt, Evenly, Failed, Retry, Slow, System, Times, run
from rehearsal.engine.outages import Outage
from rehearsal.service import AGAIN
from tests.systems import caller, commander, listener, rows

ONE = Times("job", at=[0])
BUILDS = pytest.mark.parametrize("build", [listener, commander])


def through(build=listener, takes=10, body=None, retry=AGAIN, **broker):
    """Return a front that tells a back something by way of a broker that is like this."""
    system = build(takes=takes, body=body) if build is commander else listener(takes=takes, body=body, retry=retry)
    system.broker(**broker)
    return system


def heard(result):
    """Return (number of the request, started, outcome) of everything the back got."""
    return [(row.request, row.started, row.outcome) for row in rows(result, target="back")]


# Durable


@BUILDS
def test_what_comes_for_a_durable_broker_that_is_down_waits_and_keeps_its_order(build):
    result = run(through(build), Times("job", at=[0, 20, 21, 22]), faults=[Crash("broker", 15, 50)])
    assert heard(result) == [(0, 0, "ok"), (1, 65, "ok"), (2, 75, "ok"), (3, 85, "ok")]
    assert list(result.table.answered) == [0, 20, 21, 22]  # the publisher never noticed


@BUILDS
def test_what_a_durable_broker_had_in_hand_it_handles_again(build):
    """It needs 20, goes down at 10, and is back at 40: to the back at 60."""
    result = run(through(build, latency=20), ONE, faults=[Crash("broker", 10, 30)])
    assert heard(result) == [(0, 60, "ok")]


def test_what_it_had_passed_on_is_none_of_its_business_any_more():
    calm, storm = (run(through(), Times("job", at=[0, 0]), faults=f) for f in ([], [Crash("broker", 5, 50)]))
    assert heard(calm) == heard(storm) == [(0, 0, "ok"), (1, 10, "ok")]
    assert list(storm.table.settled) == [10, 20]  # said at 10 and 20, heard by others at 55


def test_a_durable_broker_that_never_comes_back_leaves_what_it_holds_stuck():
    for until in (None, 1000):
        result = run(through(), Times("job", at=[0, 20]), until=until, faults=[Crash("broker", 15)])
        assert result.fates() == ["on time", "stuck"]


def test_a_broker_with_a_standby_is_down_for_the_fail_over_only():
    result = run(through(failover=8), Times("job", at=[20]), faults=[Crash("broker", 15)])
    assert heard(result) == [(0, 23, "ok")] and result.outages == (Outage("broker", 15, 23),)


def test_a_broker_breaks_down_like_any_machine():
    result = run(through(), Times("job", at=[0, 105, 300]), faults=[Breakdowns("broker", up=100, down=30)])
    assert heard(result) == [(0, 0, "ok"), (1, 130, "ok"), (2, 300, "ok")]
    assert [(o.at, o.until) for o in result.outages] == [(100, 130), (230, 260)]


# Not durable


@BUILDS
def test_what_comes_for_a_broker_that_keeps_nothing_while_it_is_down_is_lost(build):
    result = run(through(build, durable=False), Times("job", at=[0, 20, 90]), faults=[Crash("broker", 15, 50)])
    assert heard(result) == [(0, 0, "ok"), (2, 90, "ok")]
    lost = rows(result, target="broker", outcome="lost")
    assert [(row.request, str(row.received), row.answer) for row in lost] == [(1, "nan", "none")]


@BUILDS
def test_what_it_had_in_hand_is_lost_as_well(build):
    result = run(through(build, latency=20, durable=False), ONE, faults=[Crash("broker", 10, 30)])
    assert heard(result) == []
    assert [(row.outcome, row.ended) for row in rows(result, target="broker")] == [("lost", 10)]


@BUILDS
def test_a_reader_that_is_down_misses_what_nobody_keeps_for_it(build):
    result = run(through(build, durable=False), Times("job", at=[0, 20, 90]), faults=[Crash("back", 15, 50)])
    assert [(number, outcome) for number, _, outcome in heard(result)] == [(0, "ok"), (1, "lost"), (2, "ok")]


@BUILDS
def test_a_reader_that_crashes_loses_what_it_worked_on_and_what_waited(build):
    result = run(through(build, durable=False), Times("job", at=[0, 0, 90]), faults=[Crash("back", 5, 50)])
    assert [outcome for *_, outcome in heard(result)] == ["lost", "lost", "ok"]
    assert [row.ended for row in rows(result, target="back")[:1]] == [5]


def test_at_most_once_a_failure_is_not_delivered_again_and_no_dead_letter():
    def body(ctx, job):
        raise Failed("no")

    for durable, tries, letters in ((True, 3, 1), (False, 1, 0)):
        result = run(through(body=body, retry=Retry(2), durable=durable), ONE)
        assert (len(heard(result)), len(result.dead_letters)) == (tries, letters)


def test_at_most_once_a_crash_after_the_effect_makes_no_duplicate():
    for durable, times in ((True, 2), (False, 1)):
        done = []
        system = through(body=lambda ctx, job, done=done: done.append(ctx.now), durable=durable)
        run(system, ONE, faults=[CrashAt("back", "job.placed", "after", lasting=5)])
        assert len(done) == times


def test_without_a_fault_it_makes_no_difference_whether_a_broker_is_durable():
    load = Evenly("job", every=7, count=50)
    assert heard(run(through(), load)) == heard(run(through(durable=False), load))


# Slow, and somebody else's


def test_a_slow_broker_is_late_for_everybody_who_hears():
    result = run(through(latency=5), Times("job", at=[0, 100]), faults=[Slow("broker", 4, at=90, lasting=20)])
    assert [started for _, started, _ in heard(result)] == [5, 120]


def test_two_brokers_each_have_their_own_luck():
    system = System("two brokers")
    system.broker("one", carries="job.placed")
    system.broker("two", carries="job.noted")

    @system.service("front", workers=99).operation(publishes=("job.placed", "job.noted"))
    def place(ctx, job):
        ctx.publish("job.placed", job)
        ctx.publish("job.noted", job)

    for topic, name in (("job.placed", "back"), ("job.noted", "audit")):
        system.service(name, workers=9).on(topic, takes=1)(lambda ctx, job: None)
    system.accepts("job", place)
    result = run(system, Times("job", at=[20]), faults=[Crash("one", 15, 50)])
    assert [row.started for row in rows(result, target="back")] == [65]
    assert [row.started for row in rows(result, target="audit")] == [20]


def test_calls_need_no_broker():
    system = caller(takes=10)
    system.broker()
    assert run(system, ONE, faults=[Crash("broker", 0)]).fates() == ["on time"]
