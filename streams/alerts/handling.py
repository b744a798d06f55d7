"""
What people did with an alert, and how long that holds.

An acknowledgement or a closing covers what the alert said when it was made. It holds until the alert says more: it has
become more severe, has new evidence, or stands again after it had ended. Then somebody must look again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from streams.contracts.codesets import AlertStatus, Severity
from streams.contracts.outputs import Alert
from streams.rules.answers import AlertAction

__all__ = ["Handled", "handled_by_alert", "says_more", "with_handling", "without_handling"]

_RANK = {Severity.GREEN: 0, Severity.AMBER: 1, Severity.RED: 2}
_OVER = {AlertStatus.CLEARED, AlertStatus.WITHDRAWN}


@dataclass(frozen=True)
class Handled:
    """The latest acknowledgement and the latest closing of an alert; None where there is none in force."""

    acknowledged: AlertAction | None = None
    closed: AlertAction | None = None


def handled_by_alert(actions: Iterable[AlertAction]) -> Mapping[str, Handled]:
    """The actions of one evaluation, by alert."""
    found: dict[str, dict[str, AlertAction]] = {}
    for action in actions:
        found.setdefault(action.alert_id, {})[action.fact] = action
    return {
        alert_id: Handled(by_fact.get("alert-acknowledged"), by_fact.get("alert-closed"))
        for alert_id, by_fact in found.items()
    }


def says_more(new: Alert, old: Alert) -> bool:
    """Whether a version tells its readers more than the one before; that it is over asks nobody to act."""
    if new.status in _OVER:
        return False
    return (
        _RANK[Severity(new.severity)] > _RANK[Severity(old.severity)]
        or bool(_events(new) - _events(old))
        or old.status in _OVER
    )


def with_handling(alert: Alert, handled: Handled, since: datetime) -> Alert:
    """
    The alert with what people did with it.

    Args:
        alert: as the rule has it.
        handled: what people did; a closing is also an acknowledgement.
        since: when it was caused that the alert says what it says; what people did before does not cover it.
    """
    closed = _covering(handled.closed, since)
    acknowledged = _covering(handled.acknowledged, since) or closed
    if acknowledged is None:
        return alert
    alert = msgspec.structs.replace(
        alert, acknowledged_at=_aware(acknowledged.acted_at), acknowledged_by=acknowledged.worker_id
    )
    if closed is None:
        return alert
    return msgspec.structs.replace(
        alert,
        status=AlertStatus.CLOSED if alert.status == AlertStatus.OPEN else alert.status,
        closed_at=_aware(closed.acted_at),
        closed_by=closed.worker_id,
        alert_closure=closed.alert_closure,
    )


def without_handling(alert: Alert) -> Alert:
    """The alert as its rule has it."""
    return msgspec.structs.replace(
        alert,
        status=AlertStatus.OPEN if alert.status == AlertStatus.CLOSED else alert.status,
        acknowledged_at=None,
        acknowledged_by=None,
        closed_at=None,
        closed_by=None,
        alert_closure=None,
    )


def _events(alert: Alert) -> Counter[tuple[str, str]]:
    """What it stands on, counted: two events may have one source and id."""
    return Counter((item.source, item.id) for item in alert.evidence)


def _covering(action: AlertAction | None, since: datetime) -> AlertAction | None:
    return action if action is not None and _aware(action.received_at) > since else None


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
