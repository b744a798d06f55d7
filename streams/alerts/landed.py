"""Reads landed alerts: the latest version of given alerts, or every version of all alerts."""

from collections.abc import Collection, Iterator

import duckdb
import msgspec

from streams.contracts.outputs import Alert

__all__ = ["landed_versions", "latest_alerts"]

_ROWS = 5_000

_VERSIONS = """
    SELECT * EXCLUDE (topic, kafka_partition, kafka_offset, landed_at, received_at, cause_received_at)
           REPLACE (
               list_transform(
                   evidence,
                   one -> {'time': one."time" AT TIME ZONE 'UTC', 'source': one.source, 'id': one.id, 'type': one.type}
               ) AS evidence,
               anchored_at AT TIME ZONE 'UTC' AS anchored_at,
               deadline AT TIME ZONE 'UTC' AS deadline,
               occurred_at AT TIME ZONE 'UTC' AS occurred_at,
               raised_at AT TIME ZONE 'UTC' AS raised_at,
               acknowledged_at AT TIME ZONE 'UTC' AS acknowledged_at,
               closed_at AT TIME ZONE 'UTC' AS closed_at
           ),
           cause_received_at AT TIME ZONE 'UTC' AS received_at
    FROM landing.main.alerts
"""
_LATEST = f"""
    {_VERSIONS}
    WHERE alert_id IN (SELECT unnest($1))
    QUALIFY row_number() OVER (PARTITION BY alert_id ORDER BY version DESC, kafka_offset) = 1
"""
_ALL = f"{_VERSIONS} ORDER BY alert_id, version, kafka_offset"


def latest_alerts(lake: duckdb.DuckDBPyConnection, alert_ids: Collection[str]) -> list[Alert]:
    """
    Return the latest landed version of the given alerts.

    If two versions of an alert have the same number, return the one that was published first, which is also the one
    that a subscriber keeps.
    """
    rows = lake.execute(_LATEST, [list(alert_ids)]).to_arrow_table().to_pylist()
    return [msgspec.convert(row, Alert) for row in rows]


def landed_versions(lake: duckdb.DuckDBPyConnection) -> Iterator[Alert]:
    """Yield all landed versions, alert by alert. The versions of an alert are in the order of their numbers."""
    for batch in lake.execute(_ALL).to_arrow_reader(_ROWS):
        yield from (msgspec.convert(row, Alert) for row in batch.to_pylist())
