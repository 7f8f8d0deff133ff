"""Simulation against theory: where a formula exists, a run has to agree with it.

Tolerances are not chosen by taste. A mean of a queue's waits is held against four standard errors, taken from the means
of 20 consecutive batches (neighbours in a queue wait alike, so single waits would flatter the error), and the error
itself has to be a small part of what is expected, or the test would pass for a wrong formula too. With a fixed seed
nothing can flicker.
"""

from math import exp, inf, isclose, sqrt
from random import Random
from statistics import fmean, stdev

import pytest

from rehearsal import Constant, Crash, Errors, Evenly, Exponential, Failed, Poisson, Retry, System, Uniform, run, theory
from rehearsal.measures import area, busy, littles_law
from tests.systems import branching, caller, desk, fanout, listener, rows

BATCHES = 20


def check(sample, expected, within=0.12):
    """Assert that the mean of a sample agrees with theory: four standard errors of batch means, themselves small."""
    size = len(sample) // BATCHES
    means = [fmean(sample[i * size : (i + 1) * size]) for i in range(BATCHES)]
    error = 4 * stdev(means) / sqrt(BATCHES)
    assert error < within * expected, "too few to tell: take more, or another seed"
    assert abs(fmean(means) - expected) <= error


def sojourns(result, since=500):
    """Return how long each request took [ms], without the first ones, which found an empty queue."""
    pairs = zip(result.table.offered, result.table.settled, strict=True)
    return [end - start for start, end in pairs][since:]


def waits(result, since=500, **where):
    """Return how long each message waited for a worker [ms]."""
    return [row.started - row.received for row in rows(result, **where)][since:]


# Queues


def test_mm1_sojourn_and_its_quantile():
    result = run(desk(Exponential(60)), Poisson("job", every=100, count=40_000), seed=1)
    sample = sojourns(result)
    check(sample, theory.mm1_sojourn(every=100, takes=60))
    over = theory.mm1_quantile(100, 60, share=0.9)
    check([1.0 * (time > over) for time in sample], 0.1, within=0.3)


@pytest.mark.parametrize("workers", [2, 5])
def test_mmc_wait_and_the_share_that_waits(workers):
    takes = 60 * workers
    result = run(desk(Exponential(takes), workers=workers), Poisson("job", every=100, count=40_000), seed=2)
    sample = waits(result)
    check(sample, theory.mmc_wait(100, takes, workers), within=0.3)
    check([1.0 * (time > 0) for time in sample], theory.erlang_c(takes / 100, workers), within=0.15)


def test_md1_waits_half_as_long_as_mm1():
    result = run(desk(Constant(60)), Poisson("job", every=100, count=30_000), seed=3)
    check(waits(result), theory.md1_wait(every=100, takes=60))
    assert theory.md1_wait(100, 60) == theory.mm1_wait(100, 60) / 2


def test_mg1_pollaczek_khinchine():
    takes = Uniform(0, 120)
    result = run(desk(takes), Poisson("job", every=100, count=30_000), seed=3)
    check(waits(result), theory.pollaczek_khinchine(100, takes.mean, takes.cv), within=0.15)


def test_dm1_arrivals_like_a_clock_wait_less():
    """G/M/1: W = 1/(mu (1 - s)), s the root of s = A*(mu (1 - s)); for a clock A*(x) = exp(-x/lambda)."""
    every, takes, s = 100, 65, 0.5
    for _ in range(200):
        s = exp(-every / takes * (1 - s))
    result = run(desk(Exponential(takes)), Evenly("job", every=every, count=30_000), seed=4)
    check(sojourns(result), takes / (1 - s))


def test_erlang_b_without_a_queue_the_share_turned_away():
    result = run(desk(Exponential(200), workers=3, queue=0), Poisson("job", every=100, count=20_000), seed=5)
    check([1.0 * (fate == "rejected") for fate in result.fates()], theory.erlang_b(2, workers=3))


def test_utilisation_is_the_share_of_time_at_work():
    result = run(desk(Exponential(120), workers=2), Poisson("job", every=100, count=20_000), seed=6)
    share = area(busy(result, "desk"), result.ended) / result.ended / 2
    assert isclose(share, theory.utilisation(100, 120, workers=2), rel_tol=0.03)  # 3/sqrt(20,000) and some


