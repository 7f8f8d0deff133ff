"""Set the stage for a process: the services that take part, as they were declared, with nothing to do yet."""

from rehearsal.errors import ModelError
from rehearsal.system import System


def stage(process, name, outbox=None):
    """Return a system with the services, links, brokers and guards of the process's own, and no handlers.

    So every style starts from equal workers, equal work and equal hops. With `outbox` [ms] every service has one.
    """
    home = next(iter(process.steps.values())).operation.home.home
    system = System(name, home.network)
    system.process = process
    system.links, system._brokers, system.guards = dict(home.links), dict(home._brokers), dict(home.guards)
    there = {step.service for step in process.steps.values()}
    there |= {step.undo.service for step in process.steps.values() if step.undo is not None}
    for missing in sorted(there - home.services.keys()):
        raise ModelError(f"{missing} is not of the same system as the other services of {process.name!r}: {home!r}")
    for service in home.services.values():
        if service.name in there:
            twin = service.copy()
            twin.home, twin.operations, twin.subscriptions = system, {}, {}
            twin.outbox = service.outbox if outbox is None else float(outbox)
            system.services[service.name] = twin
    return system


def host(process, system, name, workers, **how):
    """Return the service where requests enter: one of the process's own of that name, or a new one."""
    home = next(iter(process.steps.values())).operation.home.home
    if name in system.services:
        return system.services[name]
    if name in home.services:
        twin = home.services[name].copy()
        twin.home, twin.operations, twin.subscriptions = system, {}, {}
        system.services[name] = twin
        return twin
    return system.service(name, workers=workers, **how)


def backwards(process, steps, payload):
    """Return the steps to undo, the last first: what comes after a step is undone before it."""
    names = {step.name for step in steps}
    return [
        s for s in reversed(process.steps.values()) if s.name in names and s.undo is not None and s.applies(payload)
    ]


def agenda(process, steps):
    """Return a function that gives the steps to do for a payload, each with the names of those it waits for."""
    mine = {step.name for step in steps}

    def agenda_of(payload):
        todo = [step for step in steps if step.applies(payload)]
        return [(s, frozenset(n.name for n in process.needs(process.before(s), payload)) & mine) for s in todo]

    if any(step.when is not None for step in process.steps.values()):
        return agenda_of
    always = agenda_of(None)  # the same for every request: worked out once
    return lambda payload: always


def score(steps):
    """Return what a conductor has to know of the flow: each step, what it comes after, what undoes it, and whether."""
    return tuple((s.operation.place, s.after, s.undo and s.undo.place, s.when, s.optional) for s in steps)
