"""Floor 3: a business process as data, and the styles that turn it into a system."""

from rehearsal.process.blend import blend
from rehearsal.process.chain import chain
from rehearsal.process.choreography import choreograph
from rehearsal.process.monolith import monolith
from rehearsal.process.orchestration import orchestrate
from rehearsal.process.steps import Process, Step

__all__ = [
    "Process", "Step", "blend", "chain", "choreograph", "monolith", "orchestrate",
]  # fmt: skip
