"""Idempotency: a handler that does its work once for each logical request, however often it is asked."""

from rehearsal.engine.inside import Work
from rehearsal.engine.waits import WAITS, Sleep


def once(plan, function):
    """Return a handler that does its work once for each request, and answers all who ask again from memory.

    What was done and the key are stored at the same instant. Who asks while the first is still under way waits for it;
    where that one fails, the next does the work.
    """
    done: dict = {}
    turns: dict = {}

    def leaf(ctx, payload):
        asked = _key(ctx._message)
        if asked not in done:
            done[asked] = function(ctx, payload)
        return done[asked]

    def waiting(ctx, payload):
        asked = _key(ctx._message)
        while asked not in done:
            if asked in turns and not turns[asked][0].dead:
                yield Following(*turns[asked])
                continue
            turns[asked] = ctx._message, []
            try:
                done[asked] = yield from function(ctx, payload)
            except Exception:
                _over(ctx._engine, turns.pop(asked))
                raise
            _over(ctx._engine, turns.pop(asked))
        return done[asked]

    return waiting if plan.waits else leaf


def _key(message):
    """Return who asks: a call with all its attempts and hedges, an event or a command with all its deliveries.

    What is done in process is asked for once.
    """
    if isinstance(message, Work):
        return message
    return getattr(message.waiter, "call", message.waiter) or message  # a hedge waits on behalf of its call


def _over(engine, turn):
    for follower in turn[1]:
        engine.after(0.0, follower._over, engine)


class Following(Sleep):
    """Wait until another message for the same request is over."""

    __slots__ = ("first", "followers")

    def __init__(self, first, followers):
        super().__init__(None)
        self.first, self.followers = first, followers

    def begin(self, engine, parent):
        """Start to wait."""
        self.parent = parent
        self.followers.append(self)

    def hopeless(self, vanished, rows):
        """Return whether the one it waits for waits for ever."""
        return self.first.row in rows


WAITS.add(Following)
