"""Work done in process, by hand: it goes through crashes as its handler does, and is refused where it would do harm."""

import pytest

from rehearsal import Crash, CrashAt, Evenly, Failed, ModelError, Process, Step, System, Times, monolith, run
from rehearsal.census import count
from tests.systems import rows

ONE = Times("order", at=[0])


def program(durable=True, **how):
    """Return a service that reserves, then packs, in process; each takes 10 ms."""
    system = System("program")
    whole = system.service("whole", workers=1, durable=durable, **how)

    @whole.operation(takes=10)
    def reserve(ctx, order):
        ctx.effect("reserve")
        return f"shelf {order.number}"

    @whole.operation(takes=10)
    def pack(ctx, order):
        ctx.effect("pack")

    @whole.operation()
    def place(ctx, order):
        shelf = yield ctx.work(reserve, order)
        yield ctx.work(pack, order)
        return shelf

    system.accepts("order", place, objective=100)
    return system


@pytest.mark.parametrize("moment", ["during", "after"])
@pytest.mark.parametrize("operation", ["reserve", "pack"])
def test_a_durable_handler_goes_on_after_a_crash_over_its_own_work(operation, moment):
    """What was not done is done then; what was done before the crash is not done again, and its value is known."""
    struck = run(program(), Evenly("order", every=50, count=3), faults=CrashAt("whole", operation, moment, lasting=7))
    assert count(struck)["on time"] == 3
    assert [effect.name for effect in struck.effects] == ["reserve", "pack"] * 3
    assert [row.outcome for row in rows(struck, kind="work")] == ["ok"] * 6


@pytest.mark.parametrize("moment", ["during", "after"])
def test_what_is_not_durable_is_lost(moment):
    struck = run(program(durable=False), ONE, faults=CrashAt("whole", "reserve", moment, lasting=7))
    assert struck.fates() == ["failed"] and len(struck.effects) == (moment == "after")


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize("how", [{}, {"replicas": 2}, {"failover": 3.0}], ids=["alone", "one of two", "a standby"])
def test_a_durable_monolith_loses_no_request_in_a_crash_over_a_part(moment, how):
    parts = System("parts")
    reserve = parts.service("inventory").operation(name="reserve", takes=10)(lambda ctx, order: None)
    system = monolith(Process("order", [Step(reserve)]))
    vars(system.services["monolith"]).update({"durable": True} | how)
    struck = run(system, Evenly("order", every=50, count=3), faults=CrashAt("inventory", "reserve", moment, lasting=7))
    assert count(struck)["on time"] == 3 and len(struck.effects) == 3


def test_a_crash_that_is_dated_strikes_it_alike():
    struck = run(program(), ONE, faults=Crash("whole", at=5, lasting=20))
    assert struck.fates() == ["on time"] and len(struck.effects) == 2


def misused(body, **how):
    """Run a handler that has an operation of its own, one that waits, and one elsewhere."""
    system = System("misuse")
    here, there = system.service("here", workers=3), system.service("there")
    own = here.operation(name="own", **how)(lambda ctx, order: ctx.effect("own"))
    elsewhere = there.operation(name="elsewhere")(lambda ctx, order: None)

    @here.operation()
    def waits(ctx, order):
        yield ctx.work(own, order)

    @here.operation()
    def place(ctx, order):
        yield from body(ctx, order, own, waits, elsewhere)

    system.accepts("order", place)
    return run(system, ONE)


def a_list(ctx, order, own, waits, elsewhere):
    yield ctx.work(own, [1])


def one_that_waits(ctx, order, own, waits, elsewhere):
    yield ctx.work(waits, order)


def one_elsewhere(ctx, order, own, waits, elsewhere):
    yield ctx.work(elsewhere, order)


def the_same_twice(ctx, order, own, waits, elsewhere):
    work = ctx.work(own, order)
    yield work
    yield work


@pytest.mark.parametrize(("body", "words"), [
    (a_list, "sends a list, which could change"),
    (one_that_waits, r"here.place works on here.waits, which waits for others: ask for it with ctx.call"),
    (one_elsewhere, r"here.place works on there.elsewhere, which is elsewhere: ask for it with ctx.call"),
    (the_same_twice, r"here.place yields the same work twice: describe it again with ctx.work"),
], ids=lambda value: getattr(value, "__name__", ""))  # fmt: skip
def test_what_would_do_harm_is_refused(body, words):
    with pytest.raises(ModelError, match=words):
        misused(body)


def test_an_idempotent_operation_is_done_as_often_as_it_is_asked_for():
    """Nobody asks again for what is done in process: two works are two."""

    def two(ctx, order, own, waits, elsewhere):
        yield ctx.work(own, (order.number, 1))
        yield ctx.work(own, (order.number, 2))

    assert len(misused(two, idempotent=True).effects) == 2


def test_what_goes_wrong_under_a_crash_is_a_failure_as_it_is_without():
    """The handler that goes on after the restart hears of a `Failed`, whatever its work raised."""

    def told(faults):
        system, heard = System("program"), []
        whole = system.service("whole", durable=True)
        work = whole.operation(name="work", takes=10)(lambda ctx, order: {}["no such key"])

        @whole.operation()
        def place(ctx, order):
            try:
                yield ctx.work(work, order)
            except Failed as error:
                heard.append(str(error))

        system.accepts("order", place)
        assert run(system, ONE, faults=faults).fates() == ["on time"]
        return heard

    assert told(()) == told(CrashAt("whole", "work", "after", lasting=5)) == ["KeyError: 'no such key'"]
