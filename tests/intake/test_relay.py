"""Records of partners on their way to the lake: each exactly once, unchanged, and refused if they speak for others."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import confluent_kafka
import pytest
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.protocol.admin.client_quotas import AlterClientQuotasRequest

from streams import land, names
from streams.contracts import Reason
from streams.contracts.mark import MARK_HEADER, mark_of
from streams.errors import BrokerUnavailable, PartnerLeftOut
from streams.health.broker import ask_broker
from streams.health.lake import LakeReader
from streams.health.parts import groups
from streams.intake.relay import Relay
from streams.intake.run import PassedOn, run
from streams.kafka.client import admin, consumer
from streams.kafka.drain import whole
from streams.kafka.header_name import HeaderName
from streams.kafka.login import librdkafka_login
from streams.kafka.partners import partners
from streams.kafka.topics import ensure_topics
from streams.kafka.verbatim import Original
from streams.lake.connect import connect
from streams.land.replay import replay
from streams.land.verify import verify_offsets
from streams.settings import Settings
from streams.stack.broker_secrets import BROKER
from tests.kafka.senders import send_by_librdkafka, send_by_python
from tests.kafka.test_topics import alter
from tests.partners import POLICE, SCHOOL, contact

Send = Callable[..., None]
Rows = Callable[[str], list[tuple]]
LONG = {"message.max.bytes": 100_000_000}
STRUCTURED = ("content-type", b"application/cloudevents+json")
BATCH = ("content-type", b"application/cloudevents-batch+json")


def passed_on(settings: Settings, *topics: str) -> list:
    return [one for topic in topics or names.INPUT_TOPICS for one in whole(settings, [topic])]


def landed(settings: Settings, runs: int = 2) -> None:
    """Pass on and land everything: in the first run the records, in the next ones what `land` has sent itself."""
    run(settings, once=True)
    for _ in range(runs):
        land.run(settings, once=True)
    assert verify_offsets(settings).differences == []


def test_record_arrives_unchanged_and_in_order(own: Settings, send: Send) -> None:
    odd = [
        Original(b"F-1", contact(1), ()),
        Original(b"F-1", None, ()),
        Original(None, b"", (("empty", None), (HeaderName("\udcff\udcfe"), b"\xff"))),
        Original(b"F-1", contact(2) + b" " * 1_000_000, ()),
        Original(b"F-1", contact(3), tuple((f"h{number}", b"x") for number in range(10_000))),
        Original(b"\0\xff", b"\xff" * 10, ()),
        Original(b"F-1", contact(4), ()),
    ]
    send(*odd)

    assert run(own, once=True) == PassedOn(records=len(odd))
    found = sorted(passed_on(own), key=lambda one: int(mark_of(one.headers).record.split("/")[2]))
    assert [(one.key, one.value, tuple(one.headers[:-1])) for one in found] == [tuple(one) for one in odd]
    assert all(one.headers[-1][0] == MARK_HEADER and mark_of(one.headers).reason is None for one in found)
    family = [one.offset for one in found if one.key == b"F-1" and one.topic == names.REFERRAL]
    assert family == sorted(family)
    assert verify_offsets(own).differences  # nothing has landed yet
    landed(own)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_client_and_codec_is_read(own: Settings, codec: str) -> None:
    for number, client in enumerate((send_by_python, send_by_librdkafka)):
        records = [(b"F-1", contact(10 * number + one)) for one in range(10)]
        client(own.acting_as(POLICE.name), POLICE.topic, codec, records)
    landed(own)

    assert len(passed_on(own, names.REFERRAL)) == 20


FORGED = {
    "structured": Original(b"F-1", contact(source="/south/school"), ()),
    "another case": Original(b"F-1", contact(source="/North/Police"), ()),
    "a blank": Original(b"F-1", contact(source="/north/police "), ()),
    "a look-alike": Original(b"F-1", contact(source="/north/p\u043elice"), ()),
    "twice in one value": Original(b"F-1", b'{"source":"/north/police",' + contact(source="/south/school")[1:], ()),
    "escaped": Original(b"F-1", contact(source="/south/school").replace(b'"source"', b'"sourc\\u0065"'), ()),
    "in a header": Original(b"F-1", contact(), (("ce_source", b"/south/school"), STRUCTURED)),
    "in the value": Original(b"F-1", contact(source="/south/school"), (("ce_source", b"/north/police"), STRUCTURED)),
    "too long": Original(b"F-1", contact(source="/south/school") + b" " * 300_000, ()),
    "in a batch": Original(None, b"[%s,%s]" % (contact(1), contact(2, source="/south/school")), (BATCH,)),
    "as a replay": Original(b"F-1", contact(), (("caf-replay-of", b"caf.referral.v1/0/0"),)),
    "as passed on": Original(b"F-1", contact(), ((MARK_HEADER, b'{"record":"x/0/0/id"}'),)),
}
BINARY = [(f"ce_{name}", str(value).encode()) for name, value in json.loads(contact()).items() if name != "data"]
DATA = json.dumps(json.loads(contact())["data"]).encode()


def binary(source: bytes, *more: tuple[str, bytes]) -> Original:
    headers = [(name, source if name == "ce_source" else value) for name, value in BINARY]
    return Original(b"F-1", DATA, (*headers, ("content-type", b"application/json"), *more))


FORGED |= {"binary": binary(b"/south/school"), "two headers": binary(b"/north/police", ("CE_SOURCE", b"/south/school"))}


def test_forged_source_is_refused_kept_and_reported(own: Settings, send: Send, rows: Rows) -> None:
    send(*FORGED.values(), contact(7), binary(b"/north/custody"))
    send(contact(8, source="/south/school"), partner=SCHOOL.name, topic=SCHOOL.topic)
    landed(own)

    assert rows("SELECT event_source, count(*) FROM landing.main.events GROUP BY ALL ORDER BY ALL") == [
        ("/north/custody", 1),
        ("/north/police", 1),
        ("/south/school", 1),
    ]
    kept = rows(
        "SELECT reason, split_part(inbound_record, '/', 1), record_value FROM landing.main.quarantine "
        "ORDER BY split_part(inbound_record, '/', 3)::INTEGER"
    )
    assert kept == [(Reason.FORGED_SOURCE, POLICE.topic, one.value) for one in FORGED.values()]
    assert rows("SELECT DISTINCT reason FROM landing.main.dead_letters") == [(Reason.FORGED_SOURCE,)]
    asked = ask_broker(own, dict(groups(own).values()))
    assert asked.committed[names.INTAKE_GROUP] == {(POLICE.topic, 0): len(FORGED) + 2, (SCHOOL.topic, 0): 1}
    with connect(own) as lake:
        assert LakeReader().read(lake).forged == {POLICE.topic: len(FORGED)}


def test_forged_record_is_sent_again_only_knowingly(own: Settings, send: Send, rows: Rows) -> None:
    """An operator who has learnt that the source is the partner's can let the record in."""
    send(contact(source="/north/new"), FORGED["as a replay"])
    landed(own)

    assert replay(own).sent == 0
    assert replay(own, reason=Reason.FORGED_SOURCE).sent == 1
    landed(own)
    assert rows("SELECT event_source, replay_of IS NOT NULL FROM landing.main.events") == [("/north/new", True)]


