"""Do a step and undo it at the service whose step it is: each enters its effect, and is safe to be asked for.

What a careful service remembers, together with its effects, is for which requests it has done a step, and for which
it was told to undo it. So an undo of what was never done does nothing, and a step that comes after its undo (a message
was late) is not done any more. Without that care both happen.
"""

from rehearsal.errors import ModelError, Refused

DONE, UNDONE = "done, by the process", "undone, by the process"  # keys in a memory that is its reader's, too


def leaf(operation):
    """Return the function of an operation that does its own work, or refuse one that waits for others."""
    if operation.waits:
        raise ModelError(f"{operation.place} waits for others: as a step of this style it has to do its own work")
    return operation.function


def hopeless(ctx, problem, last):
    """Return whether a message will not be tried again: a business no is final, all else after the `last` retry."""
    if isinstance(problem, ModelError):
        raise problem
    return isinstance(problem, Refused) or ctx.attempt > last


def doing(step, careful):
    """Return the body of a step: what its operation does, and its effect; it returns whether anything was done."""
    function, name = leaf(step.operation), step.name

    def do(ctx, payload):
        function(ctx, payload)
        ctx.effect(name)
        return True

    def do_unless_undone(ctx, payload):
        if (name, payload) in ctx.state.get(UNDONE, ()):
            return False
        function(ctx, payload)
        ctx.state.setdefault(DONE, set()).add((name, payload))
        ctx.effect(name)
        return True

    return do_unless_undone if careful and step.undo is not None else do


def undoing(step, careful):
    """Return the body of an undo; it returns whether there was anything to undo, which its operation may deny.

    Where it is done elsewhere than its step it cannot look whether that was done.
    """
    function, name = leaf(step.undo), step.name
    looks = careful and step.undo.service == step.service

    def undo(ctx, payload):
        key, told = (name, payload), ctx.state.setdefault(UNDONE, {}) if careful else {}
        before = told.setdefault(key, False)
        if (looks and key not in ctx.state.get(DONE, ())) or function(ctx, payload) is False:
            return before  # who asks once more, since the answer was lost, hears the same
        if looks:
            ctx.state[DONE].discard(key)
        told[key] = True
        ctx.effect(name, -1)
        return True

    return undo
