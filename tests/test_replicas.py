"""Of several replicas one can go down: what it had in hand is lost or waits for it, and the others go on."""

import pytest

from rehearsal import (
    Breakdowns,
    Constant,
    Crash,
    CrashAt,
    Evenly,
    Exponential,
    ModelError,
    Poisson,
    Retry,
    Slow,
    System,
    Times,
    minute,
    monolith,
    ms,
    run,
    sec,
    theory,
)  # fmt: skip
from rehearsal.draw.spread import looks_of
from rehearsal.engine.outages import Outage
from rehearsal.impact import compare
from rehearsal.verdicts import troubles, windows
from tests.processes import sequence, services
from tests.systems import answers, caller, copies, desk, listener, rows, same

# How much they do


def test_each_replica_has_so_many_workers():
    assert answers(copies(desk(workers=2), 3), [0] * 7) == [("ok", 10)] * 6 + [("ok", 20)]


def test_a_replica_more_or_as_many_workers_more_are_the_same_while_nothing_breaks():
    load = Poisson("job", every=3, count=200)
    assert same(run(copies(desk(workers=2), 3), load), run(desk(workers=6), load))


def test_a_subscription_has_its_own_workers_in_each_replica():
    system = copies(listener(own=1), 2, "back")
    ends = [row.ended for row in rows(run(system, Times("job", at=[0, 0, 0])), target="back")]
    assert ends == [10, 10, 20]


def test_so_have_brokers():
    system = listener()
    system.broker(latency=5, workers=1, replicas=2)
    ends = [row.ended for row in rows(run(system, Times("job", at=[0, 0, 0])), target="broker", name="job.placed")]
    assert ends == [5, 5, 10]


def test_work_goes_to_the_replica_that_has_least_to_do():
    """The third job finds the second replica free, and is lost with it; the first one is not."""
    ends = answers(copies(desk(), 3), [0, 0, 1, 10.5], Crash("desk", at=12, replica=1))
    assert ends == [("ok", 10), ("ok", 10), ("ok", 11), ("lost", 12)]


# One goes down


def test_what_one_has_in_hand_is_lost_and_what_the_others_have_is_not():
    assert answers(copies(desk(), 3), [0, 0, 0], Crash("desk", at=7, replica=2)) == [
        ("ok", 10),
        ("lost", 7),
        ("ok", 10),
    ]


@pytest.mark.parametrize(("work", "end"), [("restart", 30), ("resume", 23)])
def test_what_is_kept_waits_for_its_own_replica(work, end):
    crash = Crash("desk", at=7, lasting=13, work=work, replica=2)
    assert answers(copies(desk(), 3), [0, 0, 0], crash) == [("ok", 10), ("ok", end), ("ok", 10)]


def test_who_comes_meanwhile_is_served_by_the_others():
    crash = Crash("desk", at=5, lasting=20, replica=1)
    assert answers(copies(desk(), 3), [6, 6, 6, 6], crash) == [("ok", 16), ("ok", 16), ("ok", 26), ("ok", 26)]
    other = Crash("desk", at=5, lasting=3, replica=2)
    assert [end for _, end in answers(copies(desk(), 3), [6, 6, 6, 6], crash, other)] == [16, 18, 26, 28]


def test_the_queue_before_them_all_stays_in_its_order():
    """One worker of two is gone at 5 with what it had in hand; the next in line waits for the other."""
    system = copies(desk(), 2)
    crash = Crash("desk", at=5, queue="lost", replica=2)
    assert answers(system, [0, 0, 1, 2], crash) == [("ok", 10), ("lost", 5), ("ok", 20), ("ok", 30)]


def test_a_replica_that_had_nothing_to_do_is_not_missed():
    load = Evenly("job", every=20, count=9)
    calm, storm = run(copies(desk(), 3), load), run(copies(desk(), 3), load, faults=[Crash("desk", at=50, replica=3)])
    assert same(calm, storm) and storm.degraded == (Outage("desk", 50, float("inf"), 3),)


def test_silence_is_kept_by_a_replica_that_vanishes_as_by_a_service():
    system = copies(caller(timeout=50), 2, "back")
    told = [Crash("back", at=5, arrivals=arrivals, replica=1) for arrivals in ("refused", "ignored")]
    assert [answers(system, [0], crash) for crash in told] == [[("failed", 5)], [("failed", 50)]]


