"""
Rows of `landing.events`, made one by one.

For a few events, this is faster than building an Arrow table of seventy columns.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from streams.contracts.envelope import Correction
from streams.contracts.event import fact_name
from streams.contracts.record import Accepted
from streams.times import naive

__all__ = ["event_rows"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event_rows(events: Iterable[Accepted], columns: Collection[str]) -> list[dict[str, object]]:
    """
    Return the given columns of each event's row, in order, with the values of `columns.events_table`.

    NULL values are left out. Callers must not ask for `landed_at`, `payload` or `dropped_fields`.
    """
    return [
        {name: _written(value) for name, value in _row(event).items() if value is not None and name in columns}
        for event in events
    ]


def _row(event: Accepted) -> dict[str, object]:
    envelope, amendment, fact = event.envelope, event.amendment, event.fact
    source, id_ = event.root
    row = {} if fact is None else msgspec.structs.asdict(fact) | {"fact": fact_name(fact.type)}
    row |= {
        "topic": event.topic,
        "kafka_partition": event.partition,
        "kafka_offset": event.offset,
        "record_key": event.key,
        "received_at": _EPOCH + timedelta(milliseconds=event.received_ms),
        "event_source": envelope.source,
        "event_id": envelope.id,
        "event_type": envelope.type,
        "event_at": envelope.time,
        "authority_code": envelope.authority,
        "is_backfill": envelope.backfill,
        "change": event.change,
        "root_source": source,
        "root_id": id_,
        "fact_at": envelope.time,
        "replay_of": event.replay_of,
        "content_id": event.content_id,
    }
    if amendment is not None:
        row |= {"root_at": amendment.root_time, "amendment_reason": amendment.withdrawal_reason}
        if isinstance(amendment, Correction):
            row["fact_at"] = amendment.replaced_time
    return row


def _written(value: object) -> object:
    """Return a value in the form of the row. Times in a row are in UTC, without a time zone."""
    return naive(value) if type(value) is datetime else value
