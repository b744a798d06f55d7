"""
Ask Kafka which partitions have no leader, where topics end, which offsets are committed, and how long records have
waited.

The waiting time of a record comes from Kafka's index of timestamps, so it is known even if the record cannot be read.
This matters because an unreadable record is often the one at which a part has stopped.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams import names
from streams.contracts.outputs import Heartbeat
from streams.health.backlog import Backlog
from streams.kafka.client import admin, consumer, partitions_of
from streams.kafka.generations import Generations
from streams.kafka.heartbeat import last_heartbeat
from streams.kafka.topics import OFFSETS_TOPIC, differences, topic_configs
from streams.settings import Settings

__all__ = ["Broker", "Places", "ask_broker", "waiting", "without_their_end"]

Places = dict[tuple[str, int], int]
"""Offsets by topic and partition."""

_PRECISION_MS = 500
_OLDEST_MS = 366 * 86_400_000
_SURE_SECONDS = 10
"""
If a record seems to have waited for more than this many seconds, the topic is read, to check that there really is a
record for consumers.

Reading takes longer than asking for offsets, so it is not done for shorter times.
"""
_READ_SECONDS = 10
"""
For how many seconds to try to read.

This is enough even on a busy machine. If the time were shorter, a part that is not late could be reported as late.
"""


@dataclass(frozen=True, kw_only=True)
class Broker:
    """
    What Kafka reported. Offsets are as Kafka counts them, unless `numbered` has changed them.

    Attributes:
        ends: for each partition, the offset after the last record that consumers can read.
        written: for each partition, the offset after the last record that was written, including records of open
            transactions.
        beginnings: for each partition, the first offset that Kafka still has.
        heartbeat: the watcher's last heartbeat.
        heard_at: when that heartbeat arrived.
        committed: the committed offsets of each consumer group, or None if the group has never committed any.
        troubles: sentences about topics and partitions that are broken, or that nobody reads.
        flaws: sentences about topics with wrong settings that do not break a guarantee.
        topic_ids: the id of each topic. A topic that was deleted and recreated under the same name has another id.
        generations: the generations of the topics that the lake knows.
    """

    ends: Places
    written: Places
    beginnings: Places
    heartbeat: Heartbeat | None
    heard_at: datetime | None
    committed: dict[str, Places | None]
    troubles: list[str]
    flaws: list[str]
    topic_ids: dict[str, str]
    generations: Generations = field(default_factory=dict)

    def numbered(self, generations: Generations) -> "Broker":
        """
        Return a copy with the lake's offsets instead of Kafka's. Topics that the lake does not know keep Kafka's
        offsets.
        """
        known = {
            topic: generation
            for topic, generation in generations.items()
            if self.topic_ids.get(topic) == generation.topic_id
        }

        def on(offsets: Places) -> Places:
            return {
                (topic, number): at + (known[topic].first(number) if topic in known else 0)
                for (topic, number), at in offsets.items()
            }

        return replace(
            self,
            ends=on(self.ends),
            written=on(self.written),
            beginnings=on(self.beginnings),
            committed={group: places and on(places) for group, places in self.committed.items()},
            generations=known,
        )


def ask_broker(settings: Settings, groups: Mapping[str, Sequence[str]]) -> Broker:
    """
    Ask Kafka for everything but waiting times.

    Args:
        settings: where Kafka is.
        groups: the consumer groups, each with the topics that it reads.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(admin(settings)) as client:
        known = topic_configs(settings)
        unlisted = {one for one in client.list_topics() if one.startswith(names.INBOUND_PREFIX)} - known.keys()
        troubles, readable = _partitions(client, [*known, *sorted(unlisted)])
    with closing(consumer(settings)) as client:
        topics = dict.fromkeys((*names.LANDED_TOPICS, *(topic for read in groups.values() for topic in read)))
        places = [one for one in partitions_of(client, topics) if one in readable]
        beginnings, ends = client.beginning_offsets(places), client.end_offsets(places)
        topic_ids = client.topic_ids(names.LANDED_TOPICS)
    with closing(consumer(settings, isolation_level="read_uncommitted")) as client:
        written = client.end_offsets(places)
    found = last_heartbeat(settings) if TopicPartition(names.HEARTBEAT, 0) in readable else None
    comparable = {OFFSETS_TOPIC, *(place.topic for place in readable)}
    differing = [one for one in differences(settings) if one.topic in comparable]
    committed = {group: _committed(settings, group, read) for group, read in groups.items()}
    return Broker(
        ends=_by_name(ends),
        written=_by_name(written),
        beginnings=_by_name(beginnings),
        heartbeat=found[0] if found else None,
        heard_at=found[1] if found else None,
        committed=committed,
        troubles=[
            *troubles,
            *(str(one) for one in differing if one.breaks),
            *_unread(settings, [one for one in readable if one.topic in unlisted]),
        ],
        flaws=[str(one) for one in differing if not one.breaks],
        topic_ids=topic_ids,
    )


