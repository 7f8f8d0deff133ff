"""What the pictures of faults say in words: what was wrong, from when to when, and how long after it something was."""

from math import inf, isnan

from rehearsal.units import pretty

FEW = 3  # troubles of one name that are named each; of more only the first is


def plural(run):
    """Return what a run's requests are called."""
    return f"{run.table.kinds[0]}s" if len(run.table.kinds) == 1 else "requests"


def capital(name):
    """Return a name with a capital letter at its start."""
    return name[:1].upper() + name[1:]


def what(troubles):
    """Say what was wrong, in a clause.

    >>> from rehearsal.verdicts import Trouble
    >>> what([Trouble(("payment",), 90_000, 140_000, "payment down", True)])
    'payment was down 50 s'
    >>> what([Trouble(("tax",), 90_000, float("inf"), "tax ×2 slower", False)])
    'tax ×2 slower from 90 s on'
    """
    if not troubles:
        return "No fault"
    if len(troubles) <= 2:
        return " and ".join(map(_clause, troubles))
    labels = list(dict.fromkeys(t.label for t in troubles))
    return f"{labels[0]} {len(troubles)} times" if len(labels) == 1 else f"{len(troubles)} faults"


def _clause(trouble):
    who = trouble.struck[0] if trouble.down else trouble.label.replace(" | ", " cut off from ")
    if trouble.until == inf:
        return f"{who} {'was down ' if trouble.down else ''}from {pretty(trouble.at)} on"
    return f"{who} {'was down' if trouble.down else 'for'} {pretty(trouble.until - trouble.at)}"


def window(trouble):
    """Say from when to when."""
    until = f" to {pretty(trouble.until)}" if trouble.until < inf else " on"
    return f"from {pretty(trouble.at)}{until}"


def plus(time):
    """Say how long after the fault something was; nothing where it never was.

    >>> plus(0.002), plus(1911.5), plus(185_000), plus(float("nan"))
    ('+0.0 s', '+1.9 s', '+185 s', '—')
    """
    if isnan(time):
        return "—"
    return f"+{time / 1000:.1f} s" if time < 99_950 else f"+{time / 1000:.0f} s"


def named(troubles):
    """Return the troubles whose names are written: where one name comes more often than `FEW`, its first."""
    labels = [t.label for t in troubles]
    return [t for i, t in enumerate(troubles) if labels.count(t.label) <= FEW or t.label not in labels[:i]]
