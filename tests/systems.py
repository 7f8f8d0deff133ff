"""Small systems that several tests share, each as small as its question allows, and a plain view of a trace."""

from typing import NamedTuple

from rehearsal import Exponential, Failed, System, Times, ms, run
from rehearsal.service import AGAIN
from rehearsal.trace import OUTCOMES


class Row(NamedTuple):
    """Hold one message of a trace, in words."""

    request: int
    parent: int
    kind: str
    source: str
    target: str
    name: str
    attempt: int
    sent: float
    received: float
    started: float
    ended: float
    answered: float
    outcome: str
    answer: str


def rows(result, **where):
    """Return the messages of a run in order, those that match: `rows(run, target="back", kind="call")`."""
    t = result.trace
    times = zip(t.sent, t.received, t.started, t.ended, t.answered, strict=True)
    ends = ((OUTCOMES[o], OUTCOMES[a]) for o, a in zip(t.outcome, t.answer, strict=True))
    heads = zip(t.request, t.parent, (t.edges[e][:4] for e in t.edge), t.attempt, strict=True)
    every = [
        Row(request, parent, *edge, attempt, *moments, *end)
        for (request, parent, edge, attempt), moments, end in zip(heads, times, ends, strict=True)
    ]
    return [row for row in every if all(getattr(row, name) == value for name, value in where.items())]


def same(a, b):
    """Return True where two runs have the same trace and the same requests, to the bit."""
    return columns(a) == columns(b)


def columns(result):
    """Return everything a run recorded as bytes, a column each."""
    told = {name: getattr(result.trace, name).tobytes() for name in result.trace.layout}
    told |= {f"table {name}": getattr(result.table, name).tobytes() for name in result.table.layout}
    return told | {"edges": result.trace.edges}


def answers(system, at, *faults, **how):
    """Return (answer, time) of every request offered at these moments."""
    result = run(system, Times("job", at=at), faults=faults, **how)
    names = [row.answer for row in rows(result, kind="request")]
    return list(zip(names, result.table.answered, strict=True))


def desk(takes=10 * ms, workers=1, queue=None, network=0.0, body=None, state=None):
    """Return one service with one operation: the client asks for `serve`."""
    system = System("desk", network)
    service = system.service("desk", workers=workers, queue=queue, state=state)
    serve = service.operation(takes=takes, name="serve")(body or (lambda ctx, job: "served"))
    system.accepts("job", serve)
    return system


def copies(system, replicas, service=None, **how):
    """Give a service of a system, its first or the one said, so many replicas, and say more of it."""
    found = system.services[service] if service else next(iter(system.services.values()))
    vars(found).update(replicas=replicas, **how)
    return system


def caller(
    takes=10 * ms, workers=1, queue=None, network=0.0, front=1000, blocking=True, timeout=None, retry=None, body=None
):
    """Return a `front` that calls `back.work`, which answers or does what `body` says."""
    system = System("caller", network)
    work = system.service("back", workers=workers, queue=queue).operation(takes=takes, name="work")(
        body or (lambda ctx, job: "done")
    )

    @system.service("front", workers=front, blocking=blocking).operation()
    def ask(ctx, job):
        return (yield ctx.call(work, job, timeout=timeout, retry=retry))

    system.accepts("job", ask)
    return system


def branching(takes, body):
    """Return a front whose handler gets three operations, `s0` to `s2`, that take these times or raise."""
    system = System("branching")

    def answer(i):
        def work(ctx, job):
            if takes[i] is None:
                raise Failed(f"s{i} broke")
            return f"r{i}"

        return work

    works = [
        system.service(f"s{i}", workers=9).operation(takes=takes[i] or 0, name=f"s{i}")(answer(i))
        for i in range(len(takes))
    ]

    def go(ctx, job):
        return (yield from body(ctx, job, *works))

    system.accepts("job", system.service("front", workers=9).operation()(go))
    return system


def listener(takes=10 * ms, workers=1, network=0.0, own=None, poll=None, retry=AGAIN, body=None, blocking=True):
    """Return a `front` that publishes `job.placed`, which `back` hears, works on and reports as `job.done`."""
    system = System("listener", network)

    @system.service("front", workers=1000).operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    def work(ctx, job):
        ctx.publish("job.done", job)

    back = system.service("back", workers=workers, blocking=blocking)
    back.on(
        "job.placed", publishes="job.done", takes=takes, workers=own, poll=poll, retry=retry, name="work", work="work"
    )(body or work)
    system.accepts("job", place, done="job.done")
    return system


def commander(takes=10 * ms, workers=1, network=0.0, body=None):
    """Return a `front` that sends the command `work` to `back`."""
    system = System("commander", network)
    work = system.service("back", workers=workers).operation(takes=takes, name="work")(body or (lambda ctx, job: None))

    @system.service("front", workers=1000).operation()
    def order(ctx, job):
        ctx.send(work, job)

    system.accepts("job", order)
    return system


def fanout(n, mean=10 * ms):
    """Return two systems that give one request to `n` services at once: by parallel calls, by one event."""
    calls, events = System("forking orchestrator"), System("event fan-out")
    works = [
        calls.service(f"s{i}", workers=1000).operation(takes=Exponential(mean), name=f"work{i}", work=f"work{i}")(
            _nothing
        )
        for i in range(n)
    ]

    @calls.service("front", workers=1000).operation()
    def fork(ctx, job):
        yield ctx.all(*(ctx.call(work, job) for work in works))

    @events.service("front", workers=1000).operation(publishes="placed")
    def place(ctx, job):
        ctx.publish("placed", job)

    for i in range(n):
        events.service(f"s{i}", workers=1000).on("placed", takes=Exponential(mean), work=f"work{i}")(_nothing)
    calls.accepts("job", fork)
    events.accepts("job", place)
    return calls, events


def _nothing(ctx, job):
    return None
