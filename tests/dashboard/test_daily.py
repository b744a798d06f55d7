"""Values that are worked out once a day."""

from datetime import UTC, datetime

import pytest

from dashboard.reading import daily
from dashboard.reading.daily import Daily


class Clock(datetime):
    """A clock that a test sets."""

    at = datetime(2026, 7, 1, 12, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None) -> datetime:
        return cls.at.astimezone(tz)


def test_value_stays_until_the_next_day_in_london(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily, "datetime", Clock)
    values, kept = iter(range(9)), Daily()
    seen = []
    for hour in (12, 22, 23):
        monkeypatch.setattr(Clock, "at", datetime(2026, 7, 1, hour, tzinfo=UTC))
        seen += [kept.of_today("a", lambda: next(values)) for _ in range(2)]

    assert seen == [0, 0, 0, 0, 1, 1]


def test_value_that_is_not_there_yet_is_asked_for_again() -> None:
    answers = iter([None, 7, 8])
    kept = Daily()

    assert [kept.of_today("a", lambda: next(answers)) for _ in range(3)] == [None, 7, 7]
    assert kept.of_today("b", lambda: 1) == 1
