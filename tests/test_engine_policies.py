"""What policies do in a run: each alone, on systems whose every number can be worked out by hand."""

from itertools import pairwise

import pytest

from rehearsal import (
    Bulkhead,
    BulkheadFull,
    CircuitBreaker,
    CircuitOpen,
    Constant,
    Crash,
    Errors,
    Evenly,
    Failed,
    Hedge,
    ModelError,
    Poisson,
    Refused,
    Retry,
    RetryBudget,
    Slow,
    System,
    TimedOut,
    Times,
    run,
)  # fmt: skip
from tests.systems import caller, rows


def guarded(takes=10, workers=1, front=1000, network=0.0, body=None, blocking=True, **policies):
    """Return a `front` that calls `back.work` under a guard and answers what it got, or the name of its error."""
    system = System("guarded", network)
    work = system.service("back", workers=workers).operation(takes=takes, name="work")(
        body or (lambda ctx, job: "done")
    )

    @system.service("front", workers=front, blocking=blocking).operation()
    def ask(ctx, job):
        try:
            return (yield ctx.call(work, job))
        except Failed as error:
            ctx.state.setdefault("told", []).append((ctx.now, type(error).__name__))
            raise

    system.accepts("job", ask)
    system.guard(**policies)
    return system


def calls(result):
    """Return (sent, answered, answer, outcome) of each call in order."""
    return [(row.sent, row.answered, row.answer, row.outcome) for row in rows(result, kind="call")]


def at(*moments):
    """Return a load that offers at these moments."""
    return Times("job", at=moments)


# Deadlines


def test_a_deadline_is_for_all_attempts_together():
    system = guarded(takes=100, timeout=30, retry=Retry(9, wait=10), deadline=90)
    result = run(system, at(0))
    assert [sent for sent, *_ in calls(result)] == [0, 40, 80]
    assert [answered for _, answered, *_ in calls(result)] == [30, 70, 90]
    assert result.table.answered[0] == 90


def test_a_deadline_ends_a_pause_too():
    result = run(guarded(body=_broken, retry=Retry(1, wait=500), deadline=60), at(0))
    assert (calls(result), list(result.table.answered)) == ([(0, 10, "failed", "failed")], [60])


def test_a_call_answered_in_time_hears_nothing_of_its_deadline():
    result = run(guarded(takes=10, deadline=50), at(0, 100))
    assert [answer for _, _, answer, _ in calls(result)] == ["ok", "ok"]


def test_without_cancelling_what_is_given_up_is_done_all_the_same():
    result = run(guarded(takes=100, deadline=30), at(0))
    assert calls(result) == [(0, 30, "timeout", "ok")]


def chain(how, takes=100, deadline=30, late=None):
    """Return client → front → middle → back, where front gives `middle` a deadline and cancels as said."""
    system = System("chain")

    @system.service("back").operation(takes=takes)
    def work(ctx, job): ...

    @system.service("middle", workers=9).operation()
    def relay(ctx, job):
        try:
            yield ctx.call(work, job)
        except TimedOut:
            ctx.state.setdefault("told", []).append(ctx.now)
            raise

    @system.service("front", workers=9).operation()
    def ask(ctx, job):
        yield ctx.call(relay, job, deadline=deadline, cancel=how)

    system.accepts("job", ask)
    return system


def test_a_deadline_passed_on_aborts_the_work_at_the_end_of_the_chain():
    result = run(chain("work"), at(0))
    relay, work = (rows(result, name=name)[0] for name in ("relay", "work"))
    assert (work.ended, work.outcome, work.answer) == (30, "cancelled", "timeout")
    assert (relay.ended, relay.outcome, relay.answer) == (30, "failed", "timeout")
    assert result.ended == 30


def test_a_deadline_that_empties_queues_only_lets_work_in_progress_end():
    result = run(chain("queue"), at(0, 5))
    first, second = rows(result, name="work")
    assert (first.ended, first.outcome, second.ended, second.outcome) == (100, "ok", 35, "cancelled")
    assert second.started != second.started


def test_cancelled_work_frees_its_worker_at_once():
    result = run(guarded(takes=100, deadline=30, cancel="work"), at(0, 20))
    _, second = rows(result, name="work")
    assert (second.started, second.ended, second.outcome) == (30, 50, "cancelled")


