"""The blast radius: each node fails in turn, and what each capability lost is counted, by hand on small systems."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from math import isnan

import pytest

from rehearsal import Crash, CrashAt, Errors, Evenly, ModelError, Poisson, Slow, ms, shop
from rehearsal.blast import Blast, Cell, blast_radius, capabilities_of
from tests.systems import caller, listener

JOBS = Evenly("job", every=20 * ms, count=30)  # five of them, 200 to 280, are offered while a fault lasts
WINDOW = {"at": 200, "lasting": 100}
ORDERS = Poisson("order", every=50 * ms, count=400)
STYLES = [shop.orchestrated, shop.choreographed]


def hasty(make=caller, objective=30, **how):
    """Return a small system with an objective."""
    system = make(10, **how)
    entry = system.entries["job"]
    system.accepts("job", entry.operation, objective=objective, done=entry.done)
    return system


def cells(blast, row):
    """Return the counts of a row, by capability."""
    return {column: tuple(blast.cells[row, column]) for column in blast.columns}


def test_a_caller_goes_down_with_what_it_calls():
    blast = blast_radius(hasty(), JOBS, **WINDOW)
    assert blast.rows == ("back", "front") and blast.columns == ("accept job", "confirm job", "work")
    everything_lost = dict.fromkeys(blast.columns, (0, 0, 5))
    assert cells(blast, "front") == cells(blast, "back") == everything_lost
    assert (blast.lost, repr(blast)) == (6, "Blast(caller: 6 of 6 cells lost)")


def test_a_topic_keeps_the_work_until_its_reader_is_back():
    """Served from 300 on, one each 10 ms: that offered at 200 is done at 310, that offered at 280 at 350."""
    blast = blast_radius(hasty(listener), JOBS, **WINDOW)
    assert cells(blast, "back") == {"accept job": (5, 0, 0), "confirm job": (0, 5, 0), "work": (0, 5, 0)}
    assert cells(blast, "front") == dict.fromkeys(blast.columns, (0, 0, 5))
    assert (
        repr(blast).endswith(f"{blast.lost} of {len(blast.cells)} cells lost, {blast.late} late)") and blast.late >= 2
    )
    assert (blast.rows == ("back", "front", "broker") and blast.central == ("broker",)) or blast.central[-1] == "broker"


def test_late_and_in_time_are_told_apart_by_the_objective():
    """They take 110, 100, 90, 80 and 70 ms: within 75 is only the last."""
    blast = blast_radius(hasty(listener, objective=75), JOBS, **WINDOW)
    assert cells(blast, "back")["confirm job"] == (1, 4, 0)
    assert blast.frame().loc["back", "confirm job"].tolist() == [0.2, 0.8, 0]


def test_what_would_have_been_late_anyway_is_not_counted():
    blast = blast_radius(hasty(objective=5), JOBS, **WINDOW)
    assert cells(blast, "back")["confirm job"] == (0, 0, 0)
    assert all(isnan(share) for share in blast.frame().loc["back", "confirm job"])


def test_work_that_was_undone_is_lost():
    blast = blast_radius(shop.orchestrated, ORDERS, at=8_000, lasting=4_000)
    row = cells(blast, "payment")
    assert row["reserve"] == row["charge"] == row["ship"] and row["reserve"][2] > 50
    assert cells(blast, "shipping")["reserve"][2] == 0  # shipping's failure undoes nothing in this shop


def test_any_fault_can_be_asked_for():
    slow = blast_radius(hasty(), JOBS, faults=lambda node: Slow(node, 9, **WINDOW))
    assert cells(slow, "front")["accept job"] == (5, 0, 0)  # it takes no time, and nine times none is none
    assert cells(slow, "back")["accept job"] == (0, 5, 0)
    some = blast_radius(hasty(), JOBS, faults={"back": [Errors("back", 1.0, **WINDOW)]})
    assert cells(some, "back")["accept job"] == (0, 0, 5) and cells(some, "front")["accept job"] == (0, 0, 0)


def test_seeds_add_up():
    def blast(*seeds):
        return blast_radius(shop.choreographed, ORDERS, at=8_000, lasting=2_000, seeds=seeds).cells

    one, other, both = blast(1), blast(2), blast(1, 2)
    assert one != other
    assert both == {key: Cell(*map(sum, zip(one[key], other[key], strict=True))) for key in both}


def test_two_styles_share_rows_and_columns():
    conducted, danced = blast_radius(STYLES, ORDERS, at=8_000, lasting=4_000)
    assert conducted.rows == danced.rows == ("orders", "inventory", "payment", "shipping", "broker")
    assert conducted.columns == danced.columns == ("accept order", "confirm order", "reserve", "charge", "ship")
    assert not conducted.has("broker") and danced.has("broker")
    assert (conducted.central, danced.central) == (("orders",), ("broker",))
    assert len(conducted.cells) == 20 and len(danced.cells) == 25
    assert conducted.lost > danced.lost >= 5


@pytest.mark.parametrize("pool", [partial(ProcessPoolExecutor, 2), partial(ThreadPoolExecutor, 2)])
def test_an_executor_finds_the_same(pool):
    how = {"at": 2_000, "lasting": 1_000, "seeds": (1, 2)}
    load = Poisson("order", every=50 * ms, count=80)
    with pool() as executor:
        assert blast_radius(STYLES, load, executor=executor, **how) == blast_radius(STYLES, load, **how)


def test_a_system_made_in_a_notebook_travels_to_other_processes():
    """What it is made of has no address that another process could import it from."""
    made = {}
    exec(IN_A_NOTEBOOK, made)
    with ProcessPoolExecutor(2) as executor:
        blast = blast_radius(made["shop"], JOBS, executor=executor, **WINDOW)
    assert cells(blast, "desk") == dict.fromkeys(blast.columns, (0, 0, 5))


IN_A_NOTEBOOK = """
from rehearsal import System
shop = System("mine")
serve = shop.service("desk").operation(takes=5, name="serve")(lambda ctx, job: None)
shop.accepts("job", serve, objective=50)
"""


def test_what_goes_wrong_in_a_run_is_raised_as_it_is():
    with ProcessPoolExecutor(1) as executor:
        for how in ({}, {"executor": executor}):
            with pytest.raises(ModelError, match="no kind 'jib'"):
                blast_radius(hasty(), Evenly("jib", every=20, count=2), **how, **WINDOW)


def test_a_bar_comes_only_by_argument(capsys):
    blast_radius(hasty(), JOBS, **WINDOW)
    assert capsys.readouterr().err == ""
    blast_radius(hasty(), JOBS, progress=True, **WINDOW)
    assert "3/3" in capsys.readouterr().err


def test_capabilities_can_be_chosen_and_renamed():
    assert capabilities_of(shop.orchestrated()) == ["accept order", "confirm order", "reserve", "charge", "ship"]
    renamed = blast_radius(hasty(), JOBS, capabilities={"take it": "accept job", "do it": "work"}, **WINDOW)
    assert renamed.columns == ("take it", "do it") and renamed.cells["back", "do it"] == Cell(0, 0, 5)
    with pytest.raises(ModelError, match="no capability 'wrk'; did you mean 'work'"):
        blast_radius(hasty(), JOBS, capabilities=["wrk"], **WINDOW)


def test_what_no_request_ever_has_is_no_capability_unless_it_is_asked_for():
    system = hasty()
    system.service("museum").operation(name="show")(lambda ctx, job: None)
    assert "show" in capabilities_of(system)
    assert "show" not in blast_radius(system, JOBS, **WINDOW).columns
    assert blast_radius(system, JOBS, capabilities=["show"], **WINDOW).cells["back", "show"] == Cell(0, 0, 0)


def test_a_fault_whose_moment_the_run_finds_counts_who_asked_while_it_lasted():
    """The fifth job takes the back down at 110, when it is done, for 60 ms: it does not count, the next three do."""
    blast = blast_radius(hasty(), JOBS, faults={"back": CrashAt("back", "work", count=5, lasting=60)})
    assert cells(blast, "back") == {"accept job": (0, 0, 3), "confirm job": (0, 0, 3), "work": (0, 0, 3)}


def test_seeds_may_come_one_by_one():
    def blasts(seeds):
        return blast_radius([hasty, partial(hasty, listener)], JOBS, seeds=seeds, **WINDOW)

    assert blasts(iter((1, 2))) == blasts((1, 2)) and len(blasts(iter((1, 2)))[1].cells) == 9
    with pytest.raises(ValueError, match="without a seed"):
        blasts(())
    with pytest.raises(TypeError, match="seeds are several"):
        blasts(3)


def test_a_name_of_nobody_is_said():
    with pytest.raises(ModelError, match="no service 'bakc'; did you mean 'back'"):
        blast_radius(hasty(), JOBS, faults={"bakc": Crash("back", **WINDOW)})


def test_what_is_missing_is_said():
    with pytest.raises(ModelError, match="say when each node fails"):
        blast_radius(hasty(), JOBS)
    with pytest.raises(TypeError, match="a function that makes one"):
        blast_radius("shop", JOBS, **WINDOW)


def test_a_blast_of_nothing_counts_nothing():
    assert Blast("empty", (), (), {}).frame().empty and Blast("empty", (), (), {}).lost == 0


def test_a_fault_after_the_last_offer_reaches_nobody():
    blast = blast_radius(hasty(), JOBS, faults=lambda node: Crash(node, at=5_000, lasting=10))
    assert {tuple(cell) for cell in blast.cells.values()} == {(0, 0, 0)}
