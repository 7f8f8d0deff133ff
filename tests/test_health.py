"""Health: what a good message is, judged by hand on small systems, and how it is counted over time."""

import doctest
from math import inf, isnan

import pytest

from rehearsal import (
    CircuitBreaker,
    Crash,
    Errors,
    Evenly,
    Failed,
    Refused,
    Retry,
    Slow,
    System,
    health,
    ms,
    run,
    sec,
    verdicts,
)
from rehearsal.health import Row, first_impact, just_late, levels, unhealthy
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from rehearsal.verdicts import requests, troubles


@pytest.fixture(scope="module")
def storms():
    """Return both shops through the same outage."""
    return [run(shop(), ORDERS, seed=7, faults=OUTAGE) for shop in (orchestrated, choreographed)]


def desk(handler=None, *, objective=50 * ms, takes=10 * ms, workers=1, load=None, **how):
    """Return a run of a gateway that passes each order on to a clerk; a hop takes nothing."""
    system = System("desk")
    clerk, gate = system.service("clerk", workers=workers), system.service("gate", workers=99)

    @clerk.operation(takes=takes)
    def serve(ctx, order): ...

    @clerk.operation(takes=1 * ms, undoes=serve)
    def undo(ctx, order): ...

    @gate.operation()
    def place(ctx, order):
        yield from handler(ctx, order, serve, undo) if handler else (yield ctx.call(serve, order)) or ()

    system.accepts("order", place, objective=objective)
    return run(system, load or Evenly("order", every=100 * ms, count=5), **how)


def told(one, name):
    """Return for each message to a node: when it was sent, when it turned bad (None: it is good), if it was late."""
    return [(v.sent, None if v.turned == inf else v.turned, v.late) for v in verdicts.verdicts(one)[name]]


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(health).failed == 0


# What good is


def test_what_ends_well_within_its_objective_is_good():
    one = desk()
    for name in ("client", "gate", "clerk"):
        assert told(one, name) == [(t, None, False) for t in (100, 200, 300, 400, 500)]


def test_what_is_over_too_late_turned_bad_when_its_objective_had_passed():
    one = desk(takes=70 * ms)
    assert told(one, "client") == told(one, "clerk") == [(t, t + 50, True) for t in (100, 200, 300, 400, 500)]


def test_without_an_objective_nothing_is_late():
    one = desk(takes=70 * ms, objective=inf)
    assert {turned for _, turned, _ in told(one, "clerk")} == {None}


def test_what_fails_turned_bad_when_its_caller_was_told_and_a_retry_is_another_message():
    def ask(ctx, order, serve, undo):
        yield ctx.call(serve, order, retry=Retry(1, wait=5 * ms))

    one = desk(ask, faults=Errors("clerk", rate=1, at=150 * ms, lasting=100 * ms))
    assert told(one, "clerk")[:4] == [
        (100, None, False),
        (200, 210, False),
        (215, 225, False),
        (300, None, False),
    ]


def test_work_whose_caller_gave_up_is_not_good_though_it_was_done():
    def ask(ctx, order, serve, undo):
        try:
            yield ctx.call(serve, order, timeout=4 * ms)
        except Failed:
            raise Refused("too slow") from None

    one = desk(ask)
    assert one.spans().query("target == 'clerk'")["outcome"].tolist() == ["ok"] * 5
    assert told(one, "clerk") == [(t, t + 4, False) for t in (100, 200, 300, 400, 500)]


def test_a_business_no_is_good_unless_something_had_to_be_undone_for_it():
    def ask(ctx, order, serve, undo):
        yield ctx.call(serve, order)
        if order.number % 2:
            yield ctx.call(undo, order)
        raise Refused("no")

    one = desk(ask)
    assert one.fates() == ["refused", "compensated"] * 2 + ["refused"]
    for name in ("client", "gate"):
        assert [turned for _, turned, _ in told(one, name)] == [None, 211, None, 411, None]
    assert {turned for _, turned, _ in told(one, "clerk")} == {None}


def test_what_is_under_way_at_the_cut_is_not_judged_until_it_is_late():
    one = desk(takes=80 * ms, load=Evenly("order", every=20 * ms, count=4), until=125 * ms)
    # Sent at 20, 40, 60 and 80; the first is over at 100, and 40 + 50 and 60 + 50 have passed at the cut.
    assert told(one, "client") == [(20, 70, True), (40, 90, True), (60, 110, True)]


def test_an_event_counts_from_its_publication_and_is_one_message_however_often_it_is_delivered():
    system = System("pair")
    first, second = system.service("first", workers=9), system.service("second")

    @first.operation(publishes="order.placed")
    def place(ctx, order):
        ctx.publish("order.placed", order)

    @second.on("order.placed", publishes="order.done", takes=10 * ms)
    def react(ctx, order):
        ctx.publish("order.done", order)

    system.accepts("order", place, objective=60 * ms, done="order.done")
    one = run(system, Evenly("order", every=100 * ms, count=3), faults=Crash("second", at=205 * ms, lasting=150 * ms))
    assert one.spans().query("target == 'second'")["attempt"].tolist() == [1, 1, 2, 1]
    assert told(one, "second") == told(one, "client") == [(100, None, False), (200, 260, True), (300, 360, True)]


def test_what_nobody_serves_any_more_turned_bad_with_the_crash_that_took_it():
    one = desk(takes=1 * sec, objective=inf, faults=Crash("gate", at=150 * ms))
    assert told(one, "gate")[0] == (100, 150, False)
    assert [turned for _, turned, _ in told(one, "client")] == [150, 200, 300, 400, 500]


