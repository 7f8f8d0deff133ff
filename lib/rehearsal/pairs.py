"""Pair the requests and the messages of two runs: which message of the one is which of the other.

A request is found again by its load, user and number; a message by its parent's pair, its edge, which of the parent's
messages on that edge it is, and which attempt. Since draws have the same keys, two messages of a pair would be equal,
had nothing been changed.
"""

from typing import Any, NamedTuple

from rehearsal.judged import Judged


class Pairs(NamedTuple):
    """Hold two runs and their pairs: `a[i]` in calm is `b[i]` in storm, -1 where there is none. First all of calm's.

    `asked` pairs the requests likewise; `request` is the pair of requests that a pair of messages belongs to.
    """

    calm: Judged
    storm: Judged
    a: Any
    b: Any
    request: Any
    asked: tuple


def pair(calm, storm):
    """Return the Pairs of two runs."""
    import numpy as np

    sides = Judged(calm), Judged(storm)
    asked: dict = {}
    requests = [_requests(run.table, asked) for run in (calm, storm)]
    edges: dict = {}
    kinds = [[edges.setdefault(edge, len(edges)) for edge in run.trace.edges] for run in (calm, storm)]
    known: dict = {}
    found = [
        _messages(run.trace, r, k, len(edges), known) for run, r, k in zip((calm, storm), requests, kinds, strict=True)
    ]
    rows = [_rows(names, len(known)) for names in found]
    request = np.full(len(known), -1)
    for side, names, mine in zip((calm, storm), found, requests, strict=True):
        request[np.array(names, dtype=int)] = np.array(mine, dtype=int)[np.array(side.trace.request, dtype=int)]
    return Pairs(sides[0], sides[1], rows[0], rows[1], request, tuple(_rows(mine, len(asked)) for mine in requests))


def _requests(table, asked):
    return [asked.setdefault(key, len(asked)) for key in zip(table.load, table.user, table.number, strict=True)]


def _messages(trace, requests, kinds, width, known):
    """Return the name of each message, the same number in both runs.

    What is sent on behalf of a repetition counts as sent on behalf of its first attempt: after a redelivery the same
    event comes, only later.
    """
    names: list = []
    firsts: list = []  # the name of the first attempt of each message
    count: dict = {}  # (parent, edge) -> how many first attempts so far
    used: dict = {}
    columns = zip(trace.parent, trace.request, trace.edge, trace.attempt, strict=True)
    for parent, request, edge, attempt in columns:
        above = firsts[parent] if parent >= 0 else -1 - requests[request]
        key = above * width + kinds[edge]
        place = count.get(key, 0)
        if attempt == 1:
            count[key] = place + 1
            name = first = known.setdefault((key, place), len(known))
        else:  # a repetition belongs to the first attempt before it
            first = known.setdefault((key, place - 1), len(known))
            again = used[first, attempt] = used.get((first, attempt), 0) + 1
            name = known.setdefault((first, attempt, again), len(known))
        names.append(name)
        firsts.append(first)
    return names


def _rows(names, size):
    import numpy as np

    rows = np.full(size, -1)
    rows[np.array(names, dtype=int)] = np.arange(len(names))
    return rows
