"""Polling consumers: they look every so often, go on while there is something, and do nothing while they are down."""

from rehearsal import Crash, Evenly, Exponential, Poisson, Times, run
from tests.systems import listener, rows

NAME = "back ← job.placed"


def looks(at, poll=100, takes=10, until=None, faults=(), workers=1, **how):
    """Return when each delivery started, and how many polls found nothing."""
    result = run(
        listener(takes=takes, poll=poll, workers=workers, **how), Times("job", at=at), until=until, faults=faults
    )
    return [row.started for row in rows(result, target="back")], result.empty_polls[NAME]


def test_a_message_waits_for_the_next_look():
    assert looks([30]) == ([100], 0)
    assert looks([130]) == ([200], 1)


def test_a_message_that_comes_at_the_moment_of_a_look_is_found():
    assert looks([300]) == ([300], 2)


def test_a_look_takes_everything_and_the_consumer_goes_on_until_nothing_is_left():
    assert looks([10, 20, 115]) == ([100, 110, 120], 0)


def test_the_next_sleep_starts_when_the_queue_is_found_empty():
    assert looks([30, 150]) == ([100, 210], 0)  # asleep since 110


def test_idle_looks_are_counted_and_cost_no_events():
    calm = run(listener(poll=10), Times("job", at=[100_005]))
    assert calm.empty_polls[NAME] == 10_000
    assert len(rows(calm)) == 4 and calm.ended == 100_020


def test_idle_looks_are_counted_up_to_the_cut_and_do_not_keep_a_run_alive():
    assert looks([], until=1000) == ([], 9)  # the one at the cut belongs to what comes after it
    assert looks([]) == ([], 0)


def test_workers_side_by_side_take_what_was_found():
    assert looks([10, 20, 30], workers=2) == ([100, 100, 110], 0)


def test_a_busy_consumer_still_looks_with_its_other_worker():
    # The first is found at 100 and kept for 500; the second comes while the consumer is awake.
    assert looks([10, 250], workers=2, takes=500) == ([100, 250], 1)  # the other worker looks at 700


def test_push_is_polling_without_the_wait():
    result = run(listener(takes=10), Times("job", at=[30, 130]))
    assert [row.started for row in rows(result, target="back")] == [30, 130] and result.empty_polls == {}


def test_no_draw_depends_on_how_a_consumer_looks():
    def works(poll):
        result = run(listener(Exponential(10), workers=99, poll=poll), Poisson("job", every=20, count=200), seed=3)
        return [round(row.ended - row.started, 6) for row in rows(result, target="back")]

    assert works(None) == works(70)


# Through a crash


def test_nobody_looks_while_the_service_is_down_and_the_first_look_is_one_interval_after_the_restart():
    starts, empty = looks([450], faults=[Crash("back", at=250, lasting=400)])
    assert starts == [750]  # down from 250 to 650
    assert empty == 2  # at 100 and 200: none while it was down


def test_a_look_arranged_before_the_crash_does_not_happen_in_it():
    starts, empty = looks([130], faults=[Crash("back", at=150, lasting=100)])
    assert (starts, empty) == ([350], 1)


def test_a_look_arranged_before_a_short_crash_does_not_happen_after_it_either():
    assert looks([130], faults=[Crash("back", at=150, lasting=10)]) == ([260], 1)


def test_what_was_taken_over_goes_back_and_is_found_again_before_what_nobody_had_seen():
    # 0 and 1 are found at 100; at 105 the one is in work, the other taken over; 2 comes while nobody looks.
    crash = Crash("back", at=105, lasting=50)
    result = run(listener(takes=10, poll=100), Times("job", at=[10, 20, 120]), faults=[crash])
    back = sorted(rows(result, target="back"), key=lambda row: row.started)
    assert [(row.request, row.attempt, row.started, row.outcome) for row in back] == [
        (0, 1, 100, "lost"), (0, 2, 255, "ok"), (1, 1, 265, "ok"), (2, 1, 275, "ok"),
    ]  # fmt: skip


def test_a_consumer_that_is_down_at_the_end_counts_no_looks_after_its_crash():
    assert looks([], until=1000, faults=[Crash("back", at=350)]) == ([], 3)


def test_a_look_due_at_the_moment_of_the_crash_does_not_happen():
    starts, empty = looks([130], faults=[Crash("back", at=200, lasting=1)])
    assert (starts, empty) == ([301], 1)


def test_a_backlog_of_polls_survives_and_drains_in_order():
    crash = Crash("back", at=1000, lasting=3000)
    result = run(listener(takes=5, poll=20), Evenly("job", every=10, count=500), faults=[crash])
    assert result.fates() == ["on time"] * 500
    done = sorted(rows(result, target="back", outcome="ok"), key=lambda row: row.started)
    assert [row.request for row in done] == list(range(500))


def test_after_a_crash_work_in_progress_goes_before_what_was_never_found():
    served = []
    # 0 is done at 400, when the consumer finds nothing; 1, begun at 250, is in work; nobody has looked for 2 yet.
    system = listener(takes=300, workers=2, poll=100, body=lambda ctx, job: served.append(job.number))
    result = run(system, Times("job", at=[10, 250, 450]), faults=[Crash("back", at=460, lasting=10)])
    assert [row.started for row in rows(result, target="back", outcome="ok")] == [100, 570, 570]
    assert served == [0, 1, 2]
