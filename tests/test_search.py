"""The search: the shortest sequence of faults that breaks an invariant, and what was covered where there is none."""

import os
import subprocess
import sys
import warnings
from functools import partial
from itertools import combinations

import pytest

from rehearsal import (
    Crash,
    CrashAt,
    Delay,
    DesignWarning,
    Drop,
    Duplicate,
    Errors,
    Evenly,
    Exponential,
    Failed,
    ModelError,
    Mute,
    Partition,
    Retry,
    Slow,
    System,
    Times,
    chain,
    choreograph,
    minute,
    monolith,
    orchestrate,
    run,
)  # fmt: skip
from rehearsal.effects import tally
from rehearsal.invariants import (
    all_or_nothing,
    always,
    as_told,
    check,
    conserved,
    first_breach,
    never_twice,
    nobody_parked,
    nobody_waits,
    nothing_negative,
    only_with,
    returns,
)  # fmt: skip
from rehearsal.search import DOWN, KINDS, LATE, Nothing, break_it, catalogue, paste, under_each
from rehearsal.search.schedules import drawn, every, fits, length, number, shrunk
from tests.processes import diamond, sequence, services
from tests.systems import caller

ONE, TWO = Times("order", at=[0]), Times("order", at=[0, 30])
ALL = (
    all_or_nothing, never_twice, nothing_negative, nobody_waits, nobody_parked, only_with("ship", "charge"),
    returns("reserve"), returns("charge"),
)  # fmt: skip
AGAIN = {"timeout": 200, "retry": Retry(5, wait=100, factor=2)}  # longer than any crash of the catalogue
SAFE = {"idempotent": True, "outbox": 0}


def process(**how):
    return sequence(services(network=1, takes=10, **how))


def hunt(system, invariants=ALL, load=TWO, **how):
    return break_it(system, load, invariants, progress=False, **how)


def only(*kinds, **how):
    """Return a catalogue of some kinds of faults."""
    return partial(catalogue, kinds=kinds, **how)


# What it finds


def test_the_failure_event_that_nobody_hears():
    """Without any fault: a parcel that cannot be sent is enough."""
    found = hunt(choreograph(process(refuses={"ship": 1}), failures=False))
    assert found and found.faults == () and found.runs == 1
    assert found.said == "request 0 is half-done: charge ×1, reserve ×1, but no ship"
    assert not hunt(choreograph(process(refuses={"ship": 1}), **SAFE))


def paying(**how):
    """Return a shop, written by hand, that asks for the money again where it hears nothing."""
    shop = System("shop", network=1)
    till = shop.service("till").operation(takes=10, name="charge", **how)(lambda ctx, order: ctx.effect("charge"))

    @shop.service("orders", durable=True).operation()
    def place(ctx, order):
        yield ctx.call(till, order, timeout=100, retry=Retry(5, wait=500))

    shop.accepts("order", place)
    return shop


def test_the_double_charge_without_an_idempotency_key():
    found = hunt(paying(), never_twice)
    assert found.said == "request 0 has charge 2 times"
    assert found.faults == (Duplicate(("orders", "till"), at=1, lasting=0.001, ways="there"),)
    (lost,) = hunt(paying(), never_twice, faults=only(Drop)).faults
    assert lost == Drop(("orders", "till"), at=12, lasting=0.001, ways="back")  # the answer, not the question
    (crash,) = hunt(paying(), never_twice, faults=only(CrashAt)).faults
    assert crash == CrashAt("till", "charge", "after", lasting=1000)


def test_with_a_key_and_a_conductor_that_lasts_nobody_is_charged_twice():
    assert not hunt(paying(idempotent=True), [never_twice, nobody_waits, all_or_nothing])


def test_the_lost_event_of_a_dual_write():
    """The stock is reserved, the crash comes before the event: the second delivery finds it done and says nothing."""
    found = hunt(choreograph(process(), idempotent=True), faults=only(CrashAt))
    assert found.faults == (CrashAt("inventory", "reserve", lasting=1000),)
    assert found.said == "request 0 is half-done: reserve ×1, but no charge, ship"
    assert not hunt(choreograph(process(), **SAFE))


