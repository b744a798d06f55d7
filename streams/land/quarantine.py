"""Find rejected records that have landed, and fields that were left out of accepted records, each with its reason."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from streams.contracts import Reason
from streams.contracts.mark import MARK_HEADER
from streams.contracts.record import COORDINATES, REPLAY_HEADER
from streams.errors import SettingInvalid
from streams.kafka.verbatim import Original
from streams.times import aware, naive

__all__ = ["Filters", "LeftOut", "Quarantined", "contents", "find", "left_out", "summary"]


@dataclass(frozen=True, kw_only=True)
class Filters:
    """
    Conditions that select rejected records. A condition that is not given excludes nothing.

    `since` is a timezone-aware time. It selects records that arrived at that time or later.
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
    def of(cls, *, since: datetime | str | None = None, **filters: Any) -> "Filters":
        """
        Make filters. `since` may also be ISO 8601 text, which is in UTC if it has no UTC offset.

        Raises:
            SettingInvalid: a value is not allowed.
        """
        if isinstance(since, str):
            try:
                since = datetime.fromisoformat(since)
            except ValueError:
                raise SettingInvalid("since is not a time; allowed: ISO 8601, as in 2026-03-02T09:15:00Z") from None
        return cls(since=aware(since), **filters)

    def condition(self) -> tuple[str, dict[str, object]]:
        """Return the SQL condition, and the values of its parameters by name."""
        since = self.since and naive(self.since)
        given = {
            "reason": ("reason = $reason", self.reason),
            "topic": ("topic = $topic", self.topic),
            "partition": ("kafka_partition = $partition", self.partition),
            "offset": ("kafka_offset = $offset", self.offset),
            "since": ("received_at >= $since", since),
        }
        known = {name: (term, value) for name, (term, value) in given.items() if value is not None}
        condition = " AND ".join(term for term, _ in known.values()) or "true"
        return condition, {name: value for name, (_, value) in known.items()}


@dataclass(frozen=True)
class Quarantined:
    """A rejected record. Its content is present only if the caller asked for it, and may contain personal data."""

    topic: str
    partition: int
    offset: int
    received_at: datetime
    reason: str
    path: str | None
    allowed: str | None
    replayed_as: str | None
    """The `topic/partition/offset` at which a replayed copy of the record has landed; None if no copy has landed."""
    is_copy: bool
    """Whether the record is itself a copy, which a replay sent in place of an earlier record."""
    size: int
    """Size of key and value together, in bytes."""
    inbound_record: str | None = None
    """The partner's record that `intake` passed on, as `topic/partition/offset/topic id`; None if there is none."""
    refused_for: str | None = None
    """The reason for which `intake` has refused the record; None if it has not refused it."""
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[dict[str, object]] = ()
    header_names: Sequence[bytes] | None = None
    """The names of all headers as bytes; None if every name is UTF-8 text."""

    @property
    def coordinates(self) -> str:
        """The record's `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def summary(lake: duckdb.DuckDBPyConnection, filters: Filters) -> list[tuple[str, str, int]]:
    """Count the rejected records by topic and reason."""
    condition, values = filters.condition()
    return lake.execute(
        f"SELECT topic, reason, count(*) FROM landing.main.quarantine WHERE {condition} GROUP BY ALL ORDER BY ALL",
        values,
    ).fetchall()


_CONTENT = ("record_key", "record_value", "record_headers", "record_header_names")
_REFUSED_FOR = (
    "TRY(json_extract_string(decode(list_filter(record_headers, lambda h: h.name = $mark)[-1].value), '$.reason'))"
)
_CHUNK_BYTES = 32 * 1024 * 1024
_CHUNK_RECORDS = 1_000


def find(
    lake: duckdb.DuckDBPyConnection, filters: Filters, *, limit: int | None = None, with_content: bool = False
) -> list[Quarantined]:
    """Return the matching records, oldest first. The content may be large, so it is included only on request."""
    condition, values = filters.condition()
    rows = lake.execute(
        f"""
        WITH replayed AS (
            SELECT replay_of, min(topic || '/' || kafka_partition || '/' || kafka_offset) AS replayed_as
            FROM landing.main.events WHERE replay_of IS NOT NULL GROUP BY ALL
        )
        SELECT topic, kafka_partition, kafka_offset, received_at, reason, path, allowed, replayed_as,
               len(list_filter(coalesce(record_headers, []), lambda h: h.name = $header
                   AND coalesce(regexp_full_match(CAST(h.value AS VARCHAR), $coordinates), false))) > 0,
               coalesce(octet_length(record_key), 0) + coalesce(octet_length(record_value), 0), inbound_record,
               {_REFUSED_FOR}
               {"".join(f", {column}" for column in _CONTENT) if with_content else ""}
        FROM landing.main.quarantine
        LEFT JOIN replayed ON replay_of = topic || '/' || kafka_partition || '/' || kafka_offset
        WHERE {condition} ORDER BY received_at, topic, kafka_partition, kafka_offset LIMIT {limit or "ALL"}
        """,
        values | {"header": REPLAY_HEADER, "coordinates": COORDINATES, "mark": MARK_HEADER},
    ).fetchall()
    return [Quarantined(*row) for row in rows]


def contents(lake: duckdb.DuckDBPyConnection, records: Iterable[Quarantined]) -> Iterator[tuple[Quarantined, Original]]:
    """
    Yield records with their content, in order.

    Only some records are read at a time, because their content may be large.
    """
    for chunk in _chunks(records):
        places = [(record.topic, record.partition, record.offset) for record in chunk]
        topics, partitions, offsets = map(list, zip(*places, strict=True))
        rows = lake.execute(
            f"""
            SELECT topic, kafka_partition, kafka_offset, {", ".join(_CONTENT)} FROM landing.main.quarantine
            SEMI JOIN (SELECT unnest($1) AS topic, unnest($2) AS kafka_partition, unnest($3) AS kafka_offset) AS wanted
            USING (topic, kafka_partition, kafka_offset)
            """,
            [topics, partitions, offsets],
        ).fetchall()
        found = {row[:3]: row[3:] for row in rows}
        for record, place in zip(chunk, places, strict=True):
            yield record, _original(*found[place])


def _chunks(records: Iterable[Quarantined]) -> Iterator[list[Quarantined]]:
    chunk: list[Quarantined] = []
    size = 0
    for record in records:
        if chunk and (size + record.size > _CHUNK_BYTES or len(chunk) >= _CHUNK_RECORDS):
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += record.size
    if chunk:
        yield chunk


def _original(
    key: bytes | None, value: bytes | None, headers: list[dict[str, Any]] | None, names: list[bytes] | None
) -> Original:
    headers = headers or []
    names = [header["name"].encode() for header in headers] if names is None else names
    decoded = [name.decode("utf-8", "surrogateescape") for name in names]
    return Original(key, value, [(name, header["value"]) for name, header in zip(decoded, headers, strict=True)])


@dataclass(frozen=True)
class LeftOut:
    """A field that was left out of a source's events: the reason, how often this happened, and the last such record."""

    source: str
    type: str
    path: str
    reason: str
    allowed: str
    events: int
    last_in: str
    """The `topic/partition/offset` of the last record from which the field was left out."""


def left_out(lake: duckdb.DuckDBPyConnection, filters: Filters) -> list[LeftOut]:
    """
    Return the fields that were left out of accepted events, by source and field, most frequent first.

    All items of a list count as one field.
    """
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
