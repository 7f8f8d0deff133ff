"""Count what became of every request: exactly one fate each, and the counts add up to what was offered."""

from rehearsal.engine import FATES


def named(runs, names):
    """Return {label: run} for runs given in order and by name; a label says no more than tells them apart.

    The system's name does, mostly; runs of one system are told apart by their faults, then by their seeds,
    and in the end by their place in the row.
    """
    runs = tuple(runs)
    labels = [run.system.name for run in runs]
    for more in (_faults, lambda run: f"seed {run.seed}"):
        labels = _told_apart(labels, [more(run) for run in runs])
    numbered = [
        f"{label} #{labels[: i + 1].count(label)}" if labels.count(label) > 1 else label
        for i, label in enumerate(labels)
    ]
    return dict(zip(numbered, runs, strict=True)) | names


def _faults(run):
    return " and ".join(fault.label for fault in run.faults) or "calm"


def _told_apart(labels, words):
    """Add each run's word to the labels that several runs share, where the words differ."""
    pairs = list(zip(labels, words, strict=True))
    heard = {label: {word for other, word in pairs if other == label} for label in labels}
    return [f"{label}, {word}" if len(heard[label]) > 1 else label for label, word in pairs]


def count(run, kind=None):
    """Return {fate: number} for all nine fates in order, of one `kind` of request or of all.

    Raise where they do not add up to what was offered: a request that vanished would flatter every other
    number.
    """
    table, fates = run.table, run.fates()
    mine = fates if kind is None else [f for f, k in zip(fates, table.kind, strict=True) if table.kinds[k] == kind]
    counts = {fate: mine.count(fate) for fate in FATES}
    offered = len(table) if kind is None else sum(table.kinds[k] == kind for k in table.kind)
    if sum(counts.values()) != offered:
        strange = sorted(set(mine) - set(FATES))
        raise AssertionError(f"{sum(counts.values())} fates for {offered} requests offered; unknown: {strange}")
    return counts


def kinds(*runs):
    """Return the kinds of request that were offered in these runs, in the order in which they were first."""
    return list(dict.fromkeys(run.table.kinds[k] for run in runs for k in run.table.kind))


def census(*runs, **names):
    """Return a frame with one row a fate, all nine in order, and for each run its count and its share of the offered.

    Runs may be given names, `census(calm=calm, storm=storm)`. With several kinds of request there are nine
    rows a kind, and shares are of that kind; the share of nothing offered is nan.
    """
    import pandas as pd

    told = named(runs, names)
    if not told:
        raise TypeError("census needs at least one run")
    several = kinds(*told.values())
    groups = several if len(several) > 1 else [None]
    columns = {}
    for label, run in told.items():
        tallies = [count(run, group) for group in groups]
        prefix = (label,) if len(told) > 1 else ()
        columns[(*prefix, "count")] = [tally[fate] for tally in tallies for fate in FATES]
        columns[(*prefix, "share")] = [_share(tally[fate], sum(tally.values())) for tally in tallies for fate in FATES]
    if len(told) == 1:
        columns = {key[0]: values for key, values in columns.items()}
    rows = pd.Index(FATES, name="fate")
    if len(several) > 1:
        rows = pd.MultiIndex.from_product([several, FATES], names=["kind", "fate"])
    return pd.DataFrame(columns, index=rows)


def _share(part, whole):
    return part / whole if whole else float("nan")
