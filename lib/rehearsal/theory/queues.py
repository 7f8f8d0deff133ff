"""Queues: how long work waits, and how much is turned away, at a station that all goes well with."""

from math import exp, expm1, inf, lgamma, log

from rehearsal.draws import Constant, Empirical, Exponential, Uniform


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


def mmck_loss(every, takes, workers=1, queue=0):
    """Return the share of arrivals turned away by M/M/c with room for `queue` to wait.

    Kleinrock 1 (1975), section 3.6, for any number of workers. Without a queue it is Erlang B; a long one loses little.

    >>> mmck_loss(every=100, takes=100, queue=3)
    0.2
    """
    return _numbers(takes / every, workers, queue)[-1]


def mmck_wait(every, takes, workers=1, queue=0):
    """Return the mean wait of those whom M/M/c with room for `queue` to wait lets in [ms]; finite under any load.

    By Little's law, from the mean number that waits and the rate of those let in.

    >>> mmck_wait(every=100, takes=100, queue=3)
    150.0
    """
    shares = _numbers(takes / every, workers, queue)
    waiting = sum(n * share for n, share in enumerate(shares[workers:]))
    return waiting * every / (1 - shares[-1])


def _numbers(offered, workers, queue):
    """Return the shares of time with 0, 1, … workers + queue requests there."""
    terms = [1.0]
    for k in range(1, workers + queue + 1):
        terms.append(terms[-1] * offered / min(k, workers))
    return [term / sum(terms) for term in terms]


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


def gm1_sojourn(gaps, takes):
    """Return the mean time in G/M/1, wait and work, 1/(mu (1 - s)) [ms], for `gaps` [ms] of any distribution.

    s, the share that has to wait, is the root below 1 of s = E[exp(-mu (1 - s) gap)]. Kleinrock 1 (1975), section 6.3.

    >>> round(gm1_sojourn(Constant(100), takes=80), 3), round(gm1_sojourn(Exponential(100), takes=80), 3)
    (215.418, 400.0)
    """
    if takes >= gaps.mean:
        return inf
    s, last = 0.0, -1.0
    while s - last > 1e-12:  # from below, so that it does not find the root at 1
        s, last = _transform(gaps, (1 - s) / takes), s
    return takes / (1 - s)


def _transform(gaps, x):
    """Return E[exp(-x gap)], the Laplace transform of the gaps."""
    match gaps:
        case Constant(value):
            return exp(-x * value)
        case Exponential(mean):
            return 1 / (1 + x * mean)
        case Uniform(low, high) if high > low:
            return -exp(-x * low) * expm1(-x * (high - low)) / (x * (high - low))
        case Empirical(values):
            return sum(exp(-x * value) for value in values) / len(values)
    raise TypeError(f"the transform of {gaps!r} is not known in closed form")


def first_waits(every, takes, count):
    """Return the mean waits [ms] of the first `count` requests of M/M/1 that begins empty: what a warm-up hides.

    Spitzer (1956): the n-th waits the sum over k < n of E[(X_k - Y_k)+]/k, with X_k the work of k requests and Y_k
    the time of k gaps.

    >>> [round(wait, 2) for wait in first_waits(every=100, takes=80, count=3)]
    [0.0, 35.56, 60.14]
    """
    waits = [0.0]
    for k in range(1, count):
        waits.append(waits[-1] + takes * _left_over(k, every / (every + takes)) / k)
    return waits[:count]


def _left_over(k, p):
    """Return how many of k pieces of work are on average not done when k gaps are over; p: work ends before a gap."""
    odds = (lgamma(k + j) - lgamma(j + 1) - lgamma(k) + k * log(1 - p) + j * log(p) for j in range(k))
    return sum((k - j) * exp(each) for j, each in enumerate(odds))


def closed_sojourn(users, think, *takes):
    """Return the mean time [ms] a request of `users` spends at its stations, one worker each, between two thoughts.

    Mean value analysis, exact for exponential work and any `think` time [ms]: Reiser and Lavenberg (1980). Who arrives
    finds what one user fewer would leave there.

    >>> closed_sojourn(2, 0, 80, 80)
    240.0
    """
    there, times = [0.0] * len(takes), list(takes)
    for n in range(1, users + 1):
        times = [own * (1 + number) for own, number in zip(takes, there, strict=True)]
        there = [n / (think + sum(times)) * time for time in times]
    return sum(times)


def closed_rate(users, think, *takes):
    """Return how many requests a second `users` get done, who think and ask in turns, users/(think + sojourn).

    >>> round(closed_rate(2, 0, 80, 80), 3)
    8.333
    """
    return 1000 * users / (think + closed_sojourn(users, think, *takes))
