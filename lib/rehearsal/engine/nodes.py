"""The blueprint, ready to run: nodes with their workers and queues, and the routes between them."""

from collections import deque
from collections.abc import Callable
from copy import deepcopy
from math import inf
from typing import Any


class Pool:
    """Hold workers and the FIFO before them.

    Invariant: `free` + work in progress that holds a worker = `each` × the replicas that are up, and `free` is 0 while
    the node is down; nothing waits while a worker is free. A list of our own, because a SimPy Resource costs thirty
    times as much and keeps no durable queue through a crash.
    """

    __slots__ = ("node", "each", "free", "limit", "patience", "queue", "asking", "starting", "working")

    def __init__(self, node, size, limit=None, patience=None):
        self.node = node
        self.each = inf if size is None else size  # workers of one replica
        self.free = self.each * node.replicas
        self.limit = inf if limit is None else limit
        self.patience = inf if patience is None else patience
        self.queue: deque = deque()
        self.asking = 0  # how many of those in the queue the limit counts: neither durable ones nor handlers gone on
        self.starting = False
        # Work in progress, in order of its start; kept only where a crash will need it.
        self.working: dict | None = None
        node.pools.append(self)


class Node:
    """Hold one service or broker while a run lasts: its pools, its memory, its health and its routes."""

    def __init__(self, name, declared=None, broker=False):
        said = vars(declared) if declared else {}
        self.name, self.broker = name, broker
        self.blocking, self.durable = said.get("blocking", True), said.get("durable", False)
        self.replicas = said.get("replicas", 1)
        self.failover = said.get("failover") or inf  # how long it is down at most
        self.decides = said.get("decides", 0.0)
        self.state = deepcopy(said.get("state", {}))
        self.fresh = dict(said["state"]) if said.get("volatile") else None  # what is left of its memory after a crash
        self.pools: list[Pool] = []
        self.up = True
        self.faults: list = []  # that keep it, or a replica, down, in the order they began
        self.absent: Callable | None = None  # what becomes of arrivals while it is down
        # What goes on after the restart: own work with the time it needs then (None: all), and handlers of a replica
        # that is down while others are up, with whether they hold a worker.
        self.frozen: dict = {}
        self.held: list = []  # what its handlers are to go on with then: answers that came, attempts to send
        self.clocks: list = []  # of its breakdowns
        self.pace = 1.0  # how many times slower than usual: the product of paces
        self.paces: list[float] = []
        self.errors: list[float] = []  # shares of work that fails now
        self.outside: list = []  # what senders keep until it is up again
        self.calls, self.sends = {}, {}
        self.outbox: Any = None
        self.inboxes: list[tuple[Inbox, Pool]] = []

    def live(self):
        """Return the numbers of the replicas that are up, from 1."""
        down = {stop.replica for stop in self.faults}
        return [] if None in down else [number for number in range(1, self.replicas + 1) if number not in down]

    def runs(self, message):
        """Return whether the handler of a message can go on: the node is up, and so is the replica it is at."""
        return self.up and message not in self.frozen


class Plan:
    """Hold one handler, ready to run; a broker's plan has no function and only passes messages on."""

    __slots__ = (
        "handler", "node", "name", "place", "function", "waits", "takes", "work", "bit", "topics", "calls", "inside",
        "chance", "undo",
    )  # fmt: skip

    def __init__(self, node, name, takes, work, bit, *, handler=None, chance=None):
        self.handler = handler
        self.node = node
        self.name = name
        self.place = f"{node.name}.{name}"
        self.function = handler.function if handler else None
        self.waits = bool(handler and handler.waits)
        self.undo = bool(handler and handler.undoes)
        self.takes = takes  # None where the work takes no time
        self.work = work
        self.bit = bit  # by which a request knows whether it has asked for this work
        self.chance = chance
        self.topics, self.calls, self.inside = {}, {}, {}


class Route:
    """Hold one way of a message: whom it reaches, over which hops, and what happens once its work is over."""

    __slots__ = (
        "edge", "plan", "pool", "work", "bit", "out", "back", "arrive", "conclude", "bereave", "readers", "inbox",
        "undo", "guard", "ends", "polls",
    )  # fmt: skip

    def __init__(self, steps, edge, plan, pool, out, back=None, inbox=None, readers=(), guard=None):
        self.arrive, self.conclude, self.bereave = steps  # at its target, at the end of its work, in a crash
        self.edge = edge
        self.plan = plan
        self.pool = pool
        self.work, self.bit = plan.work, plan.bit
        self.out = out
        self.back = back
        self.readers = readers
        self.inbox, self.polls = inbox, inbox is not None and inbox.poll is not None
        self.undo = plan.undo
        self.guard = guard
        self.ends = False  # whether an event on it is the end of a kind of request


class Inbox:
    """Hold the durable queue of one reader, and how its consumer looks into it.

    A polling consumer looks every `poll` ms from the moment it found nothing, or from the start of its service, and
    once it finds something goes on until the queue is empty. Polls that find nothing are counted, not simulated: they
    are due at known moments. Nobody polls while the service is down. What it does not model: the time and traffic of
    a poll.
    """

    __slots__ = ("name", "poll", "retry", "replay", "lanes", "waiting", "asleep", "due", "topic", "empty_polls")

    def __init__(self, name, poll=None, retry=None, replay=None):
        self.name = name
        self.replay = replay
        self.lanes: Any = None
        self.poll = poll
        self.retry = retry
        self.topic: deque = deque()  # messages nobody has looked for yet
        self.waiting = 0  # messages taken over and not yet in work
        self.asleep = None if poll is None else 0.0  # since when it sleeps; None: at work, or pushed to; inf: down
        self.due = None  # the moment of the poll that will find something
        self.empty_polls = 0

    def next_poll(self, now):
        """Return the moment of the first poll at or after `now`, and count the empty ones before it."""
        polls = max(-(-(now - self.asleep) // self.poll), 1.0)
        self.empty_polls += int(polls) - 1
        return max(now, self.asleep + polls * self.poll)

    def stop(self, now, shut=True):
        """Stop to poll; return what nobody had looked for yet, so that what was taken over can go before it.

        Where it is not `shut`, since others look, they go on.
        """
        if self.poll is None:
            return ()
        unseen, self.topic = self.topic, deque()
        if shut:
            if self.due is None and self.asleep is not None and self.asleep < now:
                self.next_poll(now)
            self.asleep, self.due, self.waiting = inf, None, 0
        return unseen
