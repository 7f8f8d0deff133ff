"""The record of what happened: one row a message, one row a request, kept in columns.

A row is opened when a message is sent and filled in as it travels, so its number is its name, a parent's number is
always smaller than its children's, and a run cut at any moment has nothing to tidy up. Columns of numbers cost about
56 bytes a message; rows of objects cost ten times that and slow the run down.
"""

from array import array
from collections.abc import Callable
from math import isnan
from typing import ClassVar, NamedTuple

OUTCOMES = ("open", "ok", "refused", "failed", "rejected", "lost", "timeout", "none", "cancelled", "unsent")
OPEN, OK, REFUSED, FAILED, REJECTED, LOST, TIMEOUT, NONE, CANCELLED, UNSENT = range(len(OUTCOMES))
NAN = float("nan")
BLOCK = 4096


class Edge(NamedTuple):
    """Name who says what to whom: what all messages of one sort have in common."""

    kind: str  # "request", "call", "command" or "event"
    source: str
    target: str
    name: str  # the operation or the topic
    undo: bool = False  # a compensation: the message asks for work that undoes other work
    group: str = ""  # of the reader, where a service hears an event in several ways


class Columns:
    """Hold equally long columns that grow in blocks.

    Invariant: `free` holds every row that is not in use, the next to be used last; its cells are `blank`. Growing by
    blocks keeps the cost of a new row at the cells that are really written. While a run lasts each column is a view of
    its array: Python writes through a view in half the time.
    """

    layout: ClassVar[dict] = {}  # name -> (array type, blank)

    def __init__(self):
        self.room = 0
        self.free = []
        for name, (code, _) in self.layout.items():
            setattr(self, name, memoryview(array(code)))

    def grow(self):
        """Make room for one more block of rows, when all are in use."""
        for name, (code, blank) in self.layout.items():
            column = self._let_go(name)
            column.extend(array(code, [blank]) * BLOCK)
            setattr(self, name, memoryview(column))
        self.room += BLOCK
        self.free.extend(range(self.room - 1, self.room - 1 - BLOCK, -1))

    def row(self):
        """Return the number of a row to use, blank but for what its last user left in a run that keeps totals."""
        if not self.free:
            self.grow()
        return self.free.pop()

    def trim(self):
        """Drop the rows that were never used; from now on the columns are arrays."""
        rows = len(self)
        for name in self.layout:
            column = self._let_go(name)
            del column[rows:]
            setattr(self, name, column)
        self.room, self.free = rows, [row for row in self.free if row < rows]

    def _let_go(self, name):
        with getattr(self, name) as view:
            return view.obj

    def __len__(self):
        return self.room - len(self.free)


class Trace(Columns):
    """Hold one row for each message (a span).

    `sent`: it left its source. `received`: it reached the queue of its target. `started`: a worker took it.
    `ended`: the work was over. `answered`: the caller knows, or gave up waiting. Times [ms], nan where it never
    happened. `outcome` is what became of the work, `answer` what the caller was told: a call that timed out and was
    served all the same (a zombie) has answer "timeout" and outcome "ok"; one whose caller took it back is "cancelled".
    A row with outcome "unsent" is a message that never was: the caller's own breaker or bulkhead let nothing out.
    """

    request: array
    parent: array
    edge: array
    attempt: array
    sent: array
    received: array
    started: array
    ended: array
    answered: array
    outcome: array
    answer: array
    layout: ClassVar[dict] = {
        "request": ("i", 0), "parent": ("i", -1), "edge": ("H", 0), "attempt": ("i", 1),
        "sent": ("d", NAN), "received": ("d", NAN), "started": ("d", NAN), "ended": ("d", NAN), "answered": ("d", NAN),
        "outcome": ("B", OPEN), "answer": ("B", OPEN),
    }  # fmt: skip

    def __init__(self):
        super().__init__()
        self.edges: list[Edge] = []
        self.hold: Callable | None = None
        self.watch: Callable | None = None  # called with the number of messages so far, each time a block is full

    def grow(self):
        """Make room for one more block of rows, and let the watch look."""
        super().grow()
        if self.hold is not None:
            self.hold()
        if self.watch is not None:
            self.watch(self.count())

    def add_edge(self, edge):
        """Return the number of `edge`, a new one if it was never used before."""
        if edge not in self.edges:
            self.edges.append(edge)
        return self.edges.index(edge)

    def count(self):
        """Return how many messages were sent."""
        return self.room - len(self.free)

    def frame(self):
        """Return the spans as a pandas frame, names instead of numbers, times in ms."""
        import numpy as np
        import pandas as pd

        edge = np.asarray(self.edge)
        columns: dict = {"request": np.array(self.request), "parent": np.array(self.parent)}
        for place, name in enumerate(Edge._fields):
            values = np.array([e[place] for e in self.edges], dtype=bool if name == "undo" else object)
            columns[name] = values[edge] if self.edges else values
        for name in ("attempt", "sent", "received", "started", "ended", "answered"):
            columns[name] = np.array(getattr(self, name))
        names = np.array(OUTCOMES, dtype=object)
        columns["outcome"] = names[np.asarray(self.outcome)]
        columns["answer"] = names[np.asarray(self.answer)]
        return pd.DataFrame(columns).rename_axis("span")


