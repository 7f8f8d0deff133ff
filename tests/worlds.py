"""Random small worlds for the property tests: a system without cycles, a load, faults that all end."""

from hypothesis import strategies as st

from rehearsal import (
    Closed,
    Constant,
    Crash,
    Errors,
    Evenly,
    Exponential,
    Failed,
    Poisson,
    Refused,
    Retry,
    Slow,
    System,
)  # fmt: skip

HOPS = st.sampled_from([Constant(0), Constant(7), Exponential(5)])
TAKES = st.sampled_from([Constant(0), Constant(30), Exponential(20), Exponential(50)])
RETRIES = st.sampled_from([None, Retry(1), Retry(2, wait=9)])
RARELY = st.sampled_from([False, False, False, True])


@st.composite
def actions(draw, me, last):
    """Draw what a handler of service number `me` does: it talks only to services with greater numbers."""
    if me == last:
        return []
    others = st.integers(me + 1, last)
    call = st.tuples(st.just("call"), others, st.sampled_from([None, 8, 30]), RETRIES)
    both = st.tuples(st.just("all"), others, others, st.none())
    send = st.tuples(st.just("send"), others, st.none(), st.none())
    tell = st.tuples(st.just("publish"), st.just(me), st.none(), st.none())
    rest = st.tuples(st.just("sleep"), st.just(me), st.none(), st.none())
    return draw(st.lists(call | both | send | tell | tell | rest, min_size=1, max_size=4))


def performing(steps, me, refuses, catches):
    """Return a handler that does these steps; a plain function where it never waits."""

    def step(ctx, job, verb, who, timeout, retry):
        if verb == "call":
            yield ctx.call(f"s{who}.work", job, timeout=timeout, retry=retry)
        elif verb == "all":
            yield ctx.all(ctx.call(f"s{who}.work", job, key=1), ctx.call(f"s{timeout}.work", job, key=2))
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
        if refuses and job.number == 1:
            raise Refused("no")

    def leaf(ctx, job):
        if refuses and job.number == 1:
            raise Refused("no")

    return handler if steps else leaf


@st.composite
def systems(draw):
    """Draw a system of one to four services, which can be called, sent to, and hear the events of lower numbers."""
    system = System("world", network=draw(HOPS))
    last = draw(st.sampled_from([0, 1, 2, 2, 3, 3]))
    if draw(RARELY):
        system.broker(latency=5, workers=draw(st.sampled_from([None, 1])))
    for me in range(last + 1):
        queue = draw(st.sampled_from([None, None, 0, 2])) if me else None
        service = system.service(
            f"s{me}", workers=draw(st.integers(1, 3)), queue=queue, blocking=draw(st.sampled_from([True, True, False]))
        )
        work = performing(draw(actions(me, last)), me, draw(RARELY), draw(st.booleans()))
        service.operation(takes=draw(TAKES), name="work", publishes=f"t{me}")(work)
        for topic in range(me):
            if not draw(RARELY):
                heard = performing(draw(actions(me, last)), me, draw(RARELY), draw(st.booleans()))
                service.on(
                    f"t{topic}", takes=draw(TAKES), name=f"hear{topic}", publishes=f"t{me}",
                    retry=draw(RETRIES) or Retry(4), workers=draw(st.sampled_from([None, 1, 2])),
                    poll=draw(st.sampled_from([None, None, 25])),
                )(heard)  # fmt: skip
    system.accepts("job", system.find("s0.work"), objective=100)
    return system


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
    """Draw (system, load, faults, seed)."""
    system = draw(systems())
    return system, draw(LOADS), draw(faults(system)), draw(st.integers(0, 99))
