"""What was really done in the world: one entry an effect, whoever learns of it, and whatever the caller was told."""

from functools import partial
from typing import NamedTuple

from rehearsal.engine.sources import payload
from rehearsal.errors import ModelError

KNOWN = ("effects", "faults", "loads", "now", "parked", "seed", "states", "system", "table", "trace")


class Effect(NamedTuple):
    """Say that `amount` of something was done at `at` [ms] for a request by a service; a negative amount undoes it."""

    at: float
    request: int
    service: str
    name: str
    amount: float
    span: int


def effects(entries):
    """Return what a ledger holds as effects."""
    return [*map(partial(tuple.__new__, Effect), zip(*[iter(entries)] * len(Effect._fields), strict=True))]


class Parked(NamedTuple):
    """Say that a request waits for a person since `at` [ms], and why."""

    at: float
    request: int
    service: str
    why: str


class Moment:
    """Show a run as it stands after an effect, or after a step of a handler, to a function that watches it.

    It has what a finished run has and what costs nothing before the end (`KNOWN`), so that one invariant serves both;
    of the columns of `trace` and `table` only the first `len(trace)` and `len(table)` rows count. What only a moment
    has is the message that was worked on, `span`, and the `request` it belongs to. It is live: look, keep nothing,
    change nothing.
    """

    __slots__ = ("_engine", "request", "span")

    def __init__(self, engine, message):
        self._engine, self.request, self.span = engine, message.case.row, message.row

    def __getattr__(self, name):
        """Return what a run has as well, or say what is known at a moment."""
        engine = self._engine
        if name in ("effects", "loads", "parked"):
            return getattr(engine.ledger, name)
        if name == "states":
            return states(engine)
        if name in ("faults", "seed"):
            return getattr(engine.compiler, name)
        if name in KNOWN:
            return getattr(engine, name)
        raise AttributeError(
            f"a moment of a run has no {name!r}, only {', '.join(KNOWN)}: what needs more is asked at the end, "
            f"without @always"
        )

    def payload(self, row):
        """Return what was asked for with a request, by its row in `table`."""
        return payload(self, row)


class Ledger:
    """Hold the effects of a run in the order in which they happened, and who waits for a person.

    Invariant: nothing is ever taken out; what is undone is an entry of its own. So a sum over a request tells what is
    left of it: 0 nothing, 1 once, 2 twice. Who watches sees every effect (and every step of a handler, where the watch
    has the mark `each_step`) and changes nothing: where it raises, no handler has failed, and the run ends. What it
    does not model: effects that fail half-way.
    """

    def __init__(self, engine, watch=None):
        self.engine, self.watch = engine, watch
        self.loads: tuple = ()  # of the run: an invariant may ask what was asked for
        self.entries: list = []  # one after another, field by field: nothing for the garbage collector to look at
        self.parked: list[Parked] = []
        self._read: list[Effect] = []
        if getattr(watch, "each_step", False):  # no other run pays for it
            engine.finish, engine.settle = self._watched(engine.finish), self._watched(engine.settle)
            engine.resume = self._watched(engine.resume, after=True)

    def _watched(self, step, after=False):
        """Return a step of the engine with a look at what a handler has done, before it is told to anybody."""

        def stepped(message, *rest):
            if not after:
                self.look(message)
            step(message, *rest)
            if after and message.work is not None:  # else it has finished, or died
                self.look(message)

        return stepped

    def look(self, message):
        """Let whoever watches look."""
        try:
            self.watch(Moment(self.engine, message))
        except Exception as error:
            words = str(error) if isinstance(error, ModelError) else f"the watch: {type(error).__name__}: {error}"
            raise self.engine.mistake(words) from error

    @property
    def effects(self):
        """Return the effects so far; each is read once."""
        self._read += effects(self.entries[len(self._read) * len(Effect._fields) :])
        return self._read

    def park(self, message, why):
        """Leave a request to a person."""
        self.parked.append(Parked(self.engine.now, message.case.row, message.route.plan.node.name, str(why)))


def states(engine):
    """Return the memory of each service, and of each part of a monolith, by name."""
    nodes = engine.compiler.nodes
    return {name: node.state for name, node in nodes.items() if not node.broker and name != "client"}
