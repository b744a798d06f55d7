"""
Hours are compared with similar hours. On a day off, few records are normal. On a working day, few records fail a
check.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from expectations import validate
from expectations.days import Hour, hours
from streams.contracts.columns import EVENT_COLUMNS

LONDON = ZoneInfo("Europe/London")
SCHOOL, POLICE = "2A", "6"
JUDGED = ("volume_deviation", "silence_ratio", "source_mix_shift", "new_code_share")


def usual(hour: Hour) -> dict[str, int]:
    """
    Return the usual number of records by source in an hour.

    A working hour has 24 records. In term time, schools send 6 more, and on Mondays there are 12 more. Every other hour
    has 3.
    """
    if hour.kind == "closed" or not 9 <= hour.local_hour < 17:
        return {POLICE: 3}
    found = {POLICE: 14, "3A": 10 + 12 * (hour.day.weekday() == 0)}
    return found | ({SCHOOL: 6} if hour.kind == "school" else {})


def fill(lake, end, *, weeks=9, **otherwise):
    """
    Write weeks of usual hours up to `end` (timezone-aware).

    With `last`, the last hour has these counts by source. With `silent`, the last so many hours have no records.
    """
    end = end.astimezone(UTC).replace(tzinfo=None)
    rows = []
    for hour in hours(end - timedelta(weeks=weeks), end):
        left = (end - hour.starts_at) // timedelta(hours=1)
        found = otherwise.get("last") if left == 1 and "last" in otherwise else usual(hour)
        if left > otherwise.get("silent", 0):
            codes = [code for code, count in found.items() for _ in range(count)]
            step = timedelta(hours=1) / max(len(codes), 1)
            rows += [(hour.starts_at + number * step, code) for number, code in enumerate(codes)]
    table = pa.table(
        {
            "topic": pa.repeat("caf.referral.v1", len(rows)),
            "received_at": pa.array([at for at, _ in rows], EVENT_COLUMNS["received_at"]),
            "landed_at": pa.array([at for at, _ in rows], EVENT_COLUMNS["received_at"]),
            "is_backfill": pa.repeat(False, len(rows)),
            "change": pa.repeat("recorded", len(rows)),
            "source_code": pa.array([code for _, code in rows]),
        }
    )
    lake.register("rows", table)
    lake.execute("INSERT INTO landing.main.events BY NAME SELECT * FROM rows")


def at(day: date, hour: int) -> datetime:
    """Return the end of an hour in London time."""
    return datetime.combine(day, time(hour), LONDON)


def judged(lake, end):
    found = {result.expectation: result.success for result in validate(lake, end, end)}
    return {name: found[name] for name in JUDGED}


def fails(lake, end):
    return {name for name, success in judged(lake, end).items() if success is False}


HOLIDAYS = [
    date(2026, 4, 3),
    date(2026, 4, 6),
    date(2026, 5, 4),
    date(2026, 8, 31),
    date(2026, 12, 25),
    date(2027, 1, 1),
]


@pytest.mark.parametrize("day", HOLIDAYS)
def test_bank_holiday_has_as_few_events_as_a_weekend_and_holds_nothing(lake, day):
    fill(lake, at(day, 12))

    assert set(judged(lake, at(day, 12)).values()) == {True}


def test_three_records_in_an_hour_that_usually_has_thirty_fail_on_a_working_day(lake):
    fill(lake, at(date(2026, 3, 3), 12), last={POLICE: 3})

    assert fails(lake, at(date(2026, 3, 3), 12)) == {"volume_deviation"}


def test_flood_on_a_bank_holiday_fails(lake):
    fill(lake, at(date(2026, 4, 6), 12), last={POLICE: 60})

    assert "volume_deviation" in fails(lake, at(date(2026, 4, 6), 12))


def test_first_day_after_a_bank_holiday_may_be_as_busy_as_a_monday(lake):
    busy = {POLICE: 14, "3A": 22}
    fill(lake, at(date(2026, 4, 7), 12), last=busy)

    assert fails(lake, at(date(2026, 4, 7), 12)) == set()


@pytest.mark.parametrize("last", [{POLICE: 3}, {POLICE: 12}, {POLICE: 14, "3A": 10}])
def test_desk_may_be_open_or_not_between_christmas_and_new_year(lake, last):
    fill(lake, at(date(2026, 12, 30), 12), last=last)

    assert "volume_deviation" not in fails(lake, at(date(2026, 12, 30), 12))


@pytest.mark.parametrize(("last", "failed"), [(None, set()), ({}, {"volume_deviation"})])
def test_schools_send_nothing_in_their_holidays_but_the_others_must(lake, last, failed):
    """The hour is on the first Monday of the summer holidays, after weeks of term."""
    end = at(date(2026, 7, 27), 12)
    fill(lake, end, **({} if last is None else {"last": last}))

    assert "volume_deviation" in fails(lake, end) if failed else fails(lake, end) == set()


def test_first_day_of_term_after_weeks_of_holidays_passes(lake):
    end = at(date(2026, 9, 2), 12)
    fill(lake, end)

    assert fails(lake, end) == set()


@pytest.mark.parametrize("hour", [1, 2, 3, 4, 12])
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_hours_of_a_clock_change_are_like_others(lake, day, hour):
    fill(lake, at(day, hour))

    assert fails(lake, at(day, hour)) == set()


@pytest.mark.parametrize("hour", [1, 12])
def test_week_after_a_clock_change_is_like_those_before(lake, hour):
    fill(lake, at(date(2026, 4, 1), hour))

    assert fails(lake, at(date(2026, 4, 1), hour)) == set()


def test_silence_of_a_morning_fails_on_a_working_day(lake):
    """Quiet nights and weekends must not make a silent morning look normal."""
    end = at(date(2026, 3, 3), 12)
    fill(lake, end, silent=3)

    assert {"volume_deviation", "silence_ratio"} <= fails(lake, end)


def test_desk_that_works_on_working_days_only_is_not_silent_over_easter(lake):
    end = at(date(2026, 4, 6), 23)
    fill(lake, end)
    lake.execute(
        "DELETE FROM landing.main.events WHERE isodow(received_at) > 5 OR hour(received_at) NOT BETWEEN 9 AND 15"
    )
    lake.execute("DELETE FROM landing.main.events WHERE received_at::DATE IN ('2026-04-03', '2026-04-06')")

    assert judged(lake, end)["silence_ratio"] is True
    assert judged(lake, end)["volume_deviation"] is True


def test_silence_is_still_seen_after_a_holiday(lake):
    """The source broke on Maundy Thursday and still sends nothing on Tuesday."""
    end = at(date(2026, 4, 7), 12)
    fill(lake, end, silent=4 * 24)

    assert "silence_ratio" in fails(lake, end)


def test_first_weeks_are_not_checked(lake):
    end = at(date(2026, 4, 6), 12)
    fill(lake, end, weeks=1)

    assert judged(lake, end)["volume_deviation"] is None
    assert judged(lake, end)["silence_ratio"] is None


def test_mix_of_a_bank_holiday_is_that_of_a_weekend(lake):
    """
    On a day off, only the police send records. On a Tuesday, that mix of sources would mean that sources are mapped
    wrongly.
    """
    holiday, tuesday = at(date(2026, 4, 6), 23), at(date(2026, 3, 3), 23)
    fill(lake, holiday)
    assert judged(lake, holiday)["source_mix_shift"] is True
    lake.execute("DELETE FROM landing.main.events")
    fill(lake, tuesday)
    since = f"{tuesday - timedelta(hours=23):%Y-%m-%d %H:%M}"
    lake.execute(f"UPDATE landing.main.events SET source_code = '6' WHERE received_at > '{since}'")

    assert judged(lake, tuesday)["source_mix_shift"] is False
