"""Schedules: which faults of a catalogue strike together, how many there are, how one is drawn, and how it shrinks.

A schedule is a tuple of faults in the order of the catalogue. Faults that differ only in how long they last (or by how
much they delay) strike one moment, and a schedule has one of them at most.
"""

from collections import Counter
from dataclasses import fields
from itertools import combinations, pairwise
from math import comb

from rehearsal.faults import Crash


def moment(fault):
    """Return what a fault strikes and when, without how long: equal for faults of one moment."""
    return type(fault), *(getattr(fault, f.name) for f in fields(fault) if f.name not in ("lasting", "by"))


def length(fault):
    """Return how long a fault lasts, or by how much it delays [ms]."""
    return fault.by.mean if hasattr(fault, "by") else fault.lasting


def fits(faults):
    """Return whether faults can strike together: each moment once, and what is down cannot crash.

    >>> fits([Crash("a", at=0, lasting=5), Crash("a", at=5, lasting=9)]), fits([Crash("a", at=0), Crash("a", at=5)])
    (True, False)
    >>> fits([Crash("a", at=0, replica=1), Crash("a", at=5, replica=2)])
    True
    """
    crashes = sorted((f for f in faults if isinstance(f, Crash)), key=lambda f: (f.whom, f.at))
    apart = all(one.whom != two.whom or one.until <= two.at for one, two in pairwise(crashes))
    return apart and len(set(map(moment, faults))) == len(faults)


def number(faults, size):
    """Return how many schedules of `size` different faults of a catalogue there are.

    >>> pair = [Crash("a", at=0, lasting=9), Crash("a", at=5, lasting=9)]
    >>> number(pair, 1), number(pair, 2), number([*pair, Crash("b", at=0)], 2)
    (2, 0, 2)
    """
    crashes: dict = {}
    for fault in faults:
        if isinstance(fault, Crash):
            crashes.setdefault(fault.whom, []).append(fault)
    lengths = Counter(moment(fault) for fault in faults if not isinstance(fault, Crash))  # of each moment
    ways = [1] + [0] * size  # of k faults, so far
    for many, moments in Counter(lengths.values()).items():
        own = [comb(moments, k) * many**k for k in range(size + 1)]
        ways = [sum(ways[i] * own[k - i] for i in range(k + 1)) for k in range(size + 1)]
    for mine in crashes.values():
        own = _apart(sorted(mine, key=lambda f: f.at), size)
        ways = [sum(ways[i] * own[k - i] for i in range(k + 1)) for k in range(size + 1)]
    return ways[size]


def _apart(crashes, size):
    """Return in how many ways 0, 1, … of the crashes of one node can be chosen so that none comes while it is down."""
    ways = [1] + [0] * size
    last = [1] * len(crashes)  # ways to choose k of which this one is the last
    for k in range(1, size + 1):
        ways[k] = sum(last)
        last = [
            sum(n for n, before in zip(last[:i], crashes, strict=False) if before.until <= crash.at)
            for i, crash in enumerate(crashes)
        ]
    return ways


def every(faults, size):
    """Yield every schedule of `size` faults, in the order of the catalogue."""
    return (chosen for chosen in combinations(faults, size) if fits(chosen))


def drawn(faults, sizes, examples, seed, fails):
    """Let hypothesis draw schedules until one fails, and shrink that one; return it, or None.

    `fails(schedule)` says whether one breaks something. The same seed draws the same schedules.
    """
    from hypothesis import HealthCheck, Phase, Verbosity, assume, given, settings, strategies
    from hypothesis import seed as seeded

    # Where hypothesis draws a whole number it tries constants that it finds in the modules around it too; a bit it
    # draws from the seed alone, so the search stays the same whatever else is imported.
    bits = strategies.tuples(*[strategies.booleans()] * len(faults).bit_length())
    places = bits.map(lambda drawn: sum(bit << i for i, bit in enumerate(reversed(drawn))) % len(faults))
    smallest: list = []

    @seeded(seed)
    @settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink), report_multiple_bugs=False, verbosity=Verbosity.quiet,
    )  # fmt: skip
    @given(strategies.lists(places, min_size=min(sizes), max_size=max(sizes), unique=True))
    def holds(chosen):
        schedule = tuple(faults[place] for place in sorted(chosen))
        assume(fits(schedule))
        if fails(schedule):
            smallest[:] = [schedule]  # the last that fails is the smallest
            raise _Broken

    try:
        holds()
    except _Broken:
        return smallest[0]
    return None


def shrunk(schedule, faults, fails):
    """Return the smallest schedule near one that fails: without what it does not need, and each fault at its shortest.

    It is smallest in this sense: leave any fault out, or take a shorter one of its moment, and it fails no more.
    """
    place = {fault: n for n, fault in enumerate(faults)}

    def smaller(schedule):
        yield from combinations(schedule, len(schedule) - 1) if schedule else ()
        for one in schedule:
            shorter = [f for f in faults if moment(f) == moment(one) and length(f) < length(one)]
            for other in sorted(shorter, key=length):
                yield tuple(sorted((other if f is one else f for f in schedule), key=place.__getitem__))

    found = schedule
    while found is not None:
        schedule, found = found, next((other for other in smaller(found) if fails(other)), None)
    return schedule


class _Broken(Exception):
    """Tell hypothesis that a schedule fails."""
