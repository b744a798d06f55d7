"""
A fetcher whose `poll` gives a bounded number of bytes, not only of records.

A fetch is bounded as it is packed; a thousand records of 5 MB that compress well are one fetch, and unpacked they are
more than there is memory.
"""

from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher

from streams.kafka.records import Readable

__all__ = ["ALL_FETCHED", "POLL_BYTES", "BoundedFetcher"]

ALL_FETCHED = 1_000_000
"""Who asks for so many records gets all that was fetched, whatever its length: kafka-python loses what a pause cuts."""

POLL_BYTES = 64 * 1024 * 1024
"""After so many bytes of values a poll ends, but for the records that are unpacked with the last of them."""
_STEP = 20
"""Records that are unpacked before their length is looked at."""


class BoundedFetcher(Fetcher):
    """Hands out records in small steps, and none in a poll that has enough."""

    _polled_bytes = 0
    _limit = POLL_BYTES

    def fetched_records(self, max_records: int | None = None, update_offsets: bool = True) -> tuple[dict, bool]:
        """As kafka-python's, which the next poll goes on from."""
        self._polled_bytes = 0
        self._limit = float("inf") if max_records == ALL_FETCHED else POLL_BYTES
        return super().fetched_records(max_records, update_offsets)

    def _append(
        self,
        drained: dict[TopicPartition, list[Readable]],
        part: Fetcher.PartitionRecords,
        max_records: int,
        update_offsets: bool,
    ) -> int:
        """Take some; a poll that has enough is told that it has all it wanted."""
        count = super()._append(drained, part, min(max_records, _STEP), update_offsets)
        if count:
            self._polled_bytes += sum(len(record.value or b"") for record in drained[part.topic_partition][-count:])
        return max_records if self._polled_bytes >= self._limit else count
