"""Random small worlds for the property tests: a system without cycles, a load, faults that all end."""

from hypothesis import strategies as st

from rehearsal import (
    Bulkhead,
    CircuitBreaker,
    Closed,
    Constant,
    Crash,
    Errors,
    Evenly,
    Exponential,
    Failed,
    Hedge,
    Poisson,
    Refused,
    Retry,
    RetryBudget,
    Slow,
    System,
)
from tests.catalogue import catalogue

HOPS = st.sampled_from([Constant(0), Constant(7), Exponential(5)])
TAKES = st.sampled_from([Constant(0), Constant(30), Exponential(20), Exponential(50)])
RETRIES = st.sampled_from([None, Retry(1), Retry(2, wait=9)])
RARELY = st.sampled_from([False, False, False, True])
COPIES = st.sampled_from([1, 2, 2, 3])
STANDBY = st.sampled_from([None, 15])
JITTERS = ("decorrelated", "none", "full", "equal", "decorrelated")
LATER = [Retry(2, wait=6, factor=2, cap=20, jitter=jitter) for jitter in JITTERS]
BREAKER = {"window": 4, "minimum": 2, "open_for": 25, "probes": 1}
POLICIES = {
    "timeout": st.sampled_from([8, 30]),
    "deadline": st.sampled_from([25, 70]),
    "cancel": st.sampled_from(["queue", "work"]),
    "retry": st.sampled_from([*LATER, Retry(1, on=("timeout", "unsent")), Retry(2, step=5)]),
    "budget": st.just(RetryBudget(0.3, burst=1)),
    "breaker": st.sampled_from(
        [
            CircuitBreaker(**BREAKER),
            CircuitBreaker(counts="calls", **BREAKER),
            CircuitBreaker(slow=20, slow_rate=0.5, **BREAKER | {"per": "time", "window": 60}),
        ]
    ),
    "bulkhead": st.sampled_from([Bulkhead(1), Bulkhead(1, wait=20), Bulkhead(2, wait=float("inf"))]),
    "hedge": st.just(Hedge(after=6)),
    "fallback": st.just("instead"),
}
CARE = st.fixed_dictionaries({}, optional=POLICIES)


@st.composite
def actions(draw, me, last, rich=False):
    """Draw what a handler of service number `me` does: it talks only to services with greater numbers."""
    if me == last:
        return []
    others = st.integers(me + 1, last)
    call = st.tuples(st.just("call"), others, st.sampled_from([None, 8, 30]), RETRIES)
    both = st.tuples(st.just("all"), others, others, st.none())
    send = st.tuples(st.just("send"), others, st.none(), st.none())
    tell = st.tuples(st.just("publish"), st.just(me), st.none(), st.none())
    rest = st.tuples(st.just("sleep"), st.just(me), st.none(), st.none())
    found = call | both | send | tell | tell | rest
    if rich:
        guarded = st.tuples(st.just("guard"), others, CARE, st.none())
        found |= guarded | guarded | st.tuples(st.just("first"), others, others, CARE)
    return draw(st.lists(found, min_size=1, max_size=4))


def performing(steps, me, refuses, catches, parks=False):
    """Return a handler that does these steps; a plain function where it never waits."""

    def step(ctx, job, verb, who, one, two):
        if verb == "call":
            yield ctx.call(f"s{who}.work", job, timeout=one, retry=two)
        elif verb == "guard":
            yield ctx.call(f"s{who}.work", job, **one)
        elif verb == "all":
            yield ctx.all(ctx.call(f"s{who}.work", job, key=1), ctx.call(f"s{one}.work", job, key=2))
        elif verb == "first":
            calls = [ctx.call(f"s{who}.work", job, key=1, **two), ctx.call(f"s{one}.work", job, key=2)]
            while calls:
                over = [call for call, *_ in (yield ctx.first(*calls))]
                calls = [call for call in calls if call not in over]
        elif verb == "send":
            ctx.send(f"s{who}.work", job)
        elif verb == "publish":
            ctx.publish(f"t{me}", job)
        else:
            yield ctx.sleep(3)

    def handler(ctx, job):
        for each in steps:
            try:
                yield from step(ctx, job, *each)
            except Failed:
                if not catches:
                    raise
        leaf(ctx, job)

    def leaf(ctx, job):
        if refuses and job.number == 1:
            raise Refused("no")
        if parks and job.number == 2:
            ctx.park("a person has to look at it")
        ctx.effect("done")
        ctx.state["done"] = ctx.state.get("done", 0) + 1

    return handler if steps else leaf


def habits(rich):
    """Draw what else is said of a service, where it is a rich one."""
    patience = st.sampled_from([None, None, 20])
    said = {"durable": st.booleans(), "failover": STANDBY, "patience": patience, "volatile": RARELY}
    said |= {"replicas": COPIES}
    said |= {"decides": st.sampled_from([0, 0, 2]), "outbox": st.sampled_from([None, None, 0, 15])}
    return st.fixed_dictionaries(said if rich else {})


