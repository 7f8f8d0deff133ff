"""The cut of a run, and what is open or stuck there."""

import pytest

from rehearsal import Crash, Evenly, Exponential, Poisson, Retry, Times, run
from tests.systems import caller, desk, listener, rows, same

ONE = Times("job", at=[0])


def test_a_run_is_cut_before_what_is_due_at_that_moment():
    result = run(desk(takes=10), Evenly("job", every=10, until=90), until=30)
    assert [row.sent for row in rows(result)] == [10, 20]
    assert result.ended == 30 and not result.drained


def test_a_fault_at_the_cut_does_not_happen():
    how = {"until": 15.0}
    assert same(run(desk(), ONE, **how), run(desk(), ONE, faults=[Crash("desk", at=15)], **how))
    assert run(desk(takes=20), ONE, faults=[Crash("desk", at=15)], **how).fates() == ["open"]


def test_a_cut_changes_nothing_before_it():
    load, system = Poisson("job", every=5, count=200), caller(takes=Exponential(4), timeout=20, retry=Retry(1))
    whole, cut = run(system, load), run(system, load, until=400)
    n = len(cut.trace)
    assert 0 < n < len(whole.trace)
    assert cut.trace.sent == whole.trace.sent[:n]
    happened = [e for e in whole.trace.ended[:n] if e < 400]
    assert [e for e in cut.trace.ended if e == e] == happened


# Open or stuck


def test_a_request_that_waits_for_a_reader_that_is_down_for_ever_is_stuck():
    system, crash = listener(takes=10), [Crash("back", at=0)]
    assert run(system, ONE, faults=crash).fates() == ["stuck"]
    later = [ONE, Evenly("job", every=1000, name="later")]
    assert run(system, later, until=2500, faults=crash).fates() == ["stuck"] * 3


@pytest.mark.parametrize(("poll", "who"), [(20, "back"), (None, "broker")])
def test_so_is_one_that_waits_for_a_poll_or_for_a_broker_that_will_never_come(poll, who):
    load = Evenly("job", every=1000)
    assert run(listener(poll=poll), load, until=2500, faults=[Crash(who, at=0)]).fates() == ["stuck"] * 2


def test_a_request_that_waits_for_a_reader_that_will_come_back_is_open_at_the_cut():
    assert run(listener(), ONE, until=500, faults=[Crash("back", at=0, lasting=900)]).fates() == ["open"]


def test_a_request_on_its_way_at_the_cut_is_open():
    for until in (5, 15, 25, 35):  # on its way there, in work, on its way back, all with the end still to come
        assert run(desk(takes=10, network=15), ONE, until=until).fates() == ["open"]


def test_a_request_without_its_end_is_stuck_though_everything_went_well():
    system = listener(body=lambda ctx, job: None)
    result = run(system, ONE)
    assert result.fates() == ["stuck"] and rows(result)[0].answer == "ok"
