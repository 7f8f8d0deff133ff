"""Health of each service over time: the share of the messages sent to it that were good, and how long it was ill.

What good is, `verdicts` says. A message stands in the bin of its sending: the bin of its end would move an outage to
the time when its backlog drains. The row "client" holds the requests themselves, in the bin of their offer.
"""

from math import inf, nan
from typing import NamedTuple

from rehearsal.errors import unknown
from rehearsal.units import duration, sec
from rehearsal.verdicts import troubles, verdicts

HEALTHY = 0.99
LEVELS = {"≥ 99 %": HEALTHY, "90–99 %": 0.90, "50–90 %": 0.50, "< 50 %": 0.0}
NO_TRAFFIC = "no traffic"


class Row(NamedTuple):
    """Hold how many messages were sent to one node in each bin, how many of them were good, and how many just late."""

    good: list
    total: list
    late: list


class Health(NamedTuple):
    """Hold the bins [ms], their width, a Row for each node (client, services, brokers), and its first impact [ms].

    The first impact is how long after the first fault a message to the node turned bad for the first time; nan if none
    did. It need not be due to the fault: `compare` tells what is.
    """

    bins: list
    every: float
    rows: dict
    impacts: dict

    @property
    def end(self):
        """Return where the last bin ends [ms]."""
        return self.bins[-1] + self.every

    def known(self, name):
        """Return the name of a node, or say which there are."""
        if name not in self.rows:
            raise ValueError(unknown("service", str(name), self.rows))
        return name

    def unhealthy(self, name):
        """Return for how long a node was below 99 %: the time of its bins that are [ms]."""
        row = self.rows[self.known(name)]
        return self.every * sum(good < HEALTHY * total for good, total in zip(row.good, row.total, strict=True))


def count_bins(end, every):
    """Return how many bins of `every` [ms] there are up to `end`: a rest of less than half a bin joins the last.

    >>> count_bins(299_900, 5_000), count_bins(300_700, 5_000), count_bins(0, 5_000)
    (60, 60, 1)
    """
    return max(1, round(end / every))


def health(run, every=5 * sec):
    """Return the health of a run: for each node and bin how many messages were good, of how many."""
    duration(every, "every", positive=True)
    found = verdicts(run)
    count = count_bins(max((v.sent for row in found.values() for v in row), default=0.0), every)
    rows = {name: _binned(row, count, every) for name, row in found.items()}
    began = next((trouble.at for trouble in troubles(run)), inf)
    turned = {name: min((v.turned for v in row if v.turned >= began), default=inf) for name, row in found.items()}
    impacts = {name: moment - began if moment < inf else nan for name, moment in turned.items()}
    return Health([i * every for i in range(count)], every, rows, impacts)


def ill(verdicts, every=5 * sec):
    """Return whether less than 99 % of some verdicts were good in any bin of `every` [ms]."""
    row = _binned(verdicts, count_bins(max((v.sent for v in verdicts), default=0.0), every), every)
    return any(good < HEALTHY * total for good, total in zip(row.good, row.total, strict=True))


def _binned(verdicts, count, every):
    row = Row(*([0] * count for _ in Row._fields))
    for verdict in verdicts:
        place = min(int(verdict.sent / every), count - 1)
        row.total[place] += 1
        row.good[place] += verdict.turned == inf
        row.late[place] += verdict.late
    return row


def levels(row):
    """Return the level of each bin: the first threshold that it reaches, or that it had no traffic.

    >>> levels(Row([99, 98, 50, 0, 0], [100, 100, 100, 1, 0], [0] * 5))
    ['≥ 99 %', '90–99 %', '50–90 %', '< 50 %', 'no traffic']
    """
    return [
        next(name for name, share in LEVELS.items() if good >= share * total) if total else NO_TRAFFIC
        for good, total in zip(row.good, row.total, strict=True)
    ]


def just_late(row):
    """Return for each bin whether it is below 99 % though nothing was lost: all that was bad was late.

    >>> just_late(Row([100, 0, 0, 0], [100, 9, 9, 0], [0, 9, 8, 0]))
    [False, True, False, False]
    """
    return [good < HEALTHY * total and total == good + late for good, total, late in zip(*row, strict=True)]


def unhealthy(run, name="client", every=5 * sec):
    """Return for how long a node was below 99 % [ms]."""
    return health(run, every).unhealthy(name)


def first_impact(run, name="client"):
    """Return how long after the first fault a message to this node turned bad [ms]; nan if none did."""
    found = health(run)
    return found.impacts[found.known(name)]
