"""One process in every style: the same work, the same ends, and what a reader would have written by hand."""

import pytest

from rehearsal import (
    Crash,
    CrashAt,
    Drop,
    Evenly,
    Exponential,
    ModelError,
    Poisson,
    Refused,
    Retry,
    Slow,
    System,
    Times,
    ms,
    run,
    sec,
)  # fmt: skip
from rehearsal.process import Process, blend, blends, chain, changes, choreograph, explain, monolith, orchestrate
from rehearsal.traffic import traffic
from tests.processes import branched, diamond, sequence, services, step
from tests.systems import columns, rows

LOAD = Poisson("order", every=50 * ms, count=300)
CALM = Evenly("order", every=1 * sec, count=20)


def commanded(process, **how):
    """Return the process conducted by commands and replies."""
    return orchestrate(process, by="commands", **how)


STYLES = {"orchestrate": orchestrate, "commands": commanded, "choreograph": choreograph, "monolith": monolith}
each_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


def states(result, system, process):
    """Return {operation: the numbers of the orders it was done for}, from the trace."""
    done: dict = {}
    for row in rows(result):
        if row.outcome == "ok" and row.kind != "request" and not row.target.startswith("broker"):
            done.setdefault(row.name, []).append(row.request)
    return done


@each_style
@pytest.mark.parametrize("shape", [sequence, branched, diamond])
def test_every_style_does_every_step_of_every_order(style, shape):
    result = run(style(shape(services()), objective=2 * sec), LOAD, seed=3)
    assert set(result.fates()) == {"on time"} and result.drained


@each_style
@pytest.mark.parametrize("shape", [sequence, branched, diamond])
def test_every_style_cancels_the_same_orders_and_leaves_nothing_half_done(style, shape):
    fates = run(style(shape(services(refuses={"ship": 4}))), LOAD, seed=3).fates()
    assert [n for n, fate in enumerate(fates) if fate == "compensated"] == list(range(3, 300, 4))
    assert set(fates) == {"on time", "compensated"}


@each_style
def test_a_refusal_at_the_first_step_leaves_nothing_to_undo(style):
    fates = run(style(sequence(services(refuses={"reserve": 2}))), CALM).fates()
    assert fates == ["on time", "refused"] * 10


@each_style
def test_a_step_that_does_not_apply_costs_nothing_and_stops_nobody(style):
    shop = services(takes=10, network=0.0)
    process = Process("order", [
        step(shop, "reserve"), step(shop, "charge", after="reserve", when=lambda order: order.number % 2),
        step(shop, "ship", after="charge"),
    ])  # fmt: skip
    result = run(style(process), CALM)
    latency = [b - a for a, b in zip(result.table.offered, result.table.settled, strict=True)]
    assert latency == [20, 30] * 10


def test_every_style_meets_the_same_work():
    def work(style):
        result = run(style(sequence(services(network=0.0, workers=500))), LOAD, seed=5)
        return [round(b - a, 6) for a, b in zip(result.table.offered, result.table.settled, strict=True)]

    first, *others = (work(style) for style in STYLES.values())
    assert all(other == first for other in others)


def test_latency_follows_the_graph_of_the_steps_and_not_the_style():
    """Parallel branches share their start in both: the longest path counts, also with a join."""
    for style, expected in ((orchestrate, 30), (choreograph, 30), (commanded, 30), (monolith, 40)):
        result = run(style(diamond(services(takes=10, network=0.0))), CALM)
        assert {b - a for a, b in zip(result.table.offered, result.table.settled, strict=True)} == {expected}


# By hand


def by_hand_orchestrated(shop):
    """Return the sequence as a reader would write it, conducted."""
    system = System("by hand", network=shop.network)
    for name in ("inventory", "payment", "shipping"):
        system.service(name, workers=2)
    own = {}
    for name in ("reserve", "release", "charge", "refund", "ship"):
        op = shop.find(name)
        own[name] = system.services[op.service].operation(takes=op.takes, name=name, undoes=op.undoes)(op.function)
    reserve, release, charge, refund, ship = own.values()

    @system.service("orders", workers=100).operation()
    def place(ctx, order):
        yield ctx.call(reserve, order)
        try:
            yield ctx.call(charge, order)
        except Refused:
            yield ctx.call(release, order)
            raise
        try:
            yield ctx.call(ship, order)
        except Refused:
            yield ctx.call(refund, order)
            yield ctx.call(release, order)
            raise
        return "order done"

    system.accepts("order", place)
    return system


