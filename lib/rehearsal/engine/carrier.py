"""Carry messages: requests on their way out, answers on their way back, and what becomes of those that get lost."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.core import StopSimulation
from simpy.events import NORMAL

from rehearsal.engine.crashes import unanswered, vanish
from rehearsal.engine.deadlines import Deadlines
from rehearsal.engine.messages import FIRST, Alarm, Message
from rehearsal.errors import ModelError
from rehearsal.trace import LOST, NONE, OK, OPEN, REFUSED, UNSENT, Totals


class Carrier(simpy.Environment):
    """Hold the clock and the record of one run, and move messages between nodes.

    Invariant: a message that is on its way, there or back, is in SimPy's heap once; its row is open until somebody
    knows its end. What it does not model: the size of messages.
    """

    # SimPy takes any object with callbacks; its annotations ask for more.
    schedule: Any  # type: ignore[assignment]
    _queue: Any  # type: ignore[assignment]

    # Slots, since Python finds attributes faster in objects whose dict has at most 30 of them: 5 % of a run's time.
    __slots__ = (
        "trace", "table", "received", "started", "ended", "outcome", "answer", "close", "over", "_answered",
        "_deadlines", "_lines", "system", "tick", "loose", "vanished",
    )  # fmt: skip

    def __init__(self, system, trace, table):
        super().__init__()
        self.tick: Callable | None = None  # called with the moment of each offer, where a bar wants to know
        self.system, self.trace, self.table = system, trace, table
        trace.hold = self.hold
        self.hold()
        self.close = trace.close if isinstance(trace, Totals) else None
        self.over = False
        self.loose = False  # whether alarms may be on the clock that nobody waits for any more
        self.vanished: list = []  # messages that disappeared while somebody waited for them
        self._deadlines: dict = {}
        self._lines: dict[float, deque] = {}  # of alarms, by how long they wait
        self._answered = (self.answered,)

    def hold(self):
        """Hold the hot columns of the trace directly, anew whenever they have grown."""
        trace = self.trace
        self.received, self.started, self.ended = trace.received, trace.started, trace.ended
        self.outcome, self.answer = trace.outcome, trace.answer

    def mistake(self, text):
        """Return the error for a mistake in the model; it ends the run at once, even where a handler swallows it."""
        error = ModelError(f"{self.system.name}: {text}")
        self.at(self._now, Alarm(self._stop, error), FIRST)
        return error

    def _stop(self, alarm):
        raise alarm.subject

    def run(self, until=None):
        """Let happen what is due before `until`, in SimPy's order.

        SimPy's own loop also looks after failed events and several callbacks, which we have not: 7 % of a run's time.
        """
        queue = self._queue
        if until is not None:
            self.at(until, Alarm(self._stop, StopSimulation()), FIRST)
        with suppress(StopSimulation):
            while True:  # and not `while queue`: Python 3.11 makes a loop fast where it jumps back unconditionally
                if not queue:
                    break
                self._now, _, _, event = heappop(queue)
                event.callbacks[0](event)

    def at(self, moment, event, priority=NORMAL):
        """Put an event on the clock at exactly this moment: now + (moment - now) may be a bit beside it."""
        heappush(self._queue, (moment, priority, next(self._eid), event))

    def after(self, delay, function, argument):
        """Call `function(argument)` after `delay` [ms].

        What waits equally long is due in the order in which it began to wait, so only the first is on the clock:
        thousands in SimPy's heap would make every message dearer.
        """
        line = self._lines.setdefault(delay, deque())

        def ring(_):
            line.popleft()
            if line:
                heappush(self._queue, line[0])
            else:
                del self._lines[delay]
            function(argument)

        line.append((self._now + delay, NORMAL, next(self._eid), Alarm(ring)))
        if len(line) == 1:
            heappush(self._queue, line[0])

    def deadlines(self, length):
        """Return the watch for time-outs of this length [ms]."""
        found = self._deadlines.get(length)
        if found is None:
            self.loose = True
            found = self._deadlines[length] = Deadlines(self, length)
        return found

    def post(self, route, case, payload, parent, waiter=None, attempt=1, key=None, hop=True, page=None, message=None):
        """Send a message now: open its row, put it on the network; without `hop`, the sender places it."""
        if page is None and key is None and not case.asked & route.bit:  # nearly always
            case.asked |= route.bit
            page = case.page
        elif page is None:
            page = case.again(route.work, key)
        trace, now = self.trace, self._now
        if not trace.free:
            trace.grow()
        if message is None:
            message = Message()
        message.row = row = trace.free.pop()
        if self.close is not None:
            trace.blank(row)
        trace.request[row], trace.parent[row], trace.edge[row] = case.row, parent, route.edge
        trace.sent[row] = now
        if attempt > 1:
            trace.attempt[row] = attempt
        message.callbacks, message.route, message.case = route.arrive, route, case
        message.payload, message.page, message.waiter = payload, page, waiter
        message.work, message.dead = None, False
        if hop:
            heappush(self._queue, (now + route.out[page][case.line], NORMAL, next(self._eid), message))
        return message

    def reply(self, message, outcome, value, extra=0.0):
        """Send the answer back to the caller; it may take `extra` long [ms]."""
        message.outcome, message.value = outcome, value
        message.callbacks = self._answered
        moment = self._now + (message.route.back[message.page][message.case.line] + extra)
        heappush(self._queue, (moment, NORMAL, next(self._eid), message))

    def hush(self, message):
        """Lose the answer to a message on its way back: who waits for it is told nothing."""
        message.dead = True
        unanswered(self, message)

    def answered(self, message):
        """Bring the answer to the caller, unless it no longer waits for this one."""
        waiter, row = message.waiter, message.row
        if waiter.current is message:
            waiter.current = None
            self.trace.answered[row] = self._now
            self.answer[row] = message.outcome
            waiter.answer(self, message.outcome, message.value)
        if self.close is not None:
            self.close(row)

    def give_up(self, message, answer=NONE):
        """Write down that the caller waits no longer; the work goes on, and its answer will find nobody."""
        self.trace.answered[message.row] = self._now
        self.trace.answer[message.row] = answer
        if message.dead and self.close is not None:  # nothing else will ever end it
            self.close(message.row)

    def copy(self, message):
        """Return a second copy of a message under way, with a row of its own, the same draws, and the same key."""
        trace, row, key = self.trace, message.row, message.waiter or message
        how = {"attempt": trace.attempt[row], "hop": False, "page": message.page}
        other = self.post(message.route, message.case, message.payload, trace.parent[row], key, **how)
        trace.sent[other.row], trace.answer[other.row] = trace.sent[row], NONE
        return other

    def unsent(self, route, parent, attempt):
        """Write down a call that the caller's own policies did not let out."""
        trace, page = self.trace, parent.page  # it draws nothing
        row = self.post(route, parent.case, None, parent.row, attempt=attempt, hop=False, page=page).row
        trace.outcome[row] = trace.answer[row] = UNSENT
        trace.answered[row] = self._now
        if self.close is not None:
            self.close(row)

    def lose(self, message, started):
        """Lose a call in a crash: its caller hears of the broken connection one hop later, from a black hole never."""
        if started:
            self.ended[message.row] = self._now
        if message.route.pool.node.absent is vanish:
            vanish(self, message)
            return
        lost = message.twin()
        if message.waiter.current is message:
            message.waiter.current = lost
        if self.outcome[lost.row] == OPEN:
            self.outcome[lost.row] = LOST
        message.route.conclude(lost, LOST, None)

    def fact(self, case, topic):
        """Take note that an event was published: it may be the one that ends its request."""
        entry, table, row = case.entry, self.table, case.row
        if topic in (entry.done, entry.failed) and table.end[row] == OPEN:
            table.settled[row] = self._now
            table.end[row] = OK if topic == entry.done else REFUSED
