"""
Delete records from topics, with Kafka's own means, so that no segment file keeps them.

Kafka deletes records only from the beginning of a partition up to an offset. So all records of a partition go that
arrived before the erasure. Nothing is lost by this: everything on a landed topic is in the lake, each part and each
subscriber has read it, and records that only the topic keeps are written to it again.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import structlog
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType
from kafka.structs import OffsetAndMetadata

from streams import names
from streams.contracts.output_envelope import Output, decode_output
from streams.contracts.outputs import Feedback
from streams.erase.find import Found
from streams.erase.reach import later_records
from streams.erase.readers import KEPT, Cut, Readers, unlanded_topics, wait, waiting_for
from streams.errors import ErasureUnfinished
from streams.kafka.client import admin, consumer, producer
from streams.kafka.drain import until
from streams.kafka.records import Readable
from streams.kafka.sending import TIMEOUT_SECONDS
from streams.kafka.verbatim import Original, send_verbatim, verbatim_producer
from streams.land.unused import note_unused
from streams.land.verify import verified_topics
from streams.settings import Settings

__all__ = ["Configs", "affected", "configs_of", "delete_records", "files_left", "restore_configs"]

Configs = dict[str, dict[str, str]]
"""The settings that somebody gave to topics: by topic, each name with its value."""

log = structlog.get_logger()

_ROLL = {"segment.ms": "1", "file.delete.delay.ms": "1000"}
_DELETABLE = {"cleanup.policy": "delete", "retention.ms": "-1"}
"""
For the topic of current alerts. Kafka deletes no records of a compacted topic up to an offset. Compaction would also
join the old segment with the new one.
"""
_APPLIED_SECONDS = 1.0
"""How long to wait until brokers have applied new settings, and readers have skipped the markers of transactions."""
_KEY = b"erased"
"""A compacted topic takes no record without a key."""
_TOUCHED = {*_ROLL, *_DELETABLE}


def affected(settings: Settings, found: Found) -> list[TopicPartition]:
    """Return the partitions from which records must be deleted."""
    landed = {TopicPartition(place.topic, place.partition) for place in found.places}
    is_later = later_records(settings, found.reach)
    others = {
        TopicPartition(record.topic, record.partition)
        for record in _unlanded_records(settings)
        if _concerns(record, found, is_later=is_later(record))
    }
    return sorted(landed | others)


def delete_records(
    settings: Settings,
    found: Found,
    places: Collection[TopicPartition],
    readers: Readers,
) -> list[Cut]:
    """
    Delete all records of these partitions that have arrived until now.

    1. Kafka begins a new segment file in each partition. Its first record belongs to an aborted transaction, so nobody
       receives it. The offset of this record is where the partition is cut.
    2. Wait until land, and every consumer group that has a place in such a partition, has read up to the cut.
    3. Write the records of others that only the topic keeps again, behind the cut. Store which offsets hold no record,
       because `verify` cannot ask Kafka later.
    4. Delete the records before the cut. The broker then deletes their files by itself.

    Raises:
        ErasureWaits: somebody has not read the records in time. Nothing was deleted.
    """
    cuts = _roll(settings, places)
    wait(lambda: waiting_for(settings, cuts, readers.without), readers)
    _show_landed(settings, cuts)
    # A reader that has all records may still be before the markers, which it skips. If they were deleted before it, the
    # reader would report a loss.
    time.sleep(_APPLIED_SECONDS)
    _copy(settings, found, [cut for cut in cuts if cut.topic in KEPT])
    note_unused(settings, verified_topics(settings))
    with closing(admin(settings)) as client:
        client.delete_records({TopicPartition(cut.topic, cut.partition): cut.offset for cut in cuts})
    return cuts


def configs_of(settings: Settings, topics: Iterable[str]) -> Configs:
    """Return those settings of topics that an erasure changes for a moment, as far as somebody has given them."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in sorted(set(topics))]
    if not resources:
        return {}
    with closing(admin(settings)) as client:
        found = client.describe_configs(resources, config_filter=ConfigFilterType.MODIFIED)["topic"]
    return {topic: {name: one["value"] for name, one in found[topic].items() if name in _TOUCHED} for topic in found}


def restore_configs(settings: Settings, configs: Configs) -> None:
    """Give topics the settings back that `configs_of` returned."""
    with closing(admin(settings)) as client:
        for topic, given in configs.items():
            if given:
                _set(client, topic, given)
            _unset(client, topic, _TOUCHED - given.keys())


def files_left(settings: Settings, cuts: Iterable[Cut]) -> int | None:
    """Return how many files of before the cuts the embedded broker still has. None if the broker is elsewhere."""
    if settings.kafka:
        return None
    return sum(len(_old_segments(settings.home / "kafka" / "data" / f"{cut[0]}-{cut[1]}", cut.offset)) for cut in cuts)


def _old_segments(folder: Path, offset: int) -> list[str]:
    old = [file.name for file in folder.glob("*.log") if int(file.stem) < offset]
    return [*old, *(file.name for file in folder.glob("*.deleted"))]