def test_the_undo_that_overtakes_its_step():
    bare = orchestrate(process(), timeout=200, careful=False)
    found = hunt(bare, nothing_negative, faults=only(Delay))
    assert found.said == "request 0 has reserve undone that was not done"
    assert found.paste == "[Delay(('orders', 'inventory'), 60000.0, at=1.0, lasting=0.001, ways='there')]"
    assert not hunt(orchestrate(process(), timeout=200), nothing_negative, faults=only(Delay))


def test_a_step_without_an_undo_that_comes_after_all():
    """Who gives up on the parcel gives the money back, and the parcel leaves: there is no way to be careful."""
    found = hunt(orchestrate(process(), timeout=200), faults=only(Delay))
    assert found.said == "request 0 has ship without charge"
    assert not hunt(orchestrate(process(), idempotent=True, **AGAIN), faults=only(Delay))


def test_the_lost_memory_of_an_orchestrator():
    bare = orchestrate(process(), by="commands", **SAFE)
    found = hunt(bare, faults=only(CrashAt, Crash))
    assert [fault.service for fault in found.faults] == ["orders"]
    assert found.said == "request 0 is half-done: reserve ×1, but no charge, ship"
    assert not hunt(orchestrate(process(), by="commands", durable=True, **SAFE))


# What it does not find


@pytest.mark.parametrize("refuses", [{}, {"ship": 2}, {"charge": 2}])
def test_nothing_in_the_conducted_saga_with_keys_outbox_and_durable_progress(refuses):
    found = hunt(orchestrate(process(refuses=refuses), durable=True, **SAFE, **AGAIN))
    assert isinstance(found, Nothing) and not found
    _, single = found.covered
    assert single.tried == single.schedules > 70


def test_nothing_where_a_step_waits_for_several_events():
    """A delivery that was lost on its way and comes again is no sign that all the others have come."""
    assert not hunt(choreograph(diamond(services(network=1, takes=10)), **SAFE))


@pytest.mark.parametrize("refuses", [{}, {"ship": 2}, {"charge": 2}])
@pytest.mark.parametrize(
    "style", [choreograph, partial(orchestrate, by="commands", durable=True)], ids=["dance", "commands"]
)
def test_nothing_in_the_sagas_by_messages_with_keys_and_outbox(style, refuses):
    found = hunt(style(process(refuses=refuses), **SAFE))
    assert isinstance(found, Nothing) and found.covered[1].tried == found.covered[1].schedules > 50


def test_every_single_fault_leaves_every_order_whole_or_undone_in_both_styles():
    for style in (partial(orchestrate, durable=True, **AGAIN), choreograph):
        shop = style(process(refuses={"ship": 2}), **SAFE)
        for fault, struck in under_each(shop, TWO).items():
            counts = tally(struck)
            # A client that is cut off in the middle is told that it failed, and the order goes on.
            assert counts["whole"] + counts["undone"] + counts["unreported"] == 2, fault


# What it covers


def test_the_moments_of_a_calm_run_can_be_counted():
    """One call that asks one other: each message there and back, each piece of work, each wait."""
    calm = run(caller(network=1, takes=10), Times("job", at=[5]))
    found = catalogue(calm)
    kinds = {kind: sum(type(fault) is kind for fault in found) for kind in KINDS}
    # Two pieces of work of three moments; one wait; an error each; whoever does not answer the client can be mute;
    # the one message between services there and back; and there twice.
    assert kinds == {CrashAt: 6, Crash: 1, Errors: 2, Mute: 1, Drop: 2, Duplicate: 1, Delay: 2}
    assert catalogue(calm, kinds=(Drop,)) == (
        Drop(("front", "back"), at=6, lasting=0.001, ways="there"),
        Drop(("front", "back"), at=17, lasting=0.001, ways="back"),
    )
    assert len(catalogue(calm, client=True)) == len(found) + 6


