"""Floor 5: the pictures. Each takes a run, draws on a panel, and says in words what it drew."""

from rehearsal.draw.fates import fates, fates_pair
from rehearsal.draw.house import guess, pair, panel, style, title
from rehearsal.draw.interaction import interaction
from rehearsal.draw.sequence import sequence, sequence_pair
from rehearsal.draw.show import alt, describe, png, show
from rehearsal.draw.wiring import wiring

__all__ = [
    "alt",
    "describe",
    "fates",
    "fates_pair",
    "guess",
    "interaction",
    "pair",
    "panel",
    "png",
    "sequence",
    "sequence_pair",
    "show",
    "style",
    "title",
    "wiring",
]