def test_a_request_still_on_its_way_is_taken_back():
    result = run(guarded(takes=10, network=50, deadline=120, cancel="queue", timeout=20, retry=Retry(1)), at(0))
    assert [(row.received == row.received, row.outcome) for row in rows(result, kind="call")] == [
        (False, "cancelled")
    ] * 2


def test_cancelling_in_parallel_ends_every_branch():
    system = System("fork")
    works = [system.service(f"s{i}").operation(takes=t, name=f"work{i}")(_nothing) for i, t in enumerate((10, 90, 95))]

    @system.service("middle").operation()
    def fork(ctx, job):
        yield ctx.all(*(ctx.call(work, job) for work in works))

    @system.service("front").operation()
    def ask(ctx, job):
        yield ctx.call(fork, job, timeout=40, cancel="work")

    system.accepts("job", ask)
    result = run(system, at(0))
    assert [(row.ended, row.outcome) for row in rows(result, kind="call")[1:]] == [
        (10, "ok"), (40, "cancelled"), (40, "cancelled"),
    ]  # fmt: skip


# Retries


def test_retries_wait_longer_by_a_step_each_time():
    result = run(guarded(body=_broken, retry=Retry(3, wait=10, step=5)), at(0))
    assert [sent for sent, *_ in calls(result)] == [0, 20, 45, 75]


@pytest.mark.parametrize(("jitter", "least"), [("full", 0), ("equal", 50)])
def test_jitter_spreads_retries_between_its_least_and_the_whole_pause(jitter, least):
    system = guarded(takes=0, workers=999, body=_broken, retry=Retry(1, wait=100, jitter=jitter))
    result = run(system, Evenly("job", every=1000, count=300))
    first, second = ([r.sent for r in rows(result, kind="call") if r.attempt == n] for n in (1, 2))
    pauses = [b - a for a, b in zip(first, second, strict=True)]
    assert min(pauses) >= least and max(pauses) <= 100
    assert abs(sum(pauses) / 300 - (least + 100) / 2) < 6  # three standard errors of a uniform draw: 3 × 29/√300 = 5


def test_decorrelated_jitter_grows_from_the_pause_before():
    system = guarded(takes=0, workers=999, body=_broken, retry=Retry(6, wait=10, cap=400, jitter="decorrelated"))
    result = run(system, Evenly("job", every=10_000, count=50))
    sent = [r.sent for r in rows(result, kind="call")]
    for first in range(0, len(sent), 7):
        pauses = [b - a for a, b in zip(sent[first : first + 6], sent[first + 1 : first + 7], strict=True)]
        limits = [30, *(3 * pause for pause in pauses)]
        assert all(10 - 1e-6 <= p <= min(400, top) + 1e-6 for p, top in zip(pauses, limits, strict=False))
    assert max(b - a for a, b in pairwise(sent) if b - a < 5_000) > 4 * 30  # more than the first pause allows


def test_jitter_belongs_to_the_call_and_moves_nobody_elses():
    system = guarded(takes=0, workers=999, body=_broken, retry=Retry(2, wait=100, jitter="full"))
    few, many = (run(system, Evenly("job", every=1000, count=n)) for n in (5, 50))
    assert calls(few) == calls(many)[: len(calls(few))]


def test_only_what_is_named_is_tried_again():
    system = guarded(body=_broken, retry=Retry(3, on="timeout"))
    assert len(calls(run(system, at(0)))) == 1
    assert len(calls(run(guarded(takes=50, timeout=20, retry=Retry(3, on="timeout")), at(0)))) == 4


def test_a_business_no_is_never_tried_again():
    def no(ctx, job):
        raise Refused("no")

    result = run(guarded(body=no, retry=Retry(3), breaker=CircuitBreaker(window=1)), at(0, 100))
    assert [answer for _, _, answer, _ in calls(result)] == ["refused", "refused"]


def test_a_budget_counts_retries_against_requests():
    system = guarded(takes=0, workers=999, body=_broken, retry=Retry(3), budget=RetryBudget(ratio=0.5, burst=2))
    result = run(system, Evenly("job", every=100, count=100))
    attempts = len(calls(result))
    assert attempts - 100 == pytest.approx(2 + 0.5 * 100, abs=2)


def test_a_budget_is_shared_by_all_calls_of_one_service_to_another():
    system = guarded(takes=0, workers=999, body=_broken, retry=Retry(5), budget=RetryBudget(ratio=0, burst=3))
    assert len(calls(run(system, at(0, 0, 0, 0)))) == 4 + 3


