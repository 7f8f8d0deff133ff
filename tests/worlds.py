"""Random small worlds for the property tests: a system without cycles, a load, faults that all end."""

from hypothesis import strategies as st

from rehearsal import (
    Breakdowns,
    Closed,
    Constant,
    Crash,
    CrashAt,
    Delay,
    Drop,
    Duplicate,
    Errors,
    Evenly,
    Exponential,
    Failed,
    LoadSpike,
    Mute,
    Partition,
    Poisson,
    Refused,
    Reorder,
    Retry,
    Slow,
    System,
)

HOPS = st.sampled_from([Constant(0), Constant(7), Exponential(5)])
TAKES = st.sampled_from([Constant(0), Constant(30), Exponential(20), Exponential(50)])
RETRIES = st.sampled_from([None, Retry(1), Retry(2, wait=9)])
RARELY = st.sampled_from([False, False, False, True])
STANDBY = st.sampled_from([None, None, 15])


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


def habits(rich):
    """Draw what else is said of a service, where it is a rich one."""
    patience = st.sampled_from([None, None, 20])
    return st.fixed_dictionaries({"durable": st.booleans(), "failover": STANDBY, "patience": patience} if rich else {})


@st.composite
def systems(draw, rich=False):
    """Draw a system of one to four services, which can be called, sent to, and hear the events of lower numbers.

    In a `rich` one services and brokers are durable or not, have a standby, lose patience, and work but once.
    """
    system = System("world", network=draw(HOPS))
    last = draw(st.sampled_from([0, 1, 2, 2, 3, 3]))
    if draw(RARELY):
        system.broker(latency=5, workers=draw(st.sampled_from([None, 1])))
    elif rich and draw(st.booleans()):
        system.broker(latency=draw(HOPS), durable=draw(st.booleans()), failover=draw(STANDBY), redelivers=60)
    for me in range(last + 1):
        queue = draw(st.sampled_from([None, None, 0, 2])) if me else None
        service = system.service(
            f"s{me}",
            workers=draw(st.integers(1, 3)),
            queue=queue,
            blocking=draw(st.sampled_from([True, True, False])),
            **draw(habits(rich)),
        )
        work = performing(draw(actions(me, last)), me, draw(RARELY), draw(st.booleans()))
        once = rich and draw(RARELY)
        service.operation(takes=draw(TAKES), name="work", publishes=f"t{me}", idempotent=once)(work)
        for topic in range(me):
            if not draw(RARELY):
                heard = performing(draw(actions(me, last)), me, draw(RARELY), draw(st.booleans()))
                service.on(
                    f"t{topic}", takes=draw(TAKES), name=f"hear{topic}", publishes=f"t{me}",
                    retry=draw(RETRIES) or Retry(4), workers=draw(st.sampled_from([None, 1, 2])),
                    poll=draw(st.sampled_from([None, None, 25])), idempotent=rich and draw(RARELY),
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


def stops(draw, node, service, at, lasting):
    """Draw a way in which a node stops; `service` is None where it is a broker."""
    work, queue = draw(st.sampled_from(["lost", "restart", "resume"])), draw(st.sampled_from(["lost", "kept"]))
    kind = draw(st.sampled_from(["crash", "crash", "at", "wear"]))
    if kind == "crash":
        return Crash(node, at, lasting, work, queue, draw(st.sampled_from(["refused", "ignored", "wait"])))
    if kind == "at" and service is not None:
        heard = draw(st.sampled_from([*service.operations, *service.subscriptions]))
        moment, count = draw(st.sampled_from(["before", "during", "after"])), draw(st.integers(1, 4))
        return CrashAt(node, heard, moment, count, lasting, at)
    up, down = draw(st.sampled_from([(Exponential(60), Exponential(20)), (50, 9)]))
    return Breakdowns(node, up, down, work, draw(st.sampled_from(["always", "busy"])), at, 300)


def way(draw, nodes, at, lasting):
    """Draw what is wrong with a link, or with several."""
    one, two, *_ = draw(st.permutations(["client", *nodes]))
    window = {"at": at, "lasting": lasting}
    link = {"link": (one, two), "ways": draw(st.sampled_from(["both", "there", "back"])), **window}
    rate = draw(st.sampled_from([0.3, 1.0]))
    by = draw(st.sampled_from([4, Exponential(30)]))
    return draw(
        st.sampled_from(
            [
                Drop(rate=rate, **link), Delay(by=by, **link), Duplicate(rate=rate, **link),
                Reorder(within=40, rate=rate, **link), Partition(((one,), (two,)), **window),
            ]
        )
    )  # fmt: skip


@st.composite
def catalogue(draw, system, load):
    """Draw faults of every kind for a system and a load; all of them end."""
    nodes = [*system.services, *system.brokers]
    found, free = [], dict.fromkeys(nodes, 0)
    for _ in range(draw(st.sampled_from([0, 1, 2, 3, 5, 7]))):
        node, at, lasting = draw(st.sampled_from(nodes)), draw(st.integers(0, 200)), draw(st.sampled_from([1, 40, 90]))
        kind = draw(st.sampled_from(["stop", "stop", "way", "way", "slow", "errors", "mute", "spike"]))
        service = system.services.get(node)
        if kind == "stop":
            fault = stops(draw, node, service, at, lasting)
            if isinstance(fault, Crash):
                if at < free[node]:
                    continue
                free[node] = fault.until
            found.append(fault)
        elif kind == "way":
            found.append(way(draw, nodes, at, lasting))
        elif kind == "slow":
            found.append(Slow(node, 3, at=at, lasting=lasting))
        elif kind == "spike" and not isinstance(load, Closed):
            found.append(LoadSpike(3, at=at, lasting=40))
        elif kind == "errors" and service is not None:
            found.append(Errors(node, 0.7, at=at, lasting=lasting))
        elif kind == "mute" and service is not None:
            found.append(Mute(node, at=at, lasting=lasting))
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


def vanishing(system, faults):
    """Return whether messages may disappear for good in such a world, so that somebody may wait for ever."""
    kept = all(broker.durable for broker in system.brokers.values())
    holes = any(isinstance(f, Crash) and f.arrivals == "ignored" for f in faults)
    return not kept or holes or any(isinstance(f, Drop | Mute | Partition) for f in faults)
