"""Invariants: plain functions that look at a run, or at a moment of one, and say what is broken, or nothing.

An invariant is called with what has `effects` and `states` by name: a finished run, or (where it is marked with
`always`) a moment after any effect. It returns None where it holds, and else a sentence. A sentence made with `Broken`
knows of which request it speaks, so that a picture can show it. Who writes one needs no more than that:

>>> from rehearsal import System, Times
>>> shop = System("shop")
>>> pay = shop.service("till").operation(name="pay")(lambda ctx, order: ctx.effect("paid", order.number))
>>> shop.accepts("order", pay)
>>> def paid_enough(run):
...     return next((Broken("is cheap", one.request) for one in run.effects if one.amount < 2), None)
>>> print(first_breach(shop, Times("order", at=[0, 5, 10]), paid_enough))
paid enough: request 0 is cheap, at 0 ms
"""

from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from rehearsal.effects import MEANING, expected, totals, units, wounds_of
from rehearsal.engine import run
from rehearsal.units import pretty


class Broken(str):
    """Be the sentence that says what is broken, and of which request it speaks."""

    request: int | None

    def __new__(cls, sentence, request=None):
        said = super().__new__(cls, sentence if request is None else f"request {request} {sentence}")
        said.request = request
        return said


def always(invariant):
    """Mark an invariant as one that has to hold after every effect, not only at the end."""
    invariant.always = True
    return invariant


def _called(name):
    """Give an invariant that was made for some effects a name of its own."""

    def give(invariant):
        invariant.__name__ = name
        return invariant

    return give


def all_or_nothing(run, expects=None):
    """Hold at the end where every request has all its effects, each once, or none; who is parked is not looked at."""
    for row, wound in enumerate(wounds_of(run, expects)):
        if wound.kind in ("orphaned", "missing", "duplicated", "over-undone", "stuck"):
            wanted, mine = expected(run, row, expects), totals(run.effects).get(row, {})
            there = ", ".join(
                f"{name} ×{n:g}" for name, n in sorted(mine.items()) if n and name in {*wanted, *wound.effects}
            )
            lacks = ", ".join(name for name in wanted if mine.get(name, 0) <= 0)
            if not there:
                return Broken(f"was told to be done, and nothing is: no {lacks}", row)
            return Broken(f"is half-done: {there}{f', but no {lacks}' if lacks else ''}", row)
    return None


def as_told(run, expects=None):
    """Hold at the end where nobody was told, or left to believe, what is not so."""
    for row, wound in enumerate(wounds_of(run, expects)):
        if wound.kind in ("orphaned", "missing", "unreported", "stuck", "lost"):
            return Broken(f"is {wound.kind}: {MEANING[wound.kind]}", row)
    return None


def nobody_waits(run):
    """Hold at the end where no request is stuck or still open."""
    for row, fate in enumerate(run.fates()):
        if fate in ("stuck", "open"):
            return Broken(f"waits for ever: it is {fate}" if fate == "stuck" else "is still open at the end", row)
    return None


def nobody_parked(run):
    """Hold at the end where no request waits for a person."""
    for row, fate in enumerate(run.fates()):
        if fate == "parked":
            why = next((f": {one.why}" for one in run.parked if one.request == row), ": a dead letter")
            return Broken(f"waits for a person{why}", row)
    return None


@always
def never_twice(moment):
    """Hold where no effect of a request is there more than once, at any moment."""
    once = units(moment.effects)
    for row, mine in totals(moment.effects).items():
        for name, total in mine.items():
            if total > once.get((row, name), total):
                return Broken(f"has {name} {total / once[row, name]:g} times", row)
    return None


@always
def nothing_negative(moment):
    """Hold where nothing was undone before it was done, or more often, at any moment."""
    for row, mine in totals(moment.effects).items():
        for name, total in mine.items():
            if total < 0:
                return Broken(f"has {name} undone that was not done", row)
    return None


