"""Take back what nobody waits for any more: from a queue, from work, and down the chain of calls."""

from math import isnan

from rehearsal.trace import CANCELLED, OPEN

GONE = (lambda message: None,)  # the step of a message that has been taken back


def cancel(engine, message, how):
    """Cancel a message whose caller has given up. `how`: from the "queue" only, or out of the "work" too.

    What is on its way or waits is dropped. Own work is aborted where `how` says so, and its worker is free. A handler
    that waits is told (`TimedOut`), so that it can undo what it did, and what it waits for is cancelled in turn: so a
    deadline is one moment for the whole chain, with one timer, at its origin.
    """
    row = message.row
    if message.dead or engine.outcome[row] != OPEN:
        return
    engine.loose = True
    pool = message.route.pool
    if isnan(engine.received[row]):
        message.callbacks = GONE
        if message in pool.node.outside:
            pool.node.outside.remove(message)
    elif isnan(engine.started[row]):
        pool.queue.remove(message)
        pool.asking -= 1
    elif message.work is not None:
        if pool.node.runs(message):
            message.work.wait.expire(engine, how)
        return
    elif how == "work":
        _abort(engine, message, pool)
    else:
        return
    engine.ended[row] = engine.now
    engine.outcome[row] = CANCELLED
    if engine.close is not None:
        engine.close(row)


def _abort(engine, message, pool):
    message.callbacks = GONE
    if pool.working is not None:
        del pool.working[message]
    if pool.node.runs(message):
        engine.release(pool)
    else:
        pool.node.frozen.pop(message, None)
