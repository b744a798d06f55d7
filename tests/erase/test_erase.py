"""After an erasure, no store has anything about the erased family, and everything about others stands as before."""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest
from kafka import OffsetAndMetadata, TopicPartition

from streams import names
from streams.alerts.follow import newest
from streams.contracts.output_envelope import encode_output
from streams.contracts.outputs import FEEDBACK_TYPE, PARTNER_NOTICE_TYPE, Feedback, PartnerNotice
from streams.erase.records import Records
from streams.erase.run import erase, preview
from streams.erase.subject import Subject
from streams.errors import ErasureInvalid, ErasureUnfinished, ErasureWaits
from streams.kafka.client import consumer
from streams.kafka.drain import to_end
from streams.kafka.topics import differences
from streams.lake.connect import catalog_dsn, connect
from streams.land import run as land
from streams.land.verify import verify_offsets
from streams.marts.reconcile import reconcile
from streams.tell.subscribers.dead_letters import DeadLetters
from tests.built import quick_build
from tests.erase.conftest import ADULT, CHILD, FAMILY, GONE, SECRET, STAYING
from tests.lake.files import rows_in_files

NOW = datetime.now(UTC)
PARTNER = names.PARTNER_TOPICS["school"]


def letter(word: str) -> tuple[str, str, bytes]:
    data = Feedback(
        referral_id=f"R-{word}", letter_id=f"l-{word}", version=1, feedback_kind="outcome", source_code="6",
        decided_at=NOW, sentences=[f"We have received R-{word}."],
    )  # fmt: skip
    value = encode_output(FEEDBACK_TYPE, source="/caf/feedback", identity=f"l-{word}/1", time=NOW, data=data)
    return names.FEEDBACK, f"l-{word}", value


def notice(family: str, alert_id: str) -> tuple[str, str, bytes]:
    data = PartnerNotice(
        alert_id=alert_id, version=1, status="open", partner="school", message="Please call.", family_id=family,
        sharing_purpose="safeguarding", sharing_basis="vital_interests", policy_version="sharing-1",
    )  # fmt: skip
    value = encode_output(PARTNER_NOTICE_TYPE, source="/caf/share", identity=f"{alert_id}/1", time=NOW, data=data)
    return PARTNER, alert_id, value


def plant(council) -> None:
    """Records about both families in every topic, and records that name both."""
    marker = {"marker_kind": "domestic_abuse", "marker_role": "source_of_risk", "marker_basis": "convicted"}
    council.send(*council.story(FAMILY, GONE), *council.story(STAYING, "stay5086"))
    council.send(
        council.event(
            "risk-marker-set", topic=names.CASE_CHANGE, hours=20, person_id=ADULT, marker_id="M-1", **marker,
            marker_families=[FAMILY, STAYING],
        ),
        council.event(
            "escalation-reported", topic=names.ESCALATION, hours=3, family_id=STAYING, escalation_id="X-stay5086",
            escalation_kind="domestic_abuse_incident", severity="red", source_code="2A", person_ids=[ADULT, CHILD],
            remark=f"The neighbour said {SECRET}.",
        ),
        (names.REFERRAL, FAMILY, f'{{"broken": "{FAMILY}", "text": "{SECRET}"'.encode()),
        (names.REFERRAL, STAYING, b'{"broken": "F-stay5086", "text": "stays"'),
        (names.CASE_CHANGE, "x", f'{{"escaped": "F-\\u0067{GONE[1:]}", "text": "{SECRET}"}}'.encode()),
        letter(GONE),
        letter("stay5086"),
    )  # fmt: skip


def plant_about_alerts(council) -> None:
    """What people and parts write once there are alerts: actions, notices, and an alert that nobody accepted."""
    by_family = {alert.family_id: alert for alert in council.alerts()}
    acts = {"topic": names.ESCALATION, "hours": 0.01, "worker_id": "W-1", "note": SECRET, "about": GONE}
    gone, stays = by_family[FAMILY], by_family[STAYING]
    council.send(
        council.event("alert-acknowledged", **acts, alert_id=gone.alert_id, family_id=FAMILY),
        notice(FAMILY, gone.alert_id),
        notice(STAYING, stays.alert_id),
    )
    with closing(DeadLetters(council.settings, "desk")) as letters:
        letters.add(gone, "no answer")
        letters.add(stays, "no answer")
    (council.settings.home / "logs").mkdir(exist_ok=True)
    (council.settings.home / "logs" / "some.log").write_text(f"before\nfailed for {FAMILY}\nafter\n")


def files(council) -> Iterator[Path]:
    for root in (council.settings.home, Path(council.settings.lake_folder)):
        for folder, _, found in os.walk(root):
            yield from (Path(folder) / name for name in found)


def holding(council, *words: str) -> list[str]:
    """The files of the home in whose bytes one of the words is."""
    wanted = [word.encode() for word in words]
    found = []
    for file in files(council):
        try:
            content = file.read_bytes()
        except OSError:
            continue
        if any(word in content for word in wanted):
            found.append(str(file))
    return found


