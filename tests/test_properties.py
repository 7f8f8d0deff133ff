"""Random small systems and processes in every style under random faults of every kind: what holds for all of them."""

import warnings
from itertools import pairwise
from math import isnan
from os import environ

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
from rehearsal.engine.breakers import Compartment, Tokens
from rehearsal.trace import NONE, OPEN, OUTCOMES
from tests.catalogue import forgetting, vanishing
from tests.plays import ANY
from tests.systems import columns, rows, same
from tests.watched import deliveries, lines, performed, worked

# EXAMPLES=2000 hunts: at the usual number each property is looked at once on every change, not searched.
few = settings(
    max_examples=int(environ.get("EXAMPLES", "60")),
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


def struck(faults, *kinds):
    """Return whether there are faults of these kinds."""
    return any(isinstance(fault, kinds) for fault in faults)


# Determinism


@few
@given(ANY, st.randoms(use_true_random=False))
def test_the_same_four_record_the_same_bytes(world, random):
    system, load, faults, seed = world
    first, second = (run(system, load, faults=faults, seed=seed) for _ in range(2))
    assert same(first, second) and repr(first) == repr(second)
    listed = random.sample(faults, len(faults))
    other = run(system, load, faults=listed, seed=seed)
    assert same(first, other) and first.outages == other.outages
    for name in ("effects", "parked", "states", "transitions", "dead_letters", "empty_polls"):
        assert getattr(first, name) == getattr(second, name) == getattr(other, name)


@few
@given(ANY)
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


# Conservation of requests


@few
@given(ANY, st.integers(1, 400))
def test_every_request_has_one_fate_at_any_moment_the_run_is_cut(world, until):
    system, load, faults, seed = world
    for end in (until, None):
        result = run(system, load, faults=faults, seed=seed, until=end)
        fates = result.fates()
        assert len(fates) == len(result.table) and set(fates) <= set(FATES)
        asked = [row.request for row in rows(result, kind="request", attempt=1)]
        assert set(asked) == set(range(len(fates))) and (len(asked) == len(fates) or struck(faults, Duplicate))
    # Everything ends where nothing is cut, no node stays down, and nobody waits in a circle; only one whose message
    # disappeared may wait for ever.
    usual = sum(each == 0 for each in result.table.load)
    assert usual == load.count * getattr(load, "users", 1) or (load.closed and vanishing(system, faults))
    assert "open" not in fates
    assert "stuck" not in fates or forgetting(system, faults)


# Conservation of workers


@few
@given(ANY)
def test_no_worker_leaks_and_no_queue_is_forgotten(world):
    result, engine = performed(*world)
    assert result.drained
    waiting = [context._message for context in engine.handlers if not context._message.dead]
    assert not waiting or vanishing(*world[::2])
    for node in engine.compiler.nodes.values():
        for pool in node.pools:
            here = [message for message in waiting if message.route.pool is pool]
            held = len(here) if node.blocking else 0
            assert pool.free == pool.each * node.replicas - held and set(pool.working or here) == set(here)
            assert pool.asking == sum(message.route.inbox is None for message in pool.queue)
            assert not pool.queue or pool.free == 0  # all workers wait for what never comes
        assert node.up and not node.faults and not node.outside and not node.frozen and not node.held
        assert (node.pace, node.errors) == (1, []) and (node.outbox is None or not node.outbox.waiting)
    for inbox in engine.compiler.inboxes.values():
        queued = [m for node in engine.compiler.nodes.values() for pool in node.pools for m in pool.queue]
        assert inbox.poll is not None or inbox.waiting == sum(m.route.inbox is inbox for m in queued)
        assert (not inbox.topic and (inbox.lanes is None or not inbox.lanes.lanes)) or waiting
    assert not any(watch.queue for watch in engine._deadlines.values())
    for gate in engine.gates.values():
        if isinstance(gate, Compartment):
            assert (gate.free == gate.policy.calls and not gate.queue) or waiting
        elif isinstance(gate, Tokens):
            assert 0 <= gate.tokens <= gate.policy.burst


@few
@given(ANY)
def test_no_more_work_is_in_progress_than_there_are_workers(world):
    system, load, faults, seed = world
    result = run(system, load, faults=faults, seed=seed)
    for line in lines(system):
        here = worked(result, line) if line.service.blocking else ()
        for row in here:
            under_way = (o for o in here if o.started <= row.started and not o.ended <= row.started)
            assert sum(1 for _ in under_way) <= line.workers


# Durability


@few
@given(ANY)
def test_nothing_durable_is_lost(world):
    """It may come twice, on its way to the broker or from there; and what never reached a broker it cannot keep."""
    system, load, faults, seed = world
    result = run(system, load, faults=faults, seed=seed)
    every, found = rows(result), deliveries(result)
    twice, unsaid = struck(faults, Duplicate), struck(faults, Drop, Mute)
    done = {"ok"} if struck(faults, CrashAt) else set()  # and nobody learnt of it
    for (publish, reader), tries in found.items():
        if not result.system.brokers[every[publish].target].durable:
            continue
        attempts = [row.attempt for _, row in tries]
        assert attempts == list(range(1, len(tries) + 1)) or (
            twice and set(attempts) == set(range(1, max(attempts) + 1))
        )
        if getattr(reader, "acknowledge", "after") == "before":  # at most once, whatever comes of it
            assert twice or sum(not isnan(row.started) for _, row in tries) <= 1
            continue
        assert {row.outcome for _, row in tries[:-1]} <= {"lost", "failed"} | done or twice
        ends = {row.outcome for _, row in tries} | (
            {"dead"} if any(n in result.dead_letters for n, _ in tries) else set()
        )
        assert ends & {"ok", "refused", "dead"} or (ends & {"open"} and vanishing(system, faults))
    for n, row in enumerate(every):
        if row.target in result.system.brokers and result.system.brokers[row.target].durable:
            assert row.outcome == "ok" or (row.outcome == "lost" and unsaid)
            readers = [reader for publish, reader in found if publish == n]
            heard = result.system.readers(row.name) if row.kind == "event" else readers[:1]
            assert readers == ([] if row.outcome == "lost" else heard)


@few
@given(ANY)
def test_what_is_stored_in_an_outbox_reaches_its_broker(world):
    """Without one it may be lost on its way; with one it is sent again until the broker has it."""
    system, load, faults, seed = world
    result = run(system, load, faults=faults, seed=seed)
    ends = {}
    for row in rows(result):
        if row.target in system.brokers and system.services[row.source].outbox is not None:
            ends.setdefault((row.parent, row.name, row.attempt), []).append(row.outcome)
    for (parent, name, attempt), outcomes in ends.items():
        again = ends.get((parent, name, attempt + 1), [])
        assert system.carrier(name).durable is False or outcomes.count("lost") <= len(again)


@few
@given(ANY)
def test_a_durable_service_loses_nothing_that_it_has_received(world):
    system, load, faults, seed = world
    result = run(system, load, faults=faults, seed=seed)
    for row in rows(result):
        if row.target in system.services and system.services[row.target].durable and not isnan(row.received):
            assert row.outcome != "lost"


@few
@given(ANY)
def test_no_effect_is_without_its_work_and_time(world):
    system, load, faults, seed = world
    result = run(system, load, faults=faults, seed=seed)
    every, moments = rows(result), [effect.at for effect in result.effects]
    assert moments == sorted(moments)
    for effect in result.effects:
        row = every[effect.span]
        assert row.request == effect.request and row.started <= effect.at and not row.ended < effect.at


# The order of a FIFO


@few
@given(ANY)
def test_the_queue_is_fifo(world):
    """Whatever the network does and however slow the work; only a crash puts redelivered messages first in line."""
    system, load, faults, seed = world
    stopped = {system.modules.get(f.service, f.service) for f in faults if isinstance(f, Crash | CrashAt | Breakdowns)}
    result = run(system, load, faults=faults, seed=seed)
    for line in lines(system):
        here = worked(result, line)
        calls_only = not any(row.source in system.brokers for row in here)
        if line.plain and (calls_only or line.service.name not in stopped):
            by_start = sorted(here, key=lambda row: (row.started, row.received))
            assert [row.received for row in by_start] == sorted(row.received for row in here)


@few
@given(ANY)
def test_messages_of_one_key_are_worked_on_in_order_and_never_at_once(world):
    """Redeliveries and crashes included; a duplicate is a message of its own, and a join lets one in for several."""
    system, load, faults, seed = world
    result = run(system, load, faults=faults, seed=seed)
    keyed = {}
    for (_, subscription), tries in deliveries(result).items():
        if getattr(subscription, "key", None) is not None and not subscription.joins:
            come = [row for _, row in tries if not isnan(row.received)]
            if come:
                key = subscription.key(result.payload(come[0].request))
                keyed.setdefault((subscription, come[0].name, key), []).append(come)
    for here in keyed.values() if not struck(faults, Duplicate) else ():
        here.sort(key=lambda tries: (tries[0].received, tries[0].started))
        busy = [(row.started, row.ended) for tries in here for row in tries if not isnan(row.started)]
        assert all(not one[1] > two[0] for one, two in pairwise(busy))


# Time


@few
@given(ANY)
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
        if row.outcome in ("rejected", "unsent"):
            assert isnan(row.started)
        if row.parent >= 0:
            cause = every[row.parent]
            assert cause.request == row.request and cause.sent <= row.sent and not cause.started > row.sent
    left = OPEN in result.trace.outcome or OPEN in result.trace.answer
    assert not left or vanishing(system, faults)


@few
@given(ANY, st.integers(1, 300))
def test_a_cut_run_is_the_beginning_of_the_whole(world, until):
    system, load, faults, seed = world
    whole, cut = (run(system, load, faults=faults, seed=seed, until=end) for end in (None, until))
    early, later = rows(whole)[: len(cut.trace)], rows(whole)[len(cut.trace) :]
    assert [row[:8] for row in rows(cut)] == [row[:8] for row in early]
    # A duplicate is made where its message arrives, and was sent when that was sent.
    assert all(row.sent >= until for row in later) or struck(faults, Duplicate)
    for short, long in zip(rows(cut), early, strict=True):
        # What a broker had in hand in a crash it starts on anew.
        for name in ("received", "started", "ended", "answered")[:: 3 if short.target in system.brokers else 1]:
            moment = getattr(short, name)
            assert (isnan(moment) and not getattr(long, name) < until) or moment == getattr(long, name)


@few
@given(ANY)
def test_a_fault_changes_nothing_before_it_begins(world):
    system, load, faults, seed = world
    first = min((fault.at for fault in faults), default=0)
    if first > 0:
        calm, storm = (columns(run(system, load, faults=f, seed=seed, until=first)) for f in ([], faults))
        assert calm == storm


@few
@given(ANY)
def test_a_fault_harms_nobody_who_does_not_meet_it(world):
    """Faults that strike after the end of a run are no faults."""
    system, load, _, seed = world
    calm = run(system, load, seed=seed)
    late = {"at": calm.ended + 1, "lasting": 5}
    faults = [Partition((("client",), tuple(system.services)), **late)]
    for name, service in system.services.items():
        link = {"link": ("client", name), **late}
        faults += [Crash(name, **late), Breakdowns(name, 1, 1, **late), Mute(name, **late), Slow(name, 9, **late)]
        faults += [Drop(**link), Duplicate(**link), Delay(by=9, **link), Reorder(within=9, **link)]
        for operation in service.operations:
            faults += [CrashAt(name, operation, moment, **late) for moment in ("before", "during", "after")]
    assert same(calm, run(system, load, seed=seed, faults=faults))
    assert all(answer == NONE or answer != OPEN for answer in calm.trace.answer)