def test_what_a_breaker_kept_back_was_never_sent():
    def ask(ctx, order, serve, undo):
        yield ctx.call(serve, order, breaker=CircuitBreaker(window=1, minimum=1, open_for=250 * ms))

    one = desk(ask, faults=Errors("clerk", rate=1, at=0, lasting=150 * ms))
    # The first fails and opens the breaker until 360 ms: the next two calls stay where they are, and the gate fails.
    assert told(one, "clerk") == [(100, 110, False), (400, None, False), (500, None, False)]
    assert [turned for _, turned, _ in told(one, "gate")] == [110, 200, 300, None, None]


def test_what_was_cancelled_is_bad_where_its_caller_was_told_so():
    def ask(ctx, order, serve, undo):
        yield ctx.call(serve, order, timeout=4 * ms, cancel="work")

    assert told(desk(ask), "clerk") == [(t, t + 4, False) for t in (100, 200, 300, 400, 500)]


# Over time


def test_a_message_stands_in_the_bin_of_its_sending_and_all_are_counted(storms):
    for one in storms:
        found, spans = health.health(one), one.spans()
        assert found.bins == [i * 5000 for i in range(60)]
        assert sum(found.rows["client"].total) == len(one.table)
        for name in ("inventory", "shipping"):
            assert sum(found.rows[name].total) == len(spans.query("target == @name and attempt == 1"))
        offered = one.requests()["offered"]
        assert found.rows["client"].total[7] == ((offered >= 35_000) & (offered < 40_000)).sum()


def test_a_failure_travels_to_those_who_ask_and_stays_at_a_topic(storms):
    calls, events = (health.health(one) for one in storms)
    assert [name for name in calls.rows if calls.unhealthy(name)] == ["client", "orders", "payment"]
    assert [name for name in events.rows if events.unhealthy(name)] == ["client", "payment"]
    # A caller hears of it at once, and after two more attempts, half a second apart, its client does.
    assert calls.impacts["payment"] < 10 < 1000 < calls.impacts["orders"] < 1100
    # A reader that is down is late for the first time one objective after the event was published.
    assert 1900 < events.impacts["payment"] <= 2000
    assert isnan(calls.impacts["inventory"])
    assert isnan(events.impacts["orders"])


def test_ill_is_the_time_of_bins_below_99_percent(storms):
    frame = storms[1].requests()
    bad = frame["fate"].ne("on time").groupby(frame["offered"] // 5000).mean()
    assert unhealthy(storms[1]) == 5000 * (bad > 0.01).sum()
    assert unhealthy(storms[1], "inventory") == 0
    assert first_impact(storms[1], "payment") == health.health(storms[1]).impacts["payment"]


def test_no_traffic_is_no_health_and_late_is_not_lost(storms):
    calls, events = (health.health(one).rows for one in storms)
    outage = slice(19, 28)
    assert set(levels(calls["shipping"])[outage]) == set(levels(events["shipping"])[outage]) == {"no traffic"}
    assert set(levels(calls["payment"])[outage]) == set(levels(events["payment"])[outage]) == {"< 50 %"}
    assert not any(just_late(calls["payment"]))
    assert all(just_late(events["payment"])[outage])


@pytest.mark.parametrize(
    ("good", "level"),
    [(1000, "≥ 99 %"), (990, "≥ 99 %"), (989, "90–99 %"), (900, "90–99 %"), (899, "50–90 %"), (499, "< 50 %")],
)
def test_thresholds_are_fixed_and_belong_to_the_better_level(good, level):
    assert levels(Row([good], [1000], [0])) == [level]


def test_a_run_without_requests_has_one_bin_and_no_traffic():
    found = health.health(run(choreographed(), Evenly("order", every=1 * sec, until=0.5 * sec)))
    assert found.bins == [0]
    assert {level for row in found.rows.values() for level in levels(row)} == {"no traffic"}
    assert found.unhealthy("client") == 0


def test_the_first_impact_counts_from_the_first_fault():
    """Too slow for its objective from the beginning; the first that turns bad after 250 is that sent at 300."""
    found = health.health(desk(takes=70 * ms, faults=Errors("clerk", rate=0, at=260 * ms, lasting=900 * ms)))
    assert found.impacts["client"] == found.impacts["clerk"] == 90


def test_a_width_or_a_name_that_cannot_be_is_said():
    for wrong in (0, -1, inf):
        with pytest.raises(ValueError, match="every must be"):
            health.health(desk(), every=wrong)
    for ask in (unhealthy, first_impact):
        with pytest.raises(ValueError, match="no service 'clrk'; did you mean 'clerk'"):
            ask(desk(), "clrk")


def test_troubles_are_in_order_and_only_those_that_came():
    faults = [Slow("shipping", 2, at=3 * sec, lasting=1 * sec), Crash("payment", 1 * sec), Crash("orders", 900 * sec)]
    found = troubles(run(choreographed(), ORDERS, faults=faults, until=10 * sec))
    assert [(t.struck, t.at, t.until, t.down) for t in found] == [
        (("payment",), 1000, inf, True),
        (("shipping",), 3000, 4000, False),
    ]


def test_requests_are_judged_as_their_fates_say(storms):
    for one in storms:
        fates = one.fates()
        assert {fates[row] for row, v in requests(one) if v.turned == inf} == {"on time"}
        assert {fates[row] for row, v in requests(one) if v.late} <= {"late"}
