"""Perform a blueprint: move each message through network, queue and work, and drive the readers' handlers.

SimPy keeps the clock and the heap. Every step of a message is a callback; only the reader's own handlers are
generators, and they are driven from here: a SimPy process for each hop would cost twice as much as all of this.
"""

import simpy

from rehearsal.engine.bus import Bus
from rehearsal.engine.compiler import Compiler
from rehearsal.engine.context import Context
from rehearsal.engine.deadlines import Deadlines
from rehearsal.engine.messages import Alarm, Message, check_end, check_wait
from rehearsal.engine.mishaps import Mishaps
from rehearsal.errors import Failed, ModelError, Refused
from rehearsal.trace import FAILED, LOST, NONE, OK, OPEN, REFUSED, REJECTED


class Engine:
    """Hold one run while it lasts.

    Invariant: every message is in exactly one place: on its way (in SimPy's heap), in one queue, in work, or over. What
    it does not model: the size of messages, and processors shared between services.
    """

    def __init__(self, system, seed, trace, table):
        self.system, self.trace, self.table = system, trace, table
        self.env = simpy.Environment()
        self.mishaps = Mishaps()
        self.mistakes = []
        self._deadlines = {}
        self._perform = (self.perform,)
        self._answered = (self.answered,)
        self.bus = Bus(self)
        self.compiler = Compiler(system, seed, self)

    def mistake(self, text):
        """Return the error for a mistake in the model; it ends the run even where a handler swallows it."""
        self.mistakes.append(ModelError(f"{self.system.name}: {text}"))
        return self.mistakes[-1]

    def after(self, delay, function, argument):
        """Call `function(argument)` after `delay` [ms]."""
        self.env.schedule(Alarm(lambda _: function(argument)), delay=delay)

    def deadlines(self, length):
        """Return the watch for time-outs of this length [ms]."""
        found = self._deadlines.get(length)
        if found is None:
            found = self._deadlines[length] = Deadlines(self, length)
        return found

    # The way of a message

    def post(self, route, case, payload, parent, attempt=1, waiter=None, key=None):
        """Send a message now: open its row, put it on the network."""
        message = self.open(route, case, payload, parent, attempt, waiter, key)
        message.callbacks = route.arrive
        self.env.schedule(message, delay=route.out(case.who, message.k, case.n))
        return message

    def open(self, route, case, payload, parent, attempt=1, waiter=None, key=None):
        """Return a new message with a row in the trace; it is nowhere yet."""
        asked = case.asked
        if key is None:
            k = asked.get(route.work, 0)
            asked[route.work] = k + 1
        else:
            count = asked.get((route.work, key), 0)
            asked[route.work, key] = count + 1
            k = (key, count)
        row = self.trace.open(case.row, parent, route.edge, self.env.now)
        if attempt > 1:
            self.trace.attempt[row] = attempt
        return Message(row, case, route, payload, k, attempt, waiter)

    def arrive(self, message):
        """Let a message in at its target: to a worker, into the queue, or not at all."""
        pool = message.route.pool
        node = pool.node
        if not node.up and node.broker:
            node.outside.append(message)
            return
        self.trace.received[message.row] = self.env.now
        if not node.up:
            self.conclude(message, REJECTED, None)
        elif pool.free > 0:
            self.start(message, pool)
        elif len(pool.queue) >= pool.limit:
            self.conclude(message, REJECTED, None)
        else:
            pool.queue.append(message)

    def start(self, message, pool):
        """Give a worker to a message, or back to a handler that goes on."""
        pool.free -= 1
        if message.frame is not None:
            value, error = message.wake
            self.resume(message, value, error)
            return
        node, route, case = pool.node, message.route, message.case
        self.trace.started[message.row] = self.env.now
        message.started = True
        if node.working is not None:
            node.working[message] = True
        if route.inbox is not None:
            route.inbox.waiting -= 1
        takes = route.plan.takes
        if takes is None:
            self.perform(message)
        else:
            message.callbacks = self._perform
            self.env.schedule(message, delay=takes(case.who, message.k, case.n) * node.pace)

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
        try:
            value = plan.function(Context(self, message), message.payload)
        except Exception as error:
            self.raised(message, error)
            return
        if plan.waits:
            message.frame = value
            self.resume(message, None, None)
        else:
            if message.unstarted:
                check_end(self, message)
            self.finish(message, OK, value)

    def _errs(self, plan, message):
        chance = plan.chance(message.case.who, message.k, message.case.n)
        passing = 1.0
        for rate in plan.node.errors:
            passing *= 1 - rate
        return chance >= passing

    def resume(self, message, value, error):
        """Go on with a handler that waited, up to its next wait or its end."""
        try:
            wait = message.frame.send(value) if error is None else message.frame.throw(error)
        except StopIteration as end:
            if message.unstarted:
                check_end(self, message)
            self.finish(message, OK, end.value)
            return
        except Exception as problem:
            self.raised(message, problem)
            return
        check_wait(self, message, wait)
        message.wait = wait
        pool = message.route.pool
        if not pool.node.blocking:
            self.release(pool)
        wait.begin(self, message)

    def wake(self, message, value, error):
        """Hand a handler what it waited for; one that gave its worker back queues for a worker again."""
        if message.dead:
            return
        message.wait = None
        pool = message.route.pool
        if pool.node.blocking:
            self.resume(message, value, error)
            return
        message.wake = value, error
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
            self.mishaps.note(message.route.plan, error, self.env.now)
        self.finish(message, FAILED, error)

    def finish(self, message, outcome, value):
        """End the work: free the worker, then answer, acknowledge or pass on."""
        message.frame = None
        route = message.route
        pool = route.pool
        self.trace.ended[message.row] = self.env.now
        if pool.node.working is not None:
            del pool.node.working[message]
        if route.plan.undo and outcome == OK:
            self.table.undone[message.case.row] += 1
        self.conclude(message, outcome, value)
        pool.free += 1
        if pool.queue:
            self.serve(pool)
        if route.inbox is not None and route.inbox.poll is not None:
            self.bus.look_again(route.inbox)

    def conclude(self, message, outcome, value):
        """Write down what became of the work, and do what its kind of message asks for."""
        self.trace.outcome[message.row] = outcome
        message.route.conclude(message, outcome, value)

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
        while queue and pool.free > 0 and pool.node.up:
            self.start(queue.popleft(), pool)
        pool.starting = False

    # Answers

    def reply(self, message, outcome, value):
        """Send the answer back to the caller."""
        message.outcome, message.value = outcome, value
        message.callbacks = self._answered
        case = message.case
        self.env.schedule(message, delay=message.route.back(case.who, message.k, case.n))

    def answered(self, message):
        """Bring the answer to the caller, unless it no longer waits for this one."""
        waiter, row = message.waiter, message.row
        if waiter.current is message:
            waiter.current = None
            self.trace.answered[row] = self.env.now
            self.trace.answer[row] = message.outcome
            waiter.answer(self, message.outcome, message.value)
        self.trace.close(row)

    def give_up(self, message, answer=NONE):
        """Write down that the caller waits no longer; the work goes on, and its answer will find nobody."""
        self.trace.answered[message.row] = self.env.now
        self.trace.answer[message.row] = answer

    def lose(self, message):
        """Lose a call in a crash: the caller hears of the broken connection one hop later."""
        lost = message.twin()
        if message.waiter.current is message:
            message.waiter.current = lost
        self.conclude(lost, LOST, None)

    def fact(self, case, topic):
        """Take note that an event was published: it may be the one that ends its request."""
        entry, table, row = case.entry, self.table, case.row
        if topic in (entry.done, entry.failed) and table.end[row] == OPEN:
            table.settled[row] = self.env.now
            table.end[row] = OK if topic == entry.done else REFUSED
