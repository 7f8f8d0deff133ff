"""Hold what a sequence diagram shows, as plain data: spans, arrows, bars, waits, notes, shades."""

from math import isnan
from typing import NamedTuple

from rehearsal.units import pretty

BAD = ("rejected", "lost", "failed", "timeout", "unsent")


class Span(NamedTuple):
    """Hold one row of the trace, names for numbers, times [ms] since the offer of its request."""

    id: int
    parent: int
    kind: str
    source: str
    target: str
    name: str
    undo: bool
    attempt: int
    sent: float
    received: float
    started: float
    ended: float
    answered: float
    outcome: str
    answer: str

    @property
    def style(self):
        """Return the line of the palette: red for what went wrong, else compensation, else its kind."""
        if self.outcome in BAD or self.answer in BAD:
            return "lost"
        return "compensation" if self.undo else self.kind

    @property
    def abandoned(self):
        """Return True where the caller waits no longer: it timed out, or a crash took it."""
        return self.kind in ("request", "call") and self.answer in ("timeout", "none")

    @property
    def refused_entry(self):
        """Return True where the message never got into its target."""
        return self.outcome == "rejected" or (self.outcome == "lost" and isnan(self.received))


class Arrow(NamedTuple):
    """Hold a message on its way; `cross`: it ends in ✗ before it gets there; no target: no service hears it."""

    source: str
    target: str | None
    leaves: float
    arrives: float
    style: str
    label: str
    cross: bool = False


class Bar(NamedTuple):
    """Hold work at a service; `pale`: the caller gave up, nobody waits for it; `lane` > 0 where bars overlap.

    Work that a handler does in process has a name of its own: no arrow tells it.
    """

    service: str
    start: float
    end: float
    pale: bool
    lane: int = 0
    name: str = ""


class Wait(NamedTuple):
    """Hold a message that waits at a service, on the side where it came from, until it is taken or lost."""

    service: str
    source: str
    start: float
    end: float
    text: str
    style: str
    taken: bool


class Note(NamedTuple):
    """Hold words beside a lifeline at a moment, and whether a ✗ marks the moment itself; `loud`: a line across too."""

    service: str
    time: float
    text: str
    cross: bool = False
    loud: bool = False


class Shade(NamedTuple):
    """Hold the time in which a service had a fault."""

    service: str
    start: float
    end: float
    text: str
    down: bool


class Scene(NamedTuple):
    """Hold all there is to draw of one request."""

    kind: str
    number: int
    fate: str
    services: list
    arrows: list
    bars: list
    waits: list
    notes: list
    shades: list
    last: float
    settled: float
    answered: float

    @property
    def headline(self):
        """Say how the request ended, and after how long."""
        _, words, _ = self.endings[-1]
        return f"{self.kind.capitalize()} {self.number}: {words}"

    @property
    def endings(self):
        """Return [(time, words, fate)]: the answer, where it is not the end, and the end."""
        endings = []
        if not isnan(self.answered) and self.answered != self.settled:
            endings.append((self.answered, f"answered after {pretty(self.answered)}", ""))
        if isnan(self.settled):
            return [*endings, (self.last, self.fate, self.fate)]
        return [*endings, (self.settled, f"{self.fate} after {pretty(self.settled)}", self.fate)]

    @property
    def zombies(self):
        """Return how often work went on after its caller had given up."""
        return sum(bar.pale for bar in self.bars)

    def among(self, columns):
        """Return the scene without the services that have no lifeline."""
        return self._replace(
            arrows=[a for a in self.arrows if {a.source, a.target or a.source} <= set(columns)],
            bars=[b for b in self.bars if b.service in columns],
            waits=[w for w in self.waits if w.service in columns],
            notes=[n for n in self.notes if n.service in columns],
            shades=[s for s in self.shades if s.service in columns],
        )

    def moments(self):
        """Return every moment at which something begins or ends [ms]."""
        times = [0.0, self.last, self.settled, self.answered]
        times += [t for a in self.arrows for t in (a.leaves, a.arrives)]
        times += [t for part in (self.bars, self.waits) for one in part for t in (one.start, one.end)]
        times += [n.time for n in self.notes]
        return sorted({t for t in times if 0 <= t <= self.last})