def reading(rich):
    """Draw what else is said of a reader of events, where it is a rich one."""
    parity = st.sampled_from([None, None, lambda job: str(job.number)[-1] in "02468"])
    said = {"acknowledge": st.sampled_from(["after", "after", "before"]), "key": parity}
    said |= {"replay": st.sampled_from([None, None, 40]), "idempotent": RARELY}
    return st.fixed_dictionaries(said if rich else {})


def declare_brokers(draw, system, rich):
    """Declare a broker, two, or none: then there is a plain one where somebody speaks."""
    if not rich and draw(RARELY):
        system.broker(latency=5, workers=draw(st.sampled_from([None, 1])))
    elif rich and not draw(RARELY):
        said = {
            "latency": HOPS,
            "workers": st.sampled_from([None, 2]),
            "durable": st.booleans(),
            "failover": STANDBY,
            "replicas": COPIES,
        }
        system.broker(redelivers=60, **draw(st.fixed_dictionaries(said)))
        if draw(RARELY):
            system.broker("fast", carries=("t0", "work"), redelivers=60)


@st.composite
def systems(draw, rich=False):
    """Draw a system of one to four services, which can be called, sent to, and hear the events of lower numbers.

    In a `rich` one all that may be said of services, brokers, readers and calls is said now and then.
    """
    system = System("world", network=draw(HOPS))
    last = draw(st.sampled_from([0, 1, 2, 2, 3, 3]))
    declare_brokers(draw, system, rich)
    for me in range(last + 1):
        queue = draw(st.sampled_from([None, None, 0, 2])) if me else None
        service = system.service(
            f"s{me}",
            workers=draw(st.integers(1, 3)),
            queue=queue,
            blocking=draw(st.sampled_from([True, True, False])),
            **draw(habits(rich)),
        )

        def body(me=me):
            return performing(
                draw(actions(me, last, rich)), me, draw(RARELY), draw(st.booleans()), rich and draw(RARELY)
            )

        work, once = body(), rich and draw(RARELY)
        service.operation(takes=draw(TAKES), name="work", publishes=f"t{me}", idempotent=once)(work)
        for group, heard in heard_by(draw, me, rich):
            how = {"when": lambda job, come: len(come) > 1} if rich and len(heard) > 1 and draw(RARELY) else {}
            service.on(
                heard, takes=draw(TAKES), name=f"hear{heard[0]}{group}", publishes=f"t{me}", group=group,
                retry=draw(RETRIES) or Retry(4), workers=draw(st.sampled_from([None, 1, 2])),
                poll=draw(st.sampled_from([None, None, 25])), **draw(reading(rich)), **how,
            )(body())  # fmt: skip
    system.accepts("job", system.find("s0.work"), objective=100)
    if rich and draw(RARELY):
        system.guard(**draw(CARE), to=draw(st.sampled_from([None, f"s{last}"])))
    return system


def heard_by(draw, me, rich):
    """Draw which topics service number `me` hears, in which group; a rich one may join some, or hear one twice."""
    topics = [f"t{topic}" for topic in range(me) if not draw(RARELY)]
    joined = rich and len(topics) > 1 and draw(st.booleans())
    twice = [("again", (draw(st.sampled_from(topics)),))] if rich and topics and draw(RARELY) else []
    return [("", tuple(topics))] * joined + [("", (topic,)) for topic in topics if not joined] + twice


LOADS = st.sampled_from(
    [Poisson("job", every=12, count=25), Evenly("job", every=20, count=12), Closed("job", users=3, think=10, count=5)]
)


@st.composite
def faults(draw, system):
    """Draw faults for a system; a crash is followed by the next on the same node only when it is over."""
    nodes = [*system.services, *system.brokers]
    found, free = [], dict.fromkeys(nodes, 0)
    for _ in range(draw(st.sampled_from([0, 2, 3, 5]))):
        node, at, lasting = draw(st.sampled_from(nodes)), draw(st.integers(0, 200)), draw(st.sampled_from([1, 40, 90]))
        kind = draw(st.sampled_from(["crash", "crash", "slow", "errors"]))
        if kind == "crash" and at >= free[node]:
            free[node] = at + lasting
            found.append(Crash(node, at=at, lasting=lasting))
        elif kind == "slow":
            found.append(Slow(node, 3, at=at, lasting=lasting))
        elif kind == "errors" and node in system.services:
            found.append(Errors(node, 0.7, at=at, lasting=lasting))
    return found


@st.composite
def worlds(draw):
    """Draw (system, load, faults, seed), where services crash, are slow or fail."""
    system = draw(systems())
    return system, draw(LOADS), draw(faults(system)), draw(st.integers(0, 99))


@st.composite
def storms(draw):
    """Draw (system, load, faults, seed), where everything may be said of a service and all of the catalogue strikes."""
    system, load = draw(systems(rich=True)), draw(LOADS)
    return system, load, draw(catalogue(system, load)), draw(st.integers(0, 99))
