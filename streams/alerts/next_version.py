"""Decides whether an alert needs a new version, and which reason the version states."""

from collections import Counter
from datetime import datetime

import msgspec

from streams.contracts.codesets import AlertStatus, Severity
from streams.contracts.outputs import Alert
from streams.times import aware

__all__ = ["moved", "next_version", "reconciled", "says_more", "withdrawn"]

_RANK = {Severity.GREEN: 0, Severity.AMBER: 1, Severity.RED: 2}
_OVER = {AlertStatus.CLEARED, AlertStatus.WITHDRAWN}


def next_version(new: Alert, old: Alert, *, is_deadline: bool = False, do_times_count: bool = True) -> Alert | None:
    """
    Return the version that follows `old`, or None if nothing has changed. A change of wording alone needs no new
    version.

    Args:
        new: the alert as it is now, with people's actions.
        old: the latest version.
        is_deadline: True if no event has arrived, and only time has passed.
        do_times_count: True if a change of times alone needs a new version.
    """
    if _said(new) == _said(old) and not (do_times_count and _times(new) != _times(old)):
        return None
    return msgspec.structs.replace(new, version=old.version + 1, status_reason=_why_changed(old, new, is_deadline))


def withdrawn(alert: Alert, reason: str | None) -> Alert:
    """Return the version that withdraws an alert."""
    return msgspec.structs.replace(
        alert, version=alert.version + 1, status=AlertStatus.WITHDRAWN, status_reason=reason, supersedes=None
    )


def moved(old: Alert) -> Alert:
    """
    Return the version that follows `old` because the area of its family has changed. It still has the old area.

    The reason says neither where the family lives, nor whether it has moved or its address has become protected.
    """
    return msgspec.structs.replace(old, version=old.version + 1, status_reason="area_changed")


def reconciled(alert: Alert, version: int, caused_at: datetime) -> Alert:
    """
    Return a version that the build has found and that the watcher has not published.

    `version` is its number. `caused_at` is in UTC, without a time zone.
    """
    received_at = aware(caused_at)
    return msgspec.structs.replace(alert, version=version, status_reason="reconciled", received_at=received_at)


def says_more(new: Alert, old: Alert) -> bool:
    """
    Return whether the new version gives people a reason to act.

    There is a reason to act if the severity has risen, if there is new evidence, or if the alert is open again. A
    version that says that the alert is cleared or withdrawn gives no reason to act.
    """
    if new.status in _OVER:
        return False
    return (
        _RANK[Severity(new.severity)] > _RANK[Severity(old.severity)]
        or bool(_events(new) - _events(old))
        or old.status in _OVER
    )


def _events(alert: Alert) -> Counter[tuple[str, str]]:
    """Count the events in the alert's evidence by source and id. Two events may have the same source and id."""
    return Counter((item.source, item.id) for item in alert.evidence)


def _said(alert: Alert) -> tuple[object, ...]:
    """
    Return what the alert says, but without the times of its facts and without its wording.

    If this result changes, the alert needs a new version.
    """
    handling = (
        alert.acknowledged_at,
        alert.acknowledged_by,
        alert.closed_at,
        alert.closed_by,
        str(alert.alert_closure),
    )
    return str(alert.severity), str(alert.status), _events(alert), handling


def _times(alert: Alert) -> tuple[object, ...]:
    """Return the times in an alert, with the events that they belong to."""
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
