"""Find the offset at which each partition continues: one after the highest offset that has a row."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import duckdb

from streams.times import wait_for

__all__ = ["OFFSET_TABLES", "next_offsets", "wait_until_landed"]

_FILLED_BY_LAND = (
    "events",
    "quarantine",
    "alerts",
    "feedback",
    "sharing_decisions",
    "dead_letters",
    "heartbeats",
    "audit",
)
OFFSET_TABLES = (*_FILLED_BY_LAND, "erased")
"""The landing tables that stand for records of topics. Together, they have one row for every offset."""

_POLL_SECONDS = 0.2


def _next(tables: Iterable[str]) -> str:
    highest = " UNION ALL ".join(
        f"SELECT topic, kafka_partition, max(kafka_offset) AS highest FROM landing.main.{table} "
        "WHERE $since IS NULL OR landed_at >= $since GROUP BY ALL"
        for table in tables
    )
    return f"SELECT topic, kafka_partition, max(highest) + 1 FROM ({highest}) GROUP BY ALL"


_NEXT, _NEXT_IN_OLD_LAKE = _next(OFFSET_TABLES), _next(_FILLED_BY_LAND)
"""A lake from before erasures has no table of erased records until `land` has started once."""


def next_offsets(lake: duckdb.DuckDBPyConnection, since: datetime | None = None) -> dict[tuple[str, int], int]:
    """
    Return the next offset to land, by topic and partition, for partitions that have rows.

    Args:
        since: if given (UTC, without a time zone), only partitions with rows stored since then are returned, and
            earlier files are not read.
    """
    try:
        rows = lake.execute(_NEXT, {"since": since}).fetchall()
    except duckdb.CatalogException:
        rows = lake.execute(_NEXT_IN_OLD_LAKE, {"since": since}).fetchall()
    return {(topic, partition): following for topic, partition, following in rows}


def wait_until_landed(
    lake: duckdb.DuckDBPyConnection, arrived: Mapping[tuple[str, int], int], patience_seconds: float
) -> bool:
    """
    Wait until every offset before those in `arrived` has a row. Return False if this takes longer than
    `patience_seconds`.
    """
    return wait_for(lambda: _holds(next_offsets(lake), arrived), patience_seconds, every=_POLL_SECONDS)


def _holds(landed: Mapping[tuple[str, int], int], arrived: Mapping[tuple[str, int], int]) -> bool:
    return all(landed.get((topic, number), 0) >= offset for (topic, number), offset in arrived.items())
