"""What a style makes of a process is an ordinary system, and the one that a reader would have written by hand."""

import pytest

from rehearsal import (
    Crash,
    Exponential,
    Failed,
    Poisson,
    Process,
    Refused,
    Retry,
    System,
    blend,
    chain,
    choreograph,
    monolith,
    ms,
    orchestrate,
    run,
    sec,
)  # fmt: skip
from tests.processes import sequence, services, step
from tests.systems import columns

LOAD = Poisson("order", every=50 * ms, count=300)
UNDO = Retry(5, wait=100 * ms, factor=2)
CRASHES = pytest.mark.parametrize(
    "faults", [(), (Crash("payment", at=5 * sec, lasting=2 * sec),)], ids=["calm", "crash"]
)


def shop():
    """Return the services of the shop; payment refuses each seventh order, shipping each fifth."""
    return services(refuses={"charge": 7, "ship": 5})


def doing(operation):
    """Return what a service does: write down what was done and what was called off, so that late messages do no harm.

    What is called off is undone if it was done, once, and is not done any more. It returns whether it did anything.
    """
    step = operation.undoes or operation.name

    def do(ctx, order):
        if (step, order) in ctx.state.get("called off", ()):
            return False
        operation.function(ctx, order)
        ctx.state.setdefault("done", set()).add((step, order))
        ctx.effect(step)
        return True

    def undo(ctx, order):
        called_off = ctx.state.setdefault("called off", {})  # and whether there was anything to undo
        before = called_off.setdefault((step, order), False)
        if (step, order) not in ctx.state.get("done", ()):
            return before
        operation.function(ctx, order)
        ctx.state["done"].remove((step, order))
        called_off[step, order] = True
        ctx.effect(step, -1)
        return True

    return do if operation.undoes is None else undo


def declare(shop, system, *names, at=None):
    """Declare operations of the shop, each where it is at home or all `at` one service; return them."""
    for name in names:
        operation = shop.find(name)
        home = system.services[at or operation.service]
        yield home.operation(takes=operation.takes, name=name, undoes=operation.undoes)(doing(operation))


def split(shop, *more):
    """Return a system with the three services of the sequence, and more."""
    system = System("by hand", network=shop.network)
    for name in ("inventory", "payment", "shipping", *more):
        system.service(name, workers=2)
    return system


def orchestrated(shop):
    """Return the sequence, conducted."""
    system = split(shop)
    reserve, release, charge, refund, ship = declare(shop, system, "reserve", "release", "charge", "refund", "ship")

    @system.service("orders", workers=100).operation()
    def place(ctx, order):
        undos = []
        for ask, undo in ((reserve, release), (charge, refund), (ship, None)):
            try:
                yield ctx.call(ask, order)
            except (Refused, Failed) as problem:
                if undo is not None and getattr(problem, "may_be_done", False):
                    undos.append(undo)
                for back in reversed(undos):
                    yield ctx.call(back, order, retry=UNDO)
                raise
            undos.append(undo)

    system.accepts("order", place)
    return system


def in_one_program(shop):
    """Return the sequence as one deployable."""
    system = System("by hand", network=shop.network)
    whole = system.service("monolith", workers=6)
    names = "reserve", "release", "charge", "refund", "ship"
    reserve, release, charge, refund, ship = declare(shop, system, *names, at="monolith")

    @whole.operation()
    def place(ctx, order):
        yield ctx.work(reserve, order)
        try:
            yield ctx.work(charge, order)
            try:
                yield ctx.work(ship, order)
            except Refused:
                yield ctx.work(refund, order)
                raise
        except Refused:
            yield ctx.work(release, order)
            raise

    system.accepts("order", place)
    return system


def chained(shop):
    """Return the sequence, each calling the next."""
    system = split(shop)
    release, refund, ship = declare(shop, system, "release", "refund", "ship")
    reserving, charging = doing(shop.find("reserve")), doing(shop.find("charge"))

    @system.services["payment"].operation(takes=shop.find("charge").takes)
    def charge(ctx, order):
        charging(ctx, order)
        try:
            yield ctx.call(ship, order)
        except (Refused, Failed):
            yield ctx.work(refund, order)
            raise

    @system.services["inventory"].operation(takes=shop.find("reserve").takes)
    def reserve(ctx, order):
        reserving(ctx, order)
        try:
            yield ctx.call(charge, order)
        except (Refused, Failed):
            yield ctx.work(release, order)
            raise

    system.accepts("order", reserve)
    return system


PAIRS = {"orchestrate": (orchestrate, orchestrated), "monolith": (monolith, in_one_program), "chain": (chain, chained)}


@CRASHES
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_what_a_style_makes_is_what_a_reader_would_write(pair, faults):
    """Every message, every moment, every effect: it is the same system."""
    style, write = pair
    made, written = style(sequence(shop())), write(shop())
    if style is monolith:
        faults = [Crash("monolith", at=fault.at, lasting=fault.lasting) for fault in faults]
    a, b = (run(system, LOAD, seed=7, faults=faults) for system in (made, written))
    assert columns(a) == columns(b)
    assert a.fates() == b.fates() and a.fates().count("compensated") > 50
    assert effects(a) == effects(b) and min(amount for *_, amount in effects(a)) == -1


