"""Which steps dance and which are conducted is a question of style: what comes of an order is not."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal import (
    Crash,
    Evenly,
    ModelError,
    Poisson,
    Process,
    Refused,
    Step,
    System,
    blend,
    blends,
    choreograph,
    monolith,
    ms,
    orchestrate,
    run,
    sec,
)  # fmt: skip
from rehearsal.effects import totals
from tests.processes import branched, sequence, services, step
from tests.systems import columns, rows


def saga(shape, takes=None, conditions=(), optional=(), homes=None):
    """Return a process of steps that can be undone: {name: the names it comes after}; each at its home, or its own.

    Every order is refused by others: the first by nobody, then by each step alone, then by each two of them.
    """
    shop, steps = System("shop", network=1.0), []
    who = [set(names) for size in (0, 1, 2) for names in combinations(shape, size)]
    for name, after in shape.items():

        def body(ctx, order, name=name):
            if name in who[order.number]:
                raise Refused(f"no {name}")

        place = (homes or {}).get(name, f"{name} service")
        home = shop.services.get(place) or shop.service(place, workers=20)
        work = home.operation(takes=(takes or {}).get(name, 10), name=name)(body)
        undo = home.operation(takes=5, name=f"undo {name}", undoes=name)(lambda ctx, order: None)
        when = (lambda order: order.number % 3 != 1) if name in conditions else None
        how = {"optional": True} if name in optional else {"undo": undo}
        steps.append(Step(work, after=after, when=when, **how))
    return Process("order", steps), who


def check_every_style(shape, **how):
    """Assert what comes of every order, and that no effect was ever done twice or undone before it was done."""
    process, who = saga(shape, **how)
    required = {name for name, step in process.steps.items() if not step.optional}
    load = Evenly("order", every=1 * sec, count=len(who))
    styles = {"calls": orchestrate(process), "dance": choreograph(process), "monolith": monolith(process)}
    for style, system in styles.items() | {str(b): blend(process, b) for b in blends(process)}.items():
        result = run(system, load)
        sums: dict = {}
        for effect in result.effects:
            place = effect.request, effect.name
            sums[place] = sums.get(place, 0) + effect.amount
            assert sums[place] in (0, 1), (style, place, who[effect.request])
        for row, (fate, payload) in enumerate(zip(result.fates(), map(result.payload, range(len(who))), strict=True)):
            todo = {name for name in required if process.steps[name].applies(payload)}
            left = {name for name in required if sums.get((row, name))}
            undone = any(effect.amount < 0 for effect in result.effects if effect.request == row)
            bad = (
                "compensated" if undone else "refused"
            )  # who only looked whether there is anything to undo undid nothing
            expected = (set(), bad) if who[row] & todo else (todo, "on time")
            assert (left, fate) == expected, (style, who[row])


SHAPES = {
    "sequence": {"a": (), "b": "a", "c": "b"},
    "two after one": {"a": (), "b": "a", "c": "a"},
    "diamond": {"a": (), "b": "a", "c": "a", "d": ("b", "c")},
    "from the start": {"a": (), "b": (), "c": "a"},
    "two strands": {"a": (), "b": "a", "c": (), "d": "c"},
}
TIMES = {"alike": {}, "b slow": {"b": 50}, "b quick": {"b": 1}, "c slow": {"c": 50}}


@pytest.mark.parametrize("takes", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_whoever_refuses_every_blend_leaves_the_same(shape, takes):
    check_every_style(shape, takes=takes)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_one_service_may_do_all_the_steps(shape):
    """Whoever dances there hears one fact for several reasons, to do and to undo, and reacts to it once for each."""
    check_every_style(shape, homes=dict.fromkeys(shape, "one for all"))


@st.composite
def shapes(draw):
    """Draw up to four steps, one after another or side by side, here or there, some on a condition, some optional."""
    names, shape, optional = "abcd"[: draw(st.integers(2, 4))], {}, set()
    for number, name in enumerate(names):
        before = [other for other in names[:number] if other not in optional]
        shape[name] = tuple(draw(st.lists(st.sampled_from(before), unique=True, max_size=2))) if before else ()
        optional |= {name} if number and draw(st.sampled_from([False, False, False, True])) else set()
    takes = {name: draw(st.sampled_from([1, 5, 20, 50])) for name in names}
    conditions = {name for name in names[1:] if draw(st.booleans())}
    homes = {name: draw(st.sampled_from(["here", "there", name])) for name in names}
    return shape, {"takes": takes, "conditions": conditions, "optional": optional, "homes": homes}


@settings(max_examples=25, derandomize=True, deadline=None)
@given(shapes())
def test_every_blend_of_any_process_leaves_the_same(drawn):
    shape, how = drawn
    check_every_style(shape, **how)


def test_nothing_is_undone_that_was_never_done_though_a_dancer_and_the_conductor_both_undo():
    """Charge and mail both refuse: the reservation is undone once, and there was no charge to undo."""
    shop = services(takes=10, network=1.0, refuses={"charge": 1, "notify": 1})
    process = Process("order", [
        step(shop, "reserve", undo="release"),
        step(shop, "charge", after="reserve", undo="refund"), step(shop, "notify", after="reserve"),
    ])  # fmt: skip
    result = run(blend(process, events=["notify"]), Evenly("order", every=1 * sec, count=1))
    assert [(effect.name, effect.amount) for effect in result.effects] == [("reserve", 1), ("reserve", -1)]


@pytest.mark.parametrize("dancing", blends(branched(services())), ids=str)
@pytest.mark.parametrize("refusing", ["reserve", "charge", "ship", "notify"])
def test_every_blend_ends_every_order_alike(dancing, refusing):
    """While mail is down for a second, what is called fails, and what dances comes later."""
    process = branched(services(refuses={refusing: 3}))
    bad = [n for n in range(300) if n % 3 == 2]
    load = Poisson("order", every=50 * ms, count=300)
    calm, storm = (
        run(blend(process, events=dancing), load, seed=2, faults=faults)
        for faults in ((), [Crash("mail", at=4 * sec, lasting=1 * sec)])
    )
    for result, failed in ((calm, 0), (storm, 0 if "notify" in dancing else 25)):
        fates = ["on time" if fate == "on time" else "undone" for fate in result.fates()]
        undone = [n for n, fate in enumerate(fates) if fate == "undone"]
        assert set(bad) <= set(undone) and len(undone) <= len(bad) + failed
        left = totals(result.effects)
        for row, fate in enumerate(fates):
            for name in ("reserve", "charge"):  # which can be undone
                assert left.get(row, {}).get(name, 0) == (fate == "on time")


def test_a_blend_of_nothing_is_orchestrated_and_one_of_everything_dances():
    process, load = branched(services()), Poisson("order", every=50 * ms, count=300)
    assert columns(run(blend(process), load)) == columns(run(orchestrate(process), load))
    all_of_them = blend(process, events=process.steps)
    assert columns(run(all_of_them, load)) == columns(run(choreograph(process), load))


def test_what_comes_after_a_dancer_has_to_dance():
    with pytest.raises(ModelError, match="ship has to dance as well"):
        blend(sequence(services()), events=["charge"])
    with pytest.raises(ModelError, match="did you mean 'ship'"):
        blend(sequence(services()), events=["shp"])


@pytest.mark.parametrize("events", [(), ("ship",), ("reserve", "charge", "ship")], ids=len)
def test_what_a_blend_does_not_know_it_refuses_whoever_dances(events):
    process = sequence(services())
    with pytest.raises(TypeError, match="durabel"):
        blend(process, events=events, durabel=True)
    with pytest.raises(ValueError, match="by of blend is 'calls', not 'commands'"):
        blend(process, events=events, by="commands")


def test_an_optional_step_that_dances_holds_nobody_up():
    shop = services(takes=10, network=0.0)
    process = Process("order", [
        step(shop, "reserve"), step(shop, "ship", after="reserve"),
        step(shop, "notify", after="reserve", optional=True),
    ])  # fmt: skip
    load = Evenly("order", every=1 * sec, count=20)
    result = run(blend(process, events=["notify"]), load, faults=[Crash("mail", at=0, lasting=60 * sec)])
    assert set(result.fates()) == {"on time"}
    assert sum(row.outcome == "ok" for row in rows(result, target="mail")) == 20
