"""One replica of several goes down in awkward company: ties, keys, polls, frozen work, cut runs, searches."""

import pytest

from rehearsal import (
    Breakdowns,
    Crash,
    CrashAt,
    System,
    Times,
    run,
)  # fmt: skip
from rehearsal.engine.outages import Outage
from rehearsal.search import break_it, catalogue
from tests.systems import answers, caller, copies, desk, listener, rows

# At one moment


def test_one_is_back_before_another_goes_at_the_same_moment():
    rolling = [Crash("desk", at=5, lasting=5, replica=1), Crash("desk", at=10, lasting=5, replica=2)]
    result = run(copies(desk(), 2), Times("job", at=[6, 7, 8]), faults=rolling)
    assert not result.outages and [row.answer for row in rows(result)] == ["lost", "ok", "ok"]


def test_one_that_is_to_go_down_again_does_not_come_up_in_between():
    again = [Crash("desk", at=at, lasting=5, replica=1) for at in (5, 10)]
    assert answers(copies(desk(), 1), [7, 7], *again) == [("rejected", 7)] * 2
    assert answers(copies(desk(), 2), [7, 7], *again) == [("ok", 17), ("ok", 25)]


def test_two_crashes_at_one_message_stop_the_one_replica_that_has_it():
    twice = [CrashAt("desk", "serve", "during", 1, lasting=lasting) for lasting in (20, 30)]
    assert {o.replica for o in run(copies(desk(), 3), Times("job", at=[0]), faults=twice).degraded} == {1}


def test_a_handler_that_never_waits_takes_its_own_replica_with_it():
    system = copies(desk(takes=0), 3)

    @system.services["desk"].operation(takes=10)
    def serve(ctx, job):
        yield from ()

    system.accepts("job", serve)
    result = run(system, Times("job", at=[0, 0]), faults=[CrashAt("desk", "serve", "during", 2)])
    assert [o.replica for o in result.degraded] == [2]


# In order, and by the clock


@pytest.mark.parametrize("replica", [None, 1])
def test_nobody_works_in_a_crash_on_the_next_of_a_key(replica):
    system = System("keyed")
    back = system.service("back", workers=2, replicas=1 if replica is None else 2)
    back.on("job.placed", takes=10, acknowledge="before", key=lambda job: 0)(lambda ctx, job: None)

    @system.service("front", workers=9).operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    system.accepts("job", place)
    result = run(system, Times("job", at=[0, 1, 2]), faults=[Crash("back", at=5, lasting=20, replica=replica)])
    assert [row.started for row in rows(result, target="back")] == ([0, 25, 35] if replica is None else [0, 5, 15])


def test_what_a_crash_loses_keeps_nobody_of_its_key_waiting():
    system = listener()
    system.broker(durable=False)
    reader = system.services["back"].subscriptions["job.placed"]
    object.__setattr__(reader, "key", lambda job: 0)
    result = run(system, Times("job", at=[0, 1, 20]), faults=[Crash("back", at=5, lasting=10)])
    assert [row.outcome for row in rows(result, target="back")] == ["lost", "lost", "ok"]


def test_the_worker_of_one_key_is_free_for_its_next():
    """The next of a key takes the node down at once, and the worker of the one before is not free in the outage."""
    system = listener(takes=0, workers=2)
    reader = system.services["back"].subscriptions["job.placed"]
    object.__setattr__(reader, "key", lambda job: 0)
    result = run(system, Times("job", at=[0, 0, 0]), faults=[CrashAt("back", "job.placed", "after", 2, lasting=20)])
    starts = [row.started for row in rows(result, target="back")]
    assert all(start == 0 or start >= 20 for start in starts)


@pytest.mark.parametrize("durable", [True, False])
def test_a_consumer_that_polls_is_not_pushed_to_after_the_crash_of_a_replica(durable):
    system = copies(listener(poll=25), 2, "back")
    system.broker(durable=durable)
    reader = system.services["back"].subscriptions["job.placed"]
    object.__setattr__(reader, "acknowledge", "before")
    result = run(system, Times("job", at=[0, 40]), faults=[Crash("back", at=28, replica=1)])
    assert [row.started for row in rows(result, target="back")][1] > 50


def test_what_comes_again_is_first_when_a_consumer_looks():
    """It sleeps from 35 on, when the first is done; the third comes, then the second is lost with its replica."""
    system = copies(listener(poll=25), 2, "back")
    result = run(system, Times("job", at=[0, 26, 35.5]), faults=[Crash("back", at=35.7, replica=2)])
    order = sorted((row.started, row.request, row.attempt) for row in rows(result, target="back"))
    assert order == [(25, 0, 1), (26, 1, 1), (60, 1, 2), (70, 2, 1)]


def test_a_replica_that_stays_down_is_on_record():
    crashes = [Crash("desk", at=5, lasting=45, replica=1), Crash("desk", at=8, lasting=92, replica=2)]
    result = run(copies(desk(), 2), Times("job", at=[60]), faults=crashes)
    assert result.outages == (Outage("desk", 8, 50),)
    assert result.degraded == (Outage("desk", 5, 50, 1), Outage("desk", 8, 100, 2))


def test_frozen_work_wears_nothing_out():
    """Of its 100 ms of work until a breakdown the desk has done 5 + 5 when replica 1 is stopped for a second."""
    stopped = Crash("desk", at=5, lasting=1000, work="resume", replica=1)
    worn = Breakdowns("desk", up=100, down=10, clock="busy", work="resume")
    assert not run(copies(desk(), 2), Times("job", at=[0, 500]), faults=[stopped, worn]).outages


def test_fates_are_the_same_where_a_run_is_cut_late():
    """One replica is down for ever; the other's only worker waits for what never comes."""
    system = copies(caller(front=1), 2, "front")
    faults = [Crash("front", at=1, replica=1), Crash("back", at=2, arrivals="ignored")]
    whole, cut = (run(system, Times("job", at=[5, 6, 7]), faults=faults, until=end) for end in (None, 1000))
    assert whole.fates() == cut.fates() == ["stuck"] * 3


# In a search


def test_a_search_tries_two_replicas_together():
    found = break_it(
        copies(desk(), 2),
        Times("job", at=[0, 9]),
        lambda result: "down" if result.outages else None,
        faults=[Crash("desk", at=5, lasting=10, replica=1), Crash("desk", at=8, lasting=10, replica=2)],
        most=2,
    )
    assert found is not None and len(found.faults) == 2


def test_the_faults_that_could_strike_are_those_of_each_replica_too():
    system = listener()
    system.broker(replicas=2)
    found = catalogue(run(system, Times("job", at=[0])), kinds=Crash)
    assert {fault.replica for fault in found if fault.service == "broker"} == {None, 1, 2}
