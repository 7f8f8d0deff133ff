"""The census: nine fates, always in order, and they add up to what was offered."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal import FATES, Crash, Evenly, System, ms, run, sec
from rehearsal.census import census, count, kinds, named
from rehearsal.shop import choreographed, orchestrated

LOAD = Evenly("order", every=50 * ms, until=20 * sec)
OUTAGE = Crash("payment", at=5 * sec, lasting=4 * sec)


def desk(*accepted):
    """Return a system with one worker for one or more kinds of request."""
    system = System("desk")
    clerk = system.service("clerk", workers=1, queue=1)

    @clerk.operation(takes=30 * ms)
    def serve(ctx, request): ...

    for kind in accepted:
        system.accepts(kind, serve, objective=40 * ms)
    return system


def test_every_fate_has_a_row_in_order_and_shares_are_of_the_offered():
    frame = census(run(orchestrated(), LOAD, seed=7, faults=OUTAGE))
    assert list(frame.index) == list(FATES)
    assert list(frame.columns) == ["count", "share"]
    assert frame["count"].sum() == 399
    assert frame["share"].sum() == pytest.approx(1)
    assert frame.loc["compensated", "count"] > 0
    assert frame.loc["parked", "count"] == 0


def test_runs_stand_side_by_side_under_their_systems_names():
    frame = census(*(run(shop(), LOAD, seed=7, faults=OUTAGE) for shop in (orchestrated, choreographed)))
    assert list(frame.columns.get_level_values(0).unique()) == ["orchestrated shop", "choreographed shop"]
    assert frame["choreographed shop", "count"].sum() == frame["orchestrated shop", "count"].sum() == 399


def test_runs_of_one_system_are_told_apart_by_faults_then_seeds_then_place():
    shop = orchestrated()
    calm, storm, other = run(shop, LOAD), run(shop, LOAD, faults=OUTAGE), run(shop, LOAD, seed=1)
    names = ["orchestrated shop, calm", "orchestrated shop, payment down"]
    assert list(named([calm, storm], {})) == names
    assert list(named([calm, other], {})) == ["orchestrated shop, seed 0", "orchestrated shop, seed 1"]
    assert list(named([calm, calm], {})) == ["orchestrated shop #1", "orchestrated shop #2"]
    assert list(census(calm=calm, storm=storm).columns.get_level_values(0).unique()) == ["calm", "storm"]


def test_several_kinds_are_counted_apart_in_the_order_they_were_first_offered():
    loads = [Evenly("order", every=50 * ms, until=1 * sec), Evenly("question", every=20 * ms, until=1 * sec)]
    both = run(desk("order", "question"), loads)
    frame = census(both)
    assert kinds(both) == ["question", "order"]
    assert list(frame.index.get_level_values("kind").unique()) == ["question", "order"]
    assert frame.loc["question", "share"].sum() == pytest.approx(1)
    assert frame["count"].sum() == len(both.table)
    assert frame.loc[("question", "rejected"), "count"] > 0


def test_the_open_are_counted_when_a_run_is_cut():
    cut = run(desk("order"), Evenly("order", every=10 * ms, until=1 * sec), until=95 * ms)
    counts = count(cut)
    assert counts["open"] == 2  # one in work, one in the queue
    assert sum(counts.values()) == len(cut.table)


def test_nothing_offered_is_nine_zeros_and_no_share():
    frame = census(run(desk("order"), Evenly("order", every=2 * sec, until=1 * sec)))
    assert list(frame["count"]) == [0] * 9
    assert frame["share"].isna().all()


def test_a_request_that_vanished_is_an_error():
    whole = run(desk("order"), Evenly("order", every=50 * ms, until=1 * sec))
    whole.fates = lambda: ["on time"] * 3 + ["forgotten"] * 16
    with pytest.raises(AssertionError, match=r"3 fates for 19 requests offered; unknown: .'forgotten'"):
        count(whole)


def test_no_run_is_an_error():
    with pytest.raises(TypeError, match="at least one run"):
        census()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), at=st.floats(0, 9000), lasting=st.floats(1, 9000), until=st.floats(1, 15000))
def test_fates_add_up_at_any_moment_of_any_outage(seed, at, lasting, until):
    faults = Crash("payment", at=at, lasting=lasting)
    for shop in (orchestrated(), choreographed()):
        some = run(shop, Evenly("order", every=50 * ms, until=10 * sec), seed=seed, faults=faults, until=until)
        assert sum(count(some).values()) == len(some.table)
