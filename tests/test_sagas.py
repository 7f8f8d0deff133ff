"""Sagas that survive: the same ends in every style, undos that are safe, tried again and parked, and no way back."""

import pytest

from rehearsal import (
    Crash,
    CrashAt,
    Delay,
    Drop,
    Duplicate,
    Errors,
    Failed,
    ModelError,
    Mute,
    Refused,
    Retry,
    System,
    Times,
    ms,
    run,
    sec,
)
from rehearsal.process import Process, choreograph, monolith, orchestrate
from tests.processes import diamond, sequence, services, step
from tests.systems import rows

TWO = Times("order", at=[0, 500])
SAFE = {"idempotent": True, "outbox": 0, "objective": 5 * sec}


def commanded(process, **how):
    """Return the process conducted by commands and replies."""
    return orchestrate(process, by="commands", **how)


def conducted(process, **how):
    """Return the process conducted by calls that are tried again, where something is to be safe."""
    return orchestrate(process, retry=Retry(6, wait=50, factor=2), **how)


STYLES = {"orchestrate": conducted, "commands": commanded, "choreograph": choreograph}
each_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


def safely(style, process, **how):
    """Return a style with every safeguard on."""
    durable = {} if style is choreograph else {"durable": True}
    return style(process, **SAFE, **durable, **how)


def shop(**how):
    """Return the services of the shop: every step takes 20 ms, every hop one."""
    return services(takes=20, network=1.0, **how)


def left(result):
    """Return {request: {effect: what is left of it}}, without what was undone."""
    found: dict = {}
    for effect in result.effects:
        mine = found.setdefault(effect.request, {})
        mine[effect.name] = mine.get(effect.name, 0) + effect.amount
    return {request: {name: n for name, n in mine.items() if n} for request, mine in found.items()}


WHOLE = {"reserve": 1, "charge": 1, "ship": 1}


# Effects


@each_style
@pytest.mark.parametrize("shape", [sequence, diamond])
def test_every_step_enters_its_effect_once_in_every_style(style, shape):
    result = run(style(shape(shop())), TWO)
    expected = result.system.process.expects(result.payload(0))
    assert left(result) == {0: dict.fromkeys(expected, 1), 1: dict.fromkeys(expected, 1)}


@each_style
def test_a_cancelled_order_leaves_nothing(style):
    result = run(style(sequence(shop(refuses={"ship": 1}))), TWO)
    assert (result.fates(), left(result)) == (["compensated"] * 2, {0: {}, 1: {}})
    undone = [e.name for e in result.effects if e.request == 0 and e.amount < 0]
    assert undone == ["charge", "reserve"]


# Single faults, with and without the safeguards

SINGLE = {
    "a participant, after its effect": CrashAt("payment", "charge", "after", lasting=300 * ms),
    "a participant, during its work": CrashAt("payment", "charge", "during", lasting=300 * ms),
    "a participant, before": CrashAt("payment", "charge", "before", lasting=300 * ms),
    "a participant, by the clock": Crash("inventory", at=10, lasting=300 * ms),
    "where orders enter, by the clock": Crash("orders", at=30, lasting=300 * ms),
    "the link, twice": Duplicate(("broker", "payment"), 1.0, at=0, lasting=400 * ms),
}


@each_style
@pytest.mark.parametrize("fault", SINGLE.values(), ids=SINGLE)
def test_with_every_safeguard_on_a_single_fault_changes_nothing_but_the_time(style, fault):
    if isinstance(fault, Duplicate) and style is conducted:
        fault = Duplicate(("orders", "payment"), 1.0, at=0, lasting=400 * ms)
    result = run(safely(style, sequence(shop())), TWO, faults=fault)
    assert left(result) == {0: WHOLE, 1: WHOLE}
    assert [fate for fate in result.fates() if fate not in ("on time", "failed")] == []


def test_where_orders_enter_a_crash_after_the_effect_is_done_and_reported_failed():
    """The client's connection is gone; with an outbox the order is not, and nobody is left half-served."""
    fault = CrashAt("orders", "accept", "after", lasting=300 * ms)
    result = run(safely(choreograph, sequence(shop())), TWO, faults=fault)
    assert (result.fates(), left(result)) == (["failed", "on time"], {0: WHOLE, 1: WHOLE})


