"""The number of events in an hour and the time without any event, each compared with similar hours in past weeks."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, pvariance

import duckdb
import pyarrow as pa

from expectations.days import Hour, hours, is_ordinary, is_school_day, like_weekdays
from streams.lake.one_row import one_row

__all__ = ["FEWEST_WEEKS", "WEEKS", "Past", "Volumes", "past"]

WEEKS = 8
"""The number of past weeks that an hour is compared with."""
FEWEST_WEEKS = 4
"""The minimum number of similar hours that a comparison needs. There is one similar hour in a week."""

_HOUR = timedelta(hours=1)
_SCHOOLS = "('2A', '2B')"

_COUNTS = f"""
SELECT date_trunc('hour', received_at), count(*), count(*) FILTER (source_code IN {_SCHOOLS})
FROM landing.main.events WHERE NOT is_backfill AND received_at >= $since AND received_at < $end GROUP BY ALL
"""

_FIRST = "SELECT min(received_at) FROM landing.main.events WHERE NOT is_backfill"

_SILENCES = """
WITH arrivals AS (
    SELECT received_at, missed + rate * epoch(received_at - starts_at) / 3600 AS missed
    FROM landing.main.events INNER JOIN rates ON rates.starts_at = date_trunc('hour', received_at)
    WHERE NOT is_backfill
),

silences AS (SELECT missed, missed - lag(missed) OVER (ORDER BY received_at) AS silence FROM arrivals)

SELECT max(missed), max(silence) FROM silences
"""


@dataclass(frozen=True)
class Volumes:
    """The number of events in one hour: all events, and the events that schools sent."""

    events: int = 0
    of_schools: int = 0


class Past:
    """The hours of past weeks and the latest hour, each with its number of events."""

    def __init__(self, volumes: dict[datetime, Volumes], first: datetime | None, end: datetime) -> None:
        self.volumes = volumes
        self.hours = list(hours(end - timedelta(weeks=WEEKS) - _HOUR, end))
        self.now = self.hours[-1]
        self.events = sum(volume.events for volume in volumes.values())
        self.known_since = first or end
        self._like: dict[tuple[int, int], list[Hour]] = defaultdict(list)
        for hour in self.hours[:-1]:
            if hour.starts_at > self.known_since and is_ordinary(hour.day):
                self._like[hour.day.weekday(), hour.local_hour].append(hour)

    def deviation(self) -> float | None:
        """
        Return the difference between the latest hour and similar hours, in standard deviations.

        If there are too few similar hours, return None. If the day may be like several weekdays, there is a deviation
        only if the number of events is outside the range of all these weekdays.
        """
        found = [self._deviation(weekday) for weekday in like_weekdays(self.now.day)]
        known = [value for value in found if value is not None]
        if not known:
            return None
        return 0.0 if min(known) <= 0 <= max(known) else min(known, key=abs)

    def silence(self, lake: duckdb.DuckDBPyConnection) -> float:
        """
        Divide the length of the silence since the last event by the longest silence of past weeks.

        A silence is measured by the number of events that usually arrive in its hours. So a night, a weekend or a
        holiday adds little, and the morning of a working day adds a lot.
        """
        missed, rows = 0.0, []
        for hour in self.hours:
            rate = self._rate(hour)
            rows.append((hour.starts_at, rate, missed))
            missed += rate
        lake.register(
            "rates", pa.table(dict(zip(("starts_at", "rate", "missed"), zip(*rows, strict=True), strict=True)))
        )
        last, longest = one_row(lake.execute(_SILENCES))
        lake.unregister("rates")
        return (missed - (last or 0.0)) / max(longest or 0.0, 1.0)

    def _deviation(self, weekday: int) -> float | None:
        like = self._like[weekday, self.now.local_hour]
        alike = [hour for hour in like if is_school_day(hour.day) == is_school_day(self.now.day)]
        # If too few similar past days have the same school status (open or closed), events from schools do not count.
        with_schools = len(alike) >= FEWEST_WEEKS
        counts = [self._count(hour, with_schools=with_schools) for hour in (alike if with_schools else like)]
        if len(counts) < FEWEST_WEEKS:
            return None
        spread: float = max(fmean(counts), pvariance(counts), 1.0) ** 0.5
        return (self._count(self.now, with_schools=with_schools) - fmean(counts)) / spread

    def _count(self, hour: Hour, *, with_schools: bool) -> int:
        volume = self.volumes.get(hour.starts_at, Volumes())
        return volume.events if with_schools else volume.events - volume.of_schools

    def _rate(self, hour: Hour) -> float:
        """
        Return how many events an hour usually has.

        The hour's day may be like several weekdays. The result is the lowest mean of these weekdays.
        """
        counts = [
            [self._count(like, with_schools=True) for like in self._like[weekday, hour.local_hour]]
            for weekday in like_weekdays(hour.day)
        ]
        return min(fmean(found) if found else 0.0 for found in counts)


def past(lake: duckdb.DuckDBPyConnection, end: datetime) -> Past:
    """
    Read the hours of past weeks up to `end` (UTC without a zone, a full hour).

    Backfilled events are left out.
    """
    rows = lake.execute(_COUNTS, {"since": end - timedelta(weeks=WEEKS) - _HOUR, "end": end}).fetchall()
    first = one_row(lake.execute(_FIRST))[0]
    return Past({hour: Volumes(*counts) for hour, *counts in rows}, first, end)
