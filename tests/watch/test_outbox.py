"""
Publishing from the outbox to the topics: each alert version is sent once.

The compacted topic holds open alerts and alerts that ended recently.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streams import names
from streams.alerts.alert_book import AlertBook
from streams.alerts.publisher import Publisher, alert_of
from streams.alerts.trial import trial_alert
from streams.contracts.outputs import Alert
from streams.errors import LockTaken
from streams.kafka.client import consumer
from streams.kafka.drain import until
from streams.settings import Settings
from streams.watch.outbox import Outbox
from streams.watch.state.state import State

NOW = datetime.now(UTC)
WEEK = timedelta(days=7)


def alert(number: int, status: str = "open", *, version: int = 1, ago: timedelta = timedelta(0)) -> Alert:
    raised = NOW - ago
    made = trial_alert(f"{number:032x}", raised, raised)
    return msgspec.structs.replace(made, test=False, status=status, version=version)


@pytest.fixture
def held(watch_settings: Settings) -> Callable[[], dict[int, int]]:
    """Reads the alert versions that a new subscriber finds. The result maps the alert's number to the version."""

    def read() -> dict[int, int]:
        with closing(consumer(watch_settings, [names.ALERTS_CURRENT])) as reader:
            found = {}
            for record in until(reader, reader.end_offsets(reader.assignment())):
                value = alert_of(record.value)
                found[int(record.key, 16)] = value and value.version
        return {number: version for number, version in found.items() if version}

    return read


@pytest.fixture
def outbox(watch_settings: Settings, state: State) -> Iterator[Outbox]:
    with closing(Publisher(watch_settings)) as publisher:
        yield Outbox(state, publisher, WEEK)


def decide(state: State, *alerts: Alert) -> None:
    """Record alerts in the outbox, as the watcher does."""
    book = AlertBook()
    state.alerts.save(list(map(book.record, alerts)), send=True)


def test_versions_are_sent_once_and_in_order(state: State, outbox: Outbox, alerts: Callable[[], list]) -> None:
    decide(state, alert(1), alert(2), alert(1, version=2))

    assert outbox.send()
    assert outbox.send() == {}
    assert outbox.sent == 3
    assert [(one.alert_id[-1], one.version) for one in alerts() if one.alert_id == alert(1).alert_id] == [
        ("1", 1),
        ("1", 2),
    ]


def test_version_that_is_on_its_topic_as_decided_is_not_decided_again(state: State) -> None:
    """An alert must be decided again only if the topic has a version with the same number but other content."""
    decide(state, alert(1), alert(2))
    heard = msgspec.structs.replace(alert(2), severity="red")

    assert state.alerts.sent([alert(1), heard, alert(3)]) == [alert(2)]
    assert state.alerts.sent([alert(1), alert(2)]) == []
    assert state.alerts.waiting(10) == []


def test_only_ended_alerts_leave_after_a_week(state: State, outbox: Outbox, held: Callable) -> None:
    """
    Three kinds of alerts stay: an alert that ended yesterday, an alert open for months, and an alert opened again.
    """
    decide(state, alert(1, "closed", ago=WEEK), alert(2, "cleared", ago=timedelta(days=1)))
    decide(state, alert(3, ago=timedelta(days=90)), alert(4, "closed", ago=WEEK))
    decide(state, alert(4, "open", version=2))
    outbox.send()
    assert held() == {1: 1, 2: 1, 3: 1, 4: 2}

    outbox.retire(NOW)
    assert held() == {2: 1, 3: 1, 4: 2}

    outbox.retire(NOW + timedelta(days=6, seconds=1))
    assert held() == {3: 1, 4: 2}


def test_test_alerts_are_not_among_the_current_alerts(state: State, outbox: Outbox, held: Callable) -> None:
    decide(state, trial_alert(f"{9:032x}", NOW, NOW))
    outbox.send()

    assert held() == {}


def test_watcher_of_a_past_term_writes_nothing(state: State) -> None:
    state.session.command("UPDATE watch.term SET number = number + 1")

    with pytest.raises(LockTaken), state.writing():
        decide(state, alert(1))
