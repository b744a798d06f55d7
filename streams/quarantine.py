"""The rejected records that have landed, and what was left out of accepted ones: which there are, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from streams.contracts import Reason
from streams.errors import SettingInvalid

__all__ = ["Filters", "LeftOut", "Quarantined", "find", "left_out", "summary"]


@dataclass(frozen=True, kw_only=True)
class Filters:
    """
    Which rejected records are meant; what is not given does not limit.

    `since` is when they arrived, and aware.
    """

    reason: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    since: datetime | None = None

    def __post_init__(self) -> None:
        if self.reason is not None and self.reason not in set(Reason):
            raise SettingInvalid(f"reason {self.reason!r} is unknown; allowed: {', '.join(Reason)}")

    @classmethod
    def of(cls, *, since: datetime | str | None = None, **filters: object) -> "Filters":
        """
        Filters with `since` also as ISO 8601 text, in UTC where it has no offset.

        Raises:
            SettingInvalid: a value is not allowed.
        """
        if isinstance(since, str):
            try:
                since = datetime.fromisoformat(since)
            except ValueError:
                raise SettingInvalid("since is not a moment; allowed: ISO 8601, as 2026-03-02T09:15:00Z") from None
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        return cls(since=since, **filters)

    def condition(self) -> tuple[str, list[object]]:
        """The SQL condition and its values."""
        since = self.since and self.since.astimezone(UTC).replace(tzinfo=None)
        given = {
            "reason = ?": self.reason,
            "topic = ?": self.topic,
            "kafka_partition = ?": self.partition,
            "kafka_offset = ?": self.offset,
            "received_at >= ?": since,
        }
        terms = {term: value for term, value in given.items() if value is not None}
        return " AND ".join(terms) or "true", list(terms.values())


@dataclass(frozen=True)
class Quarantined:
    """A rejected record; its bytes may say anything about anybody."""

    topic: str
    partition: int
    offset: int
    received_at: datetime
    reason: str
    path: str | None
    allowed: str | None
    replayed_as: str | None
    """`topic/partition/offset` under which it landed after a replay; None while it has not."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[dict[str, object]]

    @property
    def coordinates(self) -> str:
        """`topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def summary(lake: duckdb.DuckDBPyConnection, filters: Filters) -> list[tuple[str, str, int]]:
    """How many there are by topic and reason."""
    condition, values = filters.condition()
    return lake.execute(
        f"SELECT topic, reason, count(*) FROM landing.main.quarantine WHERE {condition} GROUP BY ALL ORDER BY ALL",
        values,
    ).fetchall()


def find(lake: duckdb.DuckDBPyConnection, filters: Filters, *, limit: int | None = None) -> list[Quarantined]:
    """The records with their bytes, oldest first."""
    condition, values = filters.condition()
    rows = lake.execute(
        f"""
        WITH replayed AS (
            SELECT replay_of, min(topic || '/' || kafka_partition || '/' || kafka_offset) AS replayed_as
            FROM landing.main.events WHERE replay_of IS NOT NULL GROUP BY ALL
        )
        SELECT topic, kafka_partition, kafka_offset, received_at, reason, path, allowed, replayed_as,
               record_key, record_value, record_headers
        FROM landing.main.quarantine
        LEFT JOIN replayed ON replay_of = topic || '/' || kafka_partition || '/' || kafka_offset
        WHERE {condition} ORDER BY received_at, topic, kafka_partition, kafka_offset LIMIT {limit or "ALL"}
        """,
        values,
    ).fetchall()
    return [Quarantined(*row) for row in rows]


@dataclass(frozen=True)
class LeftOut:
    """A field of events of one source whose value was left out: why, how often, and in which record the last time."""

    source: str
    type: str
    path: str
    reason: str
    allowed: str
    events: int
    last_in: str
    """`topic/partition/offset`."""


def left_out(lake: duckdb.DuckDBPyConnection, filters: Filters) -> list[LeftOut]:
    """What was left out of accepted events, by source and field, the most frequent first; items of a list as one."""
    condition, values = filters.condition()
    rows = lake.execute(
        f"""
        SELECT event_source, event_type, regexp_replace(path, '\\[[0-9]+\\]', '[]', 'g') AS field, reason, allowed,
               count(DISTINCT (topic, kafka_partition, kafka_offset)) AS events,
               arg_max(topic || '/' || kafka_partition || '/' || kafka_offset, received_at)
        FROM (
            SELECT * EXCLUDE (dropped_fields, payload), unnest(dropped_fields, recursive := true)
            FROM landing.main.events WHERE dropped_fields IS NOT NULL
        )
        WHERE {condition} GROUP BY ALL ORDER BY events DESC, event_source, event_type, field
        """,
        values,
    ).fetchall()
    return [LeftOut(*row) for row in rows]
