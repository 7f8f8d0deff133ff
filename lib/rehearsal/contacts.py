"""What a handler says it will do, read from its code: whom it calls, what it sends and publishes.

Nothing is run. The words looked for are `ctx.call(reserve, …)`, `ctx.send(…)` and `ctx.publish("topic", …)`; a target
that is computed stays unknown (None), and the run itself checks it.
"""

import builtins
from dis import get_instructions
from types import CodeType, FunctionType
from typing import NamedTuple

VERBS = ("call", "send", "publish", "sleep", "all")


class Missing(NamedTuple):
    """Stand for a name that a handler uses and nobody defined."""

    name: str


class Contact(NamedTuple):
    """Say one thing a handler does: the verb and its first argument, None where that is computed."""

    verb: str
    target: object


def contacts(function):
    """Return the contacts of a handler in the order of its code, those of functions it uses included."""
    found: list[Contact] = []
    _read(function, found, set())
    return found


def _read(function, found, seen):
    if function in seen:
        return
    seen.add(function)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
    _scan(function.__code__, function.__globals__, cells, found, seen)


def _scan(code, names, cells, found, seen):
    verb = None
    for step in get_instructions(code):
        if step.opname in ("PUSH_NULL", "CACHE", "PRECALL"):
            continue
        known, value = _value(step, names, cells)
        if verb:
            found.append(Contact(verb, value if known else None))
        elif known and isinstance(value, FunctionType):
            _read(value, found, seen)
        verb = step.argval if step.opname in ("LOAD_METHOD", "LOAD_ATTR") and step.argval in VERBS else None
        if isinstance(step.argval, CodeType):
            _scan(step.argval, names, cells, found, seen)


def _value(step, names, cells):
    """Return whether a step loads something known before the run, and what."""
    if step.opname in ("LOAD_CONST", "LOAD_SMALL_INT") and not isinstance(step.argval, CodeType):
        return True, step.argval
    if step.opname == "LOAD_GLOBAL":
        name = step.argval
        return True, names.get(name, getattr(builtins, name, Missing(name)))
    if step.opname in ("LOAD_DEREF", "LOAD_CLOSURE") and step.argval in cells:
        try:
            return True, cells[step.argval].cell_contents
        except ValueError:
            return True, Missing(step.argval)
    return False, None
