"""What can break, as data: frozen, printable, comparable, combinable in any number.

Windows are half-open, [at, at + lasting), and at a tie the fault goes first. A fault names what it strikes, and the
name is all that counts, so that one fault strikes the same service in every style. Faults of the network are in
`network`.
"""

from dataclasses import dataclass, field
from math import inf

from rehearsal.arguments import choice, factor, name_of, plain, share, whole
from rehearsal.draws import Distribution, times
from rehearsal.service import CLIENT
from rehearsal.units import duration, pretty


class Fault:
    """Hold what all faults share: whom they strike, from `at` until `until` [ms]."""

    service: str
    at: float
    lasting: float
    replica: int | None = None  # which one it stops; None: all of them
    work, queue, arrivals = "lost", "lost", "refused"  # of what it stops, where it does not say

    def __post_init__(self):
        object.__setattr__(self, "service", name_of(self.service))
        self.check_window()
        if self.replica is not None:
            whole(self.replica, f"replica of {type(self).__name__}", 1)

    def check_window(self, ever=True):
        """Raise ValueError or TypeError where it begins before the run, or strikes nothing because it is empty."""
        plain(self)
        duration(self.at, f"at of {type(self).__name__}")
        duration(self.lasting, f"lasting of {type(self).__name__}", positive=True, ever=ever)

    whom = property(lambda self: " – ".join(self.struck) + (f" #{self.replica}" if self.replica else ""))

    struck = property(lambda self: (self.service,))

    until = property(lambda self: self.at + self.lasting)

    label = property(lambda self: f"{self.whom} {self.verb}")

    def __str__(self):
        return f"{self.label} from {pretty(self.at)} for {pretty(self.lasting)}"


@dataclass(frozen=True)
class Crash(Fault):
    """Stop a service (or a broker) at `at` for `lasting` [ms]; without `lasting`, for ever.

    `work` in progress is "lost" (its callers hear of a broken connection one network hop later), or after the restart
    it begins anew ("restart") or goes on where it was ("resume"). The `queue` in memory is "lost" or "kept".
    `arrivals` while it is down are "refused" at once, "ignored" (a black hole: nobody is told anything until a
    time-out), or "wait" for the restart. Messages from a durable broker are kept whatever is said here: those waiting
    stay, those in work are delivered again, first in line. After the restart every worker is free. A service that is
    `durable` keeps queue and progress; with a `failover`, the outage is over when the standby has taken over. Of a
    service with replicas, `replica` names the one that stops, from 1: what it has in work is lost or kept, and goes on
    when it is back; the others go on with the queue, and the service is down only where none is left. Where it strikes
    what another fault keeps down, its words hold for what was kept so far, and for arrivals as long as it lasts.
    """

    service: str
    at: float
    lasting: float = inf
    work: str = "lost"
    queue: str = "lost"
    arrivals: str = "refused"
    replica: int | None = None

    def __post_init__(self):
        super().__post_init__()
        choice(self.work, "work of Crash", ("lost", "restart", "resume"))
        choice(self.queue, "queue of Crash", ("lost", "kept"))
        choice(self.arrivals, "arrivals of Crash", ("refused", "ignored", "wait"))

    verb = "down"


@dataclass(frozen=True)
class CrashAt(Fault):
    """Stop a service at one moment of the `count`-th message for one of its operations (or topics) since `at`.

    The three moments differ in what they leave behind. "before": the message finds it down. "during": its work is
    lost, without effect (a handler that waits for others has sent its first request). "after": the effect is done, and
    nobody learns of it; nothing was published, replied or acknowledged, so whoever asks again does it twice. Of a
    service with replicas it stops the one that has the message (all, where it finds none up). In process nothing is
    received: "before" is "during".
    """

    service: str
    operation: str
    moment: str = "after"
    count: int = 1
    lasting: float = inf
    at: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "operation", name_of(self.operation))
        choice(self.moment, "moment of CrashAt", ("before", "during", "after"))
        whole(self.count, "count of CrashAt", 1)

    verb = property(lambda self: f"down {self.moment} {self.operation}")

    def __str__(self):  # only the run knows the moment
        since = f" since {pretty(self.at)}" if self.at else ""
        return f"{self.label} no. {self.count}{since} for {pretty(self.lasting)}"


@dataclass(frozen=True)
class Breakdowns(Fault):
    """Stop a service again and again: it is up for a time drawn from `up`, down for one drawn from `down` [ms].

    The draws are keyed by their own count, and by the `replica` that breaks down (None: all at once). The clock that
    runs towards the next breakdown runs "always", or only while somebody is at work ("busy": what wears out by use).
    What waits is kept, and arrivals wait, as at a machine; `work` in progress is "lost", begins anew ("restart") or
    goes on ("resume").
    """

    service: str
    up: Distribution
    down: Distribution
    work: str = "lost"
    clock: str = "always"
    at: float = 0.0
    lasting: float = inf
    replica: int | None = None
    queue, arrivals = "kept", "wait"

    def __post_init__(self):
        super().__post_init__()
        for name in ("up", "down"):
            found = times(getattr(self, name), f"{name} of Breakdowns")
            if not found.mean > 0:
                raise ValueError(f"{name} of Breakdowns must be greater than 0, not {getattr(self, name)!r}")
            object.__setattr__(self, name, found)
        choice(self.work, "work of Breakdowns", ("lost", "restart", "resume"))
        choice(self.clock, "clock of Breakdowns", ("always", "busy"))

    verb = "breaks down"


@dataclass(frozen=True)
class Slow(Fault):
    """Make all work that starts in the window take `factor` times as long."""

    service: str
    factor: float
    at: float = 0.0
    lasting: float = inf

    def __post_init__(self):
        super().__post_init__()
        factor(self.factor, "the factor of Slow", 0)

    verb = property(lambda self: f"×{self.factor:g} slower" if self.factor >= 1 else f"×{1 / self.factor:g} faster")


@dataclass(frozen=True)
class Errors(Fault):
    """Let a share `rate` (0 to 1) of the work that ends in the window fail, after its time and without its effect."""

    service: str
    rate: float
    at: float = 0.0
    lasting: float = inf

    def __post_init__(self):
        super().__post_init__()
        share(self.rate, "the rate of Errors")

    verb = property(lambda self: f"{100 * self.rate:.3g}% errors")


@dataclass(frozen=True)
class Mute(Fault):
    """Let a service do its work and never tell: its replies, events and commands are lost; it still acknowledges."""

    service: str
    at: float = 0.0
    lasting: float = inf

    verb = "mute"


@dataclass(frozen=True)
class LoadSpike(Fault):
    """Offer `factor` times as many requests of an open load for a while: the usual ones, and others between them."""

    factor: float
    at: float
    lasting: float
    load: str = ""
    service: str = field(default=CLIENT, init=False, repr=False)

    def __post_init__(self):
        self.check_window(ever=False)
        factor(self.factor, "the factor of LoadSpike", 1)
        object.__setattr__(self, "load", name_of(self.load))

    verb = property(lambda self: f"asks ×{self.factor:g}")
