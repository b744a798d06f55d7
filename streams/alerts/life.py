"""
The versions that must be published about one family or record after an evaluation.

If an evaluation no longer finds an alert of a rule that it evaluated, the alert is withdrawn. If the evaluation instead
finds a new alert of the same rule and entity, the new alert supersedes the withdrawn one and inherits its
acknowledgement.
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
    Return the versions that must be published to bring the alerts about one family or record into line with an
    evaluation.

    Args:
        known: the standing of each known alert about the family or record, by alert id.
        found: the alerts that the evaluation found, by alert id, as first versions without people's actions.
        rules: the rules that were evaluated.
        cause: the reason for the evaluation.
        handled: people's actions, by alert id.
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
    """Return a known alert as the evaluation found it, with those of people's actions that still count."""
    if says_more(alert, entry.alert):
        return with_handling(alert, handled, cause.received_at(alert))
    if entry.inherits:
        alert = acknowledged_as(alert, entry.alert)
    return with_handling(alert, handled, entry.since)


def _first_versions(raised: Iterable[Alert], gone: Iterable[Alert]) -> Iterator[Alert]:
    """Yield the new alerts. Each supersedes at most one of the withdrawn alerts, and no two supersede the same one."""
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
    """Return the alert in `gone` with the same rule and entity that is nearest in time, or None if there is none."""
    same = [
        old
        for old in gone
        if (old.rule, old.entity_kind, old.entity_id) == (alert.rule, alert.entity_kind, alert.entity_id)
    ]
    return min(same, key=lambda old: (abs(old.anchored_at - alert.anchored_at), old.alert_id), default=None)
