"""Print what a run costs, as ratios taken in one process: `python -m tests.bench [--long] [--rivals]`.

Seconds differ from machine to machine and from minute to minute; so each pair is run in turn, several times, and the
best of each is compared: some five minutes in all. `--long` adds a million orders in every style: another four, and
3 GB of memory. `--rivals` installs Ciw, salabim and asimpy in an environment that is thrown away, and runs the order
flow in each.
"""

import gc
import subprocess
import sys
import tracemalloc
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from tests.bench import bus_flow, deadline_flow, order_flow, rivals, styles

ORDERS = 50_000
ROUNDS = 3


def cost(flow, orders):
    """Return the CPU time of one order [µs], and what the flow returned."""
    gc.collect()  # what the last one left is not this one's
    begin = process_time()
    result = flow(orders)
    return (process_time() - begin) / orders * 1e6, result


def compared(flows, orders, rounds=ROUNDS):
    """Return the best cost of one order [µs] for each flow, run in turn."""
    best = {}
    for _ in range(rounds):
        for name, flow in flows.items():
            best[name] = min(best.get(name, float("inf")), cost(flow, orders)[0])
    return best


def table(title, best, goal=None):
    """Print costs and their ratios to the first of them."""
    print(f"\n{title}")
    (first, base), *_ = best.items()
    for name, micros in best.items():
        aim = f"   goal ≤ {goal}" if goal and name != first and "totals" not in name else ""
        print(f"  {name:34} {micros:8.1f} µs an order   {micros / base:5.2f}×{aim}")


def bytes_a_span(one):
    """Return how many bytes of a run's trace belong to one span, edges and requests not counted."""
    columns = [getattr(one.trace, name) for name in one.trace.layout]
    return sum(len(column) * column.itemsize for column in columns) / len(one.trace)


def bytes_kept(flow, orders):
    """Return how many bytes a run keeps for one order: not its spans alone, but all that is there because of it."""
    gc.collect()
    tracemalloc.start()
    one = flow(orders)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / len(one.table)


def by_style():
    """Print the flow made by every verb, under policies that never act, and with faults, each against its own."""
    print("\nThe order flow as a process, made by every verb: plain SimPy without a trace, and ours with its trace")
    for name, (by_hand, by_us, goal) in styles.flows().items():
        best = compared({"by hand": by_hand, "ours": by_us}, ORDERS // 2)
        hand, ours = best.values()
        print(f"  {name:44} {hand:7.1f} {ours:7.1f} µs an order   {ours / hand:5.2f}×   goal ≤ {goal}")


def grid(title, rows):
    """Print costs by size, a column for each system, and how much more the largest size costs than the smallest."""
    first, *_, last = rows.values()
    print(f"  {title:>16}" + "".join(f"{verb:>13}" for verb in first))
    for size, costs in rows.items():
        print(f"  {size:>16}" + "".join(f"{micros:>13.2f}" for micros in costs.values()))
    growth = (f"{last[verb] / first[verb]:>12.2f}×" for verb in first)
    print(f"  {'last / first':>16}" + "".join(growth) + "   goal: it does not grow")


def by_size(long):
    """Print what an order costs by how many there are, a message by how many services there are, and what is kept."""
    few = {"declared": order_flow.shop(), **styles.made(styles.process())}
    flows = {verb: styles.of(system) for verb, system in few.items()}
    print("\nCost by size (ours, with its trace; declared: the same flow as a system that was made of no process)")
    rows = {}
    for orders in (10_000, 100_000, *([1_000_000] if long else [])):
        rows[f"{orders:,} orders"] = compared(flows, orders, rounds=1 if orders > 100_000 else 2)
    grid("µs an order", rows)
    rows = {}
    for count in (5, 20, 100):
        services = [(f"service {i}", 5.0) for i in range(count)]
        half = styles.made(styles.process(services), dancing=count // 2)  # so that a blend is made of the same
        many = {"declared": order_flow.shop(services), **half}
        rows[f"{count} services"] = {verb: a_message(system, 100_000 // count) for verb, system in many.items()}
    grid("µs a message", rows)
    kept = (f"{bytes_kept(flow, 5_000):>13.0f}" for flow in flows.values())
    print(f"  {'bytes an order':>16}" + "".join(kept) + "   all that a run keeps: spans, requests, effects, draws")


def a_message(system, orders):
    """Return the best cost of a message [µs]."""
    found = (cost(styles.of(system), orders) for _ in range(2))
    return min(micros * orders / len(one.trace) for micros, one in found)


def by_processes():
    """Print what an experiment gains on two processes."""
    print("\nAn experiment of 40 runs of 2,000 orders, alone and on two processes")
    with styles.two_processes() as pool:
        for verb in styles.GOALS:
            alone, together = styles.speed_up(verb, pool)
            share = f"{alone / together / 2:.2f} of the two cores   goal ≥ 0.9 where they do nothing else"
            print(f"  {verb:12} {alone:4.1f} s {together:4.1f} s   {share}")


def against_rivals(orders=10_000):
    """Print the flow in the libraries that a user would pick instead, each run by its own interpreter."""
    names = ["simpy", "asimpy", "salabim", "ciw"]
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = next(p for p in (Path(folder, "bin", "python"), Path(folder, "Scripts", "python.exe")) if p.exists())
        subprocess.run([python, "-m", "pip", "install", "-q", *names], check=True)
        best = {"ours, causal trace kept": min(cost(order_flow.by_us, orders)[0] for _ in range(ROUNDS))}
        for name in names:
            said = [subprocess.check_output([python, rivals.__file__, name, str(orders)]) for _ in range(2)]
            best[name] = min(float(number) for number in said)
    table(f"The order flow in other libraries ({orders:,} orders)", best)


def main(long, others):
    """Print all tables."""
    by_hand, by_us = order_flow.by_hand, order_flow.by_us
    flows = {"plain SimPy, no trace": by_hand, "ours, causal trace kept": by_us}
    flows["ours, totals only"] = lambda n: by_us(n, keep="totals")
    table(f"The order flow ({ORDERS:,} orders, five messages each)", compared(flows, ORDERS), goal=0.7)
    print(f"  bytes a span: {bytes_a_span(by_us(10_000)):.0f}   goal ≤ 100")
    flows = {"SimPy, call | timeout": deadline_flow.by_hand, "ours": deadline_flow.by_us}
    table("The same with a deadline on every call", compared(flows, ORDERS // 2), goal=0.4)
    flows = {"SimPy, a Store for each queue": bus_flow.by_hand, "ours": bus_flow.by_us}
    table("The same by events", compared(flows, ORDERS // 2), goal=0.5)
    flows = {
        "ours, none waiting": bus_flow.by_us,
        "ours": bus_flow.by_us_in_a_rush,
        "SimPy": bus_flow.by_hand_in_a_rush,
    }
    table("The same, an order each ms, so that some 90,000 wait", compared(flows, 100_000, rounds=2))
    by_style()
    by_processes()
    by_size(long)
    if others:
        against_rivals()


if __name__ == "__main__":
    main("--long" in sys.argv, "--rivals" in sys.argv)
