"""Fixtures that send records to real topics for `land`, and read the rows that `land` stored."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

import duckdb
import pytest
from kafka import KafkaProducer

from streams import names
from streams.kafka.client import producer
from streams.lake.connect import connect
from streams.lake.offsets import OFFSET_TABLES
from streams.settings import Settings


@pytest.fixture
def lake_settings(fresh_settings: Settings, fresh_topics: str) -> Settings:
    """Settings of an empty lake and empty topics. Commits are small and quick."""
    return replace(fresh_settings, land_batch_seconds=0.05)


@pytest.fixture
def contact() -> Callable[..., tuple[bytes, bytes]]:
    """Makes the key and value of a contact. `number` determines the event's id and family."""

    def make(number: int, **data: object) -> tuple[bytes, bytes]:
        family = f"F-{number % 50}"
        event = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/wirral/front-door",
            "type": "uk.caf.referral.contact-recorded.v1",
            "time": "2026-03-02T09:15:00Z",
            "authority": "E08000015",
            "data": {"contact_id": f"C-{number}", "family_id": family, "source_code": "6"} | data,
        }
        return family.encode(), json.dumps(event).encode()

    return make


@pytest.fixture
def sender(lake_settings: Settings) -> Iterable[KafkaProducer]:
    """A producer like a partner's."""
    kafka = producer(lake_settings, linger_ms=5)
    yield kafka
    kafka.close()


@pytest.fixture
def send(sender: KafkaProducer) -> Callable[..., None]:
    """
    Sends keys and values to the referral topic or another topic, and returns once the broker has acknowledged them.
    """

    def durable(records: Iterable[tuple[bytes, bytes]], topic: str = names.REFERRAL, **options: object) -> None:
        for key, value in records:
            sender.send(topic, key=key, value=value, **options)
        sender.flush(timeout=60)

    return durable


@pytest.fixture
def rows(lake_settings: Settings) -> Callable[[str], list[tuple]]:
    """Runs a query on the lake."""

    def ask(query: str) -> list[tuple]:
        with connect(lake_settings, marts=None) as lake:
            return lake.execute(query).fetchall()

    return ask


@pytest.fixture
def places() -> Callable[[duckdb.DuckDBPyConnection], list[tuple]]:
    """The position (topic, partition, offset) of every row, including duplicate rows."""
    tables = " UNION ALL ".join(
        f"SELECT topic, kafka_partition, kafka_offset FROM landing.main.{table}" for table in OFFSET_TABLES
    )
    return lambda lake: lake.execute(f"FROM ({tables}) ORDER BY ALL").fetchall()
