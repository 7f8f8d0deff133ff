"""Rehearse your architecture before opening night: build a system twice, run it, break it, see how failure travels."""

from rehearsal.changes import changes
from rehearsal.designs import blends
from rehearsal.draws import Constant, Empirical, Exponential, Lognormal, Uniform
from rehearsal.engine import FATES, Run, run
from rehearsal.errors import (
    BulkheadFull,
    CircuitOpen,
    DesignWarning,
    Failed,
    Lost,
    ModelError,
    Refused,
    Rejected,
    TimedOut,
)  # fmt: skip
from rehearsal.explain import explain
from rehearsal.faults import Breakdowns, Crash, CrashAt, Errors, LoadSpike, Mute, Slow
from rehearsal.load import Closed, Evenly, Poisson, Times
from rehearsal.network import Delay, Drop, Duplicate, Partition, Reorder
from rehearsal.policies import Bulkhead, CircuitBreaker, Guard, Hedge, Retry, RetryBudget
from rehearsal.process import (
    Process,
    Step,
    blend,
    chain,
    choreograph,
    monolith,
    orchestrate,
)  # fmt: skip
from rehearsal.system import System
from rehearsal.units import minute, ms, sec

__all__ = [
    "FATES",
    "Breakdowns",
    "Bulkhead",
    "BulkheadFull",
    "CircuitBreaker",
    "CircuitOpen",
    "Closed",
    "Constant",
    "Crash",
    "CrashAt",
    "Delay",
    "DesignWarning",
    "Drop",
    "Duplicate",
    "Empirical",
    "Errors",
    "Evenly",
    "Exponential",
    "Failed",
    "Guard",
    "Hedge",
    "LoadSpike",
    "Lognormal",
    "Lost",
    "ModelError",
    "Mute",
    "Partition",
    "Poisson",
    "Process",
    "Refused",
    "Rejected",
    "Reorder",
    "Retry",
    "RetryBudget",
    "Run",
    "Slow",
    "Step",
    "System",
    "TimedOut",
    "Times",
    "Uniform",
    "blend",
    "blends",
    "chain",
    "changes",
    "choreograph",
    "explain",
    "minute",
    "monolith",
    "ms",
    "orchestrate",
    "run",
    "sec",
]  # fmt: skip
