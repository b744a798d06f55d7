"""
Tests the path from an event to an alert. To ask for a test alert, an event acknowledges an alert that cannot exist.

The event is valid and lands like any other event. It is about no family and changes no figure. Between them, the event
and the test alert pass through the broker, the contract, the rule engine and the alerts topic.
"""

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TypeGuard
from uuid import uuid4

import msgspec

from streams import names
from streams.alerts.answer import Answer
from streams.contracts.codesets import AlertStatus, Severity
from streams.contracts.escalation import AlertAcknowledged
from streams.contracts.event import Event
from streams.contracts.outputs import Alert
from streams.errors import WatchSilent
from streams.kafka.sending import send_one
from streams.settings import Settings

__all__ = ["is_trial", "run_trial", "trial_alert"]

_PREFIX = "test-"
_SOURCE = "/caf/test"


def is_trial(fact: Event | None) -> TypeGuard[AlertAcknowledged]:
    """Return whether an event asks for a test alert."""
    return isinstance(fact, AlertAcknowledged) and fact.family_id is None and fact.alert_id.startswith(_PREFIX)


def trial_alert(alert_id: str, received_at: datetime, now: datetime) -> Alert:
    """Return the test alert that answers a request for one. It is marked as a test."""
    return Alert(
        alert_id=alert_id,
        version=1,
        rule="test",
        rule_version=1,
        profile_version="-",
        severity=Severity.GREEN,
        status=AlertStatus.OPEN,
        entity_kind="test",
        entity_id=alert_id,
        reason="A test of the path from an event to an alert; it is about nobody.",
        evidence=[],
        anchor_source=_SOURCE,
        anchor_id=alert_id,
        anchored_at=received_at,
        clears_when="It needs nothing.",
        occurred_at=received_at,
        received_at=received_at,
        raised_at=now,
        test=True,
    )


def run_trial(settings: Settings, timeout_seconds: float = 30) -> float:
    """
    Send a request for a test alert, and wait until the alert arrives on the alerts topic.

    Returns:
        Seconds from sending the request to reading the alert.

    Raises:
        WatchSilent: no test alert came within `timeout_seconds`.
        BrokerUnavailable: no broker answers.
    """
    alert_id = f"{_PREFIX}{uuid4().hex}"
    with closing(Answer(settings, alert_id)) as answer:
        started = time.monotonic()
        _request(settings, alert_id)
        if answer.wait(timeout_seconds) is None:
            raise WatchSilent(f"no test alert came back within {timeout_seconds:.0f} s; is './caf watch' running?")
        return time.monotonic() - started


def _request(settings: Settings, alert_id: str) -> None:
    event = {
        "specversion": "1.0",
        "id": alert_id,
        "source": _SOURCE,
        "type": AlertAcknowledged.type,
        "time": datetime.now(UTC),
        "authority": settings.authority,
        "data": AlertAcknowledged(alert_id=alert_id, worker_id="caf-test"),
    }
    send_one(settings, names.ESCALATION, alert_id, msgspec.json.encode(event))
