"""Offer the requests of a load to a run."""

from rehearsal.draws import PAGE, Book
from rehearsal.engine.messages import Alarm, Case
from rehearsal.load import Request


class Source:
    """Offer requests for one user of a load, or for the whole of an open one.

    Invariant: the n-th offer of the same source has the same moment, attributes and draws in every run of the seed.
    """

    def __init__(self, engine, load, place, user=None):
        self.engine, self.load, self.place, self.user = engine, load, place, user
        self.entry = engine.system.entries[load.kind]
        self.route = engine.routes[load.kind]
        self.kind = list(engine.system.entries).index(load.kind)
        self.who, self.prefix = _names(load, -1 if user is None else user)
        self.n = 0
        keyed = engine.compiler.keyed
        self.draws = {name: keyed(d, f"attribute {name}", load.name) for name, d in load.attributes.items()}

    def offer(self, moment):
        """Offer the next request, meant for this moment."""
        engine, n = self.engine, self.n
        self.n = n + 1
        drawn = {name: book.draw(self.who, 0, n) for name, book in self.draws.items()} if self.draws else None
        payload = Request(self.load.kind, f"{self.prefix}{n}" if self.prefix else n, drawn)
        row = engine.table.open(self.kind, self.place, -1 if self.user is None else self.user, n, moment)
        if not n % PAGE:
            self.page = self.who, 0, n // PAGE  # one for all on it: a dict finds the very same key at once
        case = Case(row, self.page, n % PAGE, self.entry, self if self.load.closed else None)
        case.current = engine.post(self.route, case, payload, -1, waiter=case)
        if engine.tick is not None:
            engine.tick(moment)


def _names(load, user):
    """Return whose draws those of a source are, and what goes before the numbers of its requests."""
    prefix = "" if load.name == load.kind else f"{load.name}."
    return (load.name, prefix) if user < 0 else (f"{load.name}/{user}", f"{prefix}{user}.")


class OpenSource(Source):
    """Offer at the load's own moments, whatever the system does."""

    def begin(self):
        """Put the first offer on the clock."""
        self.moments = self.load.offers(lambda d, purpose: self.engine.compiler.keyed(d, purpose, self.load.name))
        self._next()

    def _next(self):
        moment = next(self.moments, None)
        if moment is not None:
            engine = self.engine
            engine.at(max(moment, engine._now), Alarm(self._due, moment))

    def _due(self, alarm):
        self.offer(alarm.subject)
        self._next()


class User(Source):
    """Think, ask, wait for the answer, and think again."""

    def begin(self):
        """Think for the first time."""
        self.pause = self.engine.compiler.keyed(self.load.think, "think", self.load.name)
        self.engine.after(self.load.start, lambda _: self.think(), None)

    def think(self):
        """Think, then ask, unless it is too late or enough."""
        if self.n == self.load.count:
            return
        engine = self.engine
        pause = self.pause.draw(self.who, 0, self.n)
        if self.load.until is None or engine.now + pause < self.load.until:
            engine.schedule(Alarm(self._ask), delay=pause)

    def _ask(self, _):
        self.offer(self.engine.now)


def payload(run, row):
    """Return what the client asked for with a request of a run, by its row."""
    table = run.table
    load, user, n = run.loads[table.load[row]], table.user[row], table.number[row]
    who, prefix = _names(load, user)
    books = {name: Book(d, run.seed, f"attribute {name}", load.name) for name, d in load.attributes.items()}
    attributes = {name: book.draw(who, 0, n) for name, book in books.items()}
    return Request(load.kind, f"{prefix}{n}" if prefix else n, attributes)


def sources(engine, load, place):
    """Return the sources of a load, the `place`-th of its run: one, or one a user."""
    if load.closed:
        return [User(engine, load, place, user) for user in range(load.users)]
    return [OpenSource(engine, load, place)]
