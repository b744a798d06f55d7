"""
The versions that the alerts of one place need after an evaluation.

An alert that an evaluation of its place and rule no longer has is withdrawn under the same id. If another one of the
same rule and entity takes its place, that one supersedes it, and inherits its acknowledgement.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec

from streams.alerts.cause import Cause
from streams.alerts.handling import Handled, acknowledged_as, with_handling
from streams.alerts.next_version import next_version, says_more, withdrawn
from streams.alerts.standing import Standing
from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert

__all__ = ["versions_after"]

_EVER = datetime.min.replace(tzinfo=UTC)
_NOBODY = Handled()


def versions_after(
    known: Mapping[str, Standing],
    found: Mapping[str, Alert],
    rules: Collection[str],
    cause: Cause,
    handled: Mapping[str, Handled],
) -> list[Alert]:
    """
    The versions to publish so that the alerts of one place are as an evaluation has them.

    Args:
        known: how the alerts of the place stand, by id.
        found: the alerts that the evaluation has, by id, as first versions without handling.
        rules: those that were evaluated.
        cause: what the evaluation was made for.
        handled: what people did, by alert.
    """
    changed, raised = [], []
    for alert_id, alert in found.items():
        entry, did = known.get(alert_id), handled.get(alert_id, _NOBODY)
        if entry is None:
            raised.append(with_handling(alert, did, _EVER))
        elif version := next_version(
            _with_handling(alert, entry, did, cause), entry.alert, is_deadline=cause.is_deadline
        ):
            changed.append(version)
    gone = [
        entry.alert
        for alert_id, entry in known.items()
        if entry.alert.rule in rules and entry.alert.status != AlertStatus.WITHDRAWN and alert_id not in found
    ]
    first = list(_first_versions(raised, gone))
    replaced = {alert.supersedes for alert in first}
    last = [withdrawn(one, "superseded" if one.alert_id in replaced else cause.why_gone(one)) for one in gone]
    return [
        msgspec.structs.replace(alert, received_at=cause.received_at(alert), raised_at=cause.now)
        for alert in (*changed, *first, *last)
    ]


def _with_handling(alert: Alert, entry: Standing, handled: Handled, cause: Cause) -> Alert:
    """A known alert as it is now, with what people did that covers what it says."""
    if says_more(alert, entry.alert):
        return with_handling(alert, handled, cause.received_at(alert))
    if entry.inherits:
        alert = acknowledged_as(alert, entry.alert)
    return with_handling(alert, handled, entry.since)


def _first_versions(raised: Iterable[Alert], gone: Iterable[Alert]) -> Iterator[Alert]:
    """New alerts, each with the alert that it supersedes, if one is gone and no other new alert supersedes it."""
    left = list(gone)
    for alert in sorted(raised, key=lambda one: (one.anchored_at, one.alert_id)):
        old = _predecessor(alert, left)
        if old is None:
            yield alert
            continue
        left = [one for one in left if one is not old]
        heir = alert if alert.acknowledged_at else acknowledged_as(alert, old)
        yield msgspec.structs.replace(heir, supersedes=old.alert_id)


def _predecessor(alert: Alert, gone: Iterable[Alert]) -> Alert | None:
    """The withdrawn alert of the same rule and entity that is nearest in time."""
    same = [
        old
        for old in gone
        if (old.rule, old.entity_kind, old.entity_id) == (alert.rule, alert.entity_kind, alert.entity_id)
    ]
    return min(same, key=lambda old: (abs(old.anchored_at - alert.anchored_at), old.alert_id), default=None)
