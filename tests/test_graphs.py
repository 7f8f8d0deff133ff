"""Who talks to whom: what the graphs say is what was in the trace, and hub measures meet their oracles."""

import warnings
from contextlib import suppress
from math import isnan

import pytest

from rehearsal import Crash, DesignWarning, Evenly, Failed, Refused, Retry, System, ms, run, sec
from rehearsal.flows import declared_flows
from rehearsal.graphs import NOBODY, declared, diff, hub, hubs, interactions, messages, partners
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
from tests.blueprints import SHAPES, bus, chain, monolith, played, star, talker


@pytest.fixture(autouse=True)
def odd_designs_are_meant():
    """Let these systems look odd: some of their events are for nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        yield


@pytest.fixture(scope="module")
def storms():
    """Return both shops of the course through the same outage."""
    return [run(shop(), ORDERS, seed=7, faults=OUTAGE) for shop in (orchestrated, choreographed)]


@pytest.fixture(scope="module")
def every():
    """Return a run of every shape."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        return {name: make() for name, make in SHAPES.items()}


def edges(graph):
    """Return the edges in words, in order of first occurrence."""
    listed = sorted(graph.edges(keys=True, data="order"), key=lambda edge: edge[3])
    return [f"{source} > {target} {kind} {name}" for source, target, (kind, name), _ in listed]


# What was seen


def test_the_orchestrated_shop_is_read_off_its_trace(storms):
    graph = interactions(storms[0])
    assert edges(graph) == [
        "client > orders request place",
        "orders > inventory call reserve",
        "orders > payment call charge",
        "orders > shipping call ship",
        "orders > inventory call release",
    ]
    spans = storms[0].spans()
    for source, target, data in graph.edges(data=True):
        mine = spans[(spans.source == source) & (spans.target == target) & (spans.name == data["name"])]
        bad = mine.outcome.isin(["failed", "rejected", "lost"]) | mine.answer.isin(
            ["failed", "rejected", "lost", "timeout"]
        )
        waited = (mine.answered - mine.sent).dropna()
        assert (data["count"], data["failures"]) == (len(mine), bad.sum())
        assert data["latency"] == pytest.approx(waited.mean()) and data["waited"] == len(waited)
        assert data["first"] == mine.sent.min() and data["undo"] == (data["name"] == "release")


def test_an_event_is_an_edge_from_who_published_it_to_who_reacts(storms):
    graph = interactions(storms[1])
    assert edges(graph)[1:] == [
        "orders > inventory event order.placed",
        "inventory > payment event stock.reserved",
        "payment > shipping event payment.taken",
    ]
    spans = storms[1].spans()
    taken = spans[(spans.target == "payment") & (spans.name == "stock.reserved")]
    edge = graph.edges["inventory", "payment", ("event", "stock.reserved")]
    # Latency is from the publication to the end of the reader's work, however often it was delivered.
    published = spans.sent[taken.parent].to_numpy()
    assert edge["latency"] == pytest.approx((taken.ended - published).mean())
    assert edge["failures"] == (taken.outcome == "lost").sum() == edge["count"] - 5936


def test_the_broker_as_a_node_shows_every_hop(storms):
    graph = interactions(storms[1], broker="node")
    assert graph.nodes["broker"]["role"] == "broker"
    assert [e for e in edges(graph) if "payment.taken" in e] == [
        "payment > broker event payment.taken",
        "broker > shipping event payment.taken",
    ]
    assert "shipping > broker event order.shipped" in edges(graph)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_message_is_counted_once(every, shape):
    run = every[shape]
    whole = interactions(run, broker="node")
    assert sum(count for *_, count in whole.edges(data="count")) == len(run.trace)
    brokers = set(run.system.brokers)
    short = interactions(run)
    legs = sum(edge.target in brokers for edge in map(run.trace.edges.__getitem__, run.trace.edge))
    assert sum(count for *_, count in short.edges(data="count")) == len(run.trace) - legs


def two_publishers():
    """Return a run in which a and b publish the same event."""
    system = System("two publishers")
    a, b, c = (system.service(name) for name in "abc")

    @a.operation(publishes="said")
    def one(ctx, order):
        ctx.publish("said", order)

    @b.operation(publishes="said")
    def other(ctx, order):
        ctx.publish("said", order)
        ctx.publish("said", order)

    c.on("said")(lambda ctx, order: None)
    system.accepts("one", one)
    system.accepts("other", other)
    return run(system, [Evenly("one", every=10 * ms, count=3), Evenly("other", every=7 * ms, count=3)], seed=1)


def test_publishers_of_the_same_event_are_told_apart():
    graph = interactions(two_publishers())
    assert graph.edges["a", "c", ("event", "said")]["count"] == 3
    assert graph.edges["b", "c", ("event", "said")]["count"] == 6
    assert interactions(two_publishers(), "node").edges["broker", "c", ("event", "said")]["count"] == 9


