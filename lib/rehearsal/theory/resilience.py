"""Resilience: what time-outs, retries, hedges, bulkheads and breakers do, and when their help hurts."""

from math import exp, expm1, inf, lgamma, log

from rehearsal.theory.queues import mm1_sojourn, utilisation


def zombie_share(every, takes, timeout):
    """Return the share of the work in M/M/1 that is done for a caller who gave up after `timeout` [ms].

    The abandoned work stays in the queue and is served, so the sojourn is the exponential of M/M/1 still.

    >>> round(zombie_share(every=100, takes=80, timeout=400), 4)
    0.3679
    """
    return exp(-timeout / mm1_sojourn(every, takes))


def cancelled_share(every, takes, timeout, cancel="queue"):
    """Return the share of requests to M/M/1 that are taken back when their caller gives up after `timeout` [ms].

    `cancel`: from the "queue" only, so work that began is done (and may be in vain), or out of the "work" too. With
    e = exp(-(mu - lambda) T) and a = lambda (1 - e)/(mu - lambda), queue: (lambda/mu) e/(1 + a + (lambda/mu) e), work:
    e/(1 + a); both hold for an overloaded worker too. Barrer (1957).

    >>> round(cancelled_share(100, 80, timeout=400), 4), round(cancelled_share(100, 80, 400, cancel="work"), 4)
    (0.077, 0.1043)
    """
    rho, spare = takes / every, 1 / takes - 1 / every
    e = exp(-spare * timeout)
    a = (-expm1(-spare * timeout) / spare if spare else timeout) / every
    return rho * e / (1 + a + rho * e) if cancel == "queue" else e / (1 + a)


def attempts(failure, retries):
    """Return the mean number of attempts when each fails with probability `failure`, (1 - p^(r+1))/(1 - p).

    >>> attempts(failure=0.5, retries=2)
    1.75
    """
    return float(sum(failure**k for k in range(retries + 1)))


def amplification(retries, layers, failure=1.0):
    """Return how many attempts reach the last of so many `layers` of callers for one request, each of which retries.

    In the worst case (r + 1)^L. Each layer makes n = r + 1 attempts of its own, and fails by f_(i+1) = f_i^n: so the
    layers together are one that makes n^L attempts.

    >>> amplification(retries=2, layers=3), amplification(retries=2, layers=2, failure=0.5)
    (27.0, 1.99609375)
    """
    return attempts(failure, (retries + 1) ** layers - 1)


def retried_sojourn(every, takes, failure, retries, pause=0):
    """Return the mean time of a request to M/M/1 until its last attempt is over [ms], retried after `pause` [ms].

    Attempts fail by `failure`, after their time. All together they are a times the load, a = (1 - p^(r+1))/(1 - p), and
    each finds the queue of an M/M/1 under that load. Exact: a network of Kelly's, *Reversibility and Stochastic
    Networks* (1979), chapter 3. `inf` where attempts times load are more than there is.

    >>> round(retried_sojourn(every=100, takes=50, failure=0.4, retries=2, pause=100), 3)
    410.545
    """
    a = attempts(failure, retries)
    return a * mm1_sojourn(every / a, takes) + (a - 1) * pause


def retrial_wait(every, takes, pause):
    """Return the mean time until an M/M/1 without a queue is found free [ms], trying again after exponential pauses.

    rho (takes + pause)/(1 - rho), as much for the pauses as for the work. Falin and Templeton, *Retrial Queues* (1997).

    >>> retrial_wait(every=100, takes=50, pause=150)
    200.0
    """
    rho = utilisation(every, takes)
    return rho * (takes + pause) / (1 - rho) if rho < 1 else inf


def metastable(every, takes, retries, workers=1):
    """Return whether a storm of retries goes on for ever once all attempts time out: attempts x load > capacity.

    And load < capacity: without the trigger all is well. Bronson and others, "Metastable Failures in Distributed
    Systems", HotOS (2021).

    >>> metastable(every=1 / 280, takes=1 / 300, retries=1), metastable(every=1 / 140, takes=1 / 300, retries=1)
    (True, False)
    """
    rho = utilisation(every, takes, workers)
    return rho < 1 < (retries + 1) * rho


