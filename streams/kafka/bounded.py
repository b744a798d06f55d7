"""
A fetcher that limits a poll by bytes, not only by records.

Kafka limits a fetch by its packed bytes. A thousand records of 5 MB that compress well fit into one fetch, but unpacked
they need more memory than there is.
"""

from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher

from streams.kafka.records import Readable

__all__ = ["ALL_FETCHED", "POLL_BYTES", "BoundedFetcher"]

ALL_FETCHED = 1_000_000
"""
A reader that asks for this many records gets everything that was fetched, however long.

Otherwise the poll would pause within a fetch, and kafka-python loses the records after the pause.
"""

POLL_BYTES = 64 * 1024 * 1024
"""A poll ends after this many bytes of values; it still returns all records of its last step."""
_STEP = 20
"""How many records are unpacked before their length is measured."""


class BoundedFetcher(Fetcher):
    """Hands out records in small steps, and stops once a poll has enough bytes."""

    _polled_bytes = 0
    _limit: float = POLL_BYTES

    def fetched_records(
        self, max_records: int | None = None, update_offsets: bool = True
    ) -> tuple[dict[TopicPartition, list[Readable]], bool]:
        """Return records as kafka-python does; the next poll continues behind them."""
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
        """Take one step of records; once there are enough bytes, claim that all wanted records were taken."""
        count = super()._append(drained, part, min(max_records, _STEP), update_offsets)
        if count:
            self._polled_bytes += sum(len(record.value or b"") for record in drained[part.topic_partition][-count:])
        return max_records if self._polled_bytes >= self._limit else count
