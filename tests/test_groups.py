"""A service hears one event in several ways: once for each group, through a queue of its own."""

import pytest

from rehearsal import CrashAt, Evenly, ModelError, Process, Step, System, Times, choreograph, run
from rehearsal.changes import changes
from rehearsal.explain import explain
from rehearsal.graphs import diff, interactions, messages
from rehearsal.measures import backlog, peak
from rehearsal.search import under_each
from rehearsal.service import Service
from tests.processes import services, step
from tests.systems import rows

ONE = Times("job", at=[0])


def twice(*, pack=10, label=30, **how):
    """Return a system whose service `back` both packs and labels each job, in two groups, with `how` in the second."""
    system = System("two ways", network=1.0)
    front, back = system.service("front"), system.service("back", workers=2)

    @front.operation(publishes="job.placed")
    def place(ctx, job):
        ctx.publish("job.placed", job)

    @back.on("job.placed", takes=pack, publishes="job.packed")
    def do_pack(ctx, job):
        ctx.publish("job.packed", job)

    @back.on("job.placed", takes=label, group="labels", **how)
    def do_label(ctx, job):
        ctx.effect("label")

    system.accepts("job", place, done="job.packed")
    return system


def test_each_group_gets_every_event_once_and_works_on_it_side_by_side():
    heard = rows(run(twice(), ONE), target="back")
    assert [(row.name, row.received, row.ended) for row in heard] == [("job.placed", 3, 13), ("job.placed", 3, 33)]


def test_without_a_group_there_is_one_reaction_to_a_topic_and_a_new_one_replaces_it():
    back = Service("back")
    for name in ("one", "two"):
        back.on("job.placed", name=name)(lambda ctx, job: None)
        back.on("job.placed", name=f"other {name}", group="others")(lambda ctx, job: None)
    assert [reader.name for reader in back.subscriptions.values()] == ["two", "other two"]
    assert list(back.subscriptions) == ["job.placed", "job.placed (others)"]


def test_a_group_is_a_name():
    with pytest.raises(TypeError, match=r"group of back\.note is a name, not 7"):
        Service("back").on("job.placed", name="note", group=7)(lambda ctx, job: None)


def test_one_group_may_wait_though_the_other_has_a_worker_of_its_own():
    jobs = Evenly("job", every=10, count=20)
    alone = run(twice(workers=1), jobs)
    assert max(row.started - row.received for row in rows(alone, target="back")) > 100
    assert all(
        row.settled - row.offered == pytest.approx(13) for row in alone.requests().itertuples()
    )  # packed as ever
    assert peak(backlog(alone, "job.placed"))[1] > 10


def test_the_two_reactions_are_one_arrow_with_twice_the_deliveries():
    result = run(twice(), Evenly("job", every=50, count=3))
    graph = interactions(result)
    assert [data["count"] for *_, data in graph.edges(data=True) if data["name"] == "job.placed"] == [6]
    row = next(row for row in messages(result) if row.name == "job.placed")
    assert (row.number, row.pairs) == (3, (("front", "back", False),))
    assert [row.pairs for row in messages(twice()) if row.name == "job.placed"] == [row.pairs]
    assert diff(result).query("name == 'job.placed'")[["declared", "observed", "count"]].values.tolist() == [
        [True, True, 6]
    ]


def test_a_crash_brings_back_what_each_group_had_in_hand():
    struck = run(twice(), ONE, faults=CrashAt("back", "do_pack", "during", lasting=5))
    again = [(row.attempt, row.outcome) for row in rows(struck, target="back")]
    assert sorted(again) == [(1, "lost"), (1, "lost"), (2, "ok"), (2, "ok")]
    assert [effect.name for effect in struck.effects] == ["label"]


