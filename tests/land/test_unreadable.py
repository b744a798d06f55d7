"""Unreadable records are quarantined, one row for each offset, and do not stop other records."""

from kafka.record.util import decode_varint, encode_varint

from streams import names
from streams.land import run
from streams.land.verify import verify_offsets
from streams.settings import Settings
from tests.kafka.segments import Log, record


def test_each_offset_of_a_damaged_batch_has_one_row(lake_settings: Settings, contact, rows, send) -> None:
    """
    The row of the batch's first offset contains the bytes of the batch.

    The records before and after the batch have landed, and `verify` finds no difference.
    """
    log = Log(lake_settings, names.REFERRAL)
    send([contact(1)], partition=0)
    log.write([b"one", b"two", b"three"])
    send([contact(2)], partition=0)
    at, length, base = next(one for one in log.batches() if one[2] == 1)
    log.poke(at + length - 2, b"!!")

    run(lake_settings, once=True)
    run(lake_settings, once=True)  # lands the dead letters

    quarantined = rows(
        "SELECT kafka_offset, reason, record_value IS NOT NULL FROM landing.main.quarantine ORDER BY kafka_offset"
    )
    assert quarantined == [(base + n, "unreadable_batch", n == 0) for n in range(3)]
    assert rows("SELECT event_id FROM landing.main.events ORDER BY kafka_offset") == [("e-1",), ("e-2",)]
    assert verify_offsets(lake_settings).differences == []


def test_damage_on_a_topic_of_the_system_does_not_stop_landing(lake_settings: Settings, rows) -> None:
    log = Log(lake_settings, names.ALERTS)
    log.craft(record(0, b"?" * 20)[:-1] + b"\xff" * 9, count=1)

    run(lake_settings, once=True)
    run(lake_settings, once=True)  # lands the dead letter

    assert rows("SELECT topic, reason FROM landing.main.quarantine")[0] == (names.ALERTS, "unreadable_batch")
    assert verify_offsets(lake_settings).differences == []


def test_event_without_a_time_of_arrival_counts_as_arrived_when_it_happened(
    lake_settings: Settings, contact, rows
) -> None:
    """
    The sender's clock stamped the record with 1970. If 1970 counted as the arrival, the event would be dated 1970.
    """
    key, value = contact(1)
    log = Log(lake_settings, names.REFERRAL)
    body = bytearray(record(0, value))
    place = body.index(b"\x01", 3)
    body[place : place + 1] = bytes([2 * len(key)]) + key
    length, start = decode_varint(bytes(body))
    whole = bytearray()
    encode_varint(length + len(key), whole.append)
    log.craft(bytes(whole) + bytes(body[start:]), count=1, time_ms=3_600_000)

    run(lake_settings, once=True)

    assert rows("SELECT received_at = event_at FROM landing.main.events") == [(True,)]
