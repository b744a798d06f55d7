"""How many events arrive in an hour, and how long it is since the last event. Both are compared with past weeks."""

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
"""The number of past weeks with which an hour is compared."""
FEWEST_WEEKS = 4
"""The fewest similar hours that a comparison needs. There is one similar hour a week."""

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
    """How many events one hour has: all events, and those that schools sent."""

    events: int = 0
    of_schools: int = 0


class Past:
    """The latest hour and the hours of past weeks, each with its number of events."""

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
        Return how much the latest hour differs from similar hours, in standard deviations.

        If there are too few similar hours, return None. A day may be like several weekdays. Then the result is 0 if the
        number of events is in the range of these weekdays.
        """
        found = [self._deviation(weekday) for weekday in like_weekdays(self.now.day)]
        known = [value for value in found if value is not None]
        if not known:
            return None
        return 0.0 if min(known) <= 0 <= max(known) else min(known, key=abs)

    def silence(self, lake: duckdb.DuckDBPyConnection) -> float:
        """
        Divide the length of the silence since the last event by the length of the longest silence in past weeks.

        The length of a silence is not measured in hours, but in events: the number that would usually have arrived in
        that time. So a night, a weekend or a holiday adds little, and the morning of a working day adds a lot.
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
        # Schools may be open on one day and closed on another. If too few past days were like today, do not count
        # events from schools.
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

        If the hour's day may be like several weekdays, this is the mean of the weekday with the fewest events.
        """
        counts = [
            [self._count(like, with_schools=True) for like in self._like[weekday, hour.local_hour]]
            for weekday in like_weekdays(hour.day)
        ]
        return min(fmean(found) if found else 0.0 for found in counts)


def past(lake: duckdb.DuckDBPyConnection, end: datetime) -> Past:
    """
    Read the hours of past weeks up to `end`, which is a full hour (UTC without a zone).

    Backfilled events are left out.
    """
    rows = lake.execute(_COUNTS, {"since": end - timedelta(weeks=WEEKS) - _HOUR, "end": end}).fetchall()
    first = one_row(lake.execute(_FIRST))[0]
    return Past({hour: Volumes(*counts) for hour, *counts in rows}, first, end)
