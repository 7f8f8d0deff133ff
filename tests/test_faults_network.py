"""A bad network: links that drop, delay, repeat and shuffle messages, partitions, and services gone mute."""

import pytest

from rehearsal import (
    Crash,
    Delay,
    Drop,
    Duplicate,
    Evenly,
    Exponential,
    Mute,
    Partition,
    Poisson,
    Reorder,
    Retry,
    System,
    Times,
    Uniform,
    run,
)
from rehearsal.engine.performer import Engine
from rehearsal.trace import Table, Trace
from tests.systems import caller, commander, desk, listener, rows, same

ONE = Times("job", at=[0])
THERE, BACK = {"ways": "there"}, {"ways": "back"}
LINK = "front", "back"


def calls(result):
    """Return (sent, answered, what the caller was told, what became of the work) of every call."""
    return [(row.sent, row.answered, row.answer, row.outcome) for row in rows(result, kind="call")]


# Drop


def test_a_request_that_is_dropped_is_never_received_and_costs_the_time_out():
    result = run(caller(takes=10, timeout=20, retry=Retry(1)), ONE, faults=[Drop(LINK, lasting=5, **THERE)])
    assert calls(result) == [(0, 20, "timeout", "lost"), (20, 30, "ok", "ok")]
    first, second = rows(result, target="back")
    assert str(first.received) == "nan" and second.received == 20


def test_an_answer_that_is_dropped_was_worked_for_all_the_same():
    result = run(caller(takes=10, timeout=20, retry=Retry(1)), ONE, faults=[Drop(LINK, lasting=15, **BACK)])
    assert calls(result) == [(0, 20, "timeout", "ok"), (20, 30, "ok", "ok")]


def test_the_ways_of_a_link_are_told_from_its_first_end():
    for link, ways in ((LINK, "there"), (LINK[::-1], "back"), (LINK, "both")):
        result = run(caller(takes=10, timeout=20), ONE, faults=[Drop(link, ways=ways)])
        assert str(rows(result, target="back")[0].received) == "nan"
    result = run(caller(takes=10, timeout=20), ONE, faults=[Drop(LINK[::-1], **THERE)])
    assert rows(result, target="back")[0].received == 0


def test_the_client_is_an_end_of_a_link_too():
    result = run(desk(), Times("job", at=[0, 50]), faults=[Drop(("client", "desk"), lasting=20)])
    assert result.fates() == ["stuck", "on time"] and [row.outcome for row in rows(result)] == ["lost", "ok"]


def test_what_a_publisher_hands_over_is_lost_for_good():
    result = run(listener(), ONE, faults=[Drop(("front", "broker"))])
    assert [(row.target, row.outcome) for row in rows(result)] == [("front", "ok"), ("broker", "lost")]
    assert result.fates() == ["stuck"] and list(result.table.answered) == [0]


@pytest.mark.parametrize("build", [listener, commander])
def test_a_delivery_that_is_dropped_comes_again_so_long_after_it_was_sent(build):
    """One hop takes 2: handed over at 2, there at 4, sent on at 4; twice for nothing, then it comes through."""
    system = build(takes=10, network=2)
    system.broker(redelivers=50)
    result = run(system, ONE, faults=[Drop(("broker", "back"), lasting=100)])
    tries = [(row.attempt, row.sent, row.outcome, row.ended) for row in rows(result, target="back")]
    assert [(n, sent, outcome) for n, sent, outcome, _ in tries] == [(1, 4, "lost"), (2, 54, "lost"), (3, 104, "ok")]
    assert tries[-1][-1] == 116 and result.fates() == ["on time"]


def test_a_request_whose_delivery_will_come_again_is_open_at_the_cut():
    result = run(listener(), ONE, until=500, faults=[Drop(("broker", "back"), lasting=100)])
    assert result.fates() == ["open"]


@pytest.mark.parametrize(("sent", "answer"), [(9, "ok"), (10, "timeout"), (19, "timeout"), (20, "ok")])
def test_it_is_the_moment_of_sending_that_counts(sent, answer):
    """A hop takes 4: what leaves at 9 arrives at 13, within the window, and what leaves at 19 after it."""
    system = caller(takes=1, timeout=30)
    system.link("front", "back", 4)
    assert calls(run(system, Times("job", at=[sent]), faults=[Drop(LINK, at=10, lasting=10, **THERE)]))[0][2] == answer


