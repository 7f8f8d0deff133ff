"""Perform a blueprint: move each message through network, queue and work, and drive the readers' handlers.

SimPy keeps the clock and the heap. Every step of a message is a callback; only the reader's own handlers are
generators, and they are driven from here: a SimPy process for each hop would cost twice as much as all of this.
"""

from collections.abc import Callable
from heapq import heappush
from typing import Any

import simpy
from simpy.events import NORMAL

from rehearsal.engine.bus import Bus
from rehearsal.engine.compiler import Compiler
from rehearsal.engine.context import Context
from rehearsal.engine.deadlines import Deadlines
from rehearsal.engine.messages import FIRST, WAITS, Alarm, Message, forgotten, not_a_wait
from rehearsal.engine.mishaps import Mishaps
from rehearsal.errors import Failed, ModelError, Refused
from rehearsal.trace import FAILED, LOST, NONE, OK, OPEN, REFUSED, REJECTED, Totals


class Engine(simpy.Environment):
    """Hold one run while it lasts.

    Invariant: every message is in exactly one place: on its way (in SimPy's heap), in one queue, in work, or over. What
    it does not model: the size of messages, and processors shared between services.
    """

    # SimPy's own method takes any object with callbacks; its annotation asks for more.
    schedule: Any  # type: ignore[assignment]

    def __init__(self, system, seed, trace, table):
        super().__init__()
        self.routes: dict = {}  # the way in for each kind of request
        self.tick: Callable | None = None  # called with the moment of each offer, where a bar wants to know
        self.system, self.trace, self.table = system, trace, table
        # Columns grow in place, so the hot ones can be held directly.
        self.received, self.started, self.ended, self.outcome = (
            trace.received,
            trace.started,
            trace.ended,
            trace.outcome,
        )
        self.close = trace.close if isinstance(trace, Totals) else None
        self.mishaps = Mishaps()
        self.handlers: dict = {}  # those that wait, and those a crash left waiting: a dict, for its order
        self.pauses = 0
        self.over = False
        self._deadlines: dict = {}
        self._perform = (self.perform,)
        self._answered = (self.answered,)
        self.bus = Bus(self)
        self.compiler = Compiler(system, seed, self)

    def mistake(self, text):
        """Return the error for a mistake in the model; it ends the run at once, even where a handler swallows it."""
        error = ModelError(f"{self.system.name}: {text}")
        self.at(self._now, Alarm(self._stop, error), FIRST)
        return error

    def _stop(self, alarm):
        raise alarm.subject

    def at(self, moment, event, priority=NORMAL):
        """Put an event on the clock at exactly this moment: now + (moment - now) may be a bit beside it."""
        heappush(self._queue, (moment, priority, next(self._eid), event))

    def after(self, delay, function, argument):
        """Call `function(argument)` after `delay` [ms]."""
        self.schedule(Alarm(lambda _: function(argument)), delay=delay)

    def deadlines(self, length):
        """Return the watch for time-outs of this length [ms]."""
        found = self._deadlines.get(length)
        if found is None:
            found = self._deadlines[length] = Deadlines(self, length)
        return found

    # The way of a message

    def post(self, route, case, payload, parent, waiter=None, attempt=1, key=None, hop=True):
        """Send a message now: open its row, put it on the network; without `hop`, the sender places it."""
        asked, work = case.asked, route.work if key is None else (route.work, key)
        k = asked[work] = asked.get(work, -1) + 1
        page = case.page if k == 0 and key is None else (case.who, k if key is None else (key, k), case.chapter)
        row = self.trace.open(case.row, parent, route.edge, self._now)
        if attempt > 1:
            self.trace.attempt[row] = attempt
        message = Message(row, case, route, payload, page, waiter)
        if hop:
            self.schedule(message, NORMAL, route.out[page][case.line])
        return message

    def arrive(self, message):
        """Let a message in at its target: to a worker, into the queue, or not at all."""
        pool = message.route.pool
        if pool.free > 0:
            self.received[message.row] = self._now
            self.start(message, pool)
        elif not pool.node.up and pool.node.broker:
            pool.node.outside.append(message)
        else:
            self.received[message.row] = self._now
            if pool.node.up and pool.asking < pool.limit:
                pool.asking += 1
                pool.queue.append(message)
            else:  # turned away: no worker ever sees it
                self.outcome[message.row] = REJECTED
                message.route.conclude(message, REJECTED, None)

    def start(self, message, pool):
        """Give a worker to a message that comes for the first time."""
        pool.free -= 1
        route = message.route
        self.started[message.row] = self._now
        if pool.working is not None:
            pool.working[message] = True
        if route.inbox is not None:
            route.inbox.waiting -= 1
        takes = route.plan.takes
        if takes is None:
            self.perform(message)
        else:
            message.callbacks = self._perform
            self.schedule(message, NORMAL, takes[message.page][message.case.line] * pool.node.pace)

    def perform(self, message):
        """Run the handler's body, now that the time of its work is over."""
        if message.dead:
            return
        plan = message.route.plan
        if plan.function is None:
            self.finish(message, OK, None)
            return
        if plan.node.errors and self._errs(plan, message):
            self.finish(message, FAILED, Failed("an injected error"))
            return
        context = Context(self, message)
        try:
            value = plan.function(context, message.payload)
        except Exception as error:
            self.raised(message, error)
            return
        if plan.waits:
            message.work = context
            context.frame = value
            self.handlers[context] = None
            self.resume(message, None, None)
        else:
            if context.unstarted:
                raise forgotten(self, message)
            self.finish(message, OK, value)

    def _errs(self, plan, message):
        chance = plan.chance[message.page][message.case.line]
        passing = 1.0
        for rate in plan.node.errors:
            passing *= 1 - rate
        return chance >= passing

    def resume(self, message, value, error):
        """Go on with a handler that waited, up to its next wait or its end."""
        work = message.work
        try:
            wait = work.frame.send(value) if error is None else work.frame.throw(error)
        except StopIteration as end:
            if work.unstarted:
                raise forgotten(self, message) from None
            self.finish(message, OK, end.value)
            return
        except Exception as problem:
            self.raised(message, problem)
            return
        if type(wait) not in WAITS:
            raise not_a_wait(self, message, wait)
        work.wait = wait
        pool = message.route.pool
        if not pool.node.blocking:
            self.release(pool)
        wait.begin(self, message)

    def wake(self, message, value, error):
        """Hand a handler what it waited for; one that gave its worker back queues for a worker again."""
        if message.dead:
            return
        pool = message.route.pool
        if pool.node.blocking:
            self.resume(message, value, error)
            return
        message.work.wake = value, error
        pool.queue.append(message)
        self.serve(pool)

    def raised(self, message, error):
        """Take what a handler raised: a business no, a failure, or a mistake in the model."""
        if isinstance(error, ModelError):
            raise error
        if isinstance(error, Refused):
            self.finish(message, REFUSED, error)
            return
        if not isinstance(error, Failed):
            self.mishaps.note(message.route.plan, error, self._now)
        self.finish(message, FAILED, error)

    def finish(self, message, outcome, value):
        """End the work: answer, acknowledge or pass on, and free the worker."""
        if message.work is not None:
            del self.handlers[message.work]
            message.work = None
        route = message.route
        pool = route.pool
        row = message.row
        self.ended[row] = self._now
        self.outcome[row] = outcome
        if pool.working is not None:
            del pool.working[message]
        if route.undo and outcome == OK:
            self.table.undone[message.case.row] += 1
        route.conclude(message, outcome, value)
        if route.inbox is not None and route.inbox.poll is not None:
            self.bus.sleep(route.inbox)
        pool.free += 1
        if pool.queue:
            self.serve(pool)

    def release(self, pool):
        """Give a worker back, and let the next in."""
        pool.free += 1
        self.serve(pool)

    def serve(self, pool):
        """Start what waits while a worker is free. A loop, since work that takes no time frees its worker at once."""
        if pool.starting:
            return
        pool.starting = True
        queue = pool.queue
        while queue and pool.free > 0:
            message = queue.popleft()
            if message.work is None:
                pool.asking -= message.route.inbox is None
                self.start(message, pool)
            else:
                pool.free -= 1
                self.resume(message, *message.work.wake)
        pool.starting = False

    # Answers

    def reply(self, message, outcome, value):
        """Send the answer back to the caller."""
        message.outcome, message.value = outcome, value
        message.callbacks = self._answered
        self.schedule(message, NORMAL, message.route.back[message.page][message.case.line])

    def answered(self, message):
        """Bring the answer to the caller, unless it no longer waits for this one."""
        waiter, row = message.waiter, message.row
        if waiter.current is message:
            waiter.current = None
            self.trace.answered[row] = self._now
            self.trace.answer[row] = message.outcome
            waiter.answer(self, message.outcome, message.value)
        if self.close is not None:
            self.close(row)

    def give_up(self, message, answer=NONE):
        """Write down that the caller waits no longer; the work goes on, and its answer will find nobody."""
        self.trace.answered[message.row] = self._now
        self.trace.answer[message.row] = answer

    def lose(self, message, started):
        """Lose a call in a crash: the caller hears of the broken connection one hop later."""
        if started:
            self.ended[message.row] = self._now
        lost = message.twin()
        if message.waiter.current is message:
            message.waiter.current = lost
        self.outcome[lost.row] = LOST
        self.reply(lost, LOST, None)

    def fact(self, case, topic):
        """Take note that an event was published: it may be the one that ends its request."""
        entry, table, row = case.entry, self.table, case.row
        if topic in (entry.done, entry.failed) and table.end[row] == OPEN:
            table.settled[row] = self._now
            table.end[row] = OK if topic == entry.done else REFUSED
