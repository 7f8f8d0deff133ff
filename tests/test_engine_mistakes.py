"""Mistakes in the model: a run ends at once, with an error that names the place."""

import pytest

from rehearsal import Evenly, Exponential, ModelError, Poisson, Times, run
from tests.systems import caller, columns

ONE = Times("job", at=[0])


def mistake(body, **options):
    system = caller(takes=1)
    system.services["front"].operation(name="ask", **options)(body)
    with pytest.raises(ModelError) as caught:
        run(system, Evenly("job", every=10, count=3))
    return str(caught.value)


def late_call(ctx, job):
    ctx.call("work", job)
    yield ctx.sleep(1)


def publishes_late(ctx, job):
    yield ctx.sleep(1)
    ctx.publish("".join(["job", ".gone"]), job)


def calls_late(ctx, job):
    yield ctx.call("".join(["wo", "rkk"]), job)


def yields_nothing(ctx, job):
    yield ctx.send("work", job)


def yields_a_list(ctx, job):
    yield [1]


def twice(ctx, job):
    call = ctx.call("work", job)
    yield call
    yield call


def mutable(ctx, job):
    yield ctx.call("work", {"amount": 3})


MISTAKES = {
    "a call described and never made": (late_call, "front.ask ends with a call it never made: write `yield`"),
    "an undeclared event": (publishes_late, "front.ask publishes 'job.gone', which its declaration does not say"),
    "an unknown operation": (calls_late, "front.ask: no operation 'workk'; did you mean 'back.work'?"),
    "a yield where nothing waits": (yields_nothing, "front.ask yields None; ctx.publish and ctx.send do not wait"),
    "a yield of something else": (yields_a_list, "front.ask yields [1]"),
    "a call made twice": (twice, "front.ask yields the same call twice"),
    "something mutable": (mutable, "front.ask sends a dict, which could change on the way"),
    "a negative time-out": (lambda ctx, job: (yield ctx.call("work", job, timeout=-1)), "front.ask: timeout must be"),
    "a negative pause": (lambda ctx, job: (yield ctx.sleep(-1)), "front.ask: the time to sleep must be"),
    "an endless pause": (lambda ctx, job: (yield ctx.sleep(float("inf"))), "the time to sleep must be finite"),
    "a retry that is a number": (lambda ctx, job: (yield ctx.call("work", job, retry=2)), "retry must be a Retry"),
    "a key without a name": (
        lambda ctx, job: (yield ctx.call("work", job, key=object)),
        "key must be a number or a text",
    ),
    "all of what is no call": (lambda ctx, job: (yield ctx.all("work")), "front.ask: ctx.all takes calls"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_in_the_model_ends_the_run_and_names_the_place(what):
    body, says = MISTAKES[what]
    assert says in mistake(body)


def test_a_mistake_ends_the_run_at_once_even_where_the_handler_swallows_it():
    moments = []

    def swallows(ctx, job):
        moments.append(ctx.now)
        try:
            ctx.publish("".join(["job", ".gone"]), job)
        except Exception:
            return "never mind"

    assert "job.gone" in mistake(swallows)
    assert moments == [10]


def test_calls_said_are_enforced_though_another_handler_of_the_service_may_call():
    system = caller(takes=1)
    front = system.services["front"]
    name = "".join(["wo", "rk"])

    @front.operation(calls=())
    def strict(ctx, job):
        yield ctx.call(name, job)

    system.accepts("strict", strict)
    with pytest.raises(ModelError, match=r"front\.strict calls what calls= does not say: no operation 'back\.work'"):
        run(system, [ONE, Times("strict", at=[50])])


def test_calls_said_and_kept_cost_nothing_and_change_nothing():
    said, read = caller(takes=Exponential(10)), caller(takes=Exponential(10))
    said.services["front"].operation(name="ask", calls="work")(said.find("ask").function)
    load = Poisson("job", every=20, count=200)
    assert columns(run(said, load)) == columns(run(read, load))
