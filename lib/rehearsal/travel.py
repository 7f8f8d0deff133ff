"""How a difference travelled: the messages that carried it, with the direction each of them took.

*Failure* goes from callee to caller: a bad answer, a late one, one slower than in calm, or none at all; and what a
caller's breaker or bulkhead keeps back, since what it knows of the callee stops it. *Load* goes from caller to
callee: a retry, a compensation, any message that calm does not have, or one that moved in time. *Silence* goes the same
way: work that no longer comes, or gets lost, on its way or in a crash. A *backlog* stays at its queue: a message that
waited longer than in calm.
"""

from math import nan
from typing import NamedTuple

from rehearsal.measures import Steps, value_at
from rehearsal.trace import FAILED, LOST, NONE, OK, OPEN, REFUSED, REJECTED, TIMEOUT, UNSENT

MOMENT = 1e-6  # [ms]: far less than any draw, and more than what adding up in another order leaves
TOLD = {
    OK: "late", REFUSED: "says no", FAILED: "fails", REJECTED: "rejects", LOST: "lost", TIMEOUT: "times out",
    OPEN: "no answer", NONE: "no answer",
}  # fmt: skip
# What nobody was told: it is listed last.
MILD = ("slower", "moved", "waited", "no work", "lost on the way", "lost in the crash")


class Way(NamedTuple):
    """Hold all that went the same way: who to whom, in which direction, what was told how often, when first [ms]."""

    source: str
    target: str
    name: str
    direction: str
    how: dict  # word -> how often
    first: float
    longest: float  # the longest wait of a backlog, the longest further delay of an answer [ms], or nan

    @property
    def count(self):
        """Return how many messages went this way."""
        return sum(self.how.values())

    @property
    def mild(self):
        """Return whether nothing went wrong or was added here: it was slower, waited, moved or did not come."""
        return all(word in MILD for word in self.how)


def hops(pairs, broker="edge"):
    """Return a frame of all messages that carried a difference, in order: who to whom, how, when [ms].

    With `broker="edge"` an event goes from its publisher to each reader, with `"node"` through the broker.
    """
    import numpy as np
    import pandas as pd

    parts = [part(pairs) for part in (_failure, _unsent, _load, _silence, _backlog)]
    where, direction, how, when, longest = (np.concatenate(column) for column in zip(*parts, strict=True))
    there = pairs.b[where] >= 0
    frame = pd.DataFrame({"pair": where, "direction": direction, "how": how, "when": when, "longest": longest})
    for end in ("source", "target"):
        names = [side.names(end, broker) for side in (pairs.calm, pairs.storm)]
        frame[end] = np.where(there, names[1][pairs.b[where]], names[0][pairs.a[where]])
    frame["name"] = np.where(there, pairs.storm.names("name")[pairs.b[where]], pairs.calm.names("name")[pairs.a[where]])
    back = frame["direction"] == "failure"
    frame.loc[back, ["source", "target"]] = frame.loc[back, ["target", "source"]].to_numpy()
    if broker == "edge":
        legs = pairs.storm.published[pairs.b[where]] | pairs.calm.published[pairs.a[where]]
        frame = frame[~legs]
    # At one moment, what a caller did comes before what its callee did, and a callee's answer before its caller's.
    frame["turn"] = np.where(frame["direction"] == "failure", -frame["pair"], frame["pair"])
    return frame.sort_values(["when", "turn"], kind="stable", ignore_index=True)


def known(broker):
    """Return `broker`, or say which two there are."""
    if broker not in ("node", "edge"):
        raise ValueError(f'broker is "node" or "edge", not {broker!r}')
    return broker


