"""
A fetcher that limits both the number and the bytes of the records that one poll returns.

Kafka limits only the compressed bytes of a fetch. If a thousand records of 5 MB compress well, one fetch may contain
them all. To decompress them all would take more memory than the machine has.
"""

from itertools import islice

from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher

from streams.kafka.records import Readable

__all__ = ["POLL_BYTES", "BoundedFetcher", "BoundedRecords"]

POLL_BYTES = 64 * 1024 * 1024
"""A poll ends after the record with which the keys, values and headers of its records have this many bytes together."""


class BoundedRecords(Fetcher.PartitionRecords):
    """The fetched records of one partition. `bytes_read` counts the bytes of each record that has been read."""

    bytes_allowed = POLL_BYTES
    """Up to which value of `bytes_read` records may be taken now. At least one record is taken in any case."""

    def take(self, n: int | None = None) -> list[Readable]:
        """Take the next records as kafka-python does, but stop as soon as they have enough bytes."""
        self._maybe_raise_next_inline_exception()
        taken: list[Readable] = []
        try:
            for record in islice(self.record_iterator, n):
                taken.append(record)
                if self.bytes_read >= self.bytes_allowed:
                    break
        except Exception as error:
            if not taken:
                raise
            self._next_inline_exception = error
        return taken


class BoundedFetcher(Fetcher):
    """Stops a poll once it has enough bytes. The next poll continues after the last record that was returned."""

    poll_bytes = POLL_BYTES
    _polled_bytes = 0
    _next_partition_records: BoundedRecords | None

    def fetched_records(
        self, max_records: int | None = None, update_offsets: bool = True
    ) -> tuple[dict[TopicPartition, list[Readable]], bool]:
        """Return records as kafka-python does, as far as the limit allows."""
        self._polled_bytes = 0
        if not self._next_partition_records:
            # kafka-python 3.0.12 continues with a fetch that it has put aside, because its partition was paused, only
            # if this is None. Records that have all been read do not count as None.
            self._next_partition_records = None
        fetched: tuple[dict[TopicPartition, list[Readable]], bool] = super().fetched_records(
            max_records, update_offsets
        )
        return fetched

    def _append(
        self,
        drained: dict[TopicPartition, list[Readable]],
        part: BoundedRecords,
        max_records: int,
        update_offsets: bool,
    ) -> int:
        """
        Add records to the poll. Return how many were added.

        Once the poll has enough bytes, return `max_records` instead. kafka-python then ends the poll, because it counts
        all wanted records as added.
        """
        before = part.bytes_read
        part.bytes_allowed = before + self.poll_bytes - self._polled_bytes
        count: int = super()._append(drained, part, max_records, update_offsets)
        self._polled_bytes += part.bytes_read - before
        return max_records if self._polled_bytes >= self.poll_bytes else count
