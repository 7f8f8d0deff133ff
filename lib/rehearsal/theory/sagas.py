"""Sagas and messages: how often a saga is committed, what it tries and undoes, what is done twice or given up.

A step fails by `failure` each time it is tried, whatever happened before, and is tried again so many times (`retries`)
before anything is undone; p^(r+1) is then the chance that it fails for good, and q what is left to 1. So a saga is a
row of independent trials that ends with the first failure, W. Feller, *An Introduction to Probability Theory* 1,
chapter VI. The word: H. Garcia-Molina and K. Salem, "Sagas", SIGMOD (1987), where what was done is undone the last
first.
"""

from rehearsal.theory.resilience import attempts


def saga_committed(failure, steps, retries=0):
    """Return the share of sagas of so many `steps` that are committed: q^n.

    >>> saga_committed(failure=0.5, steps=3), round(saga_committed(failure=0.5, steps=3, retries=2), 4)
    (0.125, 0.6699)
    """
    return (1 - failure ** (retries + 1)) ** steps


def saga_undone(failure, steps, retries=0):
    """Return how many steps a saga undoes on average: k - 1 where step k fails, the sum of (k - 1) (1 - q) q^(k-1).

    >>> saga_undone(failure=0.5, steps=3), round(saga_undone(failure=0.5, steps=3, retries=2), 4)
    (0.5, 0.3008)
    """
    lost = failure ** (retries + 1)
    return float(sum((k - 1) * lost * (1 - lost) ** (k - 1) for k in range(1, steps + 1)))


def saga_steps(failure, steps, retries=0):
    """Return how many steps a saga tries on average, the one that fails included: (1 - q^n)/(1 - q).

    >>> saga_steps(failure=0.5, steps=3), round(saga_steps(failure=0.5, steps=3, retries=2), 4)
    (1.75, 2.6406)
    """
    return float(sum((1 - failure ** (retries + 1)) ** k for k in range(steps)))


def saga_calls(failure, steps, retries=0):
    """Return how often a saga asks for a step on average, all attempts counted, and undos not.

    Each step that is tried at all costs (1 - p^(r+1))/(1 - p) attempts, whichever of them is the last (Wald's identity,
    1944): retries cost calls, and save undos.

    >>> saga_calls(failure=0.5, steps=3), round(saga_calls(failure=0.5, steps=3, retries=2), 4)
    (1.75, 4.6211)
    """
    return attempts(failure, retries) * saga_steps(failure, steps, retries)


def saga_parked(failure, undo_failure, steps, retries=0, undo_retries=0):
    """Return the share of sagas that a person has to look at, since an undo was given up after its retries.

    Where step k fails k - 1 steps are undone: the sum over k of (1 - q) q^(k-1) (1 - u^(k-1)), where u is the chance
    that one undo succeeds.

    >>> saga_parked(failure=0.5, undo_failure=0.5, steps=3)
    0.21875
    >>> round(saga_parked(failure=0.5, undo_failure=0.5, steps=3, undo_retries=5), 4)
    0.0078
    """
    lost, mended = failure ** (retries + 1), 1 - undo_failure ** (undo_retries + 1)
    return float(sum(lost * (1 - lost) ** k * (1 - mended**k) for k in range(steps)))


def dead_letter_share(failure, deliveries):
    """Return the share of messages that are given up after so many `deliveries`, each of which fails: p^N.

    >>> dead_letter_share(failure=0.5, deliveries=5)
    0.03125
    """
    return failure**deliveries


def times_done(message_lost, acknowledgement_lost, deliveries):
    """Return how often a message is worked on, on average, that is delivered until it is acknowledged.

    Each delivery is lost by its own chance a, its acknowledgement by b, and after so many `deliveries` it is given up:
    (1 - a) (1 - (1 - s)^N)/s with s = (1 - a)(1 - b), the geometric number of deliveries of which a share 1 - a
    arrive. At least once has its price: without limit it is 1/(1 - b). The semantics: A. Z. Spector, "Performing remote
    operations efficiently on a local computer network", CACM 25 (1982).

    >>> times_done(message_lost=0.2, acknowledgement_lost=0.5, deliveries=1)
    0.8
    >>> round(times_done(message_lost=0.2, acknowledgement_lost=0.5, deliveries=99), 6)
    2.0
    """
    arrives = 1 - message_lost
    return arrives * attempts(1 - arrives * (1 - acknowledgement_lost), deliveries - 1)


def duplicate_share(message_lost, acknowledgement_lost, deliveries):
    """Return the share of messages that are worked on more than once without a key, delivered until acknowledged.

    b (1 - a^N) - N a^(N-1) (1 - a) b: whose first acknowledgement is lost, without those that never arrive again. With
    no limit it is b, however many get lost on the way there. With a key, stored with the effect, it is 0.

    >>> duplicate_share(message_lost=0.2, acknowledgement_lost=0.5, deliveries=1)
    0.0
    >>> round(duplicate_share(message_lost=0.2, acknowledgement_lost=0.5, deliveries=3), 4)
    0.448
    """
    a, b, n = message_lost, acknowledgement_lost, deliveries
    return b * (1 - a**n) - n * a ** (n - 1) * (1 - a) * b
