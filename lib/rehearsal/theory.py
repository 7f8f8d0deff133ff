"""Say what theory predicts: the few closed formulas of queues, outages and availability that a run can be held against.

Every function speaks the words of the models: `every` is the mean time between arrivals [ms], `takes` the
mean time of one piece of work [ms], `workers` how many work side by side. So lambda = 1/every and mu =
workers/takes, both per millisecond; times come back in milliseconds, shares between 0 and 1. A *wait* is the
time in the queue, a *sojourn* the wait plus the work. A system that cannot keep up has no mean: its wait is
`inf`, not an error.

Sources: L. Kleinrock, *Queueing Systems* 1 (1975); M. Harchol-Balter, *Performance Modeling and Design of
Computer Systems* (2013), named per function below. Pure Python, nothing simulated.
"""

from math import exp, inf, log, prod, sqrt


def utilisation(every, takes, workers=1):
    """Return the share of the workers' time that is asked for, rho = lambda/mu.

    >>> utilisation(every=50, takes=20, workers=2)
    0.2
    """
    return takes / (workers * every)


def erlang_b(offered, workers):
    """Return the share of arrivals that find all `workers` busy and leave (Erlang B), `offered` in erlangs.

    Erlang (1917), by the recursion b_k = A b / (k + A b), which never overflows.

    >>> round(erlang_b(2, workers=3), 6)
    0.210526
    """
    blocked = 1.0
    for k in range(1, workers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked


def erlang_c(offered, workers):
    """Return the share of arrivals that have to wait in M/M/c (Erlang C), `offered` in erlangs; 1 when overloaded.

    >>> round(erlang_c(2, workers=3), 6)
    0.444444
    """
    if offered >= workers:
        return 1.0
    blocked = erlang_b(offered, workers)
    return blocked / (1 - offered / workers * (1 - blocked))


def mmc_wait(every, takes, workers=1):
    """Return the mean wait in the queue of M/M/c, C/(c mu - lambda) [ms].

    >>> round(mmc_wait(every=10, takes=20, workers=3), 6)
    8.888889
    """
    if takes >= workers * every:
        return inf
    return erlang_c(takes / every, workers) / (workers / takes - 1 / every)


def mm1_wait(every, takes):
    """Return the mean wait in the queue of M/M/1 [ms].

    >>> mm1_wait(every=100, takes=80)
    320.0
    """
    return pollaczek_khinchine(every, takes, cv=1)


def mm1_sojourn(every, takes):
    """Return the mean time in M/M/1, wait and work, 1/(mu - lambda) [ms].

    >>> mm1_sojourn(every=100, takes=80)
    400.0
    """
    return mm1_wait(every, takes) + takes


def mm1_quantile(every, takes, share):
    """Return the time in M/M/1 that a `share` of the requests does not exceed [ms]; the sojourn is exponential.

    >>> round(mm1_quantile(every=100, takes=80, share=0.95), 3)
    1198.293
    """
    return -log(1 - share) * mm1_sojourn(every, takes)


def pollaczek_khinchine(every, takes, cv):
    """Return the mean wait in M/G/1, rho E[S] (1 + cv²) / (2 (1 - rho)) [ms]; `cv` is the variation of the work.

    Pollaczek (1930), Khinchine (1932): cv is standard deviation over mean, 0 constant, 1 exponential.

    >>> pollaczek_khinchine(every=100, takes=80, cv=2)
    800.0
    """
    if takes >= every:
        return inf
    return takes * takes * (1 + cv * cv) / (2 * (every - takes))


def md1_wait(every, takes):
    """Return the mean wait in the queue of M/D/1, where every piece of work takes the same [ms].

    >>> md1_wait(every=100, takes=80)
    160.0
    """
    return pollaczek_khinchine(every, takes, cv=0)


def tandem(every, *takes):
    """Return the mean time through M/M/1 stations in a row [ms]: what leaves one is Poisson again (Burke 1956).

    >>> tandem(100, 80, 50)
    500.0
    """
    return sum(mm1_sojourn(every, one) for one in takes)


def harmonic(n):
    """Return H_n = 1 + 1/2 + … + 1/n.

    >>> round(harmonic(3), 4)
    1.8333
    """
    return sum(1 / k for k in range(1, n + 1))


def slowest_of(n, mean):
    """Return the mean of the slowest of `n` independent exponential times of the same `mean` [ms], H_n mean.

    >>> round(slowest_of(4, mean=12), 6)
    25.0
    """
    return harmonic(n) * mean


def fork_join(every, takes):
    """Return the mean time of a request split over two M/M/1 stations, until both are done [ms].

    Flatto and Hahn (1984), (12 - rho)/8 sojourns: less than H_2, because both queues see the same arrivals.

    >>> fork_join(every=100, takes=80)
    560.0
    """
    rho = utilisation(every, takes)
    return (12 - rho) / 8 * mm1_sojourn(every, takes)


def zombie_share(every, takes, timeout):
    """Return the share of the work in M/M/1 that is done for a caller who gave up after `timeout` [ms].

    The abandoned work stays in the queue and is served, so the sojourn is the exponential of M/M/1 still.

    >>> round(zombie_share(every=100, takes=80, timeout=400), 4)
    0.3679
    """
    return exp(-timeout / mm1_sojourn(every, takes))


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


def polling_delay(poll, hops=1):
    """Return what consumers that look every `poll` [ms] add on the way over `hops` queues [ms], half an interval each.

    A message comes at any moment of the interval alike, and finds the consumer idle.

    >>> polling_delay(poll=100, hops=3)
    150.0
    """
    return hops * poll / 2


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


def attempts(failure, retries):
    """Return the mean number of attempts when each fails with probability `failure`, (1 - p^(r+1))/(1 - p).

    >>> attempts(failure=0.5, retries=2)
    1.75
    """
    return float(sum(failure**k for k in range(retries + 1)))
