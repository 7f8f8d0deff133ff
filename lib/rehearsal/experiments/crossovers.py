"""Where one system overtakes the other along a parameter: bracketed on the paired difference, with an interval.

All points have the same seeds, and so common random numbers: the difference is a function of the parameter that hardly
jumps, and a root of it is found by halving. How far the root can be trusted is told by a bootstrap over the seeds: each
resample of them has a curve of differences of its own, and a root of its own.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, isnan, nan
from typing import Any

from rehearsal.experiments.duels import NOBODY, duel, meet, met
from rehearsal.experiments.numbers import several, short

RESAMPLES = 2000


@dataclass(frozen=True)
class Crossover:
    """Hold where the verdict turns: `at`, within [low, high] (inf: beyond what was looked at), or nan and the reason.

    `before` and `after` are who is better below and above. `points` is a frame, a row a place that was looked at: the
    paired difference, the second minus the first of `names`, with its interval and winner. `frame` has all runs.
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
    recipe, parameter, metric, *, low, high, between, better=None, seeds=20, steps=5, tolerance=None, level=0.95, **more
):  # fmt: skip
    """Return where one system overtakes the other between `low` and `high`, or who is better throughout; a Crossover.

    `between` is (parameter, one, other). The paired difference is looked at in `steps` places; where it is told from 0
    with both signs, the bracket is halved until it is narrower than `tolerance` (by itself 1/64 of the range). Two
    whole numbers as ends make all places whole numbers. Two crossovers between neighbours of the `steps` are not seen.
    `more`: options of `sweep` and further parameters of the recipe.

    >>> def recipe(seed, style, hops): return 10 * hops if style == "calls" else 35 + seed % 2
    >>> crossover(recipe, "hops", "value", low=1.0, high=9.0, between=("style", "calls", "bus"), seeds=10)
    Crossover(value: calls is better below hops = 3.55 [3.52, 3.58], bus above)
    >>> crossover(recipe, "hops", "value", low=5, high=9, between=("style", "calls", "bus"), seeds=10)
    Crossover(value: no crossover between hops = 5 and 9: bus is better throughout, by 14.5 to 54.5)
    """
    if not low < high or steps < 2:
        raise ValueError(f"low must be less than high, and steps 2 or more, not {low!r}, {high!r} and {steps!r}")
    search = Search(recipe, parameter, duel(between, metric, better, level=level), seeds, more)
    search.whole = isinstance(low, int) and isinstance(high, int)
    search.look(low + (high - low) * i / (steps - 1) for i in range(steps))
    fine = max((high - low) / 64 if tolerance is None else tolerance, search.whole)
    bracket = search.bracket()
    while bracket and bracket[1] - bracket[0] > fine and search.look([sum(bracket) / 2]):
        bracket = search.bracket()
    return found(search, low, high)


class Search:
    """Hold what has been looked at: at each place the meeting of the two systems."""

    whole = interrupted = False

    def __init__(self, recipe, parameter, rivals, seeds, more):
        self.recipe, self.parameter, self.rivals, self.seeds, self.more = recipe, parameter, rivals, seeds, more
        self.met: dict = {}
        self.frames: list = []

    def look(self, places):
        """Let the two systems meet at some more places; return whether that told something new."""
        known = len(self.met)
        wanted = [round(x) if self.whole else float(x) for x in places]
        wanted = [x for x in dict.fromkeys(wanted) if x not in self.met]
        frame = meet(self.recipe, self.rivals, [{self.parameter: wanted}], self.seeds, self.more)
        self.interrupted = frame.attrs["interrupted"]
        self.frames.append(frame)
        meetings = {x: met(frame, self.rivals, {self.parameter: x}) for x in wanted} if len(frame) else {}
        self.met |= {x: meeting for x, meeting in meetings.items() if meeting and meeting.found.n > 1}
        self.met = dict(sorted(self.met.items()))
        return len(self.met) > known and not self.interrupted

    def winners(self):
        """Return {place: winner}."""
        return {x: self.rivals.winner(meeting.found) for x, meeting in self.met.items()}

    def turns(self):
        """Return the pairs of neighbouring verdicts that differ."""
        verdicts = [(x, winner) for x, winner in self.winners().items() if winner != NOBODY]
        return [(a, b) for a, b in pairwise(verdicts) if a[1] != b[1]]

    def curve(self):
        """Return [(place, mean difference)]."""
        return [(x, meeting.found.mean) for x, meeting in self.met.items()]

    def bracket(self):
        """Return the two places between which the mean difference changes its sign; None where no verdict turns."""
        turns = self.turns()
        if not turns:
            return None
        (start, _), (end, _) = turns[0]
        curve = [(x, mean) for x, mean in self.curve() if start <= x <= end]
        return next((a[0], b[0]) for a, b in pairwise(curve) if a[1] * b[1] <= 0)


