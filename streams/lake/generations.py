"""
Number the records of a recreated topic so that the numbers continue after the rows of its earlier generation.

The first process that finds a recreated topic decides the first number of each partition, and stores these numbers. If
a row lands in the meantime, storing the numbers fails. Once they are stored, a lander that still has records of the
earlier generation can no longer store these records. So no number is used twice.
"""

import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa
import structlog
from kafka import TopicPartition

from streams import names
from streams.contracts.landing import landing_tables
from streams.contracts.outputs import Heartbeat
from streams.errors import LakeUnavailable, UnknownTopic
from streams.kafka.client import consumer, partitions_of
from streams.kafka.generations import Generation, recreated
from streams.kafka.heartbeat import last_heartbeat
from streams.kafka.reading import TolerantConsumer
from streams.lake.connect import connect
from streams.lake.offsets import next_offsets
from streams.lake.schema import ensure_table
from streams.lake.transaction import transaction
from streams.settings import Settings
from streams.times import naive

__all__ = ["confirm", "generations", "landed_generations", "numbered_consumer", "numbered_ends"]

log = structlog.get_logger()

_ATTEMPTS = 20
_SURE_SECONDS = 1.0
"""
How many seconds to wait before asking the brokers again whether a topic has a new id. One of several brokers may learn
the new id late.
"""


def landed_generations(lake: duckdb.DuckDBPyConnection) -> dict[str, Generation]:
    """Return the newest known generation of each topic."""
    try:
        rows = lake.execute("FROM landing.main.topics").to_arrow_table().to_pylist()
    except duckdb.CatalogException:
        return {}
    # An old lake has no column `life`. It holds only the ids of topics until the first generation is added.
    found = sorted((_generation(row) for row in rows), key=lambda generation: generation[1].number)
    return dict(found)


def generations(settings: Settings, kafka: TolerantConsumer) -> dict[str, Generation]:
    """
    Number and store new generations, and return the generations of all topics that exist now.

    Raises:
        KafkaError: the broker does not answer.
        LakeUnavailable: the lake does not answer.
    """
    with connect(settings, marts=None) as lake:
        known = landed_generations(lake)
    ids = kafka.topic_ids(names.LANDED_TOPICS)
    if recreated(known, ids):
        time.sleep(_SURE_SECONDS)
        ids = kafka.asked_topic_ids(names.LANDED_TOPICS)
    return _number(settings, kafka) if _new(known, ids) else known


def numbered_consumer(settings: Settings, topics: Iterable[str] = (), **config: Any) -> TolerantConsumer:
    """
    Return a consumer that numbers records as the lake does.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    return consumer(settings, topics, generations=partial(generations, settings), **config)


def numbered_ends(settings: Settings, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """
    Return the number that the next record of each partition will get in the lake.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(numbered_consumer(settings)) as kafka:
        return kafka.end_offsets(partitions_of(kafka, topics))


def confirm(lake: duckdb.DuckDBPyConnection, topic: str, by: str) -> None:
    """
    Store a person's confirmation that a topic was recreated. After that, the recreation is no longer shown as a
    problem.

    Raises:
        UnknownTopic: the topic was not recreated, or its recreation is already confirmed.
    """
    waiting = [name for name, generation in landed_generations(lake).items() if generation.is_unconfirmed]
    if topic not in waiting:
        raise UnknownTopic(f"topic {topic!r} needs no confirmation; recreated and not confirmed: {waiting or 'none'}")
    now = naive(datetime.now(UTC))
    lake.execute(
        "UPDATE landing.main.topics SET confirmed_at = ?, confirmed_by = ? WHERE topic = ? AND confirmed_at IS NULL",
        [now, by, topic],
    )


def _generation(row: Mapping[str, Any]) -> tuple[str, Generation]:
    begins = row.get("from_offsets")
    return row["topic"], Generation(
        row["topic_id"],
        tuple(row.get("first_offsets") or ()),
        None if begins is None else tuple(begins),
        row.get("life") or 1,
        row.get("known_at"),
        row.get("confirmed_at"),
    )