def waiting(settings: Settings, broker: Broker, done: Mapping[str, Places], now: datetime) -> dict[str, Backlog]:
    """
    Find the records that wait for each part.

    Args:
        settings: where Kafka is.
        broker: what Kafka reported.
        done: for each part, the offsets up to which it has processed records.
        now: the present time.

    Returns:
        The backlog of each part. The backlog of `kafka` consists of records that open transactions hold back from
        consumers.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(_numbered(settings, broker, isolation_level="read_uncommitted")) as client:
        behind = {part: _behind(broker, places) for part, places in done.items()}
        found = {
            part: _backlog(client, places, broker.ends, now, sum(done[part].values()))
            for part, places in behind.items()
        }
        for part, backlog in found.items():
            if backlog.seconds > _SURE_SECONDS:
                shown = _shown(settings, broker, behind[part])
                found[part] = _backlog(client, shown, broker.ends, now, backlog.done)
        held = {place: end for place, end in broker.ends.items() if broker.written[place] > end}
        held_back = {TopicPartition(*place): end for place, end in held.items()}
        return found | {"kafka": _backlog(client, held_back, broker.written, now, sum(broker.ends.values()))}


def without_their_end(settings: Settings, broker: Broker, landed: Places) -> list[str]:
    """
    Return a sentence for each partition that ends before an offset that has already landed.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    places = [TopicPartition(*place) for place, at in landed.items() if broker.ends.get(place, at) < at]
    if not places:
        return []
    # Ask for the ends again, because more records may have arrived and landed since the first answer.
    with closing(_numbered(settings, broker)) as client:
        return [
            f"{place.topic}/{place.partition} ends at {end}, but rows up to {landed[place]} have landed. The partition "
            "has lost its end, and its records do not land. See 'A topic that has lost its end' in docs/operate.md"
            for place, end in client.end_offsets(places).items()
            if end < landed[place]
        ]


def _numbered(settings: Settings, broker: Broker, **config: Any) -> KafkaConsumer:
    return consumer(settings, generations=lambda _: broker.generations, **config)


