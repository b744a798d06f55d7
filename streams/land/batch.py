"""Collect records into batches on their way into the lake. Records are validated one by one, and stored together."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from streams import names
from streams.contracts import Accepted, Rejected, admit
from streams.contracts.columns import events_table, quarantine_table
from streams.contracts.output_envelope import Output, decode_output
from streams.contracts.record import Record, record_bytes
from streams.land.tables import output_table

__all__ = ["MAX_BYTES", "Batch"]

MAX_BYTES = 64 * 1024 * 1024
"""A batch with this many bytes of records is full. This limit is needed because rejected records are stored whole."""

_INPUT_TOPICS = frozenset(names.INPUT_TOPICS)
_OUTPUT_TABLES = {
    names.ALERTS: "alerts",
    names.FEEDBACK: "feedback",
    names.SHARING_DECISION: "sharing_decisions",
    names.DEAD_LETTER: "dead_letters",
    names.HEARTBEAT: "heartbeats",
    names.AUDIT: "audit",
}


class Batch:
    """
    Records that will be stored in one transaction.

    `next_offsets` holds, for each partition in the batch, the offset that follows the batch's last record.
    """

    def __init__(self, max_record_bytes: int) -> None:
        self._max_record_bytes = max_record_bytes
        self.accepted: list[Accepted] = []
        self.rejected: list[Rejected] = []
        self.outputs: dict[str, list[Output]] = defaultdict(list)
        self.next_offsets: dict[tuple[str, int], int] = {}
        self.bytes = 0
        self.rows = 0
        self.since: float | None = None
        """Monotonic time at which the first record was added; None while the batch is empty."""

    def add(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        """Validate records of one partition, in the order of their offsets, and add them to the batch."""
        decoder = self._validated if topic in _INPUT_TOPICS else decode_output
        for record in records:
            found = decoder(record)
            if isinstance(found, Accepted):
                self.accepted.append(found)
            elif isinstance(found, Rejected):
                self.rejected.append(found)
            else:
                self.outputs[topic].append(found)
            self.bytes += record_bytes(record)
        self.next_offsets[topic, partition] = records[-1].offset + 1
        self.rows += len(records)
        if self.since is None:
            self.since = time.monotonic()

    def tables(self, landed_at: datetime) -> Mapping[str, pa.Table]:
        """Return the rows of each landing table. Tables without rows are left out."""
        made = {
            "events": events_table(self.accepted, landed_at),
            "quarantine": quarantine_table(self.rejected, landed_at),
        }
        for topic, outputs in self.outputs.items():
            made[_OUTPUT_TABLES[topic]] = output_table(_OUTPUT_TABLES[topic], outputs, landed_at)
        return {name: table for name, table in made.items() if table.num_rows}

    def _validated(self, record: Record) -> Accepted | Rejected:
        return admit(record, self._max_record_bytes)
