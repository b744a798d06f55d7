"""Where each partition goes on: the rows are the offsets, so it is one more than the highest that has a row."""

import duckdb

__all__ = ["OFFSET_TABLES", "next_offsets"]

OFFSET_TABLES = ("events", "quarantine", "alerts", "feedback", "sharing_decisions", "dead_letters", "heartbeats")
"""Landing tables that together have one row for every offset."""

_HIGHEST = " UNION ALL ".join(
    f"SELECT topic, kafka_partition, max(kafka_offset) AS highest FROM landing.main.{table} GROUP BY ALL"
    for table in OFFSET_TABLES
)


def next_offsets(lake: duckdb.DuckDBPyConnection) -> dict[tuple[str, int], int]:
    """The next offset to land by topic and partition, for partitions that have rows."""
    rows = lake.execute(f"SELECT topic, kafka_partition, max(highest) + 1 FROM ({_HIGHEST}) GROUP BY ALL").fetchall()
    return {(topic, partition): following for topic, partition, following in rows}
