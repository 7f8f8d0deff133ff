"""The census of effects: what was really done for every request, against what it was told; one kind of damage each.

A fate says how a request ended; an effect says what is left of it in the world. The two can differ, and then somebody
has a wound: charged and never shipped, shipped and told that it failed.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rehearsal.census import named

DAMAGE = (
    "whole", "undone", "orphaned", "missing", "duplicated", "over-undone", "unreported", "stuck", "lost", "parked",
    "open",
)  # fmt: skip
WOUNDS = DAMAGE[2:]
MEANING = {
    "whole": "it ended well, and every effect is there once",
    "undone": "it ended badly, as told, and nothing is left of it",
    "orphaned": "it ended badly, and some of its effects are left",
    "missing": "it ended well, and an effect is not there",
    "duplicated": "an effect is there more than once",
    "over-undone": "an effect was undone more often than done",
    "unreported": "every effect is there, and the client was told that it failed, or nothing",
    "stuck": "half-done: some effects are there, no end was reached, and nothing will happen any more",
    "lost": "nothing is left of it, no end was reached, and nobody knows",
    "parked": "it waits for a person, who knows of it",
    "open": "something of it is still under way at the end of the run",
}
WELL = ("on time", "late")


class Wound(NamedTuple):
    """Say what kind of damage a request has, in which effects, and since when [ms]."""

    kind: str
    effects: tuple
    since: float


def totals(effects):
    """Return {request: {name: the sum of its amounts}} of the effects of a run, or of a moment of one.

    >>> from rehearsal.engine.ledger import Effect
    >>> paid, back = Effect(0, 7, "till", "paid", 250, span=0), Effect(9, 7, "till", "paid", -250, span=1)
    >>> totals([paid]), totals([paid, paid]), totals([paid, back])
    ({7: {'paid': 250}}, {7: {'paid': 500}}, {7: {'paid': 0}})
    """
    found: dict = {}
    for one in effects:
        mine = found.setdefault(one.request, {})
        mine[one.name] = mine.get(one.name, 0) + one.amount
    return found


def units(effects):
    """Return {(request, name): how much once is}: the amount when it was first done.

    >>> from rehearsal.engine.ledger import Effect
    >>> units([Effect(0, 7, "till", "paid", 250, span=0), Effect(9, 7, "till", "paid", 250, span=1)])
    {(7, 'paid'): 250}
    """
    found: dict = {}
    for one in effects:
        if one.amount > 0:
            found.setdefault((one.request, one.name), one.amount)
    return found


def expected(run, request, expects=None):
    """Return {name: amount} of the effects that a request should have when it is done; None: the amount done first.

    They are those that `expects` names: names, {name: amount}, or a function of the payload that returns either.
    Without it they come from the process that the system was made from. Where there is none, they are all the effects
    that a request of the same kind has which ended well; where none did, all that were done for any of that kind.
    """
    kind = run.table.kinds[run.table.kind[request]]
    process = run.system.process
    if expects is None and process is not None and process.name == kind:
        expects = process.expects
    if expects is None:
        expects = _usual(run, run.table.kind[request])
    if callable(expects):
        expects = expects(run.payload(request))
    if isinstance(expects, str):
        expects = (expects,)
    return dict(expects) if isinstance(expects, Mapping) else dict.fromkeys(sorted(expects))


def _usual(run, kind):
    fates, kinds = run.fates(), run.table.kind
    done = [one for one in run.effects if one.amount > 0 and kinds[one.request] == kind]
    well = [one for one in done if fates[one.request] in WELL]
    return {one.name for one in well or done}


def wounds_of(run, expects=None):
    """Return the `Wound` of every request in the order they were offered; those that have none are whole or undone.

    Of the kinds that a request could be counted under the first one wins: open (all may yet change), duplicated,
    over-undone (wrong whatever is told), parked (a person will mend it), then what its end and its effects make it.
    """
    sums, once, told = totals(run.effects), units(run.effects), {}
    cached = expects is None and run.system.process is None
    found = []
    for row, fate in enumerate(run.fates()):
        kind = run.table.kind[row]
        if not cached or kind not in told:
            told[kind] = expected(run, row, expects)
        amounts = {name: once.get((row, name), 1) if n is None else n for name, n in told[kind].items()}
        mine = sums.get(row, {})
        usual = {name: amounts.get(name, once.get((row, name), 0)) for name in mine}
        what, which = _kind(fate, mine, amounts, usual)
        found.append(Wound(what, which, _since(run, row, what, which, usual)))
    return found


def _kind(fate, mine, amounts, usual):
    """Return the kind of damage of one request and the effects in which it shows.

    What nobody expects, such as the effect of an optional step, is not missed, and nobody minds if it is left.
    """
    left = tuple(sorted(name for name, total in mine.items() if total > 0 and name in amounts))
    more = tuple(sorted(name for name, total in mine.items() if total > usual[name]))
    less = tuple(sorted(name for name, total in mine.items() if total < 0))
    lacking = tuple(sorted(name for name, amount in amounts.items() if mine.get(name, 0) < amount))
    if fate == "open":
        return "open", left
    if more or less:
        return ("duplicated", more) if more else ("over-undone", less)
    if fate == "parked":
        return "parked", left
    if fate in WELL:
        return ("missing", lacking) if lacking else ("whole", ())
    if left and not lacking:
        return "unreported", left
    if fate == "stuck":
        return ("stuck", left) if left else ("lost", ())
    return ("orphaned", left) if left else ("undone", ())


def _since(run, row, kind, which, usual):
    """Return the moment since when a request is as it is [ms]: the last effect in question, or its end if later."""
    moments = [run.table.offered[row]]
    if kind in ("duplicated", "over-undone"):
        return _crossing(run, row, which[0], usual[which[0]] if kind == "duplicated" else 0)
    moments += [one.at for one in run.effects if one.request == row and (one.name in which or not which)]
    if kind == "parked":
        moments += [one.at for one in run.parked if one.request == row]
    ends = (run.table.settled[row], run.table.answered[row])
    return max(moments + [t for t in ends if t == t])


def _crossing(run, row, name, bound):
    """Return when a sum last left its bounds, for good."""
    total, since = 0, None
    for one in run.effects:
        if (one.request, one.name) == (row, name):
            total += one.amount
            wrong = total > bound if bound else total < 0
            since = (one.at if since is None else since) if wrong else None
    return since


def wounds(run, expects=None):
    """Return a frame with a row a request that has damage: `request`, its `kind`, `effects`, and `since` when [ms]."""
    import pandas as pd

    rows = [(row, *one) for row, one in enumerate(wounds_of(run, expects)) if one.kind in WOUNDS]
    return pd.DataFrame(rows, columns=["request", *Wound._fields]).set_index("request")


def tally(runs, expects=None):
    """Return {kind of damage: number of requests} of a run, or of several together, for all kinds in order.

    They add up to what was offered.
    """
    runs = (runs,) if hasattr(runs, "effects") else runs
    kinds = [one.kind for run in runs for one in wounds_of(run, expects)]
    return {kind: kinds.count(kind) for kind in DAMAGE}


def damage(*runs, expects=None, **names):
    """Return a frame with one row a kind of damage, and for each run its count and its share of the requests offered.

    It is for effects what `census` is for fates: exactly one kind a request, see `MEANING`. `expects` says which
    effects a request has that is done, see `expected`. Runs may be given names, `damage(safe=safe, bare=bare)`, and
    with a name there may be several runs, which are counted together.
    """
    import pandas as pd

    told = named(runs, names)
    if not told:
        raise TypeError("damage needs at least one run")
    columns = {}
    for label, run in told.items():
        counts = tally(run, expects)
        prefix = (label,) if len(told) > 1 else ()
        columns[(*prefix, "count")] = list(counts.values())
        offered = sum(counts.values())
        columns[(*prefix, "share")] = [n / offered if offered else float("nan") for n in counts.values()]
    if len(told) == 1:
        columns = {key[0]: values for key, values in columns.items()}
    return pd.DataFrame(columns, index=pd.Index(DAMAGE, name="damage"))
