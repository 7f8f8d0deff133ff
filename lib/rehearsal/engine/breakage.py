"""Bring the faults of a run about: each begins and ends at its moment, before anything else due then."""

from math import inf, prod

from rehearsal.engine.messages import Alarm
from rehearsal.faults import Crash, Errors, Slow

FIRST = 0  # SimPy's urgent priority: at a tie the fault goes first


def arrange(engine, faults):
    """Put the beginning and the end of every fault on the clock. A new kind of fault is one more pair here."""
    nodes = engine.compiler.nodes
    for fault in faults:
        node = nodes[fault.service]
        if isinstance(fault, Crash):
            for pool in node.pools:
                pool.working = {}
        begin, end = EFFECTS[type(fault)]
        engine.schedule(Alarm(lambda _, n=node, f=fault, do=begin: do(engine, n, f)), FIRST, fault.at)
        if fault.until < inf:
            engine.schedule(Alarm(lambda _, n=node, f=fault, do=end: do(engine, n, f)), FIRST, fault.until)


def crash(engine, node, fault):
    """Stop a node: work in progress first, then what waits, each as its kind of message says."""
    node.up = False
    now = engine.now
    in_work = [message for pool in node.pools for message in pool.working]
    waiting = [message for pool in node.pools for message in pool.queue if message not in pool.working]
    for pool in node.pools:
        pool.queue.clear()
        pool.working.clear()
        pool.free = 0
    for inbox in node.inboxes:
        inbox.rest(now)
    for message in in_work:
        if message.work is not None:
            message.work.wait.abandon(engine)
            message.work = None
        engine.trace.ended[message.row] = now
        message.route.bereave(message)
    for message in waiting:
        message.route.bereave(message)


def restart(engine, node, fault):
    """Start a node again with every worker free; a broker takes what waited outside, in order."""
    node.up = True
    for pool in node.pools:
        pool.free = pool.size
    for inbox in node.inboxes:
        inbox.rise(engine.now)
    for pool in node.pools:
        engine.serve(pool)
    outside, node.outside = node.outside, []
    for message in outside:
        engine.arrive(message)


def _slow(engine, node, fault):
    node.paces.append(fault.factor)
    node.pace = prod(node.paces)


def _brisk(engine, node, fault):
    node.paces.remove(fault.factor)
    node.pace = prod(node.paces)


def _err(engine, node, fault):
    node.errors.append(fault.rate)


def _mend(engine, node, fault):
    node.errors.remove(fault.rate)


EFFECTS = {Crash: (crash, restart), Slow: (_slow, _brisk), Errors: (_err, _mend)}
