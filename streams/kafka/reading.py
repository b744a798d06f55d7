"""
The consumer that all parts use. It continues past damage, and its record numbers stay right when a topic is recreated.

If a record is unreadable, every call of kafka-python's own `poll` raises an error. This consumer returns an
`Unreadable` for each lost offset, and continues with the next batch.

A recreated topic is read from its beginning. Its offsets begin at 0 again, but the lake already has rows with these
offsets from the earlier generation. So a caller that compares offsets with the lake must pass `generations`. All
offsets that the consumer then returns and accepts are numbers that continue after the earlier generation.
"""

from collections.abc import Callable, Iterable, Mapping

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata, OffsetAndTimestamp

from streams.kafka.fetching import TolerantFetcher
from streams.kafka.generations import Generation, Generations, recreated
from streams.kafka.records import Readable

__all__ = ["TolerantConsumer", "all_partitions"]

log = structlog.get_logger()

_ANSWER_MS = 10_000


class TolerantConsumer(KafkaConsumer):
    """
    A kafka-python consumer that returns a `ReadRecord` for each readable record, and an `Unreadable` for each offset
    whose record is unreadable or deleted.
    """

    def __init__(
        self, generations: "Callable[[TolerantConsumer], Generations] | None" = None, **config: object
    ) -> None:
        super().__init__(**config)
        self._fetcher: TolerantFetcher = TolerantFetcher(
            self._client, self._subscription, first_number=self._first, **self.config
        )
        self._topics: tuple[str, ...] = ()
        self._ask_generations = generations
        self._generations: dict[str, Generation] | None = None

    @property
    def poll_bytes(self) -> int:
        """With how many bytes of keys, values and headers a poll ends. The last record may exceed this number."""
        return self._fetcher.poll_bytes

    @poll_bytes.setter
    def poll_bytes(self, size: int) -> None:
        self._fetcher.poll_bytes = size

    def follow(self, topics: Iterable[str]) -> None:
        """Read all partitions of the topics from their beginning, including partitions that are added later."""
        self._topics = tuple(topics)
        self._take_on()

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read only these partitions."""
        self._topics = ()
        super().assign(partitions)

    def poll(self, *args: object, **config: object) -> dict[TopicPartition, list[Readable]]:
        """Look for new partitions and recreated topics, and then poll as kafka-python does."""
        self._notice_other_topics()
        if self._topics:
            self._take_on()
        polled: dict[TopicPartition, list[Readable]] = super().poll(*args, **config)
        return polled

    def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """
        Return Kafka's ids of the topics (KIP-516). A recreated topic has another id. The answer may be some seconds
        old.
        """
        return self._known_ids([topic for topic in topics if self.partitions_for_topic(topic)])

    def asked_topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """
        Ask the broker for Kafka's ids of the topics, and return the ids.

        If a topic's id has not changed, everything polled from the topic so far certainly belongs to the same
        generation.

        Raises:
            KafkaError: the broker does not answer.
        """
        for _ in range(1 + self._cluster.metadata_refresh_in_progress):
            self._net.run(self._manager.wait_for, self._cluster.request_update(), _ANSWER_MS)
        return self.topic_ids(topics)

    def generations(self) -> Generations:
        """Look up the topic generations, use them to number records from now on, and return them."""
        self._generations = dict(self._ask_generations(self)) if self._ask_generations else {}
        return self._generations

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Continue reading at an offset. For offsets that no longer exist, the consumer returns `Unreadable` values."""
        offset -= self._first(partition)
        super().seek(partition, max(0, offset))
        if offset < 0:
            self._subscription.seek(partition, offset)

    def position(self, partition: TopicPartition, timeout_ms: int | None = None) -> int | None:
        """Return the offset of the next record to read."""
        found = super().position(partition, timeout_ms)
        return None if found is None else found + self._first(partition)

    def beginning_offsets(self, partitions: Iterable[TopicPartition], *args: object) -> dict[TopicPartition, int]:
        """Return the first offset that each partition still has."""
        return self.numbered(super().beginning_offsets(partitions, *args))

    def end_offsets(self, partitions: Iterable[TopicPartition], *args: object) -> dict[TopicPartition, int]:
        """Return the offset that the next record of each partition will get."""
        return self.numbered(super().end_offsets(partitions, *args))

    def offsets_for_times(
        self, timestamps: dict[TopicPartition, int], *args: object
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        """Return, for each partition, the first offset whose record arrived at the given time (in ms) or later."""
        found = super().offsets_for_times(timestamps, *args)
        return {place: one and one._replace(offset=one.offset + self._first(place)) for place, one in found.items()}

    def committed(self, partition: TopicPartition, *args: object) -> int | None:
        """Return the group's last committed offset; None if it has committed none in this generation of the topic."""
        found = super().committed(partition, True, *args)
        if found is None or found.metadata not in ("", self.topic_ids([partition.topic]).get(partition.topic)):
            return None
        offset: int = found.offset
        return offset + self._first(partition)

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata], *args: object) -> None:
        """Commit the offsets at which the consumer group continues after a restart."""
        super().commit(self._to_commit(offsets), *args)

    def commit_async(self, offsets: Mapping[TopicPartition, OffsetAndMetadata], *args: object) -> object:
        """Commit offsets without waiting for the broker's answer."""
        return super().commit_async(self._to_commit(offsets), *args)

    def _first(self, place: TopicPartition) -> int:
        """Return the number that Kafka's offset 0 has in this partition."""
        generations = self.generations() if self._generations is None else self._generations
        generation = generations.get(place.topic)
        return generation.first(place.partition) if generation else 0

    def numbered(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Turn Kafka's offsets into this consumer's record numbers."""
        return {place: offset + self._first(place) for place, offset in offsets.items()}

    def _to_commit(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        """Turn record numbers into Kafka's offsets, and store the id of each topic in the metadata of the commit."""
        ids = self._known_ids({place.topic for place in offsets})
        return {
            place: one._replace(offset=max(0, one.offset - self._first(place)), metadata=ids.get(place.topic, ""))
            for place, one in offsets.items()
        }

    def _known_ids(self, topics: Iterable[str]) -> dict[str, str]:
        found = {topic: self._cluster.topic_id(topic) for topic in topics}
        return {topic: str(id_) for topic, id_ in found.items() if id_ is not None}

    def _notice_other_topics(self) -> None:
        ids = self._known_ids({place.topic for place in self.assignment()})
        generations = self.generations() if self._generations is None else self._generations
        if topics := recreated(generations, ids):
            self._begin_anew(topics)
        assert self._generations is not None, "asked for above"
        for topic in ids.keys() - self._generations.keys():
            self._generations[topic] = Generation(ids[topic])

    def _begin_anew(self, topics: Iterable[str]) -> None:
        """Read recreated topics from their beginning, after returning the unread offsets of the earlier generation."""
        log.error("topics_made_anew", topics=topics)
        there = set(all_partitions(self, topics))
        before = {place: self.position(place) for place in self.assignment() if place.topic in topics}
        if not self._subscription.partitions_auto_assigned():
            super().assign([place for place in self.assignment() if place not in before or place in there])
        self.generations()
        for place in before.keys() & there:
            begins, reached = self._first(place), before[place]
            self.seek(place, begins if reached is None else min(reached, begins))

    def _take_on(self) -> None:
        held, wanted = self.assignment(), all_partitions(self, self._topics)
        if added := [partition for partition in wanted if partition not in held]:
            super().assign([*held, *added])
            self.seek_to_beginning(*added)


def all_partitions(client: KafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """Return all partitions of the topics that the client knows, in order."""
    return [
        TopicPartition(topic, number) for topic in topics for number in sorted(client.partitions_for_topic(topic) or ())
    ]
