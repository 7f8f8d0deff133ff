"""A load spike: the usual requests as ever, to the byte, and further ones of the same kind between them for a while."""

import pytest

from rehearsal import (
    Closed,
    Empirical,
    Evenly,
    Exponential,
    LoadSpike,
    ModelError,
    Poisson,
    Slow,
    System,
    Times,
    Uniform,
    run,
)
from tests.systems import desk, rows, same


def wide():
    """Return a desk where nobody ever waits for anybody."""
    return desk(takes=Exponential(10), workers=999, network=Exponential(2))


def offers(result, load=None):
    """Return when the requests of a load, given by its place in `run.loads`, were offered."""
    table = result.table
    return [moment for moment, place in zip(table.offered, table.load, strict=True) if load in (None, place)]


def spikes(*faults, load=None, **how):
    """Return the further loads of a run, those that are not its usual one."""
    return run(desk(), load or Evenly("job", every=10, count=100), faults=faults, **how).loads[1:]


# The usual ones


@pytest.mark.parametrize("kind", [Poisson, Evenly])
def test_the_usual_requests_are_unchanged_to_the_bit(kind):
    load = kind("job", every=10, until=1000)
    calm, storm = (run(wide(), load, faults=faults) for faults in ([], [LoadSpike(3, at=200, lasting=300)]))
    usual = [n for n, place in enumerate(storm.table.load) if place == 0]
    here = [row._replace(request=usual.index(row.request)) for row in rows(storm) if row.request in set(usual)]
    assert here == rows(calm) and len(storm.table) > len(calm.table)
    for column in ("offered", "answered", "settled", "number"):
        assert [getattr(storm.table, column)[n] for n in usual] == list(getattr(calm.table, column))


def test_those_who_wait_for_the_further_ones_are_late_and_that_is_what_it_caused():
    """Half of a desk's time is asked for, one request in twenty; until 45 it is three in twenty, and a queue grows."""
    load = Evenly("job", every=20, count=5)
    calm, storm = (run(desk(takes=10), load, faults=f) for f in ([], [LoadSpike(3, at=0, lasting=45)]))
    assert offers(storm, 1) == [10, 20, 30, 40]
    usual = [end for end, place in zip(storm.table.answered, storm.table.load, strict=True) if place == 0]
    assert list(calm.table.answered) == [30, 50, 70, 90, 110]
    assert usual == [30, 60, 80, 90, 110]


# The further ones


def test_an_even_load_gets_so_many_more_at_even_moments_within_the_window_only():
    result = run(desk(takes=0), Evenly("job", every=10, count=100), faults=[LoadSpike(3, at=200, lasting=30)])
    assert offers(result, 1) == [205, 210, 215, 220, 225]
    assert len(offers(result, 0)) == 100


def test_a_poisson_load_gets_so_many_more_at_random():
    load, spike = Poisson("job", every=10, until=20_000), LoadSpike(5, at=4000, lasting=10_000)
    further = offers(run(desk(takes=0), load, faults=[spike]), 1)
    assert min(further) >= 4000 and max(further) < 14_000
    assert abs(len(further) - 4000) < 5 * 4000**0.5  # mean 10,000 / 10 × (5 - 1), five standard deviations


def test_the_further_ones_are_a_load_of_their_own_that_comes_last():
    (further,) = spikes(LoadSpike(3, at=200, lasting=30))
    assert (further.kind, further.name, further.every) == ("job", "job spike at 200 ms", 5)
    result = run(desk(), Evenly("job", every=10, count=100), faults=[LoadSpike(3, at=200, lasting=30)])
    numbers = [number for number, place in zip(result.table.number, result.table.load, strict=True) if place == 1]
    assert numbers == [0, 1, 2, 3, 4] and set(result.requests()["kind"]) == {"job"}


def test_they_draw_attributes_and_times_of_their_own_from_the_same_distributions():
    seen = {}
    system = desk(takes=0, body=lambda ctx, job: seen.setdefault(str(job.number), job.amount))
    load = Evenly("job", every=10, count=100, attributes={"amount": Uniform(1, 9)})
    run(system, load, faults=[LoadSpike(2, at=0, lasting=900)])
    amounts = list(seen.values())
    assert len(set(amounts)) == len(amounts) == 189 and all(1 <= amount < 9 for amount in amounts)


