"""The shop of the course: the two styles do the same work for the same orders, and its pictures say what they show."""

import pytest

from rehearsal import run, sec
from rehearsal.draw.fates import shared
from rehearsal.draw.poster import poster
from rehearsal.draw.show import alt, png
from rehearsal.lesson import check, reveal
from rehearsal.shop import ORDERS, OUTAGE, choreographed, orchestrated


@pytest.fixture(scope="module")
def calm():
    return [run(shop(), ORDERS, seed=7) for shop in (orchestrated, choreographed)]


@pytest.fixture(scope="module")
def storm():
    return [run(shop(), ORDERS, seed=7, faults=OUTAGE) for shop in (orchestrated, choreographed)]


def service_times(one, work):
    spans = one.spans()
    spans = spans[(spans.target == work) & (spans.outcome == "ok") & ~spans.undo & (spans.attempt == 1)]
    return (spans.ended - spans.started).groupby(spans.request).first()


@pytest.mark.parametrize("service", ["inventory", "payment", "shipping"])
def test_both_styles_meet_the_same_arrivals_and_the_same_service_times(calm, service):
    ours, theirs = (service_times(one, service) for one in calm)
    assert len(ours) == len(theirs) == len(calm[0].table)
    # A time is ended − started, so its last bits depend on the clock; the draw itself is compared elsewhere.
    assert (ours - theirs).abs().max() < 1e-8
    assert calm[0].table.offered == calm[1].table.offered


def test_on_a_calm_day_nobody_loses_an_order(calm):
    assert all(set(one.fates()) == {"on time"} for one in calm)


def test_one_shop_refuses_during_the_outage_and_the_other_is_late_after_it(storm):
    refused, late = storm[0].requests(), storm[1].requests()
    refused = refused[refused.fate == "compensated"].offered / sec
    late = late[late.fate == "late"].offered / sec
    # The last call before the crash, and the first retry that meets a living payment, move the edges by about a second.
    assert refused.between(89, 140).all()
    assert late.min() > 89
    assert 60 < late.max() - 140 < 75


def test_crew_sets_the_number_of_workers():
    assert choreographed(payment=4).services["payment"].workers == 4
    assert orchestrated().services["payment"].workers == 2


def test_the_poster_says_what_became_of_the_orders(storm):
    figure = poster()
    words = alt(figure)
    assert "971 compensated" in words and "2,365 late" in words
    assert len(png(figure)) < 200_000


def test_a_pair_of_fates_shares_its_scale(storm):
    low, high = shared(*storm)
    assert low <= -2 and high >= 2


def test_a_guess_is_answered(capsys):
    reveal(None, "C")
    reveal("C", "C")
    reveal("A", "C", "because")
    lines = capsys.readouterr().out.splitlines()
    assert "not guessed yet" in lines[0] and "was right" in lines[1] and "(because). Your guess was A" in lines[2]


@pytest.mark.parametrize("done", [False, None, lambda: None > 3, lambda: [][0], lambda: {}["x"], lambda: None.x])
def test_an_exercise_that_is_not_done_says_what_is_missing_and_does_not_raise(done, capsys):
    check(done, "count the arrows")
    assert capsys.readouterr().out == "not yet: count the arrows\n"


def test_an_exercise_that_is_done_says_so(capsys):
    check(lambda: 3 > 2, "never shown")
    assert capsys.readouterr().out.startswith("done")
