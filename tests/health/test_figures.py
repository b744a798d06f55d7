"""Which figures monitoring counts. No figure names a person or family."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from streams import names
from streams.alerts.publisher import Publisher
from streams.alerts.trial import trial_alert
from streams.contracts.outputs import Alert
from streams.health.figures import OTHER, FigureReader
from streams.health.look import Health
from streams.health.metrics import Metrics
from streams.kafka.client import producer
from streams.lake.connect import connect
from streams.land import run
from streams.settings import Settings

SYSTEM, FAMILY = "/wirral/front-door", "/families/F-4711"


def contact(number: int, source: str, **data: object) -> tuple[bytes, bytes]:
    event = {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": source,
        "type": "uk.caf.referral.contact-recorded.v1",
        "time": "2026-03-02T09:15:00Z",
        "authority": "E08000015",
        "data": {"contact_id": f"C-{number}", "family_id": f"F-{number}", "source_code": "6"} | data,
    }
    return f"F-{number}".encode(), json.dumps(event).encode()


@pytest.fixture
def land(health_settings: Settings) -> Callable[..., None]:
    """A function that sends records and lands them."""

    def do(*records: tuple[bytes, bytes]) -> None:
        kafka = producer(health_settings)
        for key, value in records:
            kafka.send(names.REFERRAL, key=key, value=value)
        kafka.close()
        run(health_settings, once=True)

    return do


@pytest.fixture
def lake(health_settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The lake, connected for reading."""
    with connect(health_settings) as lake:
        yield lake


def test_rejects_are_counted_by_source_and_reason_and_only_systems_are_named(
    land: Callable, lake: duckdb.DuckDBPyConnection
) -> None:
    """
    A source is free text that a sender writes.

    If the text is a family id, differs for each record, or cannot be read, it does not become a label of a metric.
    """
    reader = FigureReader()
    land(
        *(contact(number, SYSTEM) for number in range(25)),
        *(contact(100, FAMILY, contact_id=f"C-{number}") for number in range(30)),
        *(contact(number, SYSTEM, contact_id="no id") for number in (200, 201)),
        contact(202, FAMILY, contact_id="no id"),
        *(contact(number, f"/made/up/{number}", contact_id="no id") for number in range(300, 310)),
        (b"F-1", b'{"source": "\xff'),
    )
    first = reader.read(lake).rejected
    land(contact(400, SYSTEM, contact_id="no id"))
    second = reader.read(lake).rejected

    assert {source for source, _ in first} == {SYSTEM, OTHER}
    assert sum(count for (source, _), count in first.items() if source == SYSTEM) == 2
    assert sum(first.values()) == lake.execute("SELECT count(*) - 1 FROM landing.main.quarantine").fetchone()[0]
    assert sum(second.values()) == sum(first.values()) + 1


def test_how_long_alerts_took_is_counted_from_the_first_reading_on(
    health_settings: Settings, land: Callable, lake: duckdb.DuckDBPyConnection
) -> None:
    """Test alerts and alerts from history do not count, because nobody waited for them."""
    reader, metrics, now = FigureReader(), Metrics(), datetime.now(UTC)

    def alert(number: int, **changed: object) -> Alert:
        return msgspec.structs.replace(trial_alert(f"a-{number}", now, now), **changed)

    publisher = Publisher(health_settings)
    publisher.alerts([alert(0, test=False)])
    land()
    before = reader.read(lake)
    publisher.alerts(
        [alert(1, test=False, received_at=now - timedelta(seconds=40)), alert(2), alert(3, test=False, backfill=True)]
    )
    publisher.close()
    land()
    after = reader.read(lake)
    metrics.note(Health(looked_at=now), after)
    (told,) = [one for one in families(metrics.text().decode()) if one.name == "caf_alert_latency_seconds"]
    counts = {sample.labels["le"]: sample.value for sample in told.samples if sample.name.endswith("_bucket")}

    assert before.took == []
    assert len(after.took) == 1
    assert (counts["30.0"], counts["+Inf"]) == (0, 1)
