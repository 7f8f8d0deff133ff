"""Who waits, since when, and for what: sagas that nobody will ever end are found by their age."""

from functools import partial

import pytest

from rehearsal import Crash, CrashAt, Drop, Errors, Evenly, Failed, Mute, Poisson, Retry, System, Times, run, sec
from rehearsal.process import choreograph, orchestrate
from rehearsal.waiting import COLUMNS, waiting
from tests.processes import diamond, sequence, services

ONE = Times("order", at=[0])
commanded = partial(orchestrate, by="commands")


def shop(**how):
    """Return the three steps of the shop: each takes 20 ms, each hop one."""
    return sequence(services(takes=20, network=1.0, **how))


def seen(system, *faults, load=ONE, **how):
    """Return {request: (fate, what it waits for)}."""
    frame = waiting(run(system, load, faults=faults, **how))
    return {row: (line.fate, line["waits for"]) for row, line in frame.iterrows()}


# Found by age


@pytest.mark.parametrize("style", [choreograph, commanded])
def test_a_saga_that_waits_for_ever_is_found_by_its_age(style):
    """Payment is mute for a moment: no error, no time-out, and those whose event was said just then never end."""
    load, calm_end = Poisson("order", every=40, until=4 * sec), 4 * sec
    silent = Mute("payment", at=1 * sec, lasting=100)
    cut = run(style(shop(), objective=5 * sec), load, seed=3, faults=silent, until=calm_end)
    old, everybody = waiting(cut, longer=1 * sec), waiting(cut)
    assert set(old.index) == {row for row, fate in enumerate(cut.fates()) if fate == "stuck"} and len(old) > 2
    assert set(everybody.fate) == {"stuck", "open"}  # the young ones are under way, and nothing is wrong with them
    assert everybody[everybody.fate == "open"].age.max() < 1 * sec < old.age.min()
    assert list(old.age) == sorted(old.age, reverse=True) and (old.quiet <= old.age).all()


@pytest.mark.parametrize("style", [choreograph, commanded, orchestrate])
def test_in_a_calm_run_nobody_waits(style):
    frame = waiting(run(style(shop(refuses={"ship": 2})), Evenly("order", every=50, count=20)))
    assert frame.empty and list(frame.columns) == list(COLUMNS)


def test_ages_count_from_the_offer_and_quiet_from_the_last_thing_that_happened():
    frame = waiting(run(choreograph(shop()), Times("order", at=[7]), faults=Mute("inventory"), until=500))
    # placed at 7 + 1, told to broker and inventory by 10, reserved by 30, and nobody heard of it
    assert list(frame.loc[0, ["age", "quiet"]]) == [493, 470]


# For what


def test_in_a_dance_it_waits_for_the_event_that_was_lost():
    lost = Drop(("inventory", "broker"), 1.0, at=22, lasting=2, ways="there")
    assert seen(choreograph(shop()), lost) == {0: ("stuck", "reserve.done, lost between inventory and broker")}


def test_or_for_the_event_that_was_never_said():
    """The crash comes between the effect and the event; asked again, payment finds it done, and says nothing."""
    struck = CrashAt("payment", "charge", "after", lasting=100)
    assert seen(choreograph(shop(), idempotent=True), struck) == {
        0: ("stuck", "charge.done or charge.failed of payment")
    }


def test_a_join_waits_for_the_branch_that_is_silent():
    process = diamond(services(takes=20, network=1.0))
    assert seen(choreograph(process), Mute("mail")) == {0: ("stuck", "notify.done, lost between mail and broker")}


def test_a_conductor_by_commands_that_has_lost_its_memory_owes_the_end():
    ends = "order.completed or order.cancelled of orders"
    assert seen(commanded(shop()), Crash("orders", at=30, lasting=5)) == {0: ("stuck", ends)}


def test_a_conductor_by_calls_without_a_time_out_waits_for_an_answer():
    assert seen(orchestrate(shop()), Mute("payment")) == {0: ("stuck", "the answer of payment to charge")}
    lost = Drop(("orders", "payment"), 1.0, at=20, lasting=10, ways="there")
    assert seen(orchestrate(shop()), lost) == {0: ("stuck", "charge, lost between orders and payment")}


def test_a_service_that_is_down_has_it_in_its_queue():
    assert seen(choreograph(shop()), Crash("shipping", at=0)) == {0: ("stuck", "shipping to take charge.done")}


def test_work_in_progress_is_what_is_waited_for():
    assert seen(choreograph(shop()), until=40) == {0: ("open", "payment to be done with reserve.done")}
    assert seen(orchestrate(shop()), until=40) == {0: ("open", "payment to be done with charge")}


def test_who_is_parked_waits_for_a_person():
    broken = Errors("inventory", 1.0, at=40)
    (line,) = seen(orchestrate(shop(refuses={"ship": 1})), broken).values()
    assert line[0] == "parked" and line[1].startswith("a person: release failed")


def test_a_dead_letter_waits_for_a_person_too():
    system = System("reader")

    @system.service("desk").operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    @system.service("back").on("job.placed", publishes="job.done", retry=Retry(1))
    def work(ctx, job):
        raise Failed("poison")

    system.accepts("job", place, done="job.done")
    assert seen(system, load=Times("job", at=[0])) == {0: ("parked", "a person: a dead letter")}


def forgetful(takes, **how):
    """Return a desk that tells a reader, who is meant to tell of its work, and says nothing."""
    system = System("forgetful", network=1.0)

    @system.service("desk").operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    system.service("back").on("job.placed", takes=takes, **how)(lambda ctx, job: None)
    system.accepts("job", place, done="job.done")
    return system


def test_a_delivery_that_was_lost_and_made_again_is_not_what_is_missing():
    system, load = forgetful(20, publishes="job.done"), Times("job", at=[0])
    assert seen(system, Crash("back", at=10, lasting=20), load=load) == {0: ("stuck", "job.done of back")}


@pytest.mark.filterwarnings("ignore::rehearsal.DesignWarning")
def test_where_nobody_can_be_blamed_it_waits_for_its_end():
    """It waits for news that nobody is meant to bring; who has told what it had to tell is not to blame."""
    assert seen(forgetful(20), load=Times("job", at=[0])) == {0: ("stuck", "job.done")}


def test_a_run_that_kept_its_totals_only_cannot_say():
    with pytest.raises(ValueError, match="totals only"):
        waiting(run(choreograph(shop()), ONE, keep="totals"))
