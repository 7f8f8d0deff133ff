"""What can go wrong, told apart: a business no, a failure, and a mistake in the model."""

from difflib import get_close_matches


class ModelError(Exception):
    """Say that the model itself is wrong (an unknown topic, a forgotten yield): a run refuses to go on."""


class DesignWarning(UserWarning):
    """Say that a design looks odd but may be meant, such as an event that nobody hears."""


class Refused(Exception):
    """Say no for a business reason ("card declined"): the answer is no, nobody retries it."""


class Failed(Exception):
    """Say that some work did not succeed: an error reply, retried where a policy says so.

    `may_be_done` says whether some attempt may have taken effect all the same: who undoes has to know.
    """

    may_be_done = True


class TimedOut(Failed):
    """Say that no answer came in time; the work may have been done all the same."""


class Rejected(Failed):
    """Say that the work was not let in: the service was down, or its queue was full.

    It was not done, unless an earlier attempt of the same call came further.
    """

    may_be_done = False


class CircuitOpen(Rejected):
    """Say that the caller's own circuit breaker let nothing out."""


class BulkheadFull(Rejected):
    """Say that the caller has as many calls to this service under way as its bulkhead allows."""


class Lost(Failed):
    """Say that a crash took the work, and with it the connection."""


def unknown(what, name, known):
    """Return the sentence for a name that is not there: what was asked, the nearest name, and what there is.

    >>> unknown("topic", "stock.reservd", ["order.placed", "stock.reserved"])
    "no topic 'stock.reservd'; did you mean 'stock.reserved'? topics here: order.placed, stock.reserved"
    """
    known = sorted(known)
    ends = {place.rpartition(".")[2]: place for place in known}  # "reserv" is near to "inventory.reserve"
    near = get_close_matches(name, known, n=1) or [ends[end] for end in get_close_matches(name, [*ends], n=1)]
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    plural = what[:-1] + "ies" if what.endswith("y") else what + "s"
    return f"no {what} {name!r}{hint} {plural} here: {', '.join(known) or 'none'}"