def test_a_budget_saves_no_more_than_its_burst():
    policies = {"retry": Retry(1), "budget": RetryBudget(ratio=0.5, burst=2)}
    system = guarded(takes=10, workers=99, **policies)
    result = run(system, at(*range(20), *[100] * 6), faults=[Errors("back", 1, at=50)])
    assert [row.attempt for row in rows(result, kind="call")].count(2) == 2


@pytest.mark.parametrize("policies", [{}, {"bulkhead": Bulkhead(9)}])
def test_who_was_turned_away_after_an_attempt_that_was_lost_knows_that_it_may_be_done(policies):
    system, told = guarded(takes=50, **policies), []

    @system.services["front"].operation(name="ask")
    def ask(ctx, job):
        try:
            yield ctx.call("back.work", job, retry=Retry(1))
        except Failed as error:
            told.append((type(error).__name__, error.may_be_done))

    run(system, at(0, 30), faults=[Crash("back", 20, 50)])
    assert told == [("Rejected", True), ("Rejected", False)]


# Circuit breakers

TIGHT = CircuitBreaker(window=4, minimum=4, failure_rate=0.5, open_for=100, probes=2)


def test_a_breaker_opens_at_its_rate_and_lets_nothing_out():
    result = run(guarded(breaker=TIGHT), at(*range(0, 140, 20)), faults=[Errors("back", 1, at=0, lasting=75)])
    assert [answer for _, _, answer, _ in calls(result)] == ["failed"] * 4 + ["unsent"] * 3
    assert [(t.time, t.was, t.now) for t in result.transitions] == [(70, "closed", "open")]
    assert (result.transitions[0].caller, result.transitions[0].callee) == ("front", "back")


def test_a_breaker_needs_its_minimum_of_calls():
    result = run(guarded(breaker=TIGHT), at(0, 20, 40), faults=[Errors("back", 1)])
    assert result.transitions == ()


def test_a_breaker_judges_by_the_share_in_its_window():
    # ok ok ok then failures: two of the last four are enough.
    result = run(guarded(breaker=TIGHT), at(*range(0, 140, 20)), faults=[Errors("back", 1, at=65, lasting=30)])
    assert [t.time for t in result.transitions] == [90]


def test_a_breaker_probes_after_a_while_and_closes_again():
    moments = [*range(0, 80, 20), 120, 175, 176, 177, 240]
    result = run(guarded(workers=9, breaker=TIGHT), at(*moments), faults=[Errors("back", 1, at=0, lasting=75)])
    assert [answer for _, _, answer, _ in calls(result)] == [
        *["failed"] * 4, "unsent", "ok", "ok", "unsent", "ok",
    ]  # fmt: skip
    assert [(t.time, t.now) for t in result.transitions] == [(70, "open"), (175, "half-open"), (186, "closed")]


def test_a_breaker_whose_probes_fail_opens_again():
    moments = [*range(0, 80, 20), 175, 176]
    result = run(guarded(workers=9, breaker=TIGHT), at(*moments), faults=[Errors("back", 1)])
    assert [(t.time, t.now) for t in result.transitions] == [(70, "open"), (175, "half-open"), (186, "open")]


def test_a_late_failure_of_a_call_made_before_does_not_open_a_breaker_again():
    breaker = CircuitBreaker(window=2, minimum=2, open_for=50, probes=1)
    system = guarded(takes=10, workers=9, breaker=breaker, timeout=200)
    slow = [Slow("back", 100, at=5, lasting=1), Errors("back", 1, at=0, lasting=40)]
    result = run(system, at(0, 5, 20, 100, 150, 160, 300), faults=slow)
    assert [t.now for t in result.transitions] == ["open", "half-open", "closed"]


def test_a_breaker_by_time_forgets_what_is_long_ago():
    breaker = CircuitBreaker(window=100, per="time", minimum=2, open_for=100, probes=1)
    apart = run(guarded(breaker=breaker), at(0, 150, 300), faults=[Errors("back", 1)])
    close = run(guarded(breaker=breaker), at(0, 50, 300), faults=[Errors("back", 1)])
    assert (len(apart.transitions), len(close.transitions)) == (0, 3)


def test_a_breaker_opens_for_slow_calls_as_well():
    breaker = CircuitBreaker(window=2, minimum=2, slow=30, slow_rate=1.0, open_for=100)
    result = run(guarded(takes=40, breaker=breaker), at(0, 50, 120))
    assert [answer for _, _, answer, _ in calls(result)] == ["ok", "ok", "unsent"]


