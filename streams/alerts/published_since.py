"""Finds the alerts that have newer versions on the topic than in the lake."""

from collections.abc import Mapping
from contextlib import closing

from kafka import TopicPartition

from streams import names
from streams.alerts.publisher import alert_of
from streams.kafka.drain import to_end
from streams.lake.generations import numbered_consumer
from streams.settings import Settings

__all__ = ["published_since"]


def published_since(settings: Settings, offsets: Mapping[int, int]) -> set[str]:
    """
    Return the ids of alerts that have a version on the topic at or after the given offsets.

    Args:
        offsets: the first offset to read in each partition. A partition that is not given is read from its beginning.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(numbered_consumer(settings, [names.ALERTS])) as reader:
        for partition, offset in offsets.items():
            reader.seek(TopicPartition(names.ALERTS, partition), offset)
        alerts = (alert_of(record.value) for record in to_end(reader))
        return {alert.alert_id for alert in alerts if alert is not None}
