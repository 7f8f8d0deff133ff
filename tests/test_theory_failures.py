"""Simulation against theory: breakdowns, fail-over, and what is available while services come and go."""

import pytest

from rehearsal import Breakdowns, Exponential, Failed, Poisson, System, run, theory
from tests.samples import check, shares, sojourns
from tests.systems import desk

UP, DOWN = Exponential(500), Exponential(100)


def broken(takes, clock, work="resume", count=40_000, seed=1):
    """Return the run of one desk, a job every 100 ms, that breaks down."""
    fault = Breakdowns("desk", UP, DOWN, work=work, clock=clock)
    return run(desk(takes), Poisson("job", every=100, count=count), seed=seed, faults=fault)


def test_breakdowns_at_work_or_not():
    expected = theory.breakdown_sojourn(every=100, takes=50, up=500, down=100)
    check(sojourns(broken(Exponential(50), "always")), expected)


def test_breakdowns_by_use_make_the_work_longer_and_more_varied():
    mean, cv = theory.completion_time(takes=50, up=500, down=100)
    check(sojourns(broken(Exponential(50), "busy")), mean + theory.pollaczek_khinchine(100, mean, cv))


def test_work_that_begins_anew_after_each_breakdown():
    """A job every 50 seconds, so that hardly one waits for another."""
    fault = Breakdowns("desk", UP, DOWN, work="restart", clock="busy")
    result = run(desk(300), Poisson("job", every=50_000, count=10_000), seed=2, faults=fault)
    check(sojourns(result), theory.restart_time(takes=300, up=500, down=100))


def available(system, *faults, seed, count=25_000):
    """Return 1 for each job that was done, else 0: every 50 ms a look at what is up."""
    return shares(run(system, Poisson("job", every=50, count=count), seed=seed, faults=faults).fates(), "on time")


def going(name):
    """Return the breakdowns of a service that is down for a sixth of the time."""
    return Breakdowns(name, UP, DOWN, work="lost")


def fleet(how, *names, patience=1e-6):
    """Return a front that asks services in turn: until `all` have answered, or `any` one has."""
    system = System("fleet")
    works = {n: system.service(n, workers=999).operation(name=n)(lambda ctx, job: None) for n in dict.fromkeys(names)}

    @system.service("front", workers=99_999).operation()
    def go(ctx, job):
        missing = 0
        for name in names:
            try:
                yield ctx.call(works[name], job, timeout=patience)
            except Failed:
                missing += 1
        if missing and (how is all or missing == len(names)):
            raise Failed("nobody there")

    system.accepts("job", go)
    return system


UPTIME = theory.availability(up=500, down=100)


def test_in_series_all_have_to_be_up():
    check(available(fleet(all, "a", "b"), going("a"), going("b"), seed=3), theory.in_series(UPTIME, UPTIME))


def test_in_parallel_one_is_enough():
    done = available(fleet(any, "a", "b"), going("a"), going("b"), seed=4)
    check([1 - one for one in done], 1 - theory.in_parallel(UPTIME, UPTIME), within=0.25)


def test_a_service_that_two_paths_share_fails_once_for_both():
    shop = {"a": UPTIME, "b": UPTIME, "store": UPTIME}
    system = System("shop")
    works = {n: system.service(n, workers=999).operation(name=n)(lambda ctx, job: None) for n in shop}

    @system.service("front", workers=99_999).operation()
    def go(ctx, job):
        for path in ("a", "b"):
            try:
                yield ctx.call(works[path], job, timeout=1e-6)
                yield ctx.call(works["store"], job, timeout=1e-6)
                return
            except Failed:
                pass
        raise Failed("no path")

    system.accepts("job", go)
    expected = theory.available(shop, lambda up: "store" in up and ("a" in up or "b" in up))
    check(available(system, *map(going, shop), seed=5), expected)
    assert expected != pytest.approx(theory.in_parallel(UPTIME**2, UPTIME**2), abs=0.05)  # the product over paths


def test_a_standby_shortens_each_outage_to_the_time_it_takes_over():
    system = System("desk")
    service = system.service("desk", workers=999, failover=20, durable=True)
    system.accepts("job", service.operation(name="serve")(lambda ctx, job: None), objective=1e-6)
    done = available(system, going("desk"), seed=6)
    check([1 - one for one in done], 1 - theory.with_failover(up=500, down=100, failover=20), within=0.25)