def test_a_broker_goes_down_with_a_message_in_hand():
    calm = run(choreograph(process()), ONE)
    crashes = catalogue(calm, kinds=(Crash,))
    assert [(c.service, c.at) for c in crashes] == [("broker", 2), ("broker", 14), ("broker", 26), ("broker", 38)]


def test_every_fault_of_a_catalogue_strikes_something():
    """Up to its moment a run with a fault is the calm run, so none misses: each changes the trace."""
    for style in (orchestrate, choreograph, partial(orchestrate, by="commands")):
        calm = run(style(process()), TWO).spans()
        for fault, struck in under_each(style(process()), TWO).items():
            assert not calm.equals(struck.spans()), fault


IN_PROCESS = {"monolith": monolith, "chain": chain, "dance": choreograph, "clock": partial(choreograph, timeout=300)}


@pytest.mark.parametrize("style", IN_PROCESS.values(), ids=IN_PROCESS)
def test_no_fault_misses_where_steps_are_undone_or_done_in_process(style):
    """A message that only waits for others is no work: nothing can strike it but a crash as it comes in."""
    calm = run(style(process(refuses={"ship": 1})), ONE)
    for fault, struck in under_each(style(process(refuses={"ship": 1})), ONE).items():
        down = isinstance(fault, CrashAt) and fault.moment == "before" and struck.outages
        assert down or not calm.spans().equals(struck.spans()), fault


def slept(*deeds):
    """Return a dance by hand whose till looks for its key, and does these deeds 5 ms apart."""
    shop = System("by hand", network=1)
    desk, till, van = shop.service("desk", outbox=0), shop.service("till", outbox=0), shop.service("van", outbox=0)

    @desk.operation(publishes="placed")
    def place(ctx, order):
        ctx.publish("placed", order)

    @till.on("placed", takes=5, publishes="paid", name="pay")
    def pay(ctx, order):
        if order in ctx.state:
            return
        for deed in deeds:
            yield ctx.sleep(5)
            if deed == "effect":
                ctx.effect("pay")
            elif deed == "key":
                ctx.state[order] = True
            else:
                ctx.publish("paid", order)

    @van.on("paid", publishes="sent", name="send", idempotent=True)
    def send(ctx, order):
        ctx.effect("ship")
        ctx.publish("sent", order)

    shop.accepts("order", place, done="sent")
    return shop


@pytest.mark.parametrize(
    ("deeds", "words"),
    [
        (("effect", "key", "event"), "request 0 has pay 2 times"),
        (("key", "effect", "event"), "request 0 waits for ever: it is stuck"),
        (("event", "effect", "key"), "request 0 has ship 2 times"),
    ],
)
def test_a_crash_strikes_in_the_middle_of_every_pause(deeds, words):
    """Between the effect and its key there is nothing but a pause, and no message tells of it."""
    found = hunt(slept(*deeds), [never_twice, nobody_waits], load=ONE, faults=only(Crash))
    (crash,) = found.faults
    assert (crash.service, found.said) == ("till", words)
    pauses = [each.at for each in catalogue(run(slept(*deeds), ONE), kinds=Crash) if each.service == "till"]
    assert pauses == [10.5, 15.5, 20.5] and crash.at in pauses[1:]  # the first thing is done at 13


def test_a_crash_strikes_between_the_answers_to_several_calls_and_in_work_done_in_process():
    shop = System("shop", network=1)
    asked = [shop.service(f"s{n}").operation(name="ask", takes=10 * n)(lambda ctx, job: None) for n in (1, 2)]

    @shop.service("front").operation()
    def serve(ctx, job):
        yield ctx.all(*(ctx.call(one, job) for one in asked))
        yield ctx.sleep(4)

    shop.accepts("order", serve)
    # Asked at 1, answered at 13 and 23, over at 27.
    between = catalogue(run(shop, ONE), kinds=Crash)
    assert [(c.service, c.at) for c in between] == [("front", 7), ("front", 18), ("front", 25)]
    inside = catalogue(run(monolith(process()), ONE), kinds=Crash)
    assert [(c.service, c.at) for c in inside] == [("monolith", 6), ("monolith", 16), ("monolith", 26)]
    parts = catalogue(run(monolith(process()), ONE), kinds=Errors)
    assert [one.service for one in parts] == ["monolith", "inventory", "payment", "shipping"]


