"""Faults: slow work, errors, several at once, and faults as data."""

import pytest

from rehearsal import Crash, Errors, Evenly, Exponential, Poisson, Retry, Slow, System, Times, ms, run
from tests.systems import answers, caller, columns, desk, listener, rows, same

ONE = Times("job", at=[0])


# Slow and errors


def test_slow_stretches_the_work_that_starts_in_its_window():
    result = run(
        desk(takes=10, workers=9), Times("job", at=[5, 20, 29, 30]), faults=[Slow("desk", 3, at=20, lasting=10)]
    )
    assert [row.ended - row.started for row in rows(result)] == [10, 30, 30, 10]


def test_slow_windows_that_overlap_multiply_and_end_one_by_one():
    faults = [Slow("desk", 2, at=0, lasting=30), Slow("desk", 5, at=10, lasting=10), Slow("desk", 2, at=15, lasting=30)]
    result = run(desk(takes=1, workers=9), Times("job", at=[5, 12, 17, 25, 40, 50]), faults=faults)
    assert [row.ended - row.started for row in rows(result)] == [2, 10, 20, 4, 2, 1]


def test_a_slow_broker_is_slow_for_everybody():
    system = listener(takes=0)
    system.broker(latency=10)
    assert list(run(system, ONE, faults=[Slow("broker", 4)]).table.settled) == [40]


def test_errors_strike_the_work_that_ends_in_their_window():
    result = run(
        desk(takes=10, workers=9), Times("job", at=[5, 10, 19, 20]), faults=[Errors("desk", 1, at=20, lasting=10)]
    )
    assert [row.outcome for row in rows(result)] == ["ok", "failed", "failed", "ok"]


def test_errors_of_rate_none_change_nothing_and_of_rate_all_spare_nobody():
    load = Evenly("job", every=10, count=200)
    assert same(run(desk(), load, faults=[Errors("desk", 0.0)]), run(desk(), load))
    assert run(desk(), load, faults=[Errors("desk", 1.0)]).fates() == ["failed"] * 200


def test_a_higher_rate_fails_those_a_lower_rate_fails_and_more():
    load = Evenly("job", every=10, count=500)

    def failing(*rates):
        fates = run(desk(), load, faults=[Errors("desk", rate) for rate in rates], seed=3).fates()
        return {n for n, fate in enumerate(fates) if fate == "failed"}

    assert failing(0.1) < failing(0.3) < failing(0.3, 0.3)
    assert abs(len(failing(0.3, 0.3)) - 500 * 0.51) < 5 * (500 * 0.51 * 0.49) ** 0.5  # five standard deviations


def test_errors_in_a_reader_lead_to_redeliveries_and_dead_letters():
    result = run(listener(retry=Retry(2)), Evenly("job", every=50, count=300), faults=[Errors("back", 0.5)], seed=2)
    parked = result.fates().count("parked")
    assert parked == len(result.dead_letters) > 0
    assert abs(parked - 300 / 8) < 5 * (300 * 7 / 64) ** 0.5  # each of three deliveries fails by half


# Several faults


def test_the_order_in_which_faults_are_listed_means_nothing():
    faults = [Crash("back", 50, 50), Crash("back", 100, 50), Slow("back", 3, 20, 90), Errors("front", 0.2, 0, 500)]
    load = Poisson("job", every=5, count=200)
    system = caller(takes=Exponential(4), timeout=20, retry=Retry(1))
    assert same(run(system, load, faults=faults), run(system, load, faults=faults[::-1]))


def test_a_crash_that_follows_another_without_a_pause_keeps_the_service_down():
    for faults in ([Crash("desk", 10, 10), Crash("desk", 20, 10)], [Crash("desk", 20, 10), Crash("desk", 10, 10)]):
        told = [answer for answer, _ in answers(desk(takes=0), [9, 10, 20, 25, 30], *faults)]
        assert told == ["ok", "rejected", "rejected", "rejected", "ok"]


def test_crashes_before_anything_and_after_everything_happen_too():
    assert answers(desk(takes=0), [0], Crash("desk", at=0, lasting=10)) == [("rejected", 0)]
    calm, late = run(desk(), ONE), run(desk(), ONE, faults=[Crash("desk", at=5000, lasting=10)])
    assert columns(calm) == columns(late)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Crash("a", at=-1), "at of Crash must be 0 or more"),
        (lambda: Crash("a", at=float("inf")), "at of Crash must be finite"),
        (lambda: Crash("a", at=1, lasting=0), "lasting of Crash must be greater than 0"),
        (lambda: Slow("a", factor=0), "the factor of Slow"),
        (lambda: Errors("a", rate=1.5), "the rate of Errors is a share"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_where_it_is_written(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()


def test_a_fault_is_data_and_names_its_service():
    service = System("shop").service("payment")
    assert Crash(service, 90) == Crash("payment", 90) and hash(Crash("payment", 90)) == hash(Crash(service, 90))
    assert str(Crash("payment", 90_000 * ms, 50_000)) == "payment down from 90 s for 50 s"
    assert [f.until for f in (Crash("a", 10, 5), Crash("a", 10))] == [15, float("inf")]
    assert (Slow("a", 2.5).label, Errors("a", 0.25).label) == ("a ×2.5 slower", "a 25% errors")


def test_a_share_of_errors_fails_after_its_time_and_without_its_effect():
    done = []
    system = caller(takes=10, workers=99, body=lambda ctx, job: done.append(job.number))
    result = run(system, Evenly("job", every=1, count=1000), faults=[Errors("back", 0.3)], seed=5)
    failed = [row for row in rows(result, kind="call") if row.outcome == "failed"]
    assert abs(len(failed) - 300) < 5 * (1000 * 0.3 * 0.7) ** 0.5  # five standard deviations
    assert all(abs(row.ended - row.started - 10) < 1e-9 for row in failed)
    assert sorted(done) == sorted({row.request for row in rows(result)} - {row.request for row in failed})