def test_a_share_is_dropped_a_greater_rate_drops_those_and_more_and_rates_multiply():
    def lost(*rates):
        faults = [Drop(("client", "desk"), rate, **THERE) for rate in rates]
        outcomes = [row.outcome for row in rows(run(desk(takes=0), Evenly("job", every=1, count=1000), faults=faults))]
        return {n for n, outcome in enumerate(outcomes) if outcome == "lost"}

    assert lost(0.1) < lost(0.3) < lost(0.3, 0.3)
    for rates, share in (((0.3,), 0.3), ((0.3, 0.3), 0.51)):
        assert abs(len(lost(*rates)) - 1000 * share) < 5 * (1000 * share * (1 - share)) ** 0.5  # five deviations
    assert lost(0) == set() and len(lost(1)) == 1000


def test_each_attempt_has_its_own_luck():
    result = run(
        caller(takes=1, timeout=5, retry=Retry(40)),
        Evenly("job", every=5, count=50),
        faults=[Drop(LINK, 0.5, **THERE)],
        seed=1,
    )
    assert result.fates() == ["on time"] * 50  # fifty times forty-one misses in a row: 2e-11
    assert max(row.attempt for row in rows(result, kind="call")) > 2


# Delay


def test_a_delay_is_added_to_each_hop():
    for ways, end in ((THERE, 15), (BACK, 15), ({}, 20)):
        assert calls(run(caller(takes=10), ONE, faults=[Delay(LINK, 5, **ways)]))[0][1] == end


def test_delays_add_up():
    assert calls(run(caller(takes=10), ONE, faults=[Delay(LINK, 5), Delay(LINK, 20, **BACK)]))[0][1] == 40


def test_events_are_delayed_on_their_way_to_the_broker_and_from_there():
    faults = [Delay(("front", "broker"), 5), Delay(("broker", "back"), 7, **THERE)]
    result = run(listener(takes=10), ONE, faults=faults)
    assert list(result.table.settled) == [22]


def test_a_delay_may_be_drawn_and_nothing_else_moves():
    system, load = caller(takes=Exponential(10), workers=99), Poisson("job", every=5, count=200)
    calm, storm = (run(system, load, faults=faults) for faults in ([], [Delay(LINK, Uniform(1, 3), **THERE)]))
    before, after = (rows(result, kind="call") for result in (calm, storm))
    for one, two in zip(before, after, strict=True):
        assert 1 <= two.received - one.received < 3
        assert two.ended - two.started == pytest.approx(one.ended - one.started)  # sums of floats


@pytest.mark.parametrize("crash", [Crash("desk", 0, 20, arrivals="wait"), Crash("desk", 0, 20, queue="kept")])
def test_who_waits_outside_is_not_sent_over_the_network_again(crash):
    struck = Times("job", at=[1])
    faults = [Delay(("client", "desk"), 5, **THERE), Duplicate(("client", "desk"))]
    result = run(desk(takes=10, workers=9), struck, faults=[*faults, crash])
    wanted = 20 if crash.arrivals == "wait" else 6
    assert [row.received for row in rows(result)] == [wanted] * 2


def test_a_publisher_that_waits_for_the_broker_is_not_delayed_twice():
    faults = [Delay(("front", "broker"), 5), Crash("broker", 2, 50)]
    assert rows(run(listener(), ONE, faults=faults), target="broker")[0].received == 52


# Duplicate


def test_a_request_that_arrives_twice_is_worked_on_twice_and_answered_once():
    result = run(caller(takes=10, workers=1), ONE, faults=[Duplicate(LINK)])
    first, second = rows(result, kind="call")
    assert (first.received, first.ended, first.answer, first.answered) == (0, 10, "ok", 10)
    assert (second.received, second.ended, second.outcome, second.answer) == (0, 20, "ok", "none")
    assert (second.parent, second.attempt, second.sent) == (first.parent, first.attempt, first.sent)
    assert result.fates() == ["on time"] and result.ended == 20


def test_the_second_answer_of_a_duplicate_does_not_complete_a_later_attempt():
    """The first copy works until 30 and the second until 60; the attempt made at 20 waits for its own answer, at 90."""
    result = run(caller(takes=30, timeout=80, retry=Retry(1)), Times("job", at=[0, 20]), faults=[Duplicate(LINK)])
    told = [row.answered for row in rows(result, kind="call") if row.answer == "ok"]
    assert told == [30, 90]


