"""A run: a pure function of system, load, faults and seed."""

import gc
import warnings
from contextlib import contextmanager
from functools import cached_property
from math import inf

from rehearsal.arguments import parts
from rehearsal.check import check
from rehearsal.engine.breakage import arrange, stranded
from rehearsal.engine.breakers import Transition
from rehearsal.engine.crashes import bury
from rehearsal.engine.fates import FATES, fates
from rehearsal.engine.ledger import Effect, effects, states
from rehearsal.engine.performer import Engine
from rehearsal.engine.sources import payload, sources
from rehearsal.errors import DesignWarning, ModelError
from rehearsal.faultcheck import check_faults, spikes
from rehearsal.trace import BLOCK, OPEN, Table, Totals, Trace
from rehearsal.units import duration

TIMES = ("sent", "received", "started", "ended", "answered")
_warned: dict = {}


class Run:
    """Hold what happened: the causal trace of every message and the table of every request.

    Invariant: nothing in it depends on anything but what `run` was given. Read it by `spans()` and `requests()`
    (pandas frames), or by the columns of `trace` and `table`. Times are in ms.
    """

    expects = None  # what a request of it should have, where whoever ran it has said so: see `effects.expected`
    now = property(lambda self: self.ended)  # its end is a moment like the others, to whoever looks at it

    def __init__(self, engine, *, seed, loads, faults, until):
        self.system, self.trace, self.table = engine.system, engine.trace, engine.table
        self.trace.trim()
        self.table.trim()
        self.trace.hold = self.trace.watch = None  # they hold the engine, with all that it has drawn
        self.seed, self.loads, self.faults, self.until = seed, loads, faults, until
        self.ended, self.drained = engine.now, until is None
        if until is None and engine.loose:  # alarms that nobody waited for any more are not part of the run
            self.ended = self._last()
        self.mishaps, self._stranded = engine.mishaps.counts, stranded(engine)
        self._entries, self.parked = engine.ledger.entries, tuple(engine.ledger.parked)
        self.dead_letters, self._letters = engine.bus.dead_letters, engine.bus.letters
        self.outages = tuple(o for o in engine.outages if o.at <= self.ended)
        self.degraded = tuple(o for o in engine.degraded if o.at <= self.ended)
        self.transitions, self.states = tuple(engine.transitions), states(engine)
        for inbox in engine.compiler.inboxes.values():
            inbox.stop(engine.now)
        self.empty_polls = {i.name: i.empty_polls for i in engine.compiler.inboxes.values() if i.poll}

    def _last(self):
        import numpy as np

        columns = (*(getattr(self.trace, name) for name in TIMES), self.table.offered)
        return float(max(np.fmax.reduce(np.asarray(column), initial=0.0) for column in columns))

    @cached_property
    def effects(self):
        """Return every effect, in the order in which they happened."""
        return tuple(effects(self._entries))

    @cached_property
    def _fates(self):
        objectives = [entry.objective for entry in self.system.entries.values()]
        parked = {one.request for one in self.parked} | self._given_up()
        return fates(self.table, self.trace, objectives, self.drained, self._stranded, parked)

    def _given_up(self):
        """Return the requests with dead letters that have not ended, or not wholly: somebody has to look at them."""
        given_up = self._letters
        return {request for request, undo in given_up if undo or self.table.end[request] == OPEN}

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

    def payload(self, row):
        """Return what was asked for with a request, by its row in `requests()`."""
        return payload(self, row)

    def ledger(self):
        """Return every effect as a row of a pandas frame: when [ms], for which request, who did how much of what."""
        import pandas as pd

        return pd.DataFrame(self.effects, columns=Effect._fields)

    def breakers(self):
        """Return every change of state of a circuit breaker as a row of a pandas frame: when, whose, for whom."""
        import pandas as pd

        return pd.DataFrame(self.transitions, columns=Transition._fields)

    def objective(self, kind):
        """Return the time [ms] within which a request of this kind should end."""
        return self.system.entries[kind].objective

    def __repr__(self):
        offered = len(self._fates)
        kinds = {load.kind for load in self.loads}
        kind = f"{self.loads[0].kind}s" if len(kinds) == 1 else "requests"
        shares = [f"{self._fates.count(f) / offered:.1%} {f}" for f in FATES if f in self._fates]
        return f"Run({', '.join([f'{self.system.name}, seed {self.seed}: {offered:,} {kind}', *shares])})"


