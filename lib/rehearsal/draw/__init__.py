"""Floor 5: the pictures. Each takes a run, draws on a panel, and says in words what it drew."""

from rehearsal.draw.backlog import backlog
from rehearsal.draw.blast import blast, blast_pair
from rehearsal.draw.breach import breach
from rehearsal.draw.damage import damage
from rehearsal.draw.fates import fates, fates_pair
from rehearsal.draw.goodput import goodput, goodput_pair
from rehearsal.draw.health import health, health_pair
from rehearsal.draw.house import guess, pair, panel, style, title
from rehearsal.draw.interaction import interaction, interaction_pair
from rehearsal.draw.multiples import multiples
from rehearsal.draw.pareto import pareto
from rehearsal.draw.process import process
from rehearsal.draw.propagation import propagation, propagation_pair
from rehearsal.draw.sequence import sequence, sequence_pair
from rehearsal.draw.show import alt, describe, png, show
from rehearsal.draw.sweep import sweep
from rehearsal.draw.tails import tails
from rehearsal.draw.tornado import tornado
from rehearsal.draw.waterfall import waterfall, waterfall_pair
from rehearsal.draw.winners import winners
from rehearsal.draw.wiring import wiring, wiring_pair
from rehearsal.draw.workers import workers

__all__ = [
    "alt",
    "backlog",
    "blast",
    "blast_pair",
    "breach",
    "damage",
    "describe",
    "fates",
    "fates_pair",
    "goodput",
    "goodput_pair",
    "guess",
    "health",
    "health_pair",
    "interaction",
    "interaction_pair",
    "multiples",
    "pair",
    "panel",
    "pareto",
    "png",
    "process",
    "propagation",
    "propagation_pair",
    "sequence",
    "sequence_pair",
    "show",
    "style",
    "sweep",
    "tails",
    "title",
    "tornado",
    "waterfall",
    "waterfall_pair",
    "winners",
    "wiring",
    "wiring_pair",
    "workers",
]
