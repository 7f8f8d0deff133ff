"""What a search covers is said, and is right: how many schedules there are, how many were tried, in how many runs."""

from functools import partial
from itertools import combinations

import pytest

from rehearsal import CrashAt, Drop, Duplicate, Retry, System, Times, choreograph, run
from rehearsal.invariants import all_or_nothing, nobody_waits
from rehearsal.search import KINDS, break_it, catalogue, hunt
from rehearsal.search.schedules import fits
from tests.processes import sequence, services

ONE = Times("order", at=[0])


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
    atoms = catalogue(run(safe(), ONE))
    assert made == [(), *((fault,) for fault in atoms)]
    assert [tuple(one) for one in result.covered] == [(0, 1, 1), (1, len(atoms), len(atoms))]
    assert result.runs == len(made)


@pytest.mark.parametrize("kinds", [(Drop,), (CrashAt, Duplicate), KINDS])
def test_there_are_as_many_pairs_as_can_be_listed(kinds):
    """Counted by a formula, listed one by one: two different faults, but no crash of what is down."""
    result = search(faults=partial(catalogue, kinds=kinds), most=2, runs=1)
    atoms = catalogue(run(safe(), ONE), kinds=kinds)
    assert result.covered[2].schedules == sum(map(fits, combinations(atoms, 2)))


def test_pairs_are_all_tried_where_the_budget_allows_and_each_once(made):
    result = search(faults=partial(catalogue, kinds=(Drop,)), most=2)
    assert [one.tried for one in result.covered] == [one.schedules for one in result.covered]
    assert len(made) == len(set(made)) == result.runs


@pytest.mark.parametrize("runs", [10, 50])
def test_else_no_more_than_the_budget_and_what_was_drawn_twice_counts_once(made, runs):
    result = search(most=2, runs=runs)
    pairs = result.covered[2]
    assert 0.7 * runs < pairs.tried <= runs < pairs.schedules  # a few of so many are drawn twice
    assert len(made) == len(set(made)) == result.runs
    assert sum(len(faults) == 2 for faults in made) == pairs.tried


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
    result = search(most=2, runs=10)
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


def test_a_bar_shows_how_far_the_search_is_where_somebody_watches_and_wants_it(capsys, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "a notebook that is open")
    for wanted in (False, True):
        result = search(most=2, runs=200, progress=wanted)  # longer than the tenth of a second after which it moves
        out, shown = capsys.readouterr()
        assert out == "" and ("breaking choreographed order" in shown) == wanted
    assert f"/{result.covered[1].schedules + 200} [" in shown  # all with one fault, and the budget
