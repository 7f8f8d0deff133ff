"""Frames in which None is a value like any other, and their rows by the values of some columns."""

from math import nan


def table(columns):
    """Return a frame of {name: values} that holds the very values: pandas by itself makes nan of None.

    >>> table({"timeout": [None, 20.0], "seed": [0, 0]})["timeout"].tolist()
    [None, 20.0]
    """
    import pandas as pd

    return pd.DataFrame({name: _column(list(values)) for name, values in columns.items()})


def _column(values):
    import pandas as pd

    return pd.Series(values, dtype=object) if any(value is None for value in values) else values


def grouped(frame, names):
    """Return {values of some columns: the rows that have them}, in the order in which they come.

    What is nan (a frame that was kept in a file has it for None) is one value.

    >>> {at: len(rows) for at, rows in grouped(table({"x": [None, 2, None]}), ["x"]).items()}
    {(None,): 2, (2,): 1}
    """
    if not names:
        return {(): frame}
    found: dict = {}
    for row, values in enumerate(zip(*(frame[name] for name in names), strict=True)):
        found.setdefault(tuple(nan if value != value else value for value in values), []).append(row)
    return {values: frame.iloc[rows] for values, rows in found.items()}
