"""What is under way in a run: requests, messages, alarms.

A message doubles as its own SimPy event: SimPy asks of an event only for callbacks and whether it went well, and a
message is due at one moment at most. So a hop costs one heap entry and no further object.
"""

from copy import copy
from typing import Any

from rehearsal.trace import OK, OPEN

FIRST = 0  # SimPy's urgent priority: what goes before everything else due at the moment


class Alarm:
    """Call `callback(self)` at some moment: the smallest thing SimPy can schedule."""

    __slots__ = ("callbacks", "subject")
    _ok = True  # SimPy raises what an event carries unless it went well

    def __init__(self, callback, subject=None):
        self.callbacks = (callback,)
        self.subject = subject


class Message:
    """Carry one message from its sending to its end, through network, queue and work.

    Invariant: `callbacks` is the one next step. A message that a crash took is `dead`; the step still scheduled for it
    finds the mark and does nothing, because taking an entry out of SimPy's heap costs more than ignoring it.
    `page` is where its draws stand in every book. `waiter` is who wants the answer: a Call, a Case; of a delivery, the
    message that was published; or None. `work` is the Context of its handler, while that waits. There is no __init__:
    whoever makes a message fills it in, at half the cost.
    """

    __slots__ = ("callbacks", "row", "case", "route", "payload", "page", "waiter", "work", "dead", "outcome", "value")
    _ok = True
    current = None  # a delivery's waiter is the message that was published, which waits for no answer

    def twin(self):
        """Return a copy on the same row: the work starts again, the step scheduled for the original does not."""
        twin: Any = copy(self)
        twin.callbacks, twin.work, twin.dead = twin.route.arrive, None, False
        self.dead = True
        return twin


class Case:
    """Follow one request: its row, the key of its draws, and how often it asked for each work.

    It is also the one who waits for the request's first answer: the client.
    """

    __slots__ = ("row", "page", "line", "entry", "asked", "counts", "current", "user")

    def __init__(self, row, page, line, entry, user):
        self.row, self.page, self.line = row, page, line  # of what is asked for the first time: nearly everything
        self.entry, self.user = entry, user  # the user of a closed load, who waits for the answer; else None
        self.asked = 0  # a bit for each work that was asked for: less than a dict, where many requests wait
        self.counts = None  # how often, of what was asked for again or under a key
        self.current = None

    def again(self, work, key):
        """Return where the draws stand of what is asked for once more, or under a key."""
        who, _, chapter = self.page
        counts = self.counts
        if counts is None:
            counts = self.counts = {}
        if key is None:
            k = counts[work] = counts.get(work, 0) + 1
            return who, k, chapter
        k = counts[work, key] = counts.get((work, key), -1) + 1
        return who, (key, k), chapter

    def answer(self, engine, outcome, value):
        """Take the answer at the client; a bad one is the end, a good one where no event is. The first end counts."""
        table, row, now = engine.table, self.row, engine._now
        table.answered[row] = now
        table.answer[row] = outcome
        if table.end[row] == OPEN and (self.entry.done is None or outcome != OK):
            table.settled[row] = now
            table.end[row] = outcome
        if self.user is not None:
            self.user.think()
