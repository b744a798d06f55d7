"""Whether an alert needs a new version, and which reason the version gives."""

from collections import Counter
from datetime import datetime

import msgspec

from streams.contracts.codesets import AlertStatus, Severity
from streams.contracts.outputs import Alert
from streams.times import aware

__all__ = ["next_version", "reconciled", "says_more", "withdrawn"]

_RANK = {Severity.GREEN: 0, Severity.AMBER: 1, Severity.RED: 2}
_OVER = {AlertStatus.CLEARED, AlertStatus.WITHDRAWN}


def next_version(new: Alert, old: Alert, *, is_deadline: bool = False, do_times_count: bool = True) -> Alert | None:
    """
    The version that follows `old`; None when `new` says the same. A different wording alone makes no version.

    Args:
        new: the alert as it is now, with its handling.
        old: the latest version.
        is_deadline: time alone has passed, and no event has arrived.
        do_times_count: whether a change of nothing but times makes a version.
    """
    if _said(new) == _said(old) and not (do_times_count and _times(new) != _times(old)):
        return None
    return msgspec.structs.replace(new, version=old.version + 1, status_reason=_why_changed(old, new, is_deadline))


def withdrawn(alert: Alert, reason: str | None) -> Alert:
    """The version that withdraws an alert."""
    return msgspec.structs.replace(
        alert, version=alert.version + 1, status=AlertStatus.WITHDRAWN, status_reason=reason, supersedes=None
    )


def reconciled(alert: Alert, version: int, caused_at: datetime) -> Alert:
    """The version, with its number, of an alert that the stream lacks; `caused_at` is UTC without a zone."""
    received_at = aware(caused_at)
    return msgspec.structs.replace(alert, version=version, status_reason="reconciled", received_at=received_at)


def says_more(new: Alert, old: Alert) -> bool:
    """Whether a version tells its readers more than the one before; that it is over asks nobody to act."""
    if new.status in _OVER:
        return False
    return (
        _RANK[Severity(new.severity)] > _RANK[Severity(old.severity)]
        or bool(_events(new) - _events(old))
        or old.status in _OVER
    )


def _events(alert: Alert) -> Counter[tuple[str, str]]:
    """The events in its evidence, counted: two events may have one source and id."""
    return Counter((item.source, item.id) for item in alert.evidence)


def _said(alert: Alert) -> tuple[object, ...]:
    """What an alert says, apart from its times and its wording."""
    handling = (
        alert.acknowledged_at,
        alert.acknowledged_by,
        alert.closed_at,
        alert.closed_by,
        str(alert.alert_closure),
    )
    return str(alert.severity), str(alert.status), _events(alert), handling


def _times(alert: Alert) -> tuple[object, ...]:
    """The times that an alert names, with the events that they belong to."""
    evidence = sorted((item.source, item.id, item.time, item.type) for item in alert.evidence)
    return evidence, alert.anchored_at, alert.deadline


def _why_changed(old: Alert, new: Alert, is_deadline: bool) -> str:
    if new.status not in {old.status, AlertStatus.OPEN}:
        return str(new.status)
    if says_more(new, old) and old.status not in _OVER:
        return "deadline_passed" if is_deadline else "new_evidence"
    if old.status != new.status:
        return "reopened"
    if (old.acknowledged_at, old.closed_at) != (new.acknowledged_at, new.closed_at):
        return "acknowledged" if new.acknowledged_at else "acknowledgement_withdrawn"
    return "deadline_passed" if is_deadline else "new_evidence"
