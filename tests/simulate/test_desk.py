"""The simulated desk on a real broker."""

import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from streams import names
from streams.alerts.publisher import Publisher
from streams.contracts import Accepted, decode
from streams.contracts.escalation import AlertAcknowledged, AlertClosed
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer
from streams.kafka.drain import until
from streams.settings import Settings
from streams.simulate import desk
from streams.simulate.desk import Desk

ALERTS = 30


def alert(number: int, **given: object) -> Alert:
    now = datetime.now(UTC)
    told = {
        "alert_id": f"{number:032x}", "version": 1, "rule": "adult_returns", "rule_version": 1, "profile_version": "d",
        "severity": "red", "status": "open", "entity_kind": "family", "entity_id": f"F-{number}",
        "family_id": f"F-{number}", "reason": "", "evidence": [], "anchor_source": "/test", "anchor_id": f"e-{number}",
        "anchored_at": now, "clears_when": "", "occurred_at": now, "received_at": now, "raised_at": now,
    }  # fmt: skip
    return Alert(**told | given)


def done(settings: Settings) -> list[object]:
    reader = consumer(settings, [names.ESCALATION])
    records = list(until(reader, reader.end_offsets(reader.assignment())))
    reader.close()
    events = [decode(record) for record in records]
    return [event.fact for event in events if isinstance(event, Accepted)]


def test_the_desk_takes_on_most_red_alerts_and_closes_some(
    settings: Settings, fresh_topics: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The desk acts at most once on each alert, and never on alerts of history or tests. The contract accepts every
    action.
    """
    monkeypatch.setattr(desk, "_SECONDS_TO_TAKE_ON", 0.1)
    monkeypatch.setattr(desk, "_SECONDS_TO_CLOSE", 0.1)
    with Desk(settings, 1) as watched:
        time.sleep(3)
        publisher = Publisher(settings)
        publisher.alerts(alert(number) for number in range(ALERTS))
        publisher.alerts([alert(ALERTS, backfill=True), alert(ALERTS + 1, test=True)])
        publisher.close()
        patience = time.monotonic() + 30
        while time.monotonic() < patience and len(done(settings)) < ALERTS * 0.75:
            time.sleep(0.5)
    assert not watched.is_alive()
    facts = done(settings)
    taken_on = Counter(fact.alert_id for fact in facts if isinstance(fact, AlertAcknowledged))
    closed = Counter(fact.alert_id for fact in facts if isinstance(fact, AlertClosed))

    assert set(taken_on.values()) == {1}
    assert 0.6 * ALERTS <= len(taken_on) <= ALERTS
    assert closed
    assert set(closed.values()) == {1}
    assert set(closed) <= set(taken_on)
    assert set(taken_on) <= {f"{number:032x}" for number in range(ALERTS)}
