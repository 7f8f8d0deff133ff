"""Recovery: rates by hand, on time again by placement, and latencies that leave nobody out."""

import doctest
from math import inf

import pytest

from rehearsal import Breakdowns, Crash, CrashAt, Evenly, Slow, System, ms, recovery, run, sec, theory
from rehearsal.census import count
from rehearsal.measures import peak, value_at
from rehearsal.recovery import goodput, recovered, tails
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated


@pytest.fixture(scope="module")
def storms():
    """Return both shops through the same outage."""
    return [run(shop(), ORDERS, seed=7, faults=OUTAGE) for shop in (orchestrated, choreographed)]


def queue(takes=10 * ms, every=20 * ms, objective=25 * ms, until=4 * sec, crash=(1 * sec, 1 * sec), **how):
    """Return a run of one clerk whose orders wait while it is down; no hop takes time, so all can be done by hand."""
    system = System("desk")
    clerk = system.service("clerk")

    @clerk.operation(takes=takes)
    def serve(ctx, order): ...

    system.accepts("order", serve, objective=objective)
    crash = Crash("clerk", *crash, work="resume", queue="kept", arrivals="wait")
    return run(system, Evenly("order", every=every, until=until), faults=crash, **how)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(recovery).failed == 0


def test_on_time_counts_when_placed_and_late_when_done():
    found = goodput(queue(), every=500 * ms)
    # 50 a second; the clerk is down from 1 to 2 s, and then does 100 a second, so a backlog of 25 is left at 2.5 s.
    assert found.offered.rates[:6] == [48, 50, 50, 50, 50, 50]
    assert found.on_time.rates == pytest.approx([48, 50, 0, 0, 0, 0, 50, 50], abs=4)
    assert found.late.rates == pytest.approx([0, 0, 0, 0, 100, 100, 0, 0], abs=4)
    assert found.retries.rates == [0] * 8
    assert value_at(found.open, 2 * sec) == pytest.approx(50, abs=1)


def test_rates_add_up_to_the_census(storms):
    for one in storms:
        found, fates = goodput(one), count(one)
        sums = [
            sum(r * (b - a) / sec for r, a, b in zip(rates.rates, rates.edges, rates.edges[1:], strict=False))
            for rates in found[:4]
        ]
        again = one.spans().query("kind == 'call' and attempt > 1")
        assert sums == pytest.approx([len(one.table), fates["on time"], fates["late"], len(again)])
        assert value_at(found.open, one.ended) == fates["open"] + fates["stuck"] == 0


def test_no_bin_is_a_sliver(storms):
    widths = [b - a for a, b in zip(goodput(storms[0]).late.edges, goodput(storms[0]).late.edges[1:], strict=False)]
    assert len(widths) == 60
    assert widths[:-1] == [5 * sec] * 59
    assert 2.5 * sec <= widths[-1] < 7.5 * sec


def test_on_time_again_is_when_the_backlog_has_drained_to_the_objective():
    one = queue()
    # An order placed at t > 2 s finds (50 − 50 (t − 2)) others there and waits 10 ms for each: 25 ms or less, own work
    # in, for the first time when no more than one is there.
    back = recovered(one, one.faults[0])
    assert 2.9 * sec < back <= 3 * sec
    frame = one.requests()
    placed_since = frame.query("offered >= @back")["fate"]
    assert set(placed_since) == {"on time"}
    assert frame[frame["offered"] < back]["fate"].iloc[-1] == "late"


def test_on_time_again_agrees_with_theory(storms):
    calls, events = storms
    assert recovered(calls, OUTAGE) == OUTAGE.until  # nothing waits where it is refused
    drain = theory.drain_time(50, 60, OUTAGE.lasting, workers=2)
    # On time is a backlog of 2 s of work or less, which a drain reaches a little before its end.
    early = 2 * sec * theory.drain_rate(50, 60, 2) ** -1 * (1000 / 60 * 2)
    spread = theory.drain_spread(50, 60, OUTAGE.lasting, workers=2)
    assert abs(recovered(events, OUTAGE) - OUTAGE.until - (drain - early)) < 3 * spread