def test_of_both_lengths_there_may_be_several():
    """Each moment with each, the shortest first; what strikes at an instant has no length."""
    calm = run(caller(network=1, takes=10), Times("job", at=[5]))
    once, several = catalogue(calm), catalogue(calm, down=(1000, 50), late=(60_000, 50, 50))
    long = [f for f in once if isinstance(f, CrashAt | Crash | Mute | Delay)]
    assert len(several) == len(once) + len(long)
    assert [length(f) for f in several if isinstance(f, CrashAt)] == [50, 1000] * 6
    assert [f.by.mean for f in several if isinstance(f, Delay)] == [50, 60_000] * 2
    assert [f for f in several if f in once] == list(once)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"kinds": (Partition,)}, "classes out of CrashAt, Crash, .*, Delay, not Partition"),
        ({"kinds": Slow}, "not Slow"),
        ({"kinds": "Drop"}, "classes out of .*, not Drop"),
        ({"down": 0}, "down of a catalogue must be greater than 0"),
        ({"late": (5, -5)}, "late of a catalogue must be greater than 0"),
    ],
)
def test_a_catalogue_of_what_it_does_not_know_is_refused(how, words):
    with pytest.raises(ValueError, match=words):
        catalogue(run(caller(network=1, takes=10), Times("job", at=[5])), **how)


def test_one_kind_need_not_be_a_list():
    calm = run(caller(network=1, takes=10), Times("job", at=[5]))
    assert catalogue(calm, kinds=Drop) == catalogue(calm, kinds=(Drop,)) != ()


def test_a_moment_is_struck_once_in_a_schedule_however_long():
    """So there are fewer schedules than there are pairs of faults, and they are counted without being listed."""
    atoms = [Mute("a", at=at, lasting=time) for at in (1, 2, 3) for time in (5, 50)]
    atoms += [Delay(("a", "b"), by=time, at=1, lasting=1) for time in (5, 50, 500)]
    atoms += [Crash("a", at=at, lasting=time) for at in (0, 20, 40) for time in (10, 30)] + [Errors("a", 1.0, 1, 1)]
    for size in range(5):
        assert number(atoms, size) == len(list(every(atoms, size)))
    assert not fits(atoms[:2]) and fits(atoms[1:3]) and not fits(atoms[6:8])


def test_schedules_are_counted_as_they_are_listed():
    atoms = [
        Crash("a", at=0, lasting=9), Crash("a", at=5, lasting=9), Crash("a", at=20, lasting=9),
        Crash("b", at=0, lasting=9), Crash("b", at=1, lasting=2), CrashAt("a", "x"), CrashAt("a", "y"), Mute("a"),
    ]  # fmt: skip
    for size in range(5):
        listed = list(every(atoms, size))
        assert number(atoms, size) == len(listed) == len(set(listed))
        assert listed == [chosen for chosen in combinations(atoms, size) if fits(chosen)]


def test_the_result_says_what_was_covered():
    nothing = hunt(paying(idempotent=True), never_twice, load=ONE, most=2, runs=46)
    calm, one, two = nothing.covered
    atoms = catalogue(run(paying(), ONE), down=DOWN, late=LATE)
    assert (calm.tried, one.tried, one.schedules) == (1, len(atoms), len(atoms)) and two.schedules == number(atoms, 2)
    assert 0 < two.tried <= 20
    assert repr(nothing) == (
        f"Nothing found in shop: never twice holds in all {one.schedules} with one fault, "
        f"{two.tried} of {two.schedules} with two faults (lasting 50 ms or 1 s; late by 50 ms or 60 s)"
    )
    assert list(nothing.coverage.columns) == ["schedules", "tried"] and list(nothing.coverage.index) == [0, 1, 2]
    assert nothing.runs == 1 + one.tried + two.tried


