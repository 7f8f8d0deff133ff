"""What a fault caused: by hand on small systems, exactly on the shop and random worlds, and when it cannot be said."""

import warnings

import pytest
from hypothesis import HealthCheck, assume, given, settings

from rehearsal import (
    Breakdowns,
    Bulkhead,
    CircuitBreaker,
    Crash,
    CrashAt,
    Delay,
    DesignWarning,
    Drop,
    Duplicate,
    Errors,
    Evenly,
    Exponential,
    Failed,
    LoadSpike,
    ModelError,
    Mute,
    Poisson,
    Refused,
    Retry,
    RetryBudget,
    Slow,
    System,
    Times,
    ms,
    run,
    sec,
    shop,
)  # fmt: skip
from rehearsal.health import health
from rehearsal.impact import compare
from rehearsal.travel import MOMENT
from tests.contagion import reachable
from tests.plays import ANY
from tests.systems import caller, listener, rows, same

few = settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
STYLES = [shop.orchestrated, shop.choreographed]
ORDERS = Poisson("order", every=50, count=500)
OUTAGE = Crash("payment", at=8_000, lasting=1_500)


@pytest.fixture(autouse=True)
def quiet():
    """Keep the warnings about topics that nobody hears to ourselves: random systems have many."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        yield


def compared(make, load, *faults, seed=7, **how):
    """Return the comparison of a system with and without these faults."""
    return compare(*(run(make(), load, seed=seed, faults=f, **how) for f in ((), faults)))


def steps(comparison, request=0):
    """Return the path of a request as tuples, times in ms."""
    path = comparison.path(request)
    return [
        (row.source, row.target, row.direction, row.how, round(1000 * row.when, 6))
        for row in path.itertuples(index=False)
    ]


# By hand: constant times, a hop of 2 ms


def test_a_crash_is_told_back_along_the_calls():
    """Asked at 200, at the back at 204, lost at 205: the front hears at 207, the client at 209."""
    found = compared(lambda: caller(10, network=2), Times("job", at=(100, 200, 300)), Crash("back", at=205, lasting=50))
    assert steps(found, 1) == [("back", "front", "failure", "lost", 2), ("front", "client", "failure", "fails", 4)]
    assert list(found.requests()["changed"]) == [False, True, False]
    services = found.services()
    assert list(services.index) == ["client", "back", "front"]
    assert list(services["first impact"].round(9)) == [0.004, 0.002, 0.004]
    assert list(services["worse"]) == list(services["failed"]) == [1, 1, 1]
    row = found.requests().loc[1]
    assert (row["calm"], row["storm"], row["calm latency"], row["storm latency"]) == ("on time", "failed", 18, 9)


def test_a_retry_is_load_and_what_comes_of_it_a_delay():
    """Refused at 204, heard at 206, asked again at 216, served until 228: ten and two hops later than in calm."""
    again = Retry(3, wait=10 * ms)
    found = compared(
        lambda: caller(10, network=2, retry=again), Times("job", at=(200,)), Crash("back", at=203, lasting=10)
    )
    assert steps(found) == [
        ("back", "front", "failure", "rejects", 3),
        ("front", "back", "load", "retry", 13),
        ("front", "client", "failure", "slower", 29),
    ]
    client = found.services().loc["client"]
    assert (client["worse"], client["failed"], client["delayed"]) == (0, 0, 1)
    assert client["mean delay"] == client["max delay"] == pytest.approx(0.014)


def test_a_slow_worker_delays_those_behind_it():
    """Work of 10 ms takes 30 from 100 on: the second, which came at 105, waits until 130 instead of 110."""
    found = compared(lambda: caller(10), Times("job", at=(100, 105, 300)), Slow("back", 3, at=100, lasting=20))
    assert list(found.requests()["delay"]) == [20, 20, 0]
    assert steps(found, 1) == [
        ("front", "back", "backlog", "waited", 10),
        ("back", "front", "failure", "slower", 40),
        ("front", "client", "failure", "slower", 40),
    ]
    assert found.longest_wait("back") == 25 and found.longest_wait("front") == 0
    back = found.services().loc["back"]
    assert (back["delayed"], back["mean delay"], back["max delay"]) == (2, 0.02, 0.02)


def test_a_backlog_stays_at_its_queue():
    """Nobody is told that the reader is down: what was published at 100 waits from 100 to 150, and is done at 160."""
    found = compared(lambda: listener(10), Times("job", at=(50, 100)), Crash("back", at=90, lasting=60))
    assert steps(found, 1) == [("front", "back", "backlog", "waited", 10)]
    services = found.services()
    assert services["worse"].sum() == services["failed"].sum() == 0
    assert (
        services["delayed"].to_dict() == {"client": 1, "front": 0, "back": 1, "broker": 1}
        and services.loc["client", "max delay"] == 0.05
    )
    assert found.starved() == []


def test_work_that_no_longer_comes_is_silence():
    shops = compared(shop.orchestrated, ORDERS, OUTAGE)
    failed = int((shops.requests()["storm"] == "compensated").sum())
    ways = {(w.source, w.target, w.direction): w for w in shops.ways()}
    assert ways["orders", "shipping", "silence"].how == {"no work": failed} and failed > 5
    assert shops.services().loc["shipping", ["worse", "failed"]].tolist() == [0, failed]
    assert shops.starved() == ["shipping"] == compared(shop.choreographed, ORDERS, OUTAGE).starved()


def test_a_redelivery_is_the_same_event_again_and_what_follows_only_later():
    """In work from 95, lost at 100, first in line at 130, done at 140: its event comes 35 ms later, not twice."""

    def with_last():
        system = listener(10)
        system.service("last").on("job.done", takes=1)(lambda ctx, job: None)
        return system

    found = compared(with_last, Times("job", at=(95,)), Crash("back", at=100, lasting=30))
    assert steps(found) == [
        ("front", "back", "load", "delivered again", 0),
        ("front", "back", "backlog", "waited", 0),
        ("back", "last", "load", "moved", 5),
    ]


def test_further_requests_are_load_from_the_client():
    found = compared(lambda: caller(10), Evenly("job", every=20, count=20), LoadSpike(5, at=100, lasting=100))
    frame, further = found.requests(), found.ways()[0]
    assert (further.source, further.target, further.direction) == ("client", "front", "load")
    assert further.how == {"further request": int((frame["calm"] == "not offered").sum())} and further.count > 5
    assert frame["changed"][frame["calm"] == "not offered"].all()


def test_a_no_where_there_would_have_been_a_yes_is_worse():
    """A handler may make a business no of a failure; health cannot tell it from any other no, a comparison can."""

    def polite():
        system = caller(10)
        work = system.find("work")

        @system.services["front"].operation()
        def ask(ctx, job):
            try:
                yield ctx.call(work, job)
            except Failed:
                raise Refused("not today") from None

        system.accepts("job", ask, objective=500)
        return system

    found = compared(polite, Times("job", at=(10, 100)), Crash("back", at=95, lasting=50))
    assert health(found.storm).rows["client"].good == [2]
    assert list(found.requests()["worse"]) == [False, True]
    assert steps(found, 1)[-1] == ("front", "client", "failure", "says no", 5)


def test_the_ways_stand_in_order_and_the_mild_ones_last():
    found = compared(shop.orchestrated, ORDERS, OUTAGE)
    travel, ways = found.travel(), found.ways()
    assert travel.index.tolist() == list(range(1, len(ways) + 1))
    assert [w.mild for w in ways] == sorted(w.mild for w in ways)
    hard = travel[[not w.mild for w in ways]]
    assert hard["first"].is_monotonic_increasing
    assert list(zip(hard["source"], hard["target"], hard["direction"], hard["how"], strict=True)) == [
        ("payment", "orders", "failure", "rejects"),
        ("orders", "payment", "load", "retry"),
        ("orders", "inventory", "load", "compensation"),
        ("orders", "client", "failure", "says no"),
    ]
    refused = int((found.requests()["storm"] == "compensated").sum())
    assert hard["count"].tolist()[2:] == [refused, refused]


def test_a_policy_can_be_compared_under_the_same_fault():
    systems = [caller(10, network=2, retry=retry) for retry in (None, Retry(3, wait=10 * ms))]
    crash = Crash("back", at=203, lasting=10)
    found = compare(*(run(s, Times("job", at=(100, 200)), faults=crash) for s in systems))
    assert (found.what, found.at, found.struck) == ("the design", 203, ())
    assert found.requests()["storm"].tolist() == ["on time", "on time"] and found.requests()["changed"].tolist() == [
        False,
        True,
    ]


def test_where_calm_is_well_a_node_is_unhealthy_as_long_as_its_strip_says():
    for make in STYLES:
        found = compared(make, ORDERS, Crash("payment", at=8_000, lasting=6_000))
        strips, services = health(found.storm), found.services()
        assert {name: strips.unhealthy(name) / 1000 for name in strips.rows} == services["unhealthy"].to_dict()
        assert services.loc["client", "unhealthy"] >= 5


def test_a_node_that_was_as_ill_in_calm_is_not_unhealthy_because_of_the_change():
    slow = caller(10)
    slow.accepts("job", slow.entries["job"].operation, objective=5)
    found = compare(*(run(slow, Evenly("job", every=50, count=9), faults=f) for f in ((), Crash("back", 100, 60))))
    assert health(found.storm).unhealthy("client") == 5_000
    assert found.services()["unhealthy"].tolist() == [0, 0, 0]


def forking():
    """Return a front that asks two services at once, and takes one job after the other."""
    system = System("fork")
    short, long = (
        system.service(name).operation(takes=takes, name=name)(lambda ctx, job: 1)
        for name, takes in (("short", 10), ("long", 40))
    )

    @system.service("front").operation()
    def fork(ctx, job):
        yield ctx.all(ctx.call(short, job), ctx.call(long, job))

    system.accepts("job", fork)
    return system


@pytest.mark.parametrize(
    ("only", "make", "faults"),
    [
        ("received", forking, [Delay(("client", "front"), by=5, ways="there", at=15, lasting=10)]),
        ("started", lambda: caller(10), [Slow("back", 2, at=5, lasting=10), Slow("back", 1e-9, at=25, lasting=10)]),
        ("answered", forking, [Delay(("short", "front"), by=5, ways="there", at=55, lasting=10)]),
    ],
    ids=["received", "started", "answered"],
)
def test_whatever_differs_of_a_message_is_a_change(only, make, faults):
    """The second job comes later, and has to wait anyway; starts later, and is quicker; is answered as others work."""
    found = compared(make, Times("job", at=(10, 19)), *faults)
    assert found.requests()["changed"][1] and abs(found.requests()["delay"][1]) < MOMENT
    sides = zip(*(rows(one, request=1) for one in (found.calm, found.storm)), strict=True)
    names = ("sent", "received", "started", "ended", "answered")
    assert {n for a, b in sides for n in names if abs(getattr(a, n) - getattr(b, n)) > MOMENT} == {only}


def test_it_says_in_one_line_what_it_is():
    found = compared(lambda: caller(10, network=2), Times("job", at=(100, 200, 300)), Crash("back", at=205, lasting=50))
    assert repr(found) == (
        "Comparison(caller, seed 7, back down from 205 ms for 50 ms: 1 of 3 jobs changed, 1 for the worse, 1 failed; "
        "the first 4 ms later)"
    )


def test_what_strikes_at_a_moment_of_its_own_counts_from_there():
    """The 100th job is in work from 2,000 to 2,010, when its effect is done and the service goes down."""
    load = Evenly("job", every=20, count=200)
    found = compared(lambda: caller(10), load, CrashAt("back", "work", count=100, lasting=100))
    assert (found.at, found.until) == (2010, 2110)
    assert found.services()["first impact"].tolist() == [0, 0, 0]
    assert found.path(99)["when"].tolist() == [0, 0]
    worn = compared(lambda: caller(10), load, Breakdowns("back", 1000, 100, lasting=1500))
    assert (worn.at, worn.until) == (1000, 1100)


def test_who_runs_out_of_work_does_so_while_it_lasts():
    """The 20th order takes payment down for a second as it comes there, and nobody asks shipping meanwhile."""
    crash = CrashAt("payment", "charge", "before", count=20, lasting=1 * sec)
    found = compared(shop.orchestrated, Evenly("order", every=20, count=200), crash)
    assert found.starved() == ["shipping"]


TWO = Times("job", at=(100, 200))
WHILE = {"at": 150, "lasting": 100}


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        (Drop(("client", "front"), ways="back", **WHILE), [("front", "client", "ask", 216)]),
        (Mute("front", **WHILE), [("front", "client", "ask", 216)]),
        (Mute("back", **WHILE), [("back", "front", "work", 214), ("front", "client", "ask", 214)]),
        (Drop(("front", "back"), **WHILE), [("back", "front", "work", 202), ("front", "client", "ask", 204)]),
        (Crash("back", arrivals="ignored", **WHILE), [("back", "front", "work", 202), ("front", "client", "ask", 250)]),
    ],
    ids=["answer dropped", "front mute", "back mute", "call dropped", "black hole"],
)
def test_an_answer_that_never_comes_is_a_failure_of_whom_it_was_asked(fault, path):
    """Asked at 200, at the back at 204, done at 214; without a time-out the client waits for ever."""
    found = compared(lambda: caller(10, network=2), TWO, fault)
    assert steps(found, 1) == [(*ends, "failure", "no answer", at - 150) for *ends, _, at in path]
    assert found.path(1)["name"].tolist() == [name for *_, name, _ in path]
    assert found.services().loc[path[0][0], "first impact"] == pytest.approx((path[0][-1] - 150) / 1000)
    assert health(found.storm).rows[path[0][0]].good == [1]


def test_what_a_bad_link_doubles_is_not_an_answer_that_never_came():
    found = compared(lambda: caller(10, workers=9, network=2), TWO, Duplicate(("front", "back"), **WHILE))
    assert [hop[2:4] for hop in steps(found, 1)] == [("load", "more")]
    assert health(found.storm).rows["back"].good == [3]


def test_at_the_cut_an_answer_that_is_not_late_yet_is_only_slower():
    slow = Slow("back", 9, at=150)
    found = compared(lambda: caller(10, network=2), TWO, slow, until=230)
    assert [hop[:4] for hop in steps(found, 1)] == [
        ("back", "front", "failure", "slower"),
        ("front", "client", "failure", "slower"),
    ]


def test_a_failure_that_takes_longer_than_in_calm_has_a_path():
    systems = [run(caller(10, network=2), TWO, faults=f) for f in (ERRORS, [*ERRORS, Slow("back", 5, **WHILE)])]
    assert steps(compare(*systems), 1) == [
        ("back", "front", "failure", "slower", 106),
        ("front", "client", "failure", "slower", 108),
    ]


ERRORS = [Errors("back", 1.0)]


def test_an_event_that_gets_lost_is_silence():
    found = compared(lambda: listener(10, network=2), TWO, Drop(("front", "broker"), **WHILE))
    assert steps(found, 1) == [("front", "back", "silence", "no work", 54)]
    node = found.path(1, "node")
    assert node[["source", "target", "how"]].to_numpy().tolist() == [
        ["front", "broker", "lost on the way"],
        ["broker", "back", "no work"],
        ["back", "broker", "no work"],
    ]
    assert all(way.mild for way in found.ways("node"))


@pytest.mark.parametrize("replicas", [1, 2])
def test_an_event_that_dies_with_its_reader_is_silence_too(replicas):
    """The third waits in the queue that one of two leaves alone, and goes with the crash of all."""
    system = listener(10)
    system.broker(durable=False)
    system.services["back"].replicas = replicas
    crash = Crash("back", at=5, lasting=1, replica=None if replicas == 1 else 1)
    found = compare(*(run(system, Times("job", at=[0, 1, 2]), faults=f) for f in ((), [crash])))
    lost = [[how for *_, how, _ in steps(found, n) if how == "lost in the crash"] for n in range(3)]
    assert [len(each) for each in lost] == ([1, 1, 1] if replicas == 1 else [1, 0, 0]), [
        steps(found, n) for n in range(3)
    ]


def guarded(**policies):
    """Return a front that calls a back of five workers under these policies."""
    system = System("guarded")
    work = system.service("back", workers=5).operation(takes=5, name="work")(lambda ctx, job: 1)

    @system.service("front", workers=50).operation()
    def ask(ctx, job):
        yield ctx.call(work, job, **policies)

    system.accepts("job", ask, objective=100)
    return system


def test_a_request_that_an_open_circuit_stops_is_told_so_by_whom_it_guards_against():
    """Two calls are rejected, at 100 and 120; what comes until 320 stays at the front, though the back is up again."""
    breaker = CircuitBreaker(window=4, minimum=2, open_for=200, probes=1)
    found = compared(lambda: guarded(breaker=breaker), Evenly("job", every=20, count=40), Crash("back", 95, 30))
    assert steps(found, 10) == [
        ("back", "front", "failure", "unsent: circuit open", 125),
        ("front", "client", "failure", "fails", 125),
        ("front", "back", "silence", "no work", 125),
    ]
    assert found.ways()[0].how == {"unsent: circuit open": 9, "rejects": 2} and not found.ways()[0].mild


def test_a_request_that_a_full_bulkhead_stops_says_so():
    found = compared(
        lambda: guarded(bulkhead=Bulkhead(1)), Evenly("job", every=20, count=20), Slow("back", 9, at=95, lasting=10)
    )
    assert steps(found, 5)[0] == ("back", "front", "failure", "unsent: bulkhead full", 25)


# Exactness


@pytest.mark.parametrize("make", STYLES)
def test_a_fault_on_a_service_that_nobody_uses_changes_nothing_to_the_byte(make):
    def with_museum():
        system = make()
        system.service("museum").operation(takes=Exponential(9), name="show")(lambda ctx, order: None)
        return system

    faults = [Crash("museum", at=5_000, lasting=9_000), Slow("museum", 9), Errors("museum", 1.0)]
    found = compared(with_museum, ORDERS, *faults)
    assert same(found.calm, found.storm)
    frame = found.requests()
    assert not frame["changed"].any() and not frame["worse"].any()
    assert found.travel().empty and found.path(0).empty and found.starved() == []
    services = found.services()
    assert (
        services["first impact"].isna().all() and not services[["unhealthy", "worse", "failed", "delayed"]].any().any()
    )


def keys(found):
    """Return the requests that a change has changed as (load, user, number)."""
    names = []
    for a, b in zip(*found.pairs.asked, strict=True):
        table, row = (found.calm.table, a) if a >= 0 else (found.storm.table, b)
        names.append((table.load[row], table.user[row], table.number[row]))
    return {name for name, changed in zip(names, found.requests()["changed"], strict=True) if changed}


@pytest.mark.parametrize("make", STYLES)
@pytest.mark.parametrize(
    "fault", [OUTAGE, Slow("inventory", 4, at=8_000, lasting=1_500), Errors("shipping", 0.5, at=8_000, lasting=900)]
)
def test_who_is_changed_met_the_fault_or_somebody_who_did(make, fault):
    found = compared(make, ORDERS, fault)
    changed, reached = keys(found), reachable(found.calm, found.storm, [fault])
    assert changed <= reached
    assert len(changed) >= 10 and len(reached) < 0.5 * ORDERS.count


@pytest.mark.parametrize("make", STYLES)
def test_nearly_all_that_a_crash_can_have_reached_it_changed(make):
    """The tracing is no excuse: it reaches at most a tenth more than were changed."""
    found = compared(make, ORDERS, OUTAGE)
    assert len(reachable(found.calm, found.storm, [OUTAGE])) <= 1.1 * len(keys(found))


@pytest.mark.parametrize(
    ("policies", "fault"),
    [
        ({"breaker": CircuitBreaker(window=4, minimum=2, open_for=200, probes=1)}, Crash("back", 95, 30)),
        ({"bulkhead": Bulkhead(1)}, Slow("back", 9, at=95, lasting=10)),
        ({"budget": RetryBudget(0.1, burst=1), "retry": Retry(1, wait=1)}, Errors("back", 0.5, at=95, lasting=60)),
    ],
    ids=["breaker", "bulkhead", "budget"],
)
def test_who_a_policy_stops_met_at_the_caller_those_that_it_counted(policies, fault):
    found = compared(lambda: guarded(**policies), Evenly("job", every=20, count=40), fault)
    changed, reached = keys(found), reachable(found.calm, found.storm, [fault])
    assert {(0, -1, number) for number in range(4)}.isdisjoint(reached) and changed <= reached
    away = [row for row in found.requests().index[found.requests()["changed"]] if 20 * (row + 1) >= fault.until + 5]
    assert away or "budget" in policies  # some came when the fault was over, and shared no message and no queue


@few
@given(ANY)
def test_in_any_world_nobody_else_is_changed(world):
    """Whatever strikes, in whichever style: through messages, workers, queues or breakers, and in no other way."""
    system, load, faults, seed = world
    assume(faults)
    found = compare(*(run(system, load, faults=f, seed=seed) for f in ((), faults)))
    assert keys(found) <= reachable(found.calm, found.storm, faults)


def test_what_was_under_way_when_the_fault_struck_moved_when_it_should_have_come():
    calm, storm = (run(listener(network=5), Times("job", at=[0]), faults=f) for f in ((), [Crash("broker", 7, 20)]))
    path = compare(calm, storm).path(0, "node")  # published at 5, at the broker at 10
    assert path.loc[0, ["name", "how"]].tolist() == ["job.placed", "moved"] and path.loc[0, "when"] == 0.003


@few
@given(ANY)
def test_in_any_world_what_is_worse_or_later_has_a_path(world):
    """And every hop of every path joins two nodes that are there, no earlier than the change."""
    system, load, faults, seed = world
    assume(faults)
    found = compare(*(run(system, load, faults=f, seed=seed) for f in ((), faults)))
    frame, nodes = found.requests(), {*found.nodes, *system.modules}
    never = frame["calm latency"].notna() & frame["storm latency"].isna()
    for request in frame.index[frame["worse"] | (frame["delay"] > MOMENT) | never]:
        for broker in ("node", "edge"):
            path = found.path(request, broker)
            assert not path.empty and {*path["source"], *path["target"]} <= nodes
            assert (path["when"] >= -1e-9).all()
    for name, row in found.services().iterrows():
        assert name in nodes and row["worse"] <= row["requests"]


# What cannot be compared


def refusal(calm, storm):
    """Return why two runs are not comparable."""
    with pytest.raises(ModelError) as caught:
        compare(calm, storm)
    return str(caught.value)


def test_it_refuses_what_is_not_comparable_and_says_why():
    jobs, crash = Evenly("job", every=50, count=9), Crash("back", at=100, lasting=50)
    calm = run(caller(10), jobs, seed=1)
    assert "seeds differ (1 and 2)" in refusal(calm, run(caller(10), jobs, seed=2, faults=crash))
    assert "loads differ" in refusal(calm, run(caller(10), Evenly("job", every=40, count=9), seed=1, faults=crash))
    assert "cut at different moments" in refusal(calm, run(caller(10), jobs, seed=1, faults=crash, until=300))
    assert "keep='trace'" in refusal(calm, run(caller(10), jobs, seed=1, faults=crash, keep="totals"))
    assert "nothing was changed" in refusal(calm, run(caller(10), jobs, seed=1))
    assert "operations differ (back.work)" in refusal(calm, run(caller(20), jobs, seed=1, faults=crash))
    assert "two causes" in refusal(calm, run(caller(10, workers=2), jobs, seed=1, faults=crash))
    assert "two causes" in refusal(calm, run(caller(10, retry=Retry(1)), jobs, seed=1, faults=crash))


def test_it_refuses_what_ends_otherwise_or_goes_through_another_broker():
    jobs, crash = Evenly("job", every=50, count=9), Crash("back", at=100, lasting=50)

    def made(objective=100, done="job.done", broker=False):
        system = listener(10)
        if broker:
            system.broker("other", carries=("job.done",))
        system.accepts("job", system.entries["job"].operation, objective=objective, done=done)
        return system

    calm = run(made(), jobs)
    assert "requests differ (job)" in refusal(calm, run(made(objective=200), jobs, faults=crash))
    assert "requests differ (job)" in refusal(calm, run(made(done="job.placed"), jobs, faults=crash))
    assert "brokers differ (broker, other)" in refusal(calm, run(made(broker=True), jobs, faults=crash))


def test_the_loads_of_a_spike_are_its_own_and_no_others():
    """A load may be called what it likes; what it is compared by is what was asked for."""
    noon = [Evenly("job", every=50, count=9, name="noon spike at 2 s"), Evenly("job", every=70, count=9, name="spike")]
    spike = LoadSpike(3, at=100, lasting=100, load="spike")
    found = compare(run(caller(10), noon), run(caller(10), noon, faults=spike))
    assert found.faults == (spike,) and len(found.requests()) > 18
    late = LoadSpike(3, at=9_000, lasting=1, load="spike")  # when nobody asks any more
    assert compare(run(caller(10), noon), run(caller(10), noon, faults=late)).faults == (late,)
    assert "loads differ" in refusal(run(caller(10), noon[:1]), run(caller(10), noon, faults=spike))
    assert "another order" in refusal(run(caller(10), noon), run(caller(10), noon[::-1], faults=spike))


def test_equal_faults_are_no_change_however_they_are_written():
    jobs = Evenly("job", every=50, count=9)
    one, two = (run(caller(10), jobs, faults=Slow("back", 2, at=at)) for at in (100, 100.0))
    assert "nothing was changed" in refusal(one, two)
    twice = run(caller(10), jobs, faults=[Slow("back", 2, at=100)] * 2)
    assert compare(one, twice).faults == (Slow("back", 2, at=100),)
    assert "nothing was changed" in refusal(
        run(caller(10), jobs), run(caller(10.0), Evenly("job", every=50.0, count=9))
    )


def test_it_refuses_another_system():
    load = Evenly("order", every=50, count=9)
    conducted, danced = (run(make(), load, seed=1) for make in STYLES)
    assert "operations differ" in refusal(conducted, danced)
    more = shop.choreographed()
    more.service("audit").on("order.placed")(lambda ctx, order: None)
    assert "services differ (audit)" in refusal(danced, run(more, load, seed=1))


def test_a_system_made_twice_is_the_same_system():
    jobs = Evenly("job", every=50, count=9)
    calm, storm = run(caller(10), jobs), run(caller(10), jobs, faults=Crash("back", at=100, lasting=50))
    assert compare(calm, storm).what == "the faults"


def test_what_is_asked_of_it_wrongly_is_said():
    calm, storm = (run(caller(10), Times("job", at=(10,)), faults=f) for f in ((), Crash("back", at=5, lasting=50)))
    for one, other in ((calm.system, storm), (calm, "storm"), (None, storm)):
        with pytest.raises(TypeError, match="compare needs two runs"):
            compare(one, other)
    found = compare(calm, storm)
    for request in (1, -1, 99):
        with pytest.raises(ValueError, match=f"no request {request}: these runs have 1, counted from 0"):
            found.path(request)
    with pytest.raises(ValueError, match="every must be greater than 0"):
        found.services(every=0)


def test_a_broker_is_a_node_or_an_edge():
    found = compared(lambda: caller(10), Times("job", at=(10,)), Crash("back", at=5, lasting=50))
    for ask in (found.travel, found.ways, lambda how: found.path(0, how)):
        with pytest.raises(ValueError, match="'hub'"):
            ask("hub")