def by_hand_choreographed(shop):
    """Return the sequence as a reader would write it, by events."""
    system = System("by hand", network=shop.network)
    inventory, payment, shipping = (system.service(name, workers=2) for name in ("inventory", "payment", "shipping"))

    @system.service("orders", workers=100).operation(publishes="order.placed", work="place")
    def accept(ctx, order):
        ctx.publish("order.placed", order)
        return "accepted"

    @inventory.on("order.placed", publishes="reserve.done", takes=Exponential(20 * ms), work="reserve")
    def reserve(ctx, order):
        ctx.publish("reserve.done", order)

    @payment.on("reserve.done", publishes="charge.done", takes=Exponential(60 * ms), work="charge")
    def charge(ctx, order):
        ctx.publish("charge.done", order)

    @shipping.on("charge.done", publishes="ship.done", takes=Exponential(20 * ms), work="ship")
    def ship(ctx, order):
        ctx.publish("ship.done", order)

    system.accepts("order", accept, done="ship.done")
    return system


@pytest.mark.parametrize("faults", [(), (Crash("payment", at=5 * sec, lasting=2 * sec),)])
def test_what_orchestrate_makes_is_what_a_reader_would_write(faults):
    def shop():
        return services(refuses={"charge": 7, "ship": 5})

    made, written = orchestrate(sequence(shop())), by_hand_orchestrated(shop())
    a, b = (run(system, LOAD, seed=7, faults=faults) for system in (made, written))
    if not faults:  # by hand, only a business no is undone
        assert _times(a) == _times(b)
    assert a.fates().count("compensated") >= b.fates().count("compensated") > 50


@pytest.mark.parametrize("faults", [(), (Crash("payment", at=5 * sec, lasting=2 * sec),)])
def test_what_choreograph_makes_is_what_a_reader_would_write(faults):
    made, written = choreograph(sequence(services()), failures=False), by_hand_choreographed(services())
    assert columns(run(made, LOAD, seed=7, faults=faults)) == columns(run(written, LOAD, seed=7, faults=faults))


def _times(result):
    return [(r.source, r.target, r.name, r.sent, r.started, r.ended, r.answered) for r in rows(result)]


# Order of undoing


def test_undos_come_in_reverse_in_every_style():
    for style in STYLES.values():
        result = run(style(sequence(services(takes=10, refuses={"ship": 1}))), Evenly("order", every=1000, count=3))
        undos = [row for row in rows(result) if row.name in ("release", "refund", "refund.undone", "ship.failed")]
        ended = {row.target: row.ended for row in undos if row.request == 0 and row.target in ("payment", "inventory")}
        if style is not monolith:
            assert ended["payment"] < ended["inventory"]
        else:
            assert [row.name for row in undos if row.request == 0] == ["refund", "release"]


# Counting


def test_messages_are_what_the_formulas_say():
    n = 3
    counted = {name: traffic(run(style(sequence(services())), CALM)) for name, style in STYLES.items()}
    assert counted["orchestrate"]["messages"].item() == 2 * n
    assert counted["choreograph"]["messages"].item() == n + 1
    assert counted["commands"]["messages"].item() == 2 * n + 1  # and the event that says how it ended
    assert counted["monolith"]["messages"].item() == 0
    assert counted["choreograph"]["hops"].item() == (n + 1) + n
    assert counted["orchestrate"]["round trips"].item() == n


def test_messages_are_counted_in_a_row_a_run():
    """Also of two runs of one system, which are told apart as in a census."""
    system = orchestrate(sequence(services()))
    calm, other = run(system, CALM, seed=1), run(system, CALM, seed=2)
    down = run(system, CALM, seed=1, faults=[Crash("payment", at=0, lasting=60_000)])
    assert len(traffic(calm, calm, down)) == 3 and len(traffic(calm, other)) == 2
    assert list(traffic(calm=calm, down=down).index) == ["calm", "down"]
    assert traffic(calm=calm, down=down)["messages"].is_monotonic_decreasing


# A monolith


