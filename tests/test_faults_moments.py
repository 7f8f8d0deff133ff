"""A crash at a moment of an operation: before it is received, during its work, after its effect; and idempotency."""

from dataclasses import replace
from functools import partial

import pytest

from rehearsal import Crash, CrashAt, Drop, Duplicate, Hedge, Refused, Retry, System, Times, run
from rehearsal.engine.outages import Outage
from tests.systems import caller, commander, desk, listener, rows, same

ONE = Times("job", at=[0])
MOMENTS = ("before", "during", "after")


def saving(build, takes=10, **how):
    """Return a system whose `back` notes each time it does its work, and the list of those moments."""
    done = []

    def quiet(ctx, job):
        done.append(ctx.now)

    def telling(ctx, job):
        done.append(ctx.now)
        ctx.publish("job.done", job)

    return build(takes=takes, body=telling if build is listener else quiet, **how), done


def conductor(blocking=True, durable=False, idempotent=False, retry=None):
    """Return a `front` that calls `back` (10) twice and says so; a `shop` asks it; and what `back` did when."""
    system, done = System("conductor"), []
    work = system.service("back", workers=9).operation(takes=10, name="work")(lambda ctx, job: done.append(ctx.now))
    front = system.service("front", workers=2, blocking=blocking, durable=durable)

    @front.operation(publishes=("job.begun", "job.done"), idempotent=idempotent)
    def place(ctx, job):
        ctx.publish("job.begun", job)
        yield ctx.call(work, job)
        yield ctx.call(work, job)
        ctx.publish("job.done", job)
        return "placed"

    @system.service("shop", workers=9).operation()
    def enter(ctx, job):
        return (yield ctx.call(place, job, retry=retry))

    for topic in ("job.begun", "job.done"):
        system.service(f"hears {topic}").on(topic)(lambda ctx, job: None)
    system.accepts("job", enter)
    return system, done


# A call of a leaf: it arrives at 0, works until 10, and `back` is down for 30; the caller asks again 5 after bad news


@pytest.mark.parametrize(
    ("moment", "calls", "done"),
    [
        # It finds the service down, which comes back at 30.
        ("before", [(0, 0, "rejected", "rejected"), (35, 45, "ok", "ok")], [45]),
        # Ten of work for nothing, down from 10 until 40.
        ("during", [(0, 10, "lost", "lost"), (45, 55, "ok", "ok")], [55]),
        # The same for the caller, but it was done: "lost, but done", and done again.
        ("after", [(0, 10, "lost", "ok"), (45, 55, "ok", "ok")], [10, 55]),
    ],
)
def test_the_three_moments_of_a_call(moment, calls, done):
    system, saved = saving(caller, retry=Retry(1, wait=35))
    result = run(system, ONE, faults=[CrashAt("back", "work", moment, lasting=30)])
    told = [(row.sent, row.answered, row.answer, row.outcome) for row in rows(result, kind="call")]
    assert (told, saved) == (calls, done)
    start = 0 if moment == "before" else 10
    assert result.outages == (Outage("back", start, start + 30),)


def test_without_a_retry_the_request_failed_and_was_done_all_the_same():
    system, saved = saving(caller)
    result = run(system, ONE, faults=[CrashAt("back", "work", "after", lasting=30)])
    assert result.fates() == ["failed"] and saved == [10]


def test_after_the_effect_nothing_is_published():
    system, saved = System("saver"), []

    def save(ctx, job):
        saved.append(job.number)
        ctx.publish("job.saved", job)

    operation = system.service("desk").operation(takes=10, publishes="job.saved")(save)
    system.service("audit").on("job.saved")(lambda ctx, job: None)
    system.accepts("job", operation, done="job.saved")
    result = run(system, ONE, faults=[CrashAt("desk", "save", "after", lasting=5)])
    assert saved == [0] and rows(result, name="job.saved") == []
    assert result.fates() == ["failed"]


def test_a_business_no_at_the_last_moment_leaves_nothing_done():
    def body(ctx, job):
        raise Refused("no")

    result = run(caller(takes=10, body=body), ONE, faults=[CrashAt("back", "work", "after", lasting=5)])
    (call,) = rows(result, kind="call")
    assert (call.outcome, call.answer) == ("lost", "lost")


