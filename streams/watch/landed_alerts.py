"""Alerts that have landed; those that the alerts topic no longer has, too: after a loss of Kafka, versions go on."""

from collections.abc import Collection

import duckdb
import msgspec

from streams.contracts.outputs import Alert
from streams.errors import LakeUnavailable
from streams.lake.connect import connect
from streams.settings import Settings
from streams.watch.alert_book import AlertBook

__all__ = ["latest_alerts", "read_landed_alerts"]

_VERSIONS = "SELECT alert_id, max(version) FROM landing.main.alerts GROUP BY alert_id"

_LATEST = """
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
    WHERE alert_id IN (SELECT unnest($1))
    QUALIFY row_number() OVER (PARTITION BY alert_id ORDER BY version DESC, kafka_offset) = 1
"""


def read_landed_alerts(settings: Settings, book: AlertBook) -> int:
    """
    Take into the book what has landed of alerts beyond the versions it knows.

    Returns:
        How many alerts that were; none without a lake.
    """
    try:
        lake = connect(settings, landing="read_only", marts=None)
    except LakeUnavailable:
        return 0
    try:
        known = book.versions()
        newer = [name for name, version in lake.execute(_VERSIONS).fetchall() if version > known.get(name, 0)]
        alerts = latest_alerts(lake, newer) if newer else []
    except duckdb.CatalogException:
        return 0
    finally:
        lake.close()
    for alert in alerts:
        book.record(alert)
    return len(alerts)


def latest_alerts(lake: duckdb.DuckDBPyConnection, alert_ids: Collection[str]) -> list[Alert]:
    """The latest landed version of each of some alerts; of two with one number the first, as a subscriber counts."""
    rows = lake.execute(_LATEST, [list(alert_ids)]).to_arrow_table().to_pylist()
    return [msgspec.convert(row, Alert) for row in rows]
