"""The naive way: each service does its part and calls the next, so that every one of them waits for all that follow."""

from dataclasses import replace
from itertools import pairwise
from math import inf

from rehearsal.errors import Failed, ModelError, Refused
from rehearsal.process.acts import doing, undoing
from rehearsal.process.score import score
from rehearsal.process.stage import redeclare, stage
from rehearsal.process.within import take_back


def chain(process, *, name=None, objective=inf, timeout=None, retry=None):
    """Return the process as a chain of synchronous calls; it has to be a sequence of steps.

    Nobody conducts, and everybody is coupled to all that come after: a service holds its worker until the last has
    answered. When a later step fails, each service undoes its own part on the way back. Whoever does something knows
    which step comes next, and asks for the one after that where it does not apply.
    """
    system, steps = stage(process, name or f"chained {process.name}"), [*process.steps.values()]
    _check(process, steps)
    policies = {"timeout": timeout, "retry": retry}
    after: list = []  # (step, operation) of those that may be the next: one that is always done, and any before it
    for step in reversed(steps):
        undos = [redeclare(system, step.undo, undoing(step, careful=False))] if step.undo is not None else []
        link = _linking(process, step, after, undos, policies) if after else doing(step, careful=False)
        own = replace(step, after=(), when=None, optional=False)  # to look at that is for whoever asks
        link.score = score([own, *(later for later, _ in after)])
        entry = redeclare(system, step.operation, link, calls=tuple(operation for _, operation in after))
        after = [(step, entry), *(after if step.when is not None else [])]
    system.accepts(process.name, entry, objective=objective)
    return system


def _check(process, steps):
    first = steps[0]
    for before, step in pairwise(steps):
        if step.after != (before.name,):
            raise ModelError(f"a chain is a sequence: {step.name} has to come after {before.name}, and nothing else")
    if first.when is not None or first.optional:
        raise ModelError(f"nobody stands before {first.name} in a chain: it is done for every request, and has to be")
    if process.pivot is not None:
        raise ModelError(f"who waits in a chain cannot know whether {process.pivot} is done: no pivot in a chain")
    for step in steps:
        if step.undo is not None and step.undo.service != step.service:
            raise ModelError(f"each undoes its own part in a chain, but {step.undo.place} is not at {step.service}")


def _linking(process, step, after, undos, policies):
    """Return a handler that does its own part, then calls the next, and undoes its part where that fails."""
    own = doing(step, careful=False)

    def link(ctx, payload):
        value = own(ctx, payload)
        following = [pair for pair in after if pair[0].applies(payload)]
        if not following:
            return value
        later, operation = following[0]
        try:
            yield ctx.call(operation, payload, **policies)
        except (Failed, Refused):
            if not later.optional:
                yield from take_back(ctx, process, undos, payload)
                raise
        return value

    link.policies = policies  # type: ignore[attr-defined]
    return link