# Events and commands: the same moments, and the broker delivers again what nobody acknowledged


@pytest.mark.parametrize("build", [listener, commander])
@pytest.mark.parametrize(
    ("moment", "tries", "done"),
    [
        ("before", [(1, 30, 40, "ok")], [40]),  # it waits at the door, and is no second delivery
        ("during", [(1, 0, 10, "lost"), (2, 40, 50, "ok")], [50]),
        ("after", [(1, 0, 10, "ok"), (2, 40, 50, "ok")], [10, 50]),
    ],
)
def test_the_three_moments_of_a_delivery(build, moment, tries, done):
    system, saved = saving(build)
    word = "job.placed" if build is listener else "work"
    result = run(system, ONE, faults=[CrashAt("back", word, moment, lasting=30)])
    assert [(row.attempt, row.started, row.ended, row.outcome) for row in rows(result, target="back")] == tries
    assert saved == done and result.fates() == ["on time"]
    assert len(rows(result, name="job.done")) == (build is listener)  # what the first left unsaid, the second says


def test_a_reader_is_named_by_its_topic_or_by_its_own_name():
    by_topic, by_name = (
        run(saving(listener)[0], ONE, faults=[CrashAt("back", name, lasting=30)]) for name in ("job.placed", "work")
    )
    assert same(by_topic, by_name) and len(rows(by_name, target="back")) == 2


# A handler that waits for others: `before` none was asked, `during` the first has been, `after` all did their work


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize(
    ("moment", "first", "said"),
    [("before", [], []), ("during", [10], ["job.begun"]), ("after", [10, 20], ["job.begun"])],
)
def test_the_three_moments_of_a_handler_that_waits(blocking, moment, first, said):
    system, done = conductor(blocking)
    result = run(system, ONE, faults=[CrashAt("front", "place", moment, lasting=30)])
    assert done == first and result.fates()[0] in ("failed", "rejected")
    assert [row.name for row in rows(result, kind="event", target="broker")] == said
    (call,) = rows(result, target="front")
    told = {"before": (0, "rejected"), "during": (0, "lost"), "after": (20, "lost")}
    assert (call.answered, call.answer) == told[moment]
    assert call.outcome == {"before": "rejected", "during": "lost", "after": "ok"}[moment]


@pytest.mark.parametrize(
    ("moment", "total"),
    [("before", [50, 60]), ("during", [10, 50, 60]), ("after", [10, 20, 70, 80])],
)
def test_asked_again_a_handler_that_waits_asks_the_others_again(moment, total):
    system, done = conductor(retry=Retry(1, wait=40))
    result = run(system, ONE, faults=[CrashAt("front", "place", moment, lasting=30)])
    assert done == total and result.fates() == ["on time"]
    assert len(rows(result, name="job.done", target="broker")) == 1


@pytest.mark.parametrize("blocking", [True, False])
def test_a_durable_conductor_goes_on_after_the_restart_and_nobody_was_asked_twice(blocking):
    """During: down from 0 until 30, the first answer waits. After: down from 20 until 50, only the telling is left."""
    for moment, moments, end in (("during", [10, 40], 40), ("after", [10, 20], 50)):
        system, done = conductor(blocking, durable=True)
        faults = [CrashAt("front", "place", moment, lasting=30)]
        result = run(system, Times("job", at=[0, 500, 500, 500]), faults=faults)
        (begun, finished) = rows(result, kind="event", target="broker", request=0)
        assert (done[:2], finished.sent, rows(result, request=0)[0].answered) == (moments, end, end)
        assert (begun.name, finished.name) == ("job.begun", "job.done")
        assert result.fates() == ["on time"] * 4
        starts = [row.started for row in rows(result, target="front")[1:]]
        assert starts == [500, 500, 520 if blocking else 500]  # two workers, each free once


def test_a_durable_leaf_struck_after_its_effect_does_it_again():
    """Only a handler that waits has steps to store: a leaf's work begins anew, at least once."""
    system, saved = saving(desk)
    system.services["desk"].durable = True
    result = run(system, ONE, faults=[CrashAt("desk", "serve", "after", lasting=30)])
    assert saved == [10, 50] and [row.outcome for row in rows(result)] == ["ok"]
    cut = run(system, ONE, until=45, faults=[CrashAt("desk", "serve", "after", lasting=30)])
    assert [row.outcome for row in rows(cut)] == ["open"] and cut.fates() == ["open"]


