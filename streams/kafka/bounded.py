"""
A fetcher that limits a poll by the bytes of the records, not only by their number.

Kafka limits a fetch by compressed bytes. A thousand records of 5 MB that compress well fit into one fetch, but
decompressing them all would need more memory than the machine has.
"""

from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher

from streams.kafka.records import Readable

__all__ = ["ALL_FETCHED", "POLL_BYTES", "BoundedFetcher"]

ALL_FETCHED = 1_000_000
"""
A consumer that passes this number as `max_records` gets everything that was fetched, however long.

If the poll paused within a fetch, kafka-python would lose the records after the pause.
"""

POLL_BYTES = 64 * 1024 * 1024
"""A poll ends once its values have this many bytes; the poll still returns all records of its last step."""
_STEP = 20
"""How many records are decoded before their length is measured."""


class BoundedFetcher(Fetcher):
    """Returns records in small steps, and stops once a poll has enough bytes."""

    _polled_bytes = 0
    _limit: float = POLL_BYTES

    def fetched_records(
        self, max_records: int | None = None, update_offsets: bool = True
    ) -> tuple[dict[TopicPartition, list[Readable]], bool]:
        """Return records as kafka-python does; the next poll continues after the last returned record."""
        self._polled_bytes = 0
        self._limit = float("inf") if max_records == ALL_FETCHED else POLL_BYTES
        fetched: tuple[dict[TopicPartition, list[Readable]], bool] = super().fetched_records(
            max_records, update_offsets
        )
        return fetched

    def _append(
        self,
        drained: dict[TopicPartition, list[Readable]],
        part: Fetcher.PartitionRecords,
        max_records: int,
        update_offsets: bool,
    ) -> int:
        """Take one step of records; once the poll has enough bytes, claim that all wanted records were taken."""
        count = super()._append(drained, part, min(max_records, _STEP), update_offsets)
        if count:
            self._polled_bytes += sum(len(record.value or b"") for record in drained[part.topic_partition][-count:])
        return max_records if self._polled_bytes >= self._limit else count
