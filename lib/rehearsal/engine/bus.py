"""Messages through a broker: events to every subscription, commands to one addressee, both durable."""

from rehearsal.draws import Uniform
from rehearsal.engine.messages import Alarm
from rehearsal.trace import FAILED, LOST, NAN, NONE, OK, OPEN


class Bus:
    """Carry messages from a broker to their readers: at least once, acknowledged after the work.

    Invariant: a message handed to a broker is in one durable place for each reader until its work is over: on its way,
    in the reader's queue, or in work; a crash takes it out of work, never out of the queue. A redelivery is a new
    message. It does not go back to its place among later ones, except after a crash, where it is first in line. The
    `waiter` of all deliveries is the message that was published, the key under which an idempotent reader knows them. A
    broker that is not durable keeps nothing: at most once.
    """

    def __init__(self, engine):
        self.engine = engine
        self.joins: dict = {}  # plan -> request -> the topics that have come, then the message its handler reacted to
        self.dead_letters: list[int] = []  # rows of the deliveries that were given up
        self.letters: list[tuple[int, bool]] = []  # of each, its request, and whether it is an undo

    def fan_out(self, message, outcome=None, value=None):
        """Send a copy to every reader, once the broker has handled the message.

        Without an outcome it has just come to a broker that takes no time: it is in and out at one instant.
        """
        engine, route, row = self.engine, message.route, message.row
        if outcome is None:
            if not route.pool.node.up:
                route.pool.node.absent(engine, message)
                return
            engine.received[row] = engine.started[row] = engine.ended[row] = engine._now
            engine.outcome[row] = OK
        case, payload, key = message.case, message.payload, message.waiter or message
        for reader in route.readers:
            engine.post(reader, case, payload, row, key)
        engine.answer[row] = NONE
        if engine.close is not None:
            engine.close(row)

    def keep(self, message, started):
        """Keep what a broker held when it crashed: it starts on it again after the restart."""
        trace, pool = self.engine.trace, message.route.pool
        trace.started[message.row] = NAN
        kept = message.twin()
        kept.waiter = message.waiter or message
        pool.queue.append(kept)
        pool.asking += 1

    def arrive(self, message):
        """Put a message into the durable queue of its reader, down or not."""
        engine, inbox, pool = self.engine, message.route.inbox, message.route.pool
        engine.received[message.row] = engine._now
        if pool.free > 0 and inbox.asleep is None:
            engine.start(message, pool)
        else:
            self._line_up(message, inbox, pool)

    def _line_up(self, message, inbox, pool, more=True):
        """Let a message wait: in the queue of a consumer that is at work, else until one looks."""
        if inbox.asleep is None:
            inbox.waiting += more
            pool.queue.append(message)
            return
        inbox.topic.append(message)
        if inbox.due is None and pool.node.up:
            self._look_later(inbox, pool, self.engine._now)

    def join(self, plan, step):
        """Return the step that lets a delivery wait for others of its request, and in once all it needs has come.

        What only waits is acknowledged at once and costs no worker; what came is kept with the queue, so it survives a
        crash of the reader. Once a reader has reacted to a request, what else comes for it has nothing to do.
        """
        come = self.joins.setdefault(plan, {})

        def arrive(message):
            row, topic = message.case.row, message.route.edge
            topics = come.setdefault(row, set())
            if isinstance(topics, set):
                topics.add(self.engine.trace.edges[topic].name)
                reacts = plan.handler.ready(message.payload, frozenset(topics))
                if reacts:
                    come[row] = message.waiter
            else:  # only the one it reacted to comes again; another may come a second time because it was lost
                reacts = topics is message.waiter and self.engine.trace.attempt[message.row] > 1
            if reacts:
                step(message)
            else:
                trace, now = self.engine.trace, self.engine.now
                trace.received[message.row] = trace.started[message.row] = trace.ended[message.row] = now
                trace.outcome[message.row] = OK
                self.over(message)

        return arrive

    def _look_later(self, inbox, pool, now):
        inbox.due = inbox.next_poll(now)
        self.engine.at(inbox.due, Alarm(self._look, (inbox, pool)))

    def _look(self, alarm):
        inbox, pool = alarm.subject
        if inbox.due != self.engine.now:
            return  # the service has crashed since
        inbox.due = inbox.asleep = None
        inbox.waiting += len(inbox.topic)
        pool.queue.extend(inbox.topic)
        inbox.topic.clear()
        self.engine.serve(pool)

    def sleep(self, inbox):
        """Let a polling consumer sleep if a worker that is done finds nothing more to do."""
        if inbox.waiting == 0 and inbox.asleep is None:
            inbox.asleep = self.engine.now

    def wake(self, node):
        """Let the polling consumers of a node that starts again look after one interval."""
        for inbox, pool in node.inboxes:
            if inbox.poll is not None:
                inbox.asleep = self.engine.now
                if inbox.topic:
                    self._look_later(inbox, pool, inbox.asleep)

    def acknowledge(self, message, outcome, value):
        """End a delivery: done, or to be delivered again, or a dead letter. The next of its key may come then."""
        engine, inbox = self.engine, message.route.inbox
        if outcome == FAILED:
            retry, attempt = inbox.retry, engine.trace.attempt[message.row]
            again = attempt <= retry.times
            if again or (inbox.replay is not None and attempt == retry.times + 1):
                pause = retry.pause(attempt - 1, self._chance(message, retry)) if again else inbox.replay
                engine.after(pause, self.redeliver, message)
                return
            self.dead_letters.append(message.row)
            self.letters.append((message.case.row, message.route.undo))
        engine.answer[message.row] = NONE
        if engine.close is not None:
            engine.close(message.row)
        if inbox.lanes is not None:
            inbox.lanes.over(message)

    def _chance(self, message, retry):
        if retry.jitter == "none":
            return 1.0
        book = self.engine.compiler.keyed(Uniform(0, 1), "jitter", message.route.work)
        return book[message.page][message.case.line]

    def redeliver(self, message):
        """Deliver a message once more, as a message of its own under the same key."""
        trace, row = self.engine.trace, message.row
        parent, attempt = trace.parent[row], trace.attempt[row] + 1
        self.over(message)
        self.engine.post(message.route, message.case, message.payload, parent, message.waiter, attempt=attempt)

    def forget(self, message, started):
        """Lose a message that nobody keeps."""
        engine, row = self.engine, message.row
        message.dead = True
        if started:
            engine.trace.ended[row] = engine.now
        if engine.outcome[row] == OPEN:
            engine.outcome[row] = LOST
        self.over(message)

    def drop(self, message, started):
        """Lose a delivery for good, and let the next of its key in."""
        self.forget(message, started)
        if message.route.inbox.lanes is not None:
            message.route.inbox.lanes.over(message)

    def lose(self, message, started):
        """Lose a delivery in a crash of its reader, since its broker keeps nothing."""
        inbox = message.route.inbox
        inbox.waiting -= not started and inbox.poll is None
        self.drop(message, started)

    def miss(self, engine, message):
        """Lose what comes for a broker that is down and keeps nothing."""
        self.forget(message, False)

    def hand_over(self, message):
        """Let a message of a broker that keeps nothing in at its reader: now, or never."""
        if message.route.pool.node.up:
            self.arrive(message)
        else:
            self.drop(message, False)

    def keep_what_waits(self, message, started):
        """Lose what is in work in a crash, since it was acknowledged before; what waits, waits at its broker."""
        if started:
            self.drop(message, True)
        else:
            self.deliver_again(message, False)

    def done(self, message, outcome=OK, value=None):
        """End a delivery for good, whatever came of it."""
        self.acknowledge(message, OK, None)

    def over(self, message):
        """End a message that nobody is answered for."""
        engine = self.engine
        engine.answer[message.row] = NONE
        if engine.close is not None:
            engine.close(message.row)

    def deliver_again(self, message, started):
        """Keep a delivery through a crash: what waited stays; what was in work is delivered anew, first in line."""
        engine, route, inbox = self.engine, message.route, message.route.inbox
        trace, row = engine.trace, message.row
        if started:
            self.forget(message, True)
            parent, attempt, key = trace.parent[row], trace.attempt[row] + 1, message.waiter
            message = engine.post(route, message.case, message.payload, parent, key, attempt=attempt, hop=False)
            trace.received[message.row] = engine.now
        self._line_up(message, inbox, route.pool, more=started)
