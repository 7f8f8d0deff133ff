"""How many messages a request costs, counted by one rule in every style."""

from rehearsal.census import named
from rehearsal.flows import observed_flows


def traffic(*runs, **names):
    """Return a frame of messages, hops and round trips a request, a row a run, named as in a census.

    The rule: a call is two messages (it and its answer), two hops and one round trip. An event or a command is one
    message however many read it, a hop to the broker and a hop to each reader. The client's own request and its answer
    are left out: they are the same in every style. So n steps cost 2n messages by calls; in a line n + 1 by
    events, and 2n + 1 by commands, replies and the event that ends it.
    """
    import pandas as pd

    rows = {label: _count(run) for label, run in named(runs, names).items()}
    columns = ["messages", "hops", "round trips", "events", "commands"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("a request")


def _count(run):
    calls = hops = events = commands = 0
    for flow in observed_flows(run):
        if flow.kind == "call":
            calls += flow.number
            hops += 2 * flow.number
        elif flow.kind in ("event", "command"):
            hops += flow.number
            events += flow.number * (flow.leg == "out" and flow.kind == "event")
            commands += flow.number * (flow.leg == "out" and flow.kind == "command")
    offered = len(run.table) or 1
    counts = 2 * calls + events + commands, hops, calls, events, commands
    return [count / offered for count in counts]
