"""Random processes in every style, under random faults of every kind: the worlds of the property tests, with a plot."""

from hypothesis import strategies as st

from rehearsal import (
    Closed,
    Evenly,
    Poisson,
    Process,
    Retry,
    blend,
    blends,
    chain,
    choreograph,
    monolith,
    orchestrate,
)
from tests.catalogue import catalogue
from tests.processes import branched, diamond, sequence, services
from tests.worlds import COPIES, HOPS, RARELY, storms

SAFE = {
    "idempotent": st.sampled_from([None, True]),
    "outbox": st.sampled_from([None, 0, 15]),
    "careful": st.sampled_from([True, True, False]),
}
CALLS = {"timeout": st.sampled_from([None, 90]), "retry": st.sampled_from([None, Retry(2, wait=9, jitter="full")])}
CONDUCTOR = {
    "durable": st.sampled_from([True, True, False]),
    "blocking": st.booleans(),
    "decides": st.sampled_from([0, 2]),
}
STYLES = {
    "calls": {**SAFE, **CALLS, **CONDUCTOR, "undos": st.sampled_from(["reverse", "together"])},
    "commands": {**SAFE, "durable": st.sampled_from([True, False]), "decides": st.sampled_from([0, 2])},
    "events": {**SAFE, "retry": st.sampled_from([Retry(1), Retry(4)]), "timeout": st.sampled_from([None, 500])},
    "monolith": {"replicas": st.integers(1, 2)},
    "blend": {**SAFE, **CALLS, **CONDUCTOR},
    "chain": CALLS,
}
LOADS = st.sampled_from(
    [
        Poisson("order", every=30, count=9),
        Evenly("order", every=40, count=6),
        Closed("order", users=2, think=9, count=4),
    ]
)


@st.composite
def plots(draw, style, numbered):
    """Draw a process that a style can stage; it may refuse some of what is `numbered`, and may have a pivot."""
    steps = st.sampled_from(["reserve", "charge", "ship"])
    refuses = draw(st.dictionaries(steps, st.integers(2, 4), max_size=int(numbered)))
    homes = dict.fromkeys(("charge", "refund", "ship"), "inventory") if draw(RARELY) else {}  # three jobs at one desk
    homes = {} if style == "chain" else homes  # who would wait for itself
    shop = services(network=draw(HOPS), workers=draw(st.integers(1, 3)), refuses=refuses.items(), homes=homes)
    if style in ("calls", "commands", "events", "blend") and draw(RARELY):  # and a standby for them
        shop.service("orders", workers=draw(st.integers(1, 3)), durable=draw(RARELY), failover=15)
    shape = sequence if style == "chain" else draw(st.sampled_from([sequence, branched, diamond]))
    process = shape(shop)
    turns = shape is sequence and draw(RARELY)
    if turns and style != "chain":  # which cannot know what is beyond it
        return Process("order", process.steps.values(), pivot="charge", tail=Retry(2, wait=20))
    return process


@st.composite
def staged(draw, numbered=True):
    """Draw a process in one of the styles."""
    style = draw(st.sampled_from([*STYLES, "calls", "commands", "events", "monolith"]))
    process, how = draw(plots(style, numbered)), draw(st.fixed_dictionaries(STYLES[style]))
    if style == "events" and process.pivot is not None:
        how["timeout"] = None  # who hears nothing cannot know whether the pivot is done
    if style == "blend":
        return blend(process, draw(st.sampled_from(blends(process))), objective=300, **how)
    if style in ("calls", "commands"):
        return orchestrate(process, by=style, objective=300, **how)
    return {"events": choreograph, "monolith": monolith, "chain": chain}[style](process, objective=300, **how)


@st.composite
def plays(draw):
    """Draw (system, load, faults, seed): a process in some style."""
    load = draw(LOADS)
    system = draw(staged(numbered=not load.closed))
    if "orders" in system.services:
        system.services["orders"].replicas = draw(COPIES)
    return system, load, draw(catalogue(system, load)), draw(st.integers(0, 99))


ANY = storms() | plays() | plays()