def ways(frame):
    """Return the Ways that a frame of hops adds up to, by first occurrence; the mild ones come last."""
    frame = frame.assign(mild=frame["how"].isin(MILD))
    keys = ["mild", "source", "target", "name", "direction"]
    groups = frame.groupby(keys, sort=False)
    counts = frame.groupby([*keys, "how"], sort=False).size()
    words: dict = {}
    for (*key, word), count in counts.items():
        words.setdefault(tuple(key), {})[word] = int(count)
    first, longest = groups["when"].min(), groups["longest"].max()
    found = []
    for key, how in words.items():
        _, source, target, name, direction = key
        often = dict(sorted(how.items(), key=lambda item: -item[1]))
        found.append(Way(source, target, name, direction, often, float(first[key]), float(longest[key])))
    return sorted(found, key=lambda way: (way.mild, way.first))


def worse(pairs):
    """Return for each pair of messages when it turned bad because of the change [ms]; nan where it did not."""
    import numpy as np

    calm, storm = pairs.calm.turned[pairs.a], pairs.storm.turned[pairs.b]
    found = np.where(np.isfinite(storm) & ~np.isfinite(calm), storm, nan)
    # A business no is well, but not where the answer would have been yes.
    no = (pairs.storm.answer[pairs.b] == REFUSED) & (pairs.calm.answer[pairs.a] == OK) & (pairs.a >= 0)
    return np.where(np.isnan(found) & no, pairs.storm.answered[pairs.b], found)


def there(side, rows):
    """Return for each row whether the message was there and left its sender."""
    return (rows >= 0) & (side.outcome[rows] != UNSENT)


def _part(mask, direction, how, when, longest=None):
    """Return the columns of the hops where `mask` holds."""
    import numpy as np

    where = np.flatnonzero(mask)
    extra = np.full(len(where), nan) if longest is None else longest[where]
    return where, np.full(len(where), direction, dtype=object), how[where], when[where], extra


def _failure(pairs):
    import numpy as np

    calm, storm, a, b = pairs.calm, pairs.storm, pairs.a, pairs.b
    never = np.isnan(storm.answered[b])
    dropped = (storm.answer[b] == NONE) & ~never  # another attempt was quicker
    asked = there(storm, b) & storm.asks[b] & ~dropped
    bad = ~np.isnan(worse(pairs))
    longer = (storm.answered - storm.sent)[b] - (calm.answered - calm.sent)[a]
    # A caller that went down itself hears nothing, whatever it is told.
    silent = never & ~np.isnan(calm.answered[a]) & ((storm.answer[b] == NONE) | (storm.outcome[b] == OPEN))
    how = np.array([TOLD.get(n, "") for n in range(256)], dtype=object)[storm.answer[b]]
    told = bad | (silent & (storm.run.drained | (storm.answer[b] == NONE)))
    how = np.where(told, how, "slower")
    turned = storm.turned[b]
    when = np.where(never, np.where(np.isfinite(turned), turned, storm.run.ended), storm.answered[b])
    longest = np.where(longer > MOMENT, longer, nan)
    return _part(asked & (bad | silent | (longer > MOMENT)), "failure", how, when, longest)


def _unsent(pairs):
    """Return the hops of calls that their caller's own policies kept back."""
    import numpy as np

    calm, storm, a, b = pairs.calm, pairs.storm, pairs.a, pairs.b
    mask = (b >= 0) & (storm.outcome[b] == UNSENT) & ~((a >= 0) & (calm.outcome[a] == UNSENT))
    how, opened = np.full(len(b), "", dtype=object), _circuits(storm.run)
    for place in np.flatnonzero(mask):
        edge = storm.edges[storm.edge[b[place]]]
        count = value_at(opened.get((edge.source, edge.target), Steps([], [])), storm.sent[b[place]])
        how[place] = "unsent: circuit open" if count else "unsent: bulkhead full"
    return _part(mask, "failure", how, storm.sent[b])


def _circuits(run):
    """Return for each caller and callee how many breakers between them were not closed, over time."""
    found: dict = {}
    for one in run.transitions:
        times, counts = found.setdefault((one.caller, one.callee), Steps([], []))
        times.append(one.time)
        counts.append((counts[-1] if counts else 0) + (one.was == "closed") - (one.now == "closed"))
    return found


