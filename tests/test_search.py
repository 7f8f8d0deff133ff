"""The search: the shortest sequence of faults that breaks an invariant, and what was covered where there is none."""

import os
import subprocess
import sys
from functools import partial
from itertools import combinations

import pytest

from rehearsal import (
    Crash,
    CrashAt,
    Delay,
    Drop,
    Duplicate,
    Errors,
    Evenly,
    Exponential,
    Failed,
    Mute,
    Retry,
    System,
    Times,
    choreograph,
    orchestrate,
    run,
)  # fmt: skip
from rehearsal.effects import tally
from rehearsal.invariants import (
    all_or_nothing,
    always,
    as_told,
    first_breach,
    never_twice,
    nobody_parked,
    nobody_waits,
    nothing_negative,
    only_with,
    returns,
)  # fmt: skip
from rehearsal.search import KINDS, Nothing, break_it, catalogue, paste, under_each
from rehearsal.search.schedules import drawn, every, fits, number
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
    nothing = hunt(paying(idempotent=True), never_twice, load=ONE, most=2, runs=20)
    calm, one, two = nothing.covered
    assert (calm.tried, one.tried, two.schedules) == (1, one.schedules, number(catalogue(run(paying(), ONE)), 2))
    assert 0 < two.tried <= 20
    assert repr(nothing) == (
        f"Nothing found in shop: never twice holds in all {one.schedules} with one fault, "
        f"{two.tried} of {two.schedules} with two faults"
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
    )
    here = [hunt(fragile(2), unpaid, load=ONE, faults=ERRORS, most=3, runs=200)]
    here.append(hunt(choreograph(process(), idempotent=True), faults=only(CrashAt)))
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        done = subprocess.run(
            [sys.executable, "-c", source], capture_output=True, text=True, env=environment, cwd=tmp_path
        )
        assert done.stdout == "".join(f"{one!r}\n" for one in here), done.stderr
    assert list(tmp_path.iterdir()) == []  # and hypothesis leaves nothing behind


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
