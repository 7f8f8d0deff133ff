"""The request that a search or a check found broken, as a sequence diagram with the moment of the breach marked."""

from textwrap import fill

from rehearsal.draw.sequence import sequence
from rehearsal.draw.words import capital

WIDE, LINE, TITLE = 26, 76, 56  # letters in a line: at the mark, under the title, and of the title


def breach(found, **how):
    """Draw the broken request of a `Breach` or a `Finding`, and return the axes; `how`: as for `sequence`."""
    run, row = found.run, 0 if found.request is None else found.request
    mark = _where(found), max(0.0, found.at - run.table.offered[row]), words(found)
    return sequence(run, row, mark=mark, **{"title": fill(capital(found.said), TITLE), "subtitle": look(found), **how})


def look(found):
    """Say under which faults it broke.

    >>> from rehearsal import Crash, System, Times, run
    >>> shop = System("shop")
    >>> shop.accepts("order", shop.service("desk").operation(name="serve")(lambda ctx, order: None))
    >>> from rehearsal.invariants import Breach
    >>> look(Breach("", "", 0, 0.0, 0, run(shop, Times("order", at=[9]), faults=[Crash("desk", at=0, lasting=5)])))
    'shop: desk down from 0 ms for 5 ms'
    """
    faults = " and ".join(map(str, found.run.faults)) or "without any fault"
    return fill(f"{found.run.system.name}: {faults}", LINE)


def words(found):
    """Return the words at the mark: which invariant."""
    return fill(f"broken: {found.invariant}", WIDE)


def _where(found):
    """Return the service at which it broke: where the message was worked on that came last; the client, if none was."""
    trace, row = found.run.trace, found.span
    working = row >= 0 and trace.started[row] <= found.at and not trace.ended[row] < found.at
    return trace.edges[trace.edge[row]].target if working else "client"
