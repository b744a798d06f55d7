"""
Topics that were recreated, and records that Kafka deleted.

The watcher must not skip a child, and must not report records as lost that are not lost.
"""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from kafka import TopicPartition

from streams import names
from streams.alerts.publisher import Publisher
from streams.contracts.outputs import Heartbeat
from streams.kafka import client as kafka_client
from streams.kafka.client import admin, end_offsets, producer
from streams.kafka.heartbeat import last_heartbeat
from streams.lake import generations as lake_lives
from streams.lake.connect import connect
from streams.land import run as land
from streams.land.verify import verify_offsets
from streams.watch import beginning
from streams.watch.even_reader import EvenReader
from streams.watch.run import Watched, run
from tests.kafka.test_topics import STAMPED, make
from tests.watch.test_run import until


@pytest.fixture(autouse=True)
def _is_soon_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten waiting times. A single broker always knows all its topics, and `land` does not run in these tests."""
    monkeypatch.setattr(lake_lives, "_SURE_SECONDS", 0.0)
    monkeypatch.setattr(kafka_client, "_METADATA_MS", 500)
    monkeypatch.setattr(beginning, "_LANDER_SECONDS", 1)


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def place_of(settings) -> TopicPartition:
    """The only partition of the referral topic that contains records."""
    return next(place for place, end in end_offsets(settings, [names.REFERRAL]).items() if end)


def delete(settings, place: TopicPartition, before: int) -> None:
    with closing(admin(settings)) as client:
        client.delete_records({place: before})


def test_recreated_topic_is_evaluated_before_it_lands(watch_settings, project, referral, send, alerts) -> None:
    """
    The watcher reads the recreated topic first and decides the offsets under which its records are numbered.

    `land` uses the same offsets afterwards.
    """
    send(referral(1, at=ago(hours=3)))
    run(watch_settings, until=lambda: evaluated(watch_settings, 1), project=project)
    land(watch_settings, once=True)
    make(watch_settings, names.REFERRAL, watch_settings.partitions, **STAMPED)
    send(*(referral(number, at=ago(hours=2)) for number in range(2, 5)))
    run(watch_settings, until=lambda: evaluated(watch_settings, 5), project=project)

    place = place_of(watch_settings)
    judged_anew = {("re_referral", f"r-{number}") for number in range(2, 5)}
    lost = {("unreadable_report", f"{place.partition}/1")}
    assert {(alert.rule, alert.anchor_id) for alert in alerts()} == judged_anew | lost
    land(watch_settings, once=True)
    land(watch_settings, once=True)
    with connect(watch_settings, marts=None) as lake:
        found = lake.execute("SELECT kafka_offset, event_id FROM landing.main.events ORDER BY ALL").fetchall()
    assert found == [(0, "r-1"), (2, "r-2"), (3, "r-3"), (4, "r-4")]
    assert last_heartbeat(watch_settings)[0].offsets[names.REFERRAL][place.partition] == 5
    assert verify_offsets(watch_settings).differences == []


def test_running_watcher_takes_on_a_recreated_topic(watch_settings, project, referral, send, alerts) -> None:
    with watching(watch_settings, project):
        send(referral(1, at=ago(hours=3)), referral(2, "F-2", at=ago(hours=3)))
        until(lambda: evaluated(watch_settings, 2))
        make(watch_settings, names.REFERRAL, watch_settings.partitions, **STAMPED)
        send(*(referral(number, f"F-{1 + number % 2}", at=ago(hours=2)) for number in range(3, 9)))
        until(lambda: {alert.family_id for alert in alerts()} >= {"F-1", "F-2"})


def test_lost_records_raise_red_alerts_and_landed_ones_do_not(
    watch_settings, watch_once, referral, send, alerts
) -> None:
    """Kafka deleted four records before the watcher evaluated them. Two of the four records are in the lake."""
    send(*(referral(number, at=ago(hours=1), severity="red") for number in range(1, 3)))
    land(watch_settings, once=True)
    send(*(referral(number, at=ago(hours=1)) for number in range(3, 6)))
    place = place_of(watch_settings)
    delete(watch_settings, place, before=4)
    watch_once()

    lost = {alert.entity_id for alert in alerts() if alert.rule == "unreadable_report"}
    assert lost == {f"{names.REFERRAL}/{place.partition}/{offset}" for offset in (2, 3)}
    assert "deleted_unread" in next(alert.reason for alert in alerts() if alert.rule == "unreadable_report")
    land(watch_settings, once=True)
    watch_once()
    assert {alert.entity_id for alert in alerts() if alert.rule == "unreadable_report"} == lost


def test_watcher_that_lags_reads_deleted_records_from_the_lake(
    watch_settings, project, referral, send, alerts, monkeypatch
) -> None:
    held, goes_on = threading.Event(), threading.Event()
    poll = EvenReader.poll

    def slow(self, timeout_ms: int) -> list:
        if held.is_set():
            goes_on.wait(60)
        return poll(self, timeout_ms)

    monkeypatch.setattr(EvenReader, "poll", slow)
    with watching(watch_settings, project) as watched:
        send(referral(1, at=ago(hours=3)))
        until(lambda: evaluated(watch_settings, 1))
        place = place_of(watch_settings)
        held.set()
        with closing(producer(watch_settings, linger_ms=0)) as sender:
            for number in range(2, 2_000):
                family = "F-1" if number == 1_900 else f"G-{number}"
                topic, key, value = referral(number, family, remarks="x" * 3_000)
                sender.send(topic, key=key, value=value, partition=place.partition)
        land(watch_settings, once=True)
        delete(watch_settings, place, before=1_990)
        held.clear()
        goes_on.set()
        until(lambda: "r-1900" in {alert.anchor_id for alert in alerts()})

    assert watched.terms == 2
    assert "unreadable_report" not in {alert.rule for alert in alerts()}


def test_topic_that_has_lost_its_end_is_evaluated_again(watch_settings, project, referral, send, alerts) -> None:
    """
    A heartbeat covers more offsets than the topic has, as after an unclean leader election.

    The records that the topic still has are evaluated again.
    """
    send(referral(1, at=ago(hours=3)), referral(2, at=ago(hours=2)))
    offsets = {topic: [9] * watch_settings.partitions for topic in names.INPUT_TOPICS}
    with closing(Publisher(watch_settings)) as publisher:
        publisher.heartbeat(Heartbeat(leader="before", as_of=ago(hours=1), offsets=offsets))
    run(watch_settings, until=alerts, for_seconds=60, project=project)

    assert {alert.anchor_id for alert in alerts()} == {"r-2"}


@pytest.fixture
def watch_once(watch_settings):
    """Runs a watcher with the real rules until it has published everything."""

    def once() -> None:
        before = last_heartbeat(watch_settings)
        run(watch_settings, until=lambda: last_heartbeat(watch_settings) != before and evaluated(watch_settings, 5))

    return once


class watching:  # noqa: N801  (used like a statement: `with watching(...)`)
    """Runs a watcher in a thread of this process, for as long as the `with` block lasts."""

    def __init__(self, settings, project) -> None:
        self._settings, self._project, self._stop, self._watched = settings, project, threading.Event(), Watched()

    def __enter__(self) -> Watched:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self._watched

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        done = run(self._settings, until=self._stop.is_set, project=self._project)
        self._watched.terms = done.terms


def evaluated(settings, records: int) -> bool:
    """Whether a heartbeat covers at least the given number of referral records."""
    found = last_heartbeat(settings)
    return found is not None and sum(found[0].offsets[names.REFERRAL]) >= records
