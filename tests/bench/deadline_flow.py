"""The order flow with a deadline of 10 s on every call: `call | timeout` in SimPy, `timeout=` with us."""

from random import Random

import simpy

from rehearsal import Exponential, Poisson, System, ms, run, sec
from tests.bench.order_flow import EVERY, HOP, SERVICES, WORKERS

DEADLINE = 10_000.0


def by_hand(orders, seed=7):
    """Run the flow with a process a call, raced against a timeout, as one would write it by hand."""
    env = simpy.Environment()
    random = Random(seed)
    crews = {name: simpy.Resource(env, WORKERS) for name, _ in SERVICES}
    latencies = []

    def call(name, mean):
        yield env.timeout(random.expovariate(1 / HOP))
        with crews[name].request() as worker:
            yield worker
            yield env.timeout(random.expovariate(1 / mean))
        yield env.timeout(random.expovariate(1 / HOP))

    def order():
        placed = env.now
        yield env.timeout(random.expovariate(1 / HOP))
        for name, mean in SERVICES:
            yield env.process(call(name, mean)) | env.timeout(DEADLINE)
        yield env.timeout(random.expovariate(1 / HOP))
        latencies.append(env.now - placed)

    def clients():
        for _ in range(orders):
            yield env.timeout(random.expovariate(1 / EVERY))
            env.process(order())

    env.process(clients())
    env.run()
    return latencies


def by_us(orders, seed=7):
    """Run the same flow as a blueprint."""
    system = System("deadline flow", network=Exponential(HOP * ms))
    steps = []
    for name, mean in SERVICES:

        @system.service(name, workers=WORKERS).operation(takes=Exponential(mean * ms), name=f"do_{name}")
        def step(ctx, order): ...

        steps.append(step)

    @system.service("orders", workers=50).operation()
    def place(ctx, order):
        for step in steps:
            yield ctx.call(step, order, timeout=10 * sec)

    system.accepts("order", place)
    return run(system, Poisson("order", every=EVERY * ms, count=orders), seed=seed)
