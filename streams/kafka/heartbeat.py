"""The watcher's newest heartbeat on its topic."""

from contextlib import closing
from datetime import datetime

from streams import names
from streams.contracts.checks import arrived_at
from streams.contracts.output_envelope import Output, decode_output
from streams.contracts.outputs import Heartbeat
from streams.kafka.client import consumer
from streams.kafka.drain import until
from streams.settings import Settings

__all__ = ["last_heartbeat"]


def last_heartbeat(settings: Settings) -> tuple[Heartbeat, datetime] | None:
    """
    Return the newest heartbeat, and the time at which the broker received it; None if there has been no heartbeat.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(consumer(settings, [names.HEARTBEAT])) as reader:
        found: tuple[Heartbeat, datetime] | None = None
        for partition, end in reader.end_offsets(reader.assignment()).items():
            reader.seek(partition, max(0, end - 1))
            for record in until(reader, {partition: end}):
                if isinstance(output := decode_output(record), Output) and isinstance(output.data, Heartbeat):
                    found = output.data, arrived_at(record.timestamp)
        return found
