"""Simulation against theory: time-outs that cancel, retries under load, hedges, bulkheads, replies that get lost."""

import pytest

from rehearsal import (
    Bulkhead,
    CircuitBreaker,
    Drop,
    Errors,
    Exponential,
    Hedge,
    Poisson,
    Rejected,
    Retry,
    System,
    run,
    sec,
    theory,
)
from tests.samples import check, shares, sojourns
from tests.systems import rows


def guarded(takes, workers=1, network=0.0, queue=None, **policies):
    """Return a front that calls `back.work` under policies."""
    system = System("guarded", network)
    work = system.service("back", workers=workers, queue=queue).operation(takes=takes, name="work")(
        lambda ctx, job: None
    )

    @system.service("front", workers=99_999).operation()
    def ask(ctx, job):
        yield ctx.call(work, job, **policies)

    system.accepts("job", ask)
    return system


def offered(system, every, seed, count=40_000, faults=()):
    """Return the run of so many jobs."""
    return run(system, Poisson("job", every=every, count=count), seed=seed, faults=faults)


@pytest.mark.parametrize("cancel", ["queue", "work"])
def test_who_gives_up_takes_back_what_waits_or_what_is_in_work(cancel):
    result = offered(guarded(Exponential(80), timeout=400, cancel=cancel), every=100, seed=1)
    outcomes = [row.outcome for row in rows(result, kind="call")][500:]
    check(shares(outcomes, "cancelled"), theory.cancelled_share(100, 80, timeout=400, cancel=cancel), within=0.25)


def test_a_retry_in_a_loaded_system_loads_it_more():
    """Attempts fail by themselves, after their time; each is tried twice again after a pause."""
    result = offered(
        guarded(Exponential(40), retry=Retry(2, wait=100)), every=100, seed=2, faults=[Errors("back", 0.4)]
    )
    check(sojourns(result), theory.retried_sojourn(every=100, takes=40, failure=0.4, retries=2, pause=100))


def test_who_finds_a_desk_busy_and_comes_again_waits_as_long_as_the_formula_says():
    """A desk without a queue turns them away; they rest for an exponential time, and ask again until it is free."""
    system = System("orbit", 0.0)
    serve = system.service("desk", queue=0).operation(takes=Exponential(40), name="serve")(lambda ctx, job: None)
    rest = system.service("bench", workers=99_999).operation(takes=Exponential(60), name="rest")(lambda ctx, job: None)

    @system.service("front", workers=99_999).operation()
    def ask(ctx, job):
        while True:
            try:
                return (yield ctx.call(serve, job))
            except Rejected:
                yield ctx.call(rest, job)

    system.accepts("job", ask)
    result = offered(system, every=100, seed=7)
    check(sojourns(result), theory.retrial_wait(every=100, takes=40, pause=60) + 40)


def test_layers_of_callers_multiply_their_attempts():
    system = System("tower")
    below = system.service("back", workers=999).operation(name="work")(lambda ctx, job: None)
    for layer in range(2):

        @system.service(f"layer {layer}", workers=99_999).operation(name="ask", calls=[below])
        def below(ctx, job, below=below):
            yield ctx.call(below, job, retry=Retry(2))

    system.accepts("job", below)
    result = offered(system, every=10, seed=3, count=20_000, faults=[Errors("back", 0.5)])
    made = [0] * 20_000
    for row in rows(result, target="back"):
        made[row.request] += 1
    check(made, theory.amplification(retries=2, layers=2, failure=0.5))


def test_a_hedge_shortens_the_mean_and_the_tail_and_adds_its_share_of_calls():
    result = offered(guarded(Exponential(80), workers=999, hedge=Hedge(80)), every=100, seed=4)
    took = sojourns(result)
    check(took, theory.hedged_mean(takes=80, after=80))
    tail = theory.hedged_quantile(takes=80, after=80, share=0.95)
    check([1.0 * (one > tail) for one in took], 0.05, within=0.15)
    calls = len(rows(result, kind="call")) / len(result.fates())
    assert calls == pytest.approx(1 + 0.3679, abs=4 * (0.3679 * 0.6321 / 40_000) ** 0.5)  # e^-1, four standard errors


def test_a_bulkhead_turns_away_what_erlang_says_and_keeps_the_rest_served():
    system = System("two kinds", 0.0)
    slow = system.service("slow", workers=999).operation(takes=Exponential(1000), name="slow")(lambda ctx, job: None)

    @system.service("front", workers=10, queue=0, blocking=True).operation(name="ask")
    def ask(ctx, job):
        yield ctx.call(slow, job, bulkhead=Bulkhead(5))

    @system.services["front"].operation(name="other", takes=Exponential(100))
    def other(ctx, job): ...

    system.accepts("question", ask)
    system.accepts("other", other)
    loads = [Poisson("question", every=50, count=40_000), Poisson("other", every=50, count=40_000)]
    result = run(system, loads, seed=5)
    served = result.requests()
    for kind, expected in zip(
        ("question", "other"), theory.bulkhead_loss(offered=20, calls=5, others=2, workers=10), strict=True
    ):
        bad = [1.0 * (fate != "on time") for fate in served[served.kind == kind].fate]
        check(bad, expected, within=0.25)


def test_a_call_that_is_done_and_reported_as_failed():
    faults = [
        Drop(("front", "back"), 0.1, at=0, ways="there"),
        Drop(("front", "back"), 0.2, at=0, ways="back"),
    ]
    system = guarded(1, workers=999, network=1.0, timeout=10, retry=Retry(1))
    result = offered(system, every=10, seed=6, faults=faults)
    done = {row.request for row in rows(result, kind="call", outcome="ok")}
    both = [1.0 * (fate != "on time" and row in done) for row, fate in enumerate(result.fates())]
    check(both, theory.done_and_unknown(request_lost=0.1, reply_lost=0.2, attempts=2), within=0.15)


def test_a_breaker_lets_out_as_many_calls_as_a_run_of_failures_takes():
    """Opened by three failures in a row, a window of three, and closed again by one good probe after a second."""
    sizes = []
    breaker = CircuitBreaker(window=3, failure_rate=1.0, minimum=3, open_for=3600 * sec, probes=1)
    for seed in range(400):
        system = guarded(0.001, workers=999, breaker=breaker)
        result = offered(system, every=1000, seed=seed, count=120, faults=[Errors("back", 0.5)])
        sizes.append(sum(row.outcome != "unsent" for row in rows(result, kind="call")))
    check(sizes, theory.calls_until_open(failure=0.5, in_a_row=3), within=0.25)