def test_a_crash_over_a_topic_counts_what_comes_for_both_groups():
    by_name = run(twice(), ONE, faults=CrashAt("back", "do_label", "before", lasting=5))
    by_topic = run(twice(), ONE, faults=CrashAt("back", "job.placed", "before", 2, lasting=5))
    assert by_name.outages[0].at == by_topic.outages[0].at == 3


def test_the_search_strikes_over_each_reaction():
    struck = {str(fault) for fault in under_each(twice(), ONE) if isinstance(fault, CrashAt)}
    assert {name for name in ("do_pack", "do_label") if any(name in words for words in struck)} == {
        "do_pack", "do_label"
    }  # fmt: skip


def test_a_change_names_the_reaction_that_is_new():
    before = twice()
    del before.services["back"].subscriptions["job.placed (labels)"]
    assert changes(before, twice()).values.tolist() == [
        ["back", "subscription", "do_label on job.placed (labels)", "added"]
    ]


def test_who_does_two_steps_of_a_dance_undoes_the_later_first():
    """Inventory reserves and picks; shipping refuses; both undos hear of it, and that of the pick goes first."""
    shop = services(network=1, takes=10, refuses={"ship": 1})
    desk = shop.services["inventory"]
    pick = desk.operation(name="pick", takes=10)(lambda ctx, order: None)
    unpick = desk.operation(name="unpick", takes=10, undoes="pick")(lambda ctx, order: None)
    steps = [step(shop, "reserve", undo="release"), step(shop, "charge", after="reserve", undo="refund")]
    steps += [Step(pick, undo=unpick, after="charge"), step(shop, "ship", after="pick")]
    result = run(choreograph(Process("order", steps)), Times("order", at=[0]))
    done = [("undo " if effect.amount < 0 else "") + effect.name for effect in result.effects]
    assert done == ["reserve", "charge", "pick", "undo pick", "undo charge", "undo reserve"]
    assert result.fates() == ["compensated"]


def test_two_functions_of_one_name_may_be_in_two_groups_and_one_text_is_in_one():
    back = Service("back")
    for group in ("x", "y"):

        @back.on("job.placed", group=group)
        def react(ctx, job): ...

    assert list(back.subscriptions) == ["job.placed (x)", "job.placed (y)"]  # one function, in both

    def cell(group, effect):
        made: dict = {}
        exec(f"@back.on('job.done', group={group!r})\ndef note(ctx, job): ctx.effect({effect!r})", {"back": back}, made)

    cell("x", "done")
    cell("y", "noted")
    assert list(back.subscriptions)[2:] == ["job.done (x)", "job.done (y)"]  # two functions that are called alike
    cell("z", "noted")
    assert list(back.subscriptions)[2:] == [
        "job.done (x)",
        "job.done (z)",
    ]  # the cell was run again, with another group


def test_two_reactions_that_are_called_alike_are_told_apart():
    both, one = twice(), twice()
    for system, groups in ((both, ("x", "y")), (one, ("x",))):
        for group in groups:
            system.services["back"].on("job.packed", group=group, name="react", takes=5)(lambda ctx, job: None)
    assert explain(both, one).loc["hears"].tolist()[0].count("back.react on job.packed in") == 2
    assert changes(both, one).values.tolist() == [["back", "subscription", "react on job.packed (y)", "removed"]]
    assert run(both, ONE).spans().query("name == 'job.packed' and target == 'back'").group.tolist() == ["x", "y"]


@pytest.mark.parametrize("name", ["accept", "cancel", "complete", "watch"])
def test_an_undo_is_not_called_as_the_service_where_requests_enter_calls_its_own(name):
    shop = System("shop", network=1.0)
    orders = shop.service("orders", workers=5)
    register = orders.operation(name="register")(lambda ctx, order: None)
    undo = orders.operation(name=name, undoes="register")(lambda ctx, order: None)
    with pytest.raises(
        ModelError, match=f"orders takes requests in, with a '{name}' of its own: call orders.{name} so"
    ):
        choreograph(Process("order", [Step(register, undo=undo)]))
