"""Reads alerts from their topic: those published so far, and those that are published from now on."""

from collections.abc import Callable, Iterator

from streams import names
from streams.alerts.publisher import alert_of
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer
from streams.settings import Settings

__all__ = ["follow"]

_POLL_MS = 500


def follow(
    settings: Settings, *, history: bool = True, stop_at_end: bool = False, until: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Alert, int]]:
    """
    Versions of alerts, each with the time at which the broker received it (milliseconds since 1970).

    Args:
        history: begin with the oldest version; otherwise with the next one that is published.
        stop_at_end: end with the newest version that is there now.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    reader = consumer(settings, [names.ALERTS])
    try:
        ends = reader.end_offsets(reader.assignment())
        if not history:
            for partition, end in ends.items():
                reader.seek(partition, end)
        while not until() and not (stop_at_end and all(reader.position(one) >= end for one, end in ends.items())):
            for records in reader.poll(timeout_ms=_POLL_MS).values():
                for record in records:
                    if (alert := alert_of(record.value)) is not None:
                        yield alert, record.timestamp
    finally:
        reader.close()