def test_a_breaker_inside_the_retry_counts_attempts_outside_it_counts_calls():
    def failures_before_it_opens(counts):
        breaker = CircuitBreaker(window=4, minimum=4, open_for=10_000, counts=counts)
        system = guarded(body=_broken, breaker=breaker, retry=Retry(1))
        result = run(system, Evenly("job", every=100, count=9))
        return sum(answer == "failed" for _, _, answer, _ in calls(result))

    assert (failures_before_it_opens("attempts"), failures_before_it_opens("calls")) == (4, 8)


def test_what_a_breaker_stops_is_an_error_of_its_own_and_not_tried_again():
    system = guarded(body=_broken, breaker=CircuitBreaker(window=1, minimum=1, open_for=1000), retry=Retry(3, wait=5))
    result = run(system, at(0, 100))
    assert [answer for _, _, answer, _ in calls(result)] == ["failed", "unsent", "unsent"]
    assert issubclass(CircuitOpen, Failed)


PROBE = CircuitBreaker(window=1, minimum=1, open_for=100, probes=1)


def test_a_half_open_breaker_opens_again_for_slow_probes():
    breaker = CircuitBreaker(window=1, minimum=1, slow=30, open_for=100, probes=1)
    result = run(guarded(takes=40, breaker=breaker), at(0, 200, 250))
    assert [t.now for t in result.transitions] == ["open", "half-open", "open"]
    assert [answer for _, _, answer, _ in calls(result)] == ["ok", "ok", "unsent"]


def test_a_window_of_time_holds_what_is_younger_than_its_length():
    breaker = CircuitBreaker(window=100, per="time", minimum=2)
    edge, inside = (run(guarded(breaker=breaker), at(0, t), faults=[Errors("back", 1)]) for t in (100, 99))
    assert (len(edge.transitions), len(inside.transitions)) == (0, 1)


def test_a_probe_whose_caller_crashes_gives_its_place_to_another():
    faults = [Errors("back", 1, lasting=50), Crash("front", 160, 20)]
    result = run(guarded(takes=40, workers=9, breaker=PROBE), at(0, 150, 200), faults=faults)
    assert [(t.time, t.now) for t in result.transitions] == [(40, "open"), (150, "half-open"), (240, "closed")]


@pytest.mark.parametrize("counts", ["attempts", "calls"])
def test_a_breaker_counts_no_call_that_found_the_bulkhead_full(counts):
    breaker = CircuitBreaker(window=4, minimum=2, open_for=1000, counts=counts)
    result = run(guarded(takes=50, workers=9, breaker=breaker, bulkhead=Bulkhead(1)), at(0, 1, 2, 3, 4))
    assert [answer for _, _, answer, _ in calls(result)] == ["ok"] + ["unsent"] * 4
    assert result.transitions == ()


@pytest.mark.parametrize("counts", ["attempts", "calls"])
def test_a_call_that_is_over_before_a_bulkhead_lets_it_out_was_never_sent_and_says_nothing_of_the_callee(counts):
    breaker = CircuitBreaker(window=4, minimum=2, open_for=1000, counts=counts)
    system = guarded(takes=100, workers=9, breaker=breaker, bulkhead=Bulkhead(1, wait=1000))
    told = []

    @system.services["front"].operation(name="hurry")
    def hurry(ctx, job):
        try:
            yield ctx.call("back.work", job, deadline=20)
        except TimedOut as error:
            told.append((ctx.now, error.may_be_done))
            raise

    system.accepts("other", hurry)
    result = run(system, [at(0), Times("other", at=[1, 2, 3])])
    unsent = [(t, t, "unsent", "unsent") for t in (21, 22, 23)]
    assert calls(result) == [(0, 100, "ok", "ok"), *unsent]
    assert told == [(21, False), (22, False), (23, False)] and result.transitions == ()


def test_a_call_whose_first_attempt_was_sent_counts_whatever_stops_the_next():
    breaker = CircuitBreaker(window=1, minimum=1, open_for=1000, counts="calls")
    policies = {"retry": Retry(1, wait=5), "breaker": breaker, "bulkhead": Bulkhead(1)}
    result = run(guarded(takes=10, workers=9, body=_broken, **policies), at(0, 12))
    told = [(sent, answer) for sent, _, answer, _ in calls(result)]
    assert told == [(0, "failed"), (12, "failed"), (15, "unsent"), (27, "failed")]
    assert [t.time for t in result.transitions] == [15]


