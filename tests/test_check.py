"""A wrong blueprint: a clear error that names what is there, before anything runs; an odd one: a warning."""

import warnings

import pytest

from rehearsal import Crash, DesignWarning, Errors, ModelError, Poisson, Slow, System, Times, run
from rehearsal.check import check, talk
from rehearsal.contacts import contacts
from tests.systems import caller, desk, listener

ONE = Times("job", at=[0])
STEPS = {"first": "back.work"}
PREFIX = "job"
FAST = True


def shop(handler=None, *, kind="operation", topics=(), **options):
    """Return a system with `front.handler`, and `back.work` and a reader of `job.placed` to talk to."""
    system = System("shop")
    back = system.service("back")
    back.operation(name="work")(lambda ctx, job: None)
    back.on("job.placed")(lambda ctx, job: None)
    front = system.service("front")
    front.operation(name="announce", publishes="job.placed")(lambda ctx, job: ctx.publish("job.placed", job))
    enter = front.operation(name="enter", publishes=topics, **options)(handler or (lambda ctx, job: None))
    system.accepts("job", enter)
    return system


def refused(system, load=ONE, **how):
    """Return what the error says."""
    with pytest.raises(ModelError) as caught:
        run(system, load, **how)
    return str(caught.value)


# Handlers that are wrong, each in one way


def calls_unknown(ctx, job):
    yield ctx.call("back.wrk", job)


def calls_undefined(ctx, job):
    yield ctx.call(reserve, job)  # noqa: F821


def calls_a_number(ctx, job):
    yield ctx.call(42, job)


def forgets_to_yield(ctx, job):
    ctx.call("back.work", job)


def sleeps_in_passing(ctx, job):
    ctx.sleep(3)


def sends_unknown(ctx, job):
    ctx.send("back.wrk", job)


def publishes_undeclared(ctx, job):
    ctx.publish("job.cancelled", job)


def calls_work(ctx, job):
    yield ctx.call("back.work", job)


def helper(ctx, job):
    yield ctx.call("back.wrk", job)


def hands_over(ctx, job):
    yield from helper(ctx, job)


WRONG = {
    "an unknown operation": (shop(calls_unknown), "no operation 'back.wrk'; did you mean 'back.work'?"),
    "an undefined name": (shop(calls_undefined), "front.enter uses a name that nobody defined: no operation 'reserve'"),
    "no operation at all": (shop(calls_a_number), "front.enter: ctx.call takes an operation first, not 42"),
    "a forgotten yield": (shop(forgets_to_yield), "front.enter uses ctx.call without `yield`"),
    "a pause that is none": (shop(sleeps_in_passing), "front.enter uses ctx.sleep without `yield`"),
    "a command to nobody": (shop(sends_unknown), "no operation 'back.wrk'"),
    "an undeclared topic": (shop(publishes_undeclared), "front.enter publishes 'job.cancelled', which its declaration"),
    "a call in a helper": (shop(hands_over), "no operation 'back.wrk'"),
    "a call calls= does not say": (shop(calls_work, calls=()), "front.enter calls what calls= does not say"),
    "an unknown name in calls=": (shop(calls=["back.wrk"]), "did you mean 'back.work'?"),
    "an undo of nothing": (shop(undoes="reserv"), "front.enter undoes what nobody does: no operation 'reserv'"),
    "no services": (System("empty"), "empty has no services"),
}


@pytest.mark.parametrize("place", WRONG)
def test_a_wrong_handler_is_refused_before_the_run_and_told_what_is_there(place):
    system, says = WRONG[place]
    assert says in refused(system)


def test_nothing_runs_where_something_is_wrong():
    system = shop(lambda ctx, job: pytest.fail("this ran"))
    system.services["back"].operation(name="broken")(calls_unknown)
    assert refused(system).startswith("back.broken: no operation 'back.wrk'; did you mean 'back.work'?")


def test_an_event_misspelled_by_a_reader_is_an_error_with_the_right_name():
    system = listener()
    system.services["back"].on("job.doen")(lambda ctx, job: None)
    system.accepts("job", system.find("place"))
    assert "back waits for 'job.doen': no topic 'job.doen'; did you mean 'job.done'?" in refused(system)


def test_an_end_that_nobody_publishes_is_seen_like_a_reader():
    system = caller()
    system.accepts("job", system.find("ask"), done="job.done")
    (sentence,) = check(system, [ONE])
    assert sentence == "nobody publishes 'job.done', which accepts waits for; topics here: none"


def test_an_event_that_nobody_hears_may_be_meant_and_is_a_warning_with_the_place():
    system = desk()
    system.services["desk"].operation(name="serve", publishes="job.placed")(lambda ctx, job: None)
    with pytest.warns(DesignWarning, match=r"nobody hears 'job\.placed', which desk\.serve publishes"):
        run(system, ONE)


