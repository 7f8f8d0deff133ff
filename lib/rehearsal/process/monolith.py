"""Everything in one deployable: the same work, done in process, with no hop between its parts."""

from dataclasses import replace
from math import inf

from rehearsal.errors import Failed, Refused
from rehearsal.policies import Retry
from rehearsal.process.acts import doing, undoing
from rehearsal.process.score import score
from rehearsal.process.stage import backwards, stage
from rehearsal.process.within import insist, take_back

ONCE = Retry(0)


def monolith(process, *, name=None, at="monolith", replicas=1, objective=inf):
    """Return the process as one service that does every step itself, one after another.

    Each of its `replicas` has the workers of all the services together. The parts keep their names and their memory: a
    part can be slow by itself, but a part that crashes takes the whole with it.
    """
    system = stage(process, name or f"monolithic {process.name}")
    parts, system.services, system.guards, system.links = system.services, {}, {}, {}
    workers = sum(part.workers * part.replicas for part in parts.values())
    whole = system.service(at, workers, state=parts[at].state if at in parts else None, replicas=replicas)
    system.modules = dict.fromkeys(parts, at)
    steps = process.steps.values()
    acts = [(step.operation, doing(step, careful=False)) for step in steps]
    acts += [(step.undo, undoing(step, careful=False)) for step in steps if step.undo is not None]
    names = ["place", *(operation.name for operation, _ in acts)]
    inside = {}
    for operation, act in acts:  # where two parts use one name, each name says of which it is
        called = operation.name if names.count(operation.name) == 1 else operation.place
        how = {"service": at, "name": called, "module": operation.service, "home": parts[operation.service]}
        inside[operation] = whole.operations[called] = replace(operation, function=act, **how)
    place = whole.operation(name="place", calls=())(_placing(process, inside))
    system.accepts(process.name, place, objective=objective)
    return system


def _placing(process, inside):
    """Return the handler that does all the steps, or undoes what it has done."""
    way = [(s, inside[s.operation], process.tail if process.insists(s) else ONCE) for s in process.steps.values()]

    def place(ctx, payload):
        done = []
        for step, operation, again in way:
            if step.when is None or step.applies(payload):
                problem = None
                try:
                    yield ctx.work(operation, payload)
                except (Failed, Refused) as error:  # only then is it worth a generator of its own to insist
                    problem = yield from insist(ctx, operation, payload, again, error)
                if problem is None:
                    done.append(step)
                elif not step.optional:
                    break
        else:
            return f"{process.name} done"
        if process.pivot in {step.name for step in done}:
            ctx.park(f"no way back after {process.pivot}: {problem}")
        else:
            yield from take_back(ctx, process, [inside[s.undo] for s in backwards(process, done, payload)], payload)
        raise problem

    place.score = score(process.steps.values())  # type: ignore[attr-defined]
    return place
