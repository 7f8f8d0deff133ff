"""Faults are data: frozen, comparable, said in one line; what makes no sense is refused before anything runs."""

import warnings
from dataclasses import FrozenInstanceError, fields, replace
from math import inf, nan
from pickle import dumps, loads

import pytest

import rehearsal
from rehearsal import (
    Breakdowns,
    Constant,
    Crash,
    CrashAt,
    Delay,
    DesignWarning,
    Drop,
    Duplicate,
    Errors,
    Evenly,
    Exponential,
    LoadSpike,
    ModelError,
    Mute,
    Partition,
    Reorder,
    Slow,
    System,
    Times,
    monolith,
    orchestrate,
    run,
)
from rehearsal.faults import Fault
from tests.processes import sequence, services
from tests.systems import caller, commander, listener, same

LINK = "front", "back"
ALL = {
    "back down from 90 ms for 50 ms": Crash("back", 90, 50),
    "back down after work no. 1 for 50 ms": CrashAt("back", "work", lasting=50),
    "back breaks down from 0 ms for ever": Breakdowns("back", up=Exponential(900), down=30),
    "back ×2.5 slower from 0 ms for ever": Slow("back", 2.5),
    "back 25% errors from 90 ms for 50 ms": Errors("back", 0.25, 90, 50),
    "back mute from 0 ms for ever": Mute("back"),
    "client asks ×3 from 90 ms for 50 ms": LoadSpike(3, 90, 50),
    "front – back loses 10% from 0 ms for ever": Drop(LINK, 0.1),
    "front – back 20 ms later from 0 ms for ever": Delay(LINK, 20),
    "front – back 10% twice from 0 ms for ever": Duplicate(LINK, 0.1),
    "front – back out of order from 0 ms for ever": Reorder(LINK, 20),
    "front | back from 90 ms for 50 ms": Partition((("front",), ("back",)), 90, 50),
}
EVERY = pytest.mark.parametrize("fault", ALL.values(), ids=lambda fault: type(fault).__name__)


def test_these_are_all_there_are():
    public = {value for value in vars(rehearsal).values() if isinstance(value, type) and issubclass(value, Fault)}
    assert public - {Fault} == {type(fault) for fault in ALL.values()}


def test_parts_of_a_monolith_may_be_struck_at_once_and_keep_the_whole_down_together():
    """The same faults strike every style: here they are one outage, from the first beginning to the last end."""
    faults = [Crash("inventory", 1000, 500), Crash("payment", 1200, 500)]
    for style, outages in ((monolith, [(1000, 1700)]), (orchestrate, [(1000, 1500), (1200, 1700)])):
        found = run(style(sequence(services())), Times("order", at=[2000]), faults=faults).outages
        assert [(outage.at, outage.until) for outage in found] == outages


def test_a_crash_at_a_message_says_which_one():
    assert str(CrashAt("back", "work", "before", 7, 50, at=90)) == "back down before work no. 7 since 90 ms for 50 ms"


@pytest.mark.parametrize("words", ALL)
def test_a_fault_is_said_in_one_line(words):
    assert str(ALL[words]) == words


@EVERY
def test_a_fault_is_frozen_and_equal_to_another_that_says_the_same(fault):
    twin = replace(fault) if type(fault) is not LoadSpike else LoadSpike(3, 90, 50)
    assert twin == fault and hash(twin) == hash(fault) and {fault: 1}[twin] == 1
    assert loads(dumps(fault)) == fault
    for field in fields(fault):
        with pytest.raises(FrozenInstanceError):
            setattr(fault, field.name, 1)


@EVERY
def test_what_a_fault_prints_is_how_it_was_written(fault):
    assert eval(repr(fault), vars(rehearsal) | {"inf": inf}) == fault


@EVERY
def test_a_fault_knows_whom_it_strikes_and_until_when(fault):
    link = {Drop, Delay, Duplicate, Reorder, Partition}
    assert fault.struck == (LINK if type(fault) in link else (fault.service,))
    assert fault.until == fault.at + fault.lasting and fault.label in str(fault)