def _shown(settings: Settings, broker: Broker, places: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """
    Return the positions from which consumers will still receive a record.

    Consumers never receive transaction markers and aborted records, so these do not wait for a part. A position that
    cannot be read in time is also returned.
    """
    shown, unknown, until = set(), set(places), monotonic() + _READ_SECONDS
    with closing(_numbered(settings, broker, max_poll_records=1)) as client:
        ends = client.end_offsets(list(places))
        client.assign(list(places))
        for place, offset in places.items():
            client.seek(place, offset)
        while unknown and monotonic() < until:
            with suppress(KafkaError):
                for place in client.poll(timeout_ms=200):
                    client.pause(place)
                    shown.add(place)
                unknown = {place for place in unknown - shown if client.position(place) < ends[place]}
    return {place: at for place, at in places.items() if place in shown | unknown}


def _backlog(
    client: KafkaConsumer, behind: Mapping[TopicPartition, int], ends: Places, now: datetime, done: int
) -> Backlog:
    since = _came_at(client, behind, now)
    # Prefer to name a record that is not a heartbeat, because some heartbeats always wait for `land`.
    first = min(since, key=lambda place: (place.topic == names.HEARTBEAT, since[place]), default=None)
    oldest = min(since.values(), default=now)
    return Backlog(
        records=sum(ends[one.topic, one.partition] - offset for one, offset in behind.items()),
        seconds=max(0.0, (now - oldest).total_seconds()),
        first=f"{first.topic}/{first.partition}/{behind[first]}" if first else "",
        done=done,
    )


def _by_name(offsets: Mapping[TopicPartition, int]) -> Places:
    return {(one.topic, one.partition): offset for one, offset in offsets.items()}


def _behind(broker: Broker, done: Places) -> dict[TopicPartition, int]:
    """Return the first waiting record of each partition. Records that Kafka has removed do not count as waiting."""
    first = {place: max(done.get(place, 0), beginning) for place, beginning in broker.beginnings.items()}
    topics = {topic for topic, _ in done}
    return {
        TopicPartition(*place): offset
        for place, offset in first.items()
        if place[0] in topics and broker.ends[place] > offset
    }


def _came_at(
    client: KafkaConsumer, offsets: Mapping[TopicPartition, int], now: datetime
) -> dict[TopicPartition, datetime]:
    """
    Find when the broker stored each record, to within half a second.

    Kafka can be asked for the first record from a given time on. A binary search finds the latest time for which Kafka
    names this record or an earlier one. This is the time at which the record was stored.
    """
    end = int(now.timestamp() * 1000)
    # Allow for clocks that differ between machines: a record's timestamp may lie after the present time.
    spans = dict.fromkeys(offsets, (end - _OLDEST_MS, end + 1))
    while any(high - low > _PRECISION_MS for low, high in spans.values()):
        middles = {place: (low + high) // 2 for place, (low, high) in spans.items()}
        following = client.offsets_for_times(middles)
        for place, (low, high) in spans.items():
            is_to_come = following.get(place) is not None and following[place].offset <= offsets[place]
            spans[place] = (middles[place], high) if is_to_come else (low, middles[place])
    return {place: datetime.fromtimestamp(high / 1000, UTC) for place, (_, high) in spans.items()}


def _partitions(client: KafkaAdminClient, topics: list[str]) -> tuple[list[str], set[TopicPartition]]:
    """
    Return the problems of the topics, and the partitions that have a leader. Only these partitions can be asked for
    offsets.
    """
    existing = set(client.list_topics())
    troubles = [
        f"topic {topic} is missing. './caf init' or './caf up' makes it" for topic in topics if topic not in existing
    ]
    readable: set[TopicPartition] = set()
    for topic in client.describe_topics([topic for topic in topics if topic in existing]):
        for partition in topic["partitions"]:
            name, number = topic["name"], partition["partition_index"]
            if partition["leader_id"] < 0:
                troubles.append(f"{name}/{number} has no leader. Its broker is down, or that disk is full or broken")
            else:
                readable.add(TopicPartition(name, number))
            if missing := set(partition["replica_nodes"]) - set(partition["isr_nodes"]):
                troubles.append(f"{name}/{number} has no current copy on broker {', '.join(map(str, sorted(missing)))}")
    return troubles, readable


def _unread(settings: Settings, places: Sequence[TopicPartition]) -> Iterator[str]:
    """Yield a sentence for each of these inbound topics, which are not in the table, if it has unread records."""
    if not places:
        return
    with closing(consumer(settings, group_id=names.INTAKE_GROUP)) as client:
        beginnings, ends = client.beginning_offsets(places), client.end_offsets(places)
        for place in sorted(places):
            waiting = ends[place] - max(client.committed(place) or 0, beginnings[place])
            if waiting > 0:
                yield (
                    f"{waiting:,} records wait on {place.topic}, which belongs to no line of the table of partners, so "
                    "nobody passes them on and they expire. Add the line again (CAF_PARTNERS names the table), or "
                    "delete the topic if you do not want its records"
                )


def _committed(settings: Settings, group: str, topics: Sequence[str]) -> Places | None:
    if not topics:
        return None
    with closing(consumer(settings, group_id=group)) as client:
        found = {one: client.committed(one) for one in partitions_of(client, topics)}
    if not found or all(offset is None for offset in found.values()):
        return None
    return {(one.topic, one.partition): offset for one, offset in found.items() if offset is not None}
