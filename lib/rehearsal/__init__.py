"""Rehearse your architecture before opening night: build a system twice, run it, break it, see how failure travels."""

from rehearsal.draws import Constant, Empirical, Exponential, Lognormal, Uniform
from rehearsal.engine import FATES, Run, run
from rehearsal.errors import DesignWarning, Failed, Lost, ModelError, Refused, Rejected, TimedOut
from rehearsal.faults import Crash, Errors, Slow
from rehearsal.load import Closed, Evenly, Poisson, Times
from rehearsal.policies import Retry
from rehearsal.system import System
from rehearsal.units import minute, ms, sec

__all__ = [
    "FATES", "Closed", "Constant", "Crash", "DesignWarning", "Empirical", "Errors", "Evenly", "Exponential", "Failed",
    "Lognormal", "Lost", "ModelError", "Poisson", "Refused", "Rejected", "Retry", "Run", "Slow", "System", "TimedOut",
    "Times", "Uniform", "minute", "ms", "run", "sec",
]  # fmt: skip