def run(system, load, *, until=None, seed=0, faults=(), keep="trace", progress=False, watch=None):
    """Run a system under a load, with faults, and return what happened.

    It is a pure function: same system, load, faults and seed, same run, byte for byte. `load` is one load or a list;
    `until` [ms] cuts the run, else it goes on until nothing is outstanding. `keep="totals"` drops each message when it
    is over. `watch(moment)` is called after every effect, with what is so far; where it has the mark `each_step`, after
    every step of a handler too. Raises ModelError where the blueprint is wrong (before anything runs), a handler's
    model is, or the watch raises.
    """
    system = system.snapshot()
    loads = tuple(load) if isinstance(load, list | tuple) else (load,)
    faults = () if faults is None else parts(faults)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed must be a whole number, not {seed!r}")
    if keep not in ("trace", "totals"):
        raise ValueError(f"keep is 'trace' or 'totals', not {keep!r}")
    until = None if until in (None, inf) else duration(until, "until", positive=True)
    for sentence in (*check(system, loads, until), *check_faults(system, loads, faults)):
        # The module's own registry: each sentence once a session, and the same words on every machine.
        warnings.warn_explicit(sentence, DesignWarning, system.name, 1, registry=_warned)
    loads += spikes(loads, faults)
    trace, table = Totals() if keep == "totals" else Trace(), Table(system.entries)
    engine = Engine(system, seed, sorted(faults, key=repr), trace, table, watch)
    engine.ledger.loads = loads
    engine.routes = {kind: engine.compiler.entry(entry) for kind, entry in system.entries.items()}
    engine.trace.watch = Limit(engine)
    arrange(engine, faults, until)
    try:
        with _bar(engine, loads, until, progress), _seldom_swept():
            for place, each in enumerate(loads):
                for source in sources(engine, each, place):
                    source.begin()
            engine.run(until=until)
    finally:
        bury(engine)
    return Run(engine, seed=seed, loads=loads, faults=faults, until=until)


class Limit:
    """Stop a run that cannot end: a cycle of events, a handler that sleeps for ever, a clock that stands still.

    It allows 1,000 messages and pauses a request, after the first 100,000, and 1,000,000 of them at any one moment.
    """

    first, each, still = 100_000, 1_000, 1_000_000

    def __init__(self, engine):
        self.engine = engine
        self.moment = self.before = 0

    def __call__(self, sent):
        """Look how many messages there are, each time a block of the trace is full."""
        engine, offered = self.engine, len(self.engine.table)
        steps = sent + engine.pauses
        if engine.now > self.moment:
            self.moment, self.before = engine.now, steps
        if steps <= self.first + self.each * offered and steps - self.before < self.still:
            return
        trace = engine.trace
        recent = dict.fromkeys(trace.edges[e] for e in trace.edge[max(0, len(trace) - 50) : len(trace)])
        way = ", ".join(f"{e.source} → {e.target} ({e.name})" for e in list(recent)[:6])
        pauses = f" and {engine.pauses:,} pauses" if engine.pauses else ""
        raise ModelError(
            f"{engine.system.name}: {sent:,} messages{pauses} for {offered:,} requests at {engine.now:g} ms: "
            f"this run would not end. Is there a cycle? The last messages: {way}"
        )


@contextmanager
def _seldom_swept():
    """Let Python look for cyclic garbage seldom: a run makes millions of small objects and hardly a cycle."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def _bar(engine, loads, until, wanted):
    if not wanted:
        yield
        return
    from tqdm.auto import tqdm

    ends = [until or getattr(each, "until", None) or inf for each in loads]
    total = None if inf in ends else max(ends, default=0.0)
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
