"""A run: a pure function of system, load, faults and seed."""

import warnings
from contextlib import contextmanager
from functools import cached_property

from rehearsal.check import check
from rehearsal.engine.breakage import arrange
from rehearsal.engine.fates import FATES, fates
from rehearsal.engine.performer import Engine
from rehearsal.engine.sources import sources
from rehearsal.errors import DesignWarning, ModelError
from rehearsal.trace import BLOCK, Table, Totals, Trace
from rehearsal.units import duration

_warned: dict = {}


class Run:
    """Hold what happened: the causal trace of every message and the table of every request.

    Invariant: nothing in it depends on anything but what `run` was given. Read it by `spans()` and `requests()`
    (pandas frames), or by the columns of `trace` and `table`. Times are in ms.
    """

    def __init__(self, engine, *, seed, loads, faults, until, drained):
        self.system, self.trace, self.table = engine.system, engine.trace, engine.table
        self.seed, self.loads, self.faults, self.until = seed, loads, faults, until
        self.ended, self.drained = engine.now, drained
        self.mishaps = engine.mishaps.counts
        self.dead_letters = engine.bus.dead_letters
        self.empty_polls = {i.name: i.empty_polls for i in engine.compiler.inboxes.values() if i.poll}

    @cached_property
    def _fates(self):
        return fates(self.table, self.trace, [e.objective for e in self.system.entries.values()], self.drained)

    def fates(self):
        """Return the fate of every request, in the order they were offered."""
        return list(self._fates)

    def spans(self):
        """Return every message as a row of a pandas frame."""
        if isinstance(self.trace, Totals):
            raise ValueError("this run kept its totals only: run it with keep='trace' to see its messages")
        return self.trace.frame()

    def requests(self):
        """Return every request as a row of a pandas frame."""
        return self.table.frame(self._fates)

    def objective(self, kind):
        """Return the time [ms] within which a request of this kind should end."""
        return self.system.entries[kind].objective

    def __repr__(self):
        offered = len(self._fates)
        kind = f"{self.loads[0].kind}s" if len(self.loads) == 1 else "requests"
        shares = [f"{self._fates.count(f) / offered:.1%} {f}" for f in FATES if f in self._fates]
        return f"Run({', '.join([f'{self.system.name}, seed {self.seed}: {offered:,} {kind}', *shares])})"


def run(system, load, *, until=None, seed=0, faults=(), keep="trace", progress=False):
    """Run a system under a load, with faults, and return what happened.

    It is a pure function: same system, load, faults and seed, same run, byte for byte. `load` is one load or a list;
    `until` [ms] cuts the run, else it goes on until nothing is outstanding. `keep="totals"` drops each message when it
    is over. Raises ModelError where the blueprint is wrong (before anything runs) or a handler's model is.
    """
    system = system.snapshot()
    loads = tuple(load) if isinstance(load, list | tuple) else (load,)
    faults = tuple(faults) if isinstance(faults, list | tuple) else (faults,)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed must be a whole number, not {seed!r}")
    if keep not in ("trace", "totals"):
        raise ValueError(f"keep is 'trace' or 'totals', not {keep!r}")
    if until is not None:
        until = duration(until, "until", positive=True)
    for sentence in check(system, loads, faults, until):
        # The module's own registry: each sentence once a session, and the same words on every machine.
        warnings.warn_explicit(sentence, DesignWarning, system.name, 1, registry=_warned)
    engine = Engine(system, seed, Totals() if keep == "totals" else Trace(), Table(system.entries))
    engine.routes = {kind: engine.compiler.entry(entry) for kind, entry in system.entries.items()}
    engine.trace.watch = Limit(engine)
    arrange(engine, faults)
    with _bar(engine, loads, until, progress):
        for each in loads:
            for source in sources(engine, each):
                source.begin()
        engine.run(until=until)
    return _close(engine, seed=seed, loads=loads, faults=faults, until=until)


def _close(engine, **what):
    if engine.mistakes:
        raise engine.mistakes[0]
    for inbox in engine.compiler.inboxes.values():
        inbox.rest(engine.now)
    engine.trace.trim()
    engine.table.trim()
    return Run(engine, drained=engine.peek() == float("inf"), **what)


class Limit:
    """Stop a run that cannot end, such as a cycle of events: 1,000 messages a request, after the first 100,000."""

    def __init__(self, engine):
        self.engine = engine

    def __call__(self, sent):
        """Look how many messages there are, each time a block of the trace is full."""
        offered = len(self.engine.table)
        if sent > 100_000 + 1_000 * offered:
            trace = self.engine.trace
            recent = dict.fromkeys(trace.edges[e] for e in trace.edge[max(0, len(trace) - 50) : len(trace)])
            way = ", ".join(f"{e.source} → {e.target} ({e.name})" for e in list(recent)[:6])
            raise ModelError(
                f"{self.engine.system.name}: {sent:,} messages for {offered:,} requests at {self.engine.now:g} ms: "
                f"this run would not end. Is there a cycle? The last messages: {way}"
            )


@contextmanager
def _bar(engine, loads, until, wanted):
    if not wanted:
        yield
        return
    from tqdm.auto import tqdm

    ends = [until or getattr(each, "until", None) for each in loads]
    total = None if None in ends else max((end for end in ends if end is not None), default=0.0)
    shown = 0.0
    with tqdm(total=total, unit=" ms", unit_scale=True, desc=engine.system.name) as bar:

        def tick(moment):
            nonlocal shown
            if len(engine.table) % BLOCK == 0:
                bar.update(moment - shown)
                shown = moment

        engine.tick = tick
        yield
        if total is not None:
            bar.update(total - shown)
