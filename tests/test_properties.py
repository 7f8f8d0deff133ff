"""Random small systems under random faults: what holds for every one of them."""

import warnings
from math import isnan
from os import environ
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rehearsal import (
    FATES,
    Breakdowns,
    Crash,
    CrashAt,
    Delay,
    DesignWarning,
    Drop,
    Duplicate,
    Mute,
    Partition,
    Reorder,
    Slow,
    run,
)
from rehearsal.engine import runs
from rehearsal.engine.performer import Engine
from rehearsal.trace import NONE, OPEN, OUTCOMES
from tests.systems import columns, rows, same
from tests.worlds import storms, vanishing

# EXAMPLES=2000 hunts: at the usual number each property is looked at once on every change, not searched.
few = settings(
    max_examples=int(environ.get("EXAMPLES", "50")),
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


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
@given(storms(), st.randoms(use_true_random=False))
def test_the_same_four_record_the_same_bytes(world, random):
    system, load, faults, seed = world
    first, second = (run(system, load, faults=faults, seed=seed) for _ in range(2))
    assert same(first, second) and repr(first) == repr(second)
    listed = random.sample(faults, len(faults))
    other = run(system, load, faults=listed, seed=seed)
    assert same(first, other) and first.outages == other.outages


@few
@given(storms(), st.integers(1, 400))
def test_every_request_has_one_fate_at_any_moment_the_run_is_cut(world, until):
    system, load, faults, seed = world
    for result in (
        run(system, load, faults=faults, seed=seed, until=until),
        run(system, load, faults=faults, seed=seed),
    ):
        fates = result.fates()
        assert len(fates) == len(result.table) and set(fates) <= set(FATES)
    # Everything ends where nothing is cut, no node stays down, and nobody waits in a circle; only one whose message
    # disappeared may wait for ever.
    assert "open" not in fates
    assert "stuck" not in fates or vanishing(system, faults)


@few
@given(storms())
def test_no_worker_leaks_and_no_queue_is_forgotten(world):
    result, engine = performed(*world)
    assert result.drained
    waiting = [context._message for context in engine.handlers if not context._message.dead]
    assert not waiting or vanishing(*world[::2])
    for node in engine.compiler.nodes.values():
        for pool in node.pools:
            here = [message for message in waiting if message.route.pool is pool]
            held = len(here) if node.blocking else 0
            assert pool.free == pool.size - held and list(pool.working or here) == here
            assert pool.asking == sum(message.route.inbox is None for message in pool.queue)
            assert not pool.queue or pool.free == 0  # all workers wait for what never comes
        assert node.up and node.downs == 0 and not node.outside and not node.frozen and not node.held
        assert (node.pace, node.errors) == (1, [])
    for inbox in engine.compiler.inboxes.values():
        queued = [m for node in engine.compiler.nodes.values() for pool in node.pools for m in pool.queue]
        assert inbox.poll is not None or inbox.waiting == sum(m.route.inbox is inbox for m in queued)
        assert not inbox.topic or waiting
    assert not any(watch.queue for watch in engine._deadlines.values())


@few
@given(storms())
def test_time_goes_forward_along_every_message(world):
    system, load, faults, seed = world
    result = run(system, load, faults=faults, seed=seed)
    every, brokers = rows(result), result.system.brokers
    for row in every:
        moments = [t for t in (row.sent, row.received, row.started, row.ended) if not isnan(t)]
        assert moments == sorted(moments)
        if row.source in brokers or row.target in brokers:
            assert isnan(row.answered)
        assert row.answered >= row.sent or row.answer in ("none", "open")
        if row.outcome in ("ok", "refused", "failed"):
            assert len(moments) == 4
        if row.outcome == "rejected":
            assert isnan(row.started)
        if row.parent >= 0:
            assert every[row.parent].request == row.request and every[row.parent].sent <= row.sent
    left = OPEN in result.trace.outcome or OPEN in result.trace.answer
    assert not left or vanishing(system, faults)


@few
@given(storms())
def test_nothing_durable_is_lost(world):
    """It may come twice, on its way to the broker or from there; and what never reached a broker it cannot keep."""
    system, load, faults, seed = world
    result = run(system, load, faults=faults, seed=seed)
    every, found = rows(result), deliveries(result)
    twice = any(isinstance(fault, Duplicate) for fault in faults)
    unsaid = any(isinstance(fault, Drop | Mute) for fault in faults)
    done = {"ok"} if any(isinstance(fault, CrashAt) for fault in faults) else set()  # and nobody learnt of it
    for (publish, _, _), tries in found.items():
        if not result.system.brokers[every[publish].target].durable:
            continue
        attempts = [row.attempt for _, row in tries]
        assert attempts == list(range(1, len(tries) + 1)) or (
            twice and set(attempts) == set(range(1, max(attempts) + 1))
        )
        assert {row.outcome for _, row in tries[:-1]} <= {"lost", "failed"} | done or twice
        ends = {row.outcome for _, row in tries} | (
            {"dead"} if any(n in result.dead_letters for n, _ in tries) else set()
        )
        assert ends & {"ok", "refused", "dead"} or (ends & {"open"} and vanishing(system, faults))
    for n, row in enumerate(every):
        if row.target in result.system.brokers and result.system.brokers[row.target].durable:
            assert row.outcome == "ok" or (row.outcome == "lost" and unsaid)
            heard = [s.name for s in result.system.services.values() if row.name in s.subscriptions]
            readers = [reader for publish, reader, _ in found if publish == n]
            wanted = 0 if row.outcome == "lost" else len(heard) if row.kind == "event" else 1
            assert len(readers) == wanted and (row.kind != "event" or not wanted or sorted(readers) == sorted(heard))


@few
@given(storms())
def test_no_more_work_is_in_progress_than_there_are_workers(world):
    system, load, faults, seed = world
    result = run(system, load, faults=faults, seed=seed)
    for name, service in shared(system):
        here = [row for row in rows(result, target=name) if not isnan(row.started)]
        for row in here:
            under_way = (o for o in here if o.started <= row.started and not o.ended <= row.started)
            assert sum(1 for _ in under_way) <= service.workers


@few
@given(storms())
def test_the_queue_is_fifo(world):
    """Whatever the network does and however slow the work; only a crash puts redelivered messages first in line."""
    system, load, faults, seed = world
    stopped = {f.service for f in faults if isinstance(f, Crash | CrashAt | Breakdowns)}
    result = run(system, load, faults=faults, seed=seed)
    for name, _ in shared(system):
        if name not in stopped:
            here = [row for row in rows(result, target=name) if not isnan(row.started)]
            by_start = sorted(here, key=lambda row: (row.started, row.received))
            assert [row.received for row in by_start] == sorted(row.received for row in here)


def shared(system):
    """Yield the services, by name, whose work of every sort goes through one queue to the same workers."""
    for name, service in system.services.items():
        if service.blocking and all(s.workers is None and s.poll is None for s in service.subscriptions.values()):
            yield name, service


@few
@given(storms())
def test_totals_count_what_the_trace_holds(world):
    system, load, faults, seed = world
    whole, thin = (run(system, load, faults=faults, seed=seed, keep=keep) for keep in ("trace", "totals"))
    counts = {}
    for edge, outcome, answer in zip(whole.trace.edge, whole.trace.outcome, whole.trace.answer, strict=True):
        if OPEN not in (outcome, answer):  # what waits for ever is not over, and not counted
            key = whole.trace.edges[edge], OUTCOMES[outcome], OUTCOMES[answer]
            counts[key] = counts.get(key, 0) + 1
    assert thin.trace.counts == counts
    assert thin.fates() == whole.fates() and len(thin.dead_letters) == len(whole.dead_letters)
    assert thin.outages == whole.outages and thin.ended == whole.ended


@few
@given(storms(), st.integers(1, 300))
def test_a_cut_run_is_the_beginning_of_the_whole(world, until):
    system, load, faults, seed = world
    whole, cut = (run(system, load, faults=faults, seed=seed, until=end) for end in (None, until))
    early, later = rows(whole)[: len(cut.trace)], rows(whole)[len(cut.trace) :]
    assert [row[:8] for row in rows(cut)] == [row[:8] for row in early]
    # A duplicate is made where its message arrives, and was sent when that was sent.
    assert all(row.sent >= until for row in later) or any(isinstance(fault, Duplicate) for fault in faults)
    for short, long in zip(rows(cut), early, strict=True):
        # What a broker had in hand in a crash it starts on anew.
        for name in ("received", "started", "ended", "answered")[:: 3 if short.target in system.brokers else 1]:
            moment = getattr(short, name)
            assert (isnan(moment) and not getattr(long, name) < until) or moment == getattr(long, name)


@few
@given(storms())
def test_a_fault_changes_nothing_before_it_begins(world):
    system, load, faults, seed = world
    first = min((fault.at for fault in faults), default=0)
    if first > 0:
        calm, storm = (columns(run(system, load, faults=f, seed=seed, until=first)) for f in ([], faults))
        assert calm == storm


@few
@given(storms())
def test_a_fault_harms_nobody_who_does_not_meet_it(world):
    """Faults that strike after the end of a run are no faults."""
    system, load, _, seed = world
    calm = run(system, load, seed=seed)
    late = {"at": calm.ended + 1, "lasting": 5}
    faults = [Partition((("client",), tuple(system.services)), **late)]
    for name in system.services:
        link = {"link": ("client", name), **late}
        faults += [Crash(name, **late), Breakdowns(name, 1, 1, **late), Mute(name, **late), Slow(name, 9, **late)]
        faults += [Drop(**link), Duplicate(**link), Delay(by=9, **link), Reorder(within=9, **link)]
        faults += [CrashAt(name, "work", moment, **late) for moment in ("before", "during", "after")]
    assert same(calm, run(system, load, seed=seed, faults=faults))
    assert all(answer == NONE or answer != OPEN for answer in calm.trace.answer)
