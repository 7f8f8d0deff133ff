"""Isolation: a saga shows what it has half done, and another order believes it; a semantic lock keeps that off.

One piece is on stock. The first order reserves it, and its card is declined much later; the second comes in between.
"""

from functools import partial

import pytest

from rehearsal import Crash, Failed, Process, Refused, Retry, Step, System, Times, choreograph, orchestrate, run, sec
from rehearsal.invariants import always, first_breach
from rehearsal.process.acts import DONE, UNDONE
from rehearsal.search import break_it

TWO = Times("order", at=[0, 50])
PATIENT = Retry(200, wait=50)
SAFE = {"idempotent": True, "outbox": 0}
STYLES = {
    "calls": partial(orchestrate, timeout=300, retry=PATIENT, durable=True, **SAFE),
    "dance": partial(choreograph, retry=PATIENT, **SAFE),
}
each_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


def shop(lock, declined=(0,), stock=1, leaky=False):
    """Return reserve, charge and confirm; with a `lock` what is reserved is pending until it is confirmed or released.

    Who finds nothing left but something pending is told to ask again; without a lock it is told "sold out". A `leaky`
    undo lets go of the lock and forgets the piece.
    """
    system = System("shop", network=1)
    inventory = system.service("inventory", workers=9, state={"stock": stock, "pending": 0, "sold": 0})
    payment = system.service("payment", workers=9)

    def move(ctx, **amounts):
        for name, amount in amounts.items():
            ctx.state[name] += amount

    @inventory.operation(takes=5)
    def reserve(ctx, order):
        if not ctx.state["stock"]:
            if lock and ctx.state["pending"]:
                raise Failed("pending: ask again")
            ctx.state["turned away"] = (*ctx.state.get("turned away", ()), order.number)
            raise Refused("sold out")
        move(ctx, stock=-1, pending=1)

    @inventory.operation(takes=5, undoes=reserve)
    def release(ctx, order):
        move(ctx, stock=0 if leaky else 1, pending=-1)

    @inventory.operation(takes=5)
    def confirm(ctx, order):
        move(ctx, pending=-1, sold=1)

    @payment.operation(takes=200)
    def charge(ctx, order):
        if order.number in declined:
            raise Refused("card declined")

    first = Step(reserve, undo=release)
    return Process("order", [first, Step(charge, after=reserve), Step(confirm, after=charge)], pivot="charge")


def turned_away_in_vain(run):
    """Break where somebody was told "sold out", and there is something on the shelf in the end."""
    inventory = run.states["inventory"]
    told = inventory.get("turned away", ())
    return (
        f"order {told[0]} was told sold out, and {inventory['stock']} is left" if told and inventory["stock"] else None
    )


@always
def every_piece_is_somewhere(moment):
    """Break where a piece is gone, or there are more than there were: on the shelf, pending, sold."""
    found = {name: moment.states["inventory"][name] for name in ("stock", "pending", "sold")}
    return None if sum(found.values()) == 1 and min(found.values()) >= 0 else f"there are {found}"


def lock_is_let_go(run):
    """Break where something is pending in the end: nobody may ever have it again."""
    return "something is pending for ever" if run.states["inventory"]["pending"] else None


# The anomaly


@each_style
def test_without_a_lock_another_order_reads_stock_that_will_be_released(style):
    result = run(style(shop(lock=False)), TWO)
    assert result.states["inventory"] | {DONE: 0, UNDONE: 0} == {
        "stock": 1, "pending": 0, "sold": 0, "turned away": (1,), DONE: 0, UNDONE: 0,
    }  # fmt: skip
    assert turned_away_in_vain(result) == "order 1 was told sold out, and 1 is left"
    assert "on time" not in result.fates()  # nobody has it, and one wanted it


@each_style
def test_a_semantic_lock_makes_it_wait_and_then_it_has_it(style):
    result = run(style(shop(lock=True)), TWO)
    assert (result.fates()[1], result.states["inventory"]["sold"]) == ("on time", 1)
    assert turned_away_in_vain(result) is None


@each_style
def test_the_lock_says_sold_out_once_that_is_true(style):
    """The card of the first is good: the second waits until the piece is sold, and is told the truth."""
    result = run(style(shop(lock=True, declined=())), TWO)
    inventory = result.states["inventory"]
    assert (result.fates()[0], inventory["sold"], inventory["turned away"]) == ("on time", 1, (1,))
    assert turned_away_in_vain(result) is None


@each_style
def test_the_lock_costs_the_second_order_its_wait(style):
    """Told after 5 ms that it is sold out, or after the first is undone that it has it."""
    waits = {}
    for lock in (False, True):
        result = run(style(shop(lock=lock)), TWO)
        waits[lock] = result.table.settled[1] - result.table.offered[1]
    assert waits[False] < 20 and 150 + 200 < waits[True] < 500


@each_style
def test_nobody_waits_for_a_lock_where_there_is_enough(style):
    bare, locked = (run(style(shop(lock=lock, stock=2)), TWO) for lock in (False, True))
    assert bare.table.settled == locked.table.settled and locked.fates()[1] == "on time"


@each_style
def test_the_search_finds_the_anomaly_without_any_fault_and_nothing_with_the_lock(style):
    how = {"progress": False, "until": 200 * sec}
    found = break_it(style(shop(lock=False)), TWO, turned_away_in_vain, **how)
    assert found.faults == () and found.runs == 1
    kept = [turned_away_in_vain, every_piece_is_somewhere, lock_is_let_go]
    nothing = break_it(style(shop(lock=True)), TWO, kept, **how)
    assert not nothing, nothing
    assert nothing.covered[1].tried == nothing.covered[1].schedules > 50


# A lock has to be let go


def test_a_conductor_that_forgets_keeps_the_lock_for_ever():
    """The price: who comes later asks until its patience ends, for a piece that lies there."""
    crash = Crash("orders", at=20, lasting=10)  # payment is at work for the first
    ends = {}
    for durable in (False, True):
        conductor = orchestrate(shop(lock=True), retry=Retry(9, wait=50), idempotent=True, durable=durable)
        result = run(conductor, TWO, faults=crash)
        ends[durable] = lock_is_let_go(result), result.fates()[1], result.states["inventory"]["sold"]
    assert ends == {False: ("something is pending for ever", "failed", 0), True: (None, "on time", 1)}


@each_style
def test_at_every_moment_each_piece_is_on_the_shelf_pending_or_sold(style):
    assert first_breach(style(shop(lock=True)), TWO, every_piece_is_somewhere) is None
    breach = first_breach(style(shop(lock=True, leaky=True)), TWO, every_piece_is_somewhere)
    assert breach.said == "there are {'stock': 0, 'pending': 0, 'sold': 0}"
