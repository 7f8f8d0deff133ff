"""Nobody knows the flow: each service reacts to the events it waits for, and tells what it did or could not do."""

from math import inf

from rehearsal.errors import ModelError
from rehearsal.process.acts import doing, hopeless, undoing
from rehearsal.process.stage import host, stage
from rehearsal.service import AGAIN


def choreograph(
    process, *, name=None, at="orders", workers=100, objective=inf, failures=True, timeout=None, retry=AGAIN,
    idempotent=None, outbox=None, careful=True,
):  # fmt: skip
    """Return the process as a system of services that react to each other's events.

    Requests are accepted at the service `at`, which knows no step. A step that waits for several others joins their
    events by request. With `failures` a step that cannot be done says so, and every service that did something before
    it undoes that, the last first; with `timeout` [ms] so it does where a request has not ended so long after it was
    placed, whatever keeps it: a deadline, kept by a clock at `at` that the event of its placing starts.
    `idempotent`, `outbox` and `careful` are as for `orchestrate`. A service that has to react to one fact in several
    ways, with two steps or two undos of its own, hears it once for each, in groups of their own.
    """
    if timeout is not None and process.pivot is not None:
        raise ModelError(f"who hears nothing cannot know whether {process.pivot} is done: no timeout with a pivot")
    system = stage(process, name or f"choreographed {process.name}", outbox)
    orders = host(process, system, at, workers, outbox=outbox)
    dance = Dance(process, system, orders, failures, retry, idempotent, careful)
    accept = dance.accept()
    for step in process.steps.values():
        dance.step(step)
    done = dance.end(timeout)
    failed = dance.undo(timeout) if process.ends and (failures or timeout is not None) else None
    system.accepts(process.name, accept, objective=objective, done=done, failed=failed)
    return system


