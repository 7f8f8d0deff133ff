"""The order flow in every style as one would write it by hand in plain SimPy, without a trace; each returns latencies.

Every style is held against its own: what is called against processes and a `Resource`, what is told against a `Store`
for each queue. `guarded_by_hand` adds policies to each of them, `struck_by_hand` faults.
"""

from random import Random

import simpy

from tests.bench.order_flow import EVERY, HOP, SERVICES, WORKERS

MINUTE = 60_000.0
NAMES = [name for name, _ in SERVICES]


class World:
    """Hold the clock, the random numbers and the latencies of one run: of the orders that are done, and that fail."""

    def __init__(self, seed=7):
        self.env, self.random = simpy.Environment(), Random(seed)
        self.latencies, self.failed = [], []

    def wait(self, mean):
        """Return a wait of a random length."""
        return self.env.timeout(self.random.expovariate(1 / mean))

    def crews(self):
        """Return a Resource for each service."""
        return {name: simpy.Resource(self.env, WORKERS) for name in NAMES}

    def queues(self):
        """Return a Store for each service."""
        return {name: simpy.Store(self.env) for name in NAMES}

    def run(self, order, orders):
        """Start so many processes `order(number)`, one after the other, and return the latencies."""

        def clients():
            for number in range(orders):
                yield self.wait(EVERY)
                self.env.process(order(number))

        self.env.process(clients())
        self.env.run()
        return self.latencies

    def tell(self, store, word):
        """Bring a word to a queue: to the broker, and from there."""
        yield self.wait(HOP)
        yield self.wait(HOP)
        yield store.put(word)

    def done(self, placed):
        """Tell that an order is done, which nobody reads."""
        self.latencies.append(self.env.now - placed)
        yield self.wait(HOP)


def monolith(orders):
    """Do everything in one place: one Resource, and one wait a step."""
    world = World()
    crew = simpy.Resource(world.env, WORKERS * len(NAMES))

    def order(_):
        placed = world.env.now
        yield world.wait(HOP)
        with crew.request() as worker:
            yield worker
            for _, mean in SERVICES:
                yield world.wait(mean)
        yield world.wait(HOP)
        world.latencies.append(world.env.now - placed)

    return world.run(order, orders)


def conduct(world, queues):
    """Start those who send the commands, and return what an order does, and the queue of the replies."""
    env, placed = world.env, {}
    desk, replies = simpy.Resource(env, 100), simpy.Store(env)
    after = dict(zip(NAMES, [*NAMES[1:], None], strict=True))

    def conductor():
        while True:
            number, name = yield replies.get()
            then = after[name]
            env.process(world.done(placed.pop(number)) if then is None else world.tell(queues[then], number))

    def order(number):
        placed[number] = env.now
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            env.process(world.tell(queues[NAMES[0]], number))
        yield world.wait(HOP)

    for _ in range(100):
        env.process(conductor())
    return order, replies


def commands(orders):
    """Send a command for each step through a queue, and hear of it by a reply through another."""
    world = World()
    env, queues = world.env, world.queues()
    order, replies = conduct(world, queues)

    def worker(name, mean):
        while True:
            number = yield queues[name].get()
            yield world.wait(mean)
            env.process(world.tell(replies, (number, name)))

    for name, mean in SERVICES:
        for _ in range(WORKERS):
            env.process(worker(name, mean))
    return world.run(order, orders)


def readers(world, mean):
    """Start those who do the last step when they are told, and return the queue they read."""
    queue = simpy.Store(world.env)

    def reader():
        while True:
            placed = yield queue.get()
            yield world.wait(mean)
            world.env.process(world.done(placed))

    for _ in range(WORKERS):
        world.env.process(reader())
    return queue


def blend(orders):
    """Ask for all steps but the last, which is told."""
    world = World()
    env, crews = world.env, world.crews()
    *asked, (_, last) = SERVICES
    desk, queue = simpy.Resource(env, 100), readers(world, last)

    def order(_):
        placed = env.now
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            for name, mean in asked:
                yield world.wait(HOP)
                with crews[name].request() as worker:
                    yield worker
                    yield world.wait(mean)
                yield world.wait(HOP)
            env.process(world.tell(queue, placed))
        yield world.wait(HOP)

    return world.run(order, orders)
