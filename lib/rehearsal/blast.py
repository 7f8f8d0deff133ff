"""The blast radius: which service, when it fails, takes which capability of the system with it?

Every node fails in turn, and for each capability it is counted what became of the requests that were offered
meanwhile, of those for which it was there in time without the fault. Nothing is estimated: each fault is run, and
compared with the run in which nothing else differs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isnan, nan
from typing import NamedTuple

from rehearsal.engine import run
from rehearsal.errors import ModelError, unknown
from rehearsal.experiments.workers import Failure, outcomes
from rehearsal.faults import Crash
from rehearsal.graphs import declared, hub
from rehearsal.system import System
from rehearsal.trace import OK
from rehearsal.verdicts import windows

FATES = ("ok", "late", "lost")


class Cell(NamedTuple):
    """Count the requests for which a capability was there in time, late, or lost for good."""

    ok: int
    late: int
    lost: int

    @property
    def shares(self):
        """Return the three shares, nan where no request was counted."""
        total = sum(self)
        return tuple(count / total if total else nan for count in self)


@dataclass(frozen=True)
class Blast:
    """Hold the blast radius of one system: a Cell for each node that fails and each capability.

    A row that this system does not have has no cells: it is there because another system has it. `central` are its
    orchestrator, where one service is the hub, and its brokers.
    """

    name: str
    rows: tuple
    columns: tuple
    cells: dict = field(repr=False)
    central: tuple = ()

    @property
    def lost(self):
        """Return how many cells are lost: those in which more than half of the requests are."""
        return sum(2 * cell.lost > sum(cell) for cell in self.cells.values())

    @property
    def late(self):
        """Return how many cells are late: not lost, but less than half of the requests are ok."""
        return sum(2 * cell.ok < sum(cell) for cell in self.cells.values()) - self.lost

    @property
    def tally(self):
        """Return in words how many cells are lost and, since an outage that delays hurts too, how many are late."""
        return f"{self.lost} of {len(self.cells)} cells lost{f', {self.late} late' if self.late else ''}"

    def has(self, row):
        """Return whether this system has a node of that name."""
        return any(name == row for name, _ in self.cells)

    def frame(self):
        """Return a frame with a row a node and three columns (ok, late, lost) a capability: shares, nan where none."""
        import pandas as pd

        nothing = Cell(0, 0, 0)
        rows = [[share for c in self.columns for share in self.cells.get((r, c), nothing).shares] for r in self.rows]
        columns = pd.MultiIndex.from_product([self.columns, FATES], names=["capability", "share"])
        return pd.DataFrame(rows, index=pd.Index(self.rows, name="when this fails"), columns=columns)

    def __repr__(self):
        return f"Blast({self.name}: {self.tally})"


class Job(NamedTuple):
    """Ask for one run: what is needed to make it anywhere."""

    make: Callable | System
    load: object
    seed: int
    faults: tuple
    wanted: tuple


class Jobs(NamedTuple):
    """Hold the jobs as the workers of an experiment know them: a task is the place of its point, and no more."""

    points: list

    def attempt(self, task):
        """Return what one job found, or what went wrong in it."""
        try:
            return perform(self.points[task[0]])
        except Exception as error:
            return error


def blast_radius(
    systems, load, *, at=None, lasting=None, faults=None, capabilities=None, seeds=(0,), executor=None, progress=False
):
    """Let each service and each broker of a system fail in turn; return its Blast, or a list of them for several.

    `systems`: one, or several that share rows and columns; each a System or a function without arguments that makes
    one. The fault is `Crash(node, at=at, lasting=lasting)`, or what `faults`, a function of the node's name or a dict,
    gives. `capabilities`: their names, or {name to show: name}; by default, of what any request had without a fault,
    each kind of request "accept …" (it is answered well) and "confirm …" (it ends well), and each work that is done for
    a request and not undone. *ok*: within the request's objective, counted from its offer; *late*: later in the run;
    *lost*: never. It counts who asked while the fault lasted, over all `seeds`; in parallel with an `executor` (any
    concurrent.futures.Executor), with the same counts. Raises ModelError for an unknown capability or node, or a fault
    without a moment.
    """
    seeds, several = _seeds(seeds), isinstance(systems, list | tuple)
    makes = list(systems) if several else [systems]
    built = [_built(make) for make in makes]
    columns = _columns(built, capabilities)
    rows = tuple(_union([[*s.services] for s in built] + [[*s.brokers] for s in built]))
    if isinstance(faults, dict):
        for node in faults:
            if node not in rows:
                raise ModelError(unknown("service", str(node), rows))
    jobs: dict = {}
    for place, (make, system) in enumerate(zip(makes, built, strict=True)):
        nodes = [*system.services, *system.brokers]
        planned = {None: (), **{node: _fault(node, faults, at, lasting) for node in nodes}}
        for seed in seeds:
            jobs |= {
                (place, seed, node): Job(make, load, seed, struck, tuple(columns.values()))
                for node, struck in planned.items()
            }
    found = dict(zip(jobs, _performed(list(jobs.values()), executor, progress), strict=True))
    shown = columns if capabilities is not None else _asked(columns, jobs, found)
    blasts = [_blast(n, system, rows, columns, shown, jobs, found) for n, system in enumerate(built)]
    return blasts if several else blasts[0]


def _built(make):
    system = make() if callable(make) else make
    if not isinstance(system, System):
        raise TypeError(f"a system, or a function that makes one, is needed, not {make!r}")
    return system


def _seeds(seeds):
    try:
        found = tuple(seeds)
    except TypeError:
        raise TypeError(f"seeds are several, such as range(8) or [7], not {seeds!r}") from None
    if not found:
        raise ValueError("there is nothing to count without a seed: seeds is empty")
    return found


def _union(lists):
    return dict.fromkeys(name for names in lists for name in names)


def _fault(node, faults, at, lasting):
    if faults is None:
        if at is None or lasting is None:
            raise ModelError(
                "say when each node fails: at=90 * sec, lasting=50 * sec, or faults= a function of its name"
            )
        return (Crash(node, at=at, lasting=lasting),)
    found = faults(node) if callable(faults) else faults.get(node, ())
    return tuple(found) if isinstance(found, list | tuple) else (found,)


def capabilities_of(system):
    """Return the names of what a system can do: each kind accepted and confirmed, and each work that undoes nothing."""
    kinds = [f"{verb} {kind}" for kind in system.entries for verb in ("accept", "confirm")]
    doors = [entry.operation.place for entry in system.entries.values()]
    works = [h.work for h in system.handlers() if h.undoes is None and h.place not in doors]
    return list(_union([kinds, works]))


def _columns(systems, wanted):
    """Return {name to show: name} of the capabilities, refusing those that no system has."""
    known = _union([capabilities_of(system) for system in systems])
    if wanted is None:
        return {name: name for name in known}
    found = dict(wanted) if isinstance(wanted, dict) else {name: name for name in wanted}
    for name in found.values():
        if name not in known:
            raise ModelError(unknown("capability", name, known))
    return found


def _performed(jobs, executor, progress):
    """Return the result of each job, done here or wherever the executor does it; raise what went wrong first."""
    tasks = [(place, job.seed) for place, job in enumerate(jobs)]
    found = outcomes(Jobs(jobs), tasks, executor)
    if progress:
        from tqdm.auto import tqdm

        found = tqdm(found, total=len(jobs), desc="blast radius", unit=" runs")
    done = dict(found)
    for task in tasks:
        if isinstance(done[task], Exception):
            raise done[task]
        if isinstance(done[task], Failure):  # no job fails like this: its worker died
            raise RuntimeError(f"a run of the blast radius did not come back: {done[task].error}")
    return [done[task] for task in tasks]


def perform(job):
    """Return when the faults of one run struck, and what it did [ms].

    That is {request: (offer, its due moment, when each capability was there, nan if never)}.
    """
    found = run(_built(job.make), job.load, seed=job.seed, faults=job.faults)
    table = found.table
    done = [_moments(found, name) for name in job.wanted]
    keys = zip(table.load, table.user, table.number, strict=True)
    rows = zip(keys, table.offered, table.kind, strict=True)
    return [window for fault in job.faults for window in windows(found, fault)], {
        key: (offered, offered + found.objective(table.kinds[kind]), tuple(moments[row] for moments in done))
        for row, (key, offered, kind) in enumerate(rows)
    }


def _moments(found, name):
    """Return for each request when it had a capability [ms], nan where it never did."""
    table, (verb, _, kind) = found.table, name.partition(" ")
    if verb in ("accept", "confirm") and kind in found.system.entries:
        ends, when = (table.answer, table.answered) if verb == "accept" else (table.end, table.settled)
        mine = table.kinds.index(kind)
        rows = zip(table.kind, ends, when, strict=True)
        return [moment if of == mine and end == OK else nan for of, end, moment in rows]
    return _worked(found, name)


def _worked(found, work):
    """Return for each request when this work was done for it; nan where it was not, or was undone."""
    trace, system = found.trace, found.system
    works = [system.reached(edge) for edge in trace.edges]
    ours = {h.name for h in system.handlers() if h.work == work}
    does = {i for i, h in enumerate(works) if h and h.work == work}
    undoes = {i for i, h in enumerate(works) if h and h.undoes in ours}
    moments, undone = [inf] * len(found.table), set()
    for row, edge in enumerate(trace.edge):
        if edge in does and trace.outcome[row] == OK:
            request = trace.request[row]
            moments[request] = min(moments[request], trace.ended[row])
        elif edge in undoes and trace.outcome[row] == OK:
            undone.add(trace.request[row])
    return [nan if moment == inf or row in undone else moment for row, moment in enumerate(moments)]


def _asked(columns, jobs, found):
    """Return the capabilities that some request had without a fault: of others nothing can be lost."""
    calm = [moments for job in jobs if job[-1] is None for *_, moments in found[job][1].values()]
    return [name for n, name in enumerate(columns) if any(not isnan(moments[n]) for moments in calm)] or columns


def _blast(place, system, rows, columns, shown, jobs, found):
    """Return the Blast of one system: the cells of the columns that are shown."""
    cells: dict = {}
    for n, seed, node in jobs:
        if n == place and node is not None:
            (_, calm), (struck, storm) = found[n, seed, None], found[n, seed, node]
            counts = _counted(calm, struck, storm, len(columns))
            for name, more in ((c, counts[n]) for n, c in enumerate(columns) if c in shown):
                before = cells.get((node, name), Cell(0, 0, 0))
                cells[node, name] = Cell(*(a + b for a, b in zip(before, more, strict=True)))
    centre = hub(declared(system))
    return Blast(system.name, rows, tuple(shown), cells, tuple([centre] if centre else []) + tuple(system.brokers))


def _counted(calm, struck, storm, size):
    """Return [ok, late, lost] for each capability, over the requests offered while a fault lasts."""
    counts = [[0, 0, 0] for _ in range(size)]
    for request, (offered, due, would) in calm.items():
        if any(at <= offered < until for at, until in struck):
            _, _, did = storm.get(request, (offered, due, (nan,) * size))
            for count, usual, moment in zip(counts, would, did, strict=True):
                if usual <= due:
                    count[2 if isnan(moment) else int(moment > due)] += 1
    return counts
