"""What a search covers is said, and is right: how many schedules there are, how many were tried, in how many runs."""

from functools import partial
from itertools import combinations
from math import inf

import pytest

from rehearsal import Crash, CrashAt, Delay, Drop, Duplicate, Mute, Retry, System, Times, choreograph, run, sec
from rehearsal.invariants import all_or_nothing, nobody_waits
from rehearsal.search import DOWN, KINDS, LATE, break_it, catalogue, hunt
from rehearsal.search.schedules import fits
from tests.processes import sequence, services

ONE = Times("order", at=[0])
WIDE = partial(catalogue, down=DOWN, late=LATE)  # what a search tries where nothing is said


def safe(**how):
    """Return a dance in which no single fault does any harm."""
    return choreograph(sequence(services(network=1, takes=10)), outbox=0, idempotent=True, **how)


def search(system=None, **how):
    """Return what a search for orders that are not whole finds."""
    return break_it(system or safe(), ONE, [all_or_nothing, nobody_waits], **{"progress": False, **how})


@pytest.fixture
def made(monkeypatch):
    """Count the runs that are really made, with the faults of each."""
    seen = []

    def counting(*args, faults=(), watched=hunt.watched, **how):
        seen.append(faults)
        return watched(*args, faults=faults, **how)

    monkeypatch.setattr(hunt, "watched", counting)
    return seen


def test_every_single_fault_of_the_calm_run_is_tried_once(made):
    """The calm run first, then each fault of the catalogue in its order, and nothing twice."""
    result = search()
    atoms = WIDE(run(safe(), ONE))
    assert made == [(), *((fault,) for fault in atoms)]
    assert [tuple(one) for one in result.covered] == [(0, 1, 1), (1, len(atoms), len(atoms))]
    assert result.runs == len(made)


@pytest.mark.parametrize("kinds", [(Drop,), (CrashAt, Duplicate), KINDS])
@pytest.mark.parametrize("down", [1000, (50, 1000), (5, 9, 14)])
def test_there_are_as_many_pairs_as_can_be_listed(kinds, down):
    """Counted by a formula, listed one by one: two moments, each once, and no crash of what is down."""
    result = search(faults=partial(catalogue, kinds=kinds, down=down), most=2, runs=1)
    atoms = catalogue(run(safe(), ONE), kinds=kinds, down=down)
    assert result.covered[2].schedules == sum(map(fits, combinations(atoms, 2)))


def test_pairs_are_all_tried_where_the_budget_allows_and_each_once(made):
    result = search(faults=partial(catalogue, kinds=(Drop,)), most=2)
    assert [one.tried for one in result.covered] == [one.schedules for one in result.covered]
    assert len(made) == len(set(made)) == result.runs


@pytest.mark.parametrize("drawn", [10, 50])
def test_else_no_more_than_the_budget_and_what_was_drawn_twice_counts_once(made, drawn):
    """The calm run and the single faults are in the budget; pairs are drawn for what it leaves."""
    single = len(catalogue(run(safe(), ONE)))
    result = search(most=2, runs=1 + single + drawn, faults=catalogue)
    pairs = result.covered[2]
    assert 0.7 * drawn < pairs.tried <= drawn < pairs.schedules  # a few of so many are drawn twice
    assert len(made) == len(set(made)) == result.runs <= 1 + single + drawn
    assert sum(len(faults) == 2 for faults in made) == pairs.tried


@pytest.mark.parametrize("runs", [1, 2, 20])
def test_a_budget_that_ends_among_the_single_faults_is_kept_and_said(made, runs):
    """All is only claimed where all were tried."""
    result = search(most=2, runs=runs)
    assert len(made) == result.runs == runs
    single = result.covered[1]
    assert (single.tried, result.covered[2].tried) == (runs - 1, 0)
    assert f"hold in {runs - 1} of {single.schedules} with one fault, 0 of" in repr(result)


