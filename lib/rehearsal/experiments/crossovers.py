"""Where one system overtakes the other along a parameter: bracketed on the paired difference, with an interval.

All points have the same seeds, and so common random numbers: the difference is a function of the parameter that hardly
jumps, and a root of it is found by halving. How far the root can be trusted is told by the verdicts around it: it is
between the last place at which the one is told to be ahead, and the first at which the other is. So a plateau on which
neither is ahead is in the interval, all of it.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite, isnan, nan
from numbers import Integral, Real
from typing import Any

from rehearsal.arguments import factor, whole
from rehearsal.experiments.duels import NOBODY, Arena, duel
from rehearsal.experiments.intervals import check_columns
from rehearsal.experiments.numbers import several, short
from rehearsal.experiments.points import seeds_of
from rehearsal.experiments.tables import table


@dataclass(frozen=True)
class Crossover:
    """Hold where the verdict turns: `at`, within [low, high], or nan and the reason.

    `before` and `after` are who is better below and above. Where neither is told to be ahead at some places in between,
    `low` and `high` are the nearest places at which one is, and `at` is the middle of all changes of sign. Where there
    are no such places, the difference is taken to be a straight line from verdict to verdict, and the ends are where
    the bounds of its interval cross 0. `points` is a frame, a row a place that was looked at: the paired difference,
    the second minus the first of `names`, with its interval and winner. `frame` has all runs.
    """

    parameter: str
    metric: str
    names: tuple
    at: float
    low: float
    high: float
    before: str
    after: str
    said: str
    points: Any = field(repr=False, compare=False)
    frame: Any = field(repr=False, compare=False)

    def __bool__(self):
        return not isnan(self.at)

    def __repr__(self):
        return f"Crossover({self.said})"


def crossover(
    recipe, parameter, metric, *, low, high, between, better=None, seeds=20, steps=5, tolerance=None, matters=0.0,
    how="t", level=0.95, **more,
):  # fmt: skip
    """Return where one system overtakes the other between `low` and `high`, or who is better throughout; a Crossover.

    `between` is (parameter, one, other). The paired difference is looked at in `steps` places; where it is told from 0
    (and is at least what `matters`) with both signs, the places at which it changes its sign, and at which verdicts
    begin and end, are known by halving to `tolerance`, in units of the parameter (by itself 1/64 of the range). Two
    whole numbers as ends make all places whole numbers. Two crossovers between neighbours of the `steps` are not seen.
    A place at which every run fails is reported, and left out. `more`: options of `sweep` and further parameters of the
    recipe.

    >>> def recipe(seed, style, hops): return 10 * hops if style == "calls" else 35 + seed % 2
    >>> crossover(recipe, "hops", "value", low=1.0, high=9.0, between=("style", "calls", "bus"), seeds=10)
    Crossover(value: calls is better below hops = 3.55 [3.51, 3.59], bus above)
    >>> crossover(recipe, "hops", "value", low=5, high=9, between=("style", "calls", "bus"), seeds=10)
    Crossover(value: no crossover between hops = 5 and 9: bus is better throughout, by 14.5 to 54.5)
    """
    for end in (low, high):
        if isinstance(end, bool) or not isinstance(end, Real) or not isfinite(end):
            raise TypeError(f"low and high are numbers, not {end!r}")
    if not low < high:
        raise ValueError(f"low must be less than high, not {low!r} and {high!r}")
    fine = (high - low) / 64 if tolerance is None else tolerance
    factor(fine, "tolerance", 0)
    steps, rivals = whole(steps, "steps", 2), duel(between, metric, better, matters, how, level)
    check_columns([parameter], ["winner"])
    if len(seeds := seeds_of(seeds)) < 2:
        raise ValueError("a difference is told by two seeds or more, not by one")
    search = Search(Arena(recipe, rivals, seeds, more), parameter)
    search.whole = isinstance(low, Integral) and isinstance(high, Integral)
    search.look(low + (high - low) * i / (steps - 1) for i in range(steps))
    while search.look(sum(gap) / 2 for gap in search.gaps(max(fine, search.whole))):
        pass
    return found(search, low, high)


class Search:
    """Hold what has been looked at: at each place the meeting of the two systems, where there was one."""

    whole = False

    def __init__(self, arena, parameter):
        self.arena, self.parameter = arena, parameter
        self.asked: set = set()
        self.met: dict = {}

    def look(self, places):
        """Let the two systems meet at some more places; return whether there are any, and nobody interrupts."""
        wanted = [round(x) if self.whole else float(x) for x in places]
        wanted = [x for x in dict.fromkeys(wanted) if x not in self.asked]
        if not wanted:
            return False
        self.asked.update(wanted)
        self.arena.add({self.parameter: wanted})
        meetings = {x: met.found for (x,), met in self.arena.meetings([self.parameter]).items() if met.found.n > 1}
        self.met = dict(sorted(meetings.items()))
        return not self.arena.runs.interrupted

    def winners(self):
        """Return {place: winner}."""
        return {x: self.arena.rivals.winner(found) for x, found in self.met.items()}

    def lost(self):
        """Return the places at which both were run, and nothing could be compared."""
        return [] if self.arena.runs.interrupted else sorted(self.asked - self.met.keys())

    def turns(self):
        """Return the pairs of neighbouring verdicts that differ."""
        verdicts = [(x, winner) for x, winner in self.winners().items() if winner != NOBODY]
        return [(a, b) for a, b in pairwise(verdicts) if a[1] != b[1]]

    def within(self):
        """Return {place: interval} from the last place of the first verdict that turns to the first place after it."""
        (start, _), (end, _) = self.turns()[0]
        return {x: found for x, found in self.met.items() if start <= x <= end}

    def gaps(self, fine):
        """Return the neighbours wider apart than `fine` where a verdict ends or begins, or the sign first changes."""
        if not self.turns():
            return []
        near = [*pairwise(self.within().items())]
        turn = next(pair for pair in near if pair[0][1].mean * pair[1][1].mean <= 0)
        return [(a, b) for (a, _), (b, _) in (near[0], turn, near[-1]) if b - a > fine]


def found(search, low, high):
    """Return the Crossover that a search has found, or why there is none."""
    rivals, runs, winners = search.arena.rivals, search.arena.runs, search.winners()
    frame, turns = runs.frame(), search.turns()
    at = start = end = nan
    if turns:
        before, after = turns[0][0][1], turns[0][1][1]
        at, start, end = spot(search.within(), search.lost())
        said = _crossed(search, (at, start, end), before, after)
    else:
        before = after = next((w for w in winners.values() if w != NOBODY), NOBODY)
        said = _throughout(search, winners, low, high)
    if search.lost() and search.met:
        said += f"; nothing could be compared at {several(map(short, search.lost()))}"
    said = f"{'interrupted, so far ' * runs.interrupted}{rivals.metric}: {said}"
    points = table(_columns(search, winners))
    return Crossover(
        search.parameter, rivals.metric, tuple(rivals.names), at, start, end, before, after, said, points, frame
    )  # fmt: skip


def _columns(search, winners):
    intervals = [*search.met.values()]
    fields = {name: [getattr(each, name) for each in intervals] for name in ("mean", "low", "high", "n")}
    return {search.parameter: [*search.met], **fields, "winner": [*winners.values()]}


def spot(within, lost=()):
    """Return where the difference changes its sign, and the ends of the interval.

    {place: interval} goes from one verdict to the other; `lost` are places of which nothing is known.

    >>> from rehearsal.experiments import Interval
    >>> spot({1.0: Interval(-1.0, -2.0, -0.5, 9), 2.0: Interval(3.0, 2.0, 3.5, 9)})
    (1.25, 1.125, 1.5)
    """
    means = {x: each.mean for x, each in within.items()}
    roots = [x for x, mean in means.items() if mean == 0]
    roots += [root(a, b) for a, b in pairwise(means.items()) if a[1] * b[1] < 0]
    at = (min(roots) + max(roots)) / 2
    start, *between, end = within
    if between or any(start < x < end for x in lost):
        return at, start, end
    one, other = within[start], within[end]
    bounds = root((start, one.low), (end, other.low)), root((start, one.high), (end, other.high))
    return at, min(bounds), max(bounds)


def root(one, other):
    """Return where the straight line between two (x, y) crosses 0.

    >>> root((1.0, -2.0), (5.0, 6.0))
    2.0
    """
    (a, ya), (b, yb) = one, other
    return a + (b - a) * ya / (ya - yb)


def _crossed(search, span, before, after):
    at, low, high = map(short, span)
    said = f"{before} is better below {search.parameter} = {at} [{low}, {high}], {after} above"
    within = search.within()
    ties = [x for x, each in within.items() if _tied(each)]
    if len(ties) > 1 and all(_tied(each) for x, each in within.items() if ties[0] < x < ties[-1]):
        said += f"; they tie exactly from {short(ties[0])} to {short(ties[-1])}"
    more = [f"between {short(a)} and {short(b)}" for (a, _), (b, _) in search.turns()[1:]]
    return said + (f"; it turns again {several(more)}" if more else "")


def _tied(found):
    return found.low == found.high == 0


def _throughout(search, winners, low, high):
    span = f"between {search.parameter} = {short(low)} and {short(high)}"
    if not winners:
        return f"nothing could be compared {span}"
    ties = [x for x, winner in winners.items() if winner == NOBODY]
    none = "they tie exactly" if ties and all(_tied(search.met[x]) for x in ties) else "there is no difference"
    best = {winner for winner in winners.values() if winner != NOBODY}
    if not best:
        return f"no difference is told {span}" + (", they tie exactly" if none.startswith("they") else "")
    sizes = [abs(each.mean) for x, each in search.met.items() if winners[x] != NOBODY]
    by = f"by {short(min(sizes))} to {short(max(sizes))}"
    if not ties:
        return f"no crossover {span}: {best.pop()} is better throughout, {by}"
    return f"no crossover is told {span}: {best.pop()} is better {by}, and at {several(map(short, ties))} {none}"
