"""Say what theory predicts: closed formulas of queues, styles, failures, resilience and sagas, to hold a run against.

Every function speaks the words of the models: `every` is the mean time between arrivals [ms], `takes` the
mean time of one piece of work [ms], `workers` how many work side by side. So lambda = 1/every and mu =
workers/takes, both per millisecond; times come back in milliseconds, shares between 0 and 1. A *wait* is the
time in the queue, a *sojourn* the wait plus the work. A system that cannot keep up has no mean: its wait is
`inf`, not an error.

Sources: L. Kleinrock, *Queueing Systems* 1 (1975); M. Harchol-Balter, *Performance Modeling and Design of
Computer Systems* (2013); others are named per function. Pure Python, nothing simulated. What is not here: how much
shorter queues get where each request joins the shorter of two (the supermarket model), since nobody in these systems
sees a queue before he asks.
"""

from rehearsal.theory.failures import (
    availability,
    available,
    backlog_after,
    backlog_path,
    breakdown_sojourn,
    cleared_share,
    completion_time,
    delayed_by,
    drain_rate,
    drain_spread,
    drain_time,
    in_parallel,
    in_series,
    restart_time,
    with_failover,
)  # fmt: skip
from rehearsal.theory.queues import (
    closed_rate,
    closed_sojourn,
    erlang_b,
    erlang_c,
    first_waits,
    gm1_sojourn,
    md1_wait,
    mm1_quantile,
    mm1_sojourn,
    mm1_wait,
    mmc_wait,
    mmck_loss,
    mmck_wait,
    pollaczek_khinchine,
    utilisation,
)  # fmt: skip
from rehearsal.theory.resilience import (
    amplification,
    attempts,
    bulkhead_loss,
    calls_until_open,
    cancelled_share,
    done_and_unknown,
    hedged_mean,
    hedged_quantile,
    metastable,
    retrial_wait,
    retried_sojourn,
    storm_over,
    zombie_share,
)  # fmt: skip
from rehearsal.theory.sagas import (
    dead_letter_share,
    duplicate_share,
    saga_calls,
    saga_committed,
    saga_parked,
    saga_steps,
    saga_undone,
    times_done,
)  # fmt: skip
from rehearsal.theory.styles import (
    fork_join,
    harmonic,
    polling_delay,
    slowest_of,
    tandem,
)  # fmt: skip

__all__ = [
    "amplification",
    "attempts",
    "availability",
    "available",
    "backlog_after",
    "backlog_path",
    "breakdown_sojourn",
    "bulkhead_loss",
    "calls_until_open",
    "cancelled_share",
    "cleared_share",
    "closed_rate",
    "closed_sojourn",
    "completion_time",
    "dead_letter_share",
    "delayed_by",
    "done_and_unknown",
    "drain_rate",
    "drain_spread",
    "drain_time",
    "duplicate_share",
    "erlang_b",
    "erlang_c",
    "first_waits",
    "fork_join",
    "gm1_sojourn",
    "harmonic",
    "hedged_mean",
    "hedged_quantile",
    "in_parallel",
    "in_series",
    "md1_wait",
    "metastable",
    "mm1_quantile",
    "mm1_sojourn",
    "mm1_wait",
    "mmc_wait",
    "mmck_loss",
    "mmck_wait",
    "pollaczek_khinchine",
    "polling_delay",
    "restart_time",
    "retrial_wait",
    "retried_sojourn",
    "saga_calls",
    "saga_committed",
    "saga_parked",
    "saga_steps",
    "saga_undone",
    "slowest_of",
    "storm_over",
    "tandem",
    "times_done",
    "utilisation",
    "with_failover",
    "zombie_share",
]  # fmt: skip
