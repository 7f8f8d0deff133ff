"""The order flow in the libraries a user would pick instead, each in its own idiom; `python -m tests.bench --rivals`.

A script of its own, since it runs in an environment where they are installed and we are not: `rivals.py NAME ORDERS`
prints the CPU time of one order [µs]. Ciw has no request that holds a desk while it visits others, so its flow is the
same four queues and nine hops in a row, without the desk.
"""

import sys
from random import Random, seed
from time import process_time

SERVICES = (("inventory", 20.0), ("payment", 30.0), ("shipping", 25.0), ("notification", 10.0))
HOP, EVERY, WORKERS = 1.0, 50.0, 2


def simpy(orders):
    """Run the flow in SimPy: a process an order, a Resource a service."""
    import simpy

    env, random = simpy.Environment(), Random(7)
    crews = {name: simpy.Resource(env, WORKERS) for name, _ in SERVICES}
    desk, latencies = simpy.Resource(env, 50), []

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


def asimpy(orders):
    """Run the flow in asimpy: coroutines instead of generators."""
    from asimpy import Environment, Process, Resource

    env, random = Environment(), Random(7)
    crews = {name: Resource(env, WORKERS) for name, _ in SERVICES}
    desk, latencies = Resource(env, 50), []

    class Order(Process):
        async def run(self):
            placed = self.now
            await self.timeout(random.expovariate(1 / HOP))
            async with desk:
                for name, mean in SERVICES:
                    await self.timeout(random.expovariate(1 / HOP))
                    async with crews[name]:
                        await self.timeout(random.expovariate(1 / mean))
                    await self.timeout(random.expovariate(1 / HOP))
            await self.timeout(random.expovariate(1 / HOP))
            latencies.append(self.now - placed)

    class Clients(Process):
        async def run(self):
            for _ in range(orders):
                await self.timeout(random.expovariate(1 / EVERY))
                Order(env)

    Clients(env)
    env.run()
    return latencies


def salabim(orders):
    """Run the flow in salabim, without its yields (greenlets are its default) and its trace."""
    import salabim

    salabim.yieldless(False)
    env, random = salabim.Environment(trace=False, random_seed=7), Random(7)
    crews = {name: salabim.Resource(name, capacity=WORKERS) for name, _ in SERVICES}
    desk, latencies = salabim.Resource("desk", capacity=50), []

    class Order(salabim.Component):
        def process(self):
            placed = env.now()
            yield self.hold(random.expovariate(1 / HOP))
            yield self.request(desk)
            for name, mean in SERVICES:
                yield self.hold(random.expovariate(1 / HOP))
                yield self.request(crews[name])
                yield self.hold(random.expovariate(1 / mean))
                self.release(crews[name])
                yield self.hold(random.expovariate(1 / HOP))
            self.release(desk)
            yield self.hold(random.expovariate(1 / HOP))
            latencies.append(env.now() - placed)

    class Clients(salabim.Component):
        def process(self):
            for _ in range(orders):
                yield self.hold(random.expovariate(1 / EVERY))
                Order()

    Clients()
    env.run()
    return latencies


def ciw(orders):
    """Run the flow in Ciw: a network of queues in a row, hops being servers without end."""
    import ciw

    seed(7)
    ciw.seed(7)
    works = [1 / HOP]
    for _, mean in SERVICES:
        works += [1 / HOP, 1 / mean, 1 / HOP]
    works.append(1 / HOP)
    many = range(len(works))
    servers = [WORKERS if n % 3 == 2 and n < len(works) - 1 else float("inf") for n in many]
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(1 / EVERY) if n == 0 else None for n in many],
        service_distributions=[ciw.dists.Exponential(rate) for rate in works],
        number_of_servers=servers,
        routing=[[float(to == n + 1) for to in many] for n in many],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(orders, method="Finish")
    return simulation.get_all_records()


if __name__ == "__main__":
    name, count = sys.argv[1], int(sys.argv[2])
    flow = {"simpy": simpy, "asimpy": asimpy, "salabim": salabim, "ciw": ciw}[name]
    flow(200)
    begin = process_time()
    flow(count)
    print((process_time() - begin) / count * 1e6)
