"""Reads alerts from their topic: the versions published so far, and those published from now on."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from streams import names
from streams.alerts.publisher import alert_of
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer
from streams.kafka.drain import is_past, polled, skip_to_end
from streams.settings import Settings

__all__ = ["follow", "newest"]


def follow(
    settings: Settings, *, history: bool = True, stop_at_end: bool = False, until: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Alert, int]]:
    """
    Yield versions of alerts, each with the time at which the broker received it (milliseconds since 1970).

    Args:
        history: if true, begin with the oldest version; otherwise, with the next version that is published.
        stop_at_end: end after the newest version that is on the topic when the call begins.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(consumer(settings, [names.ALERTS])) as reader:
        ends = reader.end_offsets(reader.assignment())
        if not history:
            skip_to_end(reader)
        while not until() and not (stop_at_end and is_past(reader, ends)):
            for record in polled(reader):
                if (alert := alert_of(record.value)) is not None:
                    yield alert, record.timestamp


def newest(versions: Iterable[Alert]) -> dict[str, Alert]:
    """
    Return the newest version of each alert, by alert id.

    If two versions have the same number, return the one that was published first, which is also the one that a
    subscriber keeps.
    """
    found: dict[str, Alert] = {}
    for alert in versions:
        if alert.alert_id not in found or found[alert.alert_id].version < alert.version:
            found[alert.alert_id] = alert
    return found
