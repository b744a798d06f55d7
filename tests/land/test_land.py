"""Every record of a topic becomes exactly one row, whatever its content, and however often `land` runs."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import duckdb
import pytest
from kafka import TopicPartition

from streams import names
from streams.contracts.output_envelope import encode_output
from streams.contracts.outputs import HEARTBEAT_TYPE, Heartbeat
from streams.kafka.client import consumer, producer
from streams.land import run
from streams.land.verify import verify_offsets
from streams.settings import Settings

Send = Callable[..., None]
Contact = Callable[..., tuple[bytes, bytes]]
Rows = Callable[[str], list[tuple]]


def test_accepted_event_is_one_row(lake_settings: Settings, send: Send, contact: Contact, rows: Rows) -> None:
    key, value = contact(1)
    send([(key, value)])
    landed = run(lake_settings, once=True)
    found = rows(
        "SELECT event_id, record_key, event_at, fact, change, contact_id, payload, landed_at >= received_at "
        "FROM landing.main.events"
    )

    assert landed.events == 1
    moment = datetime(2026, 3, 2, 9, 15)  # noqa: DTZ001  (the lake's times are UTC without a zone)
    assert found == [("e-1", "F-1", moment, "contact-recorded", "recorded", "C-1", value.decode(), True)]


def test_second_run_adds_nothing(lake_settings: Settings, send: Send, contact: Contact) -> None:
    send(contact(number) for number in range(20))
    first, second = run(lake_settings, once=True), run(lake_settings, once=True)

    assert (first.rows, second.rows) == (20, 0)


def test_rejected_record_is_kept_whole_and_announced(
    lake_settings: Settings, send: Send, contact: Contact, rows: Rows
) -> None:
    """The quarantine and the dead letter both contain the original record, byte for byte."""
    send([(b"F-1", b"\x00'\\not json\xff")], headers=[("n\0ame", b"\x00\xff")])
    run(lake_settings, once=True)
    run(lake_settings, once=True)
    original = rows("SELECT reason, record_key, record_value, record_headers[1].value FROM landing.main.quarantine")
    letter = rows("SELECT reason, record_key, record_value, record_headers[1].value FROM landing.main.dead_letters")

    assert original == [("not_json", b"F-1", b"\x00'\\not json\xff", b"\x00\xff")]
    assert letter == original


def test_largest_record_that_a_topic_takes_gets_its_dead_letter(
    lake_settings: Settings, send: Send, rows: Rows
) -> None:
    send([(b"F-1", b"x" * 1_000_000)])
    run(lake_settings, once=True)
    run(lake_settings, once=True)

    assert rows("SELECT reason, octet_length(record_value) FROM landing.main.dead_letters") == [
        ("too_large", 1_000_000)
    ]


def test_garbage_on_own_topics_is_quarantined(lake_settings: Settings, send: Send, rows: Rows) -> None:
    for topic in (names.ALERTS, names.HEARTBEAT, names.DEAD_LETTER):
        send([(b"k", b"{}")], topic=topic)
    run(lake_settings, once=True)

    assert rows("SELECT count(DISTINCT topic) FROM landing.main.quarantine") == [(3,)]


def test_heartbeat_lands_with_its_watermark(lake_settings: Settings, send: Send, rows: Rows) -> None:
    now = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    beat = Heartbeat(leader="watch-1", as_of=now, offsets={names.REFERRAL: [3, 0, 2**40]})
    send(
        [(None, encode_output(HEARTBEAT_TYPE, source="/caf/watch", identity="1", time=now, data=beat))], names.HEARTBEAT
    )
    run(lake_settings, once=True)

    found = rows(f"SELECT leader, as_of, offsets['{names.REFERRAL}'] FROM landing.main.heartbeats")
    assert found == [("watch-1", now.replace(tzinfo=None), [3, 0, 2**40])]


def test_copy_and_other_content_under_one_id_both_land(
    lake_settings: Settings, send: Send, contact: Contact, rows: Rows
) -> None:
    """
    No record is rejected because of an earlier record with the same id. The content shows which records are copies.
    """
    key, value = contact(1)
    send([(key, value)])
    run(lake_settings, once=True)
    anew = json.dumps(json.loads(value), indent=1).encode()
    send([(key, anew), contact(1, source_code="2A"), (key, value), contact(51), contact(51, source_code="2A")])
    landed = run(lake_settings, once=True)

    assert (landed.events, landed.rejected) == (5, 0)
    said = "SELECT event_id, count(*), count(DISTINCT content_id) FROM landing.main.events GROUP BY ALL ORDER BY ALL"
    assert rows(said) == [("e-1", 4, 2), ("e-51", 2, 2)]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_batches_of_any_size_give_the_same_rows(
    lake_settings: Settings, send: Send, contact: Contact, rows: Rows, size: int
) -> None:
    """The size of the commits does not change the rows, even with copies and reused ids."""
    stream = [contact(n % 15, source_code="6" if n % 4 else "2A") if n % 5 else (b"F-1", b"?") for n in range(40)]
    send(stream)
    run(replace(lake_settings, land_batch_rows=size), once=True)
    assert rows("SELECT count(*), count(DISTINCT kafka_offset || '/' || kafka_partition) FROM landing.main.events") == [
        (32, 32)
    ]
    assert rows("SELECT reason, count(*) FROM landing.main.quarantine GROUP BY ALL ORDER BY ALL") == [("not_json", 8)]


def test_lag_is_shown_in_kafka(lake_settings: Settings, send: Send, contact: Contact) -> None:
    send([contact(1)])
    run(lake_settings, once=True)
    kafka = consumer(lake_settings, group_id=names.LAND_GROUP)
    committed = [kafka.committed(TopicPartition(names.REFERRAL, number)) for number in range(lake_settings.partitions)]
    kafka.close()

    assert sorted(committed, key=str) == [1, *[None] * (lake_settings.partitions - 1)]


def test_doorbell_rings_after_each_commit(lake_settings: Settings, send: Send, contact: Contact, rows: Rows) -> None:
    """The rows that the doorbell announces can already be read."""
    seen = []
    send(contact(number) for number in range(4))
    run(
        replace(lake_settings, land_batch_rows=2),
        once=True,
        on_commit=lambda landed: seen.append((landed.rows, rows("SELECT count(*) FROM landing.main.events")[0][0])),
    )

    assert seen[-1] == (4, 4)
    assert all(told == stored for told, stored in seen)


def test_checks_leave_nothing_out(lake_settings: Settings, send: Send, contact: Contact) -> None:
    """The time ranges of successive checks meet, so every row is checked exactly once."""
    judged = []

    def validator(lake: duckdb.DuckDBPyConnection, landed_from: datetime, landed_to: datetime) -> list:
        found = lake.execute(
            "SELECT event_id FROM landing.main.events WHERE landed_at BETWEEN ? AND ?",
            [landed_from.replace(tzinfo=None), landed_to.replace(tzinfo=None)],
        ).fetchall()
        judged.extend(event_id for (event_id,) in found)
        return []

    send(contact(number) for number in range(6))
    run(replace(lake_settings, land_batch_rows=2), once=True, validator=validator)

    assert sorted(judged) == [f"e-{number}" for number in range(6)]


def test_markers_of_transactions_are_no_gap(lake_settings: Settings, contact: Contact, send: Send, rows: Rows) -> None:
    """A partner's producer may use transactions. Records of an aborted transaction do not land."""
    kafka = producer(lake_settings, transactional_id="partner")
    kafka.init_transactions()
    for number, end in ((1, kafka.commit_transaction), (2, kafka.abort_transaction), (3, kafka.commit_transaction)):
        kafka.begin_transaction()
        key, value = contact(number)
        kafka.send(names.REFERRAL, key=key, value=value, partition=0)
        kafka.flush()
        end()
    kafka.close()
    run(lake_settings, once=True, for_seconds=60)

    assert rows("SELECT event_id FROM landing.main.events ORDER BY 1") == [("e-1",), ("e-3",)]
    assert verify_offsets(lake_settings).differences == []
