"""Words of time and of trouble: durations are checked where they are written, errors name what is there."""

from fractions import Fraction
from math import inf, nan

import pytest

from rehearsal import Failed, Lost, Refused, Rejected, Retry, TimedOut, minute, ms, sec
from rehearsal.errors import unknown
from rehearsal.units import duration, pretty


def test_there_is_one_base_unit_the_millisecond():
    assert (ms, sec, minute) == (1, 1000 * ms, 60 * sec)


@pytest.mark.parametrize("value", [0, 20, 0.5, Fraction(1, 2)])
def test_a_duration_is_any_real_number_that_is_not_negative(value):
    assert duration(value, "takes") == float(value)


@pytest.mark.parametrize("value", ["20", None, True, nan, 1j])
def test_what_is_no_number_is_no_duration(value):
    with pytest.raises(TypeError, match=r"takes must be a time such as 20 \* ms"):
        duration(value, "takes")


def test_a_duration_is_not_negative_nor_zero_where_that_is_said_nor_endless_where_it_is_not():
    for value, options in [(-1, {}), (0, {"positive": True}), (inf, {}), (-inf, {"ever": True})]:
        with pytest.raises(ValueError, match="takes must be"):
            duration(value, "takes", **options)
    assert duration(inf, "lasting", ever=True) == inf


def test_a_time_is_said_as_people_say_it():
    said = {0.25: "0.25 ms", 999: "999 ms", 1000: "1 s", 90_000: "90 s", 3_600_000: "3,600 s", inf: "ever"}
    assert {time: pretty(time) for time in said} == said


def test_an_unknown_name_is_answered_with_the_nearest_and_with_all_there_are():
    sentence = unknown("topic", "stock.reservd", {"order.placed", "stock.reserved"})
    assert "did you mean 'stock.reserved'?" in sentence
    assert sentence.endswith("topics here: order.placed, stock.reserved")
    assert unknown("reply", "x", []) == "no reply 'x'; replies here: none"


def test_a_failure_can_be_caught_whole_and_a_business_no_is_not_one():
    assert all(issubclass(kind, Failed) for kind in (TimedOut, Rejected, Lost))
    assert not issubclass(Refused, Failed)


def test_retries_wait_from_exponent_zero_on_and_the_cap_holds():
    retry = Retry(7, wait=2 * sec, factor=2, cap=60 * sec)
    assert [retry.pause(i) / sec for i in range(7)] == [2, 4, 8, 16, 32, 60, 60]
    assert Retry(2, wait=5).pause(1) == 5


@pytest.mark.parametrize(
    "wrong", [{"times": -1}, {"times": 1.5}, {"times": True}, {"wait": -1}, {"factor": 0}, {"cap": -1}]
)
def test_a_retry_that_makes_no_sense_is_refused(wrong):
    with pytest.raises((TypeError, ValueError), match="Retry"):
        Retry(**{"times": 1, **wrong})
