"""The order flow as a process, in every style; with policies that never act, and with faults."""

from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

from rehearsal import (
    Bulkhead,
    CircuitBreaker,
    Crash,
    Delay,
    Exponential,
    Poisson,
    Retry,
    RetryBudget,
    Slow,
    System,
    minute,
    ms,
    run,
    sec,
)  # fmt: skip
from rehearsal.experiments import replicate
from rehearsal.process import Process, Step, blend, choreograph, monolith, orchestrate
from tests.bench import bus_flow, order_flow, styles_by_hand
from tests.bench.order_flow import EVERY, HOP, SERVICES, WORKERS


def process(services=SERVICES):
    """Return the flow as a process: one step after another."""
    shop, steps = System("styles", network=Exponential(HOP * ms)), []
    for name, mean in services:

        @shop.service(name, workers=WORKERS).operation(takes=Exponential(mean * ms), name=f"do_{name}")
        def step(ctx, order): ...

        steps.append(Step(step, after=steps[-1].name if steps else ()))
    return Process("order", steps)


def guarded():
    """Return the orchestrated flow under policies that never act."""
    system = orchestrate(process())
    system.guard(
        timeout=1 * minute, retry=Retry(3, wait=1 * sec), budget=RetryBudget(), breaker=CircuitBreaker(),
        bulkhead=Bulkhead(1000),
    )  # fmt: skip
    return system


def of(system, faults=()):
    """Return the function that runs a system for so many orders."""
    return lambda orders: run(system, Poisson("order", every=EVERY * ms, count=orders), seed=7, faults=faults)


def flows():
    """Return {what: (by hand, by us, at most so many times the cost)}, each a function of the number of orders."""
    order = process()
    outages = [Crash("payment", at=i * minute, lasting=1 * sec) for i in range(1, 30)]
    outages += [Slow("shipping", 1.2, at=1 * minute)]
    calls = [*outages, Delay(("orders", "inventory"), 1 * ms, at=1 * minute, ways="there")]  # as it is done by hand
    events = [*outages, Delay(("inventory", "broker"), 1 * ms, at=1 * minute, ways="there")]
    return {
        "monolith": (styles_by_hand.monolith, of(monolith(order)), 0.7),
        "monolith, against the order flow": (order_flow.by_hand, of(monolith(order)), 0.7),
        "orchestrate": (order_flow.by_hand, of(orchestrate(order)), 0.7),
        "orchestrate, by commands": (styles_by_hand.commands, of(orchestrate(order, by="commands")), 0.5),
        "choreograph": (bus_flow.by_hand, of(choreograph(order)), 0.5),
        "blend, the last by events": (styles_by_hand.blend, of(blend(order, events=[[*order.steps][-1]])), 0.7),
        "orchestrate, policies that never act": (styles_by_hand.guarded, of(guarded()), 0.4),
        "orchestrate, 31 faults": (styles_by_hand.struck, of(orchestrate(order), calls), 0.7),
        "choreograph, 31 faults": (styles_by_hand.struck_dance, of(choreograph(order), events), 0.5),
    }


def of_size(services):
    """Return a process of so many steps, as systems that conduct, command and dance."""
    one = process(services)
    return orchestrate(one), orchestrate(one, by="commands"), choreograph(one)


def recipe(seed, orders=2_000):
    """Run the flow once."""
    return run(orchestrate(process()), Poisson("order", every=EVERY * ms, count=orders), seed=seed)


def speed_up(runs=40, rounds=3):
    """Return the seconds that an experiment of so many runs takes in this process, and on two: the best of a few."""
    times = []
    with ProcessPoolExecutor(2) as pool:
        replicate(recipe, 8, executor=pool, orders=10, progress=False)  # the processes are up before the clock runs
        for _ in range(rounds):
            begin = perf_counter()
            alone = replicate(recipe, runs, progress=False)
            middle = perf_counter()
            assert replicate(recipe, runs, executor=pool, progress=False).equals(alone)
            times.append((middle - begin, perf_counter() - middle))
    return min(alone for alone, _ in times), min(together for _, together in times)
