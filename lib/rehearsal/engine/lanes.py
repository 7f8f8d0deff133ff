"""Order within a key: messages of one key are handled one after another, those of others do not wait for them."""

from collections import deque


class Lanes:
    """Let one message of each key in at a time; the next comes when that one is over, by its work or as a dead letter.

    Invariant: of the messages of a key, the one in front is with its service, or comes back there (a redelivery), and
    the others wait here, at their durable broker, in the order in which they came. So no number of workers can let one
    overtake another, and a message that fails again and again holds up its own key only. What it does not model: a
    fixed number of partitions, where keys that share one wait for each other.
    """

    def __init__(self, engine, key):
        self.engine, self.key = engine, key
        self.lanes: dict = {}  # key -> messages that wait behind the one in front

    def arrival(self, step):
        """Return the step that lets a message in when its turn comes."""

        def arrive(message):
            lane = self.key(message.payload)
            if self.engine.trace.attempt[message.row] > 1:  # it comes again: it is the one in front
                step(message)
            elif lane in self.lanes:
                self.engine.received[message.row] = self.engine.now
                self.lanes[lane].append(message)
            else:
                self.lanes[lane] = deque()
                step(message)

        self.step = step
        return arrive

    def over(self, message):
        """Let the next of its key in, now that a message is over for good."""
        lane = self.key(message.payload)
        waiting = self.lanes[lane]
        if not waiting:
            del self.lanes[lane]
            return
        following = waiting.popleft()
        received, pool = self.engine.received[following.row], following.route.pool
        free, pool.free = pool.free, 0  # it gets the worker of the one before it, which is about to be free
        self.step(following)
        self.engine.received[following.row], pool.free = received, free
