"""Raw records, as a broker would deliver them, for events that a test invents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from streams.contracts import Accepted, Event, Rejected, decode
from streams.contracts.record import REPLAY_HEADER
from streams.contracts.record import Record as RawRecord
from streams.names import INPUT_TOPICS

__all__ = ["AUTHORITY", "SOURCE", "Log", "Record", "decoded"]

AUTHORITY = "E08000015"
SOURCE = "/test"


@dataclass(frozen=True)
class Record:
    """The parts of a Kafka record that `decode` reads. `timestamp` is the arrival time in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class Log:
    """
    Writes events to one partition of each topic, in the order of the calls.

    The arrival time of a record is the time of its event, unless `received` gives another time.
    """

    records: list[Record] = field(default_factory=list)

    def add(
        self,
        at: datetime,
        event: Event,
        *,
        id: str | None = None,  # noqa: A002  (the envelope's word)
        source: str = SOURCE,
        received: datetime | None = None,
        replay_of: str | None = None,
        is_backfill: bool = False,
    ) -> str:
        """Append an event and return the event's id, which is `e-<number>` unless `id` is given."""
        id = id or f"e-{len(self.records):04}"  # noqa: A001
        headers = ((REPLAY_HEADER, replay_of.encode()),) if replay_of else ()
        value = _envelope(event.type, id, source, at, event, is_backfill=is_backfill)
        self._append(event.topic, event.key, value, received or at, headers)
        return id

    def correct(
        self,
        at: datetime,
        root: str,
        replaced_time: datetime,
        event: Event,
        *,
        id: str | None = None,  # noqa: A002
        source: str = SOURCE,
        received: datetime | None = None,
        root_time: datetime | None = None,
    ) -> None:
        """Append a correction: a full replacement of the event with the given id and source."""
        replacement = {"replaced_type": event.type, "replaced_time": replaced_time, "replacement": event}
        data = {"root_source": source, "root_id": root, "withdrawal_reason": "more_accurate", **replacement}
        data |= {"root_time": root_time} if root_time else {}
        self._amend(at, "corrected", event, data, id, received)

    def withdraw(
        self,
        at: datetime,
        root: str,
        event: Event,
        *,
        id: str | None = None,  # noqa: A002
        source: str = SOURCE,
        received: datetime | None = None,
        root_time: datetime | None = None,
    ) -> None:
        """Append the withdrawal of an event. `event` decides the topic and the key of the withdrawal."""
        key = {next(name for name in event.key_fields if getattr(event, name)): event.key}
        data = {"root_source": source, "root_id": root, "withdrawal_reason": "recorded_in_error", **key}
        data |= {"root_time": root_time} if root_time else {}
        self._amend(at, "withdrawn", event, data, id, received)

    def garbage(self, topic: str, at: datetime, key: str = "F-1") -> str:
        """Append a record that is not JSON, and return its `topic/partition/offset`."""
        self._append(topic, key, b"{", at)
        return f"{topic}/0/{self.records[-1].offset}"

    def repeat(self, record: Record, at: datetime) -> None:
        """Append a record again, with the same bytes."""
        self._append(record.topic, record.key.decode(), record.value, at, record.headers)

    def _amend(
        self, at: datetime, change: str, event: Event, data: dict, id_: str | None, received: datetime | None
    ) -> None:
        type_ = f"uk.{event.topic.removesuffix('.v1')}.{change}.v1"
        value = _envelope(type_, id_ or f"a-{len(self.records):04}", data["root_source"], at, data)
        self._append(event.topic, event.key, value, received or at)

    def _append(self, topic: str, key: str, value: bytes, received: datetime, headers: Sequence = ()) -> None:
        if topic not in INPUT_TOPICS:
            raise ValueError(f"{topic} is not an input topic")
        offset = sum(record.topic == topic for record in self.records)
        milliseconds = (received - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
        self.records.append(Record(topic, 0, offset, milliseconds, key.encode(), value, headers))


def decoded(records: Iterable[RawRecord]) -> tuple[list[Accepted], list[Rejected]]:
    """The accepted events and the rejections that the contract makes of the records."""
    judged = list(map(decode, records))
    accepted = [each for each in judged if isinstance(each, Accepted)]
    return accepted, [each for each in judged if isinstance(each, Rejected)]


def _envelope(type_: str, id_: str, source: str, at: datetime, data: object, *, is_backfill: bool = False) -> bytes:
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": id_,
            "source": source,
            "type": type_,
            "time": at,
            "authority": AUTHORITY,
            "backfill": is_backfill,
            "data": data,
        }
    )
