"""Which days are of the same kind, so that their volumes can be compared."""

from datetime import date, datetime

import pytest

from expectations.days import hours, is_ordinary, is_school_day, like_weekdays

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, _, SATURDAY, SUNDAY = range(7)


@pytest.mark.parametrize(
    ("day", "like"),
    [
        (date(2026, 3, 3), (TUESDAY,)),
        (date(2026, 3, 7), (SATURDAY,)),
        (date(2026, 4, 6), (SATURDAY, SUNDAY)),
        (date(2026, 12, 26), (SATURDAY, SUNDAY)),
        (date(2026, 12, 28), (SATURDAY, SUNDAY)),
        (date(2026, 4, 7), (TUESDAY, MONDAY)),
        (date(2026, 12, 30), (WEDNESDAY, MONDAY, SATURDAY, SUNDAY)),
        (date(2026, 1, 1), (SATURDAY, SUNDAY)),
    ],
)
def test_day_is_like_the_weekdays_that_work_as_it_does(day, like):
    assert like_weekdays(day) == like


def test_monday_is_ordinary_though_it_follows_a_weekend():
    assert is_ordinary(date(2026, 3, 2))
    assert not is_ordinary(date(2026, 5, 5))


def test_schools_are_open_in_term_and_beyond_known_terms_on_every_working_day():
    assert is_school_day(date(2026, 3, 2))
    assert not is_school_day(date(2026, 4, 8))
    assert is_school_day(date(2016, 3, 29))
    assert not is_school_day(date(2016, 3, 28))


@pytest.mark.parametrize(("day", "count"), [(29, 23), (28, 24)])
def test_day_on_which_clocks_go_forward_has_23_hours(day, count):
    found = hours(datetime(2026, 3, 27), datetime(2026, 3, 31))  # noqa: DTZ001  (UTC without a zone)

    assert sum(hour.day.day == day for hour in found) == count
