"""What the axes of an experiment are called, and its numbers with their units."""

from math import isfinite

from rehearsal.draw.words import capital
from rehearsal.experiments.numbers import numeric, short

LATENCIES = ("mean", "p50", "p95", "p99")


def unit_of(frame, name):
    """Return the unit of a column of an experiment; nothing where it is not known.

    A recipe that returns runs has the units of the usual metrics; others can be said: `frame.attrs["units"]`.
    """
    return frame.attrs.get("units", {}).get(name, "")


def plain(frame, name):
    """Return what a metric is called in a sentence: a percentile of latencies says of what it is one."""
    return f"{name} latency" if name in LATENCIES and unit_of(frame, name) == "ms" else name


def axis_label(frame, name):
    """Return what the axis of a metric or a parameter is called.

    >>> import pandas as pd
    >>> frame = pd.DataFrame(); frame.attrs["units"] = {"p95": "ms", "on time": "share", "hop": "ms"}
    >>> [axis_label(frame, name) for name in ("p95", "on time", "hop", "style")]
    ['latency, p95 [ms]', 'on time', 'hop [ms]', 'style']
    """
    unit = unit_of(frame, name)
    label = f"latency, {name}" if name in LATENCIES and unit == "ms" else name
    return f"{label} [{unit}]" if unit and unit != "share" else label


def differs_by(frame, name):
    """Return the unit of a difference in a metric, in brackets; nothing where it is not known."""
    unit = {"share": "points"}.get(unit_of(frame, name), unit_of(frame, name))
    return f" [{unit}]" if unit else ""


def opening(text):
    """Return a text with a capital letter at its start; the name of a percentile keeps its own.

    >>> opening("mean latency"), opening("p95 latency")
    ('Mean latency', 'p95 latency')
    """
    return text if text[1:2].isdigit() else capital(text)


def place(value):
    """Return a value of a parameter as it is written: a number in three digits.

    >>> place(1234.5), place(0.1 + 0.2), place("bus"), place(True)
    ('1,234', '0.3', 'bus', 'True')
    """
    return short(value) if numeric([value]) else str(value)


def said(frame, name, value, points=False):
    """Return a value of a metric with its unit; `points`: a difference of shares is in percentage points.

    >>> import pandas as pd
    >>> frame = pd.DataFrame(); frame.attrs["units"] = {"p95": "ms", "on time": "share"}
    >>> said(frame, "p95", 1234.5), said(frame, "on time", 0.5), said(frame, "on time", 0.02, points=True)
    ('1,234 ms', '50 %', '2 points')
    """
    unit = unit_of(frame, name)
    if unit == "share":
        return f"{short(100 * value)} {'points' if points else '%'}"
    return f"{short(value)} {unit}" if unit else short(value)


def between(frame, name, low, high):
    """Return the ends of an interval in the unit that `said` writes; nothing where there is none, or no width.

    >>> import pandas as pd
    >>> frame = pd.DataFrame(); frame.attrs["units"] = {"on time": "share"}
    >>> between(frame, "on time", 0.5, 0.625), between(frame, "cost", 3, 4.0), between(frame, "cost", 3, 3)
    (' [50, 62.5]', ' [3, 4]', '')
    """
    factor = 100 if unit_of(frame, name) == "share" else 1
    return f" [{short(factor * low)}, {short(factor * high)}]" if isfinite(low) and low < high else ""
