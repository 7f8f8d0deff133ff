"""What went wrong in a reader's handler by accident: shown once, with the place, and counted."""

import sys
from linecache import getline
from traceback import extract_tb


class Mishaps:
    """Keep each unexpected exception once, with how often it happened; to the system it is a failure of that work.

    The words name function, line within it and source text, never a file: they are the same on every machine.
    """

    def __init__(self):
        self.counts: dict[str, int] = {}

    def note(self, plan, error, now):
        """Take note of an exception, and show it the first time."""
        words = f"{plan.place} raised {type(error).__name__}: {error}"
        if words not in self.counts:
            print(f"{words} (first at {now:.6g} ms)\n{_places(plan.handler.function, error)}", file=sys.stderr)
        self.counts[words] = self.counts.get(words, 0) + 1


def _places(function, error):
    frames = [f for f in extract_tb(error.__traceback__) if "rehearsal/engine" not in f.filename.replace("\\", "/")]
    first = function.__code__.co_firstlineno - 1
    own = function.__code__.co_filename
    lines = []
    for frame in frames:
        number = frame.lineno or 0
        source = getline(frame.filename, number).strip() or "(source not at hand)"
        lines.append(f"  in {frame.name}, line {number - first if frame.filename == own else number}: {source}")
    return "\n".join(lines)
