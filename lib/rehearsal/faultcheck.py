"""Refuse faults that strike nobody, or what cannot be struck so, before anything runs."""

from itertools import pairwise

from rehearsal.check import talk
from rehearsal.contacts import contacts
from rehearsal.errors import ModelError, unknown
from rehearsal.faults import Crash, CrashAt, Errors, Fault, LoadSpike, Mute, Slow
from rehearsal.load import Evenly, Poisson
from rehearsal.network import LinkFault, Partition
from rehearsal.service import CLIENT
from rehearsal.units import pretty


def check_faults(system, loads, faults):
    """Raise ModelError on the first fault that does not fit the system, the loads or the other faults.

    Return sentences on those that can change nothing.
    """
    nodes, odd = [*system.services, *system.modules, *system.brokers], []
    ways = _ways(system) if any(isinstance(fault, LinkFault | Partition) for fault in faults) else set()
    for fault in faults:
        if not isinstance(fault, Fault):
            raise ModelError(f"a fault is something like Crash('payment', at=90 * sec), not {fault!r}")
        known = [CLIENT, *nodes] if isinstance(fault, LinkFault | Partition | LoadSpike) else nodes
        for name in fault.struck:
            if name not in known:
                raise ModelError(f"{fault} strikes nobody: {unknown('service', name, known)}")
        if isinstance(fault, Errors | CrashAt | Mute) and fault.service in system.brokers:
            does = "it can crash or be slow, it does no work of its own that could fail or be kept quiet"
            raise ModelError(f"{fault}: {fault.service} is a broker: {does}")
        if fault.replica is not None:
            _check_replica(system, fault)
        if isinstance(fault, CrashAt):
            _check_moment(system, fault)
        if isinstance(fault, LinkFault) and fault.link[0] == fault.link[1]:
            raise ModelError(f"{fault}: a link has two different ends")
        if isinstance(fault, LoadSpike):
            spiked(fault, loads)
        slowed = isinstance(fault, Slow) and system.brokers.get(fault.service)
        if slowed and not slowed.latency.mean:
            odd.append(f"{fault} changes nothing: {fault.service} has a latency of 0; a Delay makes its links slower")
        if isinstance(fault, LinkFault | Partition) and ways and not any(fault.strikes(*way) for way in ways):
            there = ", ".join(f"{a} → {b}" for a, b in sorted(ways))
            odd.append(f"{fault} changes nothing: no message goes this way; the ways here: {there}")
    # By name: two parts of a monolith may well be struck at once, as they may in every other style.
    crashes = sorted((f for f in faults if isinstance(f, Crash)), key=lambda f: (f.whom, f.at))
    for one, two in pairwise(crashes):
        if one.whom == two.whom and two.at < one.until:
            raise ModelError(f"{one.whom} cannot crash while it is down: {one}; {two}")
    return odd


def _host(system, fault):
    return system.modules.get(fault.service, fault.service)


def _check_replica(system, fault):
    host = _host(system, fault)
    copies = {**system.services, **system.brokers}[host].replicas
    if fault.replica > copies:
        raise ModelError(f"{fault}: {host} has {copies} of them, from 1; say replicas= where it is declared")


def _ways(system):
    """Return who sends to whom, replies too, as far as that is known before the run; nothing where it is not."""
    asks = [(CLIENT, system.find(entry.operation).service) for entry in system.entries.values()]
    tells = [(system.carrier(t).name, h.service) for h in system.handlers() for t in h.topics]
    for handler in system.handlers():
        said = talk(system, handler)
        unread = [c.verb for c in contacts(handler.function) if c.target is None]
        if "send" in unread or ("call" in unread and handler.calls is None):
            return set()
        asks += [(handler.service, to.service) for to in said.calls]
        told = (*said.publishes, *(to.name for to in said.sends))
        tells += [(handler.service, system.carrier(name).name) for name in told]
        tells += [(system.carrier(to.name).name, to.service) for to in said.sends]
    return {*asks, *tells, *((b, a) for a, b in asks)}


def _check_moment(system, fault):
    service = system.services[_host(system, fault)]
    heard = service.subscriptions.values()
    known = {*service.operations, *(s.name for s in heard), *(topic for s in heard for topic in s.topics)}
    if fault.operation not in known:
        words = unknown("operation", fault.operation, known)
        raise ModelError(f"{fault.service} does not do what {type(fault).__name__} waits for: {words}")


def spiked(fault, loads):
    """Return the load that a LoadSpike multiplies: the one it names, or the only one; it has to be open."""
    named = [load for load in loads if load.name == (fault.load or load.name)]
    if not named:
        raise ModelError(f"{fault}: {unknown('load', fault.load, [load.name for load in loads])}")
    if len(named) > 1:
        raise ModelError(f"{fault}: say which with load=; loads here: {', '.join(load.name for load in named)}")
    if not isinstance(named[0], Poisson | Evenly):
        kind = type(named[0]).__name__
        raise ModelError(f"{fault}: a {kind} load has no rate that could be multiplied; use Poisson or Evenly")
    return named[0]


def spikes(loads, faults):
    """Return the further loads that the spikes among the faults offer; each draws its own moments and attributes.

    Their draws go by their names, so a name tells the window, not how many spikes there are before it.
    """
    found: dict = {}
    for fault in sorted((f for f in faults if isinstance(f, LoadSpike)), key=lambda f: (f.at, repr(f))):
        load = spiked(fault, loads)
        start, until = max(fault.at, load.start), fault.until if load.until is None else min(fault.until, load.until)
        name = f"{load.name} spike at {pretty(fault.at)}"
        while name in found:
            name += ", again"
        if until > start:
            every = load.every / (fault.factor - 1)
            found[name] = type(load)(load.kind, every, until, None, start, name, load.attributes)
    return tuple(found.values())
