"""A running `watch` reads added partitions and recreated topics without a restart."""

from datetime import UTC, datetime, timedelta

import pytest

from streams import names
from streams.kafka import client as kafka_client
from streams.kafka.client import producer
from streams.kafka.heartbeat import last_heartbeat
from streams.lake import generations as lake_lives
from streams.watch import beginning
from tests.kafka.test_growth import grow
from tests.kafka.test_topics import STAMPED, make
from tests.watch.test_run import judged_everything, until


@pytest.fixture
def _asks_often(monkeypatch) -> None:
    monkeypatch.setattr(kafka_client, "_METADATA_MS", 500)
    monkeypatch.setattr(lake_lives, "_SURE_SECONDS", 0.0)
    monkeypatch.setattr(beginning, "_LANDER_SECONDS", 0)


@pytest.mark.usefixtures("_asks_often")
def test_family_on_an_added_partition_gets_its_alert(watch_settings, watched, referral, send, alerts):
    """The partition's records are read from its beginning, and the heartbeat covers the new partition."""
    now = datetime.now(UTC)
    send(referral("a-1", "F-1", at=now - timedelta(hours=2)), referral("a-2", "F-1", at=now - timedelta(hours=1)))
    until(lambda: {alert.family_id for alert in alerts()} == {"F-1"})
    grow(watch_settings, *names.INPUT_TOPICS, names.ALERTS, to=watch_settings.partitions + 2)
    sender = producer(watch_settings)
    for one in (referral("b-1", "F-2", at=now - timedelta(hours=2)), referral("b-2", "F-2", at=now)):
        sender.send(one[0], key=one[1], value=one[2], partition=watch_settings.partitions + 1)
    sender.close()

    until(lambda: {alert.family_id for alert in alerts()} == {"F-1", "F-2"})
    until(lambda: last_heartbeat(watch_settings)[0].offsets[names.REFERRAL][watch_settings.partitions + 1 :] == [2])
    assert len({(alert.alert_id, alert.version) for alert in alerts()}) == len(alerts())


@pytest.mark.usefixtures("_asks_often")
def test_recreated_topic_is_read_from_its_beginning(watch_settings, watched, referral, send, alerts):
    now = datetime.now(UTC)
    pair = [referral(f"a-{number}", "F-1", at=now - timedelta(hours=5 - number)) for number in range(4)]
    send(*pair)
    until(lambda: {alert.family_id for alert in alerts()} == {"F-1"})
    until(lambda: judged_everything(watch_settings))
    make(watch_settings, names.REFERRAL, watch_settings.partitions, **STAMPED)
    send(*(referral(f"b-{number}", "F-1", at=now - timedelta(hours=5 - number)) for number in range(6)))
    send(*(referral(f"c-{number}", "F-2", at=now - timedelta(hours=5 - number)) for number in range(2)))

    # Records of the deleted topic that never landed raise an alert that names no family.
    until(lambda: {alert.family_id for alert in alerts()} == {"F-1", "F-2", None})
    until(lambda: judged_everything(watch_settings))
