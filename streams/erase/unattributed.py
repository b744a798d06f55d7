"""
Find rejected records that nobody can attribute, because they name no family and no person that is known.

What names somebody goes with that family. The rest would stay for ever. Nobody knows which child such a record was
about. So it counts as a record of a family without a level of need, whose child was born when the record arrived.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date

import duckdb

from streams.erase.find import Place
from streams.erase.records import Records
from streams.erase.schedule import Period
from streams.erase.subject import texts_of
from streams.lake.rows import each_row

__all__ = ["find_unattributed"]

_OLD = """
    SELECT topic, kafka_partition, kafka_offset, received_at::DATE, record_key, record_value, record_headers
    FROM landing.main.quarantine
    WHERE received_at::DATE + to_years($years::INTEGER) <= $today
        AND (coalesce(record_key, record_value) IS NOT NULL OR len(record_headers) > 0)
    ORDER BY received_at
"""
"""A row without any content says only that Kafka has deleted a record, or could not show it."""
_RUN = re.compile(r"[A-Za-z0-9._:/-]+")
_LONGEST = 64
"""Of these characters, and at most so many, the contract lets an id consist."""


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
    for *place, arrived, key, value, headers in each_row(lake.execute(_OLD, {"years": years, "today": today})):
        parts = (key, value, *(part for header in headers or () for part in (header["name"], header["value"])))
        named = {word for part in parts for text in texts_of(part) for word in _words(text)}
        if period.ends_on(arrived, arrived) <= today and known.isdisjoint(named) and not records.is_held(named):
            found.append(Place(*place))
    return found


def _words(text: str) -> Iterator[str]:
    """Yield everything in a text that can be an id, from the beginning of a word to the end of one."""
    for run in _RUN.findall(text):
        for first, character in enumerate(run):
            if character.isalnum() and not run[max(0, first - 1) : first].isalnum():
                for end in range(first + 1, min(len(run), first + _LONGEST) + 1):
                    if not run[end : end + 1].isalnum():
                        yield run[first:end]
