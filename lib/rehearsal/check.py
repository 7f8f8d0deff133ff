"""Refuse a wrong blueprint before it runs, and say what is there instead."""

from difflib import get_close_matches
from typing import NamedTuple

from rehearsal.contacts import Contact, Missing, contacts
from rehearsal.errors import ModelError, unknown
from rehearsal.service import CLIENT, Operation


class Talk(NamedTuple):
    """Say what one handler may do before it runs: operations it calls and sends to, topics it publishes."""

    calls: tuple
    sends: tuple
    publishes: tuple


def talk(system, handler):
    """Return whom a handler talks to: `calls=` where it is said, else what its code says."""
    read = contacts(handler.function)
    sends = tuple(system.find(c.target) for c in read if c.verb == "send" and isinstance(c.target, Operation | str))
    sent = {s.place for s in sends}
    said = handler.calls
    if said is None:
        said = [c.target for c in read if c.verb == "call" and isinstance(c.target, Operation | str)]
    calls = tuple(c for c in map(system.find, said) if handler.calls is None or c.place not in sent)
    return Talk(tuple(dict.fromkeys(calls)), tuple(dict.fromkeys(sends)), handler.publishes)


def check(system, loads, until=None):
    """Raise ModelError on the first thing wrong with a run to be; return sentences on what may be meant."""
    if not system.services:
        raise ModelError(f"{system.name} has no services: declare one with {system.name}.service(…)")
    for handler in system.handlers():
        _check_handler(system, handler)
    for entry in system.entries.values():
        system.find(entry.operation)
    _check_links(system)
    _check_loads(system, loads, until)
    _check_guards(system)
    return _check_topics(system)


def _check_handler(system, handler):
    read = contacts(handler.function)
    for said in handler.calls or ():
        meant(system, handler, said)
    for contact in read:
        _check_contact(system, handler, contact)
    waits = [c.verb for c in read if c.verb in ("call", "sleep", "all", "first", "work")]
    if waits and not handler.waits:
        verb = f"ctx.{waits[0]}"
        raise ModelError(f"{handler.place} uses {verb} without `yield`, so it would not wait: write `yield {verb}(…)`")
    if handler.undoes:
        works = {h.name for h in system.handlers()} | {h.work for h in system.handlers()}
        if handler.undoes not in works:
            raise ModelError(f"{handler.place} undoes what nobody does: {unknown('operation', handler.undoes, works)}")


def _check_contact(system, handler, contact: Contact):
    verb, target = contact
    if isinstance(target, Missing):
        operations = [h.name for s in system.services.values() for h in s.operations.values()]
        words = unknown("operation", target.name, operations)
        raise ModelError(f"{handler.place} uses a name that nobody defined: {words}")
    if verb in ("call", "send"):
        if isinstance(target, Operation | str):
            found = meant(system, handler, target)
            if verb == "call" and (sentence := uncalled(system, handler, found)):
                raise ModelError(sentence)
        elif target is not None:
            raise ModelError(f"{handler.place}: ctx.{verb} takes an operation first, not {target!r}")
    if verb == "publish" and isinstance(target, str) and target not in handler.publishes:
        raise ModelError(undeclared(handler, target))


def meant(system, handler, operation):
    """Return the operation a handler means, or raise ModelError with its place and the operations there are."""
    try:
        return system.find(operation)
    except ModelError as error:
        raise ModelError(f"{handler.place}: {error}") from None


def uncalled(system, handler, operation):
    """Return the sentence for a handler that calls what its `calls=` does not say; None where all is well."""
    if handler.calls is None or {operation, operation.place} & {*handler.calls}:  # nearly always
        return None
    said = [system.find(one).place for one in handler.calls]
    words = unknown("operation", operation.place, said)
    return None if operation.place in said else f"{handler.place} calls what calls= does not say: {words}"


def undeclared(handler, topic):
    """Return the sentence for a handler that publishes what its declaration does not say."""
    return (
        f"{handler.place} publishes {topic!r}, which its declaration does not say "
        f"(publishes={handler.publishes or '()'}): add it, so that the contract can be read without running it"
    )


def _check_links(system):
    nodes = [CLIENT, *system.services, *system.brokers]
    for pair in system.links:
        for name in sorted(pair - {*nodes}):
            raise ModelError(f"the link {' – '.join(sorted(pair))} leads nowhere: {unknown('node', name, nodes)}")


def _check_guards(system):
    for pair in system.guards:
        for name in pair:
            if name == CLIENT:
                raise ModelError("the client asks once: put a service before it that waits and tries again")
            if name is not None and name not in system.services:
                raise ModelError(f"a guard stands where nobody calls: {unknown('service', name, system.services)}")


def _check_loads(system, loads, until):
    seen = set()
    for load in loads:
        if load.kind not in system.entries:
            words = unknown("kind", load.kind, system.entries)
            raise ModelError(f"nobody accepts this load: {words}; see System.accepts")
        if load.name in seen:
            raise ModelError(f"two loads are called {load.name!r}: give one of them a name=, which its draws belong to")
        seen.add(load.name)
        if load.endless and until is None:
            raise ModelError(f"the load {load.name!r} never stops: give it until= or count=, or the run until=")


def _misspelt(topic, there, lonely):
    """Return whether a topic looks like a slip: a letter off one that is there, or near one without its other half."""
    return get_close_matches(topic, sorted(there), cutoff=0.93) or get_close_matches(topic, sorted(lonely), cutoff=0.85)


def _check_topics(system):
    published = {t for h in system.handlers() for t in h.publishes}
    heard = system.heard()
    ends = {t for e in system.entries.values() for t in (e.done, e.failed) if t}
    odd = []
    for topic in sorted((heard | ends) - published):
        readers = list(dict.fromkeys(h.service for h in system.readers(topic))) or ["accepts"]
        if _misspelt(topic, published, published - heard - ends):
            raise ModelError(f"{readers[0]} waits for {topic!r}: {unknown('topic', topic, published)}")
        there = ", ".join(sorted(published)) or "none"
        odd.append(f"nobody publishes {topic!r}, which {', '.join(readers)} waits for; topics here: {there}")
    for topic in sorted(published - heard - ends):
        speakers = ", ".join(h.place for h in system.handlers() if topic in h.publishes)
        if _misspelt(topic, heard, heard - published):
            raise ModelError(f"{speakers} publishes {topic!r}, which nobody hears: {unknown('topic', topic, heard)}")
        there = ", ".join(sorted(heard)) or "none"
        odd.append(f"nobody hears {topic!r}, which {speakers} publishes; topics heard here: {there}")
    for name, broker in system.brokers.items():
        for topic in broker.carries or ():
            if topic not in published | heard and topic not in {h.name for h in system.handlers()}:
                raise ModelError(f"broker {name} carries what nobody publishes: {unknown('topic', topic, published)}")
    return odd
