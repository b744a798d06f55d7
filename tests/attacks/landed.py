"""Alerts in the lake that an attack tries to see."""

from datetime import UTC, datetime

import pyarrow as pa

from streams import names
from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["land_alert"]


def land_alert(
    settings: Settings, alert_id: str, family: str, *, offset: int = 0, area: str | None = None, version: int = 1
) -> None:
    """Put a version of an open alert into the lake, as `land` does."""
    now = datetime.now(UTC).replace(tzinfo=None)
    alert = {
        "topic": names.ALERTS,
        "kafka_partition": 0,
        "kafka_offset": offset,
        "landed_at": now,
        "alert_id": alert_id,
        "version": version,
        "rule": "adult_returns",
        "rule_version": 1,
        "profile_version": "2026-1",
        "severity": "red",
        "status": "open",
        "status_reason": "new_evidence",
        "entity_kind": "family",
        "entity_id": family,
        "family_id": family,
        "reason": "A person with a risk marker joined the household.",
        "anchor_source": "/wirral/front-door",
        "anchor_id": f"e-{alert_id}",
        "anchored_at": now,
        "clears_when": "the person leaves",
        "occurred_at": now,
        "cause_received_at": now,
        "raised_at": now,
        "area": area,
        "backfill": False,
        "test": False,
    }
    with connect(settings, landing="read_write") as lake:
        lake.register("planted", pa.Table.from_pylist([alert]))
        lake.execute("INSERT INTO landing.main.alerts BY NAME SELECT *, [] AS evidence, [] AS recipients FROM planted")
