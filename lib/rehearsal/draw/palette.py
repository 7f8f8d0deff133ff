"""The one place where colours live: message kinds, fates, health, and the greys of the house.

Message kinds are told apart three ways (colour, line, arrow head), never by colour alone, so that a
picture survives a grey printer and a colour-blind reader.
"""

from typing import NamedTuple

INK = "#1F2328"
GREY = "#6B7280"
RULE = "#D0D3D8"
PAPER = "#FFFFFF"
BOX = "#F2F3F6"
BOX_EDGE = "#374151"
HUB = "#DCEAF6"
HUB_EDGE = "#0072B2"
BROKER = "#FBF6E9"
WORK = "#D5D9E1"
BAND = "#F0E4E4"
DOWN = "#A8001C"
DOWN_FACE = "#FBE9EA"
THEORY = "#B3400A"
DATA = "#0072B2"
PAIR = ("#0072B2", "#B3400A")


class Line(NamedTuple):
    """Hold how one kind of message is drawn: colour, matplotlib dash pattern, filled head or open, width [pt]."""

    colour: str
    dash: object
    filled: bool
    width: float = 1.8


DASHED = (0, (5, 2.2))
DASHDOT = (0, (5, 1.6, 1.2, 1.6))
DOTTED = (0, (1, 1.6))

KINDS = {
    "request": Line("#222222", "solid", True),
    "call": Line("#222222", "solid", True),
    "command": Line("#0072B2", DASHED, True),
    "event": Line("#96700A", DASHED, False),
    "compensation": Line("#A64D79", DASHDOT, True),
    "lost": Line("#A8001C", "solid", True, 2.2),
    "reply": Line("#9CA3AF", DOTTED, False, 1.2),
}

PALE = {"event": BROKER, "command": HUB, "compensation": "#F3E6EE", "lost": DOWN_FACE}

KIND_LABELS = {
    "call": "call (waits)",
    "command": "command (one addressee)",
    "event": "event (any reader)",
    "compensation": "compensation",
    "lost": "lost, failed or timed out",
    "reply": "reply",
}


class Mark(NamedTuple):
    """Hold how one fate is drawn: colour, marker, filled or hollow."""

    colour: str
    marker: str
    filled: bool


FATES = {
    "on time": Mark("#0072B2", "o", True),
    "late": Mark("#56B4E9", "o", False),
    "refused": Mark("#6B7280", "v", False),
    "rejected": Mark("#A8001C", "x", True),
    "failed": Mark("#B3400A", "+", True),
    "compensated": Mark("#A64D79", "s", False),
    "parked": Mark("#96700A", "D", False),
    "stuck": Mark("#111111", "*", True),
    "open": Mark("#9CA3AF", "^", False),
}

HEALTH = {
    "≥ 99 %": "#E3ECF2",
    "90–99 %": "#EBCB5B",
    "50–90 %": "#E69F00",
    "< 50 %": "#B3400A",
    "no traffic": PAPER,
}
LATE = "#9CCBE8"
LATE_INK = "#2B7BB0"
RETRY = "#A85A00"
OPEN = "#C3C7CF"

STRUCK = INK
IMPACT = {1: "#B3400A", 10: "#E69F00", 60: "#F3CB6B", float("inf"): "#FBEBBE"}  # hit within so many seconds
IMPACT_EDGE = "#7A3803"
WAYS = {"failure": Line("#A8001C", "solid", True, 3.2), "load": Line(RETRY, (0, (3, 1.2)), True, 2.4)}
QUIET = "#C6CAD1"
