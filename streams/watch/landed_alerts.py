"""Alerts that have landed and that the alerts topic no longer has: after a loss of Kafka, versions go on."""

import duckdb
import msgspec

from streams.contracts.outputs import Alert
from streams.errors import LakeUnavailable
from streams.lake.connect import connect
from streams.settings import Settings
from streams.watch.alert_book import AlertBook

__all__ = ["read_landed_alerts"]

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
               raised_at AT TIME ZONE 'UTC' AS raised_at
           ),
           cause_received_at AT TIME ZONE 'UTC' AS received_at
    FROM landing.main.alerts
    WHERE alert_id IN (SELECT unnest($1))
    QUALIFY row_number() OVER (PARTITION BY alert_id ORDER BY version DESC) = 1
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
        rows = lake.execute(_LATEST, [newer]).to_arrow_table().to_pylist() if newer else []
    except duckdb.CatalogException:
        return 0
    finally:
        lake.close()
    for row in rows:
        book.record(msgspec.convert(row, Alert))
    return len(rows)
