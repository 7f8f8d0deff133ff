"""The columns of a run as arrays, with what `verdicts` says of each message: made for comparing two runs at once.

Every column has one blank cell more than there are messages, so that -1, which stands for a message that a run does not
have, finds a blank.
"""

from math import nan
from typing import Any

from rehearsal.verdicts import CALLS, copies, messages, requests


class Judged:
    """Hold one run in columns, those of its trace and some more.

    `turned` [ms]: when a message turned bad; inf: it is good; nan: nobody can tell. `since` [ms] is when it was sent, a
    delivery when it was published; `arrived` when it began to wait, a publication for its broker even before that let
    it in. `asks`: somebody waits for its answer. `asked` says of requests what `turned` says of messages.
    """

    parent: Any
    edge: Any
    sent: Any
    received: Any
    started: Any
    ended: Any
    answered: Any
    outcome: Any
    answer: Any
    attempt: Any

    def __init__(self, run):
        import numpy as np

        self.run, self.edges = run, run.trace.edges
        for name, (code, blank) in run.trace.layout.items():
            setattr(
                self, name, np.append(np.array(getattr(run.trace, name), dtype=code), np.array([blank], dtype=code))
            )
        brokers = run.system.brokers
        self.delivered = self.marked(lambda edge: edge.source in brokers) & (self.parent >= 0)
        self.published = self.marked(lambda edge: edge.target in brokers)
        self.asks = self.marked(lambda edge: edge.kind in CALLS)
        self.asks[[*copies(run)]] = False
        self.undo = self.marked(lambda edge: edge.undo)
        self.since = np.where(self.delivered, self.sent[self.parent], self.sent)
        self.arrived = np.where(self.published, self.sent, self.received)
        self.turned = np.full(len(self.sent), nan)
        self._heads: dict = {}  # node -> the first row of each message to it, its repetitions left out
        for name, rows, verdict in messages(run):
            self.turned[rows] = verdict.turned
            self._heads.setdefault(name, []).append(rows[0])
        found = dict(requests(run))
        self.asked = np.array([found[r].turned if r in found else nan for r in range(len(run.table))] + [nan])

    def marked(self, mark):
        """Return for each message whether `mark` is true of its edge; the blank is not marked."""
        import numpy as np

        values = np.array([mark(edge) for edge in self.edges] + [False], dtype=bool)
        return np.append(values[self.edge[:-1]], False)

    def names(self, end, broker="edge"):
        """Return source, target or name of each message; with `broker="edge"` a delivery comes from its publisher."""
        import numpy as np

        values = np.array([getattr(edge, end) for edge in self.edges] + [""], dtype=object)
        found = np.append(values[self.edge[:-1]], np.array([""], dtype=object))
        return np.where(self.delivered, found[self.parent], found) if (end, broker) == ("source", "edge") else found

    def heads(self, name):
        """Return the row of each message to a node that can be judged, once for all its repetitions."""
        return self._heads.get(name, [])
