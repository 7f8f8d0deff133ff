"""The picture of a process: every step, every arrow, the longest path, and no words on top of each other."""

import pytest

from rehearsal import Exponential, System, ms
from rehearsal.draw import alt
from rehearsal.draw.process import process
from rehearsal.process import Process, Step
from tests.blueprints import LONG
from tests.boxes import readable
from tests.processes import branched, diamond, sequence, services, step


def gids(ax, start):
    """Return what stands behind the prefix in the names of what was drawn."""
    return [p.get_gid().removeprefix(start) for p in ax.patches if (p.get_gid() or "").startswith(start)]


def large(count, fan):
    """Return a process of so many steps with long names, in a row or all after the first."""
    shop = System("large", network=1 * ms)
    steps: list = []
    for name in LONG[:count]:
        operation = shop.service(name).operation(takes=Exponential(9 * ms), name=f"do-{name}")(lambda ctx, order: None)
        steps.append(Step(operation, after=steps[0 if fan else -1].name if steps else ()))
    return Process("large", steps)


@pytest.mark.parametrize("shape", [sequence, branched, diamond])
def test_it_draws_every_step_and_every_arrow(shape):
    thing = shape(services())
    ax = process(thing)
    assert gids(ax, "box:") == list(thing.steps)
    arrows = [(before, s.name) for s in thing.steps.values() for before in s.after]
    assert sorted(set(gids(ax, "after:"))) == sorted(f"{a}:{b}" for a, b in arrows)
    readable(ax.figure)


def test_the_longest_path_is_bold_and_the_title_says_its_length():
    ax = process(branched(services()))
    bold = [t.get_text() for t in ax.texts if t.get_fontweight() == "bold" and (t.get_gid() or "").startswith("step:")]
    assert bold == ["reserve", "charge", "ship"]
    assert ax.get_title(loc="left") == "order: 4 steps, 100 ms of work on the longest path"
    assert alt(ax).endswith("Longest path: reserve, charge, ship, 100 ms.")


def test_an_optional_step_is_dashed_and_the_grey_line_says_so():
    shop = services()
    ax = process(Process("order", [step(shop, "reserve"), step(shop, "notify", after="reserve", optional=True)]))
    assert any("dashed: optional" in text.get_text() for text in ax.texts)


@pytest.mark.parametrize("fan", [False, True])
@pytest.mark.parametrize("count", [1, 2, 5, 14])
def test_it_holds_for_1_to_14_steps_with_long_names(count, fan):
    readable(process(large(count, fan)).figure)


def test_steps_that_nothing_joins_stand_beside_each_other():
    shop = services()
    ax = process(Process("order", [step(shop, "reserve"), step(shop, "notify")]))
    assert gids(ax, "box:") == ["reserve", "notify"]
    readable(ax.figure)