# Which message it is


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_count_th_message_is_struck_and_no_other(moment, count):
    faults = [CrashAt("desk", "serve", moment, count=count, lasting=20)]
    result = run(desk(takes=10, workers=9), Times("job", at=[0, 100, 200]), faults=faults)
    assert [n for n, fate in enumerate(result.fates(), 1) if fate != "on time"] == [count]


@pytest.mark.parametrize("moment", MOMENTS)
def test_it_counts_from_its_own_beginning(moment):
    """What comes before 95 is not counted: a message is counted when it arrives, or where its work is struck, then."""
    faults = [CrashAt("desk", "serve", moment, lasting=20, at=95)]
    result = run(desk(takes=10, workers=9), Times("job", at=[0, 100, 200]), faults=faults)
    assert [fate == "on time" for fate in result.fates()] == [True, False, True]


def test_two_moments_strike_two_messages():
    faults = [CrashAt("desk", "serve", "before", count=2, lasting=20), CrashAt("desk", "serve", "during", lasting=20)]
    for listed in (faults, faults[::-1]):
        result = run(desk(takes=10), Times("job", at=[0, 100, 200]), faults=listed)
        assert [row.outcome for row in rows(result)] == ["lost", "rejected", "ok"]


@pytest.mark.parametrize(
    ("build", "place"),
    [
        (partial(saving, listener), ("back", "job.placed")),
        (conductor, ("front", "place")),
        (partial(conductor, durable=True), ("front", "place")),
    ],
    ids=["a leaf", "waits", "durable"],
)
def test_two_that_strike_one_message_after_its_effect_are_one_crash(build, place, capsys):
    crash = CrashAt(*place, lasting=30)
    one, two = (run(build()[0], ONE, faults=faults) for faults in ([crash], [crash, replace(crash, lasting=20)]))
    assert same(one, two) and one.outages == two.outages and len(one.outages) == 1
    assert capsys.readouterr().err == ""


def test_others_at_work_go_down_with_it():
    result = run(desk(takes=10, workers=9), Times("job", at=[0, 4]), faults=[CrashAt("desk", "serve", lasting=5)])
    assert [(row.outcome, row.answer, row.ended) for row in rows(result)] == [("ok", "lost", 10), ("lost", "lost", 10)]


def test_a_message_that_never_comes_strikes_nobody():
    fault = CrashAt("desk", "serve", count=9)
    calm, storm = (run(desk(takes=10), Times("job", at=[0, 50]), faults=f) for f in ([], [fault]))
    assert rows(calm) == rows(storm) and storm.outages == ()


def test_one_that_lasts_for_ever_leaves_what_comes_later_undone():
    system, saved = saving(listener)
    result = run(system, Times("job", at=[0, 100]), faults=[CrashAt("back", "job.placed")])
    assert saved == [10] and result.fates() == ["stuck"] * 2  # done without a word, and not done


def test_totals_tell_what_was_done_and_lost_apart_as_the_trace_does():
    fault = CrashAt("back", "job.placed", lasting=30)
    thin = run(saving(listener)[0], Times("job", at=[0, 2, 4]), faults=[fault], keep="totals").trace.counts
    found = {(edge.target, outcome): n for (edge, outcome, _), n in thin.items() if edge.target == "back"}
    assert found == {("back", "ok"): 4}  # three, and the first once more


# Idempotent: whoever asks again gets the stored answer, and nothing is done again


def harmless(build, takes=10, waits=0, workers=9, **how):
    """Return a system whose `back` is idempotent and counts its effects; with `waits`, a handler that pauses first."""
    done = []

    def quiet(ctx, job):
        done.append(ctx.now)
        return len(done)

    def telling(ctx, job):
        done.append(ctx.now)
        ctx.publish("job.done", job)

    leaf = telling if build is listener else quiet

    def pausing(ctx, job):
        yield ctx.sleep(waits)
        return leaf(ctx, job)

    system = build(workers=workers, **how)
    body, back = pausing if waits else leaf, system.services["back"]
    if build is listener:
        words = {"publishes": "job.done", "name": "work", "work": "work", "retry": how.get("retry", Retry(4))}
        back.on("job.placed", takes=takes, idempotent=True, **words)(body)
    else:
        back.operation(takes=takes, name="work", idempotent=True)(body)
    return system, done