def _roll(settings: Settings, places: Collection[TopicPartition]) -> list[Cut]:
    with closing(admin(settings)) as client:
        for topic in sorted({place.topic for place in places}):
            _set(client, topic, _ROLL | (_DELETABLE if topic == names.ALERTS_CURRENT else {}))
        try:
            time.sleep(_APPLIED_SECONDS)
            list(_mark(settings, places))
            # A broker under load may have applied the settings only after it had stored this record. So the cut is at
            # a second record.
            time.sleep(_APPLIED_SECONDS)
            return list(_mark(settings, places))
        finally:
            # Otherwise each record that arrives now would begin a segment.
            for topic in {place.topic for place in places}:
                _unset(client, topic, ["segment.ms"])


def _mark(settings: Settings, places: Iterable[TopicPartition]) -> Iterator[Cut]:
    with closing(producer(settings, transactional_id=f"caf.erase.{uuid4().hex}")) as client:
        client.init_transactions()
        client.begin_transaction()
        sent = [(place, client.send(place.topic, key=_KEY, value=b"", partition=place.partition)) for place in places]
        client.flush(timeout=TIMEOUT_SECONDS)
        for place, future in sent:
            yield Cut(place.topic, place.partition, future.get(timeout=TIMEOUT_SECONDS).offset)
        client.abort_transaction()


def _set(client: KafkaAdminClient, topic: str, configs: Mapping[str, str]) -> None:
    _check(client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(configs))]), topic)


def _unset(client: KafkaAdminClient, topic: str, configs: Iterable[str]) -> None:
    _check(client.reset_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(configs, ""))]), topic)


def _check(answer: Mapping[str, Mapping[str, str]], topic: str) -> None:
    """The client returns what the broker refuses, and does not raise it."""
    if (said := answer["topic"][topic]) != "OK":
        raise ErasureUnfinished(f"the broker refuses to change settings of {topic}: {said}")


def _show_landed(settings: Settings, cuts: Iterable[Cut]) -> None:
    """
    Commit for land that it has read up to the cuts.

    Otherwise a lander that starts now would take the cut for a loss: there is no row for the marker at the cut.
    """
    with closing(consumer(settings, group_id=names.LAND_GROUP)) as kafka:
        for topic, partition, offset in cuts:
            place = TopicPartition(topic, partition)
            if topic in names.LANDED_TOPICS and (kafka.committed(place) or 0) < offset:
                kafka.commit({place: OffsetAndMetadata(offset, "", -1)})


def _unlanded_records(settings: Settings) -> Iterator[Readable]:
    with closing(consumer(settings, max_poll_records=5_000)) as kafka:
        kafka.follow(unlanded_topics(kafka))
        yield from until(kafka, kafka.end_offsets(kafka.assignment()))


def _concerns(record: Readable, found: Found, *, is_later: bool) -> bool:
    """
    Return whether a record names an id, an erased alert, or an erased referral to which it is the answer.

    A record that is later than the approval may name an id.
    """
    content = [record.key, record.value, *(value for _, value in record.headers)]
    if not is_later and any(map(found.subject.is_in, content)):
        return True
    if record.topic == names.FEEDBACK:
        letter = decode_output(record)
        data = letter.data if isinstance(letter, Output) else None
        letters = found.later_letters if is_later else found.letters
        return isinstance(data, Feedback) and data.referral_id in letters
    return any(alert.encode() in (part or b"") for alert in found.alerts for part in content[:2])


def _copy(settings: Settings, found: Found, cuts: Collection[Cut]) -> None:
    """Write the records of others that lie before the cuts again, in their order."""
    ends = {TopicPartition(cut.topic, cut.partition): cut.offset for cut in cuts}
    if not ends:
        return
    with closing(consumer(settings)) as kafka, closing(verbatim_producer(settings)) as client:
        kafka.assign(sorted(ends))
        kafka.seek_to_beginning()
        taken, is_later = _taken(settings), later_records(settings, found.reach)
        sent = [
            send_verbatim(
                client,
                record.topic,
                Original(record.key, record.value, record.headers),
                partition=record.partition,
            )
            for record in until(kafka, ends)
            if record.offset < ends[TopicPartition(record.topic, record.partition)]
            and not _concerns(record, found, is_later=is_later(record))
            and not (record.topic == names.NOTIFY_DEAD_LETTER and record.offset < taken(record.key))
        ]
        client.flush(timeout=TIMEOUT_SECONDS)
        for future in sent:
            future.get(timeout=TIMEOUT_SECONDS)
    log.info("records_kept", records=len(sent))


def _taken(settings: Settings) -> Callable[[bytes | None], int]:
    """Return a function that says up to which offset a subscriber's dead letters have been sent again."""
    place, known = TopicPartition(names.NOTIFY_DEAD_LETTER, 0), dict[bytes | None, int]()

    def taken(group: bytes | None) -> int:
        if group not in known:
            with closing(consumer(settings, group_id=f"{(group or b'').decode()}.replay")) as kafka:
                known[group] = kafka.committed(place) or 0
        return known[group]

    return taken
