"""
A fetcher that limits both the number and the bytes of the records that one poll returns.

Kafka limits only the compressed bytes of a fetch. If a thousand records of 5 MB compress well, one fetch may contain
them all. To decompress them all would take more memory than the machine has.
"""

from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher

from streams.kafka.records import Readable

__all__ = ["ALL_FETCHED", "POLL_BYTES", "BoundedFetcher"]

ALL_FETCHED = 1_000_000
"""
With this value of `max_records`, one poll returns everything that was fetched, however much it is.

If the poll stopped in the middle of a fetch, kafka-python would lose the rest of the fetch.
"""

POLL_BYTES = 64 * 1024 * 1024
"""
Once the values in a poll have this many bytes, the poll ends after its present step. All records of this step are
returned.
"""
_STEP = 20
"""How many records are decoded in one step, before their length is measured."""


class BoundedFetcher(Fetcher):
    """Returns records in small steps, and stops once a poll has enough bytes."""

    _polled_bytes = 0
    _limit: float = POLL_BYTES

    def fetched_records(
        self, max_records: int | None = None, update_offsets: bool = True
    ) -> tuple[dict[TopicPartition, list[Readable]], bool]:
        """Return records as kafka-python does. The next poll continues after the last record that was returned."""
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
        """
        Add records to the poll, at most `_STEP` at a time. Return how many were added.

        Once the poll has enough bytes, return `max_records` instead. kafka-python then ends the poll, because it counts
        all wanted records as added.
        """
        count = super()._append(drained, part, min(max_records, _STEP), update_offsets)
        if count:
            self._polled_bytes += sum(len(record.value or b"") for record in drained[part.topic_partition][-count:])
        return max_records if self._polled_bytes >= self._limit else count
