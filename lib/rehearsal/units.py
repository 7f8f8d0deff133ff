"""Time: one base unit, the millisecond, always written with its name (`20 * ms`, `90 * sec`)."""

from math import inf, isnan
from numbers import Real

ms = 1.0
sec = 1000.0
minute = 60_000.0


def duration(value, what, *, positive=False, ever=False):
    """Return `value` [ms] as a float, or say what is wrong with it.

    `what` names the thing in the error; a duration is never negative, with `positive` never zero, and only with `ever`
    may it be inf: an event at inf would take a run's clock there.

    >>> duration(20 * ms, "takes")
    20.0
    """
    if isinstance(value, bool) or not isinstance(value, Real) or isnan(value):
        raise TypeError(f"{what} must be a time such as 20 * ms, not {value!r}")
    if value < 0 or (positive and value == 0):
        least = "greater than 0" if positive else "0 or more"
        raise ValueError(f"{what} must be {least} [ms], not {value!r}")
    if value == inf and not ever:
        raise ValueError(f"{what} must be finite [ms], not {value!r}")
    return float(value)


def pretty(time):
    """Say a time [ms] as people do.

    >>> pretty(0.25), pretty(20), pretty(2300), pretty(90_000), pretty(float("inf"))
    ('0.25 ms', '20 ms', '2.3 s', '90 s', 'ever')
    """
    if time == inf:
        return "ever"
    number, unit = (time, "ms") if abs(time) < 1000 else (time / 1000, "s")
    return f"{number:.3g} {unit}" if abs(number) < 1000 else f"{number:,.0f} {unit}"
