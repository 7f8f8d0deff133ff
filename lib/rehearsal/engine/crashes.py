"""Stop a node and start it again: what becomes of work, queue, arrivals and those who wait."""

from contextlib import suppress
from copy import deepcopy
from math import inf
from typing import NamedTuple

from rehearsal.trace import LOST, NONE, OPEN


class Outage(NamedTuple):
    """Say that a service was really down, from `at` until `until` [ms]."""

    service: str
    at: float
    until: float


class Struck(Exception):
    """Leave a handler whose service has gone down under it."""


def crash(engine, node, fault, until):
    """Stop a node: work in progress first, then what waits, each as the fault and its kind of message say.

    A node that is down already is struck once more: what was kept so far is kept or lost as this fault says, and what
    arrives, or still waits outside, is treated as it says.
    """
    node.faults.append(fault)
    if node.up:
        node.up, node.back = False, until
        engine.outages.append(Outage(node.name, engine.now, until))
    node.back = max(node.back, until)
    _extend(engine, node, node.back)
    node.absent = node.absent if node.broker else ABSENT[fault.arrivals]
    if node.fresh is not None:
        node.state = deepcopy(node.fresh)
    in_work = [message for pool in node.pools for message in pool.working]
    waiting = [message for pool in node.pools for message in pool.queue if message not in pool.working]
    keeps = node.durable or fault.work != "lost"
    queue_kept = node.durable or fault.queue == "kept"
    woken = [(pool, [m for m in pool.queue if m in pool.working]) for pool in node.pools] if keeps else []
    for pool in node.pools:
        pool.queue.clear()
        pool.working.clear()
        pool.free = pool.asking = 0
    unseen = [inbox.stop(engine.now) for inbox, _ in node.inboxes]
    frozen, node.frozen = node.frozen, {}
    if keeps and not node.broker:
        _freeze(engine, node, in_work, fault.work == "resume", frozen)
    else:
        _lose(engine, in_work)
    for pool, messages in woken:
        pool.queue.extend(messages)
    for message in waiting:
        _keep_or_lose(engine, node, message, queue_kept)
    for (inbox, _), messages in zip(node.inboxes, unseen, strict=True):
        inbox.topic.extend(messages)
    outside, node.outside = node.outside, []
    for message in outside:
        node.absent(engine, message)


def _extend(engine, node, until):
    """Let the outage of a node that is down last until this moment."""
    last = max(i for i, outage in enumerate(engine.outages) if outage.service == node.name)
    engine.outages[last] = engine.outages[last]._replace(until=until)


def _keep_or_lose(engine, node, message, kept):
    """Keep what waits in the memory of a service; what a durable broker holds goes back there in any case."""
    inbox, pool = message.route.inbox, message.route.pool
    if not kept or node.broker or message.route.bereave in (engine.bus.deliver_again, engine.bus.keep_what_waits):
        message.route.bereave(message, False)
        return
    pool.queue.append(message)
    pool.asking += inbox is None
    if inbox is not None and inbox.poll is not None:
        inbox.waiting += 1


def _lose(engine, in_work):
    for message in in_work:
        if message.work is not None:
            message.work.wait.abandon(engine)
            message.work = None
        message.route.bereave(message, True)


def _freeze(engine, node, in_work, resumes, frozen):
    """Keep work in progress: a handler that waits as it is, own work with the time it needs after the restart."""
    wanted = {message for message in in_work if message.work is None}
    # Nobody but the clock knows when a piece of work would have been over.
    due = {event: moment for moment, _, _, event in engine._queue if event in wanted} if resumes else {}
    for message in in_work:
        kept = message
        if message.work is None:
            left = frozen.get(message, due.get(message, engine.now) - engine.now)  # None: all of it
            kept = message.twin()
            if message.waiter is not None and message.waiter.current is message:
                message.waiter.current = kept
            node.frozen[kept] = left if resumes else None
        message.route.pool.working[kept] = True


def restart(engine, node, fault, until=None):
    """End a fault that keeps a node down. After the last, start it with every worker free that has nothing to go on."""
    node.faults.remove(fault)
    if node.faults:
        node.absent = node.absent if node.broker else ABSENT[node.faults[-1].arrivals]
        return
    node.up, node.back = True, -inf
    _extend(engine, node, engine.now)
    for pool in node.pools:
        pool.free = pool.size - sum(message.work is None or message.work.holds for message in pool.working)
    frozen, node.frozen = node.frozen, {}
    for message, remaining in frozen.items():
        message.callbacks = engine._perform
        takes = message.route.plan.takes
        if remaining is None:  # from the beginning, at the pace of now
            remaining = 0.0 if takes is None else takes[message.page][message.case.line] * node.pace
        engine.schedule(message, delay=remaining)
    for clock in node.clocks:
        clock.run()
    if node.outbox is not None:
        node.outbox.wake()
    engine.bus.wake(node)
    held, node.held = node.held, []
    for go_on, *arguments in held:
        go_on(*arguments)
    for pool in node.pools:
        engine.serve(pool)
    outside, node.outside = node.outside, []
    for message in outside:
        engine.arrive(message)  # not over the network again, with all that may happen there


def refuse(engine, message):
    """Turn a message away at once: nobody listens."""
    engine.received[message.row] = engine.now
    engine.turn_away(message)


def keep(engine, message):
    """Let a message wait outside until the node is up again: its sender still has it."""
    message.route.pool.node.outside.append(message)


def vanish(engine, message):
    """Let a message, or the work on it, disappear: whoever waits for it is told nothing."""
    message.dead = True
    row = message.row
    if engine.outcome[row] == OPEN:
        engine.outcome[row] = LOST
    unanswered(engine, message)


def unanswered(engine, message):
    """End a message whose answer will never come; who still waits for it may yet give it up."""
    if message.waiter.current is message:
        engine.trace.answer[message.row] = NONE
        engine.vanished.append(message)
    elif engine.close is not None:
        engine.close(message.row)


ABSENT = {"refused": refuse, "wait": keep, "ignored": vanish}


def bury(engine):
    """Close what a crash, or the end of the run, left waiting: handlers, and the rows of answers that never came.

    A generator runs its `finally` whenever Python happens to drop it, and no crash would: what it says then must
    neither get into the record nor, if it yields again, onto the screen.
    """
    engine.over = True
    for message in engine.vanished if engine.close is not None else ():
        if message.waiter.current is message:
            engine.close(message.row)
    for context in engine.handlers:
        for _ in range(100):
            if context.frame.gi_frame is None:
                break
            with suppress(Exception):
                context.frame.close()