def test_a_part_of_a_monolith_goes_down_with_the_whole_and_is_slow_by_itself():
    system = monolith(sequence(services(takes=10)))
    down = run(system, CALM, faults=[Crash("payment", at=2500, lasting=1000)])
    assert [o.service for o in down.outages] == ["monolith"] and down.fates().count("rejected") == 1
    slow = run(system, CALM, faults=[Slow("payment", 5)])
    assert {b - a for a, b in zip(slow.table.offered, slow.table.settled, strict=True)} != {30}
    took = {row.name: round(row.ended - row.started, 6) for row in rows(slow, request=0, kind="work")}
    assert took == {"reserve": 10, "charge": 50, "ship": 10}


def test_a_monolith_has_the_workers_of_all_its_parts():
    assert monolith(sequence(services())).services["monolith"].workers == 6
    assert monolith(sequence(services()), replicas=3).services["monolith"].workers == 18


# Blends


def test_a_blend_of_nothing_is_orchestrated_and_one_of_everything_dances():
    process = branched(services())
    assert columns(run(blend(process), LOAD)) == columns(run(orchestrate(process), LOAD))
    all_of_them = blend(process, events=process.steps)
    assert columns(run(all_of_them, LOAD)) == columns(run(choreograph(process), LOAD))


@pytest.mark.parametrize("dancing", blends(branched(services())), ids=str)
def test_every_blend_ends_every_order_alike(dancing):
    system = blend(branched(services(refuses={"ship": 3})), events=dancing)
    fates = run(system, LOAD, seed=2, faults=[Crash("mail", at=4 * sec, lasting=1 * sec)]).fates()
    served = ["compensated" if n % 3 == 2 else "on time" for n in range(300)]
    assert [f for f in fates if f not in ("on time", "compensated")] == [] or "mail" not in system.services
    assert sum(f != s for f, s in zip(fates, served, strict=True)) <= (0 if "notify" in dancing else 25)


def test_what_comes_after_a_dancer_has_to_dance():
    with pytest.raises(ModelError, match="ship has to dance as well"):
        blend(sequence(services()), events=["charge"])
    with pytest.raises(ModelError, match="did you mean 'ship'"):
        blend(sequence(services()), events=["shp"])


def test_an_optional_step_that_dances_holds_nobody_up():
    shop = services(takes=10, network=0.0)
    process = Process("order", [
        step(shop, "reserve"), step(shop, "ship", after="reserve"),
        step(shop, "notify", after="reserve", optional=True),
    ])  # fmt: skip
    result = run(blend(process, events=["notify"]), CALM, faults=[Crash("mail", at=0, lasting=60 * sec)])
    assert set(result.fates()) == {"on time"}
    assert sum(row.outcome == "ok" for row in rows(result, target="mail")) == 20


# Other flows


def test_a_chain_holds_everybody_until_the_last_has_answered():
    result = run(chain(sequence(services(takes=10, network=0.0))), Evenly("order", every=1000, count=1))
    assert [(row.target, row.ended) for row in rows(result)] == [
        ("inventory", 1030),
        ("payment", 1030),
        ("shipping", 1030),
    ]
    with pytest.raises(ModelError, match="a chain is a sequence"):
        chain(branched(services()))


def test_a_chain_undoes_on_the_way_back():
    fates = run(chain(sequence(services(refuses={"ship": 2}))), CALM).fates()
    assert fates == ["on time", "compensated"] * 10


def test_somebody_notices_that_nothing_happened():
    process = sequence(services(takes=10))
    silent = [Crash("shipping", at=0)]
    assert set(run(choreograph(process), CALM, faults=silent).fates()) == {"stuck"}
    watched = run(choreograph(process, timeout=3 * sec), CALM, faults=silent)
    assert set(watched.fates()) == {"compensated"}


def test_a_conductor_by_commands_forgets_in_a_crash_unless_it_is_durable():
    process, crash = sequence(services()), Crash("orders", at=5 * sec, lasting=1 * sec)
    fates = {
        durable: run(commanded(process, durable=durable), LOAD, seed=1, faults=[crash]).fates() for durable in (0, 1)
    }
    assert "stuck" in fates[0] and "stuck" not in fates[1]


def test_a_durable_conductor_goes_on_after_a_crash():
    process, crash = sequence(services()), Crash("orders", at=5 * sec, lasting=1 * sec)
    fates = {d: run(orchestrate(process, durable=d), LOAD, seed=1, faults=[crash]).fates() for d in (False, True)}
    assert "failed" in fates[False] and "failed" not in fates[True]