def test_each_odd_thing_is_said_once_a_session_so_that_a_sweep_is_quiet():
    system = desk()
    system.services["desk"].operation(name="serve", publishes="said.once")(lambda ctx, job: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            run(system, ONE)
    assert len([w for w in caught if "said.once" in str(w.message)]) == 1


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"load": Times("jobs", at=[0])}, "nobody accepts this load: no kind 'jobs'; did you mean 'job'?"),
        ({"load": Poisson("job", every=1)}, "the load 'job' never stops: give it until= or count=, or the run until="),
        ({"load": [ONE, ONE]}, "two loads are called 'job'"),
        ({"faults": [Crash("bakc", at=1)]}, "strikes nobody: no service 'bakc'; did you mean 'back'?"),
        ({"faults": ["back"]}, "a fault is something like Crash("),
        ({"faults": [Errors("broker", 0.5)]}, "broker is a broker: it can crash or be slow"),
        ({"faults": [Crash("back", 1, 9), Crash("back", 5, 9)]}, "back cannot crash while it is down"),
    ],
)
def test_a_run_that_does_not_fit_the_system_is_refused(how, says):
    assert says in refused(listener(), **how)


def test_faults_that_follow_each_other_or_overlap_otherwise_are_fine():
    faults = [
        Crash("back", 1, 4),
        Crash("back", 5, 4),
        Slow("back", 2, 0, 9),
        Slow("back", 3, 2, 2),
        Errors("back", 0.1, 1, 9),
    ]
    assert check(listener(), [ONE], faults) == []


def test_a_link_to_nobody_is_refused():
    system = caller()
    system.link("front", "bakc", 5)
    assert "the link bakc – front leads nowhere: no node 'bakc'; did you mean 'back'? nodes here:" in refused(system)


def test_a_broker_that_carries_what_nobody_publishes_is_refused():
    system = listener()
    system.broker("fast", carries="job.plaecd")
    assert "broker fast carries what nobody publishes: no topic 'job.plaecd'; did you mean 'job.placed'?" in refused(
        system
    )


def test_what_a_run_is_given_is_checked_too():
    with pytest.raises(TypeError, match="seed must be a whole number"):
        run(desk(), ONE, seed=1.5)
    with pytest.raises(ValueError, match="keep is 'trace' or 'totals'"):
        run(desk(), ONE, keep="all")
    with pytest.raises(ValueError, match="until must be greater than 0"):
        run(desk(), ONE, until=0)
    with pytest.raises(ModelError, match="never stops"):
        run(desk(), Poisson("job", every=1), until=float("inf"))


# What is computed cannot be read before the run, and must not be taken for a mistake


def computed(ctx, job):
    yield ctx.call(STEPS["first"], job)
    yield ctx.call("back.work" if FAST else "back.wrk", job)
    yield ctx.call(job.step, min(1, 2))
    ctx.publish(PREFIX + ".placed", job)
    ctx.publish(f"job.{'placed'}", job)


def test_a_computed_target_is_left_to_the_run():
    assert [c.verb for c in contacts(computed)] == ["call"] * 3 + ["publish"] * 2
    assert {c.target for c in contacts(computed)} == {None}
    assert check(shop(computed, topics="job.placed"), [ONE]) == []


def test_words_that_only_look_like_the_contexts_are_not_its():
    class Gate:
        def send(self, what): ...

        def all(self): ...

    gate = Gate()

    def handler(ctx, job):
        gate.send("off")
        gate.all()
        return sorted([1, 2])

    assert contacts(handler) == []


def test_the_talk_of_a_handler_is_known_before_the_run():
    def enter(ctx, job):
        yield ctx.all(ctx.call("back.work", job), *[ctx.call("back.work", job) for _ in range(2)])
        ctx.send("back.work", job)

    system = shop(enter, topics=("job.placed",))
    said = talk(system, system.find("enter"))
    assert [o.place for o in said.calls] == [o.place for o in said.sends] == ["back.work"]
    assert said.publishes == ("job.placed",)


def test_an_event_misspelled_by_one_of_two_publishers_is_an_error_with_the_right_name():
    shop = System("shop")
    desk, night_desk = shop.service("desk"), shop.service("night desk")

    for each, topic in ((desk, "order.placed"), (night_desk, "order.placd")):

        @each.operation(publishes=topic, name="place")
        def place(ctx, order): ...

    @shop.service("inventory").on("order.placed")
    def reserve(ctx, order): ...

    shop.accepts("order", desk.operations["place"])
    with pytest.raises(ModelError, match=r"publishes 'order\.placd', which nobody hears.*did you mean 'order\.placed'"):
        run(shop, Times("order", at=[0]))