def test_it_is_back_with_its_workers():
    crash = Crash("desk", at=5, lasting=5, replica=1)
    assert answers(copies(desk(), 3), [12, 12, 12, 12], crash) == [("ok", 22)] * 3 + [("ok", 32)]


def test_a_standby_replaces_a_replica_and_goes_on_with_what_is_durable():
    system = copies(desk(), 2, failover=4, durable=True)
    assert answers(system, [0, 0, 0], Crash("desk", at=5, work="resume", replica=1)) == [
        ("ok", 14), ("ok", 10), ("ok", 20),
    ]  # fmt: skip


def test_work_that_waits_for_its_replica_keeps_no_worker_of_the_others():
    """Replica 1 is stopped with work in hand; replica 2 goes and comes back; then two of three are free."""
    stopped = Crash("desk", at=5, lasting=100, work="resume", replica=1)
    ends = answers(copies(desk(), 3), [0, 10, 10], stopped, Crash("desk", at=6, lasting=1, replica=2))
    assert [end for _, end in ends] == [110, 20, 20]


# All of them


def test_only_where_none_is_left_is_the_service_down():
    crashes = [Crash("desk", at=5, lasting=20, replica=1), Crash("desk", at=8, lasting=5, replica=2)]
    result = run(copies(desk(), 2), Times("job", at=[6, 9, 14]), faults=crashes)
    assert [row.answer for row in rows(result)] == ["lost", "rejected", "ok"]
    assert result.outages == (Outage("desk", 8, 13),)
    assert result.degraded == (Outage("desk", 5, 25, 1), Outage("desk", 8, 13, 2))


@pytest.mark.parametrize("arrivals", ["refused", "ignored", "wait"])
def test_a_crash_of_each_is_a_crash_of_all(arrivals):
    each = [Crash("desk", at=15, lasting=20, arrivals=arrivals, replica=n) for n in (1, 2, 3)]
    load = Poisson("job", every=3, count=40)
    one, other = (run(copies(desk(), 3), load, faults=f) for f in (each, [Crash("desk", 15, 20, arrivals=arrivals)]))
    assert same(one, other) and one.outages == other.outages and not other.degraded


def test_a_crash_of_all_strikes_a_replica_that_was_down_with_what_was_kept_there():
    one = Crash("desk", at=5, lasting=50, work="resume", replica=1)
    broken = Breakdowns("desk", up=20, down=10, lasting=25)  # all of them, from 20 until 30
    assert answers(copies(desk(), 3), [0, 0], one, broken) == [("lost", 20), ("ok", 10)]


def test_a_replica_that_is_down_for_longer_stays_down_when_the_others_are_back():
    one = Crash("desk", at=5, lasting=50, work="resume", replica=1)
    broken = Breakdowns("desk", up=20, down=10, work="resume", lasting=25)
    assert answers(copies(desk(), 3), [0, 15], one, broken) == [("ok", 60), ("ok", 35)]


# Handlers that wait


def conductor(replicas=2, **how):
    """Return a front with replicas, whose handler asks `back` twice, 10 each time."""
    system = System("conductor")
    work = system.service("back", workers=9).operation(takes=10, name="work")(lambda ctx, job: "done")

    @system.service("front", workers=9, replicas=replicas, **how).operation()
    def ask(ctx, job):
        yield ctx.call(work, job)
        yield ctx.call(work, job)

    system.accepts("job", ask)
    return system


def test_a_conductor_takes_with_it_what_it_conducts_and_no_more():
    assert answers(conductor(), [0, 0], Crash("front", at=5, replica=1)) == [("lost", 5), ("ok", 20)]


@pytest.mark.parametrize("blocking", [True, False])
def test_a_durable_one_goes_on_when_it_is_back_with_the_answers_that_came(blocking):
    crash = Crash("front", at=5, lasting=10, replica=1)
    system = conductor(durable=True, blocking=blocking)
    assert answers(system, [0, 0], crash) == [("ok", 25), ("ok", 20)]


def test_one_that_does_not_block_holds_no_worker_when_its_replica_is_back():
    """The first waits from 5 until 105, and its replica is down for a moment; two workers are free at 12."""
    system = copies(conductor(durable=True, blocking=False), 2, "front", workers=1)
    object.__setattr__(system.find("ask"), "takes", Constant(5))
    faults = [Crash("front", at=7, lasting=1, replica=1), Slow("back", 10, lasting=6)]
    result = run(system, Times("job", at=[0, 12, 12]), faults=faults)
    assert [row.started for row in rows(result, target="front")] == [0, 12, 12]


