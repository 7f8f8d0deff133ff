"""What differs between two systems is said, all of it, before they are compared."""

from dataclasses import fields, replace

import pytest

from rehearsal import (
    Constant,
    Exponential,
    Process,
    Retry,
    Step,
    System,
    blend,
    chain,
    choreograph,
    explain,
    monolith,
    ms,
    orchestrate,
    sec,
)  # fmt: skip
from rehearsal.service import Service, Subscription
from rehearsal.system import Broker, Entry
from tests.processes import branched, diamond, sequence, services, step


def commanded(process, **how):
    """Return the process conducted by commands and replies."""
    return orchestrate(process, by="commands", **how)


def blended(process, **how):
    """Return the process with its last step danced."""
    return blend(process, events=[*process.steps][-1:], **how)


STYLES = {"calls": orchestrate, "commands": commanded, "dance": choreograph, "blend": blended}
STYLES |= {"monolith": monolith, "chain": chain}


def different(a, b):
    """Return the questions that two systems answer otherwise."""
    said = explain(a, b)
    return [question for question, same in said["same"].items() if not same]


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_all_is_the_same_where_nothing_differs(style):
    a, b = style(sequence(services()), name="one"), style(sequence(services()), name="other")
    assert different(a, b) == [] and list(explain(a, b).columns) == ["one", "other", "same"]
    assert different(a, a.snapshot()) == []


