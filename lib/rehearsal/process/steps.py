"""A business process as data: steps, what each comes after, what undoes it. The style in which it runs is another word.

The operations are declared once, at the services that do them; a process says which belong together and in what order.
Nothing here runs, and nothing here knows of calls or events: that is for `orchestrate`, `choreograph`, `monolith` and
`blend`, each of which turns the same process into a system.
"""

from dataclasses import dataclass, field
from typing import Any

from rehearsal.arguments import name_of, parts
from rehearsal.errors import ModelError, unknown
from rehearsal.policies import Retry
from rehearsal.service import Operation
from rehearsal.units import minute, sec

UNDO = Retry(5, wait=0.1 * sec, factor=2)
TAIL = Retry(10, wait=1 * sec, factor=2, cap=1 * minute)


@dataclass(frozen=True)
class Step:
    """Do one operation, `after` others, and say what undoes it.

    `event` is the fact when it is done, in the past tense, `fails` the fact when it cannot be, `undone` the fact when
    it has been undone. `when(payload)` says for
    which requests it is done at all; for others it counts as done, at no cost. An `optional` step ends the process for
    nobody: it may fail, or come later than the answer.
    """

    operation: Operation
    event: str = ""
    undo: Operation | None = None
    after: Any = ()
    when: Any = field(default=None, repr=False)
    optional: bool = False
    fails: str = ""
    undone: str = ""

    def __post_init__(self):
        if not isinstance(self.operation, Operation):
            raise TypeError(f"a step does an operation, such as Step(reserve), not {self.operation!r}")
        if self.undo is not None and not isinstance(self.undo, Operation):
            raise TypeError(f"undo of step {self.name} is an operation, not {self.undo!r}")
        if self.undo is not None and self.undo.undoes not in (self.name, self.operation.work):
            raise ModelError(f"{self.undo.place} does not undo {self.name}: declare it with undoes={self.name}")
        if self.when is not None and not callable(self.when):
            raise TypeError(f"when of step {self.name} is a function of the payload, not {self.when!r}")
        object.__setattr__(self, "after", tuple(map(name_of, () if self.after is None else parts(self.after))))
        object.__setattr__(self, "event", self.event or f"{self.name}.done")
        object.__setattr__(self, "fails", self.fails or f"{self.name}.failed")
        object.__setattr__(self, "undone", self.undone or f"{self.undo.name if self.undo else self.name}.undone")

    @property
    def name(self):
        """Return the name of its operation."""
        return self.operation.name

    @property
    def service(self):
        """Return the name of the service that does it."""
        return self.operation.service

    def applies(self, payload):
        """Return whether it is done for this payload."""
        return self.when is None or bool(self.when(payload))


class Process:
    """Hold the steps of a business process, a graph without cycles.

    Invariant: every step comes after steps of this process only, all names and events are distinct, and nothing waits
    for an optional step. So each style can trust it, and a mistake is found before anything runs. Once the `pivot` is
    done there is no way back: a later step that fails is tried again, as `tail` says, and then left to a person. An
    undo that fails is tried again as `again` says, and then left to a person as well.
    """

    def __init__(self, name, steps, *, pivot=None, tail=TAIL, again=UNDO):
        self.name, steps = name, list(parts(steps))
        for step in steps:
            if not isinstance(step, Step):
                raise TypeError(f"a process is made of steps, such as Step(reserve), not of {step!r}")
        self.steps = {step.name: step for step in steps}
        self.pivot = None if pivot is None else name_of(pivot)
        self.tail, self.again = tail, again
        _check(self, steps)
        _check_pivot(self)

    def before(self, step):
        """Return the steps that one comes after, directly."""
        return [self.steps[name] for name in step.after]

    def following(self, step):
        """Return all the steps that come after one, directly or not, in order."""
        found = {step.name}
        for other in self.steps.values():
            if found & set(other.after):
                found.add(other.name)
        return [s for s in self.steps.values() if s.name in found and s is not step]

    @property
    def ends(self):
        """Return the steps after which only optional ones come, if any: when they are done, it is done."""
        waited = {name for step in self.steps.values() if not step.optional for name in step.after}
        return [s for s in self.steps.values() if s.name not in waited and not s.optional]

    @property
    def beyond(self):
        """Return the names of the steps after the pivot, which are never undone."""
        return frozenset() if self.pivot is None else {s.name for s in self.following(self.steps[self.pivot])}

    def insists(self, step):
        """Return whether a step is tried again until it is done, since there is no way back from it."""
        return step.name in self.beyond and not step.optional

    def expects(self, payload):
        """Return the names of the effects that a request has when it is done: those of every step that applies."""
        return {s.name for s in self.steps.values() if s.applies(payload) and not s.optional}

    def needs(self, steps, payload):
        """Return which of these have to be done for a payload: one that does not apply stands for those before it."""
        found: dict = {}
        for step in steps:
            met = [step] if step.applies(payload) else self.needs(self.before(step), payload)
            found |= {other.name: other for other in met}
        return list(found.values())

    def __repr__(self):
        steps = [f"{s.name} after {', '.join(s.after)}" if s.after else s.name for s in self.steps.values()]
        return f"Process({self.name}: {'; '.join(steps)})"


def _check_pivot(process):
    if process.pivot is None:
        return
    if process.pivot not in process.steps:
        words = unknown("step", process.pivot, process.steps)
        raise ModelError(f"{process.name!r} turns at a step it has not: {words}")
    pivot = process.steps[process.pivot]
    if pivot.when is not None or pivot.optional:
        raise ModelError(f"{pivot.name} is not done for every request: nothing turns at a step that may be left out")
    for step in process.steps.values():
        before = pivot in process.following(step)
        if step is not pivot and not before and step.name not in process.beyond and not step.optional:
            raise ModelError(f"{step.name} is neither before nor after the pivot {pivot.name}: is there a way back?")


def _check(process, steps):
    if not steps:
        raise ModelError(f"the process {process.name!r} has no steps")
    for step in steps:
        if [s.name for s in steps].count(step.name) > 1:
            raise ModelError(f"the process {process.name!r} has two steps {step.name!r}: names tell them apart")
        for name in step.after:
            if name not in process.steps:
                words = unknown("step", name, process.steps)
                raise ModelError(f"{step.name} comes after a step that is not there: {words}")
            if process.steps[name].optional:
                raise ModelError(f"{step.name} comes after {name}, which is optional: nothing can wait for it")
    undos = [step.undo for step in steps if step.undo is not None]
    for undo in undos:
        if undo in [step.operation for step in steps] or undos.count(undo) > 1:
            raise ModelError(f"{undo.place} undoes one step, and is none itself: give each step an undo of its own")
    facts = [f"{process.name}.{word}" for word in ("placed", "completed", "cancelled", "timed_out")]
    facts += [fact for step in steps for fact in (step.event, step.fails)]
    for fact in facts:
        if facts.count(fact) > 1:
            raise ModelError(f"{fact!r} would be published twice in {process.name!r}: give a step another event")
    order: list = []  # one in which the steps could be done
    while len(order) < len(steps):
        ready = next((s.name for s in steps if s.name not in order and set(order) >= set(s.after)), None)
        if ready is None:
            rest = [s.name for s in steps if s.name not in order]
            raise ModelError(f"the process {process.name!r} goes in a circle: {' → '.join([*rest, rest[0]])}")
        order.append(ready)
    process.steps = {name: process.steps[name] for name in order}
