"""The blueprint: it declares and never runs; identity is by name; a run works on a snapshot."""

import pytest

from rehearsal import Constant, Evenly, Exponential, Failed, ModelError, Retry, System, Times, ms, run
from tests.systems import caller, columns, desk, listener, rows

ONE = Times("job", at=[0])


def test_a_declaration_says_what_it_is_in_one_line():
    system = System("shop")
    inventory = system.service("inventory", workers=2)

    @inventory.operation()
    def reserve(ctx, order): ...

    @inventory.on("order.placed")
    def note(ctx, order): ...

    system.accepts("order", reserve)
    assert repr(inventory) == "Service(inventory: 2 workers, 1 operations, 1 subscriptions)"
    assert repr(system) == "System(shop: inventory; accepts order)"
    assert repr(System("empty")) == "System(empty: no services; accepts nothing)"


def test_declaring_an_operation_again_replaces_it_as_a_re_run_cell_does():
    system = caller(takes=10)

    @system.services["back"].operation(takes=70)
    def work(ctx, job): ...

    assert list(run(system, ONE).table.settled) == [70]  # `front` still holds the old object: the name counts


def test_declaring_a_service_again_drops_its_old_handlers():
    system = listener()
    system.service("back")
    assert not system.services["back"].subscriptions
    with pytest.warns(UserWarning, match="nobody hears 'job.placed'"):
        run(system, ONE)


def test_a_corrected_topic_replaces_the_misspelled_subscription():
    system = System("shop")
    back = system.service("back")

    def cell(topic):
        made: dict = {}
        exec(f"@back.on({topic!r})\ndef note(ctx, order): ...", {"back": back}, made)

    cell("order.plcaed")
    cell("order.placed")
    assert list(back.subscriptions) == ["order.placed"]


def test_one_function_may_hear_several_topics():
    back = System("shop").service("back")
    for topic in ("order.placed", "order.cancelled"):

        @back.on(topic)
        def note(ctx, order): ...

    assert list(back.subscriptions) == ["order.placed", "order.cancelled"]


def test_a_run_keeps_a_snapshot_that_later_declarations_do_not_reach():
    system = desk(takes=10)
    before = run(system, ONE)
    system.services["desk"].operation(takes=99, name="serve")(lambda ctx, job: None)
    system.service("another")
    assert before.system.services["desk"].operations["serve"].takes == Constant(10)
    assert list(before.system.services) == ["desk"]


def test_a_run_never_touches_its_blueprint():
    system = caller(takes=Exponential(5))
    handlers = list(system.handlers())
    first, second = (columns(run(system, Evenly("job", every=10, count=20), seed=4)) for _ in range(2))
    assert first == second and list(system.handlers()) == handlers


def test_a_service_name_an_operation_or_its_place_mean_the_same():
    system = caller()
    work = system.services["back"].operations["work"]
    assert system.find(work) is system.find("work") is system.find("back.work") is work


def test_a_name_that_two_services_use_has_to_be_said_in_full():
    system = caller()
    system.services["front"].operation(name="work")(lambda ctx, job: None)
    assert system.find("front.work").service == "front"
    with pytest.raises(ModelError, match=r"'work' is an operation of several services: back\.work, front\.work"):
        system.find("work")


def test_an_operation_called_like_a_function_says_how_to_ask_for_it():
    work = caller().services["back"].operations["work"]
    with pytest.raises(ModelError, match=r"ask for it with `yield ctx\.call\(work, …\)`"):
        work("order")


def test_a_link_has_its_own_latency_both_ways_and_the_network_is_for_the_rest():
    system = caller(takes=0, network=1)
    system.link("front", "back", 20 * ms)
    assert list(run(system, ONE).table.settled) == [1 + 20 + 20 + 1]


def test_a_system_that_publishes_has_a_plain_broker_and_one_that_does_not_has_none():
    assert list(listener().brokers) == ["broker"]
    assert list(caller().brokers) == []


def test_a_broker_carries_its_topics_and_another_carries_the_rest():
    system = listener(takes=0)
    system.broker("fast", carries="job.placed")
    system.broker("slow", latency=50)
    result = run(system, ONE)
    assert {row.source for row in rows(result, target="back")} == {"fast"}
    assert [row.ended for row in rows(result, target="slow")] == [50]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda s: s.service("client"), "a service needs a name other than 'client'"),
        (lambda s: s.service(""), "a service needs a name"),
        (lambda s: s.service("a", workers=0), "workers of a must be a whole number, 1 or more"),
        (lambda s: s.service("a", workers=2.0), "workers of a"),
        (lambda s: s.service("a", queue=-1), "queue of a must be a whole number, 0 or more"),
        (lambda s: s.service("a").operation(takes=-1)(lambda ctx, o: 1), r"takes of a\.<lambda> can be negative"),
        (lambda s: s.service("a").operation()(lambda order: 1), r"a handler takes \(ctx, payload\)"),
        (
            lambda s: s.service("a").operation()("reserve"),
            r"write @a\.operation\(\) .* above a function, not 'reserve'",
        ),
        (lambda s: s.service("a").on("t", poll=0)(lambda ctx, o: 1), "poll of <lambda> must be greater than 0"),
        (lambda s: s.service("a").on("t", retry=3)(lambda ctx, o: 1), r"retry of a\.<lambda> must be a Retry"),
        (lambda s: s.service("a").on("t", workers=0)(lambda ctx, o: 1), r"workers of <lambda>"),
        (lambda s: s.broker(latency=-1), "latency of broker can be negative"),
        (lambda s: s.link("a", "b", -1), "the link a – b can be negative"),
        (lambda s: s.accepts("order", lambda ctx, o: 1), "requests enter at an operation"),
        (
            lambda s: s.accepts("order", s.service("a").operation()(_plain), objective=0),
            "objective must be greater than 0",
        ),
        (lambda s: System("t", network="fast"), "network must be a time"),
    ],
)
def test_a_wrong_declaration_is_refused_where_it_is_written(wrong, says):
    with pytest.raises((TypeError, ValueError), match=says):
        wrong(System("shop"))


def _plain(ctx, order): ...


def test_an_async_handler_is_refused_since_nobody_would_await_it():
    async def reserve(ctx, order): ...

    with pytest.raises(TypeError, match=r"a\.reserve is async: a handler is a plain function, with `yield`"):
        System("shop").service("a").operation()(reserve)


def test_a_subscription_says_how_it_retries():
    def broken(ctx, job):
        raise Failed("no")

    result = run(listener(takes=0, retry=Retry(1, wait=30), body=broken), ONE)
    assert [(row.attempt, row.started) for row in rows(result, target="back")] == [(1, 0), (2, 30)]
