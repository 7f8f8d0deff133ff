"""What a change of the flow touches in each style: few, and worked out by hand.

The flow is reserve (inventory), charge (payment), ship (shipping), one after another; there are no undos, and a dance
tells no failures: they would add who hears of them. Where the flow is written down decides the cost: one service knows
all of it (a conductor, a monolith), each knows whom it asks (a chain), or each knows what it waits for (a dance).
"""

import pytest

from rehearsal import Process, System, blend, chain, changes, choreograph, monolith, orchestrate
from tests.processes import services, step

SHOP = services()
ALWAYS = ("reserve", "charge", "ship")


def flow(names=ALWAYS, events=(), optional=(), when=(), after=None):
    """Return a process of steps one after another; some tell another event, are optional, or have a condition."""
    steps = []
    for place, name in enumerate(names):
        how = {"event": dict(events).get(name, ""), "optional": name in optional, "when": dict(when).get(name)}
        before = names[:place][-1:] if after is None else after[name]
        steps.append(step(SHOP, name, after=before, **how))
    return Process("order", steps)


def danced(process):
    """Return the process by events, without those that tell of a failure."""
    return choreograph(process, failures=False)


def blended(process):
    """Return the process with shipping danced, and mail where nobody waits for it; the others are conducted."""
    dancing = [name for name, step in process.steps.items() if name == "ship" or step.optional]
    return blend(process, events=dancing, failures=False)


def commanded(process):
    """Return the process conducted by commands and replies."""
    return orchestrate(process, by="commands")


STYLES = {"monolith": monolith, "chain": chain, "calls": orchestrate, "commands": commanded}
STYLES |= {"dance": danced, "blend": blended}


def touched(style, before, after):
    """Return {service: how many of its handlers, subscriptions and entries a change touches}."""
    return changes(STYLES[style](before), STYLES[style](after)).groupby("service").size().to_dict()