@pytest.mark.parametrize("build", [caller, listener, commander])
@pytest.mark.parametrize("waits", [0, 10])
def test_after_its_effect_a_second_time_is_harmless(build, waits):
    """A leaf works 10, or the handler pauses 10: done at 10, down until 40, asked again, and the answer is there.

    What it did not publish stays unsaid, though: storing an effect and telling of it are two steps.
    """
    how = {"retry": Retry(1, wait=40)} if build is caller else {}
    system, done = harmless(build, takes=0 if waits else 10, waits=waits, **how)
    word = "job.placed" if build is listener else "work"
    result = run(system, ONE, faults=[CrashAt("back", word, "after", lasting=30)])
    assert done == [10] and result.fates() == ["stuck" if build is listener else "on time"]


def test_the_second_answer_is_the_first():
    system, done = harmless(caller, retry=Retry(1, wait=40))
    answered = []
    ask = system.services["front"].operations["ask"].function

    def noting(ctx, job):
        answered.append((yield from ask(ctx, job)))

    system.accepts("job", system.services["front"].operation(name="ask")(noting))
    run(system, Times("job", at=[0, 200]), faults=[CrashAt("back", "work", "after", lasting=30)])
    assert answered == [1, 2] and len(done) == 2  # the other request is another one


@pytest.mark.parametrize("waits", [0, 30])
def test_two_attempts_under_way_at_once_do_it_once_and_get_the_same_answer(waits):
    """The first needs 30, the caller gives up after 20 and asks again: the zombie does the work for both."""
    system, done = harmless(caller, takes=0 if waits else 30, waits=waits, timeout=20, retry=Retry(1))
    result = run(system, ONE)
    calls = rows(result, kind="call")
    assert done == [30] and [row.outcome for row in calls] == ["ok", "ok"]
    if waits:  # the second finds the first under way, and waits for it
        assert [(row.answer, row.answered, row.ended) for row in calls] == [("timeout", 20, 30), ("ok", 30, 30)]


@pytest.mark.parametrize("waits", [0, 30])
def test_a_hedge_asks_for_the_same_as_the_call_it_hedges(waits):
    system, done = harmless(caller, takes=0 if waits else 30, waits=waits)

    @system.services["front"].operation()
    def ask(ctx, job):
        yield ctx.call("work", job, hedge=Hedge(after=10))

    system.accepts("job", ask)
    result = run(system, ONE)
    assert done == [30] and len(rows(result, kind="call")) == 2


@pytest.mark.parametrize("link", [("front", "broker"), ("broker", "back")])
@pytest.mark.parametrize("waits", [0, 30])
def test_a_duplicate_is_harmless_wherever_it_was_made(link, waits):
    plain, twice = saving(listener, workers=9)
    run(plain, ONE, faults=[Duplicate(link, ways="there")])
    assert len(twice) == 2
    system, done = harmless(listener, takes=0 if waits else 10, waits=waits)
    result = run(system, ONE, faults=[Duplicate(link, ways="there")])
    assert len(done) == 1 and len(rows(result, target="back", outcome="ok")) == 2
    assert len(rows(result, name="job.done", target="broker")) == 1  # what is not done again is not said again


@pytest.mark.parametrize("waits", [0, 30])
def test_a_duplicate_of_a_call_is_harmless(waits):
    system, done = harmless(caller, takes=0 if waits else 10, waits=waits)
    result = run(system, ONE, faults=[Duplicate(("front", "back"))])
    assert len(done) == 1 and [row.outcome for row in rows(result, kind="call")] == ["ok", "ok"]


def test_a_duplicate_is_harmless_though_a_crash_of_the_broker_falls_between():
    system, done = harmless(listener)
    system.broker(latency=10, workers=1)
    result = run(system, ONE, faults=[Duplicate(("front", "broker")), Crash("broker", 5, 20)])
    assert len(rows(result, target="back")) == 2 and len(done) == 1


