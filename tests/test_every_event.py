"""After every event of a run: each worker is somewhere, each message in one place, and who is down does nothing."""

import warnings
from collections import Counter
from contextlib import suppress
from heapq import heappop
from os import environ
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from simpy.core import StopSimulation

from rehearsal import DesignWarning, run
from rehearsal.engine import runs
from rehearsal.engine.messages import FIRST, Alarm
from rehearsal.engine.performer import Engine
from tests.plays import ANY


class Watched(Engine):
    """Look at every node after every event."""

    def run(self, until=None):
        """Let happen what is due, as an engine does, and look each time."""
        if until is not None:
            self.at(until, Alarm(self._stop, StopSimulation()), FIRST)
        with suppress(StopSimulation):
            while self._queue:
                self._now, _, _, event = heappop(self._queue)
                event.callbacks[0](event)
                on_the_clock = Counter(event for *_, event in self._queue)
                for node in self.compiler.nodes.values():
                    look_at_node(node)
                    for pool in node.pools:
                        look_at_pool(node, pool, on_the_clock)

    def finish(self, message, outcome, value):
        """No work ends where nobody is up."""
        assert message.route.pool.node.runs(message)
        super().finish(message, outcome, value)

    def resume(self, message, value, error):
        """No handler goes on where nobody is up."""
        assert message.route.pool.node.runs(message)
        super().resume(message, value, error)


def look_at_node(node):
    """Check what a node keeps through an outage."""
    live = node.live()
    assert node.up == bool(live) and not (node.up and node.outside)
    assert node.faults or not (node.frozen or node.held or node.outside)
    for message in node.frozen:
        assert not message.dead and message.route.pool.working[message] not in live


def look_at_pool(node, pool, on_the_clock):
    """Check the workers of a pool, those who wait for one, and the work in progress."""
    assert not pool.starting and len({*pool.queue}) == len(pool.queue)
    assert pool.asking == sum(message.route.inbox is None and message.work is None for message in pool.queue)
    assert node.up or pool.free == 0
    assert not (node.up and pool.queue and pool.free > 0)
    # Which replica's worker a handler that does not block goes on with is not modelled: one may have too much to do.
    assert pool.free >= 0 or (node.replicas > 1 and not node.blocking)
    if pool.working is None:
        return
    busy = [m for m in pool.working if m not in node.frozen and (m.work is None or m.work.holds)]
    assert not node.up or pool.free == pool.each * len(node.live()) - len(busy)
    if node.blocking and not node.broker and node.up:
        assert all(count <= pool.each for count in Counter(pool.working[m] for m in busy).values())
    for message, replica in pool.working.items():
        assert not message.dead
        if message.work is None:  # own work: either its end is on the clock, or it stands still with its replica
            still = replica not in node.live()
            assert (message in node.frozen) == still and on_the_clock[message] == (not still)


@settings(
    max_examples=int(environ.get("EXAMPLES", "60")), deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(ANY)
def test_after_every_event_each_worker_and_each_message_is_in_one_place(world):
    system, load, faults, seed = world
    with patch.object(runs, "Engine", Watched), warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        run(system, load, faults=faults, seed=seed)