def storm_over(every, takes, outage, timeout, retries, workers=1):
    """Return how long after an `outage` [ms] the last request is placed whose every attempt times out [ms].

    The queue is kept, and what was given up is served all the same. At the end lambda sum (D - i T) attempts wait, and
    (r + 1) lambda come while mu are served, until what waits is worth one `timeout`; the last attempt that finds less
    was placed r time-outs before. A fluid, so a mean. `inf` where it never ends.

    >>> round(storm_over(every=10, takes=1000 / 300, outage=10_000, timeout=1_000, retries=1))
    15000
    """
    lam, mu = 1 / every, workers / takes
    waiting = lam * sum(max(outage - i * timeout, 0) for i in range(retries + 1))
    spare = mu - (retries + 1) * lam
    if spare <= 0:
        return inf
    return max((waiting - mu * timeout) / spare - retries * timeout, 0.0)


def hedged_mean(takes, after):
    """Return the mean of exponential work that is asked for twice where it took longer than `after` [ms].

    (1 - e) + e/2 of its mean, e = exp(-after/takes) being the share of second requests. The idea: Dean and Barroso,
    "The Tail at Scale" (2013).

    >>> hedged_mean(takes=80, after=0), round(hedged_mean(takes=80, after=80), 3)
    (40.0, 65.285)
    """
    return takes * (1 - exp(-after / takes) / 2)


def hedged_quantile(takes, after, share):
    """Return the time that a `share` of the requests hedged `after` so long does not exceed [ms].

    Beyond `after` two race: (after + takes ln(1/(1 - share)))/2.

    >>> round(hedged_quantile(takes=80, after=80, share=0.99), 3)
    224.207
    """
    alone = -takes * log(1 - share)
    return min(alone, (after + alone) / 2)


def bulkhead_loss(offered, calls, others, workers):
    """Return which share is turned away of the calls behind a bulkhead of so many `calls`, and which of all others.

    Both are `offered` [erlangs] to the same `workers`, which do not queue. Every number of either that fits has the
    weight A^i/i! B^j/j!, whatever the distribution of the times. Kaufman (1981). With workers enough for all, the
    first share is Erlang B of the bulkhead, and nothing else is lost.

    >>> slow, rest = bulkhead_loss(offered=20, calls=5, others=2, workers=10)
    >>> round(slow, 4), round(rest, 4)
    (0.7645, 0.0304)
    """
    weights = {}
    for i in range(min(calls, workers) + 1):
        for j in range(workers - i + 1):
            weights[i, j] = exp(i * log(offered) - lgamma(i + 1) + j * log(others) - lgamma(j + 1))
    full = sum(w for (i, j), w in weights.items() if i + j == workers)
    shut = sum(w for (i, j), w in weights.items() if i == calls and i + j < workers)
    total = sum(weights.values())
    return (full + shut) / total, full / total


def done_and_unknown(request_lost, reply_lost, attempts):
    """Return the share of calls that were done and reported as failed: (1 - s)^n - a^n after n `attempts`.

    Each message is lost by its own chance, a there and b back; an attempt succeeds by s = (1 - a)(1 - b).

    >>> round(done_and_unknown(request_lost=0.1, reply_lost=0.2, attempts=2), 4)
    0.0684
    """
    success = (1 - request_lost) * (1 - reply_lost)
    return (1 - success) ** attempts - request_lost**attempts


def calls_until_open(failure, in_a_row):
    """Return how many calls a breaker that opens after so many failures `in_a_row` lets out, (1 - p^k)/(p^k (1 - p)).

    The mean wait for a run of k: Feller, *An Introduction to Probability Theory* 1, section XIII.7.

    >>> calls_until_open(failure=0.5, in_a_row=3)
    14.0
    """
    return sum(failure**-k for k in range(1, in_a_row + 1))