def effects(result):
    """Return every effect of a run: when, for whom, what."""
    return [(one.at, one.request, one.name, one.amount) for one in result.effects]


def danced(shop):
    """Return the sequence by events, where nothing can fail."""
    system = split(shop)

    @system.service("orders", workers=100).operation(publishes="order.placed", work="place")
    def accept(ctx, order):
        ctx.publish("order.placed", order)
        return "accepted"

    @system.services["inventory"].on("order.placed", publishes="reserve.done", takes=Exponential(20), work="reserve")
    def reserve(ctx, order):
        ctx.publish("reserve.done", order)

    @system.services["payment"].on("reserve.done", publishes="charge.done", takes=Exponential(60), work="charge")
    def charge(ctx, order):
        ctx.publish("charge.done", order)

    @system.services["shipping"].on("charge.done", publishes="ship.done", takes=Exponential(20), work="ship")
    def ship(ctx, order):
        ctx.publish("ship.done", order)

    system.accepts("order", accept, done="ship.done")
    return system


@CRASHES
def test_what_choreograph_makes_is_what_a_reader_would_write(faults):
    made, written = choreograph(sequence(services()), failures=False), danced(services())
    assert columns(run(made, LOAD, seed=7, faults=faults)) == columns(run(written, LOAD, seed=7, faults=faults))


def mailed(shop):
    """Return reserve, then charge, then notify: each can be refused, two can be undone."""
    return Process("order", [
        step(shop, "reserve", undo="release"), step(shop, "charge", after="reserve", undo="refund"),
        step(shop, "notify", after="charge"),
    ])  # fmt: skip


def blended(shop):
    """Return the same, where mail reacts to the charge: the desk undoes a refused charge, events a refused mail.

    Payment undoes as soon as mail has failed; inventory waits until that is done.
    """
    system = split(shop, "mail")
    reserve, release, charge, refund = declare(shop, system, "reserve", "release", "charge", "refund")
    orders = system.service("orders", workers=100)
    notifying = shop.find("notify")

    @orders.operation(publishes=("reserve.failed", "charge.done", "charge.failed"))
    def place(ctx, order):
        done = []
        for ask, undo in ((reserve, release), (charge, refund)):
            try:
                yield ctx.call(ask, order)
            except (Refused, Failed) as problem:
                ctx.publish(f"{ask.name}.failed", order)
                if getattr(problem, "may_be_done", False):
                    done.append(undo)
                for again in reversed(done):
                    yield ctx.call(again, order, retry=UNDO)
                raise
            done.append(undo)
        ctx.publish("charge.done", order)

    @system.services["mail"].on(
        "charge.done", publishes=("notify.done", "notify.failed"), takes=notifying.takes, work="notify"
    )
    def notify(ctx, order):
        try:
            doing(notifying)(ctx, order)
        except Refused:
            ctx.publish("notify.failed", order)
        else:
            ctx.publish("notify.done", order)

    @system.services["payment"].on(
        "notify.failed", publishes="refund.undone", takes=refund.takes, name="refund", work="refund", undoes="charge",
        retry=UNDO,
    )  # fmt: skip
    def pay_back(ctx, order):
        refund.function(ctx, order)
        ctx.publish("refund.undone", order)

    @system.services["inventory"].on(
        ("notify.failed", "refund.undone"), publishes="release.undone",
        takes=release.takes, name="release", work="release", undoes="reserve", retry=UNDO,
    )  # fmt: skip
    def put_back(ctx, order):
        release.function(ctx, order)
        ctx.publish("release.undone", order)

    def over(order, come):
        return come & {"reserve.failed", "charge.failed"} or come >= {
            "notify.failed",
            "refund.undone",
            "release.undone",
        }

    @orders.on(
        ("reserve.failed", "charge.failed", "notify.failed", "refund.undone", "release.undone"),
        when=over, publishes="order.cancelled",
    )  # fmt: skip
    def cancel(ctx, order):
        ctx.publish("order.cancelled", order)

    system.accepts("order", place, done="notify.done", failed="order.cancelled")
    return system


@pytest.mark.parametrize("struck", [None, "inventory", "payment", "mail", "orders"])
def test_what_blend_makes_is_what_a_reader_would_write(struck):
    made = blend(mailed(services(refuses={"charge": 7, "notify": 5})), events=["notify"])
    written = blended(services(refuses={"charge": 7, "notify": 5}))
    faults = () if struck is None else Crash(struck, at=5 * sec, lasting=2 * sec)
    a, b = (run(system, LOAD, seed=7, faults=faults) for system in (made, written))
    assert columns(a) == columns(b) and effects(a) == effects(b)
    assert a.fates() == b.fates() and a.fates().count("compensated") > 30
