"""What arguments have to be: the checks that many declarations share, each with an error that teaches."""

from math import inf
from numbers import Integral, Real


def name_of(thing):
    """Return the name of a service, an operation or the like; a name is its own."""
    found = thing if isinstance(thing, str) else getattr(thing, "name", None)
    if not isinstance(found, str):
        raise TypeError(f"a name such as 'payment' is wanted, or what has one, not {thing!r}")
    return found


def parts(value):
    """Return the parts of what has several, those of a set in an order of their own; a text or a thing is one."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return (value,)
    return tuple(sorted(value, key=repr) if isinstance(value, set | frozenset) else value)


def plain(thing):
    """Turn the numbers of a frozen dataclass that another library made, such as numpy's, into Python's own."""
    for name, value in list(vars(thing).items()):
        if isinstance(value, Real) and type(value).__module__ != "builtins":
            object.__setattr__(thing, name, int(value) if isinstance(value, Integral) else float(value))


def whole(value, what, least):
    """Return a whole number of `least` or more, or say what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{what} must be a whole number, {least} or more, not {value!r}")
    return int(value)


def share(value, what):
    """Return a share from 0 to 1, or say what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise ValueError(f"{what} is a share from 0 to 1, not {value!r}")
    return value


def factor(value, what, over):
    """Say what is wrong with a number that is not finite and greater than `over`."""
    if isinstance(value, bool) or not isinstance(value, Real) or not over < float(value) < inf:
        raise ValueError(f"{what} must be {'finite' if value == inf else f'greater than {over}'}, not {value!r}")


def choice(value, what, allowed):
    """Return one of the words that are `allowed`, or say which there are.

    >>> choice("lots", "work of Crash", ("lost", "resume"))
    Traceback (most recent call last):
    ValueError: work of Crash is 'lost' or 'resume', not 'lots'
    """
    if value not in allowed:
        raise ValueError(f"{what} is {' or '.join(map(repr, allowed))}, not {value!r}")
    return value
