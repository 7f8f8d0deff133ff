"""Perform a blueprint: let each message through queue and work, and drive the readers' handlers.

SimPy keeps the clock and the heap. Every step of a message is a callback; only the reader's own handlers are
generators, and they are driven from here: a SimPy process for each hop would cost twice as much as all of this.
"""

from heapq import heappush
from math import prod
from typing import Any

from simpy.events import NORMAL

from rehearsal.engine.bus import Bus
from rehearsal.engine.carrier import Carrier
from rehearsal.engine.compiler import Compiler
from rehearsal.engine.context import Context
from rehearsal.engine.crashes import Struck
from rehearsal.engine.inside import Work
from rehearsal.engine.ledger import Ledger
from rehearsal.engine.mishaps import Mishaps
from rehearsal.engine.waits import NOTHING, WAITS, forgotten, not_a_wait
from rehearsal.errors import Failed, ModelError, Refused
from rehearsal.trace import FAILED, OK, REFUSED, REJECTED


class Engine(Carrier):
    """Hold one run while it lasts.

    Invariant: every message is in exactly one place: on its way (in SimPy's heap), in one queue, in work, frozen in a
    crash, or over. What it does not model: processors shared between services.
    """

    def __init__(self, system, seed, faults, trace, table, watch=None):
        super().__init__(system, trace, table)
        self.ledger = Ledger(self, watch)
        self.routes: dict = {}  # the way in for each kind of request
        self.mishaps = Mishaps()
        self.handlers: dict = {}  # those that wait, and those a crash left waiting: a dict, for its order
        self.pauses = 0
        self._perform = (self.perform,)
        self.gates: dict = {}  # breakers, bulkheads and budgets, by caller, callee and policy
        self.guards: dict = {}  # policies put together, by route and words
        self.transitions: list = []  # of breakers
        self.outages: list = []  # what was really down, and when
        self.degraded: list = []  # the same of single replicas
        self.idle = 0  # alarms on the clock that keep no run alive
        self.bus = Bus(self)
        self.compiler = Compiler(system, seed, faults, self)

    def arrive(self, message):
        """Let a message in at its target: to a worker, into the queue, or not at all."""
        pool = message.route.pool
        if pool.free > 0:
            self.received[message.row] = self._now
            self.start(message, pool)
        elif not pool.node.up:
            pool.node.absent(self, message)
        else:
            self.received[message.row] = self._now
            if pool.asking < pool.limit:
                pool.asking += 1
                pool.queue.append(message)
            else:
                self.turn_away(message)

    def turn_away(self, message):
        """Refuse to let a message in: no worker ever sees it."""
        self.outcome[message.row] = REJECTED
        message.route.conclude(message, REJECTED, None)

    def start(self, message, pool):
        """Give a worker to a message that comes for the first time."""
        pool.free -= 1
        self.started[message.row] = self._now
        if pool.working is not None:
            pool.working[message] = True
        takes = message.route.plan.takes
        if takes is None:
            self.perform(message)
        else:
            message.callbacks = self._perform
            moment = self._now + takes[message.page][message.case.line] * pool.node.pace
            heappush(self._queue, (moment, NORMAL, next(self._eid), message))

    def perform(self, message):
        """Run the handler's body, now that the time of its work is over."""
        if message.dead:
            return
        plan = message.route.plan
        function = plan.function  # a local is called faster than what is in a slot
        if function is None:
            self.finish(message, OK, None)
            return
        if plan.node.errors and self._errs(plan, message):
            self.finish(message, FAILED, Failed("an injected error"))
            return
        context: Any = Context()
        context._engine, context._message, context.unstarted = self, message, 0
        try:
            value = function(context, message.payload)
        except Exception as error:
            self.raised(message, error)
            return
        if plan.waits:
            message.work = context
            context.frame, context.wait, context.holds = value, NOTHING, True
            self.handlers[context] = None
            self.resume(message, None, None)
        else:
            if context.unstarted:
                raise forgotten(self, message)
            self.finish(message, OK, value)

    def _errs(self, plan, message):
        return plan.chance[message.page][message.case.line] >= prod(1 - rate for rate in plan.node.errors)

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
        if not pool.node.blocking and type(wait) is not Work:
            work.holds = False
            self.release(pool)
            if message.dead:  # the next in line has taken the service down
                return
        wait.begin(self, message)

    def wake(self, message, value, error):
        """Hand a handler what it waited for. Its wait is over: a deadline that comes now finds nothing left to end."""
        if message.dead:
            return
        work, node = message.work, message.route.pool.node
        work.wait = NOTHING
        if work.holds and node.up and not node.decides:  # nearly always
            self.resume(message, value, error)
        else:
            self._hand(message, value, error)

    def _hand(self, message, value, error):
        """Let a handler go on; one that holds no worker queues for one again."""
        if message.dead:
            return
        pool = message.route.pool
        if not pool.node.runs(message):  # a durable service goes on after its restart
            pool.node.held.append((self._hand, message, value, error))
        elif message.work.holds:
            self.go_on(message, value, error)
        else:
            message.work.wake = value, error
            pool.queue.append(message)
            self.serve(pool)

    def go_on(self, message, value, error):
        """Let a handler go on that has a worker, once that has made its decision."""
        if not message.route.pool.node.decides:
            self.resume(message, value, error)
            return
        message.work.wake = value, error
        message.callbacks = (self._decided,)
        self.schedule(message, delay=message.route.pool.node.decides)

    def _decided(self, message):
        if not message.dead:
            if message.route.pool.node.runs(message):
                self.resume(message, *message.work.wake)
            else:
                message.route.pool.node.held.append((self._decided, message))

    def body(self, message):
        """Run the body of an operation that is worked on in process, and return what it answers."""
        plan = message.route.plan
        function = plan.function
        if plan.node.errors and self._errs(plan, message):
            raise Failed("an injected error")
        context: Any = Context()
        context._engine, context._message, context.unstarted = self, message, 0
        try:
            return function(context, message.payload)
        except (Refused, Failed, ModelError, Struck):
            raise
        except Exception as error:
            self.mishaps.note(plan, error, self._now)
            raise Failed(f"{type(error).__name__}: {error}") from error

    def settle(self, message, outcome, value=None):
        """Close the row of work that was done in process."""
        row = message.row
        self.ended[row] = self.trace.answered[row] = self._now
        self.outcome[row] = self.trace.answer[row] = outcome
        if message.route.undo and outcome == OK and value is not False:
            self.table.undone[message.case.row] += 1
        if self.close is not None:
            self.close(row)

    def raised(self, message, error):
        """Take what a handler raised: a business no, a failure, a crash under it, or a mistake in the model."""
        if isinstance(error, Struck):
            return
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
        route, row = message.route, message.row
        pool = route.pool
        self.ended[row] = self._now
        self.outcome[row] = outcome
        if pool.working is not None:
            del pool.working[message]
        if route.undo and outcome == OK and value is not False:  # which says that there was nothing to undo
            self.table.undone[message.case.row] += 1
        conclude = route.conclude
        conclude(message, outcome, value)
        if route.polls:
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
            inbox = message.route.inbox
            if message.work is None and inbox is not None:
                inbox.waiting -= 1
                self.start(message, pool)
            elif message.work is None:
                pool.asking -= 1
                if self._now - self.received[message.row] > pool.patience:
                    self.ended[message.row] = self._now
                    self.turn_away(message)
                else:
                    self.start(message, pool)
            else:
                pool.free -= 1
                message.work.holds = True
                self.go_on(message, *message.work.wake)
        pool.starting = False