def test_a_tandem_of_two_mm1_adds_up_in_either_style():
    def body(ctx, job, first, second):
        yield ctx.call(first, job)
        yield ctx.call(second, job)

    called = branching([Exponential(60), Exponential(40)], body)
    for service in ("s0", "s1"):
        called.services[service].workers = 1
    called.services["front"].workers = 10_000
    danced = listener(Exponential(60))
    danced.service("last").on("job.done", takes=Exponential(40), publishes="job.over")(
        lambda ctx, job: ctx.publish("job.over", job)
    )
    danced.accepts("job", danced.find("place"), done="job.over")
    for system in (called, danced):
        check(sojourns(run(system, Poisson("job", every=100, count=30_000), seed=7)), theory.tandem(100, 60, 40))


# Sequences and branches


def test_a_sequence_takes_the_sum_of_its_means_and_branches_take_the_slowest():
    calls, _ = fanout(3, mean=12)

    @calls.services["front"].operation()
    def chain(ctx, job):
        for i in range(3):
            yield ctx.call(f"work{i}", job)

    load = Poisson("job", every=100, count=10_000)
    forked = sojourns(run(calls, load, seed=8))
    calls.accepts("job", chain)
    check(forked, theory.slowest_of(3, mean=12))
    check(sojourns(run(calls, load, seed=8)), 3 * 12)


@pytest.mark.parametrize("n", [2, 5])
def test_a_forking_orchestrator_and_a_fan_out_of_events_wait_for_the_same_slowest(n):
    calls, events = fanout(n, mean=12)
    load = Poisson("job", every=100, count=5_000)
    forked, fanned = run(calls, load, seed=9), run(events, load, seed=9)
    last = {}
    for row in rows(fanned):
        last[row.request] = max(last.get(row.request, 0.0), row.ended)
    check(sojourns(forked), theory.slowest_of(n, mean=12))
    assert list(forked.table.settled) == list(last.values())  # not only alike: the same draws


def test_a_fork_over_two_queues_takes_less_than_independent_ones_would():
    calls, _ = fanout(2, mean=60)
    for service in ("s0", "s1"):
        calls.services[service].workers = 1
    result = run(calls, Poisson("job", every=100, count=40_000), seed=10)
    check(sojourns(result), theory.fork_join(every=100, takes=60))


def test_a_fork_over_more_queues_takes_as_long_as_the_approximation_says():
    """Nelson and Tantawi promise 5 % for up to 32 branches; four standard errors are less than that here."""
    calls, _ = fanout(5, mean=40)
    for service in calls.services.values():
        service.workers = 1000 if service.name == "front" else 1
    result = run(calls, Poisson("job", every=100, count=20_000), seed=11)
    expected = theory.fork_join(every=100, takes=40, branches=5)
    check(sojourns(result), expected, within=0.05)
    assert 1.05 * expected < theory.slowest_of(5, theory.mm1_sojourn(100, 40))  # independent ones are told apart


# Little's law


def test_littles_law_holds_on_the_sample_path_of_every_service():
    system = caller(Exponential(60), timeout=100, retry=Retry(1), network=Exponential(5))
    crash = Crash("back", at=5_000, lasting=1_000)
    for law in (
        littles_law(run(system, Poisson("job", every=100, count=500), faults=[crash])),
        littles_law(run(listener(Exponential(60)), Poisson("job", every=100, count=500), until=40_000)),
    ):
        assert (law["arrivals"] > 300).all() and law["L"]["back"] > 0.5
        assert (abs(law["difference"]) < 1e-9).all()  # an identity of the record: only rounding is left


# Polling


def test_polling_adds_half_an_interval_on_each_hop():
    def system(poll):
        chain = listener(takes=0, poll=poll)
        last = chain.service("last").on("job.done", publishes="job.over", poll=poll)
        last(lambda ctx, job: ctx.publish("job.over", job))
        chain.accepts("job", chain.find("place"), done="job.over")
        return chain

    load = Poisson("job", every=5_000, count=5_000)  # rare, so that a message finds the consumer idle
    times = sojourns(run(system(100), load, seed=11))
    # The second consumer's looks stand still against the first's while both are idle: only the first hop is random.
    first = [row.started - row.received for row in rows(run(system(100), load, seed=11), target="back")]
    check(first, theory.polling_delay(100))
    assert max(first) <= 100 and max(times) <= 200
    assert max(sojourns(run(system(None), load, seed=11))) == 0


