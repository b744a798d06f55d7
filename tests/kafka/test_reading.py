"""
Reading damaged data on a real broker's disk.

All undamaged records arrive, and each lost offset is reported once.
"""

import gzip
import struct
from contextlib import closing

import confluent_kafka
import pytest

from streams.contracts.record import Unreadable
from streams.kafka import records as reading
from streams.kafka.client import producer
from streams.kafka.codecs import LIMIT
from streams.kafka.login import librdkafka_login
from streams.settings import Settings
from tests.kafka.segments import Log, lost, record

FIELDS = {
    "a length that is too long": (8, struct.pack(">i", 1_000_000)),
    "a length that is too short": (8, struct.pack(">i", 5)),
    "a negative length": (8, struct.pack(">i", -5)),
    "a wrong length": (8, struct.pack(">i", 1_111)),
    "an offset that is too high": (0, struct.pack(">q", 1 << 20)),
    "an offset that is too low": (0, struct.pack(">q", 0)),
    "an unknown format": (16, b"\x09"),
    "an old format": (16, b"\x01"),
    "a last offset that is too high": (23, struct.pack(">i", 2_000_000_000)),
    "a negative last offset": (23, struct.pack(">i", -7)),
    "two billion records": (57, struct.pack(">i", 2_000_000_000)),
    "another codec": (22, b"\x03"),
    "nothing but zeros": (0, bytes(1_200)),
    "a flipped byte": (700, b"\xff"),
}


@pytest.mark.parametrize("start", [0, 6, 7])
@pytest.mark.parametrize("damage", FIELDS)
def test_a_damaged_batch_loses_its_own_offsets_only(settings: Settings, kafka: str, damage: str, start: int) -> None:
    """Reading starts at the beginning of the topic, at the damaged batch, or in the middle of the damaged batch."""
    log = Log(settings)
    log.write_batches(40)
    at, _, base = next(one for one in log.batches() if one[2] >= 6)
    following = next(first for _, _, first in log.batches() if first > base)
    place, data = FIELDS[damage]
    log.poke(at + place, data)

    found = log.read(start)

    assert [one.offset for one in found] == list(range(start, 120))
    if start == 0:
        assert lost(found) == list(range(base, following))
    else:
        assert set(range(max(base, start), following)) <= set(lost(found))


@pytest.mark.parametrize("which", [0, -1])
@pytest.mark.parametrize("damage", ["a negative length", "a flipped byte", "an old format", "nothing but zeros"])
def test_damage_at_an_end_of_the_topic_does_not_stop_the_reader(
    settings: Settings, kafka: str, damage: str, which: int
) -> None:
    log = Log(settings)
    log.write_batches(30)
    at, _, base = log.batches()[which]
    place, data = FIELDS[damage]
    log.poke(at + place, data)

    found = log.read()
    log.write([b"later"])

    assert [one.offset for one in found] == list(range(90))
    assert base in lost(found)
    assert [one.value for one in log.read(90)] == [b"later"]


def test_the_bytes_of_a_damaged_batch_are_kept_once(settings: Settings, kafka: str) -> None:
    log = Log(settings)
    log.write([b"one", b"two", b"three"])
    log.write([b"four"])
    at, length, _ = log.batches()[0]
    log.poke(at + length - 3, b"?")

    first, second, third, after = log.read()

    assert first.value == log.file.read_bytes()[at : at + length]
    assert [second.value, third.value, after.value] == [None, None, b"four"]
    assert "offset 0" in second.lacks


