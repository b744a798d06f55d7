"""List the audit's entries from the lake. A repeated entry is listed once."""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import msgspec

from streams.contracts.audit import AuditEntry
from streams.times import aware

__all__ = ["Wanted", "find"]

_FIELDS = AuditEntry.__struct_fields__
_FIND = f"""
    SELECT {", ".join(f'"{name}"' for name in _FIELDS)}
    FROM landing.main.audit
    WHERE ($family IS NULL OR list_contains(family_ids, $family))
      AND ($person IS NULL OR list_contains(person_ids, $person))
      AND ($alert IS NULL OR list_contains(alert_ids, $alert))
      AND ($who IS NULL OR who = $who)
      AND ($action IS NULL OR "action" = $action)
      AND ($since IS NULL OR "at" >= $since)
      AND ($until IS NULL OR "at" < $until)
    QUALIFY row_number() OVER (PARTITION BY entry_id ORDER BY kafka_offset) = 1
    ORDER BY "at" DESC, kafka_offset DESC
    LIMIT $most
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which entries to list. A value that is None excludes nothing. Times are in UTC, without a time zone."""

    family: str | None = None
    person: str | None = None
    alert: str | None = None
    who: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def find(lake: duckdb.DuckDBPyConnection, wanted: Wanted, most: int) -> list[AuditEntry]:
    """Return the newest entries that are wanted, at most `most`, oldest first."""
    rows = lake.execute(_FIND, {**vars(wanted), "most": most}).fetchall()
    return [_entry(dict(zip(_FIELDS, row, strict=True))) for row in reversed(rows)]


def _entry(row: dict[str, object]) -> AuditEntry:
    given = {name: aware(value) if isinstance(value, datetime) else value for name, value in row.items()}
    return msgspec.convert({name: value for name, value in given.items() if value is not None}, AuditEntry)
