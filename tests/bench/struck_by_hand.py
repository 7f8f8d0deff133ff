"""The order flow in every style by hand, in plain SimPy without a trace, while things break.

Payment goes down for a second once a minute, 29 times; from the first minute on shipping is slow, and one link late.
A crash interrupts who is there. What was asked for is lost then, and who asks meanwhile is refused; what was told is
done again after the restart, and what waits, waits.
"""

from itertools import pairwise

import simpy

from tests.bench.order_flow import HOP, SERVICES, WORKERS
from tests.bench.styles_by_hand import MINUTE, NAMES, World, conduct, readers

LATE = 1.0


class BadWorld(World):
    """Hold a world in which things break."""

    def work(self, name, mean):
        """Return the wait for a step."""
        slow = 1.2 if name == "shipping" and self.env.now >= MINUTE else 1.0
        return self.env.timeout(self.random.expovariate(1 / (mean * slow)))

    def crashes(self, stop, start):
        """Call `stop` once a minute, and `start` a second later."""
        for _ in range(29):
            yield self.env.timeout(MINUTE - 1000.0 * bool(self.env.now))
            stop()
            yield self.env.timeout(1000.0)
            start()


def caller(world):
    """Return what asks a service for its step, and returns whether that was done."""
    env, crews = world.env, world.crews()
    inside = {name: {} for name in NAMES}  # who is there, in order
    down = set()

    def stop():
        down.add("payment")
        for process in list(inside["payment"]):
            process.interrupt()

    def call(name, mean):
        yield world.wait(HOP)
        if name == "inventory" and env.now >= MINUTE:
            yield env.timeout(LATE)
        good = name not in down
        if good:
            me = env.active_process
            inside[name][me] = True
            try:
                with crews[name].request() as worker:
                    yield worker
                    yield world.work(name, mean)
            except simpy.Interrupt:
                good = False
            del inside[name][me]
        yield world.wait(HOP)
        return good

    env.process(world.crashes(stop, down.clear))
    return call


def calls(orders):
    """Ask for each step; where one cannot be done, the order has failed."""
    world = BadWorld()
    env, call = world.env, caller(world)
    desk = simpy.Resource(env, 100)

    def order(_):
        placed, good = env.now, True
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            for name, mean in SERVICES:
                good = yield from call(name, mean)
                if not good:
                    break
        yield world.wait(HOP)
        (world.latencies if good else world.failed).append(env.now - placed)

    return world.run(order, orders)


def blend(orders):
    """Ask for all steps but the last, which is told; where one cannot be done, that is told, too."""
    world = BadWorld()
    env, call = world.env, caller(world)
    *asked, (_, last) = SERVICES
    desk, queue, failures = simpy.Resource(env, 100), readers(world, last), simpy.Store(env)

    def canceller():
        while True:
            yield failures.get()
            env.process(cancelled())

    def cancelled():  # nobody reads that
        yield world.wait(HOP)

    def order(_):
        placed, good = env.now, True
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            for name, mean in asked:
                good = yield from call(name, mean)
                if not good:
                    break
            env.process(world.tell(queue if good else failures, placed))
        yield world.wait(HOP)
        if not good:
            world.failed.append(env.now - placed)

    env.process(canceller())
    return world.run(order, orders)


def read(world, queues, tell):
    """Start those who read the queues and do the steps; after each they start the process `tell(name, word)`."""
    env = world.env
    restart: list = []  # the event of payment's restart, while it is down
    at_work: dict = {}

    def reader(name, mean):
        me = env.active_process
        while True:
            word = yield queues[name].get()
            done = False
            while not done:
                if name == "payment" and restart:
                    yield restart[0]
                at_work[me] = name
                try:
                    yield world.work(name, mean)
                    done = True
                except simpy.Interrupt:
                    pass
                del at_work[me]
            env.process(tell(name, word))

    def stop():
        restart.append(env.event())
        for process in [process for process, name in at_work.items() if name == "payment"]:
            process.interrupt()

    for name, mean in SERVICES:
        for _ in range(WORKERS):
            env.process(reader(name, mean))
    env.process(world.crashes(stop, lambda: restart.pop().succeed()))


def commands(orders):
    """Send commands and hear of them by replies, of which inventory's are late."""
    world = BadWorld()
    env, queues = world.env, world.queues()
    order, replies = conduct(world, queues)

    def reply(name, number):
        if name == "inventory" and env.now >= MINUTE:
            yield env.timeout(LATE)
        yield from world.tell(replies, (number, name))

    read(world, queues, reply)
    return world.run(order, orders)


def dance(orders):
    """React to events, of which inventory's are late."""
    world = BadWorld()
    env, queues = world.env, world.queues()
    desk = simpy.Resource(env, 100)
    after = dict(pairwise(NAMES))

    def publish(name, placed):
        if name not in after:
            yield from world.done(placed)
            return
        if name == "inventory" and env.now >= MINUTE:
            yield env.timeout(LATE)
        yield from world.tell(queues[after[name]], placed)

    def order(_):
        placed = env.now
        yield world.wait(HOP)
        with desk.request() as clerk:
            yield clerk
            env.process(world.tell(queues[NAMES[0]], placed))
        yield world.wait(HOP)

    read(world, queues, publish)
    return world.run(order, orders)


def monolith(orders):
    """Do everything in one program, which payment takes down with it; what is asked of it comes late."""
    world = BadWorld()
    env = world.env
    crew = simpy.Resource(env, WORKERS * len(NAMES))
    inside: dict = {}  # who is there, in order
    down = set()

    def stop():
        down.add("payment")
        for process in list(inside):
            process.interrupt()

    def order(_):
        placed = env.now
        yield world.wait(HOP)
        if env.now >= MINUTE:
            yield env.timeout(LATE)
        good = not down
        if good:
            me = env.active_process
            inside[me] = True
            try:
                with crew.request() as worker:
                    yield worker
                    for name, mean in SERVICES:
                        yield world.work(name, mean)
            except simpy.Interrupt:
                good = False
            del inside[me]
        yield world.wait(HOP)
        (world.latencies if good else world.failed).append(env.now - placed)

    env.process(world.crashes(stop, down.clear))
    return world.run(order, orders)