class Dance:
    """Hold what the handlers of one choreographed process have in common while they are declared.

    Invariant: what a service does for one reason is one handler, in a group of its own where it hears an event before.
    """

    def __init__(self, process, system, orders, failures, retry, idempotent=None, careful=True):
        self.process, self.system, self.orders, self.retry = process, system, orders, retry
        self.failures, self.idempotent, self.careful = failures, idempotent, careful
        self.placed = f"{process.name}.placed"
        self.expired = f"{process.name}.timed_out"

    def _on(self, service, topics, function, name, when=None, **how):
        group = name if any(topic in service.subscriptions for topic in topics) else ""
        if when is not None:  # it knows the conditions of its own step, and of those it hears of
            steps = self.process.steps.values()
            heard = [s for s in steps if {s.event, s.undone} & {*topics} or name in (s.name, s.undo and s.undo.name)]
            when.score = {s.name: s.when for s in heard if s.when is not None}
        service.on(tuple(topics), name=name, when=when, group=group, **{"retry": self.retry, **how})(function)

    def _once(self, operation):
        return operation.idempotent if self.idempotent is None else self.idempotent

    def accept(self):
        """Declare where requests enter: the fact is told, and the client has an answer."""
        placed = self.placed

        def accept(ctx, payload):
            ctx.publish(placed, payload)
            return "accepted"

        return self.orders.operation(name="accept", work="place", publishes=placed)(accept)

    def step(self, step):
        """Declare that a service does a step once all it needs has happened."""
        topics = self._starts(step)
        plain = step.when is None and len(topics) == 1

        def when(payload, come):
            return step.applies(payload) and come >= self._needed(self.process.before(step), payload)

        beyond = self.process.insists(step)
        fails = self.failures and not beyond
        facts = [step.event, step.fails][: 1 + fails] if not step.optional else []  # nobody waits for it
        facts += step.operation.publishes
        work = {"takes": step.operation.takes, "work": step.operation.work, "publishes": facts}
        work |= {"idempotent": self._once(step.operation), "retry": self.process.tail if beyond else self.retry}
        self._on(
            self.system.services[step.service], topics, self._doing(step), step.name, None if plain else when, **work
        )

    def _starts(self, step):
        """Return every event that may be the last a step waits for."""
        found: dict = {}
        for other in self.process.before(step):
            found[other.event] = True
            if other.when is not None:
                found |= dict.fromkeys(self._starts(other))
        return list(found) or [self.placed]

    def _needed(self, steps, payload):
        return {s.event for s in self.process.needs(steps, payload)} or {self.placed}

    def _doing(self, step):
        body, beyond = doing(step, self.careful), self.process.insists(step)
        failures = self.failures and not beyond
        last = (self.process.tail if beyond else self.retry).times

        def do(ctx, payload):
            fact = step.event
            try:
                if not body(ctx, payload):
                    return
            except Exception as problem:
                final = hopeless(ctx, problem, last)
                if beyond and final:
                    ctx.park(f"no way back after {self.process.pivot}: {problem}")
                if not failures or not final:
                    raise
                fact = step.fails
            if not step.optional:
                ctx.publish(fact, payload)

        return do

    def end(self, timeout):
        """Declare the end: the event of the last step, or where there are several, of the last of all."""
        process, ends = self.process, self.process.ends
        if not ends:  # all is optional: nobody waits for any of it
            return self.placed
        if len(ends) == 1 and ends[0].when is None and timeout is None:
            return ends[0].event
        completed = f"{process.name}.completed"
        topics = list(dict.fromkeys(t for e in ends for t in (e.event, *(self._starts(e) if e.when else ()))))

        def when(payload, come):
            return come >= self._needed(ends, payload)

        def complete(ctx, payload):
            if payload not in ctx.state.get("expired", ()):  # there is one end, and who has cancelled does not complete
                ctx.state.setdefault("ended", set()).add(payload)
                ctx.publish(completed, payload)

        self._on(self.orders, topics, complete, "complete", when, publishes=completed)
        return completed

    def undo(self, timeout, conducted=frozenset()):
        """Declare who undoes what when a step fails, and when the whole is cancelled.

        What a conductor does, it undoes itself when another step of its own fails.
        """
        process = self.process
        steps = list(process.steps.values())
        after = {s.name: {f.name for f in process.following(s)} for s in steps}
        # For each cause, the steps it does not undo: those it kept from happening, and those of the conductor.
        causes: dict = {}
        for step in steps:
            if self.failures and not step.optional and step.name not in process.beyond:
                causes[step.fails] = {step.name, *after[step.name], *(conducted if step.name in conducted else ())}
        if timeout is not None:
            self._watch(timeout)
            causes[self.expired] = set()
        undoable = [s for s in steps if s.undo is not None and any(s.name not in out for out in causes.values())]
        for step in undoable[1:]:
            if step.undone in {s.undone for s in undoable if s is not step}:
                raise ModelError(f"two undos tell of it by {step.undone!r}: give one of their steps another undone=")

        def heard(payload, come, waits):
            return any(
                cause in come and come >= {u.undone for u in undoable if u.name in waits - out and u.applies(payload)}
                for cause, out in causes.items()
            )

        for step in undoable:
            topics = [c for c, out in causes.items() if step.name not in out]
            topics += [u.undone for u in undoable if u.name in after[step.name]]
            waits = after[step.name]
            self._on(
                self.system.services[step.undo.service], topics, self._undoing(step), step.undo.name,
                lambda payload, come, s=step, w=waits: s.applies(payload) and heard(payload, come, w),
                takes=step.undo.takes, work=step.undo.work, publishes=step.undone, undoes=step.undo.undoes,
                idempotent=self._once(step.undo), retry=process.again,
            )  # fmt: skip
        return self._cancel(causes, undoable, heard)

    def _undoing(self, step):
        body, last = undoing(step, self.careful), self.process.again.times

        def undo(ctx, payload):
            found = False
            try:
                found = body(ctx, payload)
            except Exception as problem:
                if not hopeless(ctx, problem, last):
                    raise
                ctx.park(f"{step.undo.name} failed: {problem}")
            ctx.publish(step.undone, payload)  # whoever waits for it goes on, and a person looks after this one
            return found

        return undo

    def _cancel(self, causes, undoable, heard):
        cancelled = f"{self.process.name}.cancelled"
        everything = {u.name for u in undoable}

        def cancel(ctx, payload):
            ctx.state.setdefault("ended", set()).add(payload)
            ctx.publish(cancelled, payload)

        topics = [*causes, *(u.undone for u in undoable)]
        self._on(
            self.orders, topics, cancel, "cancel", lambda payload, come: heard(payload, come, everything),
            publishes=cancelled,
        )  # fmt: skip
        return cancelled

    def _watch(self, timeout):
        expired = self.expired

        def watch(ctx, payload):
            yield ctx.sleep(timeout)
            if payload not in ctx.state.get("ended", ()):
                ctx.state.setdefault("expired", set()).add(payload)
                ctx.publish(expired, payload)

        # Nobody is held while it waits: as many sleepers as there are requests.
        self._on(self.orders, [self.placed], watch, "watch", publishes=expired, workers=1_000_000)
