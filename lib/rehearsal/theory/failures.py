"""Failures: what an outage leaves behind, what breakdowns cost, and how much of the time something is up."""

from itertools import product
from math import expm1, inf, prod, sqrt

from rehearsal.theory.queues import utilisation


def backlog_after(every, outage):
    """Return how many messages wait at the end of an `outage` [ms]: lambda times its length.

    >>> backlog_after(every=50, outage=50_000)
    1000.0
    """
    return outage / every


def drain_time(every, takes, outage, workers=1):
    """Return how long after the `outage` [ms] its backlog is worked off, lambda D/(mu - lambda) [ms].

    The arrivals go on while it drains, so only mu - lambda is left for the backlog.

    >>> drain_time(every=50, takes=40, outage=50_000)
    200000.0
    """
    return outage * takes / (workers * every - takes) if takes < workers * every else inf


def drain_rate(every, takes, workers=1):
    """Return how fast a backlog shrinks while the arrivals go on, mu - lambda [messages a second].

    >>> round(drain_rate(every=50, takes=40), 9)
    5.0
    """
    return 1000 * (workers / takes - 1 / every)


def drain_spread(every, takes, outage, workers=1):
    """Return the standard deviation of `drain_time` [ms], for Poisson arrivals and exponential work.

    A busy period that starts with lambda D messages (their number Poisson), of service rate mu =
    workers/takes.

    >>> round(drain_spread(every=50, takes=40, outage=50_000))
    20000
    """
    rho = utilisation(every, takes, workers)
    return sqrt(2 * outage / every) * takes / workers / sqrt((1 - rho) ** 3) if rho < 1 else inf


def delayed_by(every, takes, outage, workers=1):
    """Return how many messages an `outage` [ms] delays: all that arrive until its backlog is gone.

    >>> delayed_by(every=50, takes=40, outage=50_000)
    5000.0
    """
    return (outage + drain_time(every, takes, outage, workers)) / every


def backlog_path(every, takes, at, until, workers=1):
    """Return the corners [(time, messages)] of the backlog of an outage: up at lambda, down at mu - lambda.

    >>> backlog_path(every=50, takes=40, at=1_000, until=2_000)
    [(1000, 0.0), (2000, 20.0), (6000.0, 0.0)]
    """
    outage = until - at
    return [
        (at, 0.0),
        (until, backlog_after(every, outage)),
        (until + drain_time(every, takes, outage, workers), 0.0),
    ]


def breakdown_sojourn(every, takes, up, down):
    """Return the mean time in M/M/1 whose worker is up and down for exponential times, at work or not [ms].

    What is in work goes on after the repair: with xi = 1/up and eta = 1/down, the mean number there is
    L = lambda [(xi + eta)² + xi mu]/[(xi + eta)(eta mu - lambda (xi + eta))]. White and Christie (1958).

    >>> round(breakdown_sojourn(every=100, takes=50, up=500, down=100), 3)
    191.667
    """
    lam, mu, xi, eta = 1 / every, 1 / takes, 1 / up, 1 / down
    spare = eta * mu - lam * (xi + eta)
    return ((xi + eta) ** 2 + xi * mu) / ((xi + eta) * spare) if spare > 0 else inf


def completion_time(takes, up, down):
    """Return mean [ms] and cv of the time from start to end of exponential work which breakdowns interrupt.

    They strike only while somebody is at work, and the work goes on after the repair; so what waits is an M/G/1 of
    these times (`pollaczek_khinchine`). Gaver (1962).

    >>> mean, cv = completion_time(takes=50, up=500, down=100)
    >>> mean, round(cv, 4)
    (60.0, 1.2472)
    """
    mean = takes * (1 + down / up)
    square = 2 * mean * mean + 2 * takes * down * down / up
    return mean, sqrt(square / (mean * mean) - 1)


def restart_time(takes, up, down):
    """Return the mean time of work that always `takes` the same and begins anew after each breakdown [ms].

    (exp(takes/up) - 1)(up + down): long work hardly ever ends. Kulkarni, Nicola and Trivedi (1987).

    >>> round(restart_time(takes=500, up=500, down=100), 3)
    1030.969
    """
    return expm1(takes / up) * (up + down)


def cleared_share(every, takes, between):
    """Return the share of requests lost in M/M/1 that crashes empty, on average `between` [ms] apart, up again at once.

    With b = lambda + mu + delta and r = [b - sqrt(b² - 4 lambda mu)]/(2 mu), the ratio of the geometric number there,
    it is delta r/((1 - r) lambda). Towsley and Tripathi (1991).

    >>> round(cleared_share(every=100, takes=80, between=2_000), 4)
    0.1193
    """
    lam, mu, delta = 1 / every, 1 / takes, 1 / between
    b = lam + mu + delta
    r = (b - sqrt(b * b - 4 * lam * mu)) / (2 * mu)
    return delta * r / ((1 - r) * lam)


def availability(up, down):
    """Return the share of the time that something is up, from its mean times up and down (the same unit).

    >>> availability(up=99, down=1)
    0.99
    """
    return up / (up + down)


def in_series(*availabilities):
    """Return the availability of a request that needs every one of independent services, their product.

    Over distinct services, not over paths: a shared one fails once for everybody.

    >>> in_series(0.99, 0.99, 0.5)
    0.49005
    """
    return prod(availabilities)


def in_parallel(*availabilities):
    """Return the availability of a request that any one of independent replicas can serve: one minus all down.

    >>> round(in_parallel(0.9, 0.9), 6)
    0.99
    """
    return 1 - prod(1 - each for each in availabilities)


def with_failover(up, down, failover):
    """Return the availability with a standby that takes over after `failover`, for exponential times `down`.

    An outage lasts the shorter of the two, down (1 - exp(-failover/down)) on average; all in the same unit.

    >>> round(with_failover(up=900, down=100, failover=20), 4)
    0.9803
    """
    return availability(up, -down * expm1(-failover / down))


def available(services, works):
    """Return the availability of what `works(up)`, up being the set of the services that are; they are independent.

    `services` is {name: availability}. A sum over every state of the distinct services, so one that several paths
    share fails once for all of them; the product over paths would count it as often as it is passed.

    >>> shop = {"a": 0.9, "b": 0.9, "store": 0.9}
    >>> round(available(shop, lambda up: "store" in up and ("a" in up or "b" in up)), 6)
    0.891
    """
    total = 0.0
    for state in product((True, False), repeat=len(services)):
        there = dict(zip(services, state, strict=True))
        if works({name for name, up in there.items() if up}):
            total += prod(services[name] if up else 1 - services[name] for name, up in there.items())
    return total
