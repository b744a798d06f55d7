"""
Find rejected records that nobody can attribute, because they name no family and no person that is known.

What names somebody goes with that family. The rest would stay for ever. Nobody knows which child such a record was
about. So it counts as a record of a family without a level of need, whose child was born when the record arrived.
"""

from collections.abc import Iterable
from datetime import date

import duckdb

from streams import names
from streams.erase.find import Place
from streams.erase.records import Records
from streams.erase.schedule import Period
from streams.erase.words import parts_of, words
from streams.lake.rows import each_row

__all__ = ["find_unattributed"]

_OLD = """
    SELECT topic, kafka_partition, kafka_offset, received_at::DATE, record_key, record_value, record_headers
    FROM landing.main.quarantine
    WHERE received_at::DATE + to_years($years::INTEGER) <= $today
        AND topic <> $audit AND (coalesce(record_key, record_value) IS NOT NULL OR len(record_headers) > 0)
    ORDER BY received_at
"""
"""
A row without any content says only that Kafka has deleted a record, or could not show it. Nobody erases from the audit.
"""


def find_unattributed(
    lake: duckdb.DuckDBPyConnection, records: Records, period: Period, known: Iterable[str], today: date
) -> list[Place]:
    """
    Return the rejected records that the schedule no longer keeps, oldest first.

    Args:
        period: the period of records of families without a level.
        known: the ids of all families and persons.
    """
    known, years = set(known), max(period.until_age, period.years_after_last)
    found = []
    old = lake.execute(_OLD, {"years": years, "today": today, "audit": names.AUDIT})
    for *place, arrived, key, value, headers in each_row(old):
        named = {word for part in parts_of(key, value, headers) for word in words(part)}
        if period.ends_on(arrived, arrived) <= today and known.isdisjoint(named) and not records.is_held(named):
            found.append(Place(*place))
    return found
