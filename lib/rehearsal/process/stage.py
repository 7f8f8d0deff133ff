"""Set the stage for a process: the services that take part, as they were declared, with nothing to do yet."""

from dataclasses import replace

from rehearsal.errors import ModelError
from rehearsal.process.steps import Process
from rehearsal.service import Service
from rehearsal.system import System

OWN = ("place", "hear", "accept", "complete", "cancel", "watch")  # handlers of the service where requests enter


def stage(process, name, outbox=None):
    """Return a system with the services, links, brokers and guards of the process's own, and no handlers.

    So every style starts from equal workers, equal work and equal hops. With `outbox` [ms] every service has one.
    """
    if not isinstance(process, Process):
        raise TypeError(f"a style stages a Process, such as Process('order', [Step(reserve)]), not {process!r}")
    home = next(iter(process.steps.values())).operation.home.home
    system = System(name, home.network)
    system.process = process
    system.links, system._brokers, system.guards = dict(home.links), dict(home._brokers), dict(home.guards)
    there = {o.service for step in process.steps.values() for o in (step.operation, step.undo) if o is not None}
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
    """Return the service where requests enter: one of the process's own of that name, or a new one.

    One of its own keeps its workers; what else is said of who conducts goes before what it said of itself.
    """
    home = next(iter(process.steps.values())).operation.home.home
    for operation in (o for step in process.steps.values() for o in (step.operation, step.undo) if o is not None):
        if operation.service == name and operation.name in OWN:
            own = f"{name} takes requests in, with a {operation.name!r} of its own"
            raise ModelError(f"{own}: call {operation.place} something else")
    if name not in system.services and name in home.services:
        twin = system.services[name] = home.services[name].copy()
        twin.home, twin.operations, twin.subscriptions = system, {}, {}
    if name not in system.services:
        return system.service(name, workers=workers, **how)
    said, usual = vars(Service(name, **how)), vars(Service(name))
    vars(system.services[name]).update({word: said[word] for word in how if said[word] != usual[word]})
    return system.services[name]


def redeclare(system, operation, function, idempotent=None, **how):
    """Declare an operation as it was, at the same service of this system, with another body; return it."""
    home, once = system.services[operation.service], operation.idempotent if idempotent is None else idempotent
    home.operations[operation.name] = replace(operation, function=function, home=home, idempotent=once, **how)
    return home.operations[operation.name]


def backwards(process, steps, payload):
    """Return the steps to undo, the last first: what comes after a step is undone before it."""
    names = {step.name for step in steps}
    return [
        s for s in reversed(process.steps.values()) if s.name in names and s.undo is not None and s.applies(payload)
    ]