def test_a_service_or_an_operation_means_its_name():
    system = System("any")
    orders, payment = system.service("orders"), system.service("payment")
    pay = payment.operation(name="pay")(lambda ctx, job: None)
    assert Crash(payment, 90) == Crash("payment", 90) != Crash("payment", 91)
    assert CrashAt(payment, pay) == CrashAt("payment", "pay")
    assert Drop((orders, payment)) == Drop(["orders", "payment"])
    assert Partition([[orders], payment], at=0) == Partition((("orders",), ("payment",)), at=0)


def test_a_time_may_be_a_number_or_a_distribution():
    assert Delay(LINK, 20) == Delay(LINK, Constant(20.0))
    assert Breakdowns("back", 900, 30) == Breakdowns("back", Constant(900.0), Constant(30.0))


def test_moments_may_be_whole_numbers_or_not():
    assert Crash("back", 90, 50) == Crash("back", 90.0, 50.0)
    assert str(Crash("back", 90)) == str(Crash("back", 90.0))


# What makes no sense is refused where it is written

TIMED = {
    Crash: {"service": "a"}, CrashAt: {"service": "a", "operation": "b"}, Slow: {"service": "a", "factor": 2},
    Errors: {"service": "a", "rate": 0.5}, Mute: {"service": "a"}, Drop: {"link": LINK}, Duplicate: {"link": LINK},
    Delay: {"link": LINK, "by": 3}, Reorder: {"link": LINK, "within": 3}, LoadSpike: {"factor": 2},
    Partition: {"groups": (("a",), ("b",))}, Breakdowns: {"service": "a", "up": 5, "down": 5},
}  # fmt: skip


@pytest.mark.parametrize("kind", TIMED, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    ("window", "says"),
    [
        ({"at": -1, "lasting": 5}, "at of {} must be 0 or more"),
        ({"at": inf, "lasting": 5}, "at of {} must be finite"),
        ({"at": "soon", "lasting": 5}, "at of {} must be a time such as 20"),
        ({"at": 0, "lasting": 0}, "lasting of {} must be greater than 0"),
        ({"at": 0, "lasting": -5}, "lasting of {} must be greater than 0"),
        ({"at": 0, "lasting": nan}, "lasting of {} must be a time such as 20"),
        ({"at": 0, "lasting": None}, "lasting of {} must be a time such as 20"),
    ],
)
def test_an_empty_or_impossible_window_is_refused(kind, window, says):
    with pytest.raises((ValueError, TypeError), match=says.format(kind.__name__)):
        kind(**TIMED[kind], **window)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Crash("a", 1, work="los"), "work of Crash is 'lost' or 'restart' or 'resume', not 'los'"),
        (lambda: Crash("a", 1, queue="gone"), "queue of Crash is 'lost' or 'kept', not 'gone'"),
        (lambda: Crash("a", 1, arrivals="no"), "arrivals of Crash is 'refused' or 'ignored' or 'wait', not 'no'"),
        (lambda: Crash(7, 1), "a name such as 'payment' is wanted, or what has one, not 7"),
        (lambda: CrashAt("a", None), "a name such as 'payment' is wanted, or what has one, not None"),
        (lambda: CrashAt("a", "b", moment="then"), "moment of CrashAt is 'before' or 'during' or 'after', not 'then'"),
        (lambda: CrashAt("a", "b", count=0), "count of CrashAt must be a whole number, 1 or more, not 0"),
        (lambda: CrashAt("a", "b", count=1.5), "count of CrashAt must be a whole number"),
        (lambda: Slow("a", 0), "the factor of Slow must be greater than 0, not 0"),
        (lambda: Slow("a", "much"), "the factor of Slow must be greater than 0, not 'much'"),
        (lambda: Slow("a", inf), "the factor of Slow must be finite, not inf"),
        (lambda: Slow("a", True), "the factor of Slow must be greater than 0, not True"),
        (lambda: LoadSpike(inf, 1, 2), "the factor of LoadSpike must be finite, not inf"),
        (lambda: Slow("a", nan), "the factor of Slow must be greater than 0, not nan"),
        (lambda: Errors("a", 1.5), "the rate of Errors is a share from 0 to 1, not 1.5"),
        (lambda: Errors("a", "half"), "the rate of Errors is a share from 0 to 1, not 'half'"),
        (lambda: Breakdowns("a", 0, 5), "up of Breakdowns must be greater than 0, not 0"),
        (lambda: Breakdowns("a", 5, "long"), "down of Breakdowns must be a time such as 20"),
        (lambda: Breakdowns("a", 5, 5, work="kept"), "work of Breakdowns is 'lost' or 'restart' or 'resume'"),
        (lambda: Breakdowns("a", 5, 5, clock="often"), "clock of Breakdowns is 'always' or 'busy', not 'often'"),
        (lambda: Drop("ab"), "a link has two ends, such as .*, not 'ab'"),
        (lambda: Drop(None), "a link has two ends, such as .*, not None"),
        (lambda: Drop(("a", "b", "c")), "a link has two ends"),
        (lambda: Drop(("a", 7)), "a name such as 'payment' is wanted, or what has one, not 7"),
        (lambda: Drop(LINK, 2), "the rate of Drop is a share from 0 to 1, not 2"),
        (lambda: Drop(LINK, ways="forth"), "ways of Drop is 'both' or 'there' or 'back', not 'forth'"),
        (lambda: Duplicate(LINK, -1), "the rate of Duplicate is a share from 0 to 1, not -1"),
        (lambda: Delay(LINK, -3), "by of Delay can be negative"),
        (lambda: Delay(LINK, "long"), "by of Delay must be a time such as 20"),
        (lambda: Reorder(LINK, 0), "within of Reorder must be greater than 0"),
        (lambda: Reorder(LINK, 5, rate=2), "the rate of Reorder is a share from 0 to 1, not 2"),
        (lambda: Partition(("a",), 0), "a partition has two groups or more"),
        (lambda: Partition("ab", 0), "a partition has two groups or more, such as .*, not 'ab'"),
        (lambda: Partition(None, 0), "a partition has two groups or more, such as .*, not None"),
        (lambda: Partition((("a", "b"), ("b",)), 0), "b is in two groups of the partition"),
        (lambda: Partition((("a",), ()), 0), "a name such as 'payment' is wanted"),
    ],
)  # fmt: skip
def test_a_fault_that_makes_no_sense_is_refused_where_it_is_written(wrong, says):
    with pytest.raises((ValueError, TypeError), match=says):
        wrong()


