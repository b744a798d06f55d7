"""Times with and without a time zone, waiting for a condition, and when a loop stops."""

from datetime import UTC, datetime

from streams.times import LONDON, aware, naive, stops_after, wait_for

SUMMER = datetime(2026, 7, 1, 13, tzinfo=LONDON)


def test_moments_are_stored_in_utc_without_a_zone():
    assert naive(SUMMER) == datetime(2026, 7, 1, 12)  # noqa: DTZ001  (as it is stored)
    assert aware(naive(SUMMER)) == SUMMER


def test_a_zone_that_is_given_stays():
    assert aware(SUMMER) is SUMMER
    assert aware(datetime(2026, 7, 1, 12)).tzinfo is UTC  # noqa: DTZ001  (as it is stored)
    assert aware(None) is None


def test_a_loop_stops_when_it_is_told_or_its_time_is_over():
    assert stops_after(0, lambda: False)()
    assert stops_after(60, lambda: True)()
    assert not stops_after(60, lambda: False)()
    assert not stops_after(None, lambda: False)()


def test_waiting_ends_with_the_condition_or_the_time():
    asked = iter([False, True])

    assert wait_for(lambda: next(asked), 60, every=0)
    assert not wait_for(lambda: False, 0, every=60)