def answers(handler, count=8, **call):
    """Return the edge from the asker to the answerer, who handles a request a second with `handler`."""
    system = System("two")
    asker, answerer = system.service("asker", workers=9), system.service("answerer")
    operation = answerer.operation(takes=20 * ms)(handler)

    @asker.operation()
    def ask(ctx, order):
        with suppress(Failed, Refused):
            yield ctx.call(operation, order, **call)

    system.accepts("order", ask)
    done = run(system, Evenly("order", every=1 * sec, count=count), seed=1)
    return interactions(done).edges["asker", "answerer", ("call", handler.__name__)]


def test_a_business_no_is_no_failure():
    def no(ctx, order):
        raise Refused("no")

    assert answers(no)["failures"] == 0


def test_an_error_is_a_failure_and_a_retry_another_message():
    def broken(ctx, order):
        raise Failed("broken")

    edge = answers(broken, retry=Retry(2, wait=10 * ms))
    assert (edge["count"], edge["failures"]) == (24, 24)


def test_a_caller_who_gave_up_saw_a_failure_though_the_work_was_done():
    def slow(ctx, order): ...

    edge = answers(slow, timeout=15 * ms)
    assert (edge["count"], edge["failures"], edge["latency"]) == (8, 8, 15.0)


def test_redeliveries_count():
    system = System("redelivery")
    a, b = system.service("a"), system.service("b")

    @a.operation(publishes="said")
    def say(ctx, order):
        ctx.publish("said", order)

    @b.on("said", takes=20 * ms)
    def hear(ctx, order): ...

    system.accepts("order", say)
    done = run(
        system, Evenly("order", every=100 * ms, count=3), seed=1, faults=[Crash(b, at=110 * ms, lasting=50 * ms)]
    )
    edge = interactions(done).edges["a", "b", ("event", "said")]
    assert (edge["count"], edge["failures"]) == (4, 1)
    assert [row.number for row in messages(done)] == [3, 3]  # published three times all the same


def test_events_that_nobody_hears_and_services_that_nobody_asks_stay_visible():
    done = played(talker(), 5)
    graph = interactions(done)
    assert graph.graph["unheard"] == [("order.lost", "shop", 5)]
    assert graph.degree("forgotten-service") == 0 and isnan(graph.nodes["forgotten-service"]["first"])
    assert "shop > broker event order.lost" in edges(interactions(done, broker="node"))


def test_an_event_that_ends_the_request_is_heard(storms):
    assert interactions(storms[1]).graph["unheard"] == []
    assert [row.ends for row in messages(storms[1])] == [False, False, False, False, True]


def test_nodes_know_their_role_and_when_they_were_first_needed(storms):
    graph = interactions(storms[0])
    assert dict(graph.nodes(data="role")) == {"client": "client"} | dict.fromkeys(
        ["orders", "inventory", "payment", "shipping"], "service"
    )
    firsts = [graph.nodes[name]["first"] for name in ("client", "orders", "inventory", "payment", "shipping")]
    assert firsts[0] == firsts[1] < firsts[2] < firsts[3] < firsts[4]


def test_a_run_that_kept_its_totals_only_says_so():
    done = run(monolith(), Evenly("order", every=1 * sec, count=2), keep="totals")
    with pytest.raises(ValueError, match="keep='trace'"):
        interactions(done)


def test_a_broker_is_a_node_or_an_edge():
    with pytest.raises(ValueError, match='"node" or "edge", not \'both\''):
        interactions(played(monolith(), 1), broker="both")


def test_no_requests_leave_services_without_edges(every):
    graph = interactions(every["no requests"])
    assert len(graph) == 5 and graph.number_of_edges() == 0


# What was declared


@pytest.mark.parametrize("shop", [orchestrated, choreographed])
def test_a_blueprint_tells_its_graph_before_it_runs(shop, storms):
    said, seen = declared(shop()), interactions(storms[shop is choreographed])
    assert sorted(edges(said)) == sorted(edges(seen))
    assert {data["count"] for *_, data in said.edges(data=True)} == {0}


def test_declared_messages_are_in_the_order_of_a_first_request():
    assert edges(declared(orchestrated()))[-1] == "orders > inventory call release"  # compensations come last
    assert [name.split()[-1] for name in edges(declared(chain(5)))] == [
        "start",
        *(f"{name}.finished" for name in ("customer-notification-gateway", "inventory-reservation-service", "payment")),
        "fraud-detection.finished",
        "payment.failed",
    ]


def test_commands_are_declared_with_both_hops():
    system = System("commands")
    a, b = system.service("a"), system.service("b")

    @b.operation()
    def work(ctx, order): ...

    @a.operation()
    def begin(ctx, order):
        ctx.send(work, order)

    system.accepts("order", begin)
    assert [(f.leg, f.source, f.via, f.target) for f in declared_flows(system)[1:]] == [
        ("out", "a", "broker", ""),
        ("in", "a", "broker", "b"),
    ]
    seen = interactions(run(system, Evenly("order", every=1 * sec, count=2)))
    assert edges(seen) == edges(declared(system)) == ["client > a request begin", "a > b command work"]


