"""Branches side by side that join, and commands: what a style makes of them is what a reader would have written."""

import pytest

from rehearsal import Crash, Duplicate, Failed, Process, Refused, choreograph, orchestrate, run, sec
from tests.processes import sequence, services, step
from tests.systems import columns
from tests.test_by_hand import LOAD, UNDO, declare, doing, effects, split


def storms(*services, **more):
    """Run a test in the calm, once with a crash of each of these services, and with more faults, each with its name."""
    faults = {"calm": ()} | {f"{name} is down": [Crash(name, at=5 * sec, lasting=2 * sec)] for name in services}
    faults |= {name.replace("_", " "): [fault] for name, fault in more.items()}
    return pytest.mark.parametrize("faults", faults.values(), ids=faults)


TWICE = Duplicate(("broker", "orders"), 1.0, at=5 * sec, lasting=2 * sec)


def shop(**refuses):
    """Return the services of the shop; each of these operations refuses each so-manieth order."""
    return services(refuses=refuses)


def joined(shop):
    """Return reserve beside charge, and ship after both; whatever was done is undone where another is refused."""
    return Process("order", [
        step(shop, "reserve", undo="release", event="stock.reserved", fails="stock.missing", undone="stock.released"),
        step(shop, "charge", undo="refund", event="payment.taken", fails="payment.refused", undone="payment.returned"),
        step(shop, "ship", after=("reserve", "charge"), event="order.shipped", fails="order.unshipped"),
    ])  # fmt: skip


def same_system(made, written, faults):
    """Hold two systems against each other: every message, every moment, every effect; return the run."""
    a, b = (run(system, LOAD, seed=7, faults=faults) for system in (made, written))
    assert columns(a) == columns(b)
    assert effects(a) == effects(b)
    assert a.fates() == b.fates()
    assert a.fates().count("compensated") > 50
    assert {name for *_, name, amount in effects(a) if amount < 0} == {"reserve", "charge"}
    return a


# Calls


def asked_together(shop):
    """Return the join by `ctx.all`, where the stock never says no: it was payment that did."""
    system = split(shop)
    reserve, release, charge, refund, ship = declare(shop, system, "reserve", "release", "charge", "refund", "ship")

    @system.service("orders", workers=100).operation()
    def place(ctx, order):
        try:
            yield ctx.all(ctx.call(reserve, order), ctx.call(charge, order))
        except (Refused, Failed) as problem:
            if getattr(problem, "may_be_done", False):
                yield ctx.call(refund, order, retry=UNDO)
            yield ctx.call(release, order, retry=UNDO)
            raise
        try:
            yield ctx.call(ship, order)
        except (Refused, Failed):
            yield ctx.call(refund, order, retry=UNDO)
            yield ctx.call(release, order, retry=UNDO)
            raise

    system.accepts("order", place)
    return system


@storms("payment", "shipping", "orders")
def test_a_join_by_calls_is_what_a_reader_would_write_with_all(faults):
    refuses = {"charge": 7, "ship": 5}
    same_system(orchestrate(joined(shop(**refuses))), asked_together(shop(**refuses)), faults)


def asked_one_by_one(shop):
    """Return the join by `ctx.first`, which tells of each branch how it ended: any of them may be refused."""
    system = split(shop)
    reserve, release, charge, refund, ship = declare(shop, system, "reserve", "release", "charge", "refund", "ship")

    @system.service("orders", workers=100).operation()
    def place(ctx, order):
        branches = {ctx.call(reserve, order): release, ctx.call(charge, order): refund}
        undos, problem = set(), None
        while branches:
            for call, _, error in (yield ctx.first(*branches)):
                undo = branches.pop(call)
                problem = problem or error
                if error is None or getattr(error, "may_be_done", False):
                    undos.add(undo)
        if problem is None:
            try:
                yield ctx.call(ship, order)
            except (Refused, Failed) as error:
                problem = error
        if problem is not None:
            for undo in (refund, release):
                if undo in undos:
                    yield ctx.call(undo, order, retry=UNDO)
            raise problem

    system.accepts("order", place)
    return system


@storms("inventory", "payment", "shipping", "orders")
def test_a_join_by_calls_is_what_a_reader_would_write_where_any_branch_may_be_refused(faults):
    refuses = {"reserve": 4, "charge": 7, "ship": 5}
    same_system(orchestrate(joined(shop(**refuses))), asked_one_by_one(shop(**refuses)), faults)


# Events


def once(order, come):
    """React to whichever of several events comes first, and to no other."""
    return True


def dances(shop, system, name, topics, done, failed, undo=None):
    """Declare that a service does its part and tells, and undoes it on the first of the events of `undo`."""
    operation = shop.find(name)
    service, act = system.services[operation.service], doing(operation)

    @service.on(topics, publishes=(done, failed), takes=operation.takes, name=name, work=name)
    def react(ctx, order):
        try:
            if act(ctx, order):
                ctx.publish(done, order)
        except Refused:
            ctx.publish(failed, order)

    if undo is not None:
        back, causes, undone = undo
        operation = shop.find(back)
        take_back = doing(operation)

        @service.on(causes, when=once, publishes=undone, takes=operation.takes, name=back, work=back, undoes=name)
        def call_off(ctx, order):
            found = take_back(ctx, order)
            ctx.publish(undone, order)
            return found


