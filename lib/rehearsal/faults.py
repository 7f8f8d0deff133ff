"""What can break, as data: frozen, printable, comparable, combinable in any number.

Windows are half-open, [at, at + lasting), and at a tie the fault goes first. A fault names its service, and the name
is all that counts, so that one fault strikes the same service in every style.
"""

from dataclasses import dataclass
from math import inf

from rehearsal.units import duration, pretty


def _name(service):
    return service if isinstance(service, str) else service.name


class Fault:
    """Hold what all faults share: whom they strike (`service`, by name), from `at` until `until` [ms]."""

    service: str
    at: float
    lasting: float

    @property
    def verb(self):
        """Return what happens to the service, in a word or two."""
        return "strikes"

    def __post_init__(self):
        object.__setattr__(self, "service", _name(self.service))
        duration(self.at, f"at of {type(self).__name__}")
        duration(self.lasting, f"lasting of {type(self).__name__}", positive=True, ever=True)

    @property
    def until(self):
        """Return the moment it is over [ms]: the first one at which the service is well again."""
        return self.at + self.lasting

    @property
    def label(self):
        """Return the words for a picture."""
        return f"{self.service} {self.verb}"

    def __str__(self):
        return f"{self.label} from {pretty(self.at)} for {pretty(self.lasting)}"


@dataclass(frozen=True)
class Crash(Fault):
    """Stop a service (or a broker) at `at` for `lasting` [ms]; without `lasting`, for ever.

    Work in progress is lost, and so is what waits in memory: their callers hear of a broken connection one network
    hop later. Messages from a broker are durable: those waiting stay, those in work are delivered again, first in
    line, after the restart. Arrivals while it is down are refused at once. After the restart every worker is free. A
    broker keeps what it holds; publishers keep what they could not hand over, and hand it over at the restart.
    """

    service: str
    at: float
    lasting: float = inf

    @property
    def verb(self):
        """Return what happens to the service, in a word or two."""
        return "down"


@dataclass(frozen=True)
class Slow(Fault):
    """Make all work that starts in the window take `factor` times as long."""

    service: str
    factor: float
    at: float = 0.0
    lasting: float = inf

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.factor < inf:
            raise ValueError(f"the factor of Slow must be greater than 0, not {self.factor!r}")

    @property
    def verb(self):
        """Return what happens to the service, in a word or two."""
        return f"×{self.factor:g} slower"


@dataclass(frozen=True)
class Errors(Fault):
    """Let a share `rate` (0 to 1) of the work that ends in the window fail, after its time and without its effect."""

    service: str
    rate: float
    at: float = 0.0
    lasting: float = inf

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.rate <= 1:
            raise ValueError(f"the rate of Errors is a share from 0 to 1, not {self.rate!r}")

    @property
    def verb(self):
        """Return what happens to the service, in a word or two."""
        return f"{self.rate:.0%} errors"
