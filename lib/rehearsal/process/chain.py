"""The naive way: each service does its part and calls the next, so that every one of them waits for all that follow."""

from itertools import pairwise
from math import inf

from rehearsal.errors import ModelError
from rehearsal.process.acts import doing, undoing
from rehearsal.process.stage import stage


def chain(process, *, name=None, objective=inf, timeout=None, retry=None):
    """Return the process as a chain of synchronous calls; it has to be a sequence of steps.

    Nobody conducts, and everybody is coupled to all that come after: a service holds its worker until the last has
    answered. When a later step fails, each service undoes its own part on the way back.
    """
    steps = list(process.steps.values())
    for before, step in pairwise(steps):
        if step.after != (before.name,):
            raise ModelError(f"a chain is a sequence: {step.name} has to come after {before.name}, and nothing else")
    system = stage(process, name or f"chained {process.name}")
    policies = {word: value for word, value in {"timeout": timeout, "retry": retry}.items() if value is not None}
    following = None
    for step in reversed(steps):
        own = step.operation
        undo = None
        if step.undo is not None:
            how = {"takes": step.undo.takes, "name": step.undo.name, "work": step.undo.work}
            undo = system.services[step.undo.service].operation(**how, undoes=step.undo.undoes)(undoing(step, True))
        handler = doing(step, True) if following is None else _linking(step, following, undo, policies)
        calls = None if following is None else [following]
        declare = system.services[step.service].operation(takes=own.takes, name=own.name, work=own.work, calls=calls)
        following = declare(handler)
    system.accepts(process.name, following, objective=objective)
    return system


def _linking(step, following, undo, policies):
    """Return a handler that does its own part, then calls the next, and undoes its part where that fails."""
    own = doing(step, True)

    def link(ctx, payload):
        value = own(ctx, payload) if step.applies(payload) else None
        try:
            yield ctx.call(following, payload, **policies)
        except Exception:
            if undo is not None and step.applies(payload):
                yield ctx.work(undo, payload)
            raise
        return value

    return link
