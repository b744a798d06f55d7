"""
The landing columns, derived from the contract: one wide row for each event.

A field name has the same type in all events; `field_types` refuses anything else. So the landing table has one column
for each field name. The column is empty for events without this field.
"""

import enum
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pyarrow as pa

from streams.contracts.envelope import Correction
from streams.contracts.event import Event, event_types, fact_name
from streams.contracts.mark import mark_of
from streams.contracts.record import Accepted, Rejected

__all__ = [
    "EVENT_COLUMNS",
    "QUARANTINE_COLUMNS",
    "events_table",
    "field_types",
    "header_text",
    "microseconds",
    "quarantine_table",
]

_TIMESTAMP = pa.timestamp("us")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_ENVELOPE_COLUMNS: dict[str, pa.DataType] = {
    "topic": pa.string(),
    "kafka_partition": pa.int32(),
    "kafka_offset": pa.int64(),
    "record_key": pa.string(),
    "received_at": _TIMESTAMP,
    "landed_at": _TIMESTAMP,
    "event_source": pa.string(),
    "event_id": pa.string(),
    "event_type": pa.string(),
    "event_at": _TIMESTAMP,
    "authority_code": pa.string(),
    "is_backfill": pa.bool_(),
    "change": pa.string(),
    "root_source": pa.string(),
    "root_id": pa.string(),
    "root_at": _TIMESTAMP,
    "fact": pa.string(),
    "fact_at": _TIMESTAMP,
    "amendment_reason": pa.string(),
    "replay_of": pa.string(),
    "inbound_record": pa.string(),
    "dropped_fields": pa.list_(pa.struct([("path", pa.string()), ("reason", pa.string()), ("allowed", pa.string())])),
    "content_id": pa.int64(),
    "payload": pa.string(),
}

QUARANTINE_COLUMNS: dict[str, pa.DataType] = {
    "topic": pa.string(),
    "kafka_partition": pa.int32(),
    "kafka_offset": pa.int64(),
    "received_at": _TIMESTAMP,
    "landed_at": _TIMESTAMP,
    "reason": pa.string(),
    "path": pa.string(),
    "allowed": pa.string(),
    "record_key": pa.binary(),
    "record_value": pa.binary(),
    "record_headers": pa.list_(pa.struct([("name", pa.string()), ("value", pa.binary())])),
    "record_header_names": pa.list_(pa.binary()),
    "inbound_record": pa.string(),
}
"""The columns of `landing.quarantine`, in order, with their Arrow types."""


@cache
def field_types() -> dict[str, pa.DataType]:
    """
    Return every field of every event with its Arrow type, in order of first appearance.

    Raises:
        TypeError: one field name has two types.
    """
    found: dict[str, pa.DataType] = {}
    for struct in event_types().values():
        for field in msgspec.structs.fields(struct):
            arrow = _arrow(field.type)
            if found.setdefault(field.name, arrow) != arrow:
                raise TypeError(f"field {field.name} is {found[field.name]} and, in {struct.__name__}, {arrow}")
    return found


def _arrow(type_: Any) -> pa.DataType:
    """Return the Arrow type of a field's annotation."""
    if get_origin(type_) is Annotated:
        return _arrow(get_args(type_)[0])
    if get_origin(type_) is list:
        return pa.list_(_arrow(get_args(type_)[0]))
    if options := [option for option in get_args(type_) if option is not type(None)]:
        return _arrow(options[0])
    if isinstance(type_, type) and issubclass(type_, str | enum.Enum):
        return pa.string()
    return {bool: pa.bool_(), int: pa.int32(), date: pa.date32(), datetime: _TIMESTAMP}[type_]


EVENT_COLUMNS: dict[str, pa.DataType] = {**_ENVELOPE_COLUMNS, **field_types()}
"""The columns of `landing.events`, in order, with their Arrow types. Times are UTC without a time zone."""


def events_table(events: Iterable[Accepted], landed_at: datetime) -> pa.Table:
    """
    Make the landing rows of accepted events, one row for each event.

    The rows are grouped by event type. They are therefore not in the order of offsets. `landed_at` is timezone-aware
    and is the same for the whole batch.
    """
    groups: dict[tuple[str, type[Event] | None], list[Accepted]] = defaultdict(list)
    for event in events:
        groups[event.envelope.type, type(event.fact) if event.fact is not None else None].append(event)
    parts = [_group(struct, group, microseconds(landed_at)) for (_, struct), group in groups.items()]
    schema = pa.schema(list(EVENT_COLUMNS.items()))
    if not parts:
        return schema.empty_table()
    return pa.concat_tables([schema.empty_table(), *parts], promote_options="default")


def microseconds(moment: datetime) -> int:
    """Return a time in microseconds since 1970 in UTC, as Arrow stores times."""
    return (moment - _EPOCH) // _MICROSECOND