# Outages


def outage(load, takes, seed=1, at=10_000, lasting=20_000):
    """Return (backlog at the restart, time until it is gone, how many it delayed, their mean delay) of one crash."""
    result = run(listener(takes), load, seed=seed, faults=[Crash("back", at=at, lasting=lasting)])
    done = rows(result, target="back", outcome="ok")
    up = at + lasting
    waiting = sum(row.received < up <= row.started for row in done)
    free = min((row.received for row in done if row.received > up and row.started == row.received), default=inf)
    late = [row.started - row.received for row in done if at <= row.received < free]
    return waiting, free - up, len(late), fmean(late)


def test_the_backlog_of_an_outage_and_its_drain_are_what_fluids_do():
    waiting, drain, late, delay = outage(Evenly("job", every=10, count=20_000), Constant(8))
    # A clock and constant work are the fluid itself, up to one message at each end.
    assert abs(waiting - theory.backlog_after(10, 20_000)) <= 1
    assert isclose(drain, theory.drain_time(10, 8, 20_000), rel_tol=0.002)
    assert isclose(late, theory.delayed_by(10, 8, 20_000), rel_tol=0.002)
    assert isclose(delay, 20_000 / 2, rel_tol=0.002)


def test_random_arrivals_and_work_drain_alike_within_the_spread_that_theory_gives():
    load, takes = Poisson("job", every=10, until=10_000), Exponential(5)
    drains = [outage(load, takes, seed=s, at=1_000, lasting=2_000)[1] for s in range(40)]
    expected, spread = theory.drain_time(10, 5, 2_000), theory.drain_spread(10, 5, 2_000)
    assert abs(fmean(drains) - expected) < 4 * spread / sqrt(40) + 20  # and the work after the last in the backlog
    assert isclose(stdev(drains), spread, rel_tol=0.4)  # three standard errors of a deviation of 40


def test_an_outage_in_a_chain_of_calls_hits_exactly_those_offered_in_it():
    load = Poisson("job", every=10, until=60_000)
    result = run(caller(takes=0), load, seed=3, faults=[Crash("back", at=10_000, lasting=6_000)])
    inside = [10_000 <= moment < 16_000 for moment in result.table.offered]
    assert [fate == "failed" for fate in result.fates()] == inside
    assert isclose(fmean(inside), 1 - theory.availability(up=54_000, down=6_000), rel_tol=0.15)  # 4/sqrt(600)


