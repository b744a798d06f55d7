"""What a watcher takes from the lake, and what it does when Kafka no longer has it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from kafka import TopicPartition
from msgspec import structs

from streams import names
from streams.contracts import Accepted
from streams.kafka.client import admin, end_offsets
from streams.land.lander import run as land
from streams.route.router import Router
from streams.route.routes import read_routes
from streams.rules.engine import Engine
from streams.watch.alert_book import Cause
from streams.watch.judge import Judge
from streams.watch.landed_alerts import read_landed_alerts
from streams.watch.restore import load_lake
from streams.watch.run import run

CAUSE = Cause(lambda place: datetime.now(UTC), datetime.now(UTC))


@pytest.fixture
def judge(rules):
    engine = Engine(rules)
    yield Judge(engine, Router("E08000015", read_routes()), "{family_id}")
    engine.close()


def now_minus(**ago: float) -> datetime:
    return datetime.now(UTC) - timedelta(**ago)


def forget_inputs(settings) -> None:
    """Delete every record of the input topics, as retention does."""
    client = admin(settings)
    client.delete_records(end_offsets(settings, names.INPUT_TOPICS))
    client.close()


def test_lake_gives_what_was_never_judged(judge, watch_settings, referral, send):
    """Landed events beyond the judged offsets come back; the topics go on after the last landed record."""
    send(referral(1), referral(2), (names.REFERRAL, b"F-1", b"not json"))
    land(watch_settings, once=True)
    ends = end_offsets(watch_settings, names.INPUT_TOPICS)
    partition = next(one for one, end in ends.items() if end)
    offsets, unjudged = load_lake(watch_settings, judge, {partition: 1}, lambda: None)

    assert offsets == {TopicPartition(*partition): 3}
    assert [event.identity[1] for event in unjudged if isinstance(event, Accepted)] == ["r-2"]
    assert [event.offset for event in unjudged if not isinstance(event, Accepted)] == [2]
    assert len(judge.history) == 2


def test_binary_event_and_events_of_a_batch_come_back_from_the_lake(judge, watch_settings, referral, send):
    """Of an event in binary mode the lake has the whole; of a batch nobody is told that it is unreadable."""
    _, key, value = referral(1)
    event = json.loads(value)
    data = json.dumps(event.pop("data")).encode()
    send((names.REFERRAL, key, data, [(f"ce_{name}", str(text).encode()) for name, text in event.items()]))
    send((names.REFERRAL, key, b"[%s,%s]" % (referral(2)[2], referral(3)[2])))
    land(watch_settings, once=True)
    land(watch_settings, once=True)
    _, unjudged = load_lake(watch_settings, judge, {}, lambda: None)

    assert sorted(event.fact.referral_id for event in judge.history.load(["F-1"])) == ["R-1", "R-2", "R-3"]
    assert [record.reason for record in unjudged if not isinstance(record, Accepted)] == ["batch"]


def test_missing_lake_is_no_obstacle(judge, watch_settings):
    """A lake that holds nothing yet leaves everything to the topics."""
    assert load_lake(watch_settings, judge, {}, lambda: None) == ({}, [])


def test_landed_record_is_found_under_its_name(judge, watch_settings, referral, send):
    """A correction, or another event of that name, changes what stands of it."""
    send(referral(1), referral(2))
    land(watch_settings, once=True)
    load_lake(watch_settings, judge, {}, lambda: None)
    stored = next(event for event in judge.history.load(["F-1"]) if event.root[1] == "r-1")
    judge.remember(structs.replace(stored, offset=9))

    assert [event.offset for event in judge.history.of_same_name(stored)] == [stored.offset, stored.offset, 9]


def test_history_beyond_retention_is_judged(watch_settings, project, referral, send, alerts):
    """Kafka has forgotten the first referral and the second was landed while nobody watched: it is a re-referral."""
    send(referral(1, at=now_minus(hours=3)))
    run(watch_settings, for_seconds=2, project=project)
    send(referral(2, at=now_minus(hours=2)))
    land(watch_settings, once=True)
    forget_inputs(watch_settings)
    run(watch_settings, for_seconds=2, project=project)

    assert [(alert.rule, alert.anchor_id) for alert in alerts()] == [("re_referral", "r-2")]


def test_large_referral_is_judged_whatever_the_limit_is_later(watch_settings, project, referral, send, alerts):
    """Admitted under a larger setting, it is history also for a watcher that starts under a smaller one."""
    larger = replace(watch_settings, max_record_bytes=900_000)
    send(referral(1, at=now_minus(hours=3), remarks="x" * 600_000))
    run(larger, for_seconds=2, project=project)
    landed = land(larger, once=True)
    forget_inputs(watch_settings)
    send(referral(2, at=now_minus(hours=2)), referral(3, family="F-2", remarks="x" * 600_000))
    run(watch_settings, until=alerts, for_seconds=60, project=project)
    raised = {(alert.rule, alert.anchor_id) for alert in alerts() if alert.entity_kind == "family"}

    assert (landed.events, landed.rejected) == (1, 0)
    assert raised == {("re_referral", "r-2")}
    assert land(watch_settings, once=True).rejected == 1


def test_alerts_that_kafka_has_lost_are_known_from_the_lake(watch_settings, project, referral, send, alerts):
    """What was said stays said: only the alert on the new referral is published."""
    send(referral(1, at=now_minus(hours=3)), referral(2, at=now_minus(hours=2)))
    run(watch_settings, until=alerts, for_seconds=60, project=project)
    before = {alert.anchor_id for alert in alerts()}
    land(watch_settings, once=True)
    client = admin(watch_settings)
    client.delete_records(end_offsets(watch_settings, [names.ALERTS]))
    client.close()
    send(referral(3, at=now_minus(hours=1)))
    run(watch_settings, until=alerts, for_seconds=60, project=project)

    assert before == {"r-2"}
    assert {alert.anchor_id for alert in alerts()} == {"r-3"}


def test_landed_alert_is_the_published_one(judge, watch_settings, project, referral, send, alerts):
    """Read from the lake, an alert has the number that its newest version on the topic has."""
    send(referral(1, at=now_minus(hours=3)), referral(2, at=now_minus(hours=2)))
    run(watch_settings, until=alerts, for_seconds=60, project=project)
    land(watch_settings, once=True)
    [published] = alerts()

    assert read_landed_alerts(watch_settings, judge.book) == 1
    assert judge.book.versions() == {published.alert_id: published.version}
    assert judge.book.changes([published], [("family", "F-1")], {published.rule}, CAUSE, handled={}) == []
    assert read_landed_alerts(watch_settings, judge.book) == 0