def test_with_a_standby_that_is_when_it_has_taken_over():
    system = conductor(durable=True, failover=7)
    assert answers(system, [0, 0], Crash("front", at=5, replica=1)) == [("ok", 22), ("ok", 20)]


def test_what_nobody_takes_over_is_stuck():
    for until in (None, 1000):
        result = run(conductor(durable=True), Times("job", at=[0, 0]), until=until,
                     faults=[Crash("front", at=5, replica=2)])  # fmt: skip
        assert result.fates() == ["on time", "stuck"]


def test_one_that_waits_for_a_worker_goes_on_at_its_own_replica():
    """The first and the third are at the replica that is down from 12 until 30; the third waited for its worker."""
    system = copies(conductor(durable=True, blocking=False, decides=5), 2, "front", workers=1)
    crash = Crash("front", at=12, lasting=18, replica=1)
    assert [end for _, end in answers(system, [0, 0, 0], crash)] == [45, 30, 50]


# Messages


def test_a_delivery_in_hand_comes_again_to_another_at_once_and_first_in_line():
    system = copies(listener(), 2, "back")
    result = run(system, Times("job", at=[0, 1, 2]), faults=[Crash("back", at=5, replica=1)])
    tries = [(row.request, row.attempt, row.started, row.outcome) for row in rows(result, target="back")]
    assert sorted(tries) == [(0, 1, 0, "lost"), (0, 2, 11, "ok"), (1, 1, 1, "ok"), (2, 1, 21, "ok")]


@pytest.mark.parametrize("poll", [25, None])
def test_a_consumer_that_looks_now_and_then_finds_it_when_it_looks(poll):
    system = copies(listener(poll=poll), 2, "back")
    result = run(system, Times("job", at=[0, 30]), faults=[Crash("back", at=28, replica=1)])
    assert all(fate == "on time" for fate in result.fates()) and not result.dead_letters


@pytest.mark.parametrize(("durable", "outcomes"), [(True, ["ok", "ok"]), (False, ["lost", "ok"])])
def test_a_broker_with_replicas_keeps_what_one_of_them_had_in_hand_if_it_keeps_anything(durable, outcomes):
    system = listener()
    system.broker(latency=5, workers=1, replicas=2, durable=durable)
    result = run(system, Times("job", at=[0, 0]), faults=[Crash("broker", at=3, replica=1)])
    there = rows(result, target="broker", name="job.placed")
    assert [row.outcome for row in there] == outcomes and not result.outages
    assert max(row.ended for row in there) == (10 if durable else 5)


def test_what_is_in_an_outbox_leaves_with_another():
    system = copies(listener(), 2, "front", outbox=20)
    crash = CrashAt("front", "place", "after")
    result = run(system, Times("job", at=[1]), faults=[crash])
    assert [(row.sent, row.outcome) for row in rows(result, name="job.placed", target="broker")] == [(20, "ok")]


# A message that kills


@pytest.mark.parametrize("moment", ["during", "after"])
def test_a_message_takes_down_the_replica_that_works_on_it(moment):
    result = run(copies(desk(), 3), Times("job", at=[0, 0, 0]), faults=[CrashAt("desk", "serve", moment, 2)])
    assert [row.answer for row in rows(result)] == ["ok", "lost", "ok"]
    assert [o[::3] for o in result.degraded] == [("desk", 2)] and not result.outages


def test_a_call_that_finds_its_replica_just_gone_is_refused_and_the_next_is_not():
    ends = answers(copies(desk(), 3), [0, 0, 0, 1], CrashAt("desk", "serve", "before", 2))
    assert ends == [("ok", 10), ("rejected", 0), ("ok", 10), ("ok", 20)]


def test_an_event_that_finds_it_gone_goes_to_another():
    system = copies(listener(), 2, "back")
    result = run(system, Times("job", at=[0]), faults=[CrashAt("back", "job.placed", "before")])
    assert [(row.attempt, row.outcome) for row in rows(result, target="back")] == [(1, "ok")]


def test_a_message_that_kills_kills_them_one_after_another():
    """At least once is no blessing for a message that kills: each replica gets it in turn."""
    system = copies(listener(retry=Retry(9)), 3, "back")
    faults = [CrashAt("back", "job.placed", "during", n, lasting=99) for n in (1, 2, 3)]
    result = run(system, Times("job", at=[0]), faults=faults)
    assert [o.replica for o in result.degraded] == [1, 2, 3] and [o.at for o in result.outages] == [30]


