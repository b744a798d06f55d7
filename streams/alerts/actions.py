"""What people at desks do, written as events: acknowledge or close an alert, take this back, or open a family."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from streams import names
from streams.contracts import Accepted, decode
from streams.contracts.check import check
from streams.contracts.codesets import AlertClosure, WithdrawalReason
from streams.contracts.envelope import Withdrawal
from streams.contracts.escalation import AlertAcknowledged, AlertClosed, OpenedInEmergency
from streams.contracts.outputs import Alert
from streams.errors import ActionInvalid, ActionUnknown
from streams.kafka.drain import whole
from streams.kafka.sending import send_one
from streams.settings import Settings

__all__ = ["acknowledge", "close", "open_in_emergency", "take_back"]

SOURCE = "/caf/desk"
"""CloudEvents source of actions that people take with `./caf alerts` or on the pages."""

_WITHDRAWN = "uk.caf.escalation.withdrawn.v1"


def acknowledge(settings: Settings, alert: Alert, worker_id: str, note: str | None = None) -> None:
    """
    Send an event to say that somebody takes on an alert.

    Raises:
        ActionInvalid: the contract does not allow the worker's id or the note.
        BrokerUnavailable: no broker answers.
    """
    fact = AlertAcknowledged(alert_id=alert.alert_id, worker_id=worker_id, family_id=alert.family_id, note=note)
    _send(settings, fact.type, fact)


def close(settings: Settings, alert: Alert, worker_id: str, closure: AlertClosure, note: str | None = None) -> None:
    """
    Send an event to say that somebody dealt with an alert, and with which result (`closure`).

    Raises:
        ActionInvalid: the contract does not allow the worker's id or the note.
        BrokerUnavailable: no broker answers.
    """
    fact = AlertClosed(
        alert_id=alert.alert_id, worker_id=worker_id, alert_closure=closure, family_id=alert.family_id, note=note
    )
    _send(settings, fact.type, fact)


def take_back(settings: Settings, alert: Alert) -> str:
    """
    Withdraw the last action (acknowledgement or closing) on an alert. Return which of the two it was.

    Raises:
        ActionUnknown: the escalation topic has no action on this alert. The topic keeps events for `retention_days`.
        BrokerUnavailable: no broker answers.
    """
    done: dict[tuple[str, str], Accepted] = {}
    for event in _escalations(settings):
        if event.change == "withdrawn":
            done.pop(event.root, None)
        elif isinstance(event.fact, AlertAcknowledged | AlertClosed) and event.fact.alert_id == alert.alert_id:
            done[event.root] = event
    if not done:
        raise ActionUnknown(f"nobody has acknowledged or closed alert {alert.alert_id}, or it was taken back already")
    latest = max(done.values(), key=lambda event: (event.received_ms, event.offset))
    source, id_ = latest.root
    fact = latest.fact
    assert isinstance(fact, AlertAcknowledged | AlertClosed), "no other event was noted above"
    family = fact.family_id
    _send(
        settings,
        _WITHDRAWN,
        Withdrawal(
            root_source=source,
            root_id=id_,
            withdrawal_reason=WithdrawalReason.RECORDED_IN_ERROR,
            family_id=family,
            alert_id=alert.alert_id if family is None else None,
        ),
    )
    return "closing" if isinstance(fact, AlertClosed) else "acknowledgement"


def open_in_emergency(settings: Settings, opening: OpenedInEmergency) -> None:
    """
    Send an event to say that somebody opened a family without a right to see it. The event alerts the manager.

    Raises:
        ActionInvalid: the contract does not allow the event.
        BrokerUnavailable: no broker answers.
        KafkaError: the broker did not accept the event.
    """
    _send(settings, opening.type, opening)


def _escalations(settings: Settings) -> Iterator[Accepted]:
    for record in whole(settings, [names.ESCALATION], max_poll_records=5_000):
        event = decode(record)
        if isinstance(event, Accepted):
            yield event


def _send(settings: Settings, type_: str, data: msgspec.Struct) -> None:
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": SOURCE,
        "type": type_,
        "time": datetime.now(UTC),
        "authority": settings.authority,
        "data": data,
    }
    value = msgspec.json.encode(event)
    verdict = check(value, settings.max_record_bytes)
    if not verdict.is_accepted:
        wrong = "; ".join(f"{finding.path}: allowed is {finding.allowed}" for finding in verdict.findings)
        raise ActionInvalid(f"nothing was sent: {wrong}")
    assert verdict.key is not None, "an accepted event has a key"
    send_one(settings, names.ESCALATION, verdict.key, value)