def only_with(effect, needed):
    """Return the invariant that at any moment a request has an effect only where it has another: no parcel unpaid."""

    @always
    @_called(f"no {effect} without {needed}")
    def only(moment):
        for row, mine in totals(moment.effects).items():
            if mine.get(effect, 0) > 0 and mine.get(needed, 0) <= 0:
                return Broken(f"has {effect} without {needed}", row)
        return None

    return only


def returns(effect):
    """Return the invariant that at the end who is not done has nothing left of an effect: the stock returns."""

    @_called(f"{effect} returns")
    def back(run, expects=None):
        for row, wound in enumerate(wounds_of(run, expects)):
            if wound.kind in ("orphaned", "stuck") and effect in wound.effects:
                return Broken(f"is {wound.kind}, and its {effect} did not come back", row)
        return None

    return back


def conserved(*effects):
    """Return the invariant that at the end the amounts of these effects add up to nothing: money goes nowhere.

    What leaves one account is entered with a minus, what comes to another with a plus.
    """

    @_called(f"{' and '.join(effects)} conserved")
    def kept(run):
        for row, mine in totals(run.effects).items():
            total = sum(mine.get(name, 0) for name in effects)
            if abs(total) > 1e-9:
                return Broken(f"has {total:+g} left over of {' and '.join(effects)}", row)
        return None

    return kept


@dataclass(frozen=True)
class Breach:
    """Say which invariant does not hold, what it says, of which request, and since which moment [ms] and message."""

    invariant: str
    said: str
    request: int | None
    at: float
    span: int
    run: Any = field(default=None, repr=False, compare=False)

    def __str__(self):
        return f"{self.invariant}: {self.said}, at {pretty(self.at)}"


def check(run, invariants, expects=None):
    """Return the breaches at the end of a run, in the order of the invariants; nothing where all hold."""
    said = [(invariant, _ask(invariant, run, expects)) for invariant in _several(invariants)]
    return [_breach(invariant, words, None, run) for invariant, words in said if words is not None]


def first_breach(system, load, invariants, faults=(), seed=0, until=None, expects=None):
    """Run a system, look after every effect, and return the first `Breach`, with its `run`; None where all hold.

    Only what is marked with `always` is asked after every effect; the others are asked at the end.
    """
    _, breaches = watched(system, load, invariants, faults=faults, seed=seed, until=until, expects=expects)
    return breaches[0] if breaches else None


def watched(system, load, invariants, expects=None, **how):
    """Run a system and return the run and its breaches: those of a moment first, in order, then those at the end."""
    invariants = _several(invariants)
    waiting = [invariant for invariant in invariants if getattr(invariant, "always", False)]
    found: list = []

    def look(moment):
        for invariant in list(waiting):
            words = invariant(moment)
            if words is not None:
                waiting.remove(invariant)
                found.append((invariant, words, moment.now, moment.effects[-1]))

    done = run(system, load, watch=look if waiting else None, **how)
    breaches = [_breach(invariant, words, at, done, last) for invariant, words, at, last in found]
    said = {breach.invariant for breach in breaches}
    return done, breaches + [b for b in check(done, invariants, expects) if b.invariant not in said]


def _several(invariants):
    return (invariants,) if callable(invariants) else tuple(invariants)


def _ask(invariant, run, expects):
    """Ask an invariant about a run; one that takes `expects` is told what a request should have."""
    told = "expects" in signature(invariant).parameters
    return invariant(run, expects) if told else invariant(run)


def _breach(invariant, words, at, run, effect=None):
    """Return a breach; a sentence that names no request is about the one whose effect came last."""
    effect = effect or (run.effects[-1] if run.effects else None)
    request = getattr(words, "request", None)
    if request is None and effect is not None:
        request = effect.request
    name = getattr(invariant, "__name__", repr(invariant)).replace("_", " ")
    at = _last(run, request) if at is None else at
    return Breach(name, str(words), request, at, -1 if effect is None else effect.span, run)


def _last(run, request):
    """Return when the last thing became of a request that anybody could see: an effect, an answer, its end [ms]."""
    if request is None:
        return run.ended
    moments = [column[request] for column in (run.table.offered, run.table.answered, run.table.settled)]
    return max([one.at for one in run.effects if one.request == request] + [at for at in moments if at == at])
