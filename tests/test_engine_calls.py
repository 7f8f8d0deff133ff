"""Calls: answers of every kind, time-outs and retries, parallel branches."""

import pytest

from rehearsal import Evenly, Exponential, Failed, Refused, Rejected, Retry, System, TimedOut, Times, run
from tests.systems import branching, caller, desk, rows, same

ONE = Times("job", at=[0])
TWO = Times("job", at=[0, 0])


# Answers


def test_a_reply_brings_the_value():
    got = []

    def body(ctx, job, *works):
        for work in works:
            got.append((yield ctx.call(work, job)))
        return got

    assert run(branching([1, 2], body), ONE).fates() == ["on time"]
    assert got == ["r0", "r1"]


def test_the_caller_can_tell_every_kind_of_trouble_apart():
    caught = {}

    def attempt(ctx, operation, **how):
        try:
            yield ctx.call(operation, None, **how)
        except (Refused, Failed) as problem:
            caught[operation] = type(problem), str(problem)

    def refuse(ctx, job):
        raise Refused("card declined")

    def fail(ctx, job):
        raise Failed("disk full")

    system = caller(takes=10)
    system.services["back"].operation(name="refuse")(refuse)
    system.services["back"].operation(name="fail")(fail)
    system.service("full", queue=0).operation(takes=99, name="let_in")(lambda ctx, job: None)

    @system.services["front"].operation()
    def ask(ctx, job):
        yield from attempt(ctx, "refuse")
        yield from attempt(ctx, "fail")
        yield from attempt(ctx, "work", timeout=5)
        if ctx.now > 4:
            yield from attempt(ctx, "let_in")

    system.accepts("other", system.find("let_in"))
    run(system, [ONE, Times("other", at=[0])])
    assert caught == {
        "refuse": (Refused, "card declined"),
        "fail": (Failed, "fail at back failed: disk full"),
        "work": (TimedOut, "work at back did not answer in time"),
        "let_in": (Rejected, "let_in at full was not let in"),
    }


def test_a_business_no_travels_up_unless_it_is_caught_and_is_not_a_failure():
    def refuse(ctx, job):
        raise Refused("card declined")

    result = run(caller(body=refuse, retry=Retry(5)), ONE)
    assert result.fates() == ["refused"]
    assert [row.outcome for row in rows(result)] == ["refused", "refused"]  # and nobody retried


def test_a_failure_that_nobody_catches_travels_from_callee_to_caller_to_client():
    def fail(ctx, job):
        raise Failed("disk full")

    result = run(caller(body=fail), ONE)
    assert result.fates() == ["failed"] and [row.outcome for row in rows(result)] == ["failed", "failed"]


def test_an_accident_in_a_handler_is_a_failure_shown_once_with_the_readers_line(capsys):
    def slips(ctx, job):
        return 1 / 0

    result = run(desk(takes=1, body=slips), Evenly("job", every=10, count=3))
    shown = capsys.readouterr().err
    assert shown == (
        "desk.serve raised ZeroDivisionError: division by zero (first at 11 ms)\n  in slips, line 2: return 1 / 0\n"
    )
    assert result.fates() == ["failed"] * 3
    assert result.mishaps == {"desk.serve raised ZeroDivisionError: division by zero": 3}


# Time-outs


def test_a_time_out_does_not_stop_the_callee_whose_work_becomes_a_zombie():
    result = run(caller(takes=10, timeout=4), ONE)
    (call,) = rows(result, kind="call")
    assert (call.answered, call.answer) == (4, "timeout")
    assert (call.ended, call.outcome) == (10, "ok")


def test_an_abandoned_call_keeps_its_place_in_the_queue_and_is_served():
    result = run(caller(takes=10, timeout=4), TWO)
    assert [(row.started, row.ended, row.answer) for row in rows(result, kind="call")] == [
        (0, 10, "timeout"), (10, 20, "timeout"),
    ]  # fmt: skip


def test_an_answer_just_in_time_counts_and_one_a_little_late_does_not():
    assert run(caller(takes=10, timeout=10.001), ONE).fates() == ["on time"]
    assert run(caller(takes=10, timeout=9.999), ONE).fates() == ["failed"]


def test_a_time_out_is_for_each_attempt_and_comes_exactly_then():
    result = run(caller(takes=0.7, workers=9, timeout=0.3, retry=Retry(2, wait=0.1)), Times("job", at=[0.1]))
    sent = [0.1, 0.1 + 0.3 + 0.1, 0.1 + 0.3 + 0.1 + 0.3 + 0.1]
    assert [row.sent for row in rows(result, kind="call")] == sent
    assert [row.answered for row in rows(result, kind="call")] == [s + 0.3 for s in sent]