def _new(known: Mapping[str, Generation], ids: Mapping[str, str]) -> list[str]:
    return [topic for topic, id_ in ids.items() if topic not in known or known[topic].topic_id != id_]


def _number(settings: Settings, kafka: TolerantConsumer) -> dict[str, Generation]:
    """Number and store the new generations of topics, unless another process has just done so."""
    heartbeat = last_heartbeat(settings)
    with closing(consumer(settings)) as other:  # this consumer uses Kafka's own offsets
        beginnings = other.beginning_offsets(partitions_of(other, names.LANDED_TOPICS))
    with connect(settings, landing="read_write", marts=None) as lake:
        ensure_table(lake, "topics")
        lake.execute("SET ducklake_max_retry_count = 0")
        last = ""
        for _ in range(_ATTEMPTS):
            try:
                with transaction(lake):
                    known, ids = landed_generations(lake), kafka.asked_topic_ids(names.LANDED_TOPICS)
                    if not (new := _new(known, ids)):
                        return known
                    ends = next_offsets(lake)
                    made = {
                        topic: _following(topic, ids[topic], known[topic], ends, heartbeat[0] if heartbeat else None)
                        if topic in known
                        else _first(topic, ids[topic], beginnings)
                        for topic in new
                    }
                    _store(lake, made)
            except duckdb.Error as error:
                last = type(error).__name__
                log.info("topic_numbers_overtaken", error=last)
                continue
            for topic in made.keys() & known.keys():
                log.error("topic_made_anew", topic=topic, first_offsets=made[topic].first_offsets)
            return known | made
    raise LakeUnavailable(
        f"the ids of topics could not be stored in the lake in {_ATTEMPTS} tries ({last}); "
        "check that the lake's folder can be written, and whether other processes keep committing"
    )


def _first(topic: str, id_: str, beginnings: Mapping[TopicPartition, int]) -> Generation:
    """
    Make the first generation of a topic.

    Records that Kafka had deleted before anybody read the topic do not count as missing.
    """
    begins = tuple(offset for place, offset in sorted(beginnings.items()) if place.topic == topic)
    return Generation(id_, (), begins, 1, datetime.now(UTC))


def _following(
    topic: str, id_: str, before: Generation, ends: Mapping[tuple[str, int], int], heartbeat: Heartbeat | None
) -> Generation:
    """
    Make the generation of a recreated topic. Its numbers continue after those of the earlier generation.

    In each partition, the number after the highest known one is skipped. The skipped number stands for records that had
    arrived, but were neither landed nor evaluated. Nobody knows how many such records there were.
    """
    evaluated: list[int] = []
    if heartbeat is not None and heartbeat.topic_ids.get(topic) == before.topic_id:
        evaluated = heartbeat.offsets.get(topic, [])
    landed = {partition: end for (name, partition), end in ends.items() if name == topic}
    partitions = max(len(evaluated), len(before.first_offsets), max(landed, default=-1) + 1)
    found = [
        max(landed.get(number, 0), evaluated[number] if number < len(evaluated) else 0, before.first(number))
        for number in range(partitions)
    ]
    first = tuple(end + (end > before.first(number)) for number, end in enumerate(found))
    return Generation(id_, first, before.from_offsets, before.number + 1, datetime.now(UTC))


def _store(lake: duckdb.DuckDBPyConnection, made: Mapping[str, Generation]) -> None:
    columns = landing_tables()["topics"].columns
    rows = [
        {
            "topic": topic,
            "topic_id": generation.topic_id,
            "life": generation.number,
            "first_offsets": list(generation.first_offsets),
            "from_offsets": None if generation.from_offsets is None else list(generation.from_offsets),
            "known_at": None if generation.known_at is None else naive(generation.known_at),
        }
        for topic, generation in made.items()
    ]
    schema = pa.schema([(name, column.type) for name, column in columns.items()])
    lake.register("new_lives", pa.Table.from_pylist(rows, schema))
    lake.execute("INSERT INTO landing.main.topics BY NAME FROM new_lives")
