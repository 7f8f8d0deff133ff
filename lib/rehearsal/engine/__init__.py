"""Floor 2: perform a blueprint on a SimPy clock. The only floor that imports simpy."""

from rehearsal.engine.fates import FATES
from rehearsal.engine.runs import Run, run

__all__ = ["FATES", "Run", "run"]