def test_a_decision_costs_the_conductor_time_after_every_wait():
    process = sequence(services(takes=10, network=0.0))
    result = run(orchestrate(process, decides=4 * ms), CALM)
    assert {b - a for a, b in zip(result.table.offered, result.table.settled, strict=True)} == {42}


def test_retries_of_the_conductor_are_for_each_call():
    process = sequence(services(takes=10))
    blip = [Crash("payment", at=4_990, lasting=100)]
    plain, again = (run(orchestrate(process, retry=r), CALM, faults=blip).fates() for r in (None, Retry(3, wait=60)))
    assert plain.count("on time") == 19 and again.count("on time") == 20


# Explaining and changing


def test_explain_says_what_is_equal_and_what_differs():
    process = sequence(services())
    said = explain(orchestrate(process, objective=2 * sec), choreograph(process, objective=2 * sec))
    assert said.loc[["services", "workers", "work", "a hop takes", "on time within"], "same"].all()
    assert not said.loc[["waits for others", "broker"], "same"].any()
    assert "payment is a part of monolith" in explain(monolith(process), orchestrate(process)).iloc[6, 0]


def touched(style, change):
    """Return {service: how many of its handlers and subscriptions a change touches}, `change` making both processes."""
    before, after = change(services())
    found = changes(style(before), style(after))
    return found.groupby("service").size().to_dict()


def test_the_order_in_which_a_handler_names_its_topics_is_no_change():
    def cancels(shop, *order):
        return choreograph(Process("order", [step(shop, name, after=order[:n][-1:]) for n, name in enumerate(order)]))

    shop = services()
    found = changes(cancels(shop, "reserve", "charge", "ship"), cancels(shop, "charge", "reserve", "ship"))
    assert "cancel" not in {name.partition(" on ")[0] for name in found.name} and len(found)


def add_notify(shop):
    """Return the process without and with a further reader of what happens."""
    return sequence(shop), Process("order", [*sequence(shop).steps.values(), step(shop, "notify", after="reserve")])


def reorder(shop):
    """Return reserve, charge, ship and charge, reserve, ship."""
    turned = [step(shop, "charge"), step(shop, "reserve", after="charge"), step(shop, "ship", after="reserve")]
    plain = [step(shop, "reserve"), step(shop, "charge", after="reserve"), step(shop, "ship", after="charge")]
    return Process("order", plain), Process("order", turned)


def test_another_order_of_steps_touches_one_place_when_conducted_and_each_reader_when_danced():
    assert touched(orchestrate, reorder) == {"orders": 1}
    danced = touched(lambda process: choreograph(process, failures=False), reorder)
    assert danced == {"inventory": 2, "payment": 2, "shipping": 2}


def test_another_reader_touches_the_conductor_and_nobody_else_in_a_dance_but_who_waits_for_the_end():
    assert touched(orchestrate, add_notify) == {"orders": 1, "mail": 1}
    danced = touched(lambda process: choreograph(process, failures=False), add_notify)
    assert danced["mail"] == 1 and not {"inventory", "payment", "shipping"} & danced.keys()


def test_a_step_that_was_rejected_when_asked_again_may_be_done():
    """The crash comes after the effect and outlasts all retries: the last answer is "down", and it is undone."""
    shop = orchestrate(sequence(services(network=1, takes=10)), timeout=200, retry=Retry(2, wait=100))
    done = run(shop, Times("order", at=[0]), faults=[CrashAt("inventory", "reserve", "after", lasting=1000)])
    assert [(one.name, one.amount) for one in done.effects] == [("reserve", 1), ("reserve", -1)]
    assert done.fates() == ["compensated"]


def test_a_join_that_is_delivered_late_waits_for_the_others_and_reacts_once():
    """Both events on their way to shipping are lost, and come again: the first of them is no second reaction."""
    shop = choreograph(diamond(services(network=1, takes=10)))
    lost = Drop(("broker", "shipping"), at=26, lasting=0.001, ways="there")
    done = run(shop, Times("order", at=[0]), faults=[lost])
    assert len(rows(done, source="broker", target="shipping", attempt=2)) == 2
    assert [one.name for one in done.effects if one.service == "shipping"] == ["ship"]
