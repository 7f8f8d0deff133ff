"""Everything in one deployable: the same work, done in process, with no hop between its parts."""

from dataclasses import replace
from math import inf

from rehearsal.errors import Failed, Refused
from rehearsal.process.acts import doing, undoing
from rehearsal.process.stage import backwards, stage


def monolith(process, *, name=None, at="monolith", replicas=1, objective=inf):
    """Return the process as one service that does every step itself, one after another.

    It has the workers of all the services together, times `replicas`. The parts keep their names: a part can be slow
    by itself, but a part that crashes takes the whole with it.
    """
    parts = stage(process, name or f"monolithic {process.name}")
    workers = sum(service.workers for service in parts.services.values()) * replicas
    states = {part: service.state for part, service in parts.services.items()}
    parts.services, parts.guards, parts.links = {}, {}, {}
    whole = parts.service(at, workers=workers)
    parts.modules = dict.fromkeys(states, at)
    inside = {}
    for step in process.steps.values():
        for operation, body in ((step.operation, doing), (step.undo, undoing)):
            if operation is not None:
                act = body(step, careful=True)
                mine = replace(operation, service=at, module=operation.service, home=whole, function=act)
                inside[operation] = whole.operations[mine.name] = mine

    def place(ctx, payload):
        done = []
        try:
            for step in process.steps.values():
                if step.applies(payload):
                    yield ctx.work(inside[step.operation], payload)
                    done.append(step)
        except (Failed, Refused):
            for step in backwards(process, done, payload):
                yield ctx.work(inside[step.undo], payload)
            raise
        return f"{process.name} done"

    entry = whole.operation(name="place", calls=())(place)
    parts.accepts(process.name, entry, objective=objective)
    return parts
