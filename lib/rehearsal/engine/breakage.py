"""Bring the faults of a run about: each begins and ends at its moment, before anything else due then."""

from contextlib import suppress
from math import inf, prod

from rehearsal.engine.messages import FIRST, Alarm
from rehearsal.faults import Crash, Errors, Slow


def arrange(engine, faults, until=None):
    """Put the beginning and the end of every fault on the clock. A new kind of fault is one more pair here.

    Windows are half-open, so at a tie an end comes before a beginning, and what is due at the cut does not happen. The
    order in which faults are listed means nothing.
    """
    nodes, steps = engine.compiler.nodes, []
    for fault in faults:
        node = nodes[fault.service]
        if isinstance(fault, Crash):
            for pool in node.pools:
                pool.working = {}
        begin, end = EFFECTS[type(fault)]
        steps += [(fault.at, 1, fault, node, begin), (fault.until, 0, fault, node, end)]
    for moment, _, fault, node, do in sorted(steps, key=lambda s: (s[0], s[1], s[2].service, repr(s[2]))):
        if moment < (inf if until is None else until):
            engine.at(moment, Alarm(lambda _, n=node, f=fault, act=do: act(engine, n, f)), FIRST)


def crash(engine, node, fault):
    """Stop a node: work in progress first, then what waits, each as its kind of message says."""
    node.up = False
    in_work = [message for pool in node.pools for message in pool.working]
    waiting = [message for pool in node.pools for message in pool.queue if message not in pool.working]
    for pool in node.pools:
        pool.queue.clear()
        pool.working.clear()
        pool.free = pool.asking = 0
    unseen = [inbox.stop(engine.now) for inbox, _ in node.inboxes]
    for message in in_work:
        if message.work is not None:
            message.work.wait.abandon(engine)
            message.work = None
        message.route.bereave(message, True)
    for message in waiting:
        message.route.bereave(message, False)
    for (inbox, _), messages in zip(node.inboxes, unseen, strict=True):
        inbox.topic.extend(messages)


def restart(engine, node, fault):
    """Start a node again with every worker free; a broker takes what waited outside, in order."""
    node.up = True
    for pool in node.pools:
        pool.free = pool.size
    engine.bus.wake(node)
    for pool in node.pools:
        engine.serve(pool)
    outside, node.outside = node.outside, []
    for message in outside:
        engine.arrive(message)


def stranded(engine, faults):
    """Return the rows of the messages that wait for a node which is down for ever: nothing will move them."""
    gone = [engine.compiler.nodes[f.service] for f in faults if isinstance(f, Crash) and f.until == inf]
    rows: set[int] = set()
    for node in gone:
        if not node.up:
            rows.update(message.row for pool in node.pools for message in pool.queue)
            rows.update(message.row for inbox, _ in node.inboxes for message in inbox.topic)
            rows.update(message.row for message in node.outside)
    return rows


def bury(engine):
    """Close the handlers that a crash, or the end of the run, left waiting.

    A generator runs its `finally` whenever Python happens to drop it, and no crash would: what it says then must
    neither get into the record nor, if it yields again, onto the screen.
    """
    engine.over = True
    for context in engine.handlers:
        for _ in range(100):
            if context.frame.gi_frame is None:
                break
            with suppress(Exception):
                context.frame.close()


def _slow(engine, node, fault):
    node.paces.append(fault.factor)
    node.pace = prod(node.paces)


def _brisk(engine, node, fault):
    node.paces.remove(fault.factor)
    node.pace = prod(node.paces)


def _err(engine, node, fault):
    node.errors.append(fault.rate)


def _mend(engine, node, fault):
    node.errors.remove(fault.rate)


EFFECTS = {Crash: (crash, restart), Slow: (_slow, _brisk), Errors: (_err, _mend)}
