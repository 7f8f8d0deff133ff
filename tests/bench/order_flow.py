"""The order flow, three times: by hand in plain SimPy, by us with the causal trace, by us with totals only."""

from random import Random

import simpy

from rehearsal import Exponential, Poisson, System, ms, run

SERVICES = (("inventory", 20.0), ("payment", 30.0), ("shipping", 25.0), ("notification", 10.0))
HOP = 1.0
EVERY = 50.0
WORKERS = 2


def by_hand(orders, seed=7):
    """Run the flow as one would write it by hand: a process an order, a Resource a service; keep the latencies."""
    env = simpy.Environment()
    random = Random(seed)
    crews = {name: simpy.Resource(env, WORKERS) for name, _ in SERVICES}
    desk = simpy.Resource(env, 50)
    latencies = []

    def order():
        placed = env.now
        yield env.timeout(random.expovariate(1 / HOP))
        with desk.request() as clerk:
            yield clerk
            for name, mean in SERVICES:
                yield env.timeout(random.expovariate(1 / HOP))
                with crews[name].request() as worker:
                    yield worker
                    yield env.timeout(random.expovariate(1 / mean))
                yield env.timeout(random.expovariate(1 / HOP))
        yield env.timeout(random.expovariate(1 / HOP))
        latencies.append(env.now - placed)

    def clients():
        for _ in range(orders):
            yield env.timeout(random.expovariate(1 / EVERY))
            env.process(order())

    env.process(clients())
    env.run()
    return latencies


def shop(services=SERVICES):
    """Return the same flow as a blueprint of ours."""
    system = System("order flow", network=Exponential(HOP * ms))
    steps = []
    for name, mean in services:

        @system.service(name, workers=WORKERS).operation(takes=Exponential(mean * ms), name=f"do_{name}")
        def step(ctx, order): ...

        steps.append(step)

    @system.service("orders", workers=50).operation()
    def place(ctx, order):
        for step in steps:
            yield ctx.call(step, order)

    system.accepts("order", place)
    return system


def by_us(orders, keep="trace", seed=7, system=None):
    """Run the flow as a blueprint."""
    return run(system or shop(), Poisson("order", every=EVERY * ms, count=orders), seed=seed, keep=keep)