def _group(struct: type[Event] | None, events: Sequence[Accepted], landed: int) -> pa.Table:
    """
    Make the rows of events that have the same type and the same kind of fact.

    Values that are equal in all rows are built only once.
    """
    first, size = events[0], len(events)
    same = {
        "topic": first.topic,
        "landed_at": landed,
        "event_type": first.envelope.type,
        "change": first.change,
        "fact": fact_name(struct.type) if struct else None,
    }
    arrays = {name: pa.repeat(pa.scalar(value, EVENT_COLUMNS[name]), size) for name, value in same.items()}
    arrays |= _envelope_arrays(events)
    if struct:
        facts = [event.fact for event in events]
        for field in struct.__struct_fields__:
            arrays[field] = _array(map(attrgetter(field), facts), EVENT_COLUMNS[field])
    return pa.table(arrays)


def _envelope_arrays(events: Sequence[Accepted]) -> dict[str, pa.Array]:
    envelopes = [event.envelope for event in events]
    values = {
        "kafka_partition": [event.partition for event in events],
        "kafka_offset": [event.offset for event in events],
        "record_key": [event.key for event in events],
        "received_at": [event.received_ms * 1000 for event in events],
        "event_source": [envelope.source for envelope in envelopes],
        "event_id": [envelope.id for envelope in envelopes],
        "authority_code": [envelope.authority for envelope in envelopes],
        "is_backfill": [envelope.backfill for envelope in envelopes],
        "replay_of": [event.replay_of for event in events],
        "inbound_record": [event.inbound_record for event in events],
        "content_id": [event.content_id for event in events],
        "payload": [event.value for event in events],
        "dropped_fields": [[one._asdict() for one in event.dropped] or None for event in events],
    }
    arrays = {name: pa.array(column, EVENT_COLUMNS[name]) for name, column in values.items()}
    arrays["event_at"] = _array([envelope.time for envelope in envelopes], _TIMESTAMP)
    return arrays | _root_arrays(events, arrays)


def _root_arrays(events: Sequence[Accepted], own: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """
    Return the columns about the original event.

    The original event is the event itself, or the event that it corrects or withdraws.
    """
    change = events[0].change
    if change == "recorded":
        reasons = pa.nulls(len(events), EVENT_COLUMNS["amendment_reason"])
        return {
            "root_source": own["event_source"],
            "root_id": own["event_id"],
            "root_at": pa.nulls(len(events), _TIMESTAMP),
            "fact_at": own["event_at"],
            "amendment_reason": reasons,
        }
    amendments = [event.amendment for event in events if event.amendment is not None]
    times = [amendment.replaced_time for amendment in amendments if isinstance(amendment, Correction)]
    return {
        "root_source": pa.array([amendment.root_source for amendment in amendments], pa.string()),
        "root_id": pa.array([amendment.root_id for amendment in amendments], pa.string()),
        "root_at": _array([amendment.root_time for amendment in amendments], _TIMESTAMP),
        "fact_at": _array(times, _TIMESTAMP) if change == "corrected" else own["event_at"],
        "amendment_reason": pa.array([amendment.withdrawal_reason for amendment in amendments], pa.string()),
    }


def _array(values: Iterable[Any], type_: pa.DataType) -> pa.Array:
    """
    Make an Arrow column from values.

    Times are converted to durations since 1970 first, because Arrow reads durations much faster than datetimes.
    """
    if type_ != _TIMESTAMP:
        return pa.array(list(values), type_)
    since_1970 = [None if value is None else value - _EPOCH for value in values]
    return pa.array(since_1970, pa.duration("us")).view(_TIMESTAMP)


def quarantine_table(rejected: Iterable[Rejected], landed_at: datetime) -> pa.Table:
    """Make the rows of rejected records, one row for each record, with its original bytes."""
    landed = microseconds(landed_at)
    rows = [
        (
            record.topic,
            record.partition,
            record.offset,
            record.received_ms * 1000,
            landed,
            record.reason,
            record.path,
            record.allowed,
            record.key,
            record.value,
            [{"name": header_text(name), "value": value} for name, value in record.headers],
            _header_names(record.headers),
            mark.record if (mark := mark_of(record.headers)) else None,
        )
        for record in rejected
    ]
    columns = zip(*rows, strict=True) if rows else [[] for _ in QUARANTINE_COLUMNS]
    return pa.table(
        {
            name: pa.array(values, type_)
            for (name, type_), values in zip(QUARANTINE_COLUMNS.items(), columns, strict=True)
        }
    )


def header_text(name: str) -> str:
    """Return a header's name as text that every catalog and JSON can store. Bytes that are not UTF-8 are escaped."""
    return _bytes(name).decode("utf-8", "backslashreplace").replace("\0", "\ufffd")


def _header_names(headers: Sequence[tuple[str, bytes | None]]) -> list[bytes] | None:
    """
    Return the original header names as bytes, or None if `header_text` changes none of them.

    In `headers`, a lone surrogate stands for a byte that is not UTF-8.
    """
    if all(header_text(name) == name for name, _ in headers):
        return None
    return [_bytes(name) for name, _ in headers]


def _bytes(name: str) -> bytes:
    return str.encode(name, "utf-8", "surrogateescape")
