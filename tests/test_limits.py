"""Runs that would not end, Ctrl-C, progress bars, cells that are run again."""

import _thread
import gc
import signal
import sys
import threading

import pytest

from rehearsal import Closed, Crash, Evenly, Failed, ModelError, Poisson, Retry, System, Times, run
from rehearsal.engine.runs import Limit
from tests.systems import caller, columns, desk, listener

ONE = Times("job", at=[0])


@pytest.fixture
def early(monkeypatch):
    """Let the limit look earlier, so that a test need not wait for it."""
    monkeypatch.setattr(Limit, "first", 10_000)
    monkeypatch.setattr(Limit, "still", 20_000)


def endless(body, **how):
    """Return what the error says that ends a run of a front with this body."""
    system = caller(takes=1)
    system.services["front"].operation(name="ask", publishes=how.pop("publishes", ()))(body)
    with pytest.raises(ModelError) as caught:
        run(system, how.pop("load", ONE), **how)
    return str(caught.value)


# Runs that would not end


def test_a_cycle_of_events_hits_a_limit_that_names_the_way_round():
    system = System("echo")
    service = system.service("a")

    @service.operation(publishes="ping")
    def start(ctx, job):
        ctx.publish("ping", job)

    @service.on("ping", publishes="pong", takes=1)
    def hear_ping(ctx, job):
        ctx.publish("pong", job)

    @service.on("pong", publishes="ping", takes=1)
    def hear_pong(ctx, job):
        ctx.publish("ping", job)

    system.accepts("job", start)
    with pytest.raises(
        ModelError, match=r"echo: 10\d,\d{3} messages for 1 requests .* would not end\. Is there a cycle"
    ) as error:
        run(system, ONE)
    assert "broker → a (ping)" in str(error.value) and "a → broker (pong)" in str(error.value)


def test_totals_hit_the_same_limit(early):
    def again(ctx, job):
        ctx.publish("job.placed", job)

    system = listener(takes=1)
    system.services["back"].on("job.placed", publishes="job.placed", takes=1, name="work")(again)
    system.accepts("job", system.find("place"))
    with pytest.raises(ModelError, match="would not end"):
        run(system, ONE, keep="totals")


def test_a_retry_that_never_gives_up_hits_the_limit(early):
    def body(ctx, job):
        yield ctx.call("work", job, retry=Retry(10**9, wait=1))

    assert "front → back (work)" in endless(body, faults=[Crash("back", at=0)])


def test_a_handler_that_sleeps_for_ever_hits_the_limit(early):
    def body(ctx, job):
        while True:
            yield ctx.sleep(1)

    assert "pauses for 1 requests" in endless(body)


def test_a_clock_that_stands_still_hits_the_limit(early):
    def body(ctx, job):
        while True:
            yield ctx.sleep(0)

    assert "at 0 ms: this run would not end" in endless(body)
    with pytest.raises(ModelError, match="at 0 ms: this run would not end"):
        run(desk(takes=0), Closed("job", users=1, until=10), keep="totals")


def test_an_honest_burst_is_no_cycle():
    assert run(desk(takes=0), Times("job", at=[5] * 150_000), keep="totals").trace.count() == 150_000


def test_a_load_that_never_stops_is_refused_unless_the_run_is_cut():
    with pytest.raises(ModelError, match="never stops"):
        run(desk(), Poisson("job", every=1))
    assert run(desk(takes=0), Poisson("job", every=1), until=100).ended == 100


# Ctrl-C


def test_an_interrupt_inside_a_handler_leaves_later_runs_right():
    pressed = []

    def body(ctx, job):
        yield ctx.call("work", job)
        if job.number == 30 and not pressed:
            pressed.append(True)
            raise KeyboardInterrupt

    system = caller()
    system.services["front"].operation(name="ask")(body)
    load = Evenly("job", every=10, count=100)
    with pytest.raises(KeyboardInterrupt):
        run(system, load)
    assert columns(run(system, load)) == columns(run(caller(), load))


@pytest.fixture
def interruptible():
    """Take an interrupt as an error, also where a shell lets its background jobs ignore it."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


def test_an_interrupt_from_outside_leaves_later_runs_right(interruptible):
    load = Poisson("job", every=20, count=100)
    before = columns(run(caller(), load))
    timer = threading.Timer(0.05, _thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        run(caller(), Poisson("job", every=20, count=10**7), keep="totals", progress=False)
    timer.join()
    assert columns(run(caller(), load)) == before


def test_what_an_interrupted_run_leaves_behind_says_nothing_when_it_is_collected(capsys):
    def body(ctx, job):
        try:
            yield ctx.sleep(50)
        finally:
            yield ctx.sleep(1)

    def stop(ctx, job):
        raise KeyboardInterrupt

    system = desk(takes=0, workers=9, body=body)
    system.services["desk"].operation(name="stop")(stop)
    system.accepts("halt", system.find("stop"))
    with pytest.raises(KeyboardInterrupt):
        run(system, [ONE, Times("halt", at=[5])])
    gc.collect()
    assert capsys.readouterr().err == ""


# Progress bars


def test_a_bar_shows_only_where_it_is_asked_for_and_changes_nothing(capsys):
    load = Evenly("job", every=1, count=10_000)
    quiet = run(desk(takes=0), load)
    assert capsys.readouterr().err == ""
    shown = run(desk(takes=0), load, progress=True)
    assert "desk" in capsys.readouterr().err
    assert columns(quiet) == columns(shown)


@pytest.mark.parametrize(
    ("load", "until"),
    [
        (Evenly("job", every=1, until=5000), None),
        (Evenly("job", every=1), 5000),
        ([Times("job", at=[1]), Evenly("job", every=1, until=float("inf"), count=3, name="b")], None),
        ([], None),
    ],
)
def test_a_bar_knows_the_end_where_there_is_one(load, until, capsys):
    run(desk(takes=0), load, until=until, progress=True)
    shown = capsys.readouterr().err
    assert ("100%" in shown) == (isinstance(load, Evenly))


def test_a_bar_is_closed_when_a_run_fails(capsys):
    def body(ctx, job):
        yield 3

    with pytest.raises(ModelError):
        run(desk(body=body), ONE, progress=True)
    assert capsys.readouterr().err.endswith("\n")


def test_a_run_without_a_bar_does_not_load_the_library_for_bars(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert run(desk(), ONE).fates() == ["on time"]


# Cells run again


def test_a_cell_can_be_run_again_and_again():
    system = System("shop")

    def cell(takes):
        desk = system.service("desk")

        @desk.operation(takes=takes)
        def serve(ctx, job): ...

        system.accepts("job", serve)
        return list(run(system, ONE).table.settled)

    assert [cell(10), cell(10), cell(30)] == [[10], [10], [30]]


def test_a_cell_of_one_handler_can_be_run_again_alone():
    system = caller(takes=10)
    back = system.services["back"]

    def cell(fails):
        @back.operation(takes=10)
        def work(ctx, job):
            if fails:
                raise Failed("no")

        return run(system, ONE).fates()

    assert [cell(True), cell(False), cell(True)] == [["failed"], ["on time"], ["failed"]]
