"""The order flow in every style as one would write it by hand in plain SimPy, without a trace; each returns latencies.

Every style is held against its own: what is called against processes and a `Resource`, what is told against a `Store`
for each queue, policies against `call | timeout` in a loop, faults against interrupts.
"""

from collections import deque
from random import Random

import simpy

from tests.bench.order_flow import EVERY, HOP, SERVICES, WORKERS

MINUTE = 60_000.0
NAMES = [name for name, _ in SERVICES]


class World:
    """Hold the clock, the random numbers and the latencies of one run."""

    def __init__(self):
        self.env, self.random, self.latencies = simpy.Environment(), Random(7), []

    def wait(self, mean):
        """Return a wait of a random length."""
        return self.env.timeout(self.random.expovariate(1 / mean))

    def crews(self):
        """Return a Resource for each service."""
        return {name: simpy.Resource(self.env, WORKERS) for name in NAMES}

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
        yield self.wait(HOP)
        self.latencies.append(self.env.now - placed)


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


def commands(orders):
    """Send a command for each step through a queue, and hear of it by a reply through another."""
    world = World()
    env, placed = world.env, {}
    desk, replies = simpy.Resource(env, 100), simpy.Store(env)
    queues = {name: simpy.Store(env) for name in NAMES}

    def worker(name, mean):
        while True:
            number = yield queues[name].get()
            yield world.wait(mean)
            env.process(world.tell(replies, (number, name)))

    def conductor():
        while True:
            number, name = yield replies.get()
            after = NAMES[NAMES.index(name) + 1 :]
            env.process(world.tell(queues[after[0]], number) if after else world.done(placed.pop(number)))

    def order(number):
        placed[number] = env.now
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            env.process(world.tell(queues[NAMES[0]], number))
        yield world.wait(HOP)

    for name, mean in SERVICES:
        for _ in range(WORKERS):
            env.process(worker(name, mean))
    for _ in range(100):
        env.process(conductor())
    return world.run(order, orders)


def blend(orders):
    """Ask for all steps but the last, which is told."""
    world = World()
    env, crews = world.env, world.crews()
    desk, queue = simpy.Resource(env, 100), simpy.Store(env)
    *asked, (_, last) = SERVICES

    def reader():
        while True:
            placed = yield queue.get()
            yield world.wait(last)
            env.process(world.done(placed))

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

    for _ in range(WORKERS):
        env.process(reader())
    return world.run(order, orders)


def guarded(orders):
    """Ask under a time-out, retries with a budget, a breaker and a bulkhead, none of which ever acts."""
    world = World()
    env, crews = world.env, world.crews()
    desk = simpy.Resource(env, 100)
    compartments = {name: simpy.Resource(env, 1000) for name in NAMES}
    windows = {name: deque(maxlen=100) for name in NAMES}
    tokens = dict.fromkeys(NAMES, 10.0)

    def call(name, mean):
        yield world.wait(HOP)
        with crews[name].request() as worker:
            yield worker
            yield world.wait(mean)
        yield world.wait(HOP)

    def ask(name, mean):
        tokens[name] = min(10.0, tokens[name] + 0.2)
        window = windows[name]
        for attempt in range(4):
            if len(window) == 100 and sum(window) >= 50:
                raise RuntimeError("the circuit is open")
            with compartments[name].request() as place:
                yield place
                asked = env.process(call(name, mean))
                yield asked | env.timeout(MINUTE)
            window.append(not asked.processed)
            if asked.processed:
                return
            if attempt == 3 or tokens[name] < 1:
                break
            tokens[name] -= 1
            yield env.timeout(1000.0)
        raise RuntimeError("no answer")

    def order(_):
        placed = env.now
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            for name, mean in SERVICES:
                yield from ask(name, mean)
        yield world.wait(HOP)
        world.latencies.append(env.now - placed)

    return world.run(order, orders)


def struck(orders):
    """Ask while payment goes down once a minute, shipping is slow, and one link is late."""
    world = World()
    env, crews = world.env, world.crews()
    desk = simpy.Resource(env, 100)
    inside = {name: {} for name in NAMES}  # who is there, in order
    down, failed = set(), []

    def crashes():
        for _ in range(29):
            yield env.timeout(MINUTE - 1000.0 * bool(env.now))
            down.add("payment")
            for process in list(inside["payment"]):
                process.interrupt()
            yield env.timeout(1000.0)
            down.discard("payment")

    def call(name, mean):
        yield world.wait(HOP)
        if name == "inventory" and env.now >= MINUTE:
            yield env.timeout(1.0)
        if name not in down:
            me = env.active_process
            inside[name][me] = True
            try:
                with crews[name].request() as worker:
                    yield worker
                    yield world.wait(mean * (1.2 if name == "shipping" and env.now >= MINUTE else 1.0))
                good = True
            except simpy.Interrupt:
                good = False
            del inside[name][me]
        else:
            good = False
        yield world.wait(HOP)
        return good

    def order(number):
        placed = env.now
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            for name, mean in SERVICES:
                if not (yield from call(name, mean)):
                    failed.append(number)
                    break
        yield world.wait(HOP)
        world.latencies.append(env.now - placed)

    env.process(crashes())
    return world.run(order, orders)


def struck_dance(orders):
    """React to events while payment goes down once a minute, shipping is slow, and payment's events are late.

    What is in work in a crash is done again after it, and what waits, waits.
    """
    world = World()
    env, queues, desk = world.env, {name: simpy.Store(world.env) for name in NAMES}, simpy.Resource(world.env, 50)
    back: list = []  # the event of payment's restart, while it is down
    at_work: dict = {}

    def publish(name, placed):
        if name is None:
            yield from world.done(placed)
            return
        if name == "payment" and env.now >= MINUTE:
            yield env.timeout(1.0)
        yield from world.tell(queues[name], placed)

    def consumer(name, mean, after):
        me = env.active_process
        while True:
            placed = yield queues[name].get()
            done = False
            while not done:
                if name == "payment" and back:
                    yield back[0]
                at_work[me] = name
                try:
                    yield world.wait(mean * (1.2 if name == "shipping" and env.now >= MINUTE else 1.0))
                    done = True
                except simpy.Interrupt:
                    pass
                del at_work[me]
            env.process(publish(after, placed))

    def crashes():
        for _ in range(29):
            yield env.timeout(MINUTE - 1000.0 * bool(env.now))
            back.append(env.event())
            for process in [process for process, name in at_work.items() if name == "payment"]:
                process.interrupt()
            yield env.timeout(1000.0)
            back.pop().succeed()

    def order(number):
        placed = env.now
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            env.process(publish(NAMES[0], placed))
        yield world.wait(HOP)

    for (name, mean), after in zip(SERVICES, [*NAMES[1:], None], strict=True):
        for _ in range(WORKERS):
            env.process(consumer(name, mean, after))
    env.process(crashes())
    return world.run(order, orders)
