"""Systems of many shapes and sizes, with long names among theirs: what every picture of messages has to hold for."""

from contextlib import suppress

from rehearsal import Crash, Evenly, Exponential, Failed, System, ms, run, sec

LONG = (
    "customer-notification-gateway", "inventory-reservation-service", "payment", "fraud-detection",
    "shipping-label-printer", "loyalty", "invoice-archive", "warehouse-eu-central", "tax", "pricing",
    "search-index-updater", "recommendation-engine", "audit", "returns",
)  # fmt: skip


def _open(name, count, workers=60):
    system = System(name, network=Exponential(1 * ms))
    return system, [system.service(service, workers=workers) for service in LONG[:count]]


def star(leaves, calls=1):
    """Return a system in which an orchestrator calls each of the others, some in vain."""
    system, services = _open(f"star of {leaves}", leaves)
    operations = []
    for service in services:
        for k in range(calls):

            @service.operation(takes=Exponential(3 * ms), name=f"do_{service.name.replace('-', '_')}_{k}")
            def work(ctx, order):
                if ctx.now % 10 < 0.5:
                    raise Failed("no")

            operations.append(work)

    @system.service("orchestrator", workers=80).operation(calls=operations)
    def place_order(ctx, order):
        for operation in operations:
            with suppress(Failed):
                yield ctx.call(operation, order)

    system.accepts("order", place_order)
    return system


def chain(count):
    """Return a system in which each service reacts to the one before it; every third may fail, and one undoes."""
    system, services = _open(f"chain of {count}", count)

    @services[0].operation(publishes=f"{LONG[0]}.finished")
    def start(ctx, order):
        ctx.publish(f"{LONG[0]}.finished", order)

    for i in range(1, count):
        topics = [f"{LONG[i]}.finished", f"{LONG[i]}.failed"][: 1 + (i % 3 == 2)] if i < count - 1 else []

        @services[i].on(f"{LONG[i - 1]}.finished", publishes=topics, takes=Exponential(3 * ms), name="react")
        def react(ctx, order, topics=topics):
            for topic in topics[-1:] if ctx.now % 10 < 1 else topics[:1]:
                ctx.publish(topic, order)

        if len(topics) > 1:

            @services[i - 2].on(topics[1], undoes="react" if i > 2 else "start", name="undo")
            def undo(ctx, order): ...

    system.accepts("order", start)
    return system


def mesh(count):
    """Return a system in which each service calls some of the later ones."""
    system, services = _open(f"mesh of {count}", count)
    operations = {}
    for i in reversed(range(count)):
        later = [operations[j] for j in dict.fromkeys((i + 1, i + 3, 2 * i + 2)) if j < count]

        def ask(ctx, order, later=later):
            for operation in later:
                yield ctx.call(operation, order)

        name = f"ask_{LONG[i].split('-')[0]}"
        operations[i] = services[i].operation(takes=Exponential(1 * ms), name=name, calls=later)(ask)
    system.accepts("order", operations[0])
    return system


def bus(count):
    """Return a system in which all react to the first, and the first to each of them."""
    system, services = _open(f"bus of {count}", count)

    @services[0].operation(publishes="order.placed")
    def place(ctx, order):
        ctx.publish("order.placed", order)

    for service in services[1:]:
        topic = f"{service.name}.done"

        @service.on("order.placed", publishes=topic)
        def react(ctx, order, topic=topic):
            ctx.publish(topic, order)

        @services[0].on(topic, name=f"note_{service.name}")
        def note(ctx, order): ...

    system.accepts("order", place)
    return system


def monolith():
    """Return a system of one service that talks to nobody."""
    system = System("monolith")

    @system.service("shop", workers=4).operation(takes=20 * ms)
    def place(ctx, order): ...

    system.accepts("order", place)
    return system


def talker():
    """Return a service that hears itself, publishes what nobody hears, and has a neighbour that everybody forgot."""
    system = System("talker")
    shop = system.service("shop", workers=4)
    system.service("forgotten-service")

    @shop.operation(publishes="order.placed")
    def place(ctx, order):
        ctx.publish("order.placed", order)

    @shop.on("order.placed", publishes="order.lost")
    def again(ctx, order):
        ctx.publish("order.lost", order)

    system.accepts("order", place)
    return system


def played(system, count=60):
    """Return a short run of a system."""
    return run(system, Evenly("order", every=50 * ms, count=count), seed=7, until=60 * sec)


SHAPES = {
    "star of 1": lambda: played(star(1)),
    "star of 6, twice": lambda: played(star(6, calls=2)),
    "star of 13": lambda: played(star(13)),
    "chain of 2": lambda: played(chain(2)),
    "chain of 6": lambda: played(chain(6)),
    "chain of 14": lambda: played(chain(14)),
    "mesh of 6": lambda: played(mesh(6)),
    "mesh of 14": lambda: played(mesh(14), 5),
    "bus of 5": lambda: played(bus(5)),
    "bus of 14": lambda: played(bus(14)),
    "monolith": lambda: played(monolith()),
    "talker": lambda: played(talker()),
    "no requests": lambda: played(chain(5), 0),
}


LONGEST = [
    "customer-notification-service-of-the-second-team-in-berlin-and-paris-{}",
    "averylongnamewithnoplacewhere" * 2 + "{}",
]


def named(name):
    """Return a run of two services of such names, the one that is called down for a while."""
    system = System("long names", network=1 * ms)
    work = system.service(name.format(1)).operation(takes=5 * ms, name=name.format("work"))(lambda ctx, order: None)

    @system.service(name.format(2), workers=9).operation()
    def place(ctx, order):
        yield ctx.call(work, order)

    system.accepts("order", place, objective=200 * ms)
    return run(system, Evenly("order", every=500 * ms, until=60 * sec), faults=Crash(name.format(1), 10 * sec, 5 * sec))