GARBAGE = {
    "gzip that is cut": (1, gzip.compress(record(0, b"x" * 3_000))[:-20]),
    "gzip that is none": (1, b"\x1f\x8b" + b"?" * 50),
    "snappy that is none": (2, b"\xff" * 60),
    "lz4 that is none": (3, b"\x04\x22\x4d\x18" + b"?" * 60),
    "zstd that is none": (4, b"?" * 60),
    "a codec of the future": (5, b"?" * 60),
    "a codec that cannot be": (7, b"?" * 60),
    "no records": (0, b"\xff" * 60),
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_with_a_right_crc_becomes_one_value_for_each_offset(
    settings: Settings, kafka: str, garbage: str
) -> None:
    codec, body = GARBAGE[garbage]
    log = Log(settings)
    log.craft(body, count=2, codec=codec)
    log.write([b"after"])

    found = log.read()

    assert lost(found) == [0, 1]
    assert found[2].value == b"after"
    assert body in found[0].value


def test_a_corrupt_record_within_a_good_batch_loses_only_itself(settings: Settings, kafka: str) -> None:
    bad = bytearray(record(1, b"bad"))
    bad[5] = 0x7E  # longer than the record
    log = Log(settings)
    log.craft(record(0, b"good") + bytes(bad) + record(2, b"good too"), count=3)

    found = log.read()

    assert lost(found) == [1]
    assert [found[0].value, found[2].value] == [b"good", b"good too"]
    assert found[1].value == bytes(bad)


@pytest.mark.parametrize("claimed", [-1, 0, 1, 2_000_000_000])
def test_an_absurd_number_of_records_is_not_believed(settings: Settings, kafka: str, claimed: int) -> None:
    log = Log(settings)
    log.craft(record(0, b"one") + record(1, b"two"), count=2, claimed=claimed)

    assert [one.value for one in log.read()] == [b"one", b"two"]


def test_two_records_that_claim_one_offset_are_not_both_believed(settings: Settings, kafka: str) -> None:
    log = Log(settings)
    log.craft(record(0, b"one") + record(0, b"again"), count=2)

    found = log.read()

    assert [one.offset for one in found] == [0, 1]
    assert lost(found) == [1]


def test_a_few_kilobytes_that_unpack_to_hundreds_of_megabytes_are_unreadable(settings: Settings, kafka: str) -> None:
    """
    After decompression, a batch of a few kilobytes is larger than the limit.

    Records within the limit are read, and the other records are reported. The memory of the process does not grow by
    a size that a sender merely claims.
    """
    zeros = b"\0" * (LIMIT // 4)
    packed = gzip.compress(record(0, b"first") + b"".join(record(number, zeros) for number in range(1, 6)))
    log = Log(settings)
    log.craft(packed, count=6, codec=1)

    found = log.read()

    assert [one.offset for one in found] == list(range(6))
    assert found[0].value == b"first"
    assert lost(found) == [4, 5]
    assert len(found[4].value) < 200_000


def test_very_many_lost_offsets_are_bounded(settings: Settings, kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MAX_UNREADABLE", 10)
    log = Log(settings)
    log.craft(b"\xff" * 8_000, count=1_000)
    log.write([b"after"])

    found = log.read()

    assert [one.offset for one in found] == [*range(10), 999, 1_000]
    assert "offsets 10 to 999" in found[10].lacks


def test_header_names_that_are_not_utf8_null_values_and_thousands_of_headers_are_read(
    settings: Settings, kafka: str
) -> None:
    log = Log(settings)
    sender = confluent_kafka.Producer({"bootstrap.servers": settings.bootstrap, **librdkafka_login(settings)})
    sender.produce(log.topic, b"many", headers=[(f"h{number}", None) for number in range(5_000)])
    sender.flush()
    log.craft(record(0, b"odd", b"\x02\x04\xff\xfe\x01"), count=1)

    many, odd = log.read()

    assert len(many.headers) == 5_000
    assert {value for _, value in many.headers} == {None}
    assert odd.headers == [("\udcff\udcfe", None)]


def test_a_million_headers_do_not_hold_up_the_others(settings: Settings, kafka: str) -> None:
    packed = gzip.compress(record(0, b"x", b"\x80\x89\x7a" + b"\0\1" * 1_000_000) + record(1, b"next"))
    log = Log(settings)
    log.craft(packed, count=2, codec=1)

    found = log.read()

    assert lost(found) == [0]
    assert found[1].value == b"next"


def test_a_tombstone_and_an_empty_value_are_read(settings: Settings, kafka: str) -> None:
    log = Log(settings)
    log.write([None, b""])

    assert [one.value for one in log.read()] == [None, b""]


@pytest.mark.parametrize(
    ("claimed", "read"),
    [
        (1_772_000_000_000, 1_772_000_000_000),
        (1_772_000_000, 1_772_000_000_000),
        (1_772_000_000_000_000, 1_772_000_000_000),
        (1_772_000_000_000_000_000, 1_772_000_000_000),
        (0, 0),
        (-1, 0),
        (-(2**62), 0),
        (2**63 - 1, 0),
        (300_000_000_000_000, 0),
    ],
)
def test_a_time_that_a_sender_made_up_can_be_used(settings: Settings, kafka: str, claimed: int, read: int) -> None:
    """
    Timestamps in seconds, microseconds and nanoseconds are recognised by their magnitude.

    A value that cannot be a time near the present is ignored.
    """
    log = Log(settings, **{"message.timestamp.type": "CreateTime"})
    log.craft(record(0, b"x" * 20), count=1, time_ms=claimed)

    assert [one.timestamp for one in log.read()] == [read]


def log_with_transactions(settings: Settings) -> Log:
    """A log with an aborted transaction and a committed transaction of the same producer."""
    log = Log(settings)
    with closing(producer(settings, transactional_id=f"t-{log.topic}")) as sender:
        sender.init_transactions()
        for value, ends in ((b"taken back", sender.abort_transaction), (b"said", sender.commit_transaction)):
            sender.begin_transaction()
            sender.send(log.topic, value=value)
            sender.flush()
            ends()
    return log


def test_aborted_transactions_and_their_marks_are_not_shown(settings: Settings, kafka: str) -> None:
    log = log_with_transactions(settings)

    assert [(one.offset, one.value) for one in log.read()] == [(2, b"said")]


def test_a_lost_mark_of_an_aborted_transaction_hides_nothing_that_comes_after(settings: Settings, kafka: str) -> None:
    """
    The marker at offset 1, which ends an aborted transaction, is damaged.

    The same producer's next transaction was committed, so its record must be read.
    """
    log = log_with_transactions(settings)
    at, length, base = log.batches()[1]
    log.poke(at + length - 1, b"\x77")

    found = log.read()

    assert base == 1
    assert [(one.offset, type(one) is Unreadable) for one in found] == [(1, True), (2, False)]


def test_result_for_an_offset_does_not_depend_on_where_reading_began(settings: Settings, kafka: str) -> None:
    log = Log(settings)
    log.write_batches(40)
    at, length, base = log.batches()[20]
    log.poke(at + length - 9, b"??")
    whole = log.read()

    for start in (base - 1, base + 1, base + 30):
        assert [one.offset for one in log.read(start)] == [one.offset for one in whole][start:]
        assert lost(log.read(start)) == [offset for offset in lost(whole) if offset >= start]