def test_a_publication_that_arrives_twice_is_two_events_and_a_delivery_two_messages():
    for link, at_broker, at_back in ((("front", "broker"), 2, 2), (("broker", "back"), 1, 2)):
        result = run(listener(workers=9), ONE, faults=[Duplicate(link, **THERE)])
        assert len(rows(result, target="broker", name="job.placed")) == at_broker
        assert [row.outcome for row in rows(result, target="back")] == ["ok"] * at_back


def test_answers_are_not_duplicated():
    calm, storm = (run(caller(), ONE, faults=faults) for faults in ([], [Duplicate(LINK, **BACK)]))
    assert same(calm, storm)


def test_rates_of_duplicates_are_chances_of_their_own():
    faults = [Duplicate(("client", "desk"), 0.5)] * 2
    result = run(desk(takes=0), Evenly("job", every=1, count=1000), faults=faults)
    assert abs(len(rows(result)) - 1750) < 5 * (1000 * 0.75 * 0.25) ** 0.5  # five standard deviations


# Reorder


def test_later_messages_overtake_those_that_are_kept_back():
    load = Evenly("job", every=1, count=200)
    calm, storm = (run(desk(takes=0), load, faults=f) for f in ([], [Reorder(("client", "desk"), 20, **THERE)]))
    late = [b.received - a.received for a, b in zip(rows(calm), rows(storm), strict=True)]
    order = sorted(range(200), key=lambda n: rows(storm)[n].received)
    assert all(0 <= by < 20 for by in late) and storm.fates() == ["on time"] * 200
    assert order != list(range(200)) and max(abs(n - place) for place, n in enumerate(order)) <= 20


def test_only_a_share_is_kept_back():
    result = run(desk(takes=0), Evenly("job", every=1, count=1000), faults=[Reorder(("client", "desk"), 20, 0.2)])
    kept = sum(row.received > row.sent for row in rows(result))
    assert abs(kept - 200) < 5 * (1000 * 0.2 * 0.8) ** 0.5  # five standard deviations


# Partition


def test_calls_and_answers_across_the_cut_are_lost():
    """It begins at 5 and lasts 50. At 0 the request came through, its answer does not; at 20 nothing does."""
    cut = Partition((("front",), ("back",)), at=5, lasting=50)
    result = run(caller(takes=10, timeout=30, workers=9), Times("job", at=[0, 20, 55]), faults=[cut])
    assert [outcome for *_, outcome in calls(result)] == ["ok", "lost", "ok"]
    assert [told for _, _, told, _ in calls(result)] == ["timeout", "timeout", "ok"]


def test_who_is_in_no_group_reaches_everybody_and_a_group_itself():
    for groups in ((("front",), ("other",)), (("front", "back"), ("other",))):
        system = caller()
        system.service("other")
        assert run(system, ONE, faults=[Partition(groups, at=0)]).fates() == ["on time"]
    assert run(caller(), ONE, faults=[Partition((("client",), ("back",)), at=0)]).fates() == ["on time"]
    assert run(caller(), ONE, faults=[Partition((("client", "back"), ("front",)), at=0)]).fates() == ["stuck"]


@pytest.mark.parametrize("groups", [(("front",), ("broker", "back")), (("front", "broker"), ("back",))])
def test_what_goes_through_a_durable_broker_waits_for_the_end_of_the_cut(groups):
    result = run(listener(takes=10), Times("job", at=[0, 4, 90]), faults=[Partition(groups, at=2, lasting=50)])
    assert list(result.table.settled) == [10, 62, 100]
    assert len(rows(result, target="back")) == 3  # waited, not delivered again


@pytest.mark.parametrize("groups", [(("front",), ("broker", "back")), (("front", "broker"), ("back",))])
def test_a_broker_that_keeps_nothing_loses_what_the_cut_parts(groups):
    system = listener(takes=10)
    system.broker(durable=False)
    result = run(system, Times("job", at=[0, 4, 90]), faults=[Partition(groups, at=2, lasting=50)])
    assert result.fates() == ["on time", "stuck", "on time"]


