"""Schedules: which faults of a catalogue strike together, how many there are, and how one is drawn."""

from itertools import combinations, pairwise
from math import comb

from rehearsal.faults import Crash


def fits(faults):
    """Return whether faults can strike together: what is down cannot crash.

    >>> fits([Crash("a", at=0, lasting=5), Crash("a", at=5, lasting=9)]), fits([Crash("a", at=0), Crash("a", at=5)])
    (True, False)
    """
    crashes = sorted((f for f in faults if isinstance(f, Crash)), key=lambda f: (f.service, f.at))
    return all(one.service != two.service or one.until <= two.at for one, two in pairwise(crashes))


def number(faults, size):
    """Return how many schedules of `size` different faults of a catalogue there are.

    >>> pair = [Crash("a", at=0, lasting=9), Crash("a", at=5, lasting=9)]
    >>> number(pair, 1), number(pair, 2), number([*pair, Crash("b", at=0)], 2)
    (2, 0, 2)
    """
    crashes: dict = {}
    for fault in faults:
        if isinstance(fault, Crash):
            crashes.setdefault(fault.service, []).append(fault)
    free = len(faults) - sum(map(len, crashes.values()))
    ways = [comb(free, k) for k in range(size + 1)]  # of k faults, so far
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
    """Let hypothesis draw schedules until one fails, and shrink that one to the fewest faults; return it, or None.

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


class _Broken(Exception):
    """Tell hypothesis that a schedule fails."""