class Table(Columns):
    """Hold one row for each request offered: when it was offered, answered and settled, and how it ended."""

    kind: array
    load: array
    user: array
    number: array
    offered: array
    answered: array
    settled: array
    answer: array
    end: array
    undone: array
    layout: ClassVar[dict] = {
        "kind": ("B", 0), "load": ("B", 0), "user": ("i", -1), "number": ("i", 0),
        "offered": ("d", NAN), "answered": ("d", NAN), "settled": ("d", NAN),
        "answer": ("B", OPEN), "end": ("B", OPEN), "undone": ("H", 0),
    }  # fmt: skip

    def __init__(self, kinds):
        super().__init__()
        self.kinds = tuple(kinds)

    def open(self, kind, load, user, number, now):
        """Open a row for a request offered now, and return its number."""
        row = self.row()
        self.kind[row], self.load[row], self.user[row] = kind, load, user
        self.number[row], self.offered[row] = number, now
        return row

    def frame(self, fates):
        """Return the requests as a pandas frame; `latency` counts from the offer to the end [ms]."""
        import numpy as np
        import pandas as pd

        names = np.array(OUTCOMES, dtype=object)
        columns: dict = {"kind": np.array(self.kinds, dtype=object)[np.asarray(self.kind)]}
        for name in ("number", "user", "offered", "answered", "settled"):
            columns[name] = np.array(getattr(self, name))
        for name in ("answer", "end"):
            columns[name] = names[np.asarray(getattr(self, name))]
        columns["fate"] = np.array(fates, dtype=object)
        columns["latency"] = columns["settled"] - columns["offered"]
        return pd.DataFrame(columns).rename_axis("request")


class Totals(Trace):
    """Count finished messages by edge, outcome and answer, and keep only the rows of those still under way.

    For runs too long to keep. What it does not model: anything that needs a message's history (graphs by request,
    sequence diagrams, times of single hops); in a row used again, `ended` and `answered` are those of its last user
    until they are overwritten.
    """

    def __init__(self):
        super().__init__()
        self.sent_before = 0
        self._counts: dict[int, int] = {}

    def blank(self, row):
        """Forget the last user of a row."""
        self.received[row] = self.started[row] = NAN
        self.outcome[row] = self.answer[row] = OPEN
        self.attempt[row] = 1

    def count(self):
        """Return how many messages were sent."""
        return self.sent_before + super().count()

    def __len__(self):
        return self.room - sum(isnan(self.sent[row]) for row in self.free)

    def close(self, row):
        """Count this message under its edge, outcome and answer, and give its row to the next."""
        key = self.edge[row] << 8 | self.outcome[row] << 4 | self.answer[row]
        self._counts[key] = self._counts.get(key, 0) + 1
        self.free.append(row)
        self.sent_before += 1
        if self.watch is not None and not self.sent_before % BLOCK:
            self.watch(self.sent_before)

    @property
    def counts(self):
        """Return how many finished messages there were of each (edge, outcome, answer)."""
        parts = ((self.edges[k >> 8], OUTCOMES[k >> 4 & 15], OUTCOMES[k & 15], n) for k, n in self._counts.items())
        return {(edge, outcome, answer): n for edge, outcome, answer, n in parts}
