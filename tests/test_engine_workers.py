"""Workers and queues: who holds a worker, who waits, who is turned away; state and time of a handler."""

from rehearsal import Evenly, System, Times, run
from tests.systems import branching, caller, desk, rows

ONE = Times("job", at=[0])
TWO = Times("job", at=[0, 0])


def settled(system, load, **how):
    return list(run(system, load, **how).table.settled)


def test_a_queue_is_first_in_first_out():
    served = []
    run(desk(takes=10, body=lambda ctx, job: served.append(job.number)), Evenly("job", every=1, count=20))
    assert served == list(range(20))


def test_a_worker_is_held_from_the_start_of_the_work_to_its_end():
    assert settled(desk(takes=10, workers=2), Times("job", at=[0, 0, 1, 2])) == [10, 10, 20, 20]


def test_a_blocking_caller_holds_its_worker_while_it_waits():
    assert settled(caller(takes=10, workers=9, front=1), TWO) == [10, 20]


def test_a_caller_that_does_not_block_gives_its_worker_back():
    assert settled(caller(takes=10, workers=9, front=1, blocking=False), TWO) == [10, 10]


def test_a_caller_that_does_not_block_queues_for_a_worker_to_go_on():
    def body(ctx, job, work, *_):
        yield ctx.call(work, job)

    system = branching([10], body)
    system.services["front"].workers, system.services["front"].blocking = 1, False
    system.services["front"].operation(takes=6, name="go")(system.find("go").function)
    # At 16 the first could go on, but the third, waiting since 0, has the one worker until 18.
    assert settled(system, Times("job", at=[0, 0, 0])) == [18, 22, 28]


def test_a_full_queue_turns_away_at_once_and_at_no_cost():
    result = run(desk(takes=10, queue=1), Times("job", at=[0, 1, 2, 10]))
    assert result.fates() == ["on time", "on time", "rejected", "on time"]
    assert list(result.table.settled) == [10, 20, 2, 30]
    assert [row.outcome for row in rows(result)].count("rejected") == 1


def test_a_queue_of_none_takes_only_what_a_free_worker_can_start():
    assert run(desk(takes=10, queue=0), Times("job", at=[0, 9, 10])).fates() == ["on time", "rejected", "on time"]


def test_handlers_that_go_on_do_not_count_against_the_queue_limit():
    system = caller(takes=10, workers=9, front=1, blocking=False)
    system.services["front"].queue = 0
    system.services["front"].operation(takes=10, name="ask")(system.find("ask").function)
    assert run(system, Times("job", at=[0, 10, 20, 30])).fates() == ["on time"] * 4


def test_work_that_takes_no_time_empties_a_long_queue_without_recursion():
    assert settled(desk(takes=0), Times("job", at=[5] * 5000)) == [5] * 5000


def test_a_service_that_calls_itself_with_its_only_worker_is_stuck_and_says_so():
    system = System("loop")
    service = system.service("a")

    @service.operation()
    def inner(ctx, job): ...

    @service.operation()
    def outer(ctx, job):
        yield ctx.call(inner, job)

    system.accepts("job", outer)
    result = run(system, ONE)
    assert result.drained and result.fates() == ["stuck"]


def test_state_belongs_to_a_service_and_a_run():
    def body(ctx, job):
        ctx.state["served"] += 1
        ctx.state["numbers"].append(job.number)
        return ctx.state["served"]

    start = {"served": 0, "numbers": []}
    system = desk(takes=1, body=body, state=start)
    for _ in range(2):
        run(system, Evenly("job", every=10, count=3))
    assert start == {"served": 0, "numbers": []} == system.services["desk"].state


def test_the_body_of_a_leaf_runs_at_the_instant_its_time_is_over():
    seen = []
    run(desk(takes=10, body=lambda ctx, job: seen.append((ctx.now, ctx.attempt))), ONE)
    assert seen == [(10, 1)]


def test_a_handler_can_pause_and_holds_its_worker_meanwhile():
    def naps(ctx, job):
        yield ctx.sleep(25)

    assert settled(desk(takes=10, body=naps), TWO) == [35, 70]