def test_without_a_key_a_customer_is_charged_twice():
    result = run(choreograph(sequence(shop())), TWO, faults=SINGLE["a participant, after its effect"])
    assert left(result)[0] == WHOLE | {"charge": 2}


def test_without_an_outbox_the_event_is_lost_and_the_order_half_done():
    system = choreograph(sequence(shop()), idempotent=True)
    result = run(system, TWO, faults=SINGLE["a participant, after its effect"])
    assert (result.fates()[0], left(result)[0]) == ("stuck", {"reserve": 1, "charge": 1})


@pytest.mark.parametrize("style", [orchestrate, commanded])
def test_a_conductor_without_durable_progress_forgets_the_order_half_way(style):
    result = run(style(sequence(shop())), TWO, faults=Crash("orders", at=40, lasting=300))
    assert left(result)[0] in ({"reserve": 1, "charge": 1}, {"reserve": 1})
    assert result.fates() in (["failed", "on time"], ["stuck", "on time"])


@pytest.mark.parametrize("moment", range(5, 90, 6))
def test_a_durable_conductor_resumes_and_neither_repeats_nor_forgets_an_effect(moment):
    result = run(safely(conducted, sequence(shop())), TWO, faults=Crash("orders", at=moment, lasting=300))
    assert (result.fates(), left(result)) == (["on time"] * 2, {0: WHOLE, 1: WHOLE})


def test_what_was_refused_after_a_lost_attempt_may_have_been_done_and_is_undone():
    """The first attempt took effect and its answer was lost; the others found the service down."""
    system = orchestrate(sequence(shop()), timeout=200, retry=Retry(3, wait=100, factor=2), durable=True, **SAFE)
    result = run(system, TWO, faults=CrashAt("inventory", "reserve", "after", lasting=1000 * ms))
    assert left(result)[0] == {}


def test_a_retry_comes_before_compensating():
    fault = Crash("shipping", at=0, lasting=200 * ms)
    given_up, tried = (run(style(sequence(shop())), TWO, faults=fault) for style in (orchestrate, conducted))
    assert (given_up.fates()[0], left(given_up)[0]) == ("compensated", {})
    assert (tried.fates()[0], left(tried)[0]) == ("on time", WHOLE)


# Undos


def late_charge(careful):
    """Return the run in which the request to charge is a second late, and its undo overtakes it."""
    system = orchestrate(sequence(shop()), timeout=100 * ms, careful=careful)
    late = Delay(("orders", "payment"), 1 * sec, at=20, lasting=20, ways="there")
    return run(system, Times("order", at=[0]), faults=late)


def test_an_undo_of_what_was_never_done_does_nothing_and_keeps_it_from_being_done_later():
    result = late_charge(careful=True)
    assert (result.fates(), left(result)) == (["compensated"], {0: {}})


def test_without_care_an_undo_that_overtakes_its_step_leaves_the_customer_charged():
    result = late_charge(careful=False)
    story = [("-" if e.amount < 0 else "") + e.name for e in result.effects]
    assert story == ["reserve", "-charge", "-reserve", "charge"]  # a refund for nothing, then a charge for nothing


def broken_undo(style, lasting, **how):
    """Return the run in which shipping refuses, and inventory cannot release for a while."""
    fault = Errors("inventory", 1.0, at=40, lasting=lasting)
    return run(style(sequence(shop(refuses={"ship": 1})), **how), Times("order", at=[0]), faults=fault)


@each_style
def test_an_undo_that_fails_is_tried_again(style):
    result = broken_undo(style, lasting=500 * ms)
    assert (result.fates(), left(result)) == (["compensated"], {0: {}})


@each_style
def test_an_undo_that_goes_on_failing_is_parked_for_a_person_and_the_others_are_done(style):
    result = broken_undo(style, lasting=3600 * sec)
    assert (result.fates(), left(result)) == (["parked"], {0: {"reserve": 1}})


@pytest.mark.parametrize("problem", [Refused, Failed, ValueError])
@each_style
def test_an_undo_that_cannot_be_is_parked_and_those_that_wait_for_it_are_done(style, problem):
    """The last but one to be undone fails by itself; the first step is undone all the same."""
    process = sequence(shop(refuses={"ship": 1}, raises={"refund": problem}))
    result = run(style(process), Times("order", at=[0]))
    assert (result.fates(), left(result)) == (["parked"], {0: {"charge": 1}})