def test_a_probe_that_waited_for_the_bulkhead_in_a_crash_of_its_durable_caller_is_one_probe():
    system = guarded(takes=40, workers=9, bulkhead=Bulkhead(1, wait=1000), breaker=PROBE, by="front")
    system.services["front"].durable = True

    @system.services["front"].operation(name="other")
    def other(ctx, job):
        yield ctx.call("back.work", job, breaker=CircuitBreaker(window=9))  # the same bulkhead, a breaker of its own

    system.accepts("other", other)
    faults = [Errors("back", 1, lasting=50), Crash("front", 160, 30)]
    result = run(system, [at(0, 150), Times("other", at=[130])], faults=faults)
    assert [(t.time, t.now) for t in result.transitions] == [(40, "open"), (150, "half-open"), (230, "closed")]


def test_breakers_of_two_callers_learn_apart():
    system = guarded(breaker=CircuitBreaker(window=1, minimum=1, open_for=1000))

    @system.service("other").operation()
    def also(ctx, job):
        yield ctx.call("back.work", job)

    system.accepts("side", also)
    loads = [at(0, 100), Times("side", at=[50])]
    result = run(system, loads, faults=[Errors("back", 1)])
    assert [row.answer for row in rows(result, kind="call")] == ["failed", "failed", "unsent"]


# Bulkheads


def test_a_bulkhead_lets_so_many_calls_out_at_a_time():
    result = run(guarded(takes=50, workers=9, bulkhead=Bulkhead(2)), at(0, 1, 2, 60))
    assert [answer for _, _, answer, _ in calls(result)] == ["ok", "ok", "unsent", "ok"]
    assert issubclass(BulkheadFull, Failed)


def test_a_bulkhead_can_let_calls_wait():
    result = run(guarded(takes=50, workers=9, bulkhead=Bulkhead(1, wait=60)), at(0, 1, 2))
    assert [(sent, answer) for sent, _, answer, _ in calls(result)] == [(0, "ok"), (50, "ok"), (62, "unsent")]


def test_a_bulkhead_frees_a_place_when_the_caller_gives_up():
    result = run(guarded(takes=500, workers=9, bulkhead=Bulkhead(1), timeout=20), at(0, 30))
    assert [answer for _, _, answer, _ in calls(result)] == ["timeout", "timeout"]


def test_a_bulkhead_frees_the_place_of_a_caller_that_crashes():
    result = run(guarded(takes=50, workers=9, bulkhead=Bulkhead(1)), at(0, 100), faults=[Crash("front", 10, 20)])
    assert [answer for _, _, answer, _ in calls(result)] == ["none", "ok"]


def test_a_bulkhead_keeps_a_slow_dependency_from_taking_all_workers():
    """Two of three workers may wait for the slow one, so the third serves who does not need it, at once."""

    def other_kind_waits(**policies):
        system = System("two dependencies")
        slow = system.service("slow").operation(takes=1000, name="slow")(_nothing)
        quick = system.service("quick").operation(takes=1, name="quick")(_nothing)
        front = system.service("front", workers=3)

        @front.operation()
        def with_slow(ctx, job):
            yield ctx.call(slow, job)

        @front.operation()
        def with_quick(ctx, job):
            yield ctx.call(quick, job)

        system.accepts("job", with_slow)
        system.accepts("other", with_quick)
        system.guard(by="front", to="slow", **policies)
        result = run(system, [at(0, 1, 2, 3), Times("other", at=[10])])
        return rows(result, name="with_quick")[0].started - 10

    assert other_kind_waits(bulkhead=Bulkhead(2)) == 0
    assert other_kind_waits() > 900


# Hedges and fallbacks


def test_a_hedge_is_sent_once_no_answer_came_and_the_first_good_answer_counts():
    system = guarded(takes=Constant(10), workers=9, hedge=Hedge(after=30))
    result = run(system, at(0, 100), faults=[Slow("back", 20, at=0, lasting=5)])
    assert calls(result) == [(0, 40, "none", "ok"), (30, 40, "ok", "ok"), (100, 110, "ok", "ok")]


def test_a_hedge_has_a_time_out_of_its_own():
    result = run(guarded(takes=500, workers=9, hedge=Hedge(after=30), timeout=50), at(0))
    assert calls(result) == [(0, 50, "timeout", "ok"), (30, 80, "timeout", "ok")]
    assert list(result.table.answered) == [80]


