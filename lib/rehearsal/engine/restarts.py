"""Start a node again, or one of its replicas: what was kept goes on, and who waited outside comes in."""

from rehearsal.engine.crashes import ABSENT
from rehearsal.engine.outages import extend
from rehearsal.engine.replicas import staff


def restart(engine, node, fault, until=None):
    """End a fault. Whom nothing else keeps down starts, with every worker free that has nothing to go on with."""
    node.faults.remove(next(stop for stop in node.faults if stop.fault == fault))
    was, node.up = node.up, bool(node.live())
    if not node.up:
        node.absent = node.absent if node.broker else ABSENT[node.faults[-1].fault.arrivals]
        return
    if not was:
        extend(engine, node, engine.now)
    _thaw(engine, node)
    for clock in node.clocks:
        clock.run()
    if not was:
        if node.outbox is not None:
            node.outbox.wake()
        engine.bus.wake(node)
    held, node.held = node.held, []
    for go_on, *arguments in held:
        go_on(*arguments)
    for pool in node.pools:
        engine.serve(pool)
    outside, node.outside = node.outside, []
    for message in outside:
        engine.arrive(message)  # not over the network again, with all that may happen there


def _thaw(engine, node):
    """Go on with what was kept at the replicas that are up."""
    numbers = node.live()
    thawed = {m: left for m, left in node.frozen.items() if m.route.pool.working[m] in numbers}
    for message in thawed:
        del node.frozen[message]
        if message.work is not None:
            message.work.holds = thawed[message]
    staff(node)
    for message, remaining in thawed.items():
        if message.work is not None:
            continue
        message.callbacks = engine._perform
        takes = message.route.plan.takes
        if remaining is None:  # from the beginning, at the pace of now
            remaining = 0.0 if takes is None else takes[message.page][message.case.line] * node.pace
        engine.schedule(message, delay=remaining)