def test_what_the_contract_rejects_is_rejected_as_before(own: Settings, send: Send, rows: Rows) -> None:
    send(
        b"no JSON",
        contact(type="uk.caf.referral.x.v1"),
        contact(type="x"),
        contact(data={}),
        contact() + b" " * 300_000,
    )
    landed(own)

    found = rows("SELECT reason, topic FROM landing.main.quarantine ORDER BY split_part(inbound_record, '/', 3)::INT")
    assert found == [
        ("not_json", names.ESCALATION),
        ("unknown_type", names.REFERRAL),
        ("unknown_type", names.ESCALATION),
        ("schema", names.REFERRAL),
        ("too_large", names.REFERRAL),
    ]


def test_batch_may_hold_events_of_several_topics(own: Settings, send: Send, rows: Rows) -> None:
    level = contact(2, type="uk.caf.escalation.escalation-reported.v1")
    send(Original(None, b"[%s,%s]" % (contact(1), level), (BATCH,)))
    landed(own, runs=3)

    assert len(passed_on(own, names.REFERRAL)) == 2
    assert len(passed_on(own, names.ESCALATION)) == 1


def test_record_that_is_much_too_long_is_refused_and_kept(own: Settings, send: Send, rows: Rows) -> None:
    """The first is kept whole. The second is short for its sender's compression, but too long for that of the relay."""
    blank = contact(0, source="/south/school") + b" " * 5_000_000
    far_apart = (Random(1).randbytes(300_000) + bytes(2_500_000)) * 4
    send(blank)
    login = {**librdkafka_login(own.acting_as(POLICE.name)), "bootstrap.servers": own.bootstrap}
    client = confluent_kafka.Producer(login | {"compression.type": "zstd", "compression.level": 12} | LONG)
    client.produce(POLICE.topic, far_apart)
    assert client.flush(60) == 0
    send(contact(1))
    landed(own)

    assert rows("SELECT count(*) FROM landing.main.events") == [(1,)]
    kept = rows("SELECT reason, octet_length(record_value) FROM landing.main.quarantine ORDER BY ALL")
    assert kept == [("too_large", 1_024), ("too_large", len(blank))]
    assert replay(own).sent == 0