def test_a_hedge_can_cancel_the_one_that_lost():
    system = guarded(takes=Constant(10), workers=9, hedge=Hedge(after=30), cancel="work")
    result = run(system, at(0), faults=[Slow("back", 20, at=0, lasting=5)])
    assert calls(result) == [(0, 40, "none", "cancelled"), (30, 40, "ok", "ok")]


def test_a_bad_answer_counts_only_when_the_hedge_is_bad_too():
    def body(ctx, job):
        if ctx.now < 60:
            raise Failed("too early")
        return "done"

    result = run(guarded(takes=50, workers=9, hedge=Hedge(after=20), body=body), at(0))
    assert calls(result) == [(0, 50, "failed", "failed"), (20, 70, "ok", "ok")]
    assert result.fates() == ["on time"]


def test_a_fallback_answers_in_place_of_a_failure_and_never_of_a_business_no():
    def no(ctx, job):
        raise Refused("no")

    assert run(guarded(body=_broken, fallback="cached"), at(0)).fates() == ["on time"]
    assert run(guarded(body=no, fallback="cached"), at(0)).fates() == ["refused"]


def test_a_fallback_may_be_none():
    assert run(guarded(body=_broken, fallback=None), at(0)).fates() == ["on time"]


# Shedding


def test_patience_turns_away_what_waited_too_long_when_its_turn_comes():
    system = caller(takes=50)
    system.services["back"].patience = 60
    result = run(system, at(0, 1, 2, 3))
    assert [(row.outcome, row.answered) for row in rows(result, kind="call")] == [
        ("ok", 50), ("ok", 100), ("rejected", 100), ("rejected", 100),
    ]  # fmt: skip


# Where policies are said


def test_what_is_said_of_fewer_calls_goes_before_what_is_said_of_more():
    system = guarded(takes=100, timeout=50)
    system.guard(to="back", timeout=30)
    assert calls(run(system, at(0)))[0][1] == 30
    system.guard(by="front", to="back", timeout=20)
    assert calls(run(system, at(0)))[0][1] == 20


def test_what_is_said_of_the_callee_goes_before_what_is_said_of_the_caller():
    system = guarded(takes=100, to="back", timeout=30)
    system.guard(by="front", timeout=20, deadline=25)
    assert [answered for _, answered, *_ in calls(run(system, at(0)))] == [25]
    system.guard(by="front", timeout=20)
    assert [answered for _, answered, *_ in calls(run(system, at(0)))] == [30]


def test_a_calls_own_words_go_before_a_guard_and_leave_the_rest_of_it():
    system = guarded(takes=100, timeout=50, retry=Retry(1))

    @system.services["front"].operation(name="ask")
    def ask(ctx, job):
        yield ctx.call("back.work", job, timeout=10)

    assert [answered - sent for sent, answered, *_ in calls(run(system, at(0)))] == [10, 10]


BREAKER = CircuitBreaker(window=1, minimum=1, open_for=1000)


@pytest.mark.parametrize(
    ("guard", "there", "gone"),
    [
        ({"timeout": 20}, [(0, "timeout"), (10, "timeout")], [(0, "lost"), (10, "lost")]),
        ({"deadline": 20}, [(0, "timeout"), (10, "timeout")], [(0, "lost"), (10, "lost")]),
        ({"retry": Retry(1)}, [(0, "lost"), (10, "lost"), (40, "rejected")], [(0, "lost"), (10, "lost")]),
        ({"breaker": BREAKER, "timeout": 5}, [(0, "timeout"), (10, "unsent")], [(0, "timeout"), (10, "timeout")]),
        ({"bulkhead": Bulkhead(1)}, [(0, "lost"), (10, "unsent")], [(0, "lost"), (10, "lost")]),
        ({"hedge": Hedge(35)}, [(0, "lost"), (10, "lost"), (35, "lost")], [(0, "lost"), (10, "lost")]),
    ],
)
def test_none_said_of_a_call_takes_away_what_a_guard_says(guard, there, gone):
    def told(words):
        system = guarded(takes=100, workers=9, **guard)

        @system.services["front"].operation(name="ask")
        def ask(ctx, job):
            yield ctx.call("back.work", job, **words)

        result = run(system, at(0, 10), faults=[Crash("back", 40)])
        return list(dict.fromkeys((sent, answer) for sent, _, answer, _ in calls(result)))

    assert (told({}), told({next(iter(guard)): None})) == (there, gone)