def test_a_spike_offers_nothing_while_its_load_does_not():
    early = spikes(LoadSpike(2, at=0, lasting=100), load=Evenly("job", every=10, start=50, count=9))
    assert [(each.start, each.until) for each in early] == [(50, 100)]
    late = spikes(LoadSpike(2, at=50, lasting=100), load=Evenly("job", every=10, until=70))
    assert [(each.start, each.until) for each in late] == [(50, 70)]
    assert spikes(LoadSpike(2, at=80, lasting=100), load=Evenly("job", every=10, until=70)) == ()


# Several


def test_two_spikes_in_any_order_are_the_same_two():
    faults = [LoadSpike(3, at=200, lasting=300), LoadSpike(2, at=100, lasting=300), Slow("desk", 2, at=50, lasting=99)]
    load = Poisson("job", every=10, until=1000)
    assert same(run(wide(), load, faults=faults), run(wide(), load, faults=faults[::-1]))


def test_a_further_spike_moves_none_of_the_first():
    first, second = LoadSpike(3, at=200, lasting=300), LoadSpike(2, at=100, lasting=300)
    load = Poisson("job", every=10, until=1000)
    alone, both = run(wide(), load, faults=[first]), run(wide(), load, faults=[first, second])
    assert offers(alone, 1) == offers(both, 2) and offers(alone, 0) == offers(both, 0)


def test_the_same_spike_twice_is_twice_as_many_at_other_moments():
    spike, load = LoadSpike(3, at=200, lasting=300), Poisson("job", every=10, until=1000)
    result = run(wide(), load, faults=[spike, spike])
    assert len({each.name for each in result.loads}) == 3
    assert set(offers(result, 1)).isdisjoint(offers(result, 2))


def test_a_spike_names_its_load_where_there_are_several():
    system = desk(takes=0)
    loads = [Evenly("job", every=10, count=9), Evenly("job", every=10, count=9, name="night")]
    result = run(system, loads, faults=[LoadSpike(2, at=0, lasting=35, load="night")])
    assert [each.name for each in result.loads] == ["job", "night", "night spike at 0 ms"]


# What cannot be


@pytest.mark.parametrize(
    ("loads", "spike", "says"),
    [
        (Evenly("job", every=9, count=9), LoadSpike(2, 0, 9, load="jobs"), "no load 'jobs'; did you mean 'job'?"),
        (
            [Evenly("job", every=9, count=9), Evenly("job", every=9, count=9, name="night")],
            LoadSpike(2, 0, 9),
            "say which with load=; loads here: job, night",
        ),
        (Closed("job", users=3, count=9), LoadSpike(2, 0, 9), "a Closed load has no rate that could be multiplied"),
        (Times("job", at=[0]), LoadSpike(2, 0, 9), "a Times load has no rate that could be multiplied; use Poisson"),
    ],
)
def test_a_spike_of_what_has_no_rate_or_is_not_there_is_refused(loads, spike, says):
    with pytest.raises(ModelError) as caught:
        run(desk(body=lambda ctx, job: pytest.fail("this ran")), loads, faults=[spike])
    assert says in str(caught.value) and str(spike) in str(caught.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((1, 0, 9), "the factor of LoadSpike must be greater than 1, not 1"),
        (("much", 0, 9), "the factor of LoadSpike must be greater than 1, not 'much'"),
        ((2, -1, 9), "at of LoadSpike must be 0 or more"),
        ((2, 0, 0), "lasting of LoadSpike must be greater than 0"),
        ((2, 0, float("inf")), "lasting of LoadSpike must be finite"),
        ((2, 0, 9, 7), "a name such as 'payment' is wanted, or what has one, not 7"),
    ],
)
def test_a_spike_that_makes_no_sense_is_refused_where_it_is_written(words, says):
    with pytest.raises((ValueError, TypeError), match=says):
        LoadSpike(*words)


def test_a_spike_is_said_in_one_line():
    assert str(LoadSpike(3, at=200, lasting=3000)) == "client asks ×3 from 200 ms for 3 s"


def test_empirical_attributes_and_other_kinds_are_left_alone():
    system = System("two kinds")
    for kind in ("job", "question"):
        operation = system.service(kind, workers=99).operation(takes=Exponential(3), name=kind)(lambda ctx, job: None)
        system.accepts(kind, operation)
    loads = [
        Poisson("job", every=10, count=50, attributes={"size": Empirical([1, 2])}),
        Poisson("question", every=10, count=50),
    ]
    calm, storm = (run(system, loads, faults=f) for f in ([], [LoadSpike(4, at=100, lasting=200, load="job")]))
    asked = [[row[5:] for row in rows(result, target="question")] for result in (calm, storm)]
    assert asked[0] == asked[1]
