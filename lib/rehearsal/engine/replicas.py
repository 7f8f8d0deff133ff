"""Replicas: copies of a node that share its queue and its memory; which of them does what, and how many can start."""

from collections import Counter


class Crew(dict):
    """Hold the work in progress of a pool, each piece with the number of the replica that does it.

    Invariant: what starts goes to the replica that is up and has least in hand, the first of those; so a blocking one
    never has more than its workers. The clocks of breakdowns are told of every start and end. A pool has a crew only
    where a fault needs one: counting costs a start the work in progress. What it does not model: a replica that is slow
    or fails by itself, the time until whoever deals the work out knows that one is gone, and which replica's worker a
    handler that does not block goes on with (so more of them may be at work in one than it has workers).
    """

    def __init__(self, node, working):
        super().__init__(working or {})
        self.node = node

    def __setitem__(self, message, number):
        super().__setitem__(message, idlest(self.node, self))
        for clock in self.node.clocks:
            clock.run()

    def __delitem__(self, message):
        super().__delitem__(message)
        for clock in self.node.clocks:
            clock.pause()


def idlest(node, working):
    """Return the number of the replica that the next piece of work goes to, None where none is up."""
    hands = Counter(working.values())
    return min(node.live(), key=lambda number: hands[number], default=None)


def holder(message):
    """Return the number of the replica that works on a message; what is done in process is where its handler is."""
    working = message.route.pool.working
    return working.get(message) or working.get(message.waiter)


def staff(node):
    """Count the workers that are free: those of the replicas that are up, without those that have something to do."""
    up = len(node.live())
    for pool in node.pools:
        busy = sum(m not in node.frozen and (m.work is None or m.work.holds) for m in pool.working)
        pool.free = pool.each * up - busy if up else 0


def hand_over(engine, node):
    """Let the other replicas do what is left."""
    if node.outbox is not None:
        node.outbox.look()
    for inbox, pool in node.inboxes:
        if inbox.poll is not None and not any(message.route.inbox is inbox for message in pool.working):
            engine.bus.sleep(inbox)
    for pool in node.pools:
        engine.serve(pool)
