"""Alerts in the form in which the watcher publishes them, on a real broker."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from streams.alerts.publisher import Publisher
from streams.alerts.trial import trial_alert
from streams.contracts.outputs import Alert, Recipient
from streams.settings import Settings

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def an_alert() -> Callable[..., Alert]:
    """A function that makes an alert about a separate family."""

    def make(number: int, version: int = 1, **changed: object) -> Alert:
        alert = trial_alert(f"a-{number}", NOW, NOW)
        usual = {
            "test": False,
            "version": version,
            "rule": "adult_returns",
            "severity": "red",
            "family_id": f"F-{number}",
            "area": "birkenhead",
            "recipients": [Recipient("duty", "birkenhead")],
            "case_url": f"https://cases.example/F-{number}",
        }
        return msgspec.structs.replace(alert, **(usual | changed))

    return make


@pytest.fixture
def publish(settings: Settings, fresh_topics: str) -> Iterator[Callable[..., None]]:
    """A function that publishes alert versions, in order, on an empty alerts topic."""
    publisher = Publisher(settings)
    yield lambda *alerts: publisher.alerts(alerts)
    publisher.close()


@pytest.fixture
def group() -> str:
    """
    A new consumer group. Each test needs a new group, because the broker keeps a group's offsets when a topic is
    recreated.
    """
    return f"desk-{uuid4().hex[:8]}"
