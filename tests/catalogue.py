"""Every fault there is, drawn at random for a system and a load; all of them end."""

from hypothesis import strategies as st

from rehearsal import (
    Breakdowns,
    Closed,
    Crash,
    CrashAt,
    Delay,
    Drop,
    Duplicate,
    Errors,
    Exponential,
    LoadSpike,
    Mute,
    Partition,
    Reorder,
    Slow,
)


def stops(draw, node, service, copies, at, lasting):
    """Draw a way in which a node or one of its copies stops; `service` is None where it is a broker."""
    replica = draw(st.sampled_from([None, *range(1, copies + 1)]))
    kind = draw(st.sampled_from(["crash", "at", "crash", "wear", "at"] if service else ["crash", "wear"]))
    work = draw(st.sampled_from(["lost", "restart", "resume"]))
    if kind == "crash":
        queue, arrivals = (st.sampled_from(words) for words in (["lost", "kept"], ["refused", "ignored", "wait"]))
        return Crash(node, at, lasting, work, draw(queue), draw(arrivals), replica)
    if kind == "at":
        topics = dict.fromkeys(topic for reader in service.subscriptions.values() for topic in reader.topics)
        heard = draw(st.sampled_from([*service.operations, *topics]))
        moment, count = draw(st.sampled_from(["before", "during", "after"])), draw(st.integers(1, 4))
        return CrashAt(node, heard, moment, count, lasting, at)
    up, down = draw(st.sampled_from([(Exponential(60), Exponential(20)), (50, 9)]))
    return Breakdowns(node, up, down, work, draw(st.sampled_from(["always", "busy"])), at, 300, replica)


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


def hub(system):
    """Return the names by which all may be struck at once: of conductor, brokers, and of the parts of a monolith."""
    conductor = ["orders"] * (system.process is not None and "orders" in system.services)
    return [*conductor, *system.brokers, *system.modules]


@st.composite
def catalogue(draw, system, load):
    """Draw faults of every kind for a system and a load; what is in the middle is struck more often than others."""
    nodes = [*system.services, *system.brokers, *system.modules]
    found, free = [], {}
    ends = [*system.services, *system.brokers]
    middle = hub(system)
    for n in range(draw(st.sampled_from([0, 2, 3, 5, 8]))):
        kind = draw(st.sampled_from(["stop", "stop", "way", "way", "slow", "errors", "mute", "spike"]))
        if n == 0 and middle and draw(st.booleans()):
            kind, node = draw(st.sampled_from(["stop", "stop", "stop", "slow"])), draw(st.sampled_from(middle))
        else:
            node = draw(st.sampled_from(nodes))
        at, lasting = draw(st.integers(0, 200)), draw(st.sampled_from([1, 40, 90]))
        service = system.services.get(system.modules.get(node, node))
        if kind == "stop":
            copies = (service or system.brokers[node]).replicas
            fault = stops(draw, node, service, copies, at, lasting)
            if isinstance(fault, Crash):
                if at < free.get(fault.whom, 0):
                    continue
                free[fault.whom] = fault.until
            found.append(fault)
        elif kind == "way":
            found.append(way(draw, ends, at, lasting))
        elif kind == "slow":
            found.append(Slow(node, 3, at=at, lasting=lasting))
        elif kind == "spike" and not isinstance(load, Closed):
            found.append(LoadSpike(3, at=at, lasting=40))
        elif kind == "errors" and service is not None:
            found.append(Errors(node, 0.7, at=at, lasting=lasting))
        elif kind == "mute" and service is not None:
            found.append(Mute(node, at=at, lasting=lasting))
    return found


def vanishing(system, faults):
    """Return whether messages may disappear for good in such a world, so that somebody may wait for ever."""
    kept = all(broker.durable for broker in system.brokers.values())
    holes = any(isinstance(f, Crash) and f.arrivals == "ignored" for f in faults)
    return not kept or holes or any(isinstance(f, Drop | Mute | Partition) for f in faults)


def forgetting(system, faults):
    """Return whether a request may come to no end there, though nobody waits for anything any more.

    It may where messages vanish, and where a process goes on only as long as somebody remembers it or hears of it.
    """
    return vanishing(system, faults) or (system.process is not None and bool(faults))