@pytest.mark.parametrize("words", [{}, {"timeout": None}, {"retry": None}, {"breaker": None, "deadline": None}])
def test_where_no_guard_stands_none_says_nothing(words):
    system = guarded(takes=10, to="front")

    @system.services["front"].operation(name="ask")
    def ask(ctx, job):
        yield ctx.call("back.work", job, **words)

    assert calls(run(system, at(0))) == [(0, 10, "ok", "ok")]


def test_a_guard_with_a_word_nobody_knows_says_which_there_are():
    with pytest.raises(TypeError, match=r"no policy 'retries'; did you mean 'retry'.*breaker, budget, bulkhead"):
        guarded(retries=2)


def test_a_guard_is_for_calls_of_the_services_it_names_only():
    system = guarded(takes=100, to="front", timeout=10)
    assert calls(run(system, at(0))) == [(0, 100, "ok", "ok")]


def test_a_guard_around_nobody_is_refused():
    system = guarded()
    system.guard(to="bakc", timeout=10)
    with pytest.raises(ModelError, match="did you mean 'back'"):
        run(system, at(0))


@pytest.mark.parametrize("wrong", [{"retry": 3}, {"breaker": True}, {"timeout": -1}, {"cancel": "all"}])
def test_a_policy_that_is_none_is_refused_where_it_is_said(wrong):
    with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
        guarded(**wrong)


def test_an_unknown_policy_of_a_call_ends_the_run_with_its_place():
    system = guarded()

    @system.services["front"].operation(name="ask")
    def ask(ctx, job):
        yield ctx.call("back.work", job, brekaer=CircuitBreaker())

    with pytest.raises(ModelError, match=r"front\.ask.*brekaer"):
        run(system, at(0))


# All of them together


EVERYTHING = {
    "timeout": 80, "deadline": 400, "cancel": "work", "retry": Retry(2, wait=10, jitter="full"),
    "budget": RetryBudget(0.3), "breaker": CircuitBreaker(window=20, minimum=10, open_for=300, probes=3),
    "bulkhead": Bulkhead(8, wait=50), "hedge": Hedge(after=60),
}  # fmt: skip


@pytest.mark.parametrize("blocking", [True, False])
def test_all_policies_together_lose_no_request_no_worker_and_no_place(blocking):
    system = guarded(takes=Constant(15), workers=2, front=30, network=1.0, blocking=blocking, **EVERYTHING)
    faults = [
        Crash("back", at=2000, lasting=1000),
        Slow("back", 9, at=5000, lasting=1000),
        Errors("back", 0.4, at=8000),
    ]
    result = run(system, Poisson("job", every=10, until=10_000), seed=3, faults=faults)
    assert "open" not in result.fates() and "stuck" not in result.fates() and result.drained
    again = run(system, Poisson("job", every=10, until=10_000), seed=3, faults=faults[::-1])
    assert calls(result) == calls(again)
    quiet = run(system, Poisson("job", every=500, start=11_000, until=13_000), seed=3)
    assert set(quiet.fates()) == {"on time"}


def test_policies_that_never_act_change_nothing():
    plain, safe = guarded(takes=Constant(15), workers=9), guarded(takes=Constant(15), workers=9, **EVERYTHING)
    results = [run(system, Poisson("job", every=20, count=200), seed=1) for system in (plain, safe)]
    assert calls(results[0]) == calls(results[1])


def test_totals_agree_with_the_trace_under_all_policies():
    system = guarded(takes=Constant(15), workers=2, network=1.0, **EVERYTHING)
    faults = [Crash("back", at=200, lasting=300, arrivals="ignored"), Errors("back", 0.4, at=800)]
    load = Poisson("job", every=10, until=1500)
    whole, short = (run(system, load, faults=faults, keep=keep) for keep in ("trace", "totals"))
    counts: dict = {}
    for row in rows(whole):
        if "open" not in (row.outcome, row.answer):
            key = row.source, row.target, row.outcome, row.answer
            counts[key] = counts.get(key, 0) + 1
    totals = {(e.source, e.target, outcome, answer): n for (e, outcome, answer), n in short.trace.counts.items()}
    assert (totals, short.fates()) == (counts, whole.fates())


def _nothing(ctx, job):
    return None


def _broken(ctx, job):
    raise Failed("broken")
