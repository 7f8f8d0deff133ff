"""An outbox keeps what it has said until the broker has it: what gets lost on the way there is sent again."""

from rehearsal import CrashAt, Drop, Mute, System, Times, run
from tests.systems import rows

ONE = Times("job", at=[0])


def telling(outbox):
    """Return a `front` that says what it has done, a hop of 1 from everybody."""
    system = System("teller", network=1)

    @system.service("front", outbox=outbox).operation(publishes="job.done")
    def do(ctx, job):
        ctx.effect("do")
        ctx.publish("job.done", job)

    system.service("back").on("job.done")(lambda ctx, job: ctx.effect("hear"))
    system.accepts("job", do)
    return system


def said(outbox, *faults):
    """Return when something left for the broker and how often it was heard."""
    done = run(telling(outbox), ONE, faults=faults)
    heard = sum(one.name == "hear" for one in done.effects)
    return [(row.sent, row.attempt, row.outcome) for row in rows(done, target="broker")], heard


LOST = Drop(("front", "broker"), at=1, lasting=0.5, ways="there")


def test_without_an_outbox_what_is_lost_on_the_way_is_gone():
    assert said(None, LOST) == ([(1, 1, "lost")], 0)


def test_an_outbox_sends_it_again_after_the_patience_of_the_broker():
    assert said(0, LOST) == ([(1, 1, "lost"), (1001, 2, "ok")], 1)


def test_who_is_mute_says_it_later():
    assert said(0, Mute("front", at=1, lasting=1500)) == ([(1, 1, "lost"), (1001, 2, "lost"), (2001, 3, "ok")], 1)


def test_a_service_that_is_down_by_then_says_it_after_the_restart():
    crash = CrashAt("front", "do", "before", count=2, lasting=800)
    done = run(telling(0), Times("job", at=[0, 900]), faults=[LOST, crash])
    assert [row.sent for row in rows(done, target="broker", request=0)] == [1, 1701]