def test_where_the_budget_suffices_all_schedules_are_tried():
    nothing = hunt(paying(idempotent=True), never_twice, load=ONE, most=2)
    assert all(one.tried == one.schedules for one in nothing.covered) and len(nothing.covered) == 3


# Several faults


def fragile(times):
    """Return a shop whose till gives up, with the money, at the n-th trouble since it was last asked."""
    shop = System("shop", network=1)

    @shop.service("stock").operation(takes=10)
    def reserve(ctx, order):
        ctx.effect("reserve")

    till = shop.service("till").operation(takes=10, name="charge")(lambda ctx, order: ctx.effect("charge"))

    @shop.service("orders").operation()
    def place(ctx, order):
        yield ctx.call(reserve, order)
        try:
            yield ctx.call(till, order, retry=Retry(times - 1, wait=5))
        except Failed:
            return "told to be done, and never paid"

    shop.accepts("order", place)
    return shop


def unpaid(run):
    """Break where an order is told to be done without its money."""
    paid = {one.request for one in run.effects if one.name == "charge"}
    return next(
        (f"order {row} is unpaid" for row, f in enumerate(run.fates()) if f == "on time" and row not in paid), None
    )


def unnamed(run):
    """Break under any fault, and name no request."""
    return "not calm" if run.faults else None


# The first try ends at 24, the second at 41; there are five windows that meet each, and 30 faults that harm nobody.
ERRORS = [Errors("till", 1.0, end - n / 10, 1.0) for n in range(5) for end in (24, 41)]
ERRORS += [Errors("stock", 1.0, at, 0.5) for at in range(20, 35)] + [Mute("stock", at, 0.5) for at in range(50, 65)]


def test_two_faults_that_only_break_together():
    found = hunt(fragile(2), unpaid, load=ONE, faults=ERRORS, most=2)
    assert found.faults == tuple(ERRORS[:2]) and found.covered[1].tried == 40


def test_where_there_are_more_schedules_than_runs_they_are_drawn():
    """25 of 780 pairs break it, so 300 of them miss all with a chance below 1 in 10,000; a third fault is left out."""
    found = hunt(fragile(2), unpaid, load=ONE, faults=ERRORS, most=3, runs=300)
    assert len(found.faults) == 2 and {fault.service for fault in found.faults} == {"till"}
    assert found.covered[2].tried + found.covered[3].tried > 0


def test_what_is_drawn_is_shrunk_to_the_fewest_faults():
    """Of schedules of up to four faults one is left over, the one that matters."""
    faults = [Mute("stock", at, 0.5) for at in range(50, 90)] + ERRORS[:1]
    found = hunt(fragile(1), unpaid, load=ONE, faults=faults, most=4, runs=500, exhaustive=False)
    assert found.faults == (ERRORS[0],)
    assert sum(one.tried for one in found.covered[2:]) > 0


def test_drawing_goes_by_the_seed_alone():
    def tries(seed):
        seen = []
        assert drawn(tuple(ERRORS), (2, 3), 50, seed, lambda chosen: seen.append(chosen)) is None
        return seen

    assert tries(1) == tries(1) != tries(2)


def test_the_search_is_a_pure_function_also_under_another_hash_seed(tmp_path):
    source = (
        "import random, string\n"  # other modules, with other numbers in them, change nothing
        "from tests.test_search import *\n"
        "print(hunt(fragile(2), unpaid, load=ONE, faults=ERRORS, most=3, runs=200))\n"
        "print(hunt(choreograph(process(), idempotent=True), faults=only(CrashAt)))\n"
        "print(hunt(slept('key', 'effect', 'event'), [all_or_nothing, nobody_waits], most=2, runs=50))\n"
    )
    here = [hunt(fragile(2), unpaid, load=ONE, faults=ERRORS, most=3, runs=200)]
    here.append(hunt(choreograph(process(), idempotent=True), faults=only(CrashAt)))
    here.append(hunt(slept("key", "effect", "event"), [all_or_nothing, nobody_waits], most=2, runs=50))
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        done = subprocess.run(
            [sys.executable, "-c", source], capture_output=True, text=True, env=environment, cwd=tmp_path
        )
        assert done.stdout == "".join(f"{one!r}\n" for one in here), done.stderr
    assert list(tmp_path.iterdir()) == []  # and hypothesis leaves nothing behind


