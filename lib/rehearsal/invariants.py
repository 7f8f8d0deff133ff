"""Invariants: plain functions that look at a run, or at a moment of one, and say what is broken, or nothing.

An invariant is called with what has `effects` and `states` by name: a finished run, or (where it is marked with
`always`) a moment after an effect or a step of a handler. It returns None where it holds, and else a sentence. A
sentence made with `Broken` knows of which request it speaks, so that a picture can show it. One that takes `expects` is
told what a request should have. Who writes one needs no more than that:

>>> from rehearsal import System, Times
>>> shop = System("shop")
>>> pay = shop.service("till").operation(name="pay")(lambda ctx, order: ctx.effect("paid", order.number))
>>> shop.accepts("order", pay)
>>> def paid_enough(run):
...     return next((Broken("is cheap", one.request) for one in run.effects if one.amount < 2), None)
>>> print(first_breach(shop, Times("order", at=[0, 5, 10]), paid_enough))
paid enough: request 0 is cheap, at 0 ms
"""

from rehearsal.breaches import Breach, check, first_breach, watched
from rehearsal.effects import MEANING, WELL, Usual, expected, shares, totals, units, wounds_of

__all__ = [
    "Breach", "Broken", "all_or_nothing", "always", "as_told", "check", "conserved", "first_breach", "never_twice",
    "nobody_parked", "nobody_waits", "nothing_negative", "only_with", "returns", "watched",
]  # fmt: skip


class Broken(str):
    """Be the sentence that says what is broken, and of which request it speaks."""

    request: int | None

    def __new__(cls, sentence, request=None):
        said = super().__new__(cls, sentence if request is None else f"request {request} {sentence}")
        said.request = request
        return said


def always(invariant):
    """Mark an invariant as one that has to hold after every effect and every step of a handler, not only at the end."""
    invariant.always = True
    return invariant


def _called(name, *effects):
    """Give an invariant that was made for some effects a name of its own, and let it know them."""

    def give(invariant):
        invariant.__name__, invariant.effects = name, effects
        return invariant

    return give


def all_or_nothing(run, expects=None):
    """Hold at the end where every request has all its effects, each once, or none.

    Who is parked is not looked at: that an outage which outlasts all retries is left to a person, who knows of it, is
    an end a saga may have. Whether it may have it under these faults is for `nobody_parked` to say.
    """
    for row, wound in enumerate(wounds_of(run, expects)):
        if wound.kind in ("orphaned", "missing", "duplicated", "over-undone", "stuck"):
            wanted, mine = expected(run, row, expects), totals(run.effects).get(row, {})
            times = shares(row, mine, units(run.effects), wanted)
            there = ", ".join(
                f"{name} ×{n:g}" for name, n in sorted(mine.items()) if n and name in {*wanted, *wound.effects}
            )
            lacks = ", ".join(name for name in wanted if times[name] <= 0)
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
    """Hold at the end where no request waits for a person.

    Ask it under faults that the system should outlast by itself: for longer ones, parked is the counted end, and
    `all_or_nothing` and `nobody_waits` accept it.
    """
    for row, fate in enumerate(run.fates()):
        if fate == "parked":
            why = next((f": {one.why}" for one in run.parked if one.request == row), ": a dead letter")
            return Broken(f"waits for a person{why}", row)
    return None


@always
def never_twice(moment, expects=None):
    """Hold where no effect of a request is there more than once, at any moment.

    Once is the amount that was done first, or that `expects` names: in parts it is one effect all the same.
    """
    for row, name, times in _counted(moment, expects):
        if times > 1:
            return Broken(f"has {name} {times:g} times", row)
    return None


@always
def nothing_negative(moment, expects=None):
    """Hold where nothing was undone before it was done, or more often, at any moment."""
    for row, name, times in _counted(moment, expects):
        if times < 0:
            return Broken(f"has {name} undone that was not done", row)
    return None


def _counted(moment, expects):
    """Yield of each request each effect and how many times it is there; what is only guessed excuses nothing."""
    once = units(moment.effects)
    for row, mine in totals(moment.effects).items():
        told = {} if expects is None or isinstance(expects, Usual) else expected(moment, row, expects)
        for name, times in shares(row, mine, once, told).items():
            yield row, name, times


def only_with(effect, needed):
    """Return the invariant that at any moment a request has an effect only where it has another: no parcel unpaid."""

    @always
    @_called(f"no {effect} without {needed}", effect, needed)
    def only(moment):
        for row, mine in totals(moment.effects).items():
            if mine.get(effect, 0) > 0 and mine.get(needed, 0) <= 0:
                return Broken(f"has {effect} without {needed}", row)
        return None

    return only


def returns(effect):
    """Return the invariant that at the end who is not done has nothing left of an effect: the stock returns.

    Not looked at is who has all there is, and is only told otherwise, and who is parked or still open.
    """

    @_called(f"{effect} returns", effect)
    def back(run, expects=None):
        for row, (fate, wound) in enumerate(zip(run.fates(), wounds_of(run, expects), strict=True)):
            if fate in (*WELL, "parked", "open"):
                continue
            left = wound.kind in ("orphaned", "stuck") and effect in wound.effects
            if left or (wound.kind in ("duplicated", "over-undone") and _left(run, row, effect, expects)):
                return Broken(f"is {wound.kind}, and its {effect} did not come back", row)
        return None

    return back


def _left(run, row, effect, expects):
    """Return whether a request has an effect too often, or has it and not all the others."""
    told = expected(run, row, expects)
    there = shares(row, totals(run.effects)[row], units(run.effects), told)
    half = effect in told and min(there[name] for name in told) < 1
    return there.get(effect, 0) > (0 if half else 1)


def conserved(*effects):
    """Return the invariant that at the end the amounts of these effects add up to nothing: money goes nowhere.

    What leaves one account is entered with a minus, what comes to another with a plus.
    """

    @_called(f"{' and '.join(effects)} conserved", *effects)
    def kept(run):
        for row, mine in totals(run.effects).items():
            total = sum(mine.get(name, 0) for name in effects)
            if abs(total) > 1e-9:
                return Broken(f"has {total:+g} left over of {' and '.join(effects)}", row)
        return None

    return kept
