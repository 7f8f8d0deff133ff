"""Shared places for the services of two styles: the same service stands at the same place in both."""


def slots(one, two):
    """Return pairs (name in `one`, name in `two`), None where a style has no such service, in an order for both.

    What only one style has shares a place with what only the other has, where they stand between the same
    neighbours: the orchestrator of one style and the order service of the other.

    >>> slots(["gateway", "orchestrator", "stock"], ["gateway", "orders", "stock", "mail"])
    [('gateway', 'gateway'), ('orchestrator', 'orders'), ('stock', 'stock'), (None, 'mail')]
    """
    shared = [name for name in one if name in two]
    places: list = []
    for start, name in zip([None, *shared], [*shared, None], strict=True):
        left, right = _between(one, start, shared), _between(two, start, shared)
        for place in range(max(len(left), len(right))):
            places.append(tuple(names[place] if place < len(names) else None for names in (left, right)))
        if name is not None:
            places.append((name, name))
    return places


def _between(names, start, shared):
    """Return the names after `start` (from the beginning: None), up to the next one that is shared."""
    found: list = []
    rest = names if start is None else names[names.index(start) + 1 :]
    for name in rest:
        if name in shared:
            break
        found.append(name)
    return found
