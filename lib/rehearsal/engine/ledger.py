"""What was really done in the world: one entry an effect, whoever learns of it, and whatever the caller was told."""

from typing import NamedTuple


class Effect(NamedTuple):
    """Say that `amount` of something was done at `at` [ms] for a request by a service; a negative amount undoes it."""

    at: float
    request: int
    service: str
    name: str
    amount: float
    span: int


class Parked(NamedTuple):
    """Say that a request waits for a person since `at` [ms], and why."""

    at: float
    request: int
    service: str
    why: str


class Moment:
    """Show a run as it stands after an effect, to a function that watches it.

    `effects` so far, `states` of the services by name, and `now` [ms]: the same words as a finished run has, so that
    one invariant serves both. It is live: look, keep nothing, change nothing.
    """

    __slots__ = ("_engine",)

    def __init__(self, engine):
        self._engine = engine

    @property
    def now(self):
        """Return the time [ms]."""
        return self._engine.now

    @property
    def effects(self):
        """Return the effects so far."""
        return self._engine.ledger.effects

    @property
    def states(self):
        """Return the memory of each service by name."""
        return states(self._engine)


class Ledger:
    """Hold the effects of a run in the order in which they happened, and who waits for a person.

    Invariant: nothing is ever taken out; what is undone is an entry of its own. So a sum over a request tells what is
    left of it: 0 nothing, 1 once, 2 twice. What it does not model: effects that fail half-way.
    """

    def __init__(self, engine, watch=None):
        self.engine, self.watch = engine, watch
        self.effects: list[Effect] = []
        self.parked: list[Parked] = []

    def enter(self, message, name, amount):
        """Write an effect down, and let whoever watches look."""
        service = message.route.plan.node.name
        self.effects.append(Effect(self.engine._now, message.case.row, service, name, amount, message.row))
        if self.watch is not None:
            self.watch(Moment(self.engine))

    def park(self, message, why):
        """Leave a request to a person."""
        self.parked.append(Parked(self.engine.now, message.case.row, message.route.plan.node.name, str(why)))


def states(engine):
    """Return the memory of each service, and of each part of a monolith, by name."""
    nodes = engine.compiler.nodes
    return {name: node.state for name, node in nodes.items() if not node.broker and name != "client"}