PLAIN = flow()
CHANGES = {
    # A step between reserve and charge: its service gets a handler. Who knows the flow changes: in the chain inventory,
    # which asks another now; in the dance payment, which drops a subscription and takes another.
    "insert": flow(("reserve", "notify", "charge", "ship")),
    # No charge: payment loses its handler. In the dance, and in the blend, shipping waits for another event.
    "remove": flow(("reserve", "ship")),
    # Charge before reserve. In the chain orders come in at payment now, an entry there for one at inventory, and both
    # ask another. In the dance each of the three drops an event and takes another.
    "reorder": flow(("charge", "reserve", "ship")),
    # `charge.done` gets another name. Where somebody conducts there is no such event. In the dance payment tells it, in
    # the blend the conductor does, and shipping drops one and takes the other.
    "rename": flow(events={"charge": "payment.taken"}),
    # A further reader for whom nobody waits. Who conducts has to ask it; in a dance nobody else knows of it.
    "consumer": flow((*ALWAYS, "notify"), optional=("notify",)),
}
COSTS = {
    "monolith": {"insert": {"monolith": 2}, "remove": {"monolith": 2}, "reorder": {"monolith": 1}, "rename": {},
                 "consumer": {"monolith": 2}},
    "chain": {"insert": {"inventory": 1, "mail": 1}, "remove": {"inventory": 1, "payment": 1},
              "reorder": {"inventory": 2, "payment": 2}, "rename": {}, "consumer": {"shipping": 1, "mail": 1}},
    "calls": {"insert": {"orders": 1, "mail": 1}, "remove": {"orders": 1, "payment": 1}, "reorder": {"orders": 1},
              "rename": {}, "consumer": {"orders": 1, "mail": 1}},
    "commands": {"insert": {"orders": 1, "mail": 1}, "remove": {"orders": 1, "payment": 1}, "reorder": {"orders": 1},
                 "rename": {}, "consumer": {"orders": 1, "mail": 1}},
    "dance": {"insert": {"mail": 1, "payment": 2}, "remove": {"payment": 1, "shipping": 2},
              "reorder": {"inventory": 2, "payment": 2, "shipping": 2}, "rename": {"payment": 1, "shipping": 2},
              "consumer": {"mail": 1}},
    "blend": {"insert": {"orders": 1, "mail": 1}, "remove": {"orders": 1, "payment": 1, "shipping": 2},
              "reorder": {"orders": 1, "shipping": 2}, "rename": {"orders": 1, "shipping": 2}, "consumer": {"mail": 1}},
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("style", STYLES)
def test_the_cost_of_a_change_is_what_can_be_worked_out_by_hand(style, change):
    assert touched(style, PLAIN, CHANGES[change]) == COSTS[style][change]
    back = touched(style, CHANGES[change], PLAIN)
    assert back == COSTS[style][change]  # and it costs as much to take it back


@pytest.mark.parametrize("style", STYLES)
def test_what_is_not_changed_costs_nothing(style):
    assert touched(style, PLAIN, flow()) == {}
    odd = {"charge": lambda order: order.number % 2}
    assert touched(style, flow(when=odd), flow(when={"charge": lambda order: order.number % 2})) == {}


def test_a_chain_says_what_is_touched():
    found = changes(chain(PLAIN), chain(CHANGES["reorder"]))
    assert [tuple(row) for row in found.sort_values(["service", "what"]).itertuples(index=False)] == [
        ("inventory", "entry", "order", "removed"), ("inventory", "operation", "reserve", "changed"),
        ("payment", "entry", "order", "added"), ("payment", "operation", "charge", "changed"),
    ]  # fmt: skip


# The end of the flow: somebody waits for it

LAST = {
    "a last event of another name": flow(events={"ship": "order.shipped"}),
    "a further last step": flow((*ALWAYS, "notify")),
}


@pytest.mark.parametrize("change", LAST)
def test_in_a_dance_whoever_answers_for_the_order_waits_for_another_event(change):
    """`orders` says to its clients when an order is done, and that is when the last event comes."""
    found = changes(danced(PLAIN), danced(LAST[change]))
    assert ("orders", "entry", "order", "changed") in {tuple(row) for row in found.itertuples(index=False)}
    newcomer = {"shipping": 1} if "event" in change else {"mail": 1}
    assert touched("dance", PLAIN, LAST[change]) == {"orders": 1, **newcomer}


# What is known of a step: when it is done at all, and whether anybody waits

ODD = flow(when={"charge": lambda order: order.number % 2})
THIRD = flow(when={"charge": lambda order: order.number % 3})


@pytest.mark.parametrize(("style", "who"), [
    ("monolith", {"monolith": 1}), ("calls", {"orders": 1}), ("commands", {"orders": 1}),
    ("chain", {"inventory": 1}),  # which asks payment or shipping
    ("dance", {"payment": 1, "shipping": 2}),  # who waits for the charge has to know whether it comes
    ("blend", {"orders": 1, "shipping": 2}),
])  # fmt: skip
def test_another_condition_touches_whoever_has_to_know_it(style, who):
    assert touched(style, ODD, THIRD) == who


@pytest.mark.parametrize("style", ["monolith", "calls", "commands", "chain"])
def test_a_first_condition_touches_whoever_has_to_know_it(style):
    found = touched(style, PLAIN, ODD)
    assert found == {"monolith": {"monolith": 1}, "chain": {"inventory": 1}}.get(style, {"orders": 1})


def test_in_a_dance_a_first_condition_makes_shipping_wait_for_either_event():
    assert touched("dance", PLAIN, ODD) == {"payment": 1, "shipping": 2}


@pytest.mark.parametrize("style", ["monolith", "calls", "commands", "chain"])
def test_it_costs_as_much_to_make_a_step_optional(style):
    found = touched(style, PLAIN, flow(optional=("ship",)))
    assert found == {"monolith": {"monolith": 1}, "chain": {"payment": 1}}.get(style, {"orders": 1})


def test_a_dancer_that_starts_with_the_order_hides_nothing_of_what_the_conductor_knows():
    """Mail dances from the start; the conductor's steps are turned from a sequence to side by side."""
    names, serial = (*ALWAYS, "notify"), {"reserve": (), "charge": "reserve", "ship": "charge", "notify": ()}
    before, after = (
        blend(flow(names, optional=("notify",), after=serial | turned), events=["notify"], failures=False)
        for turned in ({}, {"charge": ()})
    )
    assert list(changes(before, after).itertuples(index=False, name=None)) == [
        ("orders", "operation", "place", "changed")
    ]


# By hand


def by_hand(*names):
    """Return a conductor that asks for these, written by hand."""
    shop = System("by hand")
    asked = [shop.service(name).operation(name=name)(lambda ctx, order: None) for name in sorted(names)]
    first, second = (asked[sorted(names).index(name)] for name in names)

    @shop.service("orders").operation()
    def place(ctx, order):
        yield ctx.call(first, order)
        yield ctx.call(second, order)

    shop.accepts("order", place)
    return shop


def test_what_a_handler_written_by_hand_asks_is_read_from_its_code():
    found = changes(by_hand("reserve", "charge"), by_hand("charge", "reserve"))
    assert [tuple(row) for row in found.itertuples(index=False)] == [("orders", "operation", "place", "changed")]


def test_the_order_in_which_a_handler_names_its_topics_is_no_change():
    before, after = choreograph(PLAIN), choreograph(CHANGES["reorder"])
    found = changes(before, after)
    assert "cancel" not in {name.partition(" on ")[0] for name in found.name} and len(found)
