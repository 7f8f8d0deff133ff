"""What a change caused, exactly: the difference of two runs in which nothing else differs.

Every draw is keyed by what it is for, so a run with a fault and the same run without it differ only by what the fault
caused. A difference is a subtraction, not an estimate: no sample, no interval, no control group.
"""

from functools import cached_property
from math import inf, isnan, nan

from rehearsal.comparable import FAULTS, changed, difference
from rehearsal.health import HEALTHY, count_bins
from rehearsal.pairs import pair
from rehearsal.service import CLIENT
from rehearsal.trace import OK
from rehearsal.travel import MOMENT, differs, hops, known, ways, worse
from rehearsal.units import duration, pretty, sec
from rehearsal.verdicts import windows

DONE = ("on time", "late")
MANY = 2  # faults that are told each


def compare(calm, storm):
    """Return the Comparison of a run with the same run after one change: faults, or a policy, or another design.

    Both have the same load, seed, services, work and topics; then every difference is caused by the change. Raises
    ModelError, and says why, where the two are not comparable: another seed, load or cut, totals only, other services,
    operations or topics, faults and design changed at once, or nothing changed at all.
    """
    return Comparison(calm, storm, difference(calm, storm))


class Comparison:
    """Hold what a change caused: for each service, for each request, and the way it went.

    `at` [ms] is when the change began: when the first of the faults that only one of the runs has really struck there;
    where the design was changed, the first fault of both, or 0. `struck` are the names of the nodes that the changed
    faults strike. Frames count times from `at` in seconds.
    """

    def __init__(self, calm, storm, what):
        self.calm, self.storm, self.what = calm, storm, what
        self.faults = changed(calm, storm) if what == FAULTS else ()
        had = [(storm if fault in storm.faults else calm, fault) for fault in self.faults or storm.faults]
        struck = [window for run, fault in had for window in windows(run, fault)]
        self.at = min((at for at, _ in struck), default=0.0)
        self.until = max((until for _, until in struck), default=inf)
        self.struck = tuple(dict.fromkeys(name for fault in self.faults for name in fault.struck))
        self.pairs = pair(calm, storm)

    @property
    def cause(self):
        """Return in words what was changed; of more than two faults no more than how many they are."""
        said = list(map(str, self.faults))
        return " and ".join(said) if 0 < len(said) <= MANY else f"{len(said)} faults" if said else self.what

    @property
    def nodes(self):
        """Return the client, the services and the brokers, by name."""
        return [CLIENT, *self.storm.system.services, *self.storm.system.brokers]

    @cached_property
    def _hops(self):
        return {broker: hops(self.pairs, broker) for broker in ("edge", "node")}

    @cached_property
    def _ways(self):
        return {broker: ways(frame) for broker, frame in self._hops.items()}

    def requests(self):
        """Return a frame with a row a request: its two fates, its two latencies and their difference [ms].

        `changed`: anything of it differs, if only by when a message of it was sent. `worse`: it turned bad because of
        the change. A request that only one run offered has the fate "not offered" in the other.
        """
        import numpy as np
        import pandas as pd

        a, b = self.pairs.asked
        columns, one, other = {}, self.calm.table, self.storm.table
        for name in ("number", "user", "offered"):
            values = [np.append(np.array(getattr(t, name), dtype=float), nan) for t in (one, other)]
            columns[name] = np.where(a >= 0, values[0][a], values[1][b])
        kinds = [np.array([*(run.kinds[k] for k in run.kind), ""], dtype=object) for run in (one, other)]
        frame = pd.DataFrame({"kind": np.where(a >= 0, kinds[0][a], kinds[1][b]), **columns})
        frame = frame.astype({"number": int, "user": int}).rename_axis("request")
        for label, run, rows in (("calm", self.calm, a), ("storm", self.storm, b)):
            frame[label] = np.array([*run.fates(), "not offered"], dtype=object)[rows]
        for label, run, rows in (("calm latency", self.calm, a), ("storm latency", self.storm, b)):
            latency = np.array(run.table.settled) - np.array(run.table.offered)
            frame[label] = np.append(latency, nan)[rows]
        frame["delay"] = frame["storm latency"] - frame["calm latency"]
        frame["worse"] = ~np.isnan(self._turned())
        frame["changed"] = np.bincount(self.pairs.request[differs(self.pairs)], minlength=len(frame)) > 0
        settled = frame["delay"].abs() > MOMENT
        frame["changed"] |= settled | (frame["calm"] != frame["storm"])
        return frame

    def _turned(self):
        """Return for each request when it turned bad because of the change [ms], nan where it did not."""
        import numpy as np

        a, b = self.pairs.asked
        calm, storm = self.pairs.calm.asked[a], self.pairs.storm.asked[b]
        found = np.where(np.isfinite(storm) & ~np.isfinite(calm), storm, nan)
        fates = [np.array([*run.fates(), ""], dtype=object) for run in (self.calm, self.storm)]
        refused = (fates[1][b] == "refused") & np.isin(fates[0][a], DONE)
        return np.where(np.isnan(found) & refused, np.append(np.array(self.storm.table.answered), nan)[b], found)

    def services(self, every=5 * sec):
        """Return a frame with a row for the client and each node: what the change did to those who asked it.

        `first impact` [s]: the first bad answer somebody got from it, or the moment the first one was overdue.
        `unhealthy` [s]: the time of the bins of `every` ms in which, unlike in calm, less than 99 % of the messages to
        it were good. `requests`: that it worked for, in either run. `worse`: those that got a bad answer from it and a
        good one in calm. `failed`: those it did some work for in calm which it never did in the storm. `delayed`: those
        it did all work for, some of it later, with the mean and the largest delay [s]. The client has the requests.
        """
        import pandas as pd

        duration(every, "every", positive=True)
        rows = {CLIENT: self._client(every)}
        turned, work = worse(self.pairs), self._work()
        for name in self.nodes[1:]:
            rows[name] = self._node(name, turned, work[work["node"] == name], every)
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("service")

    def _client(self, every):
        import numpy as np

        frame, turned = self.requests(), self._turned()
        failed = frame["calm"].isin(DONE) & ~frame["storm"].isin(DONE)
        delays = frame["delay"][frame["calm"].isin(DONE) & frame["storm"].isin(DONE)].to_numpy()
        sides = [(np.array(run.table.offered), s.asked[:-1]) for run, s in self._sides()]
        return self._row(turned, len(frame), len(turned[~np.isnan(turned)]), int(failed.sum()), delays, sides, every)

    def _sides(self):
        return (self.calm, self.pairs.calm), (self.storm, self.pairs.storm)

    def _node(self, name, turned, work, every):
        import numpy as np

        pairs = self.pairs
        mine = np.where(pairs.b >= 0, pairs.storm.names("target")[pairs.b], pairs.calm.names("target")[pairs.a]) == name
        bad = mine & ~np.isnan(turned)
        one = work.groupby("request").agg(failed=("failed", "any"), delay=("delay", "max"))
        delays = one["delay"][~one["failed"]].to_numpy()
        sides = [(side.since[at], side.turned[at]) for _, side in self._sides() for at in [side.heads(name)]]
        counts = len(np.unique(pairs.request[mine])), len(np.unique(pairs.request[bad])), int(one["failed"].sum())
        return self._row(turned[bad], *counts, delays, sides, every)

    def _row(self, turned, requests, ill, failed, delays, sides, every):
        import numpy as np

        first = float(np.nanmin(turned)) - self.at if np.isfinite(turned).any() else nan
        later = delays[delays > MOMENT]
        mean, most = (float(later.mean()), float(later.max())) if len(later) else (nan, nan)
        return {
            "first impact": first / sec, "unhealthy": _unhealthy(sides, every) / sec, "requests": requests,
            "worse": ill, "failed": failed, "delayed": len(later), "mean delay": mean / sec, "max delay": most / sec,
        }  # fmt: skip

    def _work(self):
        """Return a row for each work that a request had done in calm: if it failed in the storm, or how much later."""
        import numpy as np
        import pandas as pd

        frames = []
        for (_, side), rows in zip(self._sides(), (self.pairs.a, self.pairs.b), strict=True):
            done = (rows >= 0) & (side.outcome[rows] == OK)
            columns = {"node": side.names("target")[rows[done]], "name": side.names("name")[rows[done]]}
            frame = pd.DataFrame({"request": self.pairs.request[done], **columns, "at": side.ended[rows[done]]})
            frames.append(frame.groupby(["request", "node", "name"], sort=False)["at"].min())
        both = pd.concat(frames, axis=1, keys=["calm", "storm"])
        both = both[both["calm"].notna()].reset_index()
        both["failed"] = both["storm"].isna()
        both["delay"] = np.where(both["failed"], nan, both["storm"] - both["calm"])
        return both

    def path(self, request, broker="edge"):
        """Return a frame of the messages that carried the change to one request (its row in `requests()`), in order.

        `source`, `target`, `name`; `direction`: failure (from callee to caller), load (from caller to callee), silence
        (work that no longer comes, or is lost), backlog (it waited longer); `how` in a word; `when` and `longest` [s]:
        a wait, or how much longer an answer took.
        """
        there = len(self.pairs.asked[0])
        if not 0 <= request < there:
            raise ValueError(f"no request {request!r}: these runs have {there}, counted from 0 as in requests()")
        frame = self._hops[known(broker)]
        mine = frame[self.pairs.request[frame["pair"]] == request]
        columns = ["source", "target", "name", "direction", "how"]
        told = mine[columns].assign(when=(mine["when"] - self.at) / sec, longest=mine["longest"] / sec)
        return told.reset_index(drop=True).rename_axis("step")

    def ways(self, broker="edge"):
        """Return the ways the change went, over all requests, by first occurrence; the mild ones come last."""
        return list(self._ways[known(broker)])

    def travel(self, broker="edge"):
        """Return a frame of the ways the change went: who to whom, in which direction, when first [s], how often.

        What went wrong, and what was added, comes first, in order of its first occurrence; then what was only slower,
        moved in time, waited, or did not come. `how` is what was told most often.
        """
        import pandas as pd

        columns = ["number", "source", "target", "name", "direction", "how", "first", "count", "longest"]
        rows = [
            (
                n,
                w.source,
                w.target,
                w.name,
                w.direction,
                next(iter(w.how)),
                (w.first - self.at) / sec,
                w.count,
                w.longest / sec,
            )
            for n, w in enumerate(self.ways(broker), 1)
        ]
        return pd.DataFrame(rows, columns=columns).set_index("number")

    def starved(self):
        """Return the services that ran out of work: while it lasted, they got a tenth or less of calm's messages."""
        got = []
        for _, side in self._sides():
            names, times = side.names("target"), side.received
            held = names[(times >= self.at) & (times < self.until)]
            got.append({name: int((held == name).sum()) for name in self.nodes[1:]})
        return [name for name in self.nodes[1:] if 10 * got[1][name] <= got[0][name] and got[0][name]]

    def longest_wait(self, name):
        """Return the longest time a message waited at a node, of those that waited longer than in calm [ms]."""
        found = [way.longest for way in self._ways["node"] if way.direction == "backlog" and way.target == name]
        return max(found, default=0.0)

    def __repr__(self):
        frame = self.requests()
        kinds = set(frame["kind"])
        kind = f"{next(iter(kinds))}s" if len(kinds) == 1 else "requests"
        failed = int((frame["calm"].isin(DONE) & ~frame["storm"].isin(DONE)).sum())
        told = f"{int(frame['changed'].sum()):,} of {len(frame):,} {kind} changed"
        told += f", {int(frame['worse'].sum()):,} for the worse, {failed:,} failed"
        first = self._turned()
        first = (
            f"; the first {pretty(min(t for t in first if not isnan(t)) - self.at)} later"
            if frame["worse"].any()
            else ""
        )
        return f"Comparison({self.storm.system.name}, seed {self.storm.seed}, {self.cause}: {told}{first})"


def _unhealthy(sides, every):
    """Return the time of the bins that are below 99 % good in the storm and not in calm [ms]."""
    import numpy as np

    sides = [(sent[~np.isnan(turned)], turned[~np.isnan(turned)]) for sent, turned in sides]
    count = count_bins(max((float(sent.max()) for sent, _ in sides if len(sent)), default=0.0), every)
    ill = []
    for sent, turned in sides:
        place = np.minimum((sent / every).astype(int), count - 1)
        total, good = (np.bincount(p, minlength=count) for p in (place, place[turned == inf]))
        ill.append(good < HEALTHY * total)
    return every * int((ill[1] & ~ill[0]).sum())
