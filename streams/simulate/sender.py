"""Send records to Kafka, and count those that the broker has acknowledged."""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from kafka import KafkaProducer

from streams.kafka.client import producer
from streams.settings import Settings
from streams.simulate.facts import Record
from streams.simulate.truth import Claim

__all__ = ["Produced", "Sender"]


@dataclass
class Produced:
    """What was sent, and how long it took."""

    counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    """
    Number of records that the broker acknowledged, by topic and partition. For records in a file, the partition is
    -1.
    """
    claims: list[Claim] = field(default_factory=list)
    """Claims that say which alerts these records must raise, and which alerts they must not raise."""
    elapsed: float = 0.0
    """Seconds from the first record to the last acknowledgement."""

    @property
    def total(self) -> int:
        """Number of records in all topics."""
        return sum(self.counts.values())

    def as_json(self) -> dict[str, object]:
        """Return the figures for `--json`."""
        topics: dict[str, dict[str, int]] = {}
        for (topic, partition), count in sorted(self.counts.items()):
            topics.setdefault(topic, {})[str(partition)] = count
        return {
            "records": self.total,
            "elapsed_seconds": round(self.elapsed, 3),
            "records_per_second": round(self.total / self.elapsed) if self.elapsed else None,
            "claims": len(self.claims),
            "topics": topics,
        }


class Sender:
    """Sends records and counts their acknowledgements. If a record could not be sent, `close` raises the error."""

    def __init__(self, settings: Settings, **config: object) -> None:
        """
        Connect to the broker.

        Raises:
            BrokerUnavailable: no broker answers.
        """
        self._client: KafkaProducer = producer(settings, **config)
        self._produced = Produced()
        self._coordinates: dict[str, str] = {}
        self._failure: BaseException | None = None
        self._began = time.monotonic()
        self.sent = 0

    def send(self, record: Record) -> None:
        """Hand a record to the Kafka client. The client may send it later, together with others."""
        self.sent += 1
        future = self._client.send(record.topic, key=record.key, value=record.value)
        future.add_callback(self._acknowledged, record.story_id)
        future.add_errback(self._failed)

    def close(self, claims: list[Claim]) -> Produced:
        """
        Wait until all records are acknowledged. In claims about unreadable records, fill in where the records were
        stored.

        Raises:
            KafkaError: a record was not acknowledged.
        """
        self._client.flush()
        self._client.close()
        if self._failure:
            raise self._failure
        self._produced.elapsed = time.monotonic() - self._began
        self._produced.claims = [self._located(claim) for claim in claims]
        return replace(self._produced)

    def _acknowledged(self, story_id: str | None, metadata: Any) -> None:
        self._produced.counts[metadata.topic, metadata.partition] += 1
        if story_id:
            self._coordinates[story_id] = f"{metadata.topic}/{metadata.partition}/{metadata.offset}"

    def _failed(self, error: BaseException) -> None:
        self._failure = self._failure or error

    def _located(self, claim: Claim) -> Claim:
        if claim.story_id not in self._coordinates:
            return claim
        record_id = self._coordinates[claim.story_id]
        topic, partition_offset = record_id.split("/", 1)
        return msgspec.structs.replace(claim, entity_id=record_id, anchor_source=topic, anchor_id=partition_offset)
