"""The picture of the README: one shop built twice, and what the same outage does to each.

`python -m rehearsal.draw.poster` writes it to notebooks/one_outage.png.
"""

import sys
from pathlib import Path

from rehearsal.draw.fates import fates, shared
from rehearsal.draw.house import style
from rehearsal.draw.show import png
from rehearsal.draw.wiring import wiring
from rehearsal.engine import run
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated

TITLES = ("Orchestrated: one service calls the others", "Choreographed: each reacts to an event")
LOOKS = ("Payment down for 50 s: a quick no, and well at once", "The same outage: nobody is refused, many are late")


def poster():
    """Return the figure: how each shop is wired above, what became of its orders below."""
    import matplotlib.pyplot as plt

    runs = [run(shop(), ORDERS, seed=7, faults=OUTAGE) for shop in (orchestrated, choreographed)]
    with style():
        figure = plt.figure(figsize=(13, 8))
        above, below = figure.subfigures(2, 1, height_ratios=(1, 1.15), hspace=0.04)
        charts = above.subplots(1, 2)
        clouds = below.subplots(1, 2, sharex=True, sharey=True)
        for ax, one, words in zip(charts, runs, TITLES, strict=True):
            wiring(one, ax=ax, title=words)
        for ax, one, words in zip(clouds, runs, LOOKS, strict=True):
            fates(one, ax=ax, title=words, scale=shared(*runs))
    return figure


if __name__ == "__main__":
    import matplotlib

    matplotlib.use("Agg")
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "notebooks/one_outage.png")
    target.write_bytes(png(poster()))
    print(f"wrote {target}")
