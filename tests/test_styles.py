"""One process in every style: the same work, the same ends, and what a reader would have written by hand."""

import pytest

from rehearsal import (
    Crash,
    CrashAt,
    Drop,
    Evenly,
    Poisson,
    Process,
    Retry,
    Times,
    choreograph,
    monolith,
    ms,
    orchestrate,
    run,
    sec,
)  # fmt: skip
from rehearsal.traffic import traffic
from tests.processes import branched, diamond, sequence, services, step
from tests.systems import rows

LOAD = Poisson("order", every=50 * ms, count=300)
CALM = Evenly("order", every=1 * sec, count=20)


def commanded(process, **how):
    """Return the process conducted by commands and replies."""
    return orchestrate(process, by="commands", **how)


STYLES = {"orchestrate": orchestrate, "commands": commanded, "choreograph": choreograph, "monolith": monolith}
each_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


def states(result, system, process):
    """Return {operation: the numbers of the orders it was done for}, from the trace."""
    done: dict = {}
    for row in rows(result):
        if row.outcome == "ok" and row.kind != "request" and not row.target.startswith("broker"):
            done.setdefault(row.name, []).append(row.request)
    return done


@each_style
@pytest.mark.parametrize("shape", [sequence, branched, diamond])
def test_every_style_does_every_step_of_every_order(style, shape):
    result = run(style(shape(services()), objective=2 * sec), LOAD, seed=3)
    assert set(result.fates()) == {"on time"} and result.drained


@each_style
@pytest.mark.parametrize("shape", [sequence, branched, diamond])
def test_every_style_cancels_the_same_orders_and_leaves_nothing_half_done(style, shape):
    fates = run(style(shape(services(refuses={"ship": 4}))), LOAD, seed=3).fates()
    assert [n for n, fate in enumerate(fates) if fate == "compensated"] == list(range(3, 300, 4))
    assert set(fates) == {"on time", "compensated"}


@each_style
def test_a_refusal_at_the_first_step_leaves_nothing_to_undo(style):
    fates = run(style(sequence(services(refuses={"reserve": 2}))), CALM).fates()
    assert fates == ["on time", "refused"] * 10


@each_style
def test_a_step_that_does_not_apply_costs_nothing_and_stops_nobody(style):
    shop = services(takes=10, network=0.0)
    process = Process("order", [
        step(shop, "reserve"), step(shop, "charge", after="reserve", when=lambda order: order.number % 2),
        step(shop, "ship", after="charge"),
    ])  # fmt: skip
    result = run(style(process), CALM)
    latency = [b - a for a, b in zip(result.table.offered, result.table.settled, strict=True)]
    assert latency == [20, 30] * 10


def test_every_style_meets_the_same_work():
    def work(style):
        result = run(style(sequence(services(network=0.0, workers=500))), LOAD, seed=5)
        return [round(b - a, 6) for a, b in zip(result.table.offered, result.table.settled, strict=True)]

    first, *others = (work(style) for style in STYLES.values())
    assert all(other == first for other in others)


def test_latency_follows_the_graph_of_the_steps_and_not_the_style():
    """Parallel branches share their start in both: the longest path counts, also with a join."""
    for style, expected in ((orchestrate, 30), (choreograph, 30), (commanded, 30), (monolith, 40)):
        result = run(style(diamond(services(takes=10, network=0.0))), CALM)
        assert {b - a for a, b in zip(result.table.offered, result.table.settled, strict=True)} == {expected}


# Order of undoing


def test_undos_come_in_reverse_in_every_style():
    for style in STYLES.values():
        result = run(style(sequence(services(takes=10, refuses={"ship": 1}))), Evenly("order", every=1000, count=3))
        undos = [row for row in rows(result) if row.name in ("release", "refund", "refund.undone", "ship.failed")]
        ended = {row.target: row.ended for row in undos if row.request == 0 and row.target in ("payment", "inventory")}
        if style is not monolith:
            assert ended["payment"] < ended["inventory"]
        else:
            assert [row.name for row in undos if row.request == 0] == ["refund", "release"]


# Counting


