"""The damage matrix: what is written is what was counted, and the colour says how much of it there is."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from rehearsal import CrashAt, Evenly, Times, choreograph, run
from rehearsal.draw import alt, damage
from rehearsal.draw.damage import colour
from rehearsal.effects import DAMAGE, tally
from tests.blueprints import LONG
from tests.boxes import readable
from tests.processes import sequence, services

LOAD = Times("order", at=[0, 30, 60])
CRASH = CrashAt("payment", "charge", "after", lasting=100)


@pytest.fixture(autouse=True)
def tidy():
    """Close what a test drew."""
    yield
    plt.close("all")


def dance(load=LOAD, **how):
    shop = choreograph(sequence(services(network=1, takes=10)), **how)
    return run(shop, load, faults=[CRASH])


@pytest.fixture(scope="module")
def versions():
    """Return a safe shop, one without keys, and one without an outbox."""
    safe = dance(idempotent=True, outbox=0)
    return {"all safeguards": safe, "no key": [dance(outbox=0)], "no outbox": [dance(idempotent=True)] * 2}


def cells(ax):
    """Return {gid: colour} of the cells, and what is written in them in the same order."""
    faces = {patch.get_gid(): patch.get_facecolor()[:3] for patch in ax.patches if "cell:" in (patch.get_gid() or "")}
    return faces, [text.get_text() for text in ax.texts if text.get_gid() == "told"]


def test_cells_hold_the_counts_of_the_census(versions):
    ax = damage(versions)
    faces, told = cells(ax)
    assert dict(zip(faces, told, strict=True)) == {
        "cell:all safeguards:whole": "3", "cell:all safeguards:duplicated": "–", "cell:all safeguards:stuck": "–",
        "cell:no key:whole": "2", "cell:no key:duplicated": "1", "cell:no key:stuck": "–",
        "cell:no outbox:whole": "4", "cell:no outbox:duplicated": "–", "cell:no outbox:stuck": "2",
    }  # fmt: skip
    assert tally(versions["no outbox"])["stuck"] == 2
    for name, runs in versions.items():
        for kind, n in tally(runs).items():
            share = n / sum(tally(runs).values())
            if f"cell:{name}:{kind}" in faces:
                assert faces[f"cell:{name}:{kind}"] == pytest.approx(to_rgb(colour(kind, share)))


def test_what_never_occurs_has_no_column(versions):
    columns = [t.get_gid() for t in damage(versions).texts if (t.get_gid() or "").startswith("column:")]
    assert columns == ["column:whole", "column:duplicated", "column:stuck"]


def test_the_darker_the_more():
    for kind in DAMAGE:
        bright = [sum(to_rgb(colour(kind, share))) for share in (0, 0.01, 0.1, 0.5, 1)]
        assert bright == sorted(bright, reverse=True) and len(set(bright)) == 5 and bright[0] == 3


def test_title_and_words_are_made_of_the_counts(versions):
    ax = damage(versions, rows="safeguard off")
    assert ax.get_title(loc="left") == "2 of 3 versions leave damage"
    assert "the 3 to 6 requests" in "".join(text.get_text() for text in ax.texts)
    assert "safeguard off" in [text.get_text() for text in ax.texts]
    said = alt(ax.get_figure())
    assert "all safeguards: 3 whole; no key: 2 whole, 1 duplicated; no outbox: 4 whole, 2 stuck." in said
    assert "stuck: half-done" in said
    only = damage({"safe": versions["all safeguards"]})
    assert only.get_title(loc="left") == "None of 1 versions leaves damage"


def test_all_of_it_can_be_read(versions):
    readable(damage(versions).figure)
    readable(damage(dict.fromkeys(LONG, versions["no outbox"])).figure)
    _, ax = plt.subplots()
    damage(versions, ax=ax)
    readable(ax.figure)


def test_one_request_or_none_can_be_drawn(versions):
    readable(damage({"nobody came": dance(Evenly("order", every=10, count=0))}).figure)
    with pytest.raises(ValueError, match="at least one version"):
        damage({})
