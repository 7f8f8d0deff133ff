"""Small multiples: the goodput of many runs at a glance, one panel a run, all on the same axes."""

from rehearsal.draw import house, palette, words
from rehearsal.draw.goodput import again
from rehearsal.draw.show import describe
from rehearsal.recovery import goodput
from rehearsal.units import sec
from rehearsal.verdicts import troubles


def multiples(runs, *, columns=3, every=2 * sec, width=13.0, height=2.15, until=None):
    """Draw what was on time, offered and called again in each of {name: run}, and return the figure.

    The title of a panel is its name and how long after the last fault requests were on time again. `until` [ms] ends
    the axis of time, `height` [inches] is that of a row of panels.
    """
    import matplotlib.pyplot as plt

    rows = -(-len(runs) // columns)
    with house.style():
        figure, panels = plt.subplots(
            rows, columns, figsize=(width, 0.5 + height * rows), sharex=True, sharey=True, squeeze=False
        )
        for (name, run), ax in zip(runs.items(), panels.flat, strict=False):
            _panel(ax, name, run, every)
        ends = [until or max(run.table.offered, default=sec) for run in runs.values()]
        panels.flat[0].set(xlim=(0, max(ends) / sec), ylim=(0, None))
        for ax in panels.flat[len(runs) :]:
            ax.remove()
        kinds = {words.plural(run) for run in runs.values()}
        figure.supylabel(f"{kinds.pop() if len(kinds) == 1 else 'requests'} a second", fontsize=10)
        figure.supxlabel("time [simulated s]", fontsize=10)
        _legend(figure, panels.flat[0])
    return figure


def verdict(run):
    """Say how long after the last fault requests were on time again.

    >>> from rehearsal import run, sec
    >>> from rehearsal.shop import ORDERS, OUTAGE, choreographed
    >>> verdict(run(choreographed(), ORDERS, seed=7, faults=OUTAGE))
    'on time again +67.2 s'
    """
    found = troubles(run)
    return again(run, max(found, key=lambda trouble: trouble.until)) if found else "no fault"


def _panel(ax, name, run, every):
    found = goodput(run, every)
    looks = {
        "offered": {"color": palette.GREY, "lw": 1.2, "ls": palette.DASHED, "zorder": 3},
        "retries": {"color": palette.RETRY, "lw": 1.4, "zorder": 3.5},
        "on time": {"color": palette.DATA, "lw": 2.6, "zorder": 4},
    }
    for label, rates in (("offered", found.offered), ("retries", found.retries), ("on time", found.on_time)):
        ax.plot([m / sec for m in rates.middles], rates.rates, gid=label, label=label, **looks[label])
    for trouble in troubles(run):
        house.band(ax, trouble.at / sec, trouble.until / sec, clip=max(run.ended, sec) / sec)
    ax.set_title(name, loc="left", fontsize=10)
    said = verdict(run)
    ax.set_title(said, loc="right", fontsize=9, fontweight="normal",
                 color=palette.DOWN if said.startswith("not") else palette.GREY)  # fmt: skip
    offered, good = len(run.table), run.fates().count("on time")
    describe(ax, f"{name}: {good:,} of {offered:,} on time, {said}.")


def _legend(figure, ax):
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3)