def danced(shop):
    """Return the join by events: shipping waits for two, and whoever did something undoes it on hearing of a no."""
    system = split(shop)
    orders = system.service("orders", workers=100)

    @orders.operation(publishes="order.placed", work="place")
    def accept(ctx, order):
        ctx.publish("order.placed", order)
        return "accepted"

    put_back = "release", ("payment.refused", "order.unshipped"), "stock.released"
    pay_back = "refund", ("stock.missing", "order.unshipped"), "payment.returned"
    dances(shop, system, "reserve", "order.placed", "stock.reserved", "stock.missing", undo=put_back)
    dances(shop, system, "charge", "order.placed", "payment.taken", "payment.refused", undo=pay_back)
    dances(shop, system, "ship", ("stock.reserved", "payment.taken"), "order.shipped", "order.unshipped")

    def all_undone(order, come):
        return (
            come >= {"payment.refused", "stock.released"}
            or come >= {"stock.missing", "payment.returned"}
            or come >= {"order.unshipped", "stock.released", "payment.returned"}
        )

    noes = "stock.missing", "payment.refused", "order.unshipped"

    @orders.on((*noes, "stock.released", "payment.returned"), when=all_undone, publishes="order.cancelled")
    def cancel(ctx, order):
        ctx.publish("order.cancelled", order)

    system.accepts("order", accept, done="order.shipped", failed="order.cancelled")
    return system


@storms("inventory", "payment", "shipping", "orders", told_twice=TWICE)
def test_a_join_by_events_is_what_a_reader_would_write(faults):
    refuses = {"reserve": 4, "charge": 7, "ship": 5}
    same_system(choreograph(joined(shop(**refuses))), danced(shop(**refuses)), faults)


# Commands


def obey(shop, system, *names):
    """Declare operations that do what they are told, and send the conductor word of how it went; return them."""
    for name in names:
        operation = shop.find(name)
        body = doing(operation)

        def obeying(ctx, order, act=body, name=name):
            try:
                found = act(ctx, order)
            except Refused:
                ctx.send("orders.hear", (order, name, False))
            else:
                ctx.send("orders.hear", (order, name, True))
                return found

        home = system.services[operation.service]
        yield home.operation(takes=operation.takes, name=name, undoes=operation.undoes)(obeying)


def commanded(shop, durable):
    """Return the sequence by commands: the conductor remembers of each order which reply it waits for."""
    system = split(shop)
    orders = system.service("orders", workers=100, volatile=not durable)
    reserve, release, charge, refund, ship = obey(shop, system, "reserve", "release", "charge", "refund", "ship")
    then = {
        ("reserve", True): charge, ("charge", True): ship, ("ship", True): "order.completed",
        ("ship", False): refund, ("refund", True): release, ("charge", False): release,
        ("release", True): "order.cancelled", ("reserve", False): "order.cancelled",
    }  # fmt: skip

    @orders.operation()
    def place(ctx, order):
        ctx.state[order] = "reserve"
        ctx.send(reserve, order)
        return "accepted"

    @orders.operation(publishes=("order.completed", "order.cancelled"), work="hear order")
    def hear(ctx, reply):
        order, task, done = reply
        if ctx.state.get(order) != task:
            return  # it has heard this before, or has forgotten all of it in a crash
        following = then[task, done]
        if isinstance(following, str):
            del ctx.state[order]
            ctx.publish(following, order)
        else:
            ctx.state[order] = following.name
            ctx.send(following, order)

    system.accepts("order", place, done="order.completed", failed="order.cancelled")
    return system


def commanded_together(shop, durable):
    """Return the join by commands: the conductor remembers what is under way, and what it would have to undo."""
    system = split(shop)
    orders = system.service("orders", workers=100, volatile=not durable)
    reserve, release, charge, refund, ship = obey(shop, system, "reserve", "release", "charge", "refund", "ship")

    def tell(ctx, order, saga, *tasks):
        for task in tasks:
            saga["under way"].add(task.name)
            ctx.send(task, order)

    @orders.operation()
    def place(ctx, order):
        saga = ctx.state[order] = {"under way": set(), "done": set(), "refused": False}
        tell(ctx, order, saga, reserve, charge)
        return "accepted"

    @orders.operation(publishes=("order.completed", "order.cancelled"), work="hear order")
    def hear(ctx, reply):
        order, task, well = reply
        saga = ctx.state.get(order)
        if saga is None or task not in saga["under way"]:
            return
        saga["under way"].remove(task)
        saga["refused"] = saga["refused"] or not well
        if well:
            saga["done"] ^= {{"refund": "charge", "release": "reserve"}.get(task, task)}  # an undo takes it out
        if saga["under way"]:
            return
        if saga["refused"] and saga["done"]:
            tell(ctx, order, saga, refund if "charge" in saga["done"] else release)
        elif saga["refused"] or "ship" in saga["done"]:
            ctx.publish("order.cancelled" if saga["refused"] else "order.completed", order)
            del ctx.state[order]
        else:
            tell(ctx, order, saga, ship)

    system.accepts("order", place, done="order.completed", failed="order.cancelled")
    return system


@storms("inventory", "payment", "shipping", "orders", told_twice=TWICE)
@pytest.mark.parametrize("durable", [False, True], ids=["in memory", "durable"])
@pytest.mark.parametrize(
    ("shape", "write"), [(sequence, commanded), (joined, commanded_together)], ids=["sequence", "join"]
)
def test_what_commands_make_is_what_a_reader_would_write(shape, write, durable, faults):
    """Where each order stands is in the memory of who conducts: it goes in a crash, unless it is durable."""
    refuses = {"reserve": 4, "charge": 7, "ship": 5}
    made = orchestrate(shape(shop(**refuses)), by="commands", durable=durable)
    result = same_system(made, write(shop(**refuses), durable), faults)
    forgets = not durable and any(isinstance(fault, Crash) and fault.service == "orders" for fault in faults)
    assert (result.fates().count("stuck") > 0) == forgets
