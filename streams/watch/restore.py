"""What a watcher knows before its first poll: alerts from their topic, the last heartbeat, histories from the lake."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

import duckdb
import pyarrow as pa
import structlog
from kafka import KafkaConsumer, TopicPartition

from streams import names
from streams.contracts import Accepted, decode
from streams.contracts.columns import EVENT_COLUMNS
from streams.contracts.decode import REPLAY_HEADER, Reason, Rejected
from streams.contracts.outputs import Alert, Heartbeat
from streams.errors import LakeUnavailable
from streams.kafka.client import consumer
from streams.kafka.lives import Lives
from streams.kafka.reading import TolerantConsumer
from streams.lake.connect import connect
from streams.lake.lives import lives
from streams.settings import Settings
from streams.watch.connections import Named
from streams.watch.history import StoredRecord
from streams.watch.judge import Judge
from streams.watch.publish import alert_of

__all__ = ["Offsets", "input_offsets", "load_lake", "read_alerts", "until", "watch_consumer"]

log = structlog.get_logger()

Offsets = dict[TopicPartition, int]

_ROWS = 20_000
_FAMILY_FIELDS = ("family_id", "release_family_id", "marker_families")
_PERSON_FIELDS = ("person_id", "linked_person_id", "person_ids")
_ROOT_FIELDS = ("root_source", "root_id")

_EVENTS = f"""
    SELECT topic, kafka_partition, kafka_offset, epoch_ms(received_at) AS received_ms, record_key,
           encode(payload) AS value, replay_of, {", ".join((*_ROOT_FIELDS, *_FAMILY_FIELDS, *_PERSON_FIELDS))},
           address_id, marker_id
    FROM landing.main.events
    ORDER BY kafka_offset
"""

_NEXT_OFFSETS = """
    SELECT topic, kafka_partition, max(kafka_offset) + 1
    FROM (SELECT topic, kafka_partition, kafka_offset FROM landing.main.events
          UNION ALL SELECT topic, kafka_partition, kafka_offset FROM landing.main.quarantine)
    GROUP BY ALL
"""

_QUARANTINED = """
    SELECT topic, kafka_partition, kafka_offset, epoch_ms(received_at), reason, path, allowed, record_key
    FROM landing.main.quarantine
    WHERE list_contains($1, topic)
"""


def watch_consumer(settings: Settings, topics: Iterable[str] = (), **config: object) -> TolerantConsumer:
    """
    A consumer whose offsets are those of the lake; while that is away they are Kafka's.

    Those are never larger, so that something may be judged twice, and nothing is passed over.

    Raises:
        BrokerUnavailable: no broker answers.
    """

    def known(kafka: TolerantConsumer) -> Lives:
        try:
            return lives(settings, kafka)
        except (LakeUnavailable, duckdb.Error) as error:
            log.warning("lake_not_read", reason=type(error).__name__)
            return {}

    return consumer(settings, topics, lives=known, **config)


def input_offsets(heartbeat: Heartbeat) -> Offsets:
    """Up to where a heartbeat says that the input topics have been judged."""
    return {
        TopicPartition(topic, number): offset
        for topic in names.INPUT_TOPICS
        for number, offset in enumerate(heartbeat.offsets.get(topic, []))
    }


def read_alerts(
    settings: Settings, note: Callable[[Alert], object], since: Mapping[TopicPartition, int] = MappingProxyType({})
) -> Offsets:
    """
    Note every version on the alerts topic, which keeps them for ever; returns the next offsets.

    Args:
        since: offsets from which to read; partitions that are not given are read from their beginning.
    """
    reader, following = watch_consumer(settings, [names.ALERTS], max_poll_records=5_000), dict(since)
    try:
        ends = reader.end_offsets(reader.assignment())
        for partition, offset in since.items():
            reader.seek(partition, offset)
        for record in until(reader, ends):
            if (alert := alert_of(record.value)) is not None:
                note(alert)
            # Not the end: the end of a transaction has an offset, too, which nobody is shown and which never lands.
            following[TopicPartition(record.topic, record.partition)] = record.offset + 1
        return following
    finally:
        reader.close()


def load_lake(
    settings: Settings, judge: Judge, judged: Offsets, alive: Callable[[], None]
) -> tuple[Offsets, list[Accepted | Rejected]]:
    """
    Take the landed events into the histories; without a lake there are none, and the topics give everything.

    Args:
        judged: up to where earlier watchers have judged.
        alive: called now and then.

    Returns:
        The offsets from which the topics go on, and the events that landed but were never judged.
    """
    try:
        lake = connect(settings, landing="read_only", marts=None)
    except LakeUnavailable as error:
        log.warning("lake_not_read", reason=str(error))
        return {}, []
    try:
        lake.execute("BEGIN")
        offsets = {TopicPartition(*row[:2]): row[2] for row in lake.execute(_NEXT_OFFSETS).fetchall()}
        unjudged: list[Accepted | Rejected] = list(_load_quarantine(lake, judge, judged))
        for batch in lake.execute(_EVENTS).to_arrow_reader(_ROWS):
            unjudged += _load(batch, judge, judged)
            alive()
    except duckdb.CatalogException:
        return {}, []
    finally:
        lake.close()
    wanted = {partition: offset for partition, offset in offsets.items() if partition.topic in names.INPUT_TOPICS}
    return wanted, unjudged


def _load(batch: pa.RecordBatch, judge: Judge, judged: Offsets) -> Iterator[Accepted]:
    """Store rows; yields those that nobody has judged."""
    columns = [batch.column(name).to_pylist() for name in batch.schema.names]
    for row in zip(*columns, strict=True):
        topic, partition, offset, received_ms, key, value, replay_of = row[:7]
        judge.history.store(key, (topic, partition, offset, received_ms), row[7:9], value, replay_of)
        judge.history.index(_named(row[9:]), received_ms)
        if offset >= judged.get(TopicPartition(topic, partition), 0):
            headers = ((REPLAY_HEADER, replay_of.encode()),) if replay_of else ()
            event = decode(StoredRecord(topic, partition, offset, received_ms, key.encode(), value, headers))
            if isinstance(event, Accepted):
                yield event


def _named(fields: tuple) -> Named:
    """Whom a row names; its fields are in the order of the query."""
    family, released_to, marked, person, linked, persons, address, marker = fields
    families = {one for one in (family, released_to, *(marked or ())) if one}
    named = {one for one in (person, linked, *(persons or ())) if one}
    addresses = {address} if address else set()
    return Named(families, named, addresses, linked is not None, marker, family is None)


def _load_quarantine(lake: duckdb.DuckDBPyConnection, judge: Judge, judged: Offsets) -> Iterator[Rejected]:
    """Remember unreadable records; yields those that nobody has judged."""
    for row in lake.execute(_QUARANTINED, [list(names.SAFEGUARDING_TOPICS)]).fetchall():
        topic, partition, offset, received_ms, reason, path, allowed, key = row
        record = Rejected(topic, partition, offset, received_ms, Reason(reason), path, allowed, key, None, ())
        judge.history.quarantine(record)
        if offset >= judged.get(TopicPartition(topic, partition), 0):
            yield record


def until(reader: KafkaConsumer, ends: Offsets) -> Iterator:
    """Records up to the given offsets."""
    while any(reader.position(partition) < end for partition, end in ends.items()):
        for records in reader.poll(timeout_ms=500).values():
            yield from records


assert {*_FAMILY_FIELDS, *_PERSON_FIELDS, "address_id", "marker_id"} <= EVENT_COLUMNS.keys()