def _load(pairs):
    import numpy as np

    calm, storm, a, b = pairs.calm, pairs.storm, pairs.a, pairs.b
    here, before = there(storm, b), there(calm, a)
    again = np.where(storm.delivered[b], "delivered again", "retry")
    how = np.where(storm.attempt[b] > 1, again, np.where(storm.parent[b] < 0, "further request", "more"))
    how = np.where(storm.undo[b], "compensation", how).astype(object)
    left = np.abs(storm.sent[b] - calm.sent[a]) > MOMENT
    came = _moved(storm.received[b], calm.received[a]) & ~_astray(pairs)
    moved = here & before & (left | came)
    how = np.where(moved, "moved", how)
    first = [np.fmin(getattr(storm, name)[b], getattr(calm, name)[a]) for name in ("sent", "received")]
    when = np.where(moved, np.where(left, *first), storm.sent[b])  # what left as in calm moved when it came, or did not
    return _part((here & ~before) | moved, "load", how, when)


def _moved(one, other):
    """Return where two moments differ, or only one of them has come."""
    import numpy as np

    return (np.abs(one - other) > MOMENT) | (np.isnan(one) != np.isnan(other))


def _astray(pairs):
    """Return where a message got lost on its way, and in calm it came."""
    import numpy as np

    calm, storm, a, b = pairs.calm, pairs.storm, pairs.a, pairs.b
    return (storm.outcome[b] == LOST) & np.isnan(storm.received[b]) & ~np.isnan(calm.received[a])


def _silence(pairs):
    import numpy as np

    calm, storm, a, b = pairs.calm, pairs.storm, pairs.a, pairs.b
    lost = _astray(pairs) & ~storm.asks[b]  # who waits for an answer learns of it
    died = (storm.outcome[b] == LOST) & ~np.isnan(storm.received[b]) & (calm.outcome[a] == OK) & (a >= 0)
    died &= ~storm.asks[b] & _last(storm)[b]
    over = np.where(np.isnan(storm.ended[b]), storm.turned[b], storm.ended[b])
    how = np.where(died, "lost in the crash", np.where(lost, "lost on the way", "no work")).astype(object)
    found = lost | died | (there(calm, a) & ~there(storm, b))
    return _part(found, "silence", how, np.where(died, over, calm.sent[a]))


def _last(side):
    """Return whether a message is the last of its repetitions: none was delivered again."""
    import pandas as pd

    tries = pd.DataFrame({"parent": side.parent, "edge": side.edge, "attempt": side.attempt})
    return side.attempt == tries.groupby(["parent", "edge"])["attempt"].transform("max").to_numpy()


def _backlog(pairs):
    import numpy as np

    storm, b = pairs.storm, pairs.b
    usual = np.nan_to_num(waits(pairs.calm)[pairs.a])
    waited = waits(storm)[b]
    how = np.full(len(b), "waited", dtype=object)
    return _part(there(storm, b) & (waited - usual > MOMENT), "backlog", how, storm.arrived[b] + usual, waited)


def waits(side):
    """Return how long each message waited for a worker [ms], nan where it never got to a queue.

    What a publisher could not hand over waited for the broker, the way there included.
    """
    import numpy as np

    over = np.where(np.isnan(side.ended), side.answered, side.ended)
    gone = np.where(side.outcome == OPEN, side.run.ended, over)
    until = np.where(np.isnan(side.started), gone, side.started)
    return np.where(side.outcome == REJECTED, 0.0, until - side.arrived)


def differs(pairs):
    """Return for each pair of messages whether anything of it differs."""
    import numpy as np

    calm, storm, a, b = pairs.calm, pairs.storm, pairs.a, pairs.b
    found = (a < 0) | (b < 0)
    for name in ("sent", "received", "started", "ended", "answered"):
        found |= _moved(getattr(storm, name)[b], getattr(calm, name)[a])
    for name in ("outcome", "answer"):
        found |= getattr(storm, name)[b] != getattr(calm, name)[a]
    return np.asarray(found & ((a >= 0) | (b >= 0)))