def test_what_is_found_is_shrunk_to_the_shortest_that_breaks_it():
    """A till that is down for 210 ms outlasts the tries at 0, 100 and 200; of many lengths that is the first."""
    shop = System("shop", network=1)
    till = shop.service("till").operation(takes=10, name="charge", idempotent=True)(lambda ctx, o: ctx.effect("charge"))

    @shop.service("orders").operation()
    def place(ctx, order):
        yield ctx.call(till, order, retry=Retry(2, wait=100))

    shop.accepts("order", place)

    def faults(calm):
        return [f for f in catalogue(calm, kinds=CrashAt, down=[*range(10, 400, 10)]) if f.service == "till"]

    (single,) = hunt(shop, failed, load=ONE, faults=faults).faults
    drawn = hunt(shop, failed, load=ONE, faults=faults, most=3, exhaustive=False, runs=200)
    assert single.lasting == 210 and [fault.lasting for fault in drawn.faults] == [210] and drawn.runs <= 200


def failed(run):
    """Break where an order failed."""
    return next((f"order {row} is {f}" for row, f in enumerate(run.fates()) if f != "on time"), None)


def test_shrinking_leaves_nothing_out_that_matters():
    """The smallest: without any one of its faults, or with a shorter one, it fails no more."""
    atoms = tuple(Mute("a", at=at, lasting=time) for at in range(4) for time in (5, 50, 500))

    def fails(schedule):
        told = {fault.at: fault.lasting for fault in schedule}
        return told.get(1, 0) >= 50 and told.get(3, 0) >= 5

    start = atoms[2], atoms[5], atoms[8], atoms[11]
    assert fails(start) and shrunk(start, atoms, fails) == (atoms[4], atoms[9])
    assert shrunk((), atoms, fails) == ()


def test_the_length_of_an_outage_decides_who_is_hurt():
    """Four seconds are longer than all tries of an undo: parked. The orders are whole or undone all the same."""
    shop = orchestrate(process(refuses={"ship": 1}), durable=True, **SAFE, **AGAIN)
    long = {"load": ONE, "faults": only(CrashAt, down=(1000, 4000))}
    found = hunt(shop, **long)
    assert found.faults == (CrashAt("payment", "refund", "before", lasting=4000),) and "for a person" in found.said
    assert not hunt(shop, [one for one in ALL if one is not nobody_parked], **long)


# What it is asked


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"runs": 0, "most": 2}, ValueError, "runs of a search must be a whole number, 1 or more, not 0"),
        ({"runs": 2.5}, ValueError, "runs of a search must be a whole number"),
        ({"most": -1}, ValueError, "most of a search must be a whole number, 0 or more, not -1"),
        ({"most": "2"}, ValueError, "most of a search must be a whole number"),
        ({"invariants": []}, ValueError, "at least one invariant"),
        ({"invariants": "never_twice"}, ValueError, "such as all_or_nothing, not 'never_twice'"),
        ({"invariants": [3]}, TypeError, "an invariant is a function of a run"),
        ({"faults": Crash}, TypeError, "a catalogue is a list of faults, or a function of the calm run: "),
        ({"faults": [Crash]}, TypeError, "a catalogue is a list of faults"),
        ({"faults": "crash"}, TypeError, "a catalogue is a list of faults"),
    ],
)
def test_what_it_cannot_do_is_said_before_anything_is_tried(how, error, words):
    with pytest.raises(error, match=words):
        break_it(paying(), ONE, how.pop("invariants", never_twice), progress=False, **how)


def test_one_fault_is_a_catalogue_too_and_so_is_whatever_lists_them():
    lost = Drop(("orders", "till"), at=12, lasting=0.001, ways="back")
    for faults in (lost, [lost], (fault for fault in (lost, lost)), lambda calm: (fault for fault in (lost,))):
        found = hunt(paying(), never_twice, load=ONE, faults=faults)
        assert found.faults == (lost,) and found.covered[1].schedules == 1


