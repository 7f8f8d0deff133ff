"""Search for the shortest sequence of faults that breaks an invariant, and say what was searched.

Who asks for the money again where no answer comes will have it twice, and the first to see it is the search:

>>> from rehearsal import Retry, System, Times
>>> from rehearsal.invariants import never_twice
>>> shop = System("shop", network=1)
>>> till = shop.service("till").operation(name="charge", takes=10)(lambda ctx, order: ctx.effect("charge"))
>>> @shop.service("orders").operation()
... def place(ctx, order):
...     yield ctx.call(till, order, timeout=100, retry=Retry(1))
>>> shop.accepts("order", place)
>>> found = break_it(shop, Times("order", at=[0]), never_twice, progress=False)
>>> found.said, found.paste
('request 0 has charge 2 times', "[Duplicate(('orders', 'till'), at=1.0, lasting=0.001, ways='there')]")
>>> print(*found.covered, sep="; ")
all 1 with no fault; 7 of 25 with one fault
>>> found.again() == found.breach
True
"""

from rehearsal.search.findings import Finding, Nothing
from rehearsal.search.hunt import break_it, under_each
from rehearsal.search.moments import DOWN, KINDS, LATE, catalogue, paste

__all__ = ["DOWN", "KINDS", "LATE", "Finding", "Nothing", "break_it", "catalogue", "paste", "under_each"]