@pytest.mark.parametrize("until", [None, 100])
def test_what_is_cut_off_for_ever_is_stuck(until):
    for build, groups in ((listener, (("front",), ("broker",))), (caller, (("front",), ("back",)))):
        result = run(build(), ONE, until=until, faults=[Partition(groups, at=0)])
        assert result.fates() == ["stuck"]


# Mute


def test_a_mute_service_works_and_does_not_answer():
    result = run(caller(takes=10, timeout=20, retry=Retry(1)), ONE, faults=[Mute("back", lasting=15)])
    assert calls(result) == [(0, 20, "timeout", "ok"), (20, 30, "ok", "ok")]


def test_a_mute_reader_acknowledges_but_what_it_publishes_never_leaves():
    system = listener(takes=10)
    system.service("after").on("job.done")(lambda ctx, job: None)
    result = run(system, ONE, faults=[Mute("back")])
    assert [(row.attempt, row.outcome) for row in rows(result, target="back")] == [(1, "ok")]
    assert [row.outcome for row in rows(result, name="job.done", target="broker")] == ["lost"]
    assert rows(result, target="after") == []
    # The job is done, whether or not anybody hears of it: a request ends with the fact.
    assert result.fates() == ["on time"]


def test_commands_of_a_mute_service_never_leave_but_its_calls_do():
    sent = run(commander(), ONE, faults=[Mute("front")])
    assert [row.outcome for row in rows(sent, target="broker")] == ["lost"] and rows(sent, target="back") == []
    asked = run(caller(takes=10), ONE, faults=[Mute("front")])
    assert calls(asked) == [(0, 10, "ok", "ok")] and asked.fates() == ["stuck"]


def test_a_mute_service_does_not_even_refuse():
    result = run(caller(takes=10, timeout=20), ONE, faults=[Mute("back"), Crash("back", 0, 5)])
    assert calls(result) == [(0, 20, "timeout", "rejected")]


# Stuck, not open: nothing will ever move a request whose message vanished, unless a timer still runs

VANISH = {
    "request": Drop(LINK, **THERE),
    "answer": Drop(LINK, **BACK),
    "mute": Mute("back"),
    "cut": Partition((("front",), ("back",)), at=0),
    "black hole": Crash("back", 0, 5, arrivals="ignored"),
}


@pytest.mark.parametrize("fault", VANISH.values(), ids=VANISH)
def test_a_request_whose_message_vanished_is_stuck_however_the_run_is_cut(fault):
    for until in (None, 15, 1000):
        assert run(caller(takes=10), ONE, until=until, faults=[fault]).fates() == ["stuck"]


@pytest.mark.parametrize("fault", VANISH.values(), ids=VANISH)
def test_while_a_timer_runs_it_is_open_and_then_it_has_failed(fault):
    for until, fate in ((15, "open"), (99, "open"), (101, "failed"), (None, "failed")):
        assert run(caller(takes=10, timeout=100), ONE, until=until, faults=[fault]).fates() == [fate]


def test_one_lost_branch_of_many_is_enough():
    system = caller(takes=10, workers=9)
    system.service("other").operation(name="help")(lambda ctx, job: None)

    @system.services["front"].operation()
    def ask(ctx, job):
        yield ctx.all(ctx.call("back.work", job), ctx.call("other.help", job))

    system.accepts("job", ask)
    assert run(system, ONE, until=50, faults=[Drop(LINK)]).fates() == ["stuck"]


def test_who_waits_for_one_that_waits_for_ever_or_for_its_worker_is_stuck_too():
    """The front has one worker, and blocks: the second job waits for a worker that never comes free."""
    result = run(caller(takes=10, front=1), Times("job", at=[0, 20]), until=50, faults=[Drop(LINK, lasting=5)])
    assert result.fates() == ["stuck", "stuck"]


def test_what_was_timed_out_stays_so_though_its_message_vanishes_later():
    """The time-out is at 5; the request arrives at 20 in a black hole, and the answer of the other is lost at 30."""
    for fault in (Crash("back", 0, 25, arrivals="ignored"), Drop(LINK, **BACK)):
        system = caller(takes=10, timeout=5)
        system.link("front", "back", 20)
        assert calls(run(system, ONE, faults=[fault]))[0][:3] == (0, 5, "timeout")


# Nobody else pays or changes


