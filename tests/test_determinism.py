"""Same four, same trace, byte for byte; and draws that belong to a what, never to a when."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from rehearsal import Crash, Errors, Exponential, Poisson, Retry, Slow, System, run, shop
from tests.systems import caller, columns, listener, rows

ROOT = Path(__file__).parent.parent
LOAD = Poisson("order", every=50, count=400)
STORM = [
    Crash("payment", at=5_000, lasting=4_000),
    Slow("inventory", 3, at=2_000, lasting=9_000),
    Errors("shipping", 0.1),
]


def polled():
    """Return the choreographed shop with consumers that look every 70 ms, and a crew of its own for one topic."""
    system = shop.choreographed()
    inventory = system.services["inventory"].subscriptions["order.placed"]
    system.services["inventory"].on(
        "order.placed", publishes="stock.reserved", takes=inventory.takes, work="reserve", poll=70, workers=3
    )(inventory.function)
    return system


SYSTEMS = {"orchestrated": shop.orchestrated, "choreographed": shop.choreographed, "polled": polled}


def fingerprint():
    """Return a hash of everything that three systems recorded through a storm."""
    digest = sha256()
    for make in SYSTEMS.values():
        result = run(make(), LOAD, seed=7, faults=STORM)
        digest.update(repr(sorted(columns(result).items())).encode())
        digest.update(repr((result, result.fates(), result.dead_letters, result.empty_polls)).encode())
    return digest.hexdigest()


# The same bytes


def test_two_processes_with_different_hash_seeds_record_the_same_bytes():
    code = "from tests.test_determinism import fingerprint; print(fingerprint())"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "lib")])}
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        ).stdout.strip()
        for seed in ("1", "4242")
    }
    assert told == {fingerprint()}


@pytest.mark.parametrize("make", SYSTEMS.values(), ids=SYSTEMS)
def test_two_runs_in_one_process_record_the_same_bytes(make):
    first, second = (columns(run(make(), LOAD, seed=7, faults=STORM)) for _ in range(2))
    assert first == second
    assert columns(run(make(), LOAD, seed=8, faults=STORM)) != first


def test_a_run_leaves_no_trace_in_the_next():
    system = shop.orchestrated()
    alone = columns(run(system, LOAD, seed=7))
    run(system, LOAD, seed=99, faults=STORM)
    assert columns(run(system, LOAD, seed=7)) == alone


def test_keeping_totals_changes_nothing_that_happens():
    whole, thin = (run(shop.orchestrated(), LOAD, seed=7, faults=STORM, keep=keep) for keep in ("trace", "totals"))
    assert list(whole.table.settled) == list(thin.table.settled) and whole.fates() == thin.fates()


# Draws by key


def takes(result, target, **where):
    """Return {request: time of its first work at the target}, rounded where adding up differs in the last bit."""
    return {
        row.request: round(row.ended - row.started, 6)
        for row in rows(result, target=target, attempt=1, outcome="ok", **where)
    }


def hops(result, target):
    """Return {request: time of its way to the target}."""
    return {row.request: round(row.received - row.sent, 6) for row in rows(result, target=target, attempt=1)}


def test_an_extra_subscriber_moves_nobody_elses_draws():
    def with_audit():
        system = shop.choreographed()
        system.service("audit").on("order.placed", takes=Exponential(90))(lambda ctx, order: None)
        return system

    plain, audited = run(shop.choreographed(), LOAD, seed=7), run(with_audit(), LOAD, seed=7)
    assert list(plain.table.settled) == list(audited.table.settled)  # to the bit
    for service in ("inventory", "payment", "shipping"):
        assert [r[7:11] for r in rows(plain, target=service)] == [r[7:11] for r in rows(audited, target=service)]


def test_a_crash_moves_only_what_it_touches():
    calm, storm = (run(shop.choreographed(), LOAD, seed=7, faults=faults) for faults in ([], STORM[:1]))
    assert list(calm.table.offered) == list(storm.table.offered)
    before = [n for n, settled in enumerate(calm.table.settled) if settled < 5_000]
    assert before and all(calm.table.settled[n] == storm.table.settled[n] for n in before)
    for service in ("inventory", "payment", "shipping"):
        first, second = takes(calm, service), takes(storm, service)
        assert all(first[n] == time for n, time in second.items()) and len(second) > 300
        assert hops(calm, service) == hops(storm, service)


def test_a_retry_moves_no_draw_but_its_own():
    once, thrice = (
        run(caller(Exponential(10), workers=99, timeout=12, retry=retry), Poisson("job", every=20, count=300), seed=3)
        for retry in (None, Retry(2))
    )
    assert takes(once, "back") == takes(thrice, "back")
    assert len(rows(thrice, target="back")) > len(rows(once, target="back"))


def test_two_styles_meet_the_same_arrivals_and_the_same_work():
    styles = [run(make(), LOAD, seed=7) for make in (shop.orchestrated, shop.choreographed)]
    conducted, danced = styles
    assert list(conducted.table.offered) == list(danced.table.offered)
    for service in ("inventory", "payment", "shipping"):
        assert takes(conducted, service) == takes(danced, service)


def test_the_order_of_declarations_means_nothing_to_the_draws():
    def shop_of(*names):
        system = System("shop")
        for name in names:
            system.service(name, workers=99).operation(takes=Exponential(10), name=name)(lambda ctx, job: None)

        @system.service("front", workers=99).operation()
        def go(ctx, job):
            yield ctx.all(ctx.call("a.a", job), ctx.call("b.b", job))

        system.accepts("job", go)
        return system

    one, other = (run(shop_of(*names), Poisson("job", every=20, count=100), seed=3) for names in ("ab", "ba"))
    assert list(one.table.settled) == list(other.table.settled)


def test_readers_of_one_topic_with_handlers_of_one_name_draw_each_for_themselves():
    system = listener()
    for name in ("audit", "search"):

        @system.service(name, workers=99).on("job.placed", takes=Exponential(10))
        def on_placed(ctx, job): ...

    result = run(system, Poisson("job", every=20, count=50), seed=3)
    assert takes(result, "audit") != takes(result, "search")


def test_a_shorter_run_meets_the_beginning_of_a_longer_one():
    short, long = (run(shop.choreographed(), Poisson("order", every=50, count=n), seed=7) for n in (100, 400))
    assert list(short.table.offered) == list(long.table.offered)[:100]
    assert takes(short, "payment").items() <= takes(long, "payment").items()
