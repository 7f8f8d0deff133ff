"""Do a step and undo it in process: nobody else is asked, so that nobody else can try again or give up."""

from rehearsal.errors import Failed, Refused


def insist(ctx, operation, payload, retry, problem=None):
    """Work in process, again after each failure as often as `retry` says; return what went wrong at last, or None.

    With a `problem` it was tried once before. A business no is an answer. What it does not model: jitter, since nobody
    else tries again at the same moment.
    """
    tries = 0 if problem is None else 1
    while problem is None or (isinstance(problem, Failed) and tries <= retry.times and "failed" in retry.on):
        if tries:
            yield ctx.sleep(retry.pause(tries - 1))
        tries += 1
        try:
            yield ctx.work(operation, payload)
            return None
        except (Failed, Refused) as error:
            problem = error
    return problem


def take_back(ctx, process, undos, payload):
    """Undo one after another; what cannot be undone is left to a person, and does not keep the others."""
    for undo in undos:
        error = yield from insist(ctx, undo, payload, process.again)
        if error is not None:
            ctx.park(f"{undo.name} failed: {error}")