def test_two_styles_of_one_process_share_work_workers_and_hops():
    process = sequence(services())
    styles = [style(process, objective=2 * sec) for style in (orchestrate, commanded, choreograph)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        said = explain(styles[a], styles[b])["same"]
        assert said[["services", "workers", "queues", "work", "a hop takes", "links", "on time within"]].all()
        assert not said["knows the flow"] and not said["what handlers do"]
    assert not explain(styles[0], styles[2]).loc[["waits for others", "broker"], "same"].any()


KNOWS = {
    "calls": "orders: inventory.reserve undone by inventory.release, payment.charge after reserve undone by "
    "payment.refund, shipping.ship after charge",
    "commands": "inventory: asks orders.hear; orders: inventory.reserve undone by inventory.release, payment.charge "
    "after reserve undone by payment.refund, shipping.ship after charge; payment: asks orders.hear; shipping: asks "
    "orders.hear",
    "dance": "nobody",
    "blend": "orders: inventory.reserve undone by inventory.release, payment.charge after reserve undone by "
    "payment.refund",
    "monolith": "monolith: inventory.reserve undone by inventory.release, payment.charge after reserve undone by "
    "payment.refund, shipping.ship after charge",
    "chain": "inventory: inventory.reserve undone by inventory.release, payment.charge after reserve undone by "
    "payment.refund; payment: payment.charge undone by payment.refund, shipping.ship after charge; shipping: "
    "shipping.ship",
}


@pytest.mark.parametrize("style", STYLES)
def test_who_knows_the_flow(style):
    system = STYLES[style](sequence(services()))
    assert explain(system, system).loc["knows the flow", system.name].iloc[0] == KNOWS[style]


def test_who_has_no_list_of_steps_knows_whom_it_asks():
    shop = services()
    reserve, charge = shop.find("reserve"), shop.find("charge")

    @shop.service("desk").operation()
    def place(ctx, order):
        yield ctx.call(reserve, order)
        ctx.send(charge, order)

    assert explain(shop, shop).loc["knows the flow"].iloc[0] == "desk: asks inventory.reserve, asks payment.charge"


def test_a_part_of_a_monolith_goes_down_with_the_whole():
    said = explain(monolith(sequence(services())), orchestrate(sequence(services())))
    assert "payment is a part of monolith" in said.loc["goes down"].iloc[0]
    assert said.loc["goes down"].iloc[1] == "each by itself"


# What is said of a style

SAID = {
    "a decision takes": (orchestrate, {"decides": 50 * ms}),
    "lasts": (orchestrate, {"durable": True}),
    "waits for others": (orchestrate, {"blocking": False}),
    "policies": (orchestrate, {"timeout": 100 * ms}),
    "policies, of a chain": (chain, {"retry": Retry(5)}),
    "policies, of a blend": (blended, {"retry": Retry(5)}),
    "lasts, by commands": (commanded, {"durable": True}),
    "lasts, with an outbox": (choreograph, {"outbox": 50 * ms}),
    "lasts, with an outbox that is pushed to": (choreograph, {"outbox": 0}),
    "lasts, under a key": (choreograph, {"idempotent": True}),
    "what handlers do, without care": (choreograph, {"careful": False}),
    "what handlers do, by calls, without care": (orchestrate, {"careful": False}),
    "what handlers do, undoing together": (orchestrate, {"undos": "together"}),
    "tells": (choreograph, {"failures": False}),
    "hears": (choreograph, {"timeout": 3 * sec}),
    "delivers": (choreograph, {"retry": Retry(1)}),
    "workers": (monolith, {"replicas": 2}),
    "workers, of a conductor": (orchestrate, {"workers": 3}),
    "on time within": (orchestrate, {"objective": 1 * sec}),
}


@pytest.mark.parametrize("row", SAID)
def test_what_is_said_of_a_style_shows(row):
    style, how = SAID[row]
    assert row.partition(",")[0] in different(style(sequence(services())), style(sequence(services()), **how))


def test_what_is_said_of_a_process_shows():
    def shape(**how):
        return Process("order", sequence(services()).steps.values(), **how)

    for style in STYLES.values():
        assert different(style(shape()), style(shape(again=Retry(1)))) != []
    for style in (orchestrate, choreograph, monolith):
        assert different(style(shape()), style(shape(pivot="charge"))) != []


def test_a_program_that_does_branches_in_a_row_says_so():
    side, row = (style(diamond(services())) for style in (orchestrate, monolith))
    flow = explain(side, row).loc["knows the flow"].astype(str)
    assert not flow.iloc[0].count("one after another") and "monolith, one after another: " in flow.iloc[1]
    line = (
        explain(*(style(sequence(services())) for style in (orchestrate, monolith))).loc["knows the flow"].astype(str)
    )
    assert not line.str.contains("one after another").any()


def when(limit):
    """Return a process whose second step is for some orders only."""
    shop = services()
    steps = [step(shop, "reserve"), step(shop, "charge", after="reserve", when=lambda order: order.number > limit)]
    return Process("order", [*steps, step(shop, "ship", after="charge")])


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_another_condition_shows(style):
    assert different(style(when(3)), style(when(3))) == []
    assert "what handlers do" in different(style(when(3)), style(when(4)))


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_distribution_is_more_than_its_mean(style):
    """Half of the work, and nothing but hops, of another shape."""
    plain = style(sequence(services(takes=Exponential(20))))
    assert different(plain, style(sequence(services(takes=Constant(20))))) == ["work"]
    hops = style(sequence(services(takes=Exponential(20), network=Constant(1))))
    assert different(plain, hops) == ["a hop takes"]


def test_commands_and_events_are_two_styles_though_nobody_waits_in_either():
    odd = different(commanded(branched(services())), choreograph(branched(services())))
    assert {"knows the flow", "hears", "tells", "lasts"} <= {*odd}


# Nothing is left out


def world():
    """Return a system with a waiting caller, a broker, and a reader."""
    system = System("world", network=1)
    work = system.service("back", workers=2).operation(takes=10, name="work")(lambda ctx, job: "done")

    @system.service("front", workers=2).operation(publishes="job.placed")
    def place(ctx, job):
        yield ctx.call(work, job)
        ctx.publish("job.placed", job)

    system.service("mail", workers=2).on("job.placed", takes=5, publishes="job.done")(lambda ctx, job: None)
    system.broker()
    system.accepts("job", place, done="job.done")
    return system


SERVICE = {
    "workers": 3, "queue": 1, "blocking": False, "state": {"stock": 3}, "durable": True, "failover": 5.0,
    "patience": 5.0, "decides": 1.0, "volatile": True, "outbox": 0.0,
    "replicas": 2,
}  # fmt: skip
BROKER = {
    "latency": Constant(40.0), "carries": ("job.placed", "job.done"), "workers": 1, "durable": False, "failover": 5.0,
    "redelivers": 9.0, "replicas": 2,
}  # fmt: skip
READER = {
    "service": "back", "name": "read", "function": lambda ctx, job: ctx.effect("read"), "takes": Constant(6.0),
    "work": "reading", "publishes": ("job.done", "job.read"), "calls": ("back.work",), "undoes": "work",
    "idempotent": True, "module": "letters", "topics": ("job.placed", "job.done"), "when": lambda job, come: True,
    "workers": 3, "poll": 5.0, "retry": Retry(1), "acknowledge": "before", "key": lambda job: job.number, "replay": 5.0,
    "group": "letters",
}  # fmt: skip
ENTRY = {"kind": "order", "objective": 5.0, "done": "job.placed", "failed": "job.failed"}


@pytest.mark.parametrize("word", SERVICE)
def test_all_that_may_be_said_of_a_service_shows(word):
    assert vars(Service("plain")).keys() - {"name", "home", "operations", "subscriptions"} == SERVICE.keys()
    other = world()
    setattr(other.services["front"], word, SERVICE[word])
    assert different(world(), other) != []


def test_limits_of_a_queue_are_said_to_be_for_calls():
    """What a broker delivers is not counted, and so the same limit means another thing in another style."""
    limited = world()
    limited.service("desk", queue=2, patience=5)
    queues = explain(world(), limited).loc["queues"].tolist()
    assert queues == ["default", "of calls: desk queue=2, patience=5.0", False]


@pytest.mark.parametrize("word", BROKER)
def test_all_that_may_be_said_of_a_broker_shows(word):
    assert {field.name for field in fields(Broker)} - {"name"} == BROKER.keys()
    other = world()
    other._brokers["broker"] = replace(other._brokers["broker"], **{word: BROKER[word]})
    assert different(world(), other) == ["broker"]
    other = world()
    other.broker("another")
    assert different(world(), other) == ["broker"]


@pytest.mark.parametrize("word", READER)
def test_all_that_may_be_said_of_a_reader_shows(word):
    assert {field.name for field in fields(Subscription)} - {"home"} == READER.keys()
    other = world()
    mail = other.services["mail"]
    mail.subscriptions["job.placed"] = replace(mail.subscriptions["job.placed"], **{word: READER[word]})
    assert different(world(), other) != []


@pytest.mark.parametrize("word", ENTRY)
def test_all_that_may_be_said_of_where_requests_enter_shows(word):
    assert {field.name for field in fields(Entry)} - {"operation"} == ENTRY.keys()
    other = world()
    other.entries["job"] = replace(other.entries["job"], **{word: ENTRY[word]})
    assert different(world(), other) != []


def linked(system):
    system.link("front", "broker", 200)


def guarded(system):
    system.guard(to="back", timeout=50)


def entering_elsewhere(system):
    system.accepts("job", system.find("back.work"), done="job.done")


def with_more(system):
    system.services["back"].operation(name="more")(lambda ctx, job: None)


def in_another_order(system):
    system.services["back"] = system.services.pop("back")


SYSTEM = {
    "links": linked, "policies": guarded, "begins and ends": entering_elsewhere, "what handlers do": with_more,
    "services": in_another_order,
}  # fmt: skip


@pytest.mark.parametrize("row", SYSTEM)
def test_all_that_may_be_said_of_a_system_shows(row):
    other = world()
    SYSTEM[row](other)
    assert row in different(world(), other)


def test_handlers_of_one_name_that_do_something_else_are_named_in_both():
    def bank(amount):
        system = System("bank")
        system.service("desk").operation(name="pay")(lambda ctx, order: ctx.effect("paid", amount))
        return system

    said = explain(bank(1), bank(2)).loc["what handlers do"]
    assert list(said) == ["desk.pay", "desk.pay", False]
    assert list(explain(bank(1), bank(1)).loc["what handlers do"]) == ["alike", "alike", True]


def test_an_operation_and_a_reader_of_one_name_are_two():
    def bank(amount):
        system = System("bank")
        desk = system.service("desk")
        desk.on("order.placed", name="pay")(lambda ctx, order: ctx.effect("paid", amount))
        desk.on("order.changed", name="pay")(lambda ctx, order: ctx.effect("paid", amount))
        desk.operation(name="pay", publishes="order.placed")(lambda ctx, order: ctx.publish("order.placed", order))
        return system

    said = explain(bank(1), bank(2))
    assert said.loc["what handlers do"].iloc[0] == "desk.pay on order.changed"
    assert said.loc["hears"].iloc[0] == "desk.pay on order.changed"
    assert said.loc["tells"].iloc[0] == "desk.pay tells order.placed"


def test_what_a_part_remembers_at_the_start_shows_in_every_style():
    def shelf(stock):
        shop = System("shop")
        home = shop.service("inventory", state={"stock": stock})
        return Process("order", [Step(home.operation(name="reserve")(lambda ctx, order: None))])

    for style in STYLES.values():
        assert different(style(shelf(1)), style(shelf(2))) == ["memory"]
    assert explain(monolith(shelf(1)), orchestrate(shelf(1))).loc["memory", "same"]
