"""Down-time, zombies and waits in the sequence diagram: what went on while nobody waited, and what did not go on."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import (
    Breakdowns,
    Bulkhead,
    CircuitBreaker,
    Crash,
    CrashAt,
    Drop,
    Evenly,
    Failed,
    Partition,
    Refused,
    Retry,
    Slow,
    System,
    ms,
    run,
    sec,
)
from rehearsal.draw import alt, palette, sequence
from rehearsal.draw.timeline import scene
from rehearsal.shop import choreographed, orchestrated
from tests.boxes import readable, texts

LINK = ("orders", "payment")
SHORT = Evenly("order", every=100 * ms, until=5 * sec)


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close what a test drew."""
    yield
    plt.close("all")


def desk(load=None, takes=30 * ms, faults=(), **how):
    """Return a run whose caller gives up after 10 ms on work of 30 ms at one clerk."""
    system = System("desk", network=1 * ms)
    clerk, gate = system.service("clerk", workers=1), system.service("gate", workers=9)

    @clerk.operation(takes=takes)
    def serve(ctx, order): ...

    @gate.operation()
    def place(ctx, order):
        try:
            yield ctx.call(serve, order, **{"timeout": 10 * ms, **how})
        except Failed:
            raise Refused("no") from None

    system.accepts("order", place, objective=1 * sec)
    return run(system, load or Evenly("order", every=200 * ms, count=3), faults=faults)


def test_work_after_a_time_out_is_a_zombie_and_the_words_count_them():
    one = desk(retry=Retry(1))
    assert scene(one, 0).zombies == 2
    ax = sequence(one, 0)
    shown = [text.get_text() for text in texts(ax.figure)]
    assert "nobody waits" in shown
    assert "zombie: works, nobody waits" in shown
    assert "desk: 3 messages, 2 of them went wrong, 2 zombies; the client waits 22 ms" in shown
    assert "Work goes on 2 times after its caller gave up." in alt(ax)
    readable(ax.figure)


def test_a_zombie_waits_in_the_queue_already():
    one = scene(desk(retry=Retry(1)), 0)
    # The second attempt comes at 12 ms and waits for the first one's work until 32 ms; its caller gives up at 21 ms.
    waits = [(w.text, round(w.start), round(w.end), w.style, w.taken) for w in one.waits if w.service == "clerk"]
    assert waits == [
        ("waits in queue", 12, 21, "lost", False),
        ("nobody waits for it", 21, 32, "reply", True),
    ]


def test_work_that_is_cancelled_is_no_zombie():
    one = scene(desk(cancel="work"), 0)
    assert one.zombies == 0
    assert "cancelled" in [note.text for note in one.notes]
    readable(sequence(desk(cancel="work"), 0).figure)


@pytest.mark.parametrize(
    "guard", [{"breaker": CircuitBreaker(window=2, minimum=1)}, {"bulkhead": Bulkhead(1)}], ids=["breaker", "bulkhead"]
)
def test_what_its_own_breaker_or_bulkhead_kept_back_was_never_sent(guard):
    one = desk(Evenly("order", every=5 * ms, count=9), **guard)
    kept = one.spans().query("outcome == 'unsent'")["request"].iloc[0]
    found = scene(one, int(kept))
    assert "serve not sent" in [note.text for note in found.notes if note.cross]
    assert [a.target for a in found.arrows if a.style != "reply"] == ["gate"]
    readable(sequence(one, int(kept)).figure)


@pytest.mark.parametrize(
    ("faults", "shades"),
    [
        (Crash("payment", 1 * sec, 500 * ms), [("payment", "down", True)]),
        (CrashAt("payment", "charge", count=10, lasting=500 * ms), [("payment", "down", True)]),
        (Slow("payment", 3, 900 * ms, 1 * sec), [("payment", "×3 slower", False)]),
        (
            Drop(("orders", "payment"), at=900 * ms, lasting=1 * sec),
            [(n, "loses 100%", False) for n in ("orders", "payment")],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_was_wrong_is_shaded_while_it_really_was(faults, shades):
    one = run(orchestrated(), SHORT, seed=7, faults=faults)
    found = scene(one, 9)
    assert [(s.service, s.text, s.down) for s in found.shades] == shades
    ax = sequence(one, 9)
    hatched = [patch for patch in ax.patches if patch.get_hatch() and patch.get_label() != "down"]
    assert bool(hatched) == shades[0][2]
    readable(ax.figure)


def test_a_fail_over_ends_the_down_time_before_the_crash_does():
    system = System("desk", network=1 * ms)
    clerk = system.service("clerk", failover=100 * ms)

    @clerk.operation(takes=30 * ms)
    def serve(ctx, order): ...

    system.accepts("order", serve)
    crash = Crash("clerk", at=200 * ms, lasting=10 * sec, arrivals="wait")
    one = run(system, Evenly("order", every=210 * ms, count=2), faults=crash)
    (shade,) = scene(one, 0).shades
    assert (shade.start, shade.end) == pytest.approx((0, 90))


@pytest.mark.parametrize(
    "faults",
    [
        Breakdowns("payment", up=300 * ms, down=200 * ms),
        Partition((("orders", "inventory"), ("payment",)), at=900 * ms, lasting=1 * sec),
        Crash("broker", at=1 * sec, lasting=500 * ms),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_all_faults_can_be_drawn_in_a_choreography(faults):
    one = run(choreographed(), SHORT, seed=7, faults=faults)
    for row in (9, 12):
        readable(sequence(one, row).figure)
        assert {s.text for s in scene(one, row).shades} <= {"down", "cut off"}


def test_down_time_has_the_colour_of_down_time():
    ax = sequence(run(orchestrated(), SHORT, seed=7, faults=Crash("payment", 1 * sec, 500 * ms)), 9)
    (box,) = (patch for patch in ax.patches if patch.get_hatch())
    assert matplotlib.colors.to_hex(box.get_edgecolor()).upper() == palette.DOWN
