"""Every record that the broker accepts is quarantined whole, even if its dead letter cannot be sent."""

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource

from streams import names
from streams.contracts import Rejected, decode
from streams.kafka.client import admin, producer
from streams.kafka.topics import ensure_topics
from streams.land import dead_letters, run
from streams.land.dead_letters import DeadLetters
from streams.land.verify import verify_offsets
from streams.settings import Settings
from streams.stack import processes
from tests.oracle.records import Record

Send = Callable[..., None]
Contact = Callable[..., tuple[bytes, bytes]]
Rows = Callable[[str], list[tuple]]

MEGABYTES = 5_000_000
HEADERS = [(f"h{number}", b"x") for number in range(5_000)]


@pytest.fixture
def squeezer(lake_settings: Settings) -> Iterable[KafkaProducer]:
    """
    A partner's producer that compresses, so the broker accepts records that are a thousand times larger than its limit.
    """
    with closing(producer(lake_settings, compression_type="gzip", max_request_size=2**30)) as kafka:
        yield kafka


@pytest.fixture
def letters(lake_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterable[DeadLetters]:
    """The dead-letter topic as `land` uses it, with a waiting time of one second."""
    monkeypatch.setattr(dead_letters, "_PATIENCE_SECONDS", 1.0)
    with closing(DeadLetters(lake_settings)) as letters:
        yield letters


def configure(settings: Settings, **configs: str) -> None:
    """Change settings of the dead-letter topic as its operators may."""
    given = {name.replace("_", "."): value for name, value in configs.items()}
    with closing(admin(settings)) as client:
        client.alter_configs([ConfigResource("TOPIC", names.DEAD_LETTER, given)])


def rejected(count: int) -> list[Rejected]:
    """Rejections of records that are not JSON."""
    return [decode(Record(names.REFERRAL, 0, number, 0, b"F-1", b"?", ())) for number in range(count)]


@pytest.mark.parametrize(
    "record",
    [
        {"value": b"0" * MEGABYTES},
        {"key": b"k" * MEGABYTES, "value": b"?"},
        {"value": b"?", "headers": [("big", b"h" * MEGABYTES)]},
        {"value": b"?", "headers": [("n" * MEGABYTES, b"")]},
        {"value": b"?", "headers": HEADERS},
        {"value": None, "key": b"k" * MEGABYTES},
    ],
    ids=["value", "key", "header", "name of a header", "many headers", "key of a tombstone"],
)
def test_record_far_beyond_every_limit_is_quarantined_whole(
    lake_settings: Settings, squeezer: KafkaProducer, send: Send, contact: Contact, rows: Rows, record: dict
) -> None:
    """The dead letter has the beginning of the record, its length and its hash. The next record lands."""
    record = {"key": b"F-1"} | record
    squeezer.send(names.REFERRAL, partition=0, **record).get(60)
    send([contact(1)], partition=0)
    landed = run(lake_settings, once=True)
    run(lake_settings, once=True)
    [(key, value, headers)] = rows("SELECT record_key, record_value, record_headers FROM landing.main.quarantine")
    [(place, letter_bytes, value_bytes, value_hash, is_whole, kept)] = rows(
        "SELECT rejected_topic || '/' || rejected_partition || '/' || rejected_offset, record_bytes, value_bytes, "
        "value_sha256, is_whole, octet_length(record_key) + coalesce(octet_length(record_value), 0) "
        "FROM landing.main.dead_letters"
    )

    assert (landed.events, landed.rejected, landed.unsent_letters) == (1, 1, 0)
    assert (key, value) == (record["key"], record["value"])
    assert [(one["name"], one["value"]) for one in headers] == record.get("headers", [])
    assert (place, is_whole) == (f"{names.REFERRAL}/0/0", False) or record.get("headers") == HEADERS
    assert letter_bytes == len(key) + len(value or b"") + sum(len(n) + len(v) for n, v in record.get("headers", []))
    assert (value_bytes, value_hash) == ((len(value), sha256(value).hexdigest()) if value else (None, None))
    assert kept < 100_000
    assert verify_offsets(lake_settings).differences == []


def test_many_large_records_in_one_batch_land_in_bounded_commits(
    lake_settings: Settings, rows: Rows, send: Send
) -> None:
    """For the broker, forty compressed records of two megabytes are one batch of a few kilobytes."""
    with closing(
        producer(lake_settings, compression_type="gzip", max_request_size=2**30, batch_size=2**30, linger_ms=500)
    ) as kafka:
        for number in range(40):
            kafka.send(names.ESCALATION, key=b"F-1", value=b"%07d" % number * 300_000, partition=0)
    landed = run(lake_settings, once=True)

    assert (landed.rejected, landed.unsent_letters) == (40, 0)
    assert rows(
        "SELECT count(DISTINCT record_value), min(octet_length(record_value)) FROM landing.main.quarantine"
    ) == [(40, 2_100_000)]


def test_letter_is_cut_where_the_topic_takes_less(lake_settings: Settings, send: Send, rows: Rows) -> None:
    configure(lake_settings, max_message_bytes="4000")
    send([(b"F-1", b"x" * 10_000), (b"F-1", b"y")])
    run(lake_settings, once=True)
    run(lake_settings, once=True)

    assert rows(
        "SELECT is_whole, value_bytes, octet_length(record_value) FROM landing.main.dead_letters ORDER BY 1"
    ) == [
        (False, 10_000, 1_024),
        (True, 1, 1),
    ]


def test_letter_that_no_topic_takes_is_counted_and_its_record_lands(
    lake_settings: Settings, send: Send, rows: Rows
) -> None:
    configure(lake_settings, max_message_bytes="100")
    send([(b"F-1", b"x")] * 3)
    landed = run(lake_settings, once=True)

    assert (landed.rejected, landed.unsent_letters) == (3, 3)
    assert rows("SELECT count(*) FROM landing.main.quarantine") == [(3,)]


def test_broker_that_hangs_is_waited_for_once(letters: DeadLetters, lake_settings: Settings) -> None:
    """
    Dead letters that are made while the broker hangs are left out.

    Letters that were already being sent arrive when the broker is back. After that, letters are sent again.
    """
    letters.send(rejected(1))
    broker = processes.find(lake_settings.home, "kafka").pid
    os.kill(broker, signal.SIGSTOP)
    try:
        letters.send(rejected(50))
        letters.send(rejected(7))
        left_out, is_silent = letters.unsent, letters._is_silent()
    finally:
        os.kill(broker, signal.SIGCONT)
    letters.close()

    assert (left_out, is_silent) == (7, True)
    assert (letters.unsent, letters._is_silent()) == (7, False)


def test_missing_topic_costs_one_try(letters: DeadLetters, lake_settings: Settings, fresh_topics: str) -> None:
    with closing(admin(lake_settings)) as client:
        client.delete_topics([names.DEAD_LETTER])
    with closing(DeadLetters(replace(lake_settings))) as anew:
        anew.send(rejected(1_000))
        unsent = anew.unsent
    ensure_topics(lake_settings)

    assert unsent == 1_000
