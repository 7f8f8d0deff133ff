"""Whether two runs can be compared exactly: they may differ in one thing only, or a difference has two causes."""

from contextlib import suppress
from types import CodeType, FunctionType

from rehearsal.engine import Run
from rehearsal.errors import ModelError
from rehearsal.faultcheck import spikes
from rehearsal.faults import LoadSpike
from rehearsal.service import Handler, Service
from rehearsal.system import System
from rehearsal.trace import Totals

FAULTS, DESIGN = "the faults", "the design"


def difference(calm, storm):
    """Return what two runs differ in, FAULTS or DESIGN; raise ModelError where they cannot be compared, and say why."""
    for run in (calm, storm):
        if not isinstance(run, Run):
            raise TypeError(f"compare needs two runs, as run(system, load) returns them, not {run!r}")
        if isinstance(run.trace, Totals):
            _refuse("one of them kept its totals only: run both with keep='trace'")
    if calm.seed != storm.seed:
        _refuse(f"their seeds differ ({calm.seed} and {storm.seed}), and so does every draw")
    one, other = _asked(calm), _asked(storm)
    if one != other:
        if sorted(one, key=repr) == sorted(other, key=repr):
            _refuse("their loads stand in another order, which decides who is first at one moment: give both the same")
        _refuse("their loads differ: a request of the one has no counterpart in the other")
    if calm.until != storm.until:
        _refuse(f"they were cut at different moments (until={calm.until} and until={storm.until})")
    for what, one, other in _contents(calm.system, storm.system):
        if one != other:
            odd = sorted(set(one) ^ set(other)) or sorted(name for name in one if one[name] != other[name])
            _refuse(f"their {what} differ ({', '.join(odd)}): these are two systems, not one with and without a change")
    faults = bool(changed(calm, storm))
    design = told(vars(calm.system)) != told(vars(storm.system))
    if faults and design:
        _refuse("both the faults and the design differ: a difference would have two causes. Change one at a time")
    if not faults and not design:
        _refuse("nothing was changed: same system, load, seed and faults make the same run")
    return FAULTS if faults else DESIGN


def changed(calm, storm):
    """Return the faults that only one of two runs has, the storm's first, in order of their beginning."""
    only = [*_without(storm.faults, calm.faults), *_without(calm.faults, storm.faults)]
    return tuple(sorted(only, key=lambda fault: fault.at))


def _without(faults, others):
    """Yield the faults that have no equal among others, each of which stands for one only."""
    left = list(others)
    for fault in faults:
        if fault in left:
            left.remove(fault)
        else:
            yield fault


def _refuse(why):
    raise ModelError(f"these two runs are not comparable: {why}")


def _asked(run):
    """Return the loads that were asked for: those of a spike come last, and belong to the fault."""
    most = sum(isinstance(fault, LoadSpike) for fault in run.faults)
    for count in range(len(run.loads) - most, len(run.loads)):
        with suppress(ModelError):  # of fewer loads than it had
            if told(spikes(run.loads[:count], run.faults)) == told(run.loads[count:]):
                return told(run.loads[:count])
    return told(run.loads)


def _contents(one, other):
    """Yield what has to be the same in two systems: its name, and {name: contents} of each."""
    yield "services", dict.fromkeys(one.services, ""), dict.fromkeys(other.services, "")
    yield (
        "operations",
        *({h.place: _work(h) for s in x.services.values() for h in s.operations.values()} for x in (one, other)),
    )
    yield (
        "topics",
        *(
            {f"{topic} at {s.name}": _work(h) for s in x.services.values() for topic, h in s.subscriptions.items()}
            for x in (one, other)
        ),
    )
    yield "brokers", dict.fromkeys(one.brokers, ""), dict.fromkeys(other.brokers, "")
    yield (
        "requests",
        *(
            {e.kind: (e.operation.place, e.objective, e.done, e.failed) for e in x.entries.values()}
            for x in (one, other)
        ),
    )


def _work(handler):
    return handler.work, repr(handler.takes), handler.publishes, handler.undoes


def told(thing, seen=()):
    """Return what a part of a blueprint says, in plain values that are equal where two parts say the same.

    A function says what its code, its defaults and what it closes over say. What it does not see: a global name that
    a function reads and that was bound anew between two runs.
    """
    if any(thing is other for other in seen):
        return "…"
    seen = (*seen, thing)
    if isinstance(thing, Handler) and any(isinstance(other, Handler | FunctionType) for other in seen[:-1]):
        return thing.place  # what it says itself stands at its own service
    if isinstance(thing, Service | System) and any(isinstance(other, FunctionType) for other in seen):
        return thing.name if isinstance(thing, Service) else "a system"  # and so does what they say
    if isinstance(thing, FunctionType):
        cells = [told(_held(cell), seen) for cell in thing.__closure__ or ()]
        return told(thing.__code__), cells, told(thing.__defaults__, seen), told(thing.__kwdefaults__, seen)
    if isinstance(thing, CodeType):
        return thing.co_code, thing.co_names, thing.co_freevars, tuple(told(each) for each in thing.co_consts)
    if isinstance(thing, dict):
        return [(told(key, seen), told(value, seen)) for key, value in thing.items()]
    if isinstance(thing, list | tuple):
        return [told(each, seen) for each in thing]
    if isinstance(thing, set | frozenset):
        return sorted(repr(told(each, seen)) for each in thing)
    if type(thing) in (int, float) and thing == thing:
        return thing  # 2 and 2.0 say the same
    if hasattr(thing, "__dict__") and not isinstance(thing, type):
        return type(thing).__name__, told({k: v for k, v in vars(thing).items() if not k.startswith("__")}, seen)
    return repr(thing)


def _held(cell):
    try:
        return cell.cell_contents
    except ValueError:
        return None