def test_an_invariant_that_raises_ends_the_search_and_names_the_faults():
    """Not a failure of the service: else the order would be undone, and all invariants hold."""

    @always
    def raising_under_fire(moment):
        return 1 / 0 if moment.faults and moment.effects else None

    words = r"'raising under fire' raised ZeroDivisionError: division by zero \(at 12 ms, .* for 50 ms\)"
    with pytest.raises(ModelError, match=words):
        hunt(orchestrate(process()), [all_or_nothing, raising_under_fire], load=ONE)


def test_an_invariant_that_raises_ends_the_search_also_where_schedules_are_drawn():
    def raising(run):
        return None if len(run.faults) < 2 else {}["two"]

    with pytest.raises(ModelError, match=r"'raising' raised KeyError: 'two' \(at the end, .* and .*\)"):
        hunt(fragile(2), raising, load=ONE, faults=ERRORS, most=3, runs=300, exhaustive=False)


@pytest.mark.parametrize("invariant", [only_with("shp", "charge"), returns("shp"), conserved("shp", "charge")])
def test_an_invariant_about_an_effect_that_nobody_has_is_doubted(invariant):
    with pytest.warns(DesignWarning, match="says nothing of .*: no effect 'shp'; did you mean 'ship'"):
        hunt(orchestrate(process()), invariant, load=ONE, most=0)


def test_a_step_that_is_never_done_is_an_effect_all_the_same():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hunt(orchestrate(process(refuses={"ship": 1})), only_with("ship", "charge"), load=ONE, most=0)


# The finding


def test_a_finding_is_data_that_reproduces_it():
    found = hunt(choreograph(process(), outbox=0), never_twice, faults=only(CrashAt), seed=3)
    faults = eval(found.paste)
    assert faults == list(found.faults)
    again = first_breach(choreograph(process(), outbox=0), TWO, never_twice, faults=faults, seed=3)
    assert (again.said, again.at, again.span, again.request) == (found.said, found.at, found.span, found.request)
    assert repr(found) == (
        "Found in choreographed order, run 7: request 0 has reserve 2 times (never twice) at 1.02 s "
        "after [CrashAt('inventory', 'reserve', lasting=1000.0)]"
    )
    assert repr(again.run) == repr(found.run) and found.invariant == "never twice"


@pytest.mark.parametrize(
    ("kind", "invariant"),
    [
        (Errors, all_or_nothing), (CrashAt, all_or_nothing), (Mute, as_told), (CrashAt, as_told), (Drop, nobody_waits),
        (Duplicate, never_twice), (CrashAt, unnamed), (Mute, unnamed),
    ],
)  # fmt: skip
def test_a_finding_about_a_system_by_hand_reproduces_itself(kind, invariant):
    """What an order should have is known from the calm run, to whoever looks at the finding or runs it again."""
    shop = fragile(1)
    found = hunt(shop, invariant, load=ONE, faults=only(kind), seed=5)
    again = found.again()
    assert again == found.breach and again.run is not found.run
    assert again.run.spans().equals(found.run.spans())
    told = first_breach(shop, ONE, invariant, faults=eval(found.paste), seed=5)
    assert (told.said, told.at, told.span, told.request) == (found.said, found.at, found.span, found.request)
    assert [breach.said for breach in check(found.run, invariant)] == [found.said]
    assert (found.seed, found.load[0]) == (5, ONE) and found.expects is found.run.expects


