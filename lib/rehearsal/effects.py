"""The census of effects: what was really done for every request, against what it was told; one kind of damage each.

A fate says how a request ended; an effect says what is left of it in the world. The two can differ, and then somebody
has a wound: charged and never shipped, shipped and told that it failed.
"""

from collections.abc import Mapping
from math import copysign, inf
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


def units(effects, sign=1):
    """Return {(request, name): how much once is}: the amount when it was first done; with -1, first taken away.

    >>> from rehearsal.engine.ledger import Effect
    >>> units([Effect(0, 7, "till", "paid", 250, span=0), Effect(9, 7, "till", "paid", 100, span=1)])
    {(7, 'paid'): 250}
    """
    found: dict = {}
    for one in effects:
        if one.amount * sign > 0:
            found.setdefault((one.request, one.name), one.amount)
    return found


def shares(row, mine, once, told):
    """Return {name: how many times it is there} of the effects of a request, and of those it is `told` to have.

    `mine` are its `totals`, `once` the `units` of all: what is told without an amount is there once with that.

    >>> shares(7, {"paid": 250, "debt": -100}, {}, {"paid": 500, "debt": -100, "sent": None})
    {'paid': 0.5, 'debt': 1.0, 'sent': 0.0}
    """
    found = {}
    for name in {**told, **mine}:
        total, amount = mine.get(name, 0), told.get(name)
        amount = once.get((row, name), 1) if amount is None else amount
        # Where nothing is expected, nothing is just right; the last digits of a sum depend on its order.
        found[name] = round(total / amount, 9) if amount else copysign(inf, total) if total else 1.0
    return found


def expected(run, request, expects=None):
    """Return {name: amount} of the effects that a request should have when it is done; None: the amount done first.

    They are those that `expects` names: names, {name: amount}, or a function of the payload that returns either (None:
    nobody knows). An amount may be negative: what leaves an account. Without it they are what the run was made to
    expect (`run.expects`, see `Usual`), or come from the process that the system was made from. Where there
    is none, they are all the effects that a request of the same kind has which ended well; where none did, all that
    were done for any of that kind, and nobody knows whether that is all.
    """
    return _teller(run, expects)(request)[0]


class Usual:
    """Say what requests should have by what they have in a calm run, as `expects`: called with the payload.

    Each should have what it has there if it ended well, else what others of its kind have that did; None where nobody
    did. It is a guess: it tells what is missing, and excuses nothing that is there twice.
    """

    def __init__(self, calm):
        self.kinds = {kind: _usual(calm, kind) for kind in calm.table.kinds}
        self.own: dict = {}
        sums, taken = totals(calm.effects), units(calm.effects, -1)
        for row, fate in enumerate(calm.fates()):
            if fate in WELL:
                mine = {name: n for name, n in sorted(sums.get(row, {}).items()) if n}
                self.own[calm.payload(row)] = {name: None if n > 0 else taken[row, name] for name, n in mine.items()}

    def __call__(self, payload):
        names, debts, known = self.kinds.get(payload.kind, ((), {}, False))
        return self.own.get(payload, dict.fromkeys(sorted(names)) | debts if known else None)

    def __repr__(self):
        return "Usual(what each request has in the calm run)"


def usual(calm):
    """Return what requests should have by their calm run, for `expects`; None where a process says it."""
    return Usual(calm) if calm.system.process is None else None


def _teller(run, expects=None):
    """Return a function that says for a row what its request should have, and whether that is known to be all."""
    expects = getattr(run, "expects", None) if expects is None else expects
    process, kinds, taken = run.system.process, {}, units(run.effects, -1)

    def tell(row):
        kind = run.table.kinds[run.table.kind[row]]
        said = process.expects if expects is None and process is not None and process.name == kind else expects
        said = said(run.payload(row)) if callable(said) else said
        if said is not None:
            said = (said,) if isinstance(said, str) else said
            return dict(said) if isinstance(said, Mapping) else dict.fromkeys(sorted(said)), True
        if kind not in kinds:
            kinds[kind] = _usual(run, kind)
        names, debts, known = kinds[kind]
        return dict.fromkeys(sorted(names)) | {name: taken.get((row, name), n) for name, n in debts.items()}, known

    return tell


def _usual(run, kind):
    """Return the names of what requests of a kind have that ended well, {name: amount} of what they gave away instead.

    And whether any did; where none did, it is what was done for any of them.
    """
    fates, kinds = run.fates(), run.table.kind
    mine = [one for one in run.effects if run.table.kinds[kinds[one.request]] == kind]
    well = [one for one in mine if fates[one.request] in WELL]
    names = {name for _, name in units(well or mine)}
    debts = {name: amount for (_, name), amount in reversed(units(well, -1).items()) if name not in names}
    return names, debts, bool(well)


def wounds_of(run, expects=None):
    """Return the `Wound` of every request in the order they were offered; those that have none are whole or undone.

    Of the kinds that a request could be counted under the first one wins: open (all may yet change), duplicated,
    over-undone (wrong whatever is told), parked (a person will mend it), then what its end and its effects make it.
    """
    sums, once, tell, found = totals(run.effects), units(run.effects), _teller(run, expects), []
    for row, fate in enumerate(run.fates()):
        told, known = tell(row)
        there = shares(row, sums.get(row, {}), once, told)
        what, which = _kind(fate, there, told, known)
        found.append(Wound(what, which, _since(run, row, what, which, once, told)))
    return found


def _kind(fate, there, told, known):
    """Return the kind of damage of one request and the effects in which it shows.

    What nobody expects, such as the effect of an optional step, is not missed, and nobody minds if it is left. Where
    nobody knows what all of it is, what is left of a bad end is a part of it.
    """
    left = tuple(sorted(name for name, times in there.items() if times > 0 and told.get(name, 0) != 0))
    more = tuple(sorted(name for name, times in there.items() if times > 1))
    less = tuple(sorted(name for name, times in there.items() if times < 0))
    lacking = tuple(sorted(name for name in told if there[name] < 1))
    if fate == "open":
        return "open", left
    if more or less:
        return ("duplicated", more) if more else ("over-undone", less)
    if fate == "parked":
        return "parked", left
    if fate in WELL:
        return ("missing", lacking) if lacking else ("whole", ())
    if left and known and not lacking:
        return "unreported", left
    if fate == "stuck":
        return ("stuck", left) if left else ("lost", ())
    return ("orphaned", left) if left else ("undone", ())


def _since(run, row, kind, which, once, told):
    """Return the moment since when a request is as it is [ms]: the last effect in question, or its end if later."""
    moments = [run.table.offered[row]]
    if kind in ("duplicated", "over-undone"):
        return _crossing(run, row, which[0], kind, once, told)
    moments += [one.at for one in run.effects if one.request == row and (one.name in which or not which)]
    if kind == "parked":
        moments += [one.at for one in run.parked if one.request == row]
    ends = (run.table.settled[row], run.table.answered[row])
    return max(moments + [t for t in ends if t == t])


def _crossing(run, row, name, kind, once, told):
    """Return when a sum last left its bounds, for good."""
    total, since = 0, None
    for one in run.effects:
        if (one.request, one.name) == (row, name):
            total += one.amount
            times = shares(row, {name: total}, once, told)[name]
            wrong = times > 1 if kind == "duplicated" else times < 0
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