@pytest.mark.parametrize("work", ["restart", "resume"])
def test_a_duplicate_is_harmless_though_the_work_was_kept_through_a_crash(work):
    system, done = harmless(listener, workers=1)
    system.services["back"].durable = True
    result = run(system, ONE, faults=[Duplicate(("broker", "back")), Crash("back", 5, 20, work=work)])
    assert len(rows(result, target="back", outcome="ok")) == 2 and len(done) == 1


def test_an_answer_lost_on_the_way_is_given_again():
    system, done = harmless(caller, timeout=20, retry=Retry(1))
    result = run(system, ONE, faults=[Drop(("front", "back"), ways="back", lasting=15)])
    assert done == [10] and [row.answer for row in rows(result, kind="call")] == ["timeout", "ok"]


def test_where_the_first_fails_the_next_does_the_work():
    """A failure is not an answer worth keeping: the second attempt, which waited for the first, tries for itself."""
    system, tries = caller(timeout=20, retry=Retry(1), workers=9), []

    def work(ctx, job):
        tries.append(ctx.now)
        yield ctx.sleep(30)
        if len(tries) == 1:
            raise ValueError("the first time it fails")
        return "done"

    system.services["back"].operation(name="work", idempotent=True)(work)
    system.services["front"].operation(name="ask")(asking)
    system.accepts("job", system.find("ask"))
    result = run(system, ONE)
    assert tries == [0, 30] and [row.outcome for row in rows(result, kind="call")] == ["failed", "ok"]


def asking(ctx, job):
    yield ctx.call("back.work", job, timeout=20, retry=Retry(1))


def test_what_a_crash_took_nobody_waits_for():
    """The first attempt pauses when its service goes down; the second comes after the restart, and does the work."""
    system, done = harmless(caller, takes=0, waits=30, retry=Retry(1, wait=40))
    run(system, ONE, faults=[Crash("back", 10, 20)])
    assert done == [80]


@pytest.mark.parametrize("blocking", [True, False])
def test_who_waits_for_another_attempt_waits_like_anybody_else(blocking):
    """Durable, down from 25 until 60: the one at work and the one that waits for it both go on."""
    system, done = harmless(caller, takes=0, waits=30, timeout=20, retry=Retry(1, wait=0))
    system.services["back"].durable, system.services["back"].blocking = True, blocking
    result = run(system, Times("job", at=[0, 500, 500]), faults=[Crash("back", 25, 35)])
    assert done[0] == 60 and len(done) == 3
    assert [row.answered for row in rows(result, kind="call")[:2]] == [20, 40]


@pytest.mark.parametrize("until", [30, None])
def test_who_waits_for_one_that_waits_for_ever_is_stuck_too(until):
    system = listener(workers=9)
    system.service("store").operation(name="save")(lambda ctx, job: None)

    def body(ctx, job):
        yield ctx.call("store.save", job)
        ctx.publish("job.done", job)

    system.services["back"].on("job.placed", publishes="job.done", name="work", idempotent=True)(body)
    faults = [Duplicate(("broker", "back")), Crash("store", 0, 5, arrivals="ignored")]
    result = run(system, ONE, until=until, faults=faults)
    assert result.fates() == ["stuck"]
    assert len(rows(result, target="back", outcome="open")) == 2 and len(rows(result, target="store")) == 1


@pytest.mark.parametrize("durable", [False, True])
def test_a_handler_that_could_wait_and_does_not_is_struck_after_its_effect_like_any_other(durable):
    system = System("in no need of others")
    work = system.service("back").operation(name="work")(lambda ctx, job: None)

    @system.service("front", durable=durable).operation()
    def place(ctx, job):
        if job.number < 0:
            yield ctx.call(work, job)
        ctx.effect("placed")
        return "placed"

    system.accepts("job", place)
    result = run(system, ONE, faults=[CrashAt("front", "place", "after", lasting=30)])
    assert [(effect.at, effect.name) for effect in result.effects] == [(0, "placed")]
    assert list(result.table.answered) == [30 if durable else 0]
    assert result.mishaps == {}
