"""
The plain limit of landing: how fast quick libraries store the same topics without any guarantee.

One process does everything: librdkafka reads, msgspec decodes, Arrow holds the rows, and DuckDB writes Parquet. There
is no contract, no check for repeated events, no quarantine, no catalog, no commit of offsets and no validation of
stored rows. Times, days and codes stay text.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import reduce
from operator import attrgetter, or_
from pathlib import Path
from typing import Any

import confluent_kafka
import duckdb
import msgspec
import pyarrow as pa

from streams import names
from streams.contracts import Event, event_types
from streams.contracts.columns import EVENT_COLUMNS, field_types
from streams.kafka.login import librdkafka_login
from streams.settings import Settings

__all__ = ["store_plainly"]

_BATCH = 50_000
_TEXT = pa.string()
_TYPES = {name: _TEXT if pa.types.is_temporal(type_) else type_ for name, type_ in EVENT_COLUMNS.items()}
_TYPES["received_at"] = pa.int64()
_PYTHON = {pa.bool_(): bool, pa.int32(): int, pa.list_(_TEXT): list[str]}
_ENVELOPE = {"event_id": "id", "event_source": "source", "event_at": "time", "authority_code": "authority"}
"""Maps a column to the member of the event's envelope that holds the column's value."""


def store_plainly(settings: Settings, folder: Path) -> float:
    """
    Store all records of the input topics as Parquet files.

    Return the records per second, without the time to connect.
    """
    with duckdb.connect() as lake, closing(_consumer(settings)) as kafka:
        empty = pa.schema(list(_TYPES.items())).empty_table()
        decoder, count, end = _decoder(), 0, _assign_all(kafka)
        started = time.perf_counter()
        while count < end:
            messages = kafka.consume(min(_BATCH, end - count), timeout=1.0)
            batch = pa.concat_tables([empty, *_tables(decoder, messages)], promote_options="default")
            lake.register("batch", batch)
            lake.execute(f"COPY batch TO '{folder}/{count}.parquet'")
            count += len(messages)
        return count / (time.perf_counter() - started)


def _consumer(settings: Settings) -> confluent_kafka.Consumer:
    return confluent_kafka.Consumer(
        {
            **librdkafka_login(settings),
            "bootstrap.servers": settings.bootstrap,
            "group.id": "plain",
            "enable.auto.commit": False,
        }
    )


def _assign_all(kafka: confluent_kafka.Consumer) -> int:
    """Assign all partitions of the input topics, from their beginning. Return how many records they hold."""
    topics = kafka.list_topics().topics
    places = [
        confluent_kafka.TopicPartition(topic, number, 0)
        for topic in names.INPUT_TOPICS
        for number in topics[topic].partitions
    ]
    kafka.assign(places)
    return sum(kafka.get_watermark_offsets(place)[1] for place in places)


def _decoder() -> msgspec.json.Decoder[Any]:
    """
    Make a decoder for every event type, chosen by the envelope's `type`. The decoder checks only the JSON type of each
    value.
    """
    return msgspec.json.Decoder(reduce(or_, map(_plain, event_types().values())))


def _plain(struct: type[Event]) -> type[msgspec.Struct]:
    columns = field_types()
    fields = [(name, _PYTHON.get(columns[name], str) | None, None) for name in struct.__struct_fields__]
    data = msgspec.defstruct("Data", fields, gc=False)
    members: list[tuple[str, Any] | tuple[str, Any, Any]] = [(name, str) for name in _ENVELOPE.values()]
    members += [("data", data), ("backfill", bool, False)]
    return msgspec.defstruct(struct.__name__, members, tag_field="type", tag=struct.type, gc=False)


def _tables(decoder: msgspec.json.Decoder[Any], messages: Iterable[confluent_kafka.Message]) -> Iterator[pa.Table]:
    """Decode the records, and yield the rows of those that can be decoded, in one table for each event type."""
    groups = defaultdict(list)
    for message in messages:
        value = message.value()
        assert value is not None  # the bench sends no tombstones
        try:
            event = decoder.decode(value)
        except msgspec.DecodeError:
            continue
        groups[type(event)].append(
            (event, message.partition(), message.offset(), message.timestamp()[1], message.key(), value)
        )
    for kind, rows in groups.items():
        yield _table(kind, rows)


def _table(kind: type[msgspec.Struct], rows: list[tuple[Any, ...]]) -> pa.Table:
    events, partitions, offsets, times, keys, payloads = zip(*rows, strict=True)
    facts = [event.data for event in events]
    columns = {
        "event_type": [kind.__struct_config__.tag] * len(events),
        "kafka_partition": partitions,
        "kafka_offset": offsets,
        "received_at": times,
        "record_key": keys,
        "is_backfill": map(attrgetter("backfill"), events),
        "payload": payloads,
    }
    columns |= {column: map(attrgetter(member), events) for column, member in _ENVELOPE.items()}
    columns |= {name: map(attrgetter(name), facts) for name in type(facts[0]).__struct_fields__}
    return pa.table({name: pa.array(values, _TYPES[name]) for name, values in columns.items()})
