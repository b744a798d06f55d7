"""The compacted topic: what stands, and for a while what has ended."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streams import names
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer
from streams.watch.alert_book import AlertBook
from streams.watch.current import CurrentAlerts
from streams.watch.publish import Publisher, alert_of
from streams.watch.restore import until
from streams.watch.trial import trial_alert

NOW = datetime.now(UTC)
WEEK = timedelta(days=7)


def alert(number: int, status: str = "open", *, version: int = 1, ago: timedelta = timedelta(0)) -> Alert:
    raised = NOW - ago
    made = trial_alert(f"{number:032x}", raised, raised)
    return msgspec.structs.replace(made, test=False, status=status, version=version)


@pytest.fixture
def held(watch_settings):
    """Reads the versions that a new subscriber finds, by the alert's number."""

    def read() -> dict[int, int]:
        reader = consumer(watch_settings, [names.ALERTS_CURRENT])
        found = {}
        for record in until(reader, reader.end_offsets(reader.assignment())):
            value = alert_of(record.value)
            found[int(record.key, 16)] = value and value.version
        reader.close()
        return {number: version for number, version in found.items() if version}

    return read


@pytest.fixture
def publisher(watch_settings):
    publisher = Publisher(watch_settings)
    yield publisher
    publisher.close()


def current(settings, publisher, *alerts) -> CurrentAlerts:
    book = AlertBook()
    for one in alerts:
        book.record(one)
    return CurrentAlerts(settings, book, publisher)


def test_ended_alert_leaves_after_a_week_and_no_other(watch_settings, publisher, held):
    """What ended yesterday, what stands for months, and what opened again stay."""
    ended, recent = alert(1, "closed", ago=WEEK), alert(2, "cleared", ago=timedelta(days=1))
    standing, again = alert(3, ago=timedelta(days=90)), alert(4, "open", version=2)
    publisher.alerts([ended, recent, standing, alert(4, "closed", ago=WEEK), again])
    assert held() == {1: 1, 2: 1, 3: 1, 4: 2}

    at = current(watch_settings, publisher, ended, recent, standing, again)
    for one in (ended, recent, standing, alert(4, "closed", ago=WEEK), again):
        at.note(one)
    assert at.retire(NOW) == 1
    assert held() == {2: 1, 3: 1, 4: 2}

    assert at.retire(NOW + timedelta(days=6, seconds=1)) == 1
    assert held() == {3: 1, 4: 2}


def test_restart_mends_what_a_crash_left_out_of_step(watch_settings, publisher, held):
    """A version that reached one topic and not the other, and an end that nobody took off, are made good."""
    old = alert(5, "withdrawn", ago=2 * WEEK)
    publisher.current([alert(6), old])
    at = current(watch_settings, publisher, alert(6, version=2), alert(7), old, alert(8, "closed", ago=2 * WEEK))
    at.restore(NOW)

    assert held() == {6: 2, 7: 1}


def test_test_alerts_are_on_no_list_of_what_stands(watch_settings, publisher, held):
    publisher.alerts([trial_alert(f"{9:032x}", NOW, NOW)])
    current(watch_settings, publisher, trial_alert(f"{9:032x}", NOW, NOW)).restore(NOW)

    assert held() == {}


def test_days_are_a_setting(watch_settings, publisher, held):
    publisher.alerts([ended := alert(10, "closed", ago=timedelta(hours=2))])
    at = current(replace(watch_settings, ended_alert_days=1 / 24), publisher, ended)
    at.restore(NOW)

    assert held() == {}
