"""Breakdowns: a clock towards the next one, always running or only by use; what waits is kept; no run lasts longer."""

import pytest

from rehearsal import Breakdowns, Crash, CrashAt, Evenly, Exponential, LoadSpike, Slow, Times, run
from tests.systems import answers, caller, desk, listener, rows, same


def outages(result):
    """Return (at, until) of every outage."""
    return [(outage.at, outage.until) for outage in result.outages]


# A desk that works 10 for each, is up for 100 and down for 20: down from 100, 220, 340 …


@pytest.mark.parametrize(("work", "end"), [("lost", ("lost", 100)), ("resume", ("ok", 125)), ("restart", ("ok", 130))])
def test_work_in_progress_is_lost_goes_on_or_begins_anew(work, end):
    assert answers(desk(takes=10), [95], Breakdowns("desk", up=100, down=20, work=work)) == [end]


def test_what_waits_is_kept_and_what_arrives_waits_as_at_a_machine():
    told = answers(desk(takes=10), [95, 96, 110, 119], Breakdowns("desk", up=100, down=20, work="resume"))
    assert told == [("ok", 125), ("ok", 135), ("ok", 145), ("ok", 155)]


def test_it_breaks_down_again_and_again_while_there_is_anything_to_do():
    result = run(desk(takes=10), Times("job", at=[0, 350]), faults=[Breakdowns("desk", up=100, down=20)])
    assert outages(result) == [(100, 120), (220, 240), (340, 360)]
    assert [row.ended for row in rows(result)] == [10, 370]


def test_breakdowns_keep_no_run_alive_and_its_end_is_the_last_that_really_happened():
    for clock in ("always", "busy"):
        result = run(desk(takes=10), Times("job", at=[0, 50]), faults=[Breakdowns("desk", 100, 20, clock=clock)])
        assert (result.ended, result.drained, outages(result)) == (60, True, [])


def test_two_that_break_down_do_not_keep_each_other_alive():
    faults = [Breakdowns("back", 7, 2), Breakdowns("front", 5, 3)]
    result = run(caller(takes=1), Times("job", at=[0, 1]), faults=faults)
    assert (result.ended, result.drained, outages(result)) == (2, True, [])


def test_a_timer_that_nobody_waits_for_any_more_leaves_no_outage_behind_the_end():
    """The time-out of 1,000 is on the clock to the end, though the answer came at 10."""
    result = run(caller(takes=10, timeout=1000), Times("job", at=[0]), faults=[Breakdowns("back", 100, 20)])
    assert (result.ended, outages(result)) == (10, [])


def test_a_cut_run_is_the_beginning_of_the_whole():
    fault = Breakdowns("desk", up=100, down=20)
    cut, whole = (run(desk(takes=10), Times("job", at=[0, 350]), until=u, faults=[fault]) for u in (230, None))
    assert outages(cut) == outages(whole)[:2] == [(100, 120), (220, 240)] and cut.ended == 230


def test_they_begin_and_end_with_their_window():
    """The clock starts at 50; the third would be at 390, after the window, and a repair goes on beyond it."""
    fault = Breakdowns("desk", up=100, down=20, at=50, lasting=320)
    assert outages(run(desk(), Times("job", at=[0, 900]), faults=[fault])) == [(150, 170), (270, 290)]
    short = Breakdowns("desk", up=100, down=20, at=50, lasting=110)
    assert outages(run(desk(), Times("job", at=[0, 900]), faults=[short])) == [(150, 170)]


def test_at_a_tie_the_breakdown_goes_first():
    assert answers(desk(takes=10), [90], Breakdowns("desk", up=100, down=20)) == [("lost", 100)]
    assert answers(desk(takes=10), [110], Breakdowns("desk", up=100, down=20, work="resume")) == [("ok", 130)]


def test_afterwards_every_worker_is_free_exactly_once():
    load = Times("job", at=[*range(0, 400, 7), 900, 900, 900, 900])
    for work in ("lost", "restart", "resume"):
        fault = Breakdowns("desk", up=50, down=20, work=work, lasting=500)
        result = run(desk(takes=10, workers=3), load, faults=[fault])
        assert [row.started for row in rows(result)[-4:]] == [900, 900, 900, 910]


# What wears out by use


def test_a_busy_clock_runs_only_while_somebody_is_at_work():
    """Fifteen of work at a time: ten by the first and five of the second; then its other five and ten of the third."""
    fault = Breakdowns("desk", up=15, down=20, work="resume", clock="busy")
    result = run(desk(takes=10), Times("job", at=[0, 1000, 2000, 3000]), faults=[fault])
    assert outages(result) == [(1005, 1025), (2010, 2030)]
    assert [row.ended for row in rows(result)] == [10, 1030, 2030, 3010]


