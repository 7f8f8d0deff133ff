"""The shop of the course, both ways: the same four services and the same work, conducted or danced.

20 orders a second fit it well: payment, the slowest, has two workers of 60 ms each and is busy 60 % of the time.
"""

from rehearsal.draws import Exponential
from rehearsal.errors import Failed, Refused
from rehearsal.faults import Crash
from rehearsal.load import Poisson
from rehearsal.policies import Retry
from rehearsal.system import System
from rehearsal.units import ms, sec

ORDERS = Poisson("order", every=50 * ms, until=300 * sec)
OUTAGE = Crash("payment", at=90 * sec, lasting=50 * sec)
OBJECTIVE = 2 * sec
_CREW = {"orders": 100, "inventory": 2, "payment": 2, "shipping": 2}


def _open(name, crew):
    shop = System(name, network=Exponential(1 * ms))
    return shop, [shop.service(service, workers=workers) for service, workers in {**_CREW, **crew}.items()]


def orchestrated(**crew):
    """Return the shop in which `orders` calls the others in turn; say `payment=4` for another number of workers."""
    shop, (orders, inventory, payment, shipping) = _open("orchestrated shop", crew)

    @inventory.operation(takes=Exponential(20 * ms))
    def reserve(ctx, order): ...

    @inventory.operation(takes=Exponential(5 * ms), undoes=reserve)
    def release(ctx, order): ...

    @payment.operation(takes=Exponential(60 * ms))
    def charge(ctx, order): ...

    @shipping.operation(takes=Exponential(20 * ms))
    def ship(ctx, order): ...

    @orders.operation()
    def place(ctx, order):
        yield ctx.call(reserve, order)
        try:
            yield ctx.call(charge, order, timeout=1 * sec, retry=Retry(2, wait=500 * ms))
        except Failed:
            yield ctx.call(release, order)
            raise Refused("payment does not answer") from None
        yield ctx.call(ship, order)
        return "shipped"

    shop.accepts("order", place, objective=OBJECTIVE)
    return shop


def choreographed(**crew):
    """Return the shop in which each service reacts to the event before it; say `payment=4` for other workers."""
    shop, (orders, inventory, payment, shipping) = _open("choreographed shop", crew)

    @orders.operation(publishes="order.placed")
    def accept(ctx, order):
        ctx.publish("order.placed", order)
        return "accepted"

    @inventory.on("order.placed", publishes="stock.reserved", takes=Exponential(20 * ms), work="reserve")
    def reserve_stock(ctx, order):
        ctx.publish("stock.reserved", order)

    @payment.on("stock.reserved", publishes="payment.taken", takes=Exponential(60 * ms), work="charge")
    def take_payment(ctx, order):
        ctx.publish("payment.taken", order)

    @shipping.on("payment.taken", publishes="order.shipped", takes=Exponential(20 * ms), work="ship")
    def ship_parcel(ctx, order):
        ctx.publish("order.shipped", order)

    shop.accepts("order", accept, objective=OBJECTIVE, done="order.shipped")
    return shop
