"""What is measured of one run: the share of each fate, how long what was done took, and how much was done a second."""

from math import fsum, isnan, nan

from rehearsal.engine import FATES, Run
from rehearsal.errors import unknown
from rehearsal.measures import percentile

MORE_IS_BETTER = ("on time", "throughput")
DONE = ("on time", "late")
UNITS = dict.fromkeys(FATES, "share") | dict.fromkeys(("mean", "p50", "p95", "p99"), "ms") | {"throughput": "1/s"}


def measured(result, warmup=0.0):
    """Return {metric: number} of what a recipe returned: a Run, a dict of numbers or one number.

    >>> measured(3), measured({"hops": 4})
    ({'value': 3}, {'hops': 4})
    """
    if isinstance(result, Run):
        return metrics(result, warmup)
    if warmup:
        raise TypeError("warmup= cuts runs, and this recipe returns numbers: cut it there, or return the run")
    found = result if isinstance(result, dict) else {"value": result}
    if not found:
        raise TypeError("a recipe returns a Run, a number or a dict of numbers, not an empty dict")
    return {_name(name): _number(value, name) for name, value in found.items()}


def metrics(run, warmup=0.0):
    """Return the usual metrics of a run: shares of the nine fates, latencies [ms] and throughput [1/s].

    Requests offered before `warmup` [ms] are left out. mean, p50, p95 and p99 are of the latency of the requests that
    were done, on time or late: the shares say how many were not. Throughput is how many were done a second from the
    warm-up to the end of the run.

    >>> from rehearsal import run
    >>> from rehearsal.shop import ORDERS, choreographed
    >>> found = metrics(run(choreographed(), ORDERS, seed=7))
    >>> [*found][-5:], found["on time"]
    (['mean', 'p50', 'p95', 'p99', 'throughput'], 1.0)
    """
    table = run.table
    rows = list(zip(table.offered, table.settled, run.fates(), strict=True))
    mine = [row for row in rows if row[0] >= warmup]
    fates = [fate for _, _, fate in mine]
    found = {fate: fates.count(fate) / len(fates) if fates else nan for fate in FATES}
    sample = sorted(end - start for start, end, fate in mine if fate in DONE and not isnan(end))
    found["mean"] = fsum(sample) / len(sample) if sample else nan
    found |= {f"p{share}": percentile(sample, share / 100) for share in (50, 95, 99)}
    done = sum(end >= warmup for _, end, fate in rows if fate in DONE)
    found["throughput"] = 1000 * done / (run.ended - warmup) if run.ended > warmup else nan
    return found


def _name(name):
    if not isinstance(name, str) or name == "seed":
        raise TypeError(f"a metric has a name of its own, not {name!r}")
    return name


def _number(value, name):
    value = value.item() if hasattr(value, "item") else value  # numpy
    if not isinstance(value, int | float):
        raise TypeError(f"a recipe returns a Run, a number or a dict of numbers; {name!r} is {value!r}")
    return float(value) if isinstance(value, bool) else value


def metric_of(frame, metric):
    """Return the name of a metric of a frame, or say which there are."""
    if "seed" not in frame.columns:
        raise ValueError("this is no frame of runs: it has no column 'seed' (replicate and sweep make one)")
    known = [name for name in frame.columns if name not in ("seed", *parameters_of(frame))]
    if metric not in known:
        raise ValueError(unknown("metric", str(metric), known))
    return metric


def parameters_of(frame):
    """Return the names of the parameters of a frame of runs: the columns before its seeds."""
    return list(frame.columns)[: list(frame.columns).index("seed")]


def direction(metric, better=None):
    """Return 1 where less of a metric is better and -1 where more is; by itself, more only of what is done.

    >>> direction("p95"), direction("on time"), direction("stock", better="more")
    (1, -1, -1)
    """
    if better not in (None, "less", "more"):
        raise ValueError(f"better is 'less' or 'more', not {better!r}")
    return -1 if (better or ("more" if metric in MORE_IS_BETTER else "less")) == "more" else 1
