"""Styles: what a row of steps takes and what branches take, whoever conducts them."""

from rehearsal.theory.queues import mm1_sojourn, utilisation


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


def fork_join(every, takes, branches=2):
    """Return the mean time of a request split over M/M/1 stations, until all are done [ms].

    Two: (12 - rho)/8 sojourns, exact (Flatto and Hahn 1984), less than H_2, because both queues see the same arrivals.
    More: Nelson and Tantawi (1988), within 5 % up to 32 branches.

    >>> fork_join(every=100, takes=80), round(fork_join(every=100, takes=80, branches=4))
    (560.0, 714)
    """
    rho, more = utilisation(every, takes), harmonic(branches) / harmonic(2)
    return (more + (1 - more) * 4 * rho / 11) * (12 - rho) / 8 * mm1_sojourn(every, takes)


def polling_delay(poll, hops=1):
    """Return what consumers that look every `poll` [ms] add on the way over `hops` queues [ms], half an interval each.

    A message comes at any moment of the interval alike, and finds the consumer idle.

    >>> polling_delay(poll=100, hops=3)
    150.0
    """
    return hops * poll / 2