def test_a_finding_is_shrunk_within_the_budget():
    """It fails in the last run there is: nothing smaller is tried, and what was found is returned."""
    lost = Drop(("orders", "broker"), at=1, lasting=0.001, ways="there")
    pair = [Crash("broker", at=at, lasting=5) for at in (100, 200)] + [lost]
    found = search(bare(), faults=pair, most=2, exhaustive=False, runs=10_000)
    assert found.faults == (lost,)
    for runs in range(2, found.runs + 1):
        less = search(bare(), faults=pair, most=2, exhaustive=False, runs=runs)
        assert less.runs <= runs and (not less or lost in less.faults)


def bare():
    """Return a dance without safeguards."""
    return choreograph(sequence(services(network=1, takes=10)))


def test_a_search_that_finds_something_stops_there_and_says_how_far_it_came(made):
    found = search(choreograph(sequence(services(network=1, takes=10)), idempotent=True))
    assert found.faults == made[-1] and found.runs == len(made)
    assert found.covered[1].tried == len(made) - 1 < found.covered[1].schedules


def test_a_fault_that_is_listed_twice_is_one():
    """In a list or by a function: else there would be more to try than there is."""
    calm = run(safe(), ONE)
    once, listed, made = (
        search(faults=faults)
        for faults in (catalogue, [*catalogue(calm)] * 2, lambda calm: catalogue(calm) + catalogue(calm))
    )
    assert once.covered == listed.covered == made.covered


def test_the_frame_of_the_coverage_holds_the_same_numbers():
    result = search(most=2, runs=100)
    frame = result.coverage
    assert list(frame.itertuples(name=None)) == [tuple(one) for one in result.covered]
    assert f"all {frame.schedules[1]} with one fault" in repr(result)
    assert f"{frame.tried[2]} of {frame.schedules[2]:,} with two faults" in repr(result)


def test_how_long_a_fault_lasts_is_a_part_of_the_catalogue():
    """Retries outlast a short crash and not a long one; the search finds the shortest that there is to find."""
    shop = System("shop", network=1)
    till = shop.service("till").operation(takes=10, name="charge", idempotent=True)(
        lambda ctx, order: ctx.effect("charge")
    )

    @shop.service("orders").operation()
    def place(ctx, order):
        ctx.effect("placed")
        yield ctx.call(till, order, retry=Retry(3, wait=100))

    shop.accepts("order", place)

    def lengths(calm):
        return [
            f for down in (50, 200, 1000) for f in catalogue(calm, kinds=(CrashAt,), down=down) if f.service == "till"
        ]

    found = search(shop, faults=lengths)
    assert {fault.lasting for fault in found.faults} == {1000}
    assert found.covered[1].schedules == 9 and found.covered[1].tried == 7
    assert "lasting 50 ms, 200 ms or 1 s" in found.lengths


def test_the_result_says_how_long_the_faults_last():
    """What was not tried for long says nothing about a long outage."""
    nothing = search(faults=partial(catalogue, kinds=(CrashAt, Delay), down=(0.2 * sec, 3 * sec), late=5))
    assert nothing.lengths == ("lasting 200 ms or 3 s", "late by 5 ms")
    assert repr(nothing).endswith(" with one fault (lasting 200 ms or 3 s; late by 5 ms)")
    assert search(faults=partial(catalogue, kinds=Drop)).lengths == ()
    many = search(faults=[Mute("payment", at=1, lasting=time) for time in (1, 2, 3, 4, inf)])
    assert many.lengths == ("lasting 1 ms to for ever (5 lengths)",)


def test_without_any_fault_to_try_the_result_says_so():
    for nothing in (search(most=0), search(faults=[]), search(faults=partial(catalogue, kinds=()))):
        assert repr(nothing) == "Nothing found in choreographed order: 2 invariants hold without any fault"


def test_a_bar_shows_how_far_the_search_is_where_somebody_watches_and_wants_it(capsys, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "a notebook that is open")
    for wanted in (False, True):
        search(most=2, runs=200, progress=wanted)  # longer than the tenth of a second after which it moves
        out, shown = capsys.readouterr()
        assert out == "" and ("breaking choreographed order" in shown) == wanted
    assert "/200 [" in shown  # the budget


def test_the_bar_ends_where_the_schedules_do_where_the_budget_is_larger(capsys, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "a notebook that is open")
    result = search(progress=True)
    assert f"/{1 + result.covered[1].schedules} [" in capsys.readouterr().err