def test_a_part_of_a_monolith_takes_down_the_replica_it_is_in():
    system = monolith(sequence(services(takes=10)), replicas=2)
    result = run(system, Evenly("order", every=5, count=2), faults=[CrashAt("payment", "charge", "during", 2)])
    assert sorted(result.fates()) == ["failed", "on time"] and [o.replica for o in result.degraded] == [2]
    whole = run(system, Evenly("order", every=5, count=2), faults=[Crash("payment", at=12, replica=1)])
    assert sorted(whole.fates()) == ["failed", "on time"]


# Breakdowns, each by itself


def test_each_breaks_down_at_times_of_its_own():
    faults = [Breakdowns("desk", Exponential(100), Exponential(100), replica=n) for n in (1, 2)]
    found = run(copies(desk(), 2), Evenly("job", every=10, count=300), faults=faults).degraded
    assert {o.replica for o in found} == {1, 2}
    assert len({o.until - o.at for o in found}) == len(found)


def test_wear_counts_the_work_of_the_replica_that_wears_out():
    worn = Breakdowns("desk", up=25, down=100, work="resume", clock="busy", replica=2)
    result = run(copies(desk(), 2), Times("job", at=[0, 0, 20, 20, 40, 40]), faults=[worn])
    assert [(o.at, o.replica) for o in result.degraded] == [(45, 2)]


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_all_are_down_together_as_seldom_as_theory_says(replicas):
    """Independent breakdowns: the product of the shares; 400 to 8,000 outages, so within a tenth."""
    each = theory.availability(up=600, down=300)
    faults = [Breakdowns("desk", Exponential(600), Exponential(300), replica=n + 1) for n in range(replicas)]
    result = run(copies(desk(takes=1 * ms), replicas), Evenly("job", every=1 * sec), faults=faults, until=60 * minute)
    down = sum(min(o.until, result.ended) - o.at for o in result.outages) / result.ended
    assert down == pytest.approx(1 - theory.in_parallel(*[each] * replicas), rel=0.1)


# In words and pictures


def test_it_says_which_one():
    crash = Crash("desk", at=5 * ms, lasting=10 * ms, replica=2)
    assert str(crash) == "desk #2 down from 5 ms for 10 ms"
    assert "3 replicas of 1 workers" in repr(copies(desk(), 3).services["desk"])


def test_a_service_with_a_replica_down_is_in_trouble_but_not_down():
    crash = Crash("desk", at=5, lasting=10, replica=2)
    result = run(copies(desk(), 3), Times("job", at=[0]), faults=[crash])
    assert [(t.label, t.struck, t.down) for t in troubles(result)] == [("desk #2 down", ("desk",), False)]
    assert windows(result, crash) == [(5, 15)]


def test_the_picture_of_what_it_did_says_which_one():
    crash = Crash("back", at=5, replica=2)
    calm, storm = (run(copies(caller(), 2, "back"), Times("job", at=[0, 0]), faults=f) for f in ((), [crash]))
    look = looks_of(compare(calm, storm))["back"]
    assert look.state == "struck" and look.lines[0] == "#2 down"


# What is refused


def test_a_replica_that_is_not_there_is_refused_before_the_run():
    with pytest.raises(ModelError, match=r"desk has 3 of them, from 1"):
        run(copies(desk(), 3), Times("job", at=[0]), faults=[Crash("desk", at=5, replica=4)])
    with pytest.raises(ModelError, match=r"desk has 1 of them"):
        run(desk(), Times("job", at=[0]), faults=[Breakdowns("desk", 5, 5, replica=2)])
    with pytest.raises(ValueError, match="replica of Crash"):
        Crash("desk", at=5, replica=0)


def test_two_crashes_of_one_replica_may_not_overlap_and_those_of_two_or_of_all_may():
    one, two, other, every = (Crash("desk", at, 10, replica=n) for at, n in ((5, 1), (9, 1), (9, 2), (9, None)))
    run(copies(desk(), 3), Times("job", at=[0]), faults=[one, other, every])
    with pytest.raises(ModelError, match="desk #1 cannot crash while it is down"):
        run(copies(desk(), 3), Times("job", at=[0]), faults=[one, two])


def test_a_number_of_replicas_is_a_whole_one():
    with pytest.raises(ValueError, match="replicas of desk"):
        System("odd").service("desk", replicas=0)
    with pytest.raises(ValueError, match="replicas of broker"):
        System("odd").broker(replicas=1.5)
