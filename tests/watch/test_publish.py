"""Every version that the publisher reports as published is durable."""

from contextlib import closing

import pytest
from kafka.admin import ConfigResource
from kafka.errors import KafkaError

from streams import names
from streams.alerts.publisher import Publisher
from streams.kafka.client import admin
from tests.watch.test_outbox import alert


def test_version_that_the_compacted_topic_refuses_is_not_called_published(watch_settings):
    """The version is missing on the compacted topic, so a new subscriber would never read it."""
    with closing(admin(watch_settings)) as client:
        client.alter_configs([ConfigResource("TOPIC", names.ALERTS_CURRENT, {"max.message.bytes": "100"})])
    with closing(Publisher(watch_settings)) as publisher, pytest.raises(KafkaError):
        publisher.alerts([alert(1)])
