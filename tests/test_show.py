"""A picture is shown with its alt text, small, with its colours, and as the same bytes everywhere."""

import gc
import os
import subprocess
import sys
from io import BytesIO

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from rehearsal.draw import alt, describe, house, palette, png, show


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close what a test drew."""
    yield
    plt.close("all")


def test_the_alt_text_of_a_figure_is_its_own_sentence_and_those_of_its_panels():
    figure, (left, right) = house.pair()
    describe(figure, "Two shops.")
    describe(right, "Right.")
    describe(left, "Left.")
    assert alt(figure) == "Two shops. Left. Right."
    assert alt(left) == "Left."
    assert alt(plt.figure()) == ""


def test_a_sentence_is_forgotten_with_its_panel():
    sentences = sys.modules["rehearsal.draw.show"]._sentences
    before = len(sentences)
    describe(house.panel(), "Gone soon.")
    plt.close("all")
    gc.collect()
    assert len(sentences) <= before


def test_show_gives_the_picture_its_alt_text_twice_closes_it_and_returns_nothing(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **how: shown.append((data, how)))
    ax = describe(house.panel(), "One line.")
    assert show(ax) is None
    (data, how) = shown[0]
    assert data["text/plain"] == "One line."
    assert how == {"raw": True, "metadata": {"image/png": {"alt": "One line."}}}
    assert Image.open(BytesIO(data["image/png"])).format == "PNG"
    assert plt.get_fignums() == []


def test_a_png_keeps_its_colours_and_carries_no_time_or_version():
    with house.style():
        ax = house.panel()
    for i, colour in enumerate((palette.BAND, palette.BOX, palette.DATA, palette.DOWN_FACE)):
        ax.axvspan(i, i + 1, color=colour)
    ax.scatter(np.linspace(0, 4, 3000), np.linspace(0, 1, 3000) ** 2, c=np.linspace(0, 1, 3000), cmap="viridis", s=3)
    picture = Image.open(BytesIO(png(ax)))
    assert picture.mode == "P"
    assert picture.info == {}
    found = {rgb for _, rgb in picture.convert("RGB").getcolors(1 << 24)}
    for colour in (palette.PAPER, palette.BAND, palette.BOX, palette.DATA, palette.DOWN_FACE):
        assert tuple(bytes.fromhex(colour[1:])) in found


def test_a_png_of_few_colours_is_exact():
    ax = house.panel()
    drawn = BytesIO()
    ax.figure.savefig(drawn, format="png")
    small = np.asarray(Image.open(BytesIO(png(ax))).convert("RGB")).astype(int)
    assert np.abs(small - np.asarray(Image.open(drawn).convert("RGB"))).max() <= 1


SCRIPT = """
import hashlib, matplotlib
matplotlib.use("agg")
from rehearsal import run, sec
from rehearsal.draw import alt, fates_pair, png, sequence_pair
from rehearsal.draw.backlog import backlog
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated
a, b = (run(shop(), ORDERS, seed=7, faults=OUTAGE, until=100 * sec) for shop in (orchestrated, choreographed))
for picture in (fates_pair(a, b), sequence_pair(a, b, 1800), backlog(b, "payment", theory=dict(every=50, takes=60))):
    print(hashlib.sha256(png(picture)).hexdigest(), alt(picture.get_figure(root=True)))
"""


def test_pictures_are_the_same_bytes_and_words_under_two_hash_seeds():
    printed = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0].count("\n") == 3
    assert printed[0] == printed[1]


@pytest.mark.parametrize(("value", "axis"), [(75, "x"), (-9, "x"), (900, "y"), (-900, "y"), (0.5, "x"), (50, "y")])
def test_a_guess_is_written_in_the_panel_however_far_outside_it_lies(value, axis):
    ax = house.panel()
    ax.set(xlim=(0, 1), ylim=(0, 100))
    house.guess(ax, value, "s", axis)
    ax.figure.draw_without_rendering()
    (text,) = ax.texts
    words, room = text.get_window_extent(), ax.get_window_extent()
    assert room.width > 500 and room.x0 <= words.x0 <= words.x1 <= room.x1
    assert room.y0 <= words.y0 <= words.y1 <= room.y1


def test_no_guess_draws_nothing():
    ax = house.panel()
    house.guess(ax, None)
    assert not ax.texts and not ax.lines
