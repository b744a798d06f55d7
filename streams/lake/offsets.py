"""Where each partition goes on: the rows are the offsets, so it is one more than the highest that has a row."""

from datetime import datetime

import duckdb

__all__ = ["OFFSET_TABLES", "next_offsets"]

OFFSET_TABLES = ("events", "quarantine", "alerts", "feedback", "sharing_decisions", "dead_letters", "heartbeats")
"""Landing tables that together have one row for every offset."""

_HIGHEST = " UNION ALL ".join(
    f"SELECT topic, kafka_partition, max(kafka_offset) AS highest FROM landing.main.{table} "
    "WHERE $since IS NULL OR landed_at >= $since GROUP BY ALL"
    for table in OFFSET_TABLES
)


def next_offsets(lake: duckdb.DuckDBPyConnection, since: datetime | None = None) -> dict[tuple[str, int], int]:
    """
    The next offset to land by topic and partition, for partitions that have rows.

    With `since` (UTC, without a zone) only of those with rows stored since then: files of earlier ones are not read.
    """
    query = f"SELECT topic, kafka_partition, max(highest) + 1 FROM ({_HIGHEST}) GROUP BY ALL"
    rows = lake.execute(query, {"since": since}).fetchall()
    return {(topic, partition): following for topic, partition, following in rows}
