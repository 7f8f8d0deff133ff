"""What a handler says it will do, read from its code: whom it calls, what it sends and publishes.

Nothing is run. The words looked for are `ctx.call(reserve, …)`, `ctx.send(…)` and `ctx.publish("topic", …)`, where
`ctx` is the name of the first parameter; functions that are handed a `ctx` of that name are read too. A first argument
that is computed (`STEPS[0]`, `f"order.{what}"`) stays unknown (None), and the run itself checks it.
"""

import builtins
from dis import get_instructions, stack_effect
from functools import cache
from inspect import signature
from types import CodeType, FunctionType
from typing import NamedTuple

VERBS = ("call", "send", "publish", "sleep", "all", "first", "work")
_SILENT = ("PUSH_NULL", "CACHE", "PRECALL", "KW_NAMES", "EXTENDED_ARG", "NOP")


class Missing(NamedTuple):
    """Stand for a name that a handler uses and nobody defined."""

    name: str


class Contact(NamedTuple):
    """Say one thing a handler does: the verb and its first argument, None where that is computed."""

    verb: str
    target: object


def contacts(function):
    """Return the contacts of a handler in the order of its code, with those of functions it hands `ctx` to."""
    found: list[Contact] = []
    _read(function, next(iter(signature(function).parameters)), found, set())
    return found


def _read(function, ctx, found, seen):
    if function in seen:
        return
    seen.add(function)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
    _scan(function.__code__, ctx, function.__globals__, cells, found, seen)


def _scan(code, ctx, names, cells, found, seen):
    steps = _instructions(code)
    for place, step in enumerate(steps):
        if isinstance(step.argval, CodeType):
            _scan(step.argval, ctx, names, cells, found, seen)
        known, value = _value(step, names, cells)
        if known and isinstance(value, FunctionType) and ctx in _parameters(value):
            _read(value, ctx, found, seen)
        if _says(steps, place, ctx):
            first = next(i for i in range(place + 1, len(steps)) if steps[i].opname not in _SILENT)
            known, value = _value(steps[first], names, cells)
            found.append(Contact(step.argval, value if known and _whole(steps[first:]) else None))


@cache
def _instructions(code):
    """Return the instructions of a code: they never change, and what the names in them stand for is looked up anew."""
    return [step for step in get_instructions(code) if step.opname != "CACHE"]


def _parameters(function):
    return signature(function).parameters


def _says(steps, place, ctx):
    """Return True where a step is the word in `ctx.word`."""
    step = steps[place]
    if step.opname not in ("LOAD_METHOD", "LOAD_ATTR") or step.argval not in VERBS or not place:
        return False
    holder = steps[place - 1]
    # Python 3.13 loads two locals at once where it can; the last is on top.
    named = holder.argval[-1] if isinstance(holder.argval, tuple) else holder.argval
    return holder.opname.startswith(("LOAD_FAST", "LOAD_DEREF")) and named == ctx


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


def _whole(steps):
    """Return True where what the first step loads is an argument as it is: nothing but the call itself takes it."""
    above = 1  # values on the stack from this one on
    for step in steps[1:]:
        above += stack_effect(step.opcode, step.arg, jump=False)
        if above < 0:
            return True
        if above < 2 and step.opname not in _SILENT:
            return False
    return False
