"""A process as data: what it says, and what it refuses to say."""

from functools import partial

import pytest

from rehearsal import ModelError, System, Times, blend, chain, choreograph, monolith, orchestrate, run
from rehearsal.designs import critical_path, graph_of
from rehearsal.process import Process, Step
from tests.processes import branched, diamond, sequence, services, step

SHOP = services(takes=10)


def test_a_process_says_what_it_is_in_one_line():
    assert repr(sequence(SHOP)) == "Process(order: reserve; charge after reserve; ship after charge)"


def test_a_step_tells_facts_in_the_past_and_knows_its_service():
    charge = sequence(SHOP).steps["charge"]
    assert (charge.service, charge.event, charge.fails, charge.undone) == (
        "payment", "charge.done", "charge.failed", "refund.undone",
    )  # fmt: skip


def test_steps_may_be_listed_in_any_order():
    listed = [step(SHOP, "ship", after="charge"), step(SHOP, "charge", after="reserve"), step(SHOP, "reserve")]
    assert list(Process("order", listed).steps) == ["reserve", "charge", "ship"]


def test_what_comes_after_a_step_directly_or_not():
    process = diamond(SHOP)
    assert [s.name for s in process.following(process.steps["charge"])] == ["ship"]
    assert [s.name for s in process.following(process.steps["reserve"])] == ["charge", "notify", "ship"]
    assert [s.name for s in branched(SHOP).ends] == ["ship", "notify"]


def test_the_critical_path_is_the_longest_by_mean_work():
    shop = services()
    assert critical_path(branched(shop)) == (("reserve", "charge", "ship"), 100.0)
    assert sorted(graph_of(diamond(shop)).edges) == [
        ("charge", "ship"), ("notify", "ship"), ("reserve", "charge"), ("reserve", "notify"),
    ]  # fmt: skip


def test_a_step_that_does_not_apply_stands_for_those_before_it():
    process = Process("order", [
        step(SHOP, "reserve"), step(SHOP, "charge", after="reserve", when=lambda order: order > 5),
        step(SHOP, "ship", after="charge"),
    ])  # fmt: skip
    ship = [process.steps["ship"]]
    assert [s.name for s in process.needs(process.before(ship[0]), 9)] == ["charge"]
    assert [s.name for s in process.needs(process.before(ship[0]), 1)] == ["reserve"]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "no steps"),
        ([("reserve",), ("reserve",)], "two steps 'reserve'"),
        ([("charge", "reserv")], "no step 'reserv'"),
        ([("reserve", "ship"), ("charge", "reserve"), ("ship", "charge")], "goes in a circle: reserve → charge → ship"),
    ],
)
def test_a_process_that_makes_no_sense_is_refused(steps, words):
    with pytest.raises(ModelError, match=words):
        Process("order", [step(SHOP, *one) for one in steps])


def test_nothing_waits_for_an_optional_step():
    with pytest.raises(ModelError, match="nothing can wait for it"):
        Process("order", [step(SHOP, "notify", optional=True), step(SHOP, "ship", after="notify")])


def test_an_undo_undoes_what_it_says_it_does():
    with pytest.raises(ModelError, match="does not undo ship"):
        step(SHOP, "ship", undo="refund")
    with pytest.raises(TypeError, match="a step does an operation"):
        Step("reserve")


def test_an_undo_undoes_one_step_and_is_none():
    reserve, release = SHOP.find("reserve"), SHOP.find("release")
    with pytest.raises(ModelError, match=r"inventory\.release undoes one step, and is none itself"):
        Process("order", [Step(reserve, undo=release), Step(release, after=reserve)])
    shop = System("shop")
    desk = shop.service("desk")
    one, two = (desk.operation(name=name, work="same")(lambda ctx, order: None) for name in ("one", "two"))
    undo = desk.operation(name="undo", undoes="same")(lambda ctx, order: None)
    with pytest.raises(ModelError, match="give each step an undo of its own"):
        Process("order", [Step(one, undo=undo), Step(two, undo=undo, after=one)])


def test_two_steps_tell_different_facts():
    with pytest.raises(ModelError, match="'done' would be published twice in 'order'"):
        Process("order", [step(SHOP, "reserve", event="done"), step(SHOP, "charge", event="done")])


def test_a_process_is_made_of_steps():
    for after in (3, [3]):
        with pytest.raises(TypeError, match="a name such as"):
            Step(SHOP.find("reserve"), after=after)
    with pytest.raises(TypeError, match="not of None"):
        Process("order", None)
    with pytest.raises(TypeError, match="made of steps, such as Step"):
        Process("order", [SHOP.find("reserve")])
    with pytest.raises(TypeError, match="when of step reserve is a function of the payload"):
        step(SHOP, "reserve", when=True)


def test_names_that_a_style_needs_are_its_own():
    """The facts of the process itself, and the handlers of who takes requests in."""
    with pytest.raises(ModelError, match=r"'order\.placed' would be published twice"):
        Process("order", [step(SHOP, "reserve", event="order.placed")])
    mine = System("mine")
    place = mine.service("orders").operation(name="place")(lambda ctx, order: None)
    for style in (orchestrate, choreograph, partial(orchestrate, by="commands")):
        with pytest.raises(ModelError, match="orders takes requests in, with a 'place' of its own"):
            style(Process("order", [Step(place)]))


def test_danced_each_undo_tells_by_a_name_of_its_own():
    mine = System("mine", network=1)
    steps = []
    for name in ("inventory", "payment"):
        home = mine.service(name)
        do = home.operation(name=f"{name} do", takes=5)(lambda ctx, order: None)
        undo = home.operation(name="cancel", undoes=do)(lambda ctx, order: None)
        steps.append(Step(do, undo=undo, after=steps[-1:]))
    last = mine.service("last").operation(name="last")(lambda ctx, order: None)
    with pytest.raises(ModelError, match=r"two undos tell of it by 'cancel\.undone'"):
        choreograph(Process("order", [*steps, Step(last, after=steps[-1:])]))


@pytest.mark.parametrize("style", [orchestrate, choreograph, partial(orchestrate, by="commands"), monolith])
def test_where_all_is_optional_a_request_is_done(style):
    process = Process("order", [step(SHOP, "reserve", optional=True), step(SHOP, "notify", optional=True)])
    assert run(style(process), Times("order", at=[0])).fates() == ["on time"]


@pytest.mark.parametrize("style", [orchestrate, choreograph, partial(orchestrate, by="commands"), chain])
def test_what_a_step_publishes_of_itself_it_may_publish_in_every_style(style):
    mine = System("mine", network=1)

    mine.service("buyer").on("stock.low", name="buy")(lambda ctx, order: None)

    @mine.service("inventory").operation(takes=5, publishes="stock.low")
    def reserve(ctx, order):
        ctx.publish("stock.low", order)

    result = run(style(Process("order", [Step(reserve)])), Times("order", at=[0]))
    assert result.fates() == ["on time"] and "stock.low" in set(result.spans().name)


@pytest.mark.parametrize("style", [orchestrate, choreograph, monolith, chain, partial(blend, events=["ship"])])
def test_only_a_process_has_a_style(style):
    with pytest.raises(TypeError, match="a style stages a Process"):
        style(services())


def test_after_none_is_after_nothing():
    assert Step(SHOP.find("reserve"), after=None) == Step(SHOP.find("reserve"))
