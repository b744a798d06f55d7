"""What a watcher reads from the lake, and how the watcher works when Kafka has deleted the records."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2

from streams import names
from streams.kafka.client import admin, end_offsets
from streams.lake.connect import catalog_dsn
from streams.land import run as land
from streams.watch.run import run
from tests.watch.test_run import judged_everything


def now_minus(**ago: float) -> datetime:
    return datetime.now(UTC) - timedelta(**ago)


def forget_inputs(settings) -> None:
    """Delete every record of the input topics, as Kafka's retention does."""
    client = admin(settings)
    client.delete_records(end_offsets(settings, names.INPUT_TOPICS))
    client.close()


def lose_state(settings) -> None:
    """Drop the watcher's tables, as after an upgrade, or as in a database that was restored without these tables."""
    with closing(psycopg2.connect(catalog_dsn(settings))) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA watch CASCADE")


def test_tables_filled_from_the_lake_equal_those_from_the_topics(watch_settings, project, referral, event, send):
    """
    The tables hold events in both CloudEvents modes, the ids that events name, and links between persons.

    The tables also hold unreadable records, alerts and deadlines.
    """
    _, key, value = referral(1, at=now_minus(hours=3))
    binary = json.loads(value)
    data = json.dumps(binary.pop("data")).encode()
    send((names.REFERRAL, key, data, [(f"ce_{name}", str(text).encode()) for name, text in binary.items()]))
    send(referral(2, at=now_minus(hours=2), person_ids=["P-1"]), (names.REFERRAL, b"F-1", b"not json"))
    link = {"linked_person_id": "P-2", "link_basis": "same_number"}
    send(event("persons-linked", topic=names.CASE_CHANGE, person_id="P-1", **link))
    send(event("household-joined", topic=names.CASE_CHANGE, family_id="F-2", person_id="P-2", household_role="child"))
    send(event("address-changed", topic=names.CASE_CHANGE, person_id="P-2", address_id="A-1"))
    run(watch_settings, until=lambda: judged_everything(watch_settings), for_seconds=60, project=project)
    before = tables(watch_settings)
    land(watch_settings, once=True)
    lose_state(watch_settings)
    run(watch_settings, until=lambda: tables(watch_settings) == before, for_seconds=60, project=project)

    assert tables(watch_settings) == before
    assert all(before.values())


def tables(settings) -> dict[str, list]:
    """The content of the watcher's tables, without the values that depend on whether Kafka or the lake was read."""
    columns = {
        "events": "topic, kafka_partition, kafka_offset, record_key, received_at, root_id, fact, family_id, person_ids",
        "quarantine": "topic, kafka_partition, kafka_offset, reason",
        "members": "*",
        "person_addresses": "*",
        "identities": "*",
        "alerts": "alert_id, place, version, since, inherits, alert",
        "deadlines": "*",
        "offsets": "topic, kafka_partition, CASE WHEN topic LIKE '%.alert%' THEN 0 ELSE next_offset END",
    }
    found = {}
    with closing(psycopg2.connect(catalog_dsn(settings))) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('watch.events')")
        if cursor.fetchone() == (None,):
            return {}
        for table, wanted in columns.items():
            cursor.execute(f"SELECT {wanted} FROM watch.{table}")
            found[table] = sorted((tuple(map(_plain, row)) for row in cursor), key=str)
    return found


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def test_history_beyond_retention_is_evaluated(watch_settings, project, referral, send, alerts):
    """
    Kafka has deleted the first referral. The second referral landed while no watcher ran.

    Together the two referrals raise a re-referral alert.
    """
    send(referral(1, at=now_minus(hours=3)))
    run(watch_settings, until=lambda: judged_everything(watch_settings), for_seconds=60, project=project)
    send(referral(2, at=now_minus(hours=2)))
    land(watch_settings, once=True)
    forget_inputs(watch_settings)
    run(watch_settings, until=alerts, for_seconds=60, project=project)

    assert [(alert.rule, alert.anchor_id) for alert in alerts()] == [("re_referral", "r-2")]


def test_large_referral_is_evaluated_under_a_smaller_limit_later(watch_settings, project, referral, send, alerts):
    """
    A large record was accepted under a larger size limit.

    A watcher that starts under a smaller limit still reads this record as history.
    """
    larger = replace(watch_settings, max_record_bytes=900_000)
    send(referral(1, at=now_minus(hours=3), remarks="x" * 600_000))
    run(larger, until=lambda: judged_everything(watch_settings), for_seconds=60, project=project)
    landed = land(larger, once=True)
    forget_inputs(watch_settings)
    send(referral(2, at=now_minus(hours=2)), referral(3, family="F-2", remarks="x" * 600_000))
    run(watch_settings, until=alerts, for_seconds=60, project=project)
    raised = {(alert.rule, alert.anchor_id) for alert in alerts() if alert.entity_kind == "family"}

    assert (landed.events, landed.rejected) == (1, 0)
    assert raised == {("re_referral", "r-2")}
    assert land(watch_settings, once=True).rejected == 1


def test_lake_that_cannot_be_read_is_waited_for(watch_settings, project, referral, send, alerts):
    """Without the landed records, the family would have only one referral, and its alert would be withdrawn."""
    send(referral(1, at=now_minus(hours=3)), referral(2, at=now_minus(hours=2)))
    run(watch_settings, until=alerts, for_seconds=60, project=project)
    land(watch_settings, once=True)
    forget_inputs(watch_settings)
    lose_state(watch_settings)
    send(referral(3, "F-2", at=now_minus(hours=1)))
    folder = Path(watch_settings.lake_folder)
    away = folder.rename(folder.with_name("away"))
    run(watch_settings, for_seconds=5, project=project)
    assert [alert.version for alert in alerts()] == [1]

    away.rename(folder)
    run(watch_settings, until=lambda: judged_everything(watch_settings), for_seconds=60, project=project)
    assert [(alert.anchor_id, alert.status, alert.version) for alert in alerts()] == [("r-2", "open", 1)]
    assert {row[3] for row in tables(watch_settings)["events"]} == {"F-1", "F-2"}


def test_alerts_that_kafka_has_lost_are_known_from_the_lake(watch_settings, project, referral, send, alerts):
    """
    The alert that was already published is not published again. Only the alert about the new referral is published.
    """
    send(referral(1, at=now_minus(hours=3)), referral(2, at=now_minus(hours=2)))
    run(watch_settings, until=alerts, for_seconds=60, project=project)
    before = {alert.anchor_id for alert in alerts()}
    land(watch_settings, once=True)
    client = admin(watch_settings)
    client.delete_records(end_offsets(watch_settings, [names.ALERTS]))
    client.close()
    lose_state(watch_settings)
    send(referral(3, at=now_minus(hours=1)))
    run(watch_settings, until=alerts, for_seconds=60, project=project)

    assert before == {"r-2"}
    assert {alert.anchor_id for alert in alerts()} == {"r-3"}