def test_a_late_reply_to_the_first_attempt_neither_completes_the_second_nor_counts_twice():
    result = run(caller(takes=10, workers=2, network=1, timeout=10, retry=Retry(1)), ONE)
    first, second = rows(result, kind="call")
    assert (first.answered, first.answer) == (11, "timeout")  # its reply, at 13, finds attempt 2 and is not for it
    assert (second.answer, second.answered) == ("timeout", 21)
    assert run(caller(takes=10, workers=2, timeout=9, retry=Retry(1)), ONE).fates() == ["failed"]


def test_no_time_out_is_a_time_out_of_for_ever():
    endless, without = (run(caller(takes=10, timeout=t), ONE) for t in (float("inf"), None))
    assert same(endless, without) and endless.ended == 10


def test_time_outs_of_one_length_need_one_timer_however_handlers_chain_them():
    """A timer more each time a time-out wakes a handler that calls again would double them at every step."""
    system = caller(takes=5)

    @system.services["front"].operation()
    def ask(ctx, job):
        for _ in range(30):
            try:
                yield ctx.call("work", job, timeout=1)
            except TimedOut:
                continue

    result = run(system, Evenly("job", every=0.5, count=40))
    waits = {round(row.answered - row.sent, 9) for row in rows(result, kind="call")}
    assert waits == {1.0} and len(rows(result, kind="call")) == 40 * 30


# Retries


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_attempts_are_one_and_the_retries(retries):
    def fail(ctx, job):
        raise Failed("no")

    result = run(caller(takes=1, body=fail, retry=Retry(retries)), ONE)
    assert [row.attempt for row in rows(result, kind="call")] == list(range(1, retries + 2))


def test_retries_wait_as_their_policy_says():
    def fail(ctx, job):
        raise Failed("no")

    result = run(caller(takes=0, body=fail, retry=Retry(3, wait=10, factor=2, cap=30)), ONE)
    assert [row.sent for row in rows(result, kind="call")] == [0, 10, 30, 60]


def test_a_retry_draws_afresh():
    def fail(ctx, job):
        raise Failed("no")

    result = run(caller(takes=Exponential(10), body=fail, retry=Retry(4)), ONE)
    works = [row.ended - row.started for row in rows(result, kind="call")]
    assert len({round(w, 9) for w in works}) == len(works) == 5


def test_retries_at_every_level_multiply_in_the_worst_case():
    """Attempts at the bottom of L layers that all retry r times: (r + 1) to the power of L."""
    system = System("layers")

    @system.service("c", workers=9).operation(name="c")
    def bottom(ctx, job):
        raise Failed("down")

    @system.service("b", workers=9).operation()
    def b(ctx, job):
        yield ctx.call("c.c", job, retry=Retry(2))

    @system.service("a", workers=9).operation()
    def a(ctx, job):
        yield ctx.call("b.b", job, retry=Retry(2))

    system.accepts("job", a)
    assert len(rows(run(system, ONE), target="c")) == (2 + 1) ** 2


# Parallel branches


def test_parallel_branches_share_their_start_and_the_last_one_counts():
    got = []

    def body(ctx, job, *works):
        got.append((yield ctx.all(*(ctx.call(work, job) for work in works))))

    result = run(branching([30, 10, 20], body), ONE)
    assert got == [["r0", "r1", "r2"]]
    assert {row.sent for row in rows(result, kind="call")} == {0}
    assert list(result.table.settled) == [30]


def test_all_waits_for_every_branch_and_then_raises_the_first_problem_in_the_order_of_the_calls():
    seen = []

    def body(ctx, job, *works):
        try:
            yield ctx.all(*(ctx.call(work, job) for work in works))
        except Failed as problem:
            seen.append((ctx.now, str(problem)))

    run(branching([30, None, None], body), ONE)
    assert seen == [(30, "s1 at s1 failed: s1 broke")]


def test_all_of_nothing_is_an_empty_list():
    got = []

    def body(ctx, job):
        got.append((yield ctx.all()))

    assert run(branching([], body), ONE).fates() == ["on time"]
    assert got == [[]]


def test_each_branch_has_its_own_time_out_and_retries():
    def body(ctx, job, slow, quick, _):
        try:
            yield ctx.all(ctx.call(slow, job, timeout=5, retry=Retry(1)), ctx.call(quick, job, timeout=50))
        except TimedOut:
            return

    result = run(branching([30, 20, 0], body), ONE)
    assert [(row.target, row.answer) for row in rows(result, kind="call")] == [
        ("s0", "timeout"), ("s1", "ok"), ("s0", "timeout"),
    ]  # fmt: skip
    assert list(result.table.settled) == [20]


def test_a_key_tells_parallel_calls_for_the_same_work_apart_whatever_their_order():
    def works(keys):
        system = caller(takes=Exponential(10), workers=9)

        @system.services["front"].operation()
        def ask(ctx, job):
            yield ctx.all(*(ctx.call("work", job, key=key) for key in keys))

        return [row.ended for row in rows(run(system, ONE), kind="call")]

    there, back = works(["hotel", "flight"]), works(["flight", "hotel"])
    assert there == back[::-1] and there[0] != there[1]