def test_large_keys_of_one_partner_hold_up_nobody(own: Settings, send: Send, rows: Rows) -> None:
    """A key of a megabyte is a few dozen bytes long in a compressed batch."""
    login = {**librdkafka_login(own.acting_as(POLICE.name)), "bootstrap.servers": own.bootstrap}
    client = confluent_kafka.Producer(login | {"compression.type": "zstd"} | LONG)
    client.produce(POLICE.topic, contact(1), b"F-1")
    for number in range(200):
        client.produce(POLICE.topic, contact(2 + number), bytes(1_000_000))
    assert client.flush(60) == 0
    send(contact(0, source="/south/school"), partner=SCHOOL.name, topic=SCHOOL.topic)
    landed(own)

    assert rows("SELECT event_source FROM landing.main.events ORDER BY ALL") == [("/north/police",), ("/south/school",)]
    kept = rows("SELECT reason, topic, octet_length(record_key), count(*) FROM landing.main.quarantine GROUP BY ALL")
    assert kept == [("too_large", names.REFERRAL, 256, 200)]


def test_bomb_is_passed_on_without_what_it_hides(own: Settings, send: Send, rows: Rows) -> None:
    """The longest record that a batch may hold, and one that is too long to be unpacked."""
    login = {**librdkafka_login(own.acting_as(POLICE.name)), "bootstrap.servers": own.bootstrap}
    client = confluent_kafka.Producer(login | {"compression.type": "zstd", "message.max.bytes": 1_000_000_000})
    for size in (120_000_000, 140_000_000):
        client.produce(POLICE.topic, bytes(size))
        assert client.flush(60) == 0
    send(contact(1))
    landed(own)

    assert rows("SELECT count(*) FROM landing.main.events") == [(1,)]
    kept = rows("SELECT reason, octet_length(record_value) < 20000 FROM landing.main.quarantine ORDER BY reason")
    assert kept == [("too_large", True), ("unreadable_batch", True)]


def test_broker_that_takes_little_at_a_time_gets_little_at_a_time(own: Settings, send: Send) -> None:
    """With this quota, all records together would take longer than a transaction may."""
    noise = Random(1)
    send(*(contact(number, note=noise.randbytes(4_000).hex()) for number in range(200)))
    limit_producer(own, "intake", 60_000)
    try:
        assert run(own, once=True).records == 200
    finally:
        limit_producer(own, "intake", None)
    assert len(passed_on(own)) == 200