@pytest.mark.parametrize("problem", [Failed, ValueError])
@each_style
def test_a_step_that_goes_on_failing_by_itself_is_the_end_and_the_others_are_undone(style, problem):
    result = run(style(sequence(shop(raises={"ship": problem}))), Times("order", at=[0]))
    assert (result.fates(), left(result)) == (["compensated"], {0: {}})


@each_style
def test_what_a_service_remembers_of_its_own_is_its_own(style):
    mine = shop(refuses={"ship": 1})
    mine.services["inventory"].state = {"done": 0, "undone": None}
    result = run(style(sequence(mine)), Times("order", at=[0]))
    assert (result.fates(), left(result)) == (["compensated"], {0: {}})
    assert (result.states["inventory"]["done"], result.states["inventory"]["undone"]) == (0, None)


def test_who_parks_says_why():
    result = broken_undo(orchestrate, lasting=3600 * sec)
    assert [(p.service, p.why.split(":")[0]) for p in result.parked] == [("orders", "release failed")]


def wide():
    """Return two steps side by side, then one that refuses."""
    system = shop(refuses={"ship": 1})
    return Process("order", [
        step(system, "reserve", undo="release"), step(system, "charge", undo="refund"),
        step(system, "ship", after=("reserve", "charge")),
    ])  # fmt: skip


def test_undos_that_do_not_wait_for_each_other_go_together():
    def span(**how):
        result = run(orchestrate(wide(), **how), Times("order", at=[0]))
        return [r.sent for r in rows(result, kind="call") if r.name in ("release", "refund")], result.fates()

    assert span(undos="together") == ([45, 45], ["compensated"])
    in_turn, fates = span()
    assert in_turn[1] == in_turn[0] + 22 and fates == ["compensated"]


@pytest.mark.parametrize("gap", [{}, {"when": lambda order: order.number == 0}], ids=["no undo", "left out"])
def test_undos_together_keep_the_order_across_a_step_that_is_not_undone(gap):
    """Charging comes after reserving, by way of a step that has no undo or was not done: it is undone first."""
    system = shop(refuses={"ship": 2})
    process = Process("order", [
        step(system, "reserve", undo="release"), step(system, "notify", after="reserve", **gap),
        step(system, "charge", after="notify", undo="refund"), step(system, "ship", after="charge"),
    ])  # fmt: skip
    result = run(orchestrate(process, undos="together"), TWO)
    assert [e.name for e in result.effects if e.request == 1 and e.amount < 0] == ["charge", "reserve"]
    undos = [row for row in rows(result, kind="call", request=1) if row.name in ("release", "refund")]
    assert undos[1].sent >= undos[0].answered


def test_in_a_sequence_undos_together_are_undos_in_turn():
    def story(**how):
        return [e.name for e in run(orchestrate(sequence(shop(refuses={"ship": 1})), **how), TWO).effects]

    assert story(undos="together") == story()


# No way back


def turning(style, **how):
    """Return the sequence with `charge` as its pivot."""
    system = shop(**how)
    steps = [
        step(system, "reserve", undo="release"), step(system, "charge", after="reserve", undo="refund"),
        step(system, "ship", after="charge"),
    ]  # fmt: skip
    return style(Process("order", steps, pivot="charge"), objective=100 * sec)


@each_style
def test_beyond_the_pivot_a_failure_is_tried_again_and_nothing_is_undone(style):
    result = run(turning(style), TWO, faults=Errors("shipping", 1.0, at=0, lasting=10 * sec))
    assert (result.fates(), left(result)) == (["on time"] * 2, {0: WHOLE, 1: WHOLE})


@each_style
def test_beyond_the_pivot_what_goes_on_failing_is_left_to_a_person(style):
    result = run(turning(style), TWO, faults=Errors("shipping", 1.0))
    assert (result.fates(), left(result)[0]) == (["parked"] * 2, {"reserve": 1, "charge": 1})


@each_style
def test_beyond_the_pivot_a_refusal_is_left_to_a_person(style):
    assert run(turning(style, refuses={"ship": 1}), TWO).fates() == ["parked"] * 2


@each_style
def test_before_the_pivot_a_failure_is_undone_as_ever(style):
    result = run(turning(style, refuses={"charge": 1}), TWO)
    assert (result.fates(), left(result)) == (["compensated"] * 2, {0: {}, 1: {}})


