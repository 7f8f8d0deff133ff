"""What is worth choosing from where several things count: the designs that no other beats in all of them."""

from rehearsal.errors import unknown

WAYS = {"less": 1, "more": -1}


def front(frame, better):
    """Return the names of the rows that no other row dominates, in their order; the index holds the names.

    `better` is {column: "less" or "more"}. A row dominates another that is nowhere better and somewhere worse; rows
    that are equal in all columns stay together. Round a measured column to what matters first: a difference that is
    mere noise keeps a row on the front.

    >>> import pandas as pd
    >>> cars = pd.DataFrame({"price": [9, 12, 14], "seats": [4, 4, 7]}, index=["small", "red", "van"])
    >>> front(cars, {"price": "less", "seats": "more"})
    ['small', 'van']
    """
    rows = _rows(frame, better)
    return [name for name, mine in rows if not any(dominates(other, mine) for _, other in rows)]


def dominates(one, other):
    """Return whether one row of numbers, less being better in each, is nowhere worse and somewhere better.

    >>> dominates((1, 2), (1, 3)), dominates((1, 2), (1, 2)), dominates((1, 2), (0, 9))
    (True, False, False)
    """
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(a < b for a, b in zip(one, other, strict=True))


def _rows(frame, better):
    """Return [(name, numbers of which less is better)] of the rows of a frame."""
    if not better:
        raise ValueError('better is {column: "less" or "more"}, with a column at least')
    for column, way in better.items():
        if column not in frame.columns:
            raise ValueError(unknown("column", str(column), list(map(str, frame.columns))))
        if way not in WAYS:
            raise ValueError(f"better of {column!r} is 'less' or 'more', not {way!r}")
    table = zip(*(WAYS[way] * frame[column] for column, way in better.items()), strict=True)
    return list(zip(frame.index, table, strict=True))
