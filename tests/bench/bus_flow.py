"""The order flow by events: a Store and a few consumers for each queue in SimPy, subscriptions with us."""

from random import Random

import simpy

from rehearsal import Evenly, Exponential, Poisson, System, ms, run
from tests.bench.order_flow import EVERY, HOP, SERVICES, WORKERS


def _by_hand(orders, gap, seed=7):
    env = simpy.Environment()
    random = Random(seed)
    names = [name for name, _ in SERVICES]
    topics = {name: simpy.Store(env) for name in names}
    desk = simpy.Resource(env, 50)
    latencies = []

    def publish(name, placed):
        if name is None:
            latencies.append(env.now - placed)
        yield env.timeout(random.expovariate(1 / HOP))  # to the broker
        if name is not None:  # nobody reads that it is done
            yield env.timeout(random.expovariate(1 / HOP))  # to the reader
            yield topics[name].put(placed)

    def consumer(name, mean, after):
        while True:
            placed = yield topics[name].get()
            yield env.timeout(random.expovariate(1 / mean))
            env.process(publish(after, placed))

    def order():
        placed = env.now
        yield env.timeout(random.expovariate(1 / HOP))
        with desk.request() as clerk:
            yield clerk
            env.process(publish(names[0], placed))
        yield env.timeout(random.expovariate(1 / HOP))  # the client hears that it was accepted

    def clients():
        for _ in range(orders):
            yield env.timeout(gap(random))
            env.process(order())

    for (name, mean), after in zip(SERVICES, [*names[1:], None], strict=True):
        for _ in range(WORKERS):
            env.process(consumer(name, mean, after))
    env.process(clients())
    env.run()
    return latencies


def _system():
    system = System("bus flow", network=Exponential(HOP * ms))
    names = [name for name, _ in SERVICES]

    @system.service("orders", workers=50).operation(publishes=names[0])
    def place(ctx, order):
        ctx.publish(names[0], order)

    for (name, mean), after in zip(SERVICES, [*names[1:], "done"], strict=True):

        @system.service(f"{name} service", workers=WORKERS).on(name, takes=Exponential(mean * ms), publishes=after)
        def step(ctx, order, after=after):
            ctx.publish(after, order)

    system.accepts("order", place, done="done")
    return system


def by_hand(orders):
    """Run the flow with a Store for each queue."""
    return _by_hand(orders, lambda random: random.expovariate(1 / EVERY))


def by_us(orders):
    """Run the flow as a blueprint."""
    return run(_system(), Poisson("order", every=EVERY * ms, count=orders), seed=7)


def by_hand_in_a_rush(orders):
    """Run the flow with an order each ms, far more than are served, so that nearly all of them wait in one queue."""
    return _by_hand(orders, lambda random: 1.0)


def by_us_in_a_rush(orders):
    """Run the flow as a blueprint, with an order each ms."""
    return run(_system(), Evenly("order", every=1 * ms, count=orders), seed=7)
