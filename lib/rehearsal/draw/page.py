"""Lay out a sequence diagram: where each lifeline stands, its header, and the labels that want a place."""

from rehearsal.draw import palette


class Page:
    """Hold one diagram while it is drawn: its axes, its clock, where each lifeline stands, and its labels.

    `labels` are (text, spots, leader) in the order in which they may choose; `obstacles` and `lines` are what
    they keep clear of, or would rather not cross.
    """

    def __init__(self, ax, clock, services, bars, room):
        """Begin a page whose columns are `room` inches wide; what is as wide as ink is the same on every page."""
        self.ax, self.clock, self.room = ax, clock, room
        self.half = min(0.068 / room, 0.12)  # half the width of an activation bar, in columns
        self.step = 0.9 * self.half  # how far bars of one lifeline that overlap are shifted
        self.down = 2.1 * self.half  # half the width of a fault's box
        self.aside = 3.1 * self.half  # how far beside its lifeline a message waits
        self.loop = 5.5 * self.half  # how far a message to oneself goes out
        self.columns = {name: x for x, name in enumerate(services)}
        self.bars = bars
        self.labels, self.obstacles, self.lines, self.used = [], [], [], {}
        self.lift = 0.0
        self.crossed = {}  # where a message that did not get in ended: its answer starts there

    def y(self, time):
        """Return the height of a moment, in units of the axis."""
        return self.clock.place(time)

    def shows(self, *times):
        """Return True where a part that spans these moments can be seen."""
        return min(times) <= self.clock.times[-1] and max(times) >= self.clock.times[0]

    def edge(self, service, time, side):
        """Return where a message touches a lifeline: the outer edge of its bar on that side (−1 left, 1 right)."""
        lanes = [b.lane for b in self.bars if b.service == service and b.start <= time <= b.end]
        if not lanes:
            return self.columns[service] + side * 0.01
        return self.columns[service] + side * self.half + self.step * max(lanes) * (side > 0)

    def label(self, words, spots, **looks):
        """Add a label that will stand at one of its spots."""
        from matplotlib import patheffects
        from matplotlib.transforms import IdentityTransform

        looks = {"fontsize": 8.5, "zorder": 9, "ha": "left", "va": "bottom", **looks}
        text = self.ax.text(0, 0, words, transform=IdentityTransform(), **looks)
        text.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=palette.PAPER)])
        (leader,) = self.ax.plot([], [], color=palette.GREY, lw=0.6, zorder=8.5, transform=IdentityTransform())
        text.set_in_layout(False)
        leader.set_in_layout(False)
        self.labels.append((text, spots, leader))


def lifelines(page):
    """Draw a thin line down for each service."""
    for name, x in page.columns.items():
        page.ax.plot([x, x], [0, page.clock.length], color=palette.RULE, lw=1.2, zorder=1, label=f"_lifeline {name}")
        page.lines.append((((x, 0), (x, page.clock.length)), 0.3))


def headers(page, hub):
    """Write each service's name in a box over its lifeline, a hub's in blue; `page.lift` [points] is their height.

    Names are broken where they can be, then set smaller; where even that is too wide, every second one stands
    higher, and in the end a word is broken anywhere.
    """
    for size, columns in ((9.5, 1), (8.0, 1), (8.0, 2)):
        letters = max(3, int((columns * page.room - 0.2) * 72 / (0.63 * size)))
        wrapped = {name: _wrap(name, letters) for name in page.columns}
        if max(len(line) for text in wrapped.values() for line in text.split("\n")) <= letters:
            break
    wide = columns == 2
    wrapped = {name: "\n".join(_broken(line, letters) for line in text.split("\n")) for name, text in wrapped.items()}
    rows = max(text.count("\n") + 1 for text in wrapped.values())
    height = 10 + rows * size * 1.3
    for i, (name, x) in enumerate(page.columns.items()):
        face, rim = (palette.HUB, palette.HUB_EDGE) if name == hub else (palette.BOX, palette.BOX_EDGE)
        page.ax.annotate(
            wrapped[name], (x, 1), (0, 2 + height * (0.5 + (wide and i % 2))), xycoords=page.ax.get_xaxis_transform(),
            textcoords="offset points", ha="center", va="center", fontsize=size, zorder=9,
            fontweight="bold" if name == hub else "normal", linespacing=1.1, annotation_clip=False,
            bbox={"boxstyle": "round,pad=0.32", "fc": face, "ec": rim, "lw": 1.1}, gid=f"header {name}",
        )  # fmt: skip
    page.lift = 4 + height * (2 if wide else 1)


def _wrap(name, width):
    """Break a long name at its dots, dashes, underlines and blanks into lines of `width` letters, where it can."""
    lines, line = [], ""
    for i, letter in enumerate(name):
        line += letter
        following = name[i + 1 :]
        ahead = min((following.find(c) for c in " -_." if c in following), default=len(following))
        if letter in " -_." and len(line) + ahead > width:
            lines.append(line.strip(" "))
            line = ""
    return "\n".join([*lines, line.strip(" ")])


def _broken(line, width):
    """Break a line that is still too long anywhere."""
    return line if len(line) <= width else "-\n".join(line[i : i + width - 1] for i in range(0, len(line), width - 1))
