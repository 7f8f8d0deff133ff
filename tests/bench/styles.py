"""The order flow as a process, made into a system by every verb; under policies that never act, and with faults.

A monolith is held against the order flow by hand, as the other styles are, and against a monolith by hand. That one has
no hop between its steps and one queue: there is little to save, and what ours costs more is its record, five spans and
four effects an order.
"""

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
from tests.bench import bus_flow, guarded_by_hand, order_flow, struck_by_hand, styles_by_hand
from tests.bench.order_flow import EVERY, HOP, SERVICES, WORKERS

GOALS = {"orchestrate": 0.7, "commands": 0.5, "choreograph": 0.5, "blend": 0.7, "monolith": 0.7}
UNDER_POLICIES = GOALS | {"orchestrate": 0.4, "blend": 0.4}  # where calls have time-outs
CALM = (order_flow.by_hand, styles_by_hand.commands, bus_flow.by_hand, styles_by_hand.blend, styles_by_hand.monolith)
GUARDED, STRUCK = (
    (by_hand.calls, by_hand.commands, by_hand.dance, by_hand.blend, by_hand.monolith)
    for by_hand in (guarded_by_hand, struck_by_hand)
)


def process(services=SERVICES, **turns):
    """Return the flow as a process: one step after another."""
    shop, steps = System("styles", network=Exponential(HOP * ms)), []
    for name, mean in services:

        @shop.service(name, workers=WORKERS).operation(takes=Exponential(mean * ms), name=f"do_{name}")
        def step(ctx, order): ...

        steps.append(Step(step, after=steps[-1].name if steps else ()))
    return Process("order", steps, **turns)


def made(order, dancing=1):
    """Return {verb: the system it makes of a process}; of the blend so many steps, the last, are by events."""
    return {
        "orchestrate": orchestrate(order),
        "commands": orchestrate(order, by="commands"),
        "choreograph": choreograph(order),
        "blend": blend(order, events=[*order.steps][-dancing:]),
        "monolith": monolith(order),
    }


def guarded():
    """Return {verb: its system under policies that never act}: those of calls, and where there are none, its own."""
    order, again = process(), Retry(3, wait=1 * sec)
    systems = made(order)
    systems["commands"] = orchestrate(order, by="commands", retry=again, idempotent=True)
    systems["choreograph"] = choreograph(order, retry=again, idempotent=True, timeout=1 * minute)
    systems["monolith"] = monolith(process(pivot="do_inventory", tail=again))
    for system in systems.values():
        system.guard(
            timeout=1 * minute, retry=again, budget=RetryBudget(), breaker=CircuitBreaker(), bulkhead=Bulkhead(1000)
        )
    return systems


def faults():
    """Return {verb: faults}: crashes, a service that is slow, and a link that is late one way."""
    outages = [Crash("payment", at=i * minute, lasting=1 * sec) for i in range(1, 30)]
    outages += [Slow("shipping", 1.2, at=1 * minute)]
    asked, told, alone = ("orders", "inventory"), ("inventory", "broker"), ("client", "monolith")
    late = {"orchestrate": asked, "commands": told, "choreograph": told, "blend": asked, "monolith": alone}
    return {verb: [*outages, Delay(link, 1 * ms, at=1 * minute, ways="there")] for verb, link in late.items()}


def of(system, faults=()):
    """Return the function that runs a system for so many orders."""
    return lambda orders: run(system, Poisson("order", every=EVERY * ms, count=orders), seed=7, faults=faults)


def flows():
    """Return {what: (by hand, by us, at most so many times the cost)}, each a function of the number of orders."""
    calm, safe, struck = made(process()), guarded(), faults()
    rows = {}
    for verb, goal, by_hand in zip(GOALS, GOALS.values(), CALM, strict=True):
        rows[verb] = by_hand, of(calm[verb]), goal
    rows["monolith, against the order flow"] = CALM[0], of(calm["monolith"]), GOALS["orchestrate"]
    for verb, goal, by_hand in zip(GOALS, UNDER_POLICIES.values(), GUARDED, strict=True):
        rows[f"{verb}, policies that never act"] = by_hand, of(safe[verb]), goal
    for verb, goal, by_hand in zip(GOALS, GOALS.values(), STRUCK, strict=True):
        rows[f"{verb}, 31 faults"] = by_hand, of(calm[verb], struck[verb]), goal
    flat = of(calm["monolith"], struck["monolith"])
    rows["monolith, 31 faults, against the order flow"] = STRUCK[0], flat, GOALS["orchestrate"]
    return rows


def recipe(seed, verb, orders=2_000):
    """Run the flow once, in the style of a verb."""
    return run(made(process())[verb], Poisson("order", every=EVERY * ms, count=orders), seed=seed)


def speed_up(verb, pool, runs=40, rounds=2):
    """Return the seconds that an experiment of so many runs takes in this process, and on two: the best of a few."""
    times = []
    for _ in range(rounds):
        begin = perf_counter()
        alone = replicate(recipe, runs, progress=False, verb=verb)
        middle = perf_counter()
        assert replicate(recipe, runs, executor=pool, progress=False, verb=verb).equals(alone)
        times.append((middle - begin, perf_counter() - middle))
    return min(alone for alone, _ in times), min(together for _, together in times)


def two_processes():
    """Return an executor of two processes which are up before any clock runs."""
    pool = ProcessPoolExecutor(2)
    replicate(recipe, 8, executor=pool, orders=10, progress=False, verb="orchestrate")
    return pool
