"""Search for the shortest sequence of faults that breaks an invariant, and say what was searched."""

from rehearsal.search.findings import Finding, Nothing
from rehearsal.search.hunt import break_it, under_each
from rehearsal.search.moments import KINDS, catalogue, paste

__all__ = ["KINDS", "Finding", "Nothing", "break_it", "catalogue", "paste", "under_each"]
