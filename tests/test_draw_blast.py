"""The blast-radius matrix: all of it can be read, and what is filled and written is what was counted."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest

from rehearsal import Poisson, shop
from rehearsal.blast import Blast, Cell, blast_radius
from rehearsal.draw import alt, blast, blast_pair
from rehearsal.draw.blast import told
from rehearsal.draw.pen import WIDEST
from tests.blueprints import LONG
from tests.boxes import readable, texts

COLUMNS = ("accept order", "confirm order", "reserve", "inventory-reservation-service.hear", "ship", "notify", "status")


@pytest.fixture(autouse=True)
def tidy():
    """Close what a test drew."""
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def shops():
    """Return the blast radii of both shops."""
    load = Poisson("order", every=50, count=400)
    return blast_radius([shop.orchestrated, shop.choreographed], load, at=8_000, lasting=4_000, seeds=(7,))


def made(rows, columns, all_rows=None):
    """Return a Blast of many different cells."""
    counts = [(9, 0, 0), (0, 0, 9), (0, 9, 0), (35, 0, 65), (10, 45, 45), (0, 0, 0), (999, 1, 0), (1, 0, 999)]
    places = [(row, column, 3 * i + j) for i, row in enumerate(rows) for j, column in enumerate(columns)]
    cells = {(row, column): Cell(*counts[n % len(counts)]) for row, column, n in places}
    return Blast("made up", tuple(all_rows or rows), tuple(columns), cells, tuple(rows[:1]))


SIZES = [(1, 1), (1, 7), (4, 3), (14, 7)]


@pytest.mark.parametrize("size", SIZES)
def test_all_of_it_can_be_read(size):
    found = made(LONG[: size[0]], COLUMNS[: size[1]])
    readable(blast(found).figure)
    readable(blast_pair(found, made([*LONG[1 : size[0]], "broker"], COLUMNS[: size[1]])))


def test_the_shops_can_be_read(shops):
    figure = blast_pair(*shops)
    readable(figure)
    assert figure.get_size_inches()[0] * 72 <= WIDEST + 30
    for one in shops:
        readable(blast(one).figure)


def cells(ax):
    """Return {(row, column): {fate: width}} of what is filled on a panel."""
    found = {}
    for patch in ax.patches:
        kind, *place = str(patch.get_gid()).split(":")
        if kind == "cell" and len(place) == 3:
            found.setdefault(tuple(place[:2]), {})[place[2]] = patch.get_width()
    return found


def test_a_cell_is_filled_by_its_shares(shops):
    for found, ax in zip(shops, blast_pair(*shops).axes, strict=True):
        filled = cells(ax)
        assert set(filled) == set(found.cells)
        for place, widths in filled.items():
            total = sum(widths.values())
            shares = {f: s for f, s in zip(("ok", "late", "lost"), found.cells[place].shares, strict=True) if s}
            assert {fate: width / total for fate, width in widths.items()} == pytest.approx(shares)


def test_what_is_written_is_what_was_counted(shops):
    for found, ax in zip(shops, blast_pair(*shops).axes, strict=True):
        written = [t.get_text() for t in ax.texts if t.get_gid() == "told"]
        assert written == [
            told(found.cells[row, column]) for row in found.rows for column in found.columns if found.has(row)
        ]
        assert f"{found.lost} of {len(found.cells)} cells lost" in ax.get_title(loc="left")


def test_what_is_late_is_in_the_title_too(shops):
    conducted, danced = (ax.get_title(loc="left") for ax in blast_pair(*shops).axes)
    assert conducted.endswith("cells lost") and danced.endswith(f"cells lost, {shops[1].late} late")
    assert shops[1].late == sum(told(cell).endswith("late") for cell in shops[1].cells.values())


def test_only_what_holds_for_all_has_no_number():
    assert told(Cell(0, 0, 1000)) == "lost" and told(Cell(1, 0, 999)) == "99% lost"
    assert told(Cell(1000, 0, 0)) == "ok" and told(Cell(999, 1, 0)) == "1% late"
    assert told(Cell(0, 0, 0)) == "–"


def test_a_row_that_a_style_does_not_have_says_so(shops):
    conducted, danced = blast_pair(*shops).axes
    assert "no broker here" in [t.get_text() for t in conducted.texts]
    assert "no broker here" not in [t.get_text() for t in danced.texts]


def test_the_orchestrator_and_the_broker_are_bold(shops):
    names = [t for t in texts(blast_pair(*shops)) if str(t.get_gid()).startswith("row:")]
    bold = [t.get_text() for t in names if t.get_fontweight() == "bold"]
    assert bold == ["orders", "broker"]


def test_it_draws_on_a_panel_that_is_given(shops):
    figure, ax = plt.subplots(figsize=(3, 2))
    assert blast(shops[0], ax=ax) is ax
    assert figure.get_size_inches()[0] > 3


def test_the_sentence_has_the_numbers_drawn(shops):
    said = alt(blast(shops[1]))
    assert said.startswith("Blast radius of choreographed shop, 5 of 25 cells lost, 13 late; orders: accept order lost")
    assert "no broker here" in alt(blast(shops[0]))
