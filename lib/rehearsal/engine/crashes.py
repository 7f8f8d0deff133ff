"""Stop a node, or one of its replicas: what becomes of work, queue, arrivals and those who wait."""

from contextlib import suppress
from copy import deepcopy

from rehearsal.engine.outages import Stop, note
from rehearsal.engine.replicas import hand_over, staff
from rehearsal.trace import LOST, NONE, OPEN


class Struck(Exception):
    """Leave a handler whose service has gone down under it; it says (value, problem) where the work was done before."""


def crash(engine, node, fault, until, replica=None):
    """Stop a node or one replica: work in progress first, then what waits, as the fault and its kind of message say.

    While another replica is up, what waits stays where it is. A node that is down already is struck once more: what was
    kept so far is kept or lost as this fault says, and what arrives, or still waits outside, is treated as it says.
    """
    replica, was = (replica or fault.replica) if node.replicas > 1 else None, node.up
    node.faults.append(Stop(fault, replica, until))
    node.up = bool(node.live())
    note(engine, node, was, until, replica)
    shut = not node.up and (was or replica is None)
    if was or shut:
        node.absent = node.absent if node.broker else ABSENT[fault.arrivals]
    if shut and node.fresh is not None:
        node.state = deepcopy(node.fresh)
    queues = [(pool, [*pool.queue]) for pool in node.pools]
    unseen = [(inbox, inbox.stop(engine.now, shut)) for inbox, _ in node.inboxes]
    struck = _stop_work(engine, node, fault, replica)
    for pool, queue in queues:
        going_on = [m for m in queue if m in struck and not m.dead]
        if replica is None:
            pool.queue.extend(going_on)
        else:
            node.held += [(engine._hand, m, *m.work.wake) for m in going_on]
        pool.queue.extend(m for m in queue if m not in struck and not shut)
    if shut:
        _stop_queues(engine, node, node.durable or fault.queue == "kept", queues, struck)
    for inbox, messages in unseen:
        inbox.topic.extend(messages)
    if node.up:
        hand_over(engine, node)


def _stop_work(engine, node, fault, replica):
    """Keep or lose the work in progress; return it, each piece with the replica that did it."""
    struck = {m: number for pool in node.pools for m, number in pool.working.items() if replica in (None, number)}
    for pool in node.pools:
        pool.queue.clear()
        pool.free = 0  # nothing starts before it is known who is left
    for message in struck:
        del message.route.pool.working[message]
    if not node.broker and (node.durable or fault.work != "lost"):
        _freeze(engine, node, struck, fault.work == "resume", replica)
    else:
        _lose(engine, node, struck)
    staff(node)
    return struck


def _stop_queues(engine, node, kept, queues, struck):
    """Keep or lose what waits: for a worker, and outside."""
    for message in [m for _, queue in queues for m in queue if m not in struck]:
        _keep_or_lose(engine, node, message, kept)
    outside, node.outside = node.outside, []
    for message in outside:
        node.absent(engine, message)


def _keep_or_lose(engine, node, message, kept):
    """Keep what waits in the memory of a service; what a durable broker holds goes back there in any case."""
    inbox, pool = message.route.inbox, message.route.pool
    if not kept or node.broker or message.route.bereave in (engine.bus.deliver_again, engine.bus.keep_what_waits):
        pool.asking -= inbox is None
        message.route.bereave(message, False)
        return
    pool.queue.append(message)
    if inbox is not None and inbox.poll is not None:
        inbox.waiting += 1


def _lose(engine, node, struck):
    for message in struck:
        node.frozen.pop(message, None)
        if message.work is not None:
            message.work.wait.abandon(engine)
            message.work = None
        message.route.bereave(message, True)


def _freeze(engine, node, struck, resumes, replica):
    """Keep work in progress: a handler that waits as it is, own work with the time it needs after the restart."""
    wanted = {message for message in struck if message.work is None}
    # Nobody but the clock knows when a piece of work would have been over.
    due = {event: moment for moment, _, _, event in engine._queue if event in wanted} if resumes else {}
    for message, number in struck.items():
        kept = message
        if message.work is None:
            left = node.frozen.pop(message, due.get(message, engine.now) - engine.now)  # None: all of it
            kept = message.twin()
            if message.waiter is not None and message.waiter.current is message:
                message.waiter.current = kept
            node.frozen[kept] = left if resumes else None
        elif replica is not None and message not in node.frozen:
            node.frozen[message], message.work.holds = message.work.holds, False
        dict.__setitem__(message.route.pool.working, kept, number)


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
