"""Every version that the publisher reports as published is durable."""

import os
import signal
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest
from kafka.admin import ConfigResource
from kafka.errors import KafkaError

from streams import names
from streams.alerts import publisher as publisher_module
from streams.alerts.publisher import Publisher
from streams.contracts.outputs import Heartbeat
from streams.errors import BrokerUnavailable
from streams.kafka.client import admin
from streams.stack import processes
from tests.watch.test_outbox import alert


def test_version_that_the_compacted_topic_refuses_is_not_called_published(watch_settings):
    """The version is missing on the compacted topic, so a new subscriber would never read it."""
    with closing(admin(watch_settings)) as client:
        client.alter_configs([ConfigResource("TOPIC", names.ALERTS_CURRENT, {"max.message.bytes": "100"})])
    with closing(Publisher(watch_settings)) as publisher, pytest.raises(KafkaError):
        publisher.alerts([alert(1)])


def beat_on(publisher: Publisher, beat: Heartbeat, times: int) -> None:
    for _ in range(times):
        publisher.heartbeat(beat)
        time.sleep(0.2)


def test_broker_that_acknowledges_no_heartbeat_counts_as_away(watch_settings, monkeypatch):
    """A watcher that is cut off from the broker notices this although it has nothing to publish."""
    monkeypatch.setattr(publisher_module, "_UNHEARD_SECONDS", 1.0)
    beat = Heartbeat(leader="one", as_of=datetime.now(UTC), offsets={})
    broker = processes.find(watch_settings.home, "kafka")
    with closing(Publisher(watch_settings)) as publisher:
        beat_on(publisher, beat, 10)
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            with pytest.raises(BrokerUnavailable, match="no heartbeat"):
                beat_on(publisher, beat, 50)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
