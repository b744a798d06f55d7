"""Wait until everybody who reads the topics has read what an erasure will delete from them."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from typing import NamedTuple

from kafka import TopicPartition

from streams import names
from streams.errors import ErasureWaits
from streams.kafka.client import admin, consumer, partitions_of
from streams.kafka.drain import until
from streams.kafka.reading import TolerantConsumer
from streams.lake.connect import connect
from streams.lake.generations import numbered_consumer
from streams.lake.offsets import next_offsets
from streams.settings import Settings

__all__ = [
    "KEPT",
    "Cut",
    "Readers",
    "inbound_topics",
    "unlanded_topics",
    "wait",
    "wait_until_all_landed",
    "wait_until_all_read",
    "waiting_for",
]

KEPT = (names.FEEDBACK, names.ALERTS_CURRENT, names.NOTIFY_DEAD_LETTER, *names.PARTNER_TOPICS.values())
"""Topics from which somebody reads old records, so that the records of others are written to the topic again."""

_PAUSE_SECONDS = 0.5


class Cut(NamedTuple):
    """A partition, and the offset (in Kafka's own numbers) before which all its records go."""

    topic: str
    partition: int
    offset: int


class Readers(NamedTuple):
    """
    How to wait for those who read the topics.

    Attributes:
        patience: how many seconds they may take.
        without: consumer groups that nobody waits for, because they will never come back.
        say: a function that is told whom the erasure waits for.
    """

    patience: float
    without: Collection[str]
    say: Callable[[str], None]


def wait_until_all_landed(settings: Settings, readers: Readers) -> None:
    """
    Wait until every record that the inbound and landed topics hold now has landed.

    Raises:
        ErasureWaits: intake or land did not take them in time.
    """
    with closing(consumer(settings)) as kafka:
        inbound = kafka.end_offsets(partitions_of(kafka, inbound_topics(kafka)))
    wait(lambda: [names.INTAKE_GROUP] if _is_any_held_back(settings, inbound) else [], readers)
    with closing(consumer(settings)) as kafka:
        ends = kafka.end_offsets(partitions_of(kafka, names.LANDED_TOPICS))
    wait(lambda: ["land"] if _is_any_unlanded(settings, ends) else [], readers)


def wait_until_all_read(settings: Settings, places: Collection[TopicPartition], readers: Readers) -> None:
    """
    Wait until land and all consumer groups have read what these partitions hold now.

    Raises:
        ErasureWaits: one of them did not read it in time.
    """
    with closing(consumer(settings)) as kafka:
        ends = [Cut(place.topic, place.partition, end) for place, end in kafka.end_offsets(places).items()]
    wait(lambda: waiting_for(settings, ends, readers.without), readers)


def inbound_topics(kafka: TolerantConsumer) -> list[str]:
    """Return the topics on which partners send."""
    return sorted(topic for topic in kafka.topics() if topic.startswith(names.INBOUND_PREFIX))


def unlanded_topics(kafka: TolerantConsumer) -> list[str]:
    """Return the topics whose own records do not land, so that they must be read to find what is on them."""
    return [*KEPT, *inbound_topics(kafka)]


def _is_any_held_back(settings: Settings, ends: Mapping[TopicPartition, int]) -> bool:
    """Return whether intake has not passed on everything before these offsets of inbound topics."""
    with closing(consumer(settings, group_id=names.INTAKE_GROUP)) as kafka:
        passed_on = {place: kafka.committed(place) or 0 for place in ends}
        return any(_has_records(kafka, place, passed_on[place], end) for place, end in ends.items())


def wait(waiting: Callable[[], Collection[str]], readers: Readers) -> None:
    """
    Wait until `waiting` returns nobody.

    Raises:
        ErasureWaits: somebody is still left when the patience of `readers` has ended.
    """
    deadline, said = time.monotonic() + readers.patience, False
    while left := waiting():
        if time.monotonic() > deadline:
            raise ErasureWaits(
                f"these have not read everything within {readers.patience:.0f} s: {', '.join(left)}; nothing was "
                "erased. Start what is down and repeat the command, or name a consumer group that never comes back "
                "(--without GROUP)"
            )
        if not said:
            readers.say(f"waiting for {', '.join(left)}")
            said = True
        time.sleep(_PAUSE_SECONDS)


def waiting_for(settings: Settings, cuts: Collection[Cut], without: Collection[str]) -> list[str]:
    """Return who has not read up to the cuts: `land`, and consumer groups."""
    landed = {TopicPartition(*cut[:2]): cut.offset for cut in cuts if cut.topic in names.LANDED_TOPICS}
    inbound = {TopicPartition(*cut[:2]): cut.offset for cut in cuts if cut.topic.startswith(names.INBOUND_PREFIX)}
    found = ["land"] if _is_any_unlanded(settings, landed) else []
    found += [names.INTAKE_GROUP] if _is_any_held_back(settings, inbound) else []
    # Nobody waits for readers of topics whose records are written again.
    ends = {TopicPartition(*cut[:2]): cut.offset for cut in cuts if cut.topic not in KEPT}
    with closing(admin(settings)) as client, closing(consumer(settings)) as kafka:
        groups = {one["group_id"] for one in client.list_groups()} - {*without, names.LAND_GROUP, names.INTAKE_GROUP}
        offsets = client.list_group_offsets(sorted(groups)) if groups else {}
        for group, committed in sorted(offsets.items()):
            behind = {place: one.offset for place, one in committed.items() if 0 <= one.offset < ends.get(place, 0)}
            if any(_has_records(kafka, place, at, ends[place]) for place, at in behind.items()):
                found.append(group)
    return found


def _is_any_unlanded(settings: Settings, ends: Mapping[TopicPartition, int]) -> bool:
    """Return whether a record before one of the offsets (in Kafka's numbers) has not landed."""
    with connect(settings, marts=None) as lake, closing(numbered_consumer(settings)) as kafka:
        landed, first = next_offsets(lake), kafka.numbered(dict.fromkeys(ends, 0))
    with closing(consumer(settings)) as kafka:
        return any(
            at < end and _has_records(kafka, place, at, end)
            for place, end in ends.items()
            for at in [max(0, landed.get((place.topic, place.partition), 0) - first[place])]
        )


def _has_records(kafka: TolerantConsumer, place: TopicPartition, first: int, end: int) -> bool:
    """Return whether a consumer receives records in a range of offsets. It receives no aborted records and markers."""
    begins = max(first, kafka.beginning_offsets([place])[place])
    if begins >= end:
        return False
    kafka.assign([place])
    kafka.seek(place, begins)
    return any(record.offset < end for record in until(kafka, {place: end}))