def two_ways():
    """Return a front that asks `back` and then `other`, all drawn at random."""
    system = System("two ways", network=Exponential(2))
    for name in ("back", "other"):
        system.service(name, workers=99).operation(takes=Exponential(10), name=f"work {name}")(lambda ctx, job: None)

    @system.service("front", workers=99).operation()
    def ask(ctx, job):
        yield ctx.call("other.work other", job)
        yield ctx.call("back.work back", job, timeout=200)

    system.accepts("job", ask)
    return system


ASIDE = [
    Drop(("back", "other")), Delay(("back", "other"), 9), Duplicate(("client", "back")),
    Reorder(("client", "other"), 9), Partition((("client",), ("back", "other")), at=0),
    Drop(LINK, 0.0), Delay(LINK, 0), Duplicate(LINK, 0.0), Reorder(LINK, 9, 0.0),
    Drop(LINK, at=1e6), Mute("back", at=1e6),
]  # fmt: skip


@pytest.mark.parametrize("fault", ASIDE, ids=str)
def test_a_fault_where_nothing_passes_or_that_strikes_nothing_changes_nothing(fault):
    load = Poisson("job", every=3, count=100)
    assert same(run(two_ways(), load), run(two_ways(), load, faults=[fault]))


@pytest.mark.parametrize("fault", [Drop(LINK, 0.3), Duplicate(LINK, 0.3), Mute("back", 20, 100)], ids=str)
def test_those_who_are_not_struck_meet_the_same_moments_to_the_bit(fault):
    """With workers enough nobody waits for anybody, so that only the fault itself can change a message."""
    load = Poisson("job", every=3, count=100)
    calm, storm = run(two_ways(), load), run(two_ways(), load, faults=[fault])

    def moments(result, target):
        here = rows(result, target=target)
        return {(row.request, row.sent, row.received, row.started, row.ended) for row in here if row.outcome == "ok"}

    assert moments(storm, "other") == moments(calm, "other")
    assert moments(storm, "back") <= moments(calm, "back")
    assert (len(moments(storm, "back")) < 100) is isinstance(fault, Drop)


def test_a_link_that_no_fault_strikes_has_no_further_step():
    def step(*faults):
        system = two_ways()
        engine = Engine(system, 0, faults, Trace(), Table(system.entries))
        return engine.compiler.entry(system.entries["job"]).arrive == (engine.arrive,)

    assert step(Drop(LINK), Delay(("front", "other"), 5), Mute("back"))
    assert not step(Drop(("client", "front")))


def test_faults_listed_in_any_order_give_the_same_bytes():
    faults = [Delay(LINK, Exponential(n)) for n in (1, 2, 3)] + [Drop(LINK, rate) for rate in (0.1, 0.2, 0.3)]
    faults += [
        Reorder(LINK, 9, 0.5),
        Duplicate(LINK, 0.2),
        Mute("back", 50, 20),
        Partition((LINK[:1], LINK[1:]), 90, 9),
    ]
    load = Poisson("job", every=3, count=200)
    assert same(run(two_ways(), load, faults=faults), run(two_ways(), load, faults=faults[::-1]))


@pytest.mark.parametrize("timeout", [None, 12, 60])
@pytest.mark.parametrize(
    "faults",
    [
        [Drop(LINK, 0.5)], [Duplicate(LINK, 0.5)], [Duplicate(LINK, 0.5), Drop(LINK, 0.5)], [Mute("back", 50, 50)],
        [Partition((("front",), ("back",)), 50, 50)], [Crash("back", 50, 50, arrivals="ignored")],
        [Delay(LINK, 30), Crash("back", 50, 50, arrivals="ignored"), Drop(LINK, 0.2, at=20, lasting=50)],
    ],
    ids=lambda faults: " and ".join(type(fault).__name__ for fault in faults),
)  # fmt: skip
def test_totals_agree_with_the_trace(timeout, faults):
    system, load = caller(takes=Exponential(10), workers=2, timeout=timeout), Poisson("job", every=8, count=60)
    whole, thin = (run(system, load, faults=faults, keep=keep) for keep in ("trace", "totals"))
    counts = {}
    for row in rows(whole):
        if "open" not in (row.outcome, row.answer):
            key = row.source, row.target, row.outcome, row.answer
            counts[key] = counts.get(key, 0) + 1
    assert {(e.source, e.target, *ends): n for (e, *ends), n in thin.trace.counts.items()} == counts
    assert thin.fates() == whole.fates()