# What does not fit the system is refused before the run


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        (["back"], "a fault is something like Crash('payment', at=90 * sec), not 'back'"),
        ([Crash("bakc", 1)], "bakc down from 1 ms for ever strikes nobody: no service 'bakc'; did you mean 'back'?"),
        ([Crash("client", 1)], "no service 'client'"),
        ([Slow("bakc", 2)], "did you mean 'back'? services here: back, broker, front"),
        ([Mute("bakc")], "did you mean 'back'?"),
        ([Breakdowns("bakc", 5, 5)], "did you mean 'back'?"),
        ([Drop(("front", "bakc"))], "did you mean 'back'? services here: back, broker, client, front"),
        ([Partition((("front",), ("bakc",)), 1)], "did you mean 'back'?"),
        ([CrashAt("back", "wrok")], "back does not do what CrashAt waits for: no operation 'wrok'; did you mean"),
        ([CrashAt("front", "job.placed")], "front does not do what CrashAt waits for"),
        ([CrashAt("broker", "job.placed")], "broker is a broker: it can crash or be slow"),
        ([Errors("broker", 0.5)], "broker is a broker: it can crash or be slow"),
        ([Mute("broker")], "broker is a broker: it can crash or be slow"),
        ([Drop(("back", "back"))], "a link has two different ends"),
        ([Crash("back", 1, 9), Crash("back", 5, 9)], "back cannot crash while it is down: back down from 1 ms for 9"),
        ([Crash("back", 5), Crash("back", 9, 9)], "back cannot crash while it is down"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_the_run(faults, says):
    system = listener(body=lambda ctx, job: pytest.fail("this ran"))
    for listed in (faults, faults[::-1]):
        with pytest.raises(ModelError) as caught:
            run(system, Times("job", at=[0]), faults=listed)
        assert says in str(caught.value)


def test_a_fault_after_the_end_is_none_and_faults_touch_end_to_end():
    faults = [Crash("back", 5, 5), Crash("back", 10, 5)]
    assert run(caller(), Evenly("job", every=50, count=2), faults=faults).fates() == ["on time"] * 2


def test_numbers_of_numpy_are_numbers_and_become_pythons_own():
    import numpy as np

    made = [Slow("a", np.int64(3)), Errors("a", np.float32(0.5)), Drop(LINK, np.float64(0.5), at=np.int64(7))]
    assert repr(made) == repr([Slow("a", 3), Errors("a", 0.5), Drop(LINK, 0.5, at=7)])
    assert repr(CrashAt("a", "b", count=np.int64(2))) == repr(CrashAt("a", "b", count=2))


def test_small_shares_long_delays_and_what_goes_faster_are_said_as_people_do():
    said = [Errors("a", 0.005), Errors("a", 1), Drop(LINK, 1e-4), Slow("a", 0.5), Delay(LINK, Exponential(2000))]
    assert [fault.label for fault in said] == [
        "a 0.5% errors", "a 100% errors", "front – back loses 0.01%", "a ×2 faster", "front – back 2 s later",
    ]  # fmt: skip


def test_a_set_has_an_order_of_its_own():
    assert Partition([{"b", "a"}, {"c"}], 0).groups == (("a", "b"), ("c",))
    assert Drop({"b", "a"}).link == ("a", "b")


def test_faults_come_in_whatever_holds_several_and_none_is_none():
    crash, slow = Crash("back", 5, 5), Slow("back", 2)
    for several in ([crash, slow], {slow, crash}, iter([crash, slow]), {crash: 1, slow: 2}):
        assert run(caller(), Times("job", at=[0]), faults=several).faults == (crash, slow)
    assert run(caller(), Times("job", at=[0]), faults=None).faults == ()
    with pytest.raises(ModelError, match="a fault is something like"):
        run(caller(), Times("job", at=[0]), faults="crash")


def test_a_single_fault_needs_no_list():
    assert run(caller(), Times("job", at=[0]), faults=Crash("back", 0)).faults == (Crash("back", 0),)


# What can change nothing is said


def said(system, *faults):
    """Return what is said of these faults before a run."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        calm, storm = (run(system, Times("job", at=[0]), faults=f) for f in ((), faults))
    assert same(calm, storm) == bool(caught)
    return [str(one.message) for one in caught if one.category is DesignWarning]


def test_a_link_that_no_message_takes_is_said_with_the_ways_there_are():
    ways = "the ways here: back → broker, broker → back, client → front, front → broker, front → client"
    for fault in (Drop(LINK), Partition([["front"], ["back"]], 0), Drop(("broker", "front"), ways="there")):
        assert said(listener(), fault) == [f"{fault} changes nothing: no message goes this way; {ways}"]


def test_a_broker_that_takes_no_time_cannot_be_slower():
    slow = Slow("broker", 1000)
    (sentence,) = said(listener(), slow)
    assert sentence.startswith(f"{slow} changes nothing: broker has a latency of 0")
    system = listener()
    system.broker(latency=3)
    assert said(system, slow) == []  # and it is slower


def test_a_link_that_messages_take_is_nothing_to_speak_of():
    for system, link in ((listener(), ("broker", "back")), (caller(), LINK), (caller(), ("client", "front"))):
        assert said(system, Drop(link, lasting=5)) == [] and said(system, Partition(link, 0, 5)) == []
    assert said(commander(), Drop(("broker", "back"), lasting=5)) == []


def test_where_a_call_is_computed_nobody_can_say_which_links_there_are():
    system, link = System("computed"), ("front", "back")
    works = [system.service("back").operation(name="work")(lambda ctx, job: None)]

    @system.service("front").operation()
    def ask(ctx, job):
        yield ctx.call(works[0], job)

    system.accepts("job", ask)
    assert said(system, Drop(link)) == []
