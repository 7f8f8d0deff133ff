"""Ask invariants of a run, at its end and at its moments: what is broken, of which request, and since when.

An invariant never changes a run. One that raises, or returns something else than None or a sentence, ends it with an
error that names the invariant, the moment and the faults: it is a mistake of whoever asks, no failure of a service.
"""

from contextlib import redirect_stderr
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from io import StringIO
from typing import Any

from rehearsal.effects import usual
from rehearsal.engine import run
from rehearsal.errors import ModelError
from rehearsal.units import pretty


@dataclass(frozen=True)
class Breach:
    """Say which invariant does not hold, what it says, of which request, and since which moment [ms] and message."""

    invariant: str
    said: str
    request: int | None
    at: float
    span: int
    run: Any = field(default=None, repr=False, compare=False)

    def __str__(self):
        return f"{self.invariant}: {self.said}, at {pretty(self.at)}"


def check(run, invariants, expects=None):
    """Return the breaches at the end of a run, in the order of the invariants; nothing where all hold."""
    said = [(invariant, _asker(invariant, expects)(run)) for invariant in several(invariants)]
    return [_at_the_end(invariant, words, run) for invariant, words in said if words is not None]


def first_breach(system, load, invariants, faults=(), seed=0, until=None, expects=None):
    """Run a system, look at every moment, and return the first `Breach`, with its `run`; None where all hold.

    Only what is marked with `always` is asked after every effect and step of a handler; the others are asked at the
    end. A hand-written system should do what its calm run does, where `expects` does not say.
    """
    if expects is None and system.process is None:
        with redirect_stderr(StringIO()):  # what its handlers raise, the run that is asked about shows
            expects = usual(run(system, load, seed=seed, until=until))
    _, breaches = watched(system, load, invariants, faults=faults, seed=seed, until=until, expects=expects)
    return breaches[0] if breaches else None


def watched(system, load, invariants, expects=None, **how):
    """Run a system and return the run and its breaches: those of a moment first, in order, then those at the end.

    The run remembers what was expected of it, so that whoever counts its damage later comes to the same.
    """
    invariants = several(invariants)
    waiting = {invariant: _asker(invariant, expects) for invariant in invariants if mark(invariant, "always")}
    found: dict = {}

    def look(moment):
        for invariant, ask in waiting.items():
            if invariant not in found:
                words = ask(moment)
                if words is not None:
                    found[invariant] = words, moment.now, moment.request, moment.span

    look.each_step = True  # type: ignore[attr-defined]
    done = run(system, load, watch=look if waiting else None, **how)
    done.expects = expects
    breaches = [_breach(invariant, done, *said) for invariant, said in found.items()]
    rest = [invariant for invariant in invariants if invariant not in found]
    return done, breaches + (check(done, rest, expects) if rest else [])


def several(invariants):
    """Return invariants as a tuple, one or several, or say what is wrong with them."""
    asked = (invariants,) if callable(invariants) else () if isinstance(invariants, str) else tuple(invariants)
    for each in asked:
        if not callable(each):
            raise TypeError(f"an invariant is a function of a run, such as all_or_nothing, not {each!r}")
    if not asked:
        raise ValueError(f"at least one invariant is wanted, such as all_or_nothing, not {invariants!r}")
    return asked


def title(invariant):
    """Return the name of an invariant in words.

    >>> title(check), title(partial(check, expects="paid"))
    ('check', 'check')
    """
    name = mark(invariant, "__name__") or type(invariant).__name__
    return name.replace("_", " ")


def mark(invariant, word):
    """Return what an invariant is marked with, also where some of its arguments were given before."""
    found = getattr(invariant, word, None)
    return mark(invariant.func, word) if found is None and isinstance(invariant, partial) else found


def _asker(invariant, expects):
    """Return a function that asks an invariant of a run, or of a moment.

    One that takes `expects` is told what a request should have; who has said so already, is not told again.
    """
    given = isinstance(invariant, partial) and "expects" in invariant.keywords
    takes = "expects" in signature(invariant).parameters and not given

    def ask(run):
        how = {"expects": getattr(run, "expects", None) if expects is None else expects} if takes else {}
        try:
            words = invariant(run, **how)
        except Exception as error:
            problem = f"raised {type(error).__name__}: {error}"
            raise ModelError(f"the invariant '{title(invariant)}' {problem} ({_when(run)})") from error
        if words is None or (isinstance(words, str) and words):
            return words
        returns = "an invariant returns None where it holds, and a sentence where it does not"
        raise ModelError(f"the invariant '{title(invariant)}' returned {words!r}, and {returns} ({_when(run)})")

    return ask


def _when(run):
    """Say of which moment under which faults, in the words of faults."""
    moment = "at the end" if hasattr(run, "ended") else f"at {pretty(run.now)}"
    return f"{moment}, {' and '.join(map(str, run.faults)) or 'without any fault'}"


def _breach(invariant, run, words, at, request, span):
    """Return a breach; a sentence that names no request is about the one that was worked on last."""
    named = getattr(words, "request", None)
    return Breach(title(invariant), str(words), request if named is None else named, at, span, run)


def _at_the_end(invariant, words, run):
    """Return a breach that was found at the end: since the last thing became of its request, or of any."""
    last = run.effects[-1] if run.effects else None
    named = getattr(words, "request", None)
    request = last.request if named is None and last is not None else named
    return _breach(invariant, run, words, _last(run, request), request, -1 if last is None else last.span)


def _last(run, request):
    """Return when the last thing became of a request that anybody could see: an effect, an answer, its end [ms]."""
    table = run.table
    rows = range(len(table)) if request is None else (request,)
    moments = [column[row] for column in (table.offered, table.answered, table.settled) for row in rows]
    mine = [one.at for one in run.effects if request is None or one.request == request]
    return max(mine + [at for at in moments if at == at], default=0.0)