def test_a_finding_of_a_run_that_was_cut_reproduces_itself():
    """Half an hour without a till: who asks every minute goes on asking, and is still open at the cut."""
    shop = System("endless", network=1)
    till = shop.service("till").operation(takes=10, name="pay")(lambda ctx, order: ctx.effect("pay"))

    @shop.service("orders").operation()
    def place(ctx, order):
        while True:
            try:
                return (yield ctx.call(till, order))
            except Failed:
                yield ctx.sleep(1 * minute)

    shop.accepts("order", place)
    long = Crash("till", at=1, lasting=30 * minute)
    found = hunt(shop, nobody_waits, load=ONE, faults=[long], until=20 * minute)
    assert found.said == "request 0 is still open at the end" and found.until == 20 * minute
    assert found.again() == found.breach
    assert not hunt(shop, nobody_waits, load=ONE, faults=[long])  # it is not cut before the fault is long over
    assert first_breach(shop, ONE, nobody_waits, faults=found.faults, until=found.until).said == found.said


def test_every_run_under_a_fault_knows_what_was_expected():
    """So that their census agrees with the search."""
    found = hunt(fragile(1), all_or_nothing, load=ONE, faults=only(Errors))
    each = under_each(fragile(1), ONE, faults=only(Errors))
    assert tally(each[found.faults[0]])["missing"] == tally(found.run)["missing"] == 1


@pytest.mark.parametrize("kinds", [(kind,) for kind in KINDS])
def test_faults_are_pasted_as_they_are(kinds):
    faults = catalogue(run(orchestrate(process()), Evenly("order", every=0.1 + 0.2, count=1)), kinds=kinds)
    assert faults and eval(paste(faults)) == list(faults)


def test_a_hand_written_system_should_do_what_its_calm_run_does():
    """An order that ends well without its money has an effect too few."""
    found = hunt(fragile(1), all_or_nothing, load=ONE, faults=only(Errors))
    assert found.said == "request 0 is half-done: reserve ×1, but no charge"
    assert not hunt(fragile(1), all_or_nothing, load=ONE, faults=only(Errors), expects="reserve")


def test_random_times_are_struck_at_their_moments_too():
    """Draws are keyed: up to the fault the run is the calm one, whatever the times are."""
    shop = choreograph(sequence(services(network=Exponential(1))), idempotent=True)
    found = hunt(shop, faults=only(CrashAt), seed=7)
    assert found.faults == (CrashAt("inventory", "reserve", lasting=1000),)


def test_who_is_told_that_it_failed_may_have_it_all_the_same():
    """The third moment of a crash where the request enters: no style helps a client that does not ask again."""
    found = hunt(choreograph(process(), **SAFE), as_told, faults=only(CrashAt))
    assert found.faults == (CrashAt("orders", "accept", lasting=1000),) and "unreported" in found.said


def test_an_invariant_at_any_moment_is_broken_though_all_is_well_in_the_end():
    @always
    def never_reserved_alone(moment):
        names = {one.name for one in moment.effects}
        return "reserved, and nothing charged yet" if names == {"reserve"} else None

    found = hunt(orchestrate(process()), [nobody_waits, never_reserved_alone], load=ONE)
    assert found.faults == () and found.at == 12


def test_what_handlers_raise_under_faults_is_not_shown_hundreds_of_times(capsys):
    """It is counted in the run of the finding all the same."""
    shop = System("shop", network=1)
    shop.service("till").operation(takes=10, name="charge")(lambda ctx, order: ctx.effect("charge"))

    @shop.service("orders").operation()
    def place(ctx, order):
        try:
            yield ctx.call("till.charge", order)
        except Failed:
            raise KeyError("no till") from None

    shop.accepts("order", place)
    found = hunt(shop, unpaid_or_failed, load=ONE, faults=only(Errors))
    assert capsys.readouterr() == ("", "")
    assert found.run.mishaps == {"orders.place raised KeyError: 'no till'": 1}


def unpaid_or_failed(run):
    """Break where an order failed by a mistake."""
    return "a mistake" if run.mishaps else None


def test_crashes_of_two_parts_of_a_program_may_be_tried_together():
    whole = monolith(sequence(services(takes=10)))
    parts = [Crash("inventory", at=5, lasting=50), Crash("payment", at=20, lasting=50)]
    found = break_it(whole, Times("order", at=[0]), lambda result: None, faults=parts, most=2, progress=False)
    assert isinstance(found, Nothing)
