"""Messages through a broker: events to every subscription, commands to one addressee, both durable."""

from math import isnan

from rehearsal.trace import FAILED, LOST, NONE


class Bus:
    """Carry messages from a broker to their readers: at least once, acknowledged after the work.

    Invariant: a message handed to a broker is in one durable place for each reader until its work is over: on its way,
    in the reader's queue, or in work; a crash takes it out of work, never out of the queue. A redelivery is a new
    message. It does not go back to its place among later ones, except after a crash, where it is first in line.
    """

    def __init__(self, engine):
        self.engine = engine
        self.dead_letters: list[int] = []  # rows of the deliveries that were given up

    def fan_out(self, message, outcome, value):
        """Send a copy to every reader, once the broker has handled the message."""
        engine = self.engine
        for route in message.route.readers:
            engine.post(route, message.case, message.payload, message.row)
        engine.trace.answer[message.row] = NONE
        if engine.close is not None:
            engine.close(message.row)

    def keep(self, message):
        """Keep what a broker held when it crashed: it starts on it again after the restart."""
        message.route.pool.queue.append(message.twin())

    def arrive(self, message):
        """Put a message into the durable queue of its reader, down or not."""
        engine, inbox, pool = self.engine, message.route.inbox, message.route.pool
        now = engine.now
        engine.trace.received[message.row] = now
        if inbox.asleep is None:
            self._take_over(message, inbox, pool)
            return
        inbox.topic.append(message)
        if not inbox.armed:
            inbox.armed = True
            engine.after(inbox.next_poll(now) - now, self._poll, (inbox, pool))

    def _take_over(self, message, inbox, pool):
        inbox.waiting += 1
        if pool.free > 0 and pool.node.up:
            self.engine.start(message, pool)
        else:
            pool.queue.append(message)

    def _poll(self, subject):
        inbox, pool = subject
        inbox.armed = False
        inbox.asleep = None
        while inbox.topic:
            inbox.waiting += 1
            pool.queue.append(inbox.topic.popleft())
        self.engine.serve(pool)

    def look_again(self, inbox):
        """Let a polling consumer sleep once it finds its queue empty."""
        if inbox.waiting == 0 and inbox.asleep is None:
            inbox.asleep = self.engine.now

    def acknowledge(self, message, outcome, value):
        """End a delivery: done, or to be delivered again, or a dead letter."""
        engine = self.engine
        engine.trace.answer[message.row] = NONE
        if outcome == FAILED:
            retry, attempt = message.route.inbox.retry, engine.trace.attempt[message.row]
            if attempt <= retry.times:
                again = (
                    message.route,
                    message.case,
                    message.payload,
                    engine.trace.parent[message.row],
                    None,
                    attempt + 1,
                )
                engine.after(retry.pause(attempt - 1), self._redeliver, again)
            else:
                self.dead_letters.append(message.row)
        if engine.close is not None:
            engine.close(message.row)

    def _redeliver(self, message):
        self.engine.post(*message)

    def deliver_again(self, message):
        """Keep a delivery through a crash: what waited stays; what was in work is delivered anew, first in line."""
        trace, row, route = self.engine.trace, message.row, message.route
        if isnan(trace.started[row]):
            route.pool.queue.append(message)
            return
        message.dead = True
        trace.outcome[row], trace.answer[row] = LOST, NONE
        again = self.engine.post(
            route, message.case, message.payload, trace.parent[row], attempt=trace.attempt[row] + 1, hop=False
        )
        trace.received[again.row] = self.engine.now
        route.inbox.waiting += 1
        route.pool.queue.append(again)
        if self.engine.close is not None:
            self.engine.close(row)
