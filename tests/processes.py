"""Processes that several tests share, and the services that do their steps."""

from rehearsal import Exponential, Refused, System, ms
from rehearsal.process import Process, Step


def services(network=None, takes=None, refuses=(), workers=2, raises=(), homes=()):
    """Return a system with the operations of a shop, and no flow.

    `refuses`: {operation: each so many requests}; `raises`: {operation: the class of what it raises every time};
    `homes`: {operation: its service}, where that is another than usual.
    """
    shop = System("shop", network=Exponential(1 * ms) if network is None else network)
    work = {"reserve": 20, "charge": 60, "ship": 20, "notify": 10, "release": 5, "refund": 5}
    home = {"reserve": "inventory", "charge": "payment", "ship": "shipping", "notify": "mail"}
    home |= {"release": "inventory", "refund": "payment"}
    home |= dict(homes)
    undoes = {"release": "reserve", "refund": "charge"}
    refuses = dict(refuses)
    for name in dict.fromkeys(home.values()):
        shop.service(name, workers=workers)
    for name, service in home.items():

        def body(ctx, order, name=name):
            nth = int(str(order.number).rpartition(".")[2])  # of a user, or of a load spike, the last part
            if name in refuses and nth % refuses[name] == refuses[name] - 1:
                raise Refused(f"no {name}")
            if name in dict(raises):
                raise dict(raises)[name]("no luck")
            ctx.state.setdefault(name, []).append(order.number)

        mean = work[name] if takes is None else takes
        time = Exponential(mean * ms) if takes is None else mean
        shop.services[service].operation(takes=time, name=name, work=name, undoes=undoes.get(name))(body)
    return shop


def step(shop, name, after=(), undo=None, **how):
    """Return the step that does an operation of the shop."""
    return Step(shop.find(name), undo=undo and shop.find(undo), after=after, **how)


def sequence(shop):
    """Return reserve, charge, ship, one after another."""
    return Process("order", [
        step(shop, "reserve", undo="release"), step(shop, "charge", after="reserve", undo="refund"),
        step(shop, "ship", after="charge"),
    ])  # fmt: skip


def branched(shop):
    """Return reserve, then charge and ship beside notify."""
    return Process("order", [
        step(shop, "reserve", undo="release"), step(shop, "charge", after="reserve", undo="refund"),
        step(shop, "ship", after="charge"), step(shop, "notify", after="reserve"),
    ])  # fmt: skip


def diamond(shop):
    """Return reserve, then charge beside notify, then ship after both."""
    return Process("order", [
        step(shop, "reserve", undo="release"), step(shop, "charge", after="reserve", undo="refund"),
        step(shop, "notify", after="reserve"), step(shop, "ship", after=("charge", "notify")),
    ])  # fmt: skip