def test_one_lucky_order_is_no_recovery_and_one_unlucky_one_does_not_undo_it():
    class Fault:
        until = 0.0

    class Fake:
        """Orders, ten a second; `bad` of them are not on time."""

        def __init__(self, bad):
            self.bad, self.ended = bad, 60 * sec
            self.table = type("T", (), {"kinds": ("order",), "kind": [0] * 600})()
            self.table.offered = self.table.settled = [100.0 * i for i in range(600)]

        def objective(self, kind):
            return inf

        def fates(self):
            return ["failed" if i in self.bad else "on time" for i in range(600)]

    assert recovered(Fake(set()), Fault) == 0.0
    assert recovered(Fake(set(range(100)) - {50}), Fault) == 100 * 100
    assert recovered(Fake(set(range(100)) | {150}), Fault) == 100 * 100
    assert recovered(Fake(set(range(100)) | {150, 151}), Fault) == 100 * 152
    assert recovered(Fake(set(range(600)) - {50}), Fault) == inf


def test_what_never_ends_or_never_recovers_has_no_recovery():
    assert recovered(queue(crash=(1 * sec, inf), until=2 * sec), Crash("clerk", at=1 * sec)) == inf
    swamped = queue(every=11 * ms)  # so busy that the backlog outlives the load
    assert recovered(swamped, swamped.faults[0]) == inf


def test_the_end_of_an_outage_is_the_one_that_the_run_had():
    """A crash at the 50th order, an early standby, breakdowns: only the run knows when each was over."""

    def desk(fault, failover=None):
        system = System("desk")
        clerk = system.service("clerk", failover=failover)
        system.accepts("order", clerk.operation(takes=1 * ms, name="serve")(lambda ctx, order: None))
        return run(system, Evenly("order", every=20 * ms, until=4 * sec), faults=fault)

    late = CrashAt("clerk", "serve", count=50, lasting=100 * ms)
    assert recovered(desk(late), late) == 50 * 20 + 1 + 100
    early = Crash("clerk", at=1 * sec, lasting=1 * sec)
    assert recovered(desk(early, failover=10 * ms), early) == 1010
    often = Breakdowns("clerk", 1 * sec, 0.5 * sec, at=0.5 * sec, lasting=2 * sec)
    assert recovered(desk(often), often) == max(o.until for o in desk(often).outages) > 1.5 * sec


def test_what_recovers_is_a_fault():
    with pytest.raises(TypeError, match=r"not 'clerk'; here: clerk down from 1 s for 1 s"):
        recovered(queue(), "clerk")


def test_tails_leave_nobody_out(storms):
    for one in storms:
        found, fates = tails(one), count(one)
        assert sum(tail.total for tail in found.values()) == len(one.table)
        done = sum(fates[fate] for fate in ("on time", "late", "refused"))
        assert sum(len(tail.done) for tail in found.values()) == done
    calls, events = map(tails, storms)
    assert list(calls) == list(events) == ["before", "during", "after"]
    # Whoever calls a service that is down fails, whoever waits for it is late.
    assert calls["during"].never > 0.95
    assert events["during"].never == 0
    assert calls["during"].over(0.5) == inf
    assert OUTAGE.lasting * 0.9 < events["during"].over(0.01) < OUTAGE.lasting


def test_during_is_during_any_of_the_faults():
    faults = [Crash("payment", at=20 * sec, lasting=5 * sec), Slow("shipping", 2, at=40 * sec, lasting=5 * sec)]
    one = run(choreographed(), Evenly("order", every=1 * sec, until=60 * sec), faults=faults)
    assert {name: tail.total for name, tail in tails(one).items()} == {"before": 19, "during": 10, "after": 30}


def test_tails_in_windows_of_ones_own(storms):
    found = tails(storms[1], {"late": (140 * sec, 150 * sec), "never": (900 * sec, 901 * sec)})
    assert list(found) == ["late"]
    assert found["late"].total == sum(140 * sec <= t < 150 * sec for t in storms[1].table.offered)


def test_a_run_without_requests_or_faults():
    none = run(choreographed(), Evenly("order", every=1 * sec, until=0.5 * sec))
    found = goodput(none)
    assert found.offered.rates == found.late.rates == [0]
    assert peak(found.open)[1] == 0
    assert tails(none) == {}
    calm = run(choreographed(), ORDERS, seed=7, until=20 * sec)
    assert list(tails(calm)) == ["all"]