def test_deleted_and_recreated_inbound_topics_are_accounted_for(own: Settings, send: Send, rows: Rows) -> None:
    send(*(contact(number) for number in range(200)))
    with closing(admin(own)) as client:
        client.delete_records({TopicPartition(POLICE.topic, 0): 150})
    landed(own)
    assert rows("SELECT reason, count(*) FROM landing.main.quarantine GROUP BY ALL") == [("deleted_unread", 101)]
    assert verify_offsets(own).lost == 150

    with closing(admin(own)) as client:
        client.delete_topics([POLICE.topic])
        while POLICE.topic in client.list_topics():
            time.sleep(0.05)
    ensure_topics(own)
    send(contact(201))
    landed(own)
    assert rows("SELECT count(*) FROM landing.main.events") == [(51,)]


def test_lost_and_doubled_records_of_partners_are_found(own: Settings, send: Send) -> None:
    send(contact(0), contact(1))
    landed(own)
    with closing(consumer(own, group_id=names.INTAKE_GROUP)) as client:
        place = TopicPartition(POLICE.topic, 0)
        client.commit({place: OffsetAndMetadata(1, "", -1)})
        run(own, once=True)
        send(contact(2), contact(3))
        client.commit({place: OffsetAndMetadata(3, "", -1)})
    run(own, once=True)
    land.run(own, once=True)

    found = [(gap.topic, gap.first, gap.what) for gap in verify_offsets(own).differences]
    assert found == [(POLICE.topic, 1, "doubled"), (POLICE.topic, 2, "missing")]


def test_relay_that_was_overtaken_passes_on_nothing(own: Settings, send: Send) -> None:
    """Of two processes, Kafka refuses the one that began first. So a paused process doubles nothing."""
    early = Relay(own.acting_as("intake"), partners(own))
    send(contact())
    with closing(Relay(own.acting_as("intake"), partners(own))) as late:
        with closing(early), pytest.raises(BrokerUnavailable, match=r"Fenced|Epoch"):
            eventually(lambda: not early.turn())
        while not late.passed_on:
            late.turn()
    landed(own)

    assert len(passed_on(own)) == 1


def test_running_relay_takes_on_a_new_partner_and_survives_a_mistake(own: Settings, send: Send) -> None:
    table = Path(own.partners)
    whole_table = table.read_text()
    table.write_text("".join(whole_table.splitlines(keepends=True)[:2]))
    send(contact(1, source="/south/school"), partner=SCHOOL.name, topic=SCHOOL.topic)
    stop = threading.Event()
    thread = threading.Thread(target=run, args=[own], kwargs={"until": stop.is_set})
    thread.start()
    try:
        send(contact(2))
        eventually(lambda: len(passed_on(own)) == 1)
        table.write_text("a mistake")
        time.sleep(2)
        send(contact(3))
        eventually(lambda: len(passed_on(own)) == 2)
        table.write_text(whole_table)
        eventually(lambda: len(passed_on(own)) == 3)
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def forget(settings: Settings) -> None:
    """Let Kafka forget what intake has committed, as it does some days after the last commit."""
    with closing(admin(settings)) as client:
        client.delete_groups([names.INTAKE_GROUP])