def readable(council) -> Iterator[tuple[str, str]]:
    """The content of all topics, all Parquet files and all tables in PostgreSQL, as text. Files may be compressed."""
    for topic in (*names.LANDED_TOPICS, names.ALERTS_CURRENT, names.NOTIFY_DEAD_LETTER, *names.PARTNER_TOPICS.values()):
        for key, value in council.topic(topic):
            yield topic, f"{key!r} {value!r}"
    yield from rows_in_files(council.settings)
    with closing(psycopg2.connect(catalog_dsn(council.settings))) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname <> 'information_schema'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} AS t")
            yield from ((table, row[0]) for row in cursor.fetchall())
            if table.endswith((".alerts", ".outbox")):
                cursor.execute(f"SELECT encode(alert, 'escape') FROM {table}")
                yield from ((table, row[0]) for row in cursor.fetchall())


def ask(council, query: str) -> list[tuple]:
    with connect(council.settings, marts=None) as lake:
        return lake.execute(query).fetchall()


STAYING_ROWS = f"""
    SELECT topic, kafka_partition, kafka_offset, event_id, content_id, payload FROM landing.main.events
    WHERE family_id = '{STAYING}' AND escalation_id IS NULL
"""


def fall_behind(council, group: str, family: str) -> None:
    """Let a subscriber stand at the beginning of the partition with the alerts of a family."""
    with closing(consumer(council.settings, [names.ALERTS], group_id=group)) as reader:
        place = next(TopicPartition(one.topic, one.partition) for one in to_end(reader) if one.key == family.encode())
        reader.commit({place: OffsetAndMetadata(0, "", -1)})


@pytest.mark.slow
def test_an_erased_family_is_in_no_store_and_others_stand_as_before(council, patience):
    """
    The family and its child go. Records that also name others keep them, and reconcile finds no difference.

    Before that, a legal hold and a subscriber that has not read everything stop the erasure. Held marts interrupt it.
    """
    settings, records = council.settings, Records(council.settings)
    with council.running():
        plant(council)
        patience(lambda: {FAMILY, STAYING} <= {alert.family_id for alert in council.alerts()})
        plant_about_alerts(council)
        patience(lambda: not verify_offsets(settings).differences)
        quick_build(settings)
        before, rows = newest(council.alerts()), ask(council, STAYING_ROWS)
        gone = sorted(one.alert_id for one in before.values() if one.family_id == FAMILY)
        assert len(holding(council, GONE, *gone)) > 10
        erasure = records.approve(records.request([FAMILY], [CHILD], "asked for by the family", "anna").id, "ben")
        records.hold(STAYING, "court case", "dora")
        with pytest.raises(ErasureInvalid, match="court case"):
            erase(settings, erasure)
        records.release(STAYING)
        fall_behind(council, "slow", FAMILY)
        with pytest.raises(ErasureWaits, match="slow"):
            erase(settings, erasure, patience=2)
        assert council.alerts() != []
        with pytest.raises(ErasureUnfinished, match="too few rows"):
            erase(settings, erasure, without=["slow"], holds=lambda _: ["too few rows"])
        left = erase(settings, records.get(erasure.id), without=["slow"])
        patience(lambda: not verify_offsets(settings).differences)
        patience(lambda: quick_build(settings).snapshot.is_watched)
        found = reconcile(settings)
    land(settings, once=True)  # the last heartbeats
    verified = verify_offsets(settings)
    words = [GONE, *gone]
    after = {one for (one,) in ask(council, "SELECT alert_id FROM landing.main.alerts")}

    assert left == []
    assert [where for where, text in readable(council) if any(word in text for word in words)] == []
    assert holding(council, *words) == []
    assert (verified.differences, verified.lost) == ([], 0)
    assert found.differences == []
    assert {one.alert_id for one in before.values() if one.family_id == STAYING} <= after
    assert set(rows) <= set(ask(council, STAYING_ROWS))
    assert [str(one) for one in differences(settings)] == []
    assert preview(settings, Subject.of([FAMILY], [CHILD])).counts == {"changed": 0}
    # Markers replace ids. A risk marker with an empty list of families would be about every family.
    ((persons,),) = ask(council, "SELECT person_ids FROM landing.main.events WHERE escalation_id = 'X-stay5086'")
    ((families,),) = ask(council, "SELECT marker_families FROM landing.main.events WHERE marker_id = 'M-1'")
    assert (persons[0], persons[1][:7]) == (ADULT, "erased-")
    assert (families[0][:7], families[1]) == ("erased-", STAYING)
    assert [key for key, _ in council.topic(names.FEEDBACK) if key != b"erased"] == [b"l-stay5086"]
    assert len([key for key, _ in council.topic(PARTNER) if key != b"erased"]) == 1
    assert len([key for key, _ in council.topic(names.NOTIFY_DEAD_LETTER) if key != b"erased"]) == 1