def test_a_pivot_has_to_be_a_step_with_no_other_beside_it():
    system = shop()
    with pytest.raises(ModelError, match="turns at a step it has not"):
        Process("order", [step(system, "reserve")], pivot="charge")
    with pytest.raises(ModelError, match="neither before nor after the pivot"):
        Process("order", [step(system, "reserve"), step(system, "charge")], pivot="charge")


def test_a_pivot_is_done_for_every_request():
    system = shop()
    for how in ({"when": lambda order: order.number == 1}, {"optional": True}):
        with pytest.raises(ModelError, match="nothing turns at a step that may be left out"):
            Process("order", [step(system, "reserve"), step(system, "charge", after="reserve", **how)], pivot="charge")


def test_a_pivot_that_may_be_done_is_left_to_a_person():
    """Its answer is lost: to undo what came before it could leave a customer who has paid for nothing."""
    mute = Mute("payment", at=0, lasting=600 * ms)
    system = turning(lambda process, **how: orchestrate(process, timeout=200 * ms, **how))
    result = run(system, Times("order", at=[0]), faults=mute)
    assert (result.fates(), left(result)[0]) == (["parked"], {"reserve": 1, "charge": 1})


@pytest.mark.parametrize("style", [orchestrate, commanded, choreograph])
def test_an_optional_step_beyond_the_pivot_keeps_nobody(style):
    system = shop()
    steps = [
        step(system, "reserve", undo="release"), step(system, "charge", after="reserve", undo="refund"),
        step(system, "ship", after="charge"), step(system, "notify", after="charge", optional=True),
    ]  # fmt: skip
    process = Process("order", steps, pivot="charge")
    result = run(style(process, objective=sec), Times("order", at=[0]), faults=Errors("mail", 1.0))
    assert result.fates() == ["on time"]


def test_a_time_out_of_a_dance_cannot_know_of_a_pivot():
    with pytest.raises(ModelError, match="cannot know"):
        turning(lambda process, **how: choreograph(process, timeout=1 * sec, **how))


@each_style
def test_what_is_said_of_who_conducts_goes_before_what_its_service_said_of_itself(style):
    """The reader's system has a service `orders` of its own, without an outbox and without lasting memory."""
    mine = shop()
    mine.service("orders", workers=3)
    orders = style(sequence(mine), outbox=0, **({} if style is choreograph else {"durable": True})).services["orders"]
    assert (orders.workers, orders.durable, orders.outbox) == (3, style is conducted, None if style is conducted else 0)


@pytest.mark.parametrize("word", [{"timeout": 1 * sec}, {"blocking": False}, {"undos": "together"}], ids=str)
def test_what_makes_no_sense_of_commands_is_refused(word):
    with pytest.raises(ModelError, match=f"{next(iter(word))} is for calls"):
        commanded(sequence(shop()), **word)


def test_a_command_that_fails_is_delivered_again_as_often_as_said():
    failing = Errors("payment", 1.0, at=0, lasting=200 * ms)
    patient = commanded(sequence(shop()), retry=Retry(3, wait=100))
    assert run(patient, Times("order", at=[0]), faults=failing).fates() == ["on time"]
    assert run(commanded(sequence(shop())), Times("order", at=[0]), faults=failing).fates() == ["parked"]


def test_a_step_does_its_own_work_where_the_style_cannot_wait_for_it():
    system = System("shop")

    @system.service("mail").operation()
    def notify(ctx, order):
        yield ctx.sleep(1)

    for style in (choreograph, commanded):
        with pytest.raises(ModelError, match="its own work"):
            style(Process("order", [step(system, "notify")]))


def test_a_saga_that_waits_for_ever_is_found_by_its_age_and_undone():
    """Payment charges and tells nobody: without a clock nobody ever notices."""
    silent = Mute("payment", at=0, lasting=300 * ms)
    without, by_age = (
        run(choreograph(sequence(shop()), **how), Times("order", at=[0]), faults=silent)
        for how in ({}, {"timeout": 400 * ms})
    )
    assert (without.fates(), left(without)[0]) == (["stuck"], {"reserve": 1, "charge": 1})
    assert (by_age.fates(), left(by_age)[0]) == (["compensated"], {})