def test_a_busy_clock_runs_once_however_many_are_at_work():
    fault = Breakdowns("desk", up=15, down=20, work="resume", clock="busy")
    result = run(desk(takes=10, workers=3), Times("job", at=[0, 4, 8]), faults=[fault])
    assert outages(result) == [(15, 35)] and [row.ended for row in rows(result)] == [10, 14, 38]


def test_a_busy_clock_stands_still_through_another_crash_and_goes_on_with_the_work_that_was_kept():
    """Ten of forty are done when the crash comes at 10; at 60 the work goes on, and five later the clock strikes."""
    faults = [Breakdowns("desk", up=15, down=5, work="resume", clock="busy"), Crash("desk", 10, 50, work="resume")]
    result = run(desk(takes=40), Times("job", at=[0]), faults=faults)
    assert outages(result) == [(10, 60), (65, 70), (85, 90)] and result.ended == 100


def test_an_idle_service_does_not_wear_out_with_workers_of_several_subscriptions():
    fault = Breakdowns("back", up=15, down=20, work="resume", clock="busy")
    result = run(listener(takes=10, own=1), Times("job", at=[0, 500]), faults=[fault])
    assert outages(result) == [(505, 525)]


# Several


def test_a_service_breaks_down_for_several_reasons_each_with_its_clock():
    for clock in ("always", "busy"):
        faults = [Breakdowns("desk", 20, 5, "resume", clock), Breakdowns("desk", 33, 5, "resume", clock)]
        for listed in (faults, faults[::-1]):
            result = run(desk(takes=45), Times("job", at=[0]), faults=listed)
            # Always: at 20, at 33, and at 45 the first again. Busy: after 20, 33 and 40 of work.
            expected = {"always": [20, 33, 45], "busy": [20, 38, 50]}[clock]
            assert [at for at, _ in outages(result)][:3] == expected


def test_what_is_down_cannot_break_and_is_as_new_afterwards():
    """The breakdown due at 100 finds the desk down from 90 until 200: the next is a hundred after that."""
    faults = [Breakdowns("desk", up=100, down=20), Crash("desk", 90, 110)]
    assert outages(run(desk(), Times("job", at=[0, 400]), faults=faults)) == [(90, 200), (300, 320)]


def test_they_go_on_however_long_others_kept_the_service_down():
    """The breakdown due at 100 finds it down until 110; but at 105 somebody comes, and it is down until 200."""
    faults = [
        Breakdowns("desk", up=100, down=20), Crash("desk", 90, 20),
        CrashAt("desk", "serve", "before", at=105, lasting=95),
    ]  # fmt: skip
    result = run(desk(), Times("job", at=[0, 105, 400]), faults=faults)
    assert outages(result) == [(90, 200), (300, 320)]


def test_one_that_breaks_down_for_good_breaks_no_more():
    result = run(desk(), Times("job", at=[0, 500]), faults=[Breakdowns("desk", 100, 20), Crash("desk", 150)])
    assert outages(result) == [(100, 120), (150, float("inf"))] and result.fates() == ["on time", "rejected"]


# The draws belong to the count of the breakdown, and to nothing else


def random(service="back"):
    """Return breakdowns at random moments."""
    return Breakdowns(service, up=Exponential(80), down=Exponential(30), work="resume")


def test_they_strike_at_the_same_moments_in_both_styles():
    load = Evenly("job", every=20, count=50)
    orchestrated, choreographed = (run(build(takes=4), load, faults=[random()], seed=4) for build in (caller, listener))
    both = min(len(orchestrated.outages), len(choreographed.outages))
    assert both > 5 and orchestrated.outages[:both] == choreographed.outages[:both]


@pytest.mark.parametrize(
    "further", [Slow("back", 3), LoadSpike(2, at=100, lasting=300), Crash("front", 100, 50)], ids=str
)
def test_no_other_fault_and_no_further_load_moves_them(further):
    load = Evenly("job", every=20, count=50)
    alone, both = (run(caller(takes=4, workers=9), load, faults=f, seed=4) for f in ([random()], [random(), further]))
    there = [o for o in both.outages if o.service == "back"]
    assert alone.outages[:-1] == tuple(there)[: len(alone.outages) - 1] and len(there) > 5


def test_they_move_nobody_elses_draws():
    load = Evenly("job", every=20, count=50)
    system = caller(takes=Exponential(4), workers=99)
    system.service("other")
    assert same(run(system, load), run(system, load, faults=[random("other")]))


def test_one_seed_one_history_and_another_another():
    load = Evenly("job", every=20, count=50)
    one, again, other = (run(caller(takes=4), load, faults=[random()], seed=seed) for seed in (1, 1, 2))
    assert same(one, again) and one.outages == again.outages != other.outages
