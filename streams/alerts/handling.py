"""
How people handled an alert, and which versions of the alert their actions cover.

An acknowledgement or closing covers what the alert said at that time. It stops counting when the alert says more: when
the severity rises, when there is new evidence, or when an alert that had ended is open again. Then somebody must deal
with the alert again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert
from streams.rules.answers import AlertAction
from streams.times import aware

__all__ = ["Handled", "acknowledged_as", "handled_as", "handled_by_alert", "with_handling", "without_handling"]

_HANDLING = ("acknowledged_at", "acknowledged_by", "closed_at", "closed_by", "alert_closure")


@dataclass(frozen=True)
class Handled:
    """The latest acknowledgement and the latest closing of an alert. Each is None if no such action is in force."""

    acknowledged: AlertAction | None = None
    closed: AlertAction | None = None


def handled_by_alert(actions: Iterable[AlertAction]) -> Mapping[str, Handled]:
    """Group people's actions by alert."""
    found: dict[str, dict[str, AlertAction]] = {}
    for action in actions:
        found.setdefault(action.alert_id, {})[action.fact] = action
    return {
        alert_id: Handled(by_fact.get("alert-acknowledged"), by_fact.get("alert-closed"))
        for alert_id, by_fact in found.items()
    }


def with_handling(alert: Alert, handled: Handled, since: datetime) -> Alert:
    """
    Return the alert with the actions that people took on it.

    Args:
        alert: the alert as its rule raised it, without actions.
        handled: the actions that people took. A closing also counts as an acknowledgement.
        since: the arrival time of the record that gave the alert its present content. Actions up to this time do not
            count.
    """
    closed = _covering(handled.closed, since)
    acknowledged = _covering(handled.acknowledged, since) or closed
    if acknowledged is None:
        return alert
    alert = msgspec.structs.replace(
        alert, acknowledged_at=aware(acknowledged.acted_at), acknowledged_by=acknowledged.worker_id
    )
    if closed is None:
        return alert
    return msgspec.structs.replace(
        alert,
        status=AlertStatus.CLOSED if alert.status == AlertStatus.OPEN else alert.status,
        closed_at=aware(closed.acted_at),
        closed_by=closed.worker_id,
        alert_closure=closed.alert_closure,
    )


def without_handling(alert: Alert) -> Alert:
    """Return the alert as its rule raised it, without people's actions."""
    status = AlertStatus.OPEN if alert.status == AlertStatus.CLOSED else alert.status
    return msgspec.structs.replace(alert, status=status, **dict.fromkeys(_HANDLING))


def handled_as(alert: Alert, old: Alert) -> Alert:
    """Return a version of an alert with the actions that people took on `old`, the version before it."""
    is_closed = old.status == AlertStatus.CLOSED and alert.status == AlertStatus.OPEN
    status = AlertStatus.CLOSED if is_closed else alert.status
    return msgspec.structs.replace(alert, status=status, **{name: getattr(old, name) for name in _HANDLING})


def acknowledged_as(alert: Alert, old: Alert) -> Alert:
    """
    Return an alert with the acknowledgement of `old`.

    `old` is an earlier version of the alert, or the alert that it supersedes.
    """
    return msgspec.structs.replace(alert, acknowledged_at=old.acknowledged_at, acknowledged_by=old.acknowledged_by)


def _covering(action: AlertAction | None, since: datetime) -> AlertAction | None:
    return action if action is not None and aware(action.received_at) > since else None