def test_relay_keeps_the_places_of_partners_that_send_nothing(
    own: Settings, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka forgets an offset some days after it was committed. So a relay commits all offsets again and again."""

    def committed() -> dict[tuple[str, int], int] | None:
        return ask_broker(own, dict(groups(own).values())).committed[names.INTAKE_GROUP]

    monkeypatch.setattr("streams.intake.relay._KEEP_SECONDS", 0.0)
    send(contact(1))
    with closing(Relay(own.acting_as("intake"), partners(own))) as relay:
        at_the_start = committed()
        eventually(lambda: relay.turn() and relay.passed_on == 1)
        forget(own)
        relay.turn()

        assert at_the_start == {(POLICE.topic, 0): 0, (SCHOOL.topic, 0): 0}
        assert committed() == {(POLICE.topic, 0): 1, (SCHOOL.topic, 0): 0}


def test_topic_of_which_kafka_forgot_how_far_it_was_read_is_left_out(own: Settings, send: Send, rows: Rows) -> None:
    """Otherwise the records of a month would be passed on once more. The other partner's records are passed on."""
    send(contact(1))
    landed(own)
    forget(own)
    send(contact(2))
    send(contact(3, source="/south/school"), partner=SCHOOL.name, topic=SCHOOL.topic)
    with pytest.raises(PartnerLeftOut, match=rf"how far {POLICE.topic} was read; in the lake, its last record is 0"):
        run(own, once=True)
    assert len(passed_on(own)) == 2

    with closing(consumer(own, group_id=names.INTAKE_GROUP)) as client:
        client.commit({TopicPartition(POLICE.topic, 0): OffsetAndMetadata(1, "", -1)})
    landed(own)
    assert rows("SELECT count(*) FROM landing.main.events") == [(3,)]


def test_topic_that_has_lost_its_end_is_left_out(own: Settings, send: Send) -> None:
    send(contact(1))
    landed(own)
    with closing(consumer(own, group_id=names.INTAKE_GROUP)) as client:
        client.commit({TopicPartition(POLICE.topic, 0): OffsetAndMetadata(7, "", -1)})

    with pytest.raises(PartnerLeftOut, match=rf"{POLICE.topic} ends at 1, but its records up to 7 have been passed on"):
        run(own, once=True)
    assert len(passed_on(own)) == 1


def test_topic_that_goes_back_while_it_is_read_ends_the_relay(own: Settings, send: Send) -> None:
    send(contact(1), contact(2))
    with closing(Relay(own.acting_as("intake"), partners(own))) as relay:
        eventually(lambda: relay.turn() and relay.passed_on == 2)
        relay._consumer.seek(TopicPartition(POLICE.topic, 0), 0)
        eventually(lambda: not relay.turn())

        assert relay.passed_on == 2


def test_partner_without_a_fit_topic_is_left_out(own: Settings, send: Send) -> None:
    """On a cluster that somebody else runs, intake may not create topics, and a topic may have other settings."""
    with closing(admin(own)) as client:
        client.delete_topics([SCHOOL.topic])
        while SCHOOL.topic in client.list_topics():
            time.sleep(0.05)
    send(contact(1))
    as_intake = own.acting_as("intake")
    with pytest.raises(PartnerLeftOut, match=rf"{SCHOOL.topic} is missing: './caf init' creates it"):
        run(as_intake, once=True)
    assert len(passed_on(own)) == 1

    ensure_topics(own)
    alter(own, SCHOOL.topic, **{"cleanup.policy": "compact"})
    with pytest.raises(PartnerLeftOut, match=rf"{SCHOOL.topic} has cleanup.policy=compact"):
        run(as_intake, once=True)
    land.run(own, once=True)  # reads no inbound topic


def test_records_of_a_partner_whose_line_is_gone_are_reported(own: Settings, send: Send) -> None:
    """Somebody has deleted a line, or the table is not there after a move to another host."""
    send(contact(1))
    run(own, once=True)
    gone = replace(own, partners="")
    assert ask_broker(gone, {}).troubles == []

    send(contact(2), contact(3))
    (trouble,) = ask_broker(gone, {}).troubles
    assert f"2 records wait on {POLICE.topic}, which belongs to no line of the table of partners" in trouble


def limit_producer(settings: Settings, user: str, rate: int | None) -> None:
    """Let the broker take only so many bytes a second from a user, or as many as it can."""
    entry = ([("user", user)], [("producer_byte_rate", float(rate or 0), rate is None)])

    async def ask(client: KafkaAdminClient) -> None:
        answer = await client._manager.send(AlterClientQuotasRequest(entries=[entry], validate_only=False))
        assert [one.error_code for one in answer.entries] == [0]

    with closing(admin(settings.acting_as(BROKER))) as client:
        client._manager.run(ask, client)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
