"""What a handler can do: call, send, publish, wait, remember."""

from math import inf
from typing import Any

from rehearsal.check import undeclared
from rehearsal.engine.guards import guarded
from rehearsal.engine.inside import Work
from rehearsal.engine.waits import Call, First, Sleep, Together
from rehearsal.policies import UNSET, Retry
from rehearsal.units import duration


class Context:
    """Act for one piece of work. It carries correlation and cause, so that the trace is causal without any help.

    `ctx.state` is the service's memory in this run, a dict, shared by all its handlers; what a body does to it between
    two waits happens at one instant.
    """

    # `frame` is the generator of a handler that waits, `wait` what it waits for, `wake` what it is to go on with while
    # it queues for a worker, `holds` whether it holds one. The engine fills it in, as it does with messages.
    __slots__ = ("_engine", "_message", "frame", "unstarted", "wait", "wake", "holds")
    _engine: Any
    _message: Any
    unstarted: int  # calls described and not yet made

    @property
    def now(self):
        """Return the time [ms]."""
        return self._engine.now

    @property
    def state(self):
        """Return the memory of this service in this run, a dict."""
        return self._message.route.plan.node.state

    @property
    def attempt(self):
        """Return which delivery or attempt this is, 1 for the first."""
        return self._engine.trace.attempt[self._message.row]

    def call(self, operation, payload=None, *, timeout=UNSET, retry=UNSET, key=None, **policies):
        """Describe a call; `yield` it to make it and get the reply.

        `timeout` [ms] for each attempt, `retry` a `Retry`; further policies: `deadline` [ms] for all attempts together,
        `cancel`, `budget`, `breaker`, `bulkhead`, `hedge`, `fallback` (see `Guard`). None takes away what a guard says;
        a fallback of None is an answer. `key` tells parallel calls for the same work apart. Raises in the handler:
        `Refused` (a business no), or `Failed` (`TimedOut`, `Rejected`, `Lost`).
        """
        message, engine = self._message, self._engine
        plan = message.route.plan
        route = plan.calls.get(operation) or engine.compiler.call(plan, operation)
        if key is not None and type(key) not in (int, str):
            raise engine.mistake(f"{plan.place}: key must be a number or a text, which name a draw, not {key!r}")
        if payload is not message.payload and type(payload).__hash__ is None:
            raise engine.mistake(_mutable(message, payload))
        self.unstarted += 1
        if policies or route.guard is not None or not (retry is UNSET or retry is None or _plain(retry)):
            return guarded(engine, plan, route, payload, key, timeout, retry, policies)
        if timeout is UNSET:
            timeout = None
        elif timeout is not None and not (type(timeout) is float and 0 < timeout < inf):
            timeout = self._time(timeout, "timeout", positive=True, ever=True)
            timeout = None if timeout == inf else timeout
        return Call(route, payload, timeout, None if retry is UNSET else retry, key)

    def all(self, *calls):
        """Describe several calls at once; `yield` it to make them together and get a list of replies.

        It waits for every branch, then raises the first problem, if any. Which did what, `first` tells.
        """
        self._calls(calls, "all")
        return Together(calls)

    def _calls(self, calls, verb):
        if not all(isinstance(call, Call) for call in calls):
            place = self._message.route.plan.place
            raise self._engine.mistake(f"{place}: ctx.{verb} takes calls: ctx.{verb}(ctx.call(…), ctx.call(…))")

    def first(self, *calls):
        """Describe a wait for the first of several calls; `yield` it to get [(call, value, error), …] of those over.

        Calls that were not made yet are made; those that are not over go on, and can be waited for again.
        """
        self._calls(calls, "first")
        return First(calls)

    def work(self, operation, payload=None):
        """Describe work done here, in process: no message, no hop; `yield` it to do it. For monoliths.

        It is that of an operation of the same service which waits for nobody.
        """
        plan = self._message.route.plan
        route = plan.inside.get(operation) or self._engine.compiler.inside(plan, operation)
        if payload is not self._message.payload and type(payload).__hash__ is None:
            raise self._engine.mistake(_mutable(self._message, payload))
        self.unstarted += 1
        work: Any = Work()
        work.route, work.payload, work.dead = route, payload, None
        return work

    def sleep(self, time):
        """Describe a pause of `time` [ms]; `yield` it to wait."""
        return Sleep(self._time(time, "the time to sleep"))

    def publish(self, topic, payload=None):
        """Publish an event: hand it to the broker and go on; every subscription of the topic gets it."""
        plan = self._message.route.plan
        route = plan.topics.get(topic)
        if route is None and not self._engine.over:
            raise self._engine.mistake(undeclared(plan.handler, topic))
        self._say(route, payload, topic)

    def send(self, operation, payload=None):
        """Send a command: hand it to the broker for its one addressee and go on, without a reply."""
        plan = self._message.route.plan
        route = plan.node.sends.get(operation)
        if route is None and not self._engine.over:
            route = self._engine.compiler.send(plan, operation)
        self._say(route, payload)

    def _say(self, route, payload, topic=None, stored=False):
        """Hand a message to the broker: at once, or where there is an outbox, from there."""
        engine, message = self._engine, self._message
        if engine.over:
            return
        if payload is not message.payload and type(payload).__hash__ is None:
            raise engine.mistake(_mutable(message, payload))
        outbox = message.route.plan.node.outbox
        if outbox is None or stored:
            engine.post(route, message.case, payload, message.row)
            if route.ends:
                engine.fact(message.case, topic)
        else:
            outbox.put(lambda: self._say(route, payload, topic, stored=True))

    def effect(self, name, amount=1):
        """Write down what was done in the world: so many of `name`, or undone where `amount` is negative.

        The ledger of a run counts effects, not messages: a charge done twice is two entries, whoever was told what.
        """
        engine, message = self._engine, self._message
        if not engine.over:
            service = message.route.plan.node.name
            engine.ledger.entries.extend((engine._now, message.case.row, service, name, amount, message.row))
            if engine.ledger.watch is not None:
                engine.ledger.look(message)

    def park(self, why):
        """Leave this request to a person, since nothing automatic is left to try: its fate is "parked"."""
        if not self._engine.over:
            self._engine.ledger.park(self._message, why)

    def _time(self, value, what, **demands):
        try:
            return duration(value, what, **demands)
        except (TypeError, ValueError) as error:
            raise self._engine.mistake(f"{self._message.route.plan.place}: {error}") from None


def _plain(retry):
    return type(retry) is Retry and retry.plain


def _mutable(message, payload):
    return (
        f"{message.route.plan.place} sends a {type(payload).__name__}, which could change on the way: "
        f"send something immutable (a tuple, a frozen dataclass, the order itself)"
    )