def test_a_dance_with_a_clock_has_one_end_however_late_the_last_event_comes():
    system = choreograph(sequence(shop()), timeout=300 * ms, **SAFE)
    for until in range(40, 140, 5):
        result = run(system, Times("order", at=[0]), faults=Delay(("shipping", "broker"), by=300 - until))
        ends = {"order.completed", "order.cancelled"} & set(result.spans().name)
        assert len(ends) == 1 and result.fates() in (["on time"], ["compensated"]), (until, ends)


def test_a_conductor_finds_it_by_its_time_out():
    silent = Mute("payment", at=0, lasting=300 * ms)
    result = run(orchestrate(sequence(shop()), timeout=400 * ms), Times("order", at=[0]), faults=silent)
    assert (result.fates(), left(result)[0]) == (["compensated"], {})


def test_an_outbox_sends_again_what_was_lost_on_its_way_to_the_broker():
    lost = Drop(("inventory", "broker"), 1.0, at=22, lasting=2, ways="there")
    for kept, fate in ((None, "stuck"), (0, "on time")):
        system = choreograph(sequence(shop()), outbox=kept, objective=5 * sec)
        assert run(system, Times("order", at=[0]), faults=lost).fates() == [fate]


def test_a_join_reacts_once_though_one_of_its_events_was_lost_on_its_way_and_came_again():
    system = choreograph(diamond(shop()), outbox=0, idempotent=True)
    lost = Drop(("broker", "shipping"), 1.0, at=40, lasting=20, ways="there")
    result = run(system, Times("order", at=[0]), faults=lost)
    assert left(result)[0] == {"reserve": 1, "charge": 1, "notify": 1, "ship": 1}


def test_a_monolith_that_goes_down_in_the_middle_of_a_step_takes_the_whole_order_with_it(capsys):
    fault = CrashAt("monolith", "charge", "after", lasting=100 * ms)
    result = run(monolith(sequence(shop())), TWO, faults=fault)
    assert (result.fates(), left(result)[0]) == (["failed", "on time"], {"reserve": 1, "charge": 1})
    assert result.mishaps == {} and capsys.readouterr().err == ""


# What nobody waits for


def with_mail():
    """Return one step, and an optional one after it."""
    system = shop()
    return Process("order", [step(system, "reserve", undo="release"), step(system, "notify", "reserve", optional=True)])


def test_a_process_ends_with_the_step_that_only_optional_steps_follow():
    assert [end.name for end in with_mail().ends] == ["reserve"]
    assert run(choreograph(with_mail()), TWO).fates() == ["on time"] * 2


@pytest.mark.parametrize("style", [commanded, choreograph])
def test_an_optional_step_delays_nobody_where_it_is_asked_for_by_a_message(style):
    result = run(style(with_mail(), objective=200 * ms), TWO, faults=Crash("mail", at=0, lasting=10 * sec))
    assert (result.fates(), left(result)[1]) == (["on time"] * 2, {"reserve": 1, "notify": 1})


# What was surely not done


def test_a_step_that_was_never_let_in_is_not_undone():
    """Payment is down at each attempt: there is nothing to refund, and nobody has to look after it."""
    result = run(conducted(sequence(shop())), TWO, faults=Crash("payment", at=0, lasting=3600 * sec))
    assert (result.fates(), left(result)) == (["compensated"] * 2, {0: {}, 1: {}})
    assert rows(result, kind="call", name="refund") == []


def test_a_call_tells_whether_it_may_have_been_done():
    told = []

    def ask(retry, fault):
        system = shop()
        charge = system.find("charge")

        @system.service("desk").operation()
        def place(ctx, order):
            try:
                yield ctx.call(charge, order, timeout=100 * ms, retry=retry)
            except Failed as error:
                told.append((type(error).__name__, error.may_be_done))

        system.accepts("order", place)
        run(system, Times("order", at=[0]), faults=fault)

    down = Crash("payment", at=0, lasting=10 * sec)
    struck = CrashAt("payment", "charge", "after", lasting=10 * sec)
    for retry, fault in ((None, down), (Retry(2, wait=10), down), (None, struck), (Retry(2, wait=10), struck)):
        ask(retry, fault)
    assert told == [("Rejected", False), ("Rejected", False), ("Lost", True), ("Rejected", True)]
