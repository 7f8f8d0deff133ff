"""The order flow in every style by hand, in plain SimPy without a trace, under policies that never act.

A call has a time-out, retries with a budget, a breaker and a bulkhead. What is told has none of these: who reads it
does it once however often it comes, and has it again where it fails; a dance has a deadline for the whole. A monolith
tries each step again where it stands.
"""

from collections import Counter, deque

import simpy

from tests.bench.order_flow import HOP, SERVICES, WORKERS
from tests.bench.styles_by_hand import MINUTE, NAMES, World, conduct, readers

TIMES, PAUSE = 3, 1000.0


class Failed(Exception):
    """Say that a step could not be done."""


def asker(world):
    """Return what asks a service for its step, under all the policies of a call."""
    env, crews = world.env, world.crews()
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
        for attempt in range(1 + TIMES):
            if len(window) == 100 and sum(window) >= 50:
                raise Failed("the circuit is open")
            with compartments[name].request() as place:
                yield place
                asked = env.process(call(name, mean))
                yield asked | env.timeout(MINUTE)
            window.append(not asked.processed)
            if asked.processed:
                return
            if attempt == TIMES or tokens[name] < 1:
                break
            tokens[name] -= 1
            yield env.timeout(PAUSE)
        raise Failed("no answer")

    return ask


def calls(orders):
    """Ask for each step."""
    world = World()
    env, ask = world.env, asker(world)
    desk = simpy.Resource(env, 100)

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


def blend(orders):
    """Ask for all steps but the last, which is told."""
    world = World()
    env, ask = world.env, asker(world)
    *asked, (_, last) = SERVICES
    desk, queue = simpy.Resource(env, 100), readers(world, last)

    def order(_):
        placed = env.now
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            for name, mean in asked:
                yield from ask(name, mean)
            env.process(world.tell(queue, placed))
        yield world.wait(HOP)

    return world.run(order, orders)


def read(world, queues, tell):
    """Start those who read the queues, and do each step once; after it they start the process `tell(name, number)`."""
    env, done, failures = world.env, {name: set() for name in NAMES}, Counter()

    def again(name, number):
        yield env.timeout(PAUSE)
        yield queues[name].put(number)

    def reader(name, mean):
        mine = done[name]
        while True:
            number = yield queues[name].get()
            try:
                yield world.wait(mean)
                mine.add(number)  # what is there changes nothing any more
            except Failed:
                failures[name, number] += 1
                if failures[name, number] <= TIMES:
                    env.process(again(name, number))
            else:
                env.process(tell(name, number))

    for name, mean in SERVICES:
        for _ in range(WORKERS):
            env.process(reader(name, mean))


def commands(orders):
    """Send commands and hear of them by replies."""
    world = World()
    queues = world.queues()
    order, replies = conduct(world, queues)
    read(world, queues, lambda name, number: world.tell(replies, (number, name)))
    return world.run(order, orders)


def dance(orders):
    """React to events; a clock at the desk starts with each order, and the order is cancelled if it ends before."""
    world = World()
    env, queues = world.env, world.queues()
    desk, ends, cancelled = simpy.Resource(env, 100), simpy.Store(env), simpy.Store(env)
    after = dict(zip(NAMES, [*(queues[name] for name in NAMES[1:]), ends], strict=True))
    placed, ended, expired = {}, set(), set()

    def publish(number):
        yield world.wait(HOP)
        env.process(watch(number))
        yield world.wait(HOP)
        yield queues[NAMES[0]].put(number)

    def watch(number):
        yield world.wait(HOP)
        yield env.timeout(MINUTE)
        if number not in ended:
            expired.add(number)
            yield from world.tell(cancelled, number)

    def completer():
        while True:
            number = yield ends.get()
            if number not in expired:
                ended.add(number)
                env.process(world.done(placed.pop(number)))

    def order(number):
        placed[number] = env.now
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            env.process(publish(number))
        yield world.wait(HOP)

    for _ in range(100):
        env.process(completer())
    read(world, queues, lambda name, number: world.tell(after[name], number))
    return world.run(order, orders)


def monolith(orders):
    """Do everything in one place, each step again where it fails."""
    world = World()
    env, crew = world.env, simpy.Resource(world.env, WORKERS * len(NAMES))

    def insist(mean):
        for attempt in range(1 + TIMES):
            try:
                yield world.wait(mean)
            except Failed:
                if attempt == TIMES:
                    raise
                yield env.timeout(PAUSE)
            else:
                return

    def order(_):
        placed = env.now
        yield world.wait(HOP)
        with crew.request() as worker:
            yield worker
            for _, mean in SERVICES:
                yield from insist(mean)
        yield world.wait(HOP)
        world.latencies.append(env.now - placed)

    return world.run(order, orders)