def found(search, low, high):
    """Return the Crossover that a search has found, or why there is none."""
    import pandas as pd

    rivals, turns, bracket = search.rivals, search.turns(), search.bracket()
    winners = search.winners()
    rows = [{search.parameter: x} | m.found._asdict() | {"winner": winners[x]} for x, m in search.met.items()]
    at = start = end = nan
    if bracket:
        before, after = turns[0][0][1], turns[0][1][1]
        at = root(dict(search.curve()), bracket)
        start, end = spread(search, turns, rivals.level)
        said = _crossed(search, at, (start, end), before, after)
    else:
        before = after = next((w for w in winners.values() if w != NOBODY), NOBODY)
        said = _throughout(search, winners, low, high)
    said = f"{'interrupted, so far ' * search.interrupted}{rivals.metric}: {said}"
    names, frame = tuple(rivals.names), pd.concat(search.frames, ignore_index=True)
    frame.attrs = search.frames[0].attrs | {"interrupted": search.interrupted}
    seen = pd.DataFrame(rows)
    return Crossover(search.parameter, rivals.metric, names, at, start, end, before, after, said, seen, frame)


def root(curve, bracket):
    """Return where the straight line between the two ends of a bracket crosses 0.

    >>> root({1.0: -1.0, 2.0: 3.0}, (1.0, 2.0))
    1.25
    """
    (a, b), (da, db) = bracket, (curve[x] for x in bracket)
    return a if da == db else a + (b - a) * da / (da - db)


def spread(search, turns, level, resamples=RESAMPLES):
    """Return the ends of the bootstrap interval of the first root: resampled over the seeds, always the same resamples.

    Only places from the first verdict on count: a tie before it is no change of sign. A resample whose differences do
    not change their sign has its root beyond the places that were looked at.
    """
    import numpy as np

    first = turns[0][0][0]
    last = turns[1][0][0] if len(turns) > 1 else inf
    places = [x for x in search.met if first <= x <= last]
    seeds = [s for s in search.met[places[0]].differences if all(s in search.met[x].differences for x in places)]
    table = np.array([[search.met[x].differences[s] for s in seeds] for x in places])
    drawn = np.random.default_rng(0).integers(len(seeds), size=(resamples, len(seeds)))
    curves = table[:, drawn].mean(axis=2) * (1 if search.met[first].found.mean > 0 else -1)
    roots = [_root(places, curve) for curve in curves.T]
    tails = (1 - level) / 2, (1 + level) / 2
    return tuple(float(np.quantile(roots, tail, method="inverted_cdf")) for tail in tails)


def _root(places, curve):
    """Return the middle of the first and the last root of a curve that begins above 0; infinite where there is none."""
    if curve[0] <= 0:
        return -inf
    signs = [(a, b) for a, b in pairwise(range(len(places))) if (curve[a] > 0) != (curve[b] > 0)]
    if not signs:
        return inf
    ends = [root({places[i]: curve[i] for i in pair}, [places[i] for i in pair]) for pair in (signs[0], signs[-1])]
    return sum(ends) / 2


def _crossed(search, at, span, before, after):
    name, turns = search.parameter, search.turns()
    marks = [f"below {short(turns[0][0][0])}" if span[0] == -inf else short(span[0])]
    marks.append(f"beyond {short(max(search.met))}" if span[1] == inf else short(span[1]))
    said = f"{before} is better below {name} = {short(at)} [{', '.join(marks)}], {after} above"
    more = [f"between {short(a)} and {short(b)}" for (a, _), (b, _) in turns[1:]]
    return said + (f"; it turns again {several(more)}" if more else "")


def _throughout(search, winners, low, high):
    span = f"between {search.parameter} = {short(low)} and {short(high)}"
    best = {winner for winner in winners.values() if winner != NOBODY}
    if not best:
        return f"no difference is told {span}"
    sizes = [abs(mean) for x, mean in search.curve() if winners[x] != NOBODY]
    by = f"by {short(min(sizes))} to {short(max(sizes))}"
    ties = [short(x) for x, winner in winners.items() if winner == NOBODY]
    if not ties:
        return f"no crossover {span}: {best.pop()} is better throughout, {by}"
    return f"no crossover is told {span}: {best.pop()} is better {by}, and at {several(ties)} there is no difference"
