"""Numbers, told from other values, and as people write them: three digits that count."""


def short(x):
    """Say a number in three digits.

    >>> short(3.14159), short(0.00012345), short(98765.4), short(20.0), short(-0.0)
    ('3.14', '0.000123', '98,765', '20', '0')
    """
    if isinstance(x, int):
        return f"{x:,}"
    return f"{x:,.0f}" if 1000 <= abs(x) < 1e9 else f"{x + 0.0:.3g}"


def numeric(values):
    """Return whether all of some values of a parameter are numbers.

    >>> numeric([1, 2.5]), numeric([1, None]), numeric([True])
    (True, False, False)
    """
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def several(items):
    """Say a row of things: commas, and "and" before the last.

    >>> several(["a"]), several([1, 2, 3])
    ('a', '1, 2 and 3')
    """
    *first, last = map(str, items)
    return f"{', '.join(first)} and {last}" if first else last