def test_the_difference_names_what_is_unused_undeclared_unheard_and_unsaid():
    system = System("four mistakes")
    a, b, c = (system.service(name) for name in "abc")

    @b.operation()
    def used(ctx, order): ...

    @b.operation()
    def unused(ctx, order): ...

    @b.operation()
    def hidden(ctx, order): ...

    @a.operation(publishes=("shouted", "whispered"))
    def begin(ctx, order):
        yield ctx.call(used, order)
        if ctx.now < 0:
            yield ctx.call(unused, order)
        yield ctx.call((lambda: hidden)(), order)  # computed: no blueprint can know it
        ctx.publish("shouted", order)

    c.on("never.said", name="wait")(lambda ctx, order: None)
    system.accepts("order", begin)
    frame = diff(run(system, Evenly("order", every=1 * sec, count=2)))
    told = {(r.source, r.target, r.name): (r.declared, r.observed, r.count) for r in frame.itertuples()}
    assert told == {
        ("client", "a", "begin"): (True, True, 2),
        ("a", "b", "used"): (True, True, 2),
        ("a", "b", "unused"): (True, False, 0),
        ("a", NOBODY, "shouted"): (True, True, 2),
        ("a", NOBODY, "whispered"): (True, False, 0),
        ("a", "b", "hidden"): (False, True, 2),
        (NOBODY, "c", "never.said"): (True, False, 0),
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_seen_that_was_not_declared(every, shape):
    frame = diff(every[shape])
    assert frame.declared.all() and (frame.observed == (frame["count"] > 0)).all()


# Hubs


@pytest.mark.parametrize("leaves", range(2, 14))
def test_the_hub_of_a_star_meets_the_oracle(leaves):
    graph = interactions(played(star(leaves), 2))
    frame = hubs(graph)
    assert frame.index[0] == "orchestrator"
    first = frame.iloc[0]
    assert (first.betweenness, first.articulation, first.pieces) == (1.0, True, leaves)
    assert (first.sends_to, first.hears_from, first.partners, first.sent) == (leaves, 0, leaves, leaves)
    others = frame.iloc[1:]
    assert (others.betweenness == 0).all() and not others.articulation.any() and (others.pieces == 1).all()
    assert hub(graph) == ("orchestrator" if leaves > 2 else None)


def test_a_broker_drawn_as_a_node_is_the_hub_of_a_star():
    done = played(chain(6))
    frame = hubs(interactions(done, broker="node"))
    assert frame.index[0] == "broker" == hub(interactions(done, broker="node"))
    assert (frame.loc["broker"].betweenness, frame.loc["broker"].pieces) == (1.0, 6)
    assert hub(interactions(done)) is None


def test_the_client_is_no_part_of_the_system():
    graph = interactions(played(bus(4)))
    assert "client" not in hubs(graph).index and "client" not in partners(graph)


def test_a_lone_service_is_central_to_nothing():
    frame = hubs(interactions(played(monolith())))
    assert frame.loc["shop", ["partners", "betweenness", "articulation", "pieces"]].tolist() == [0, 0.0, False, 0]
    assert hub(interactions(played(monolith()))) is None


# The rows of the wiring chart


def test_a_row_tells_who_sends_who_handles_and_what_went_wrong(storms):
    rows = messages(storms[0])
    assert [(row.name, row.number) for row in rows] == [
        ("place", 5936), ("reserve", 5936), ("charge", 7915), ("ship", 4965), ("release", 971)
    ]  # fmt: skip
    charge = rows[2]
    assert charge.senders == {"orders": 7915} and charge.pairs == (("orders", "payment", False),)
    assert charge.failures == interactions(storms[0]).edges["orders", "payment", ("call", "charge")]["failures"]
    assert [row.undo for row in rows] == [False, False, False, False, True]


def test_an_event_with_many_readers_is_one_row():
    rows = messages(played(bus(5), 4))
    assert [len(row.pairs) for row in rows] == [1, 4, 1, 1, 1, 1]
    assert rows[1].number == 4  # published, not delivered
    assert messages(bus(5))[1].number == 0


def test_operations_of_the_same_name_at_two_services_are_two_rows():
    system = System("namesakes")
    a, b, c = (system.service(name) for name in "abc")
    twins = [service.operation(name="work")(lambda ctx, order: None) for service in (b, c)]

    @a.operation()
    def begin(ctx, order):
        yield ctx.all(*(ctx.call(twin, order) for twin in twins))

    system.accepts("order", begin)
    rows = messages(run(system, Evenly("order", every=1 * sec, count=2)))
    assert [(row.name, row.pairs[0][1]) for row in rows[1:]] == [("work", "b"), ("work", "c")]


def test_edges_without_an_answer_have_no_latency():
    done = run(monolith(), Evenly("order", every=10 * ms, count=1), until=15 * ms)
    (edge,) = (data for *_, data in interactions(done).edges(data=True))
    assert edge["count"] == 1 and edge["failures"] == 0 and isnan(edge["latency"])
