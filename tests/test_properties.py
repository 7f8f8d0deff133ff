"""Random small systems under random faults: what holds for every one of them."""

import warnings
from math import isnan
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rehearsal import FATES, Crash, DesignWarning, run
from rehearsal.engine import runs
from rehearsal.engine.performer import Engine
from rehearsal.trace import NONE, OPEN, OUTCOMES
from tests.systems import columns, rows, same
from tests.worlds import worlds

few = settings(max_examples=50, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def quiet():
    """Keep the warnings about topics that nobody hears to ourselves: random systems have many."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        yield


def performed(system, load, faults, seed, **how):
    """Return a run and the engine that made it."""
    engines = []

    class Watched(Engine):
        def __init__(self, *args):
            super().__init__(*args)
            engines.append(self)

    with patch.object(runs, "Engine", Watched):
        return run(system, load, faults=faults, seed=seed, **how), engines[0]


def deliveries(result):
    """Return {(message handed to a broker, reader): its deliveries in order}."""
    found = {}
    for n, row in enumerate(rows(result)):
        if row.source in result.system.brokers:
            found.setdefault((row.parent, row.target, row.name), []).append((n, row))
    return found


@few
@given(worlds())
def test_the_same_four_record_the_same_bytes(world):
    system, load, faults, seed = world
    first, second = (run(system, load, faults=faults, seed=seed) for _ in range(2))
    assert same(first, second) and repr(first) == repr(second)
    assert same(first, run(system, load, faults=faults[::-1], seed=seed))


@few
@given(worlds(), st.integers(1, 400))
def test_every_request_has_one_fate_at_any_moment_the_run_is_cut(world, until):
    system, load, faults, seed = world
    for result in (
        run(system, load, faults=faults, seed=seed, until=until),
        run(system, load, faults=faults, seed=seed),
    ):
        fates = result.fates()
        assert len(fates) == len(result.table) and set(fates) <= set(FATES)
    # Everything ends where nothing is cut, no node stays down, and nobody waits in a circle.
    assert {"open", "stuck"}.isdisjoint(fates)


@few
@given(worlds())
def test_no_worker_leaks_and_no_queue_is_forgotten(world):
    result, engine = performed(*world)
    assert result.drained
    for node in engine.compiler.nodes.values():
        for pool in node.pools:
            assert (pool.free, len(pool.queue), pool.asking) == (pool.size, 0, 0) and not pool.working
        assert node.up and not node.outside and (node.pace, node.errors) == (1, [])
    assert all(inbox.waiting == 0 and not inbox.topic for inbox in engine.compiler.inboxes.values())
    assert all(context._message.dead for context in engine.handlers)  # only those a crash left waiting
    assert not any(watch.queue for watch in engine._deadlines.values())


@few
@given(worlds())
def test_time_goes_forward_along_every_message(world):
    result = run(*world[:2], faults=world[2], seed=world[3])
    every = rows(result)
    for row in every:
        moments = [t for t in (row.sent, row.received, row.started, row.ended) if not isnan(t)]
        assert moments == sorted(moments)
        assert isnan(row.answered) == (row.source in result.system.brokers or row.target in result.system.brokers)
        assert isnan(row.answered) or row.answered >= row.sent
        if row.outcome in ("ok", "refused", "failed"):
            assert len(moments) == 4
        if row.outcome == "rejected":
            assert len(moments) == 2
        if row.parent >= 0:
            assert every[row.parent].request == row.request and every[row.parent].sent <= row.sent
    assert OPEN not in result.trace.outcome and OPEN not in result.trace.answer


@few
@given(worlds())
def test_nothing_durable_is_lost(world):
    result = run(*world[:2], faults=world[2], seed=world[3])
    every, found = rows(result), deliveries(result)
    for tries in found.values():
        assert [row.attempt for _, row in tries] == list(range(1, len(tries) + 1))
        assert {row.outcome for _, row in tries[:-1]} <= {"lost", "failed"}
        number, last = tries[-1]
        assert last.outcome in ("ok", "refused") or number in result.dead_letters
    for n, row in enumerate(every):
        if row.target in result.system.brokers:
            assert row.outcome == "ok"
            heard = [s.name for s in result.system.services.values() if row.name in s.subscriptions]
            readers = [reader for publish, reader, _ in found if publish == n]
            assert sorted(readers) == sorted(heard) if row.kind == "event" else len(readers) == 1


@few
@given(worlds())
def test_no_more_work_is_in_progress_than_there_are_workers_and_the_queue_is_fifo(world):
    system, load, _, seed = world
    result = run(system, load, seed=seed)
    for name, service in system.services.items():
        shared = all(s.workers is None and s.poll is None for s in service.subscriptions.values())
        if not (shared and service.blocking):
            continue
        here = [row for row in rows(result, target=name) if not isnan(row.started)]
        for row in here:
            assert sum(other.started <= row.started < other.ended for other in here) <= service.workers
        by_start = sorted(here, key=lambda row: (row.started, row.received))
        assert [row.received for row in by_start] == sorted(row.received for row in here)


@few
@given(worlds())
def test_totals_count_what_the_trace_holds(world):
    system, load, faults, seed = world
    whole, thin = (run(system, load, faults=faults, seed=seed, keep=keep) for keep in ("trace", "totals"))
    counts = {}
    for edge, outcome, answer in zip(whole.trace.edge, whole.trace.outcome, whole.trace.answer, strict=True):
        key = whole.trace.edges[edge], OUTCOMES[outcome], OUTCOMES[answer]
        counts[key] = counts.get(key, 0) + 1
    assert thin.trace.counts == counts
    assert thin.fates() == whole.fates() and len(thin.dead_letters) == len(whole.dead_letters)


@few
@given(worlds(), st.integers(1, 300))
def test_a_cut_run_is_the_beginning_of_the_whole(world, until):
    system, load, faults, seed = world
    whole, cut = (run(system, load, faults=faults, seed=seed, until=end) for end in (None, until))
    assert [row[:8] for row in rows(cut)] == [row[:8] for row in rows(whole) if row.sent < until]
    for short, long in zip(rows(cut), rows(whole), strict=False):
        for name in ("received", "started", "ended", "answered"):
            moment = getattr(short, name)
            assert (isnan(moment) and not getattr(long, name) < until) or moment == getattr(long, name)


@few
@given(worlds())
def test_a_fault_changes_nothing_before_it_begins(world):
    system, load, faults, seed = world
    first = min((fault.at for fault in faults), default=0)
    if first > 0:
        calm, storm = (columns(run(system, load, faults=f, seed=seed, until=first)) for f in ([], faults))
        assert calm == storm


@few
@given(worlds())
def test_a_crash_harms_nobody_who_does_not_meet_it(world):
    """Faults that strike after the end of a run are no faults."""
    system, load, _, seed = world
    calm = run(system, load, seed=seed)
    late = [Crash(name, at=calm.ended + 1, lasting=5) for name in system.services]
    assert same(calm, run(system, load, seed=seed, faults=late))
    assert all(answer == NONE or answer != OPEN for answer in calm.trace.answer)