def test_messages_are_what_the_formulas_say():
    n = 3
    counted = {name: traffic(run(style(sequence(services())), CALM)) for name, style in STYLES.items()}
    assert counted["orchestrate"]["messages"].item() == 2 * n
    assert counted["choreograph"]["messages"].item() == n + 1
    assert counted["commands"]["messages"].item() == 2 * n + 1  # and the event that says how it ended
    assert counted["monolith"]["messages"].item() == 0
    assert counted["choreograph"]["hops"].item() == (n + 1) + n
    assert counted["orchestrate"]["round trips"].item() == n


def test_messages_are_counted_in_a_row_a_run():
    """Also of two runs of one system, which are told apart as in a census."""
    system = orchestrate(sequence(services()))
    calm, other = run(system, CALM, seed=1), run(system, CALM, seed=2)
    down = run(system, CALM, seed=1, faults=[Crash("payment", at=0, lasting=60_000)])
    assert len(traffic(calm, calm, down)) == 3 and len(traffic(calm, other)) == 2
    assert list(traffic(calm=calm, down=down).index) == ["calm", "down"]
    assert traffic(calm=calm, down=down)["messages"].is_monotonic_decreasing


# Other flows


def test_somebody_notices_that_nothing_happened():
    process = sequence(services(takes=10))
    silent = [Crash("shipping", at=0)]
    assert set(run(choreograph(process), CALM, faults=silent).fates()) == {"stuck"}
    watched = run(choreograph(process, timeout=3 * sec), CALM, faults=silent)
    assert set(watched.fates()) == {"compensated"}


def test_a_conductor_by_commands_forgets_in_a_crash_unless_it_is_durable():
    process, crash = sequence(services()), Crash("orders", at=5 * sec, lasting=1 * sec)
    fates = {
        durable: run(commanded(process, durable=durable), LOAD, seed=1, faults=[crash]).fates() for durable in (0, 1)
    }
    assert "stuck" in fates[0] and "stuck" not in fates[1]


def test_a_durable_conductor_goes_on_after_a_crash():
    process, crash = sequence(services()), Crash("orders", at=5 * sec, lasting=1 * sec)
    fates = {d: run(orchestrate(process, durable=d), LOAD, seed=1, faults=[crash]).fates() for d in (False, True)}
    assert "failed" in fates[False] and "failed" not in fates[True]


def test_a_decision_costs_the_conductor_time_after_every_wait():
    process = sequence(services(takes=10, network=0.0))
    result = run(orchestrate(process, decides=4 * ms), CALM)
    assert {b - a for a, b in zip(result.table.offered, result.table.settled, strict=True)} == {42}


def test_retries_of_the_conductor_are_for_each_call():
    process = sequence(services(takes=10))
    blip = [Crash("payment", at=4_990, lasting=100)]
    plain, again = (run(orchestrate(process, retry=r), CALM, faults=blip).fates() for r in (None, Retry(3, wait=60)))
    assert plain.count("on time") == 19 and again.count("on time") == 20


def test_a_step_that_was_rejected_when_asked_again_may_be_done():
    """The crash comes after the effect and outlasts all retries: the last answer is "down", and it is undone."""
    shop = orchestrate(sequence(services(network=1, takes=10)), timeout=200, retry=Retry(2, wait=100))
    done = run(shop, Times("order", at=[0]), faults=[CrashAt("inventory", "reserve", "after", lasting=1000)])
    assert [(one.name, one.amount) for one in done.effects] == [("reserve", 1), ("reserve", -1)]
    assert done.fates() == ["compensated"]


def test_a_join_that_is_delivered_late_waits_for_the_others_and_reacts_once():
    """Both events on their way to shipping are lost, and come again: the first of them is no second reaction."""
    shop = choreograph(diamond(services(network=1, takes=10)))
    lost = Drop(("broker", "shipping"), at=26, lasting=0.001, ways="there")
    done = run(shop, Times("order", at=[0]), faults=[lost])
    assert len(rows(done, source="broker", target="shipping", attempt=2)) == 2
    assert [one.name for one in done.effects if one.service == "shipping"] == ["ship"]
