"""Which alerts the topic speaks of beyond what has landed of it."""

from collections.abc import Mapping

from kafka import TopicPartition

from streams import names
from streams.lake.lives import numbered_consumer
from streams.settings import Settings
from streams.watch.publish import alert_of

__all__ = ["said_since"]


def said_since(settings: Settings, offsets: Mapping[int, int]) -> set[str]:
    """
    Alerts of which a version is on the topic from the offset of its partition on; partitions not given are read whole.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    reader = numbered_consumer(settings, [names.ALERTS])
    try:
        ends = reader.end_offsets(reader.assignment())
        for partition, offset in offsets.items():
            reader.seek(TopicPartition(names.ALERTS, partition), offset)
        said = set()
        while any(reader.position(partition) < end for partition, end in ends.items()):
            records = (record for batch in reader.poll(timeout_ms=500).values() for record in batch)
            said |= {alert.alert_id for record in records if (alert := alert_of(record.value)) is not None}
        return said
    finally:
        reader.close()
