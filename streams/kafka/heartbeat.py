"""The watcher's last sign of life, as its topic has it."""

from contextlib import closing
from datetime import datetime

from kafka import TopicPartition

from streams import names
from streams.contracts.checks import arrived_at
from streams.contracts.outputs import Heartbeat
from streams.contracts.published import Output, decode_output
from streams.kafka.client import consumer
from streams.settings import Settings

__all__ = ["input_offsets", "last_heartbeat"]


def last_heartbeat(settings: Settings) -> tuple[Heartbeat, datetime] | None:
    """
    The newest heartbeat and when the broker took it; None when there has been none.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(consumer(settings, [names.HEARTBEAT])) as reader:
        found = None
        for partition, end in reader.end_offsets(reader.assignment()).items():
            reader.seek(partition, max(0, end - 1))
            while reader.position(partition) < end:
                for record in (one for records in reader.poll(timeout_ms=500).values() for one in records):
                    if isinstance(output := decode_output(record), Output):
                        found = output.data, arrived_at(record.timestamp)
        return found


def input_offsets(heartbeat: Heartbeat) -> dict[TopicPartition, int]:
    """Up to where a heartbeat says that the input topics have been judged."""
    return {
        TopicPartition(topic, number): offset
        for topic in names.INPUT_TOPICS
        for number, offset in enumerate(heartbeat.offsets.get(topic, []))
    }
