"""Bring the faults of a run about: each begins and ends at its moment, before anything else due then."""

from math import inf, isfinite, prod

from rehearsal.engine.crashes import crash
from rehearsal.engine.messages import FIRST, Alarm
from rehearsal.engine.outages import back
from rehearsal.engine.replicas import Crew
from rehearsal.engine.restarts import restart
from rehearsal.engine.wear import Wear
from rehearsal.faults import Breakdowns, Crash, CrashAt, Errors, Slow


def arrange(engine, faults, until=None):
    """Bring the beginning and the end of every fault about. A new kind of fault is one more pair in EFFECTS.

    Windows are half-open, and what is due at the cut does not happen. At a tie what strikes the work comes before what
    stops it, ends before beginnings; and a service that is to go down again does not come up in between. The order in
    which faults are listed means nothing. Faults that strike messages, not moments, are not here: those of
    the network are in `weather`, a crash at a moment of an operation in `traps`.
    """
    steps, begins = [], {(_node(engine, f, True), f.replica, f.at) for f in faults if isinstance(f, Crash)}
    for fault in faults:
        stops = type(fault) in (Crash, CrashAt, Breakdowns)
        if stops:
            for pool in _node(engine, fault, stops).pools:
                pool.working = Crew(pool.node, None) if pool.node.replicas > 1 else pool.working or {}
        if type(fault) in EFFECTS:
            node = _node(engine, fault, stops)
            begin, end = EFFECTS[type(fault)]
            last = min(fault.until, fault.at + node.failover) if isinstance(fault, Crash) else fault.until
            again = begins & {(node, None, last), (node, fault.replica, last)}
            late = 3 if again or fault.replica is None else 1.5  # else it is back before another one goes
            steps += [(fault.at, 1 + stops, fault, node, begin, last), (last, late * stops, fault, node, end, last)]
    steps = [step for step in steps if step[0] < (inf if until is None else until)]
    _expect(engine, sorted(steps, key=lambda s: (s[0], s[1], s[2].service, repr(s[2])), reverse=True))


def _expect(engine, steps):
    """Put the next step on the clock, the last of these, and no other: each in SimPy's heap makes all messages dearer.

    It comes before all else at its moment, as if it had been there from the start.
    """

    def take(_):
        _, _, fault, node, act, last = steps.pop()
        act(engine, node, fault, last)
        _expect(engine, steps)

    if steps:
        engine.at(steps[-1][0], Alarm(take), FIRST - 1)


def _node(engine, fault, stops):
    """Return what a fault strikes: a part of a monolith may be slow by itself, but goes down with all the others."""
    host = engine.system.modules.get(fault.service, fault.service)
    return engine.compiler.nodes[host if stops else fault.service]


def _slow(engine, node, fault, until):
    node.paces.append(fault.factor)
    node.pace = prod(node.paces)


def _brisk(engine, node, fault, until):
    node.paces.remove(fault.factor)
    node.pace = prod(node.paces)


def _err(engine, node, fault, until):
    node.errors.append(fault.rate)


def _mend(engine, node, fault, until):
    node.errors.remove(fault.rate)


EFFECTS = {Crash: (crash, restart), Slow: (_slow, _brisk), Errors: (_err, _mend), Breakdowns: (Wear, lambda *_: None)}


def stranded(engine):
    """Return the rows of messages that nothing will move any more, though the run was cut before the heap was empty.

    These are: what waits at a node that is down for ever; a caller without a time-out whose request or answer
    vanished; and who waits for such a caller, or for one of its workers.
    """
    rows: set[int] = set()
    for node in engine.compiler.nodes.values():
        if not node.up and not isfinite(back(node)):
            rows.update(m.row for pool in node.pools for m in (*pool.queue, *(pool.working or ())))
            rows.update(m.row for inbox, _ in node.inboxes for m in inbox.topic)
            rows.update(m.row for m in node.outside)
        rows.update(m.row for m in node.frozen if not isfinite(back(node, m.route.pool.working[m])))
    waiting = [context._message for context in engine.handlers if not context._message.dead]
    hopeless = {m for m in engine.vanished if m.waiter is not None and m.waiter.current is m}
    grown = True
    while grown:
        grown = False
        for message in waiting:
            if message.row not in rows and message.work.wait.hopeless(hopeless, rows):
                rows.add(message.row)
                grown = True
        for pool in {m.route.pool: None for m in waiting}:
            ever = [n for n in range(1, pool.node.replicas + 1) if isfinite(back(pool.node, n))]
            here = (m for m in waiting if m.route.pool is pool and (pool.working or {}).get(m, 1) in ever)
            stuck = sum(m.row in rows for m in here)
            if pool.node.blocking and stuck == pool.each * len(ever) and any(m.row not in rows for m in pool.queue):
                rows.update(m.row for m in pool.queue)
                grown = True
    return rows