def test_availability_is_a_product_over_distinct_services_not_over_paths():
    """Two services that are down a tenth of the time, at every phase to each other; a third call goes to the first."""
    period = {"a": 100, "b": 101}
    crashes = [
        Crash(name, at=n * each, lasting=each / 10) for name, each in period.items() for n in range(100 * 101 // each)
    ]

    def share(*names):
        system = System("chain")
        works = {n: system.service(n, workers=99).operation(name=n)(lambda ctx, job: None) for n in period}

        @system.service("front", workers=99).operation()
        def go(ctx, job):
            for name in names:
                yield ctx.call(works[name], job)

        system.accepts("job", go)
        fates = run(system, Poisson("job", every=1, until=100 * 101), seed=4, faults=crashes).fates()
        return fates.count("on time") / len(fates)

    error = 4 * sqrt(0.2 * 0.8 / 10_100)  # four standard errors of a share
    assert abs(share("a", "b") - theory.in_series(0.9, 0.9)) < error
    assert share("a", "b", "a") == share("a", "b")
    assert abs(share("a", "a") - 0.9) < error


def test_durable_messages_through_random_breakdowns():
    """Breakdowns any time, memoryless work: L = lam [(xi + eta)² + xi mu] / [(xi + eta)(eta mu - lam (xi + eta))]."""
    every, takes, up, down, end = 100, 50, 500, 100, 3_000_000
    dice, at, crashes = Random(1), 0.0, []
    while (at := at + dice.expovariate(1 / up)) < end:
        lasting = dice.expovariate(1 / down)
        crashes.append(Crash("back", at=at, lasting=lasting))
        at += lasting
    result = run(listener(Exponential(takes)), Poisson("job", every=every, until=end), seed=12, faults=crashes)
    lam, mu, xi, eta = 1 / every, 1 / takes, 1 / up, 1 / down
    number = lam * ((xi + eta) ** 2 + xi * mu) / ((xi + eta) * (eta * mu - lam * (xi + eta)))
    assert set(result.fates()) == {"on time"}
    check(sojourns(result), number / lam, within=0.12)


def test_crashes_that_clear_the_queue_lose_the_share_that_theory_says():
    """With b = lam + mu + delta and r = [b - sqrt(b² - 4 lam mu)]/(2 mu), a share delta r/((1 - r) lam) is lost."""
    every, takes, between, end = 100, 80, 2_000, 3_000_000
    dice, at, crashes = Random(2), 0.0, []
    while (at := at + 1e-3 + dice.expovariate(1 / between)) < end:
        crashes.append(Crash("desk", at=at, lasting=1e-3))
    result = run(desk(Exponential(takes)), Poisson("job", every=every, until=end), seed=13, faults=crashes)
    lam, mu, delta = 1 / every, 1 / takes, 1 / between
    b = lam + mu + delta
    r = (b - sqrt(b * b - 4 * lam * mu)) / (2 * mu)
    check([1.0 * (fate == "failed") for fate in result.fates()], delta * r / ((1 - r) * lam), within=0.15)


# Time-outs and retries


def test_the_share_of_zombies_is_the_share_of_sojourns_over_the_time_out():
    system = caller(Exponential(60), timeout=300)
    result = run(system, Poisson("job", every=100, count=40_000), seed=14)
    calls = rows(result, kind="call")
    assert {row.outcome for row in calls} == {"ok"}  # all of them are served, wanted or not
    check([1.0 * (row.answer == "timeout") for row in calls[500:]], theory.zombie_share(100, 60, 300), within=0.3)


def test_attempts_and_success_with_retries():
    p, retries = 0.4, 2
    system = caller(takes=1, workers=99, retry=Retry(retries))
    result = run(system, Poisson("job", every=10, count=20_000), seed=15, faults=[Errors("back", p)])
    made = [0] * 20_000
    for row in rows(result, kind="call"):
        made[row.request] += 1
    check(made, theory.attempts(p, retries))
    check([1.0 * (fate == "failed") for fate in result.fates()], p ** (retries + 1), within=0.2)


def test_a_saga_undoes_what_was_done_before_the_step_that_failed():
    """Each of n steps fails by p: q^n are committed, and the steps undone are on average sum (k - 1) p q^(k-1)."""
    n, p = 3, 0.2
    system = System("saga")
    works = [
        system.service(f"s{i}", workers=99).operation(name=f"do{i}", takes=1)(lambda ctx, job: None) for i in range(n)
    ]
    undos = [
        system.services[f"s{i}"].operation(name=f"undo{i}", undoes=f"do{i}")(lambda ctx, job: None) for i in range(n)
    ]

    @system.service("front", workers=99).operation()
    def saga(ctx, job):
        done = []
        try:
            for work, undo in zip(works, undos, strict=True):
                yield ctx.call(work, job)
                done.append(undo)
        except Failed:
            for undo in reversed(done):
                yield ctx.call(undo, job, retry=Retry(99))
            raise

    system.accepts("job", saga)
    faults = [Errors(f"s{i}", p) for i in range(n)]
    result = run(system, Poisson("job", every=10, count=10_000), seed=16, faults=faults)
    q, fates = 1 - p, result.fates()
    check([1.0 * (fate == "on time") for fate in fates], q**n)
    check([1.0 * (fate == "failed") for fate in fates], p, within=0.15)  # the first step failed: nothing to undo
    undone = list(result.table.undone)
    check(undone, sum((k - 1) * p * q ** (k - 1) for k in range(1, n + 1)))
    assert all((count > 0) == (fate == "compensated") for count, fate in zip(undone, fates, strict=True))
