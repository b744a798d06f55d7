"""
What stands on the alerts topic, and which new versions a new evaluation calls for.

An alert that an evaluation of its family and rule no longer has is withdrawn under the same id; if another one of the
same rule and entity takes its place, that one supersedes it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert, Recipient

__all__ = ["AlertBook", "Cause"]

Place = tuple[str, str]
"""The family, or the record, in which an alert is looked for: `("family", id)` or `("record", id)`."""


@dataclass(frozen=True)
class Cause:
    """
    What an evaluation was made for.

    `amended` gives by `(source, id)` of an event whether it was corrected or withdrawn;
    `amendments` by place the newest change among the events that led to the evaluation.
    """

    at: Callable[[Place], datetime]
    is_deadline: bool = False
    amended: Mapping[tuple[str, str], str] = field(default_factory=dict)
    amendments: Mapping[Place, str] = field(default_factory=dict)


class _Entry(msgspec.Struct, gc=False):
    """The latest version of an alert, encoded: a book of many alerts stays small."""

    version: int
    rule: str
    status: str
    said: int
    encoded: bytes


class AlertBook:
    """The latest version of each alert that is on the topic."""

    def __init__(self) -> None:
        self._places: dict[Place, dict[str, _Entry]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._places.values()))

    def versions(self) -> dict[str, int]:
        """The latest version of each alert, by id."""
        return {alert: entry.version for entries in self._places.values() for alert, entry in entries.items()}

    def record(self, alert: Alert) -> None:
        """Remember a version as published; an older one than is known changes nothing."""
        entries = self._places.setdefault(place_of(alert), {})
        known = entries.get(alert.alert_id)
        if known is None or known.version < alert.version:
            encoded = msgspec.msgpack.encode(alert)
            entries[alert.alert_id] = _Entry(alert.version, alert.rule, alert.status, _said(alert), encoded)

    def has(self, alert: Alert) -> bool:
        """Whether any version of the alert is known."""
        return alert.alert_id in self._places.get(place_of(alert), {})

    def recipients(self, alert: Alert) -> list[Recipient]:
        """Those whom the latest version of the alert is for; none when no version is known."""
        entry = self._places.get(place_of(alert), {}).get(alert.alert_id)
        return [] if entry is None else msgspec.msgpack.decode(entry.encoded, type=Alert).recipients

    def changes(
        self, current: Iterable[Alert], places: Collection[Place], rules: Collection[str], cause: Cause, now: datetime
    ) -> list[Alert]:
        """
        The versions to publish so that the topic says what `current` says about the places and rules evaluated.

        `current` are the alerts of the evaluation as first versions; those of other places are ignored.
        """
        found: dict[Place, dict[str, Alert]] = {place: {} for place in places}
        for alert in current:
            if (place := place_of(alert)) in found:
                found[place][alert.alert_id] = alert
        changed: list[Alert] = []
        for place, alerts in found.items():
            changed += self._changes_at(place, alerts, rules, cause)
        return [msgspec.structs.replace(alert, raised_at=now) for alert in changed]

    def _changes_at(self, place: Place, alerts: dict[str, Alert], rules: Collection[str], cause: Cause) -> list[Alert]:
        entries = self._places.get(place, {})
        gone = [
            msgspec.msgpack.decode(entry.encoded, type=Alert)
            for alert_id, entry in entries.items()
            if entry.rule in rules and entry.status != AlertStatus.WITHDRAWN and alert_id not in alerts
        ]
        raised, versions = [], []
        for alert in alerts.values():
            entry = entries.get(alert.alert_id)
            if entry is None:
                raised.append(alert)
            elif entry.said != _said(alert):
                reason = _why_changed(msgspec.msgpack.decode(entry.encoded, type=Alert), alert, cause)
                versions.append(msgspec.structs.replace(alert, version=entry.version + 1, status_reason=reason))
        replaced: dict[str, Alert] = {}
        for alert in sorted(raised, key=lambda one: (one.anchored_at, one.alert_id)):
            old = _predecessor(alert, [one for one in gone if one.alert_id not in replaced])
            if old is not None:
                replaced[old.alert_id] = alert
            versions.append(msgspec.structs.replace(alert, supersedes=old and old.alert_id))
        for alert in gone:
            reason = "superseded" if alert.alert_id in replaced else _why_gone(alert, place, cause)
            version = entries[alert.alert_id].version + 1
            versions.append(
                msgspec.structs.replace(
                    alert, version=version, status=AlertStatus.WITHDRAWN, status_reason=reason, supersedes=None
                )
            )
        return [msgspec.structs.replace(alert, received_at=_received(alert, place, cause)) for alert in versions]


def place_of(alert: Alert) -> Place:
    """Where an alert is looked for."""
    return ("family", alert.family_id) if alert.family_id is not None else ("record", alert.entity_id)


def _received(alert: Alert, place: Place, cause: Cause) -> datetime:
    """The deadline that raised a version, or the arrival of the record that did."""
    if cause.is_deadline and alert.deadline is not None and alert.status == AlertStatus.OPEN:
        return alert.deadline
    return cause.at(place)


def _said(alert: Alert) -> int:
    """Digest of what makes a version differ from another; the wording does not."""
    evidence = tuple(sorted((item.source, item.id, item.time, item.type) for item in alert.evidence))
    return hash((str(alert.severity), str(alert.status), evidence, alert.anchored_at, alert.deadline))


def _predecessor(alert: Alert, gone: list[Alert]) -> Alert | None:
    """The withdrawn alert of the same rule and entity that is nearest in time."""
    same = [
        old
        for old in gone
        if (old.rule, old.entity_kind, old.entity_id) == (alert.rule, alert.entity_kind, alert.entity_id)
    ]
    return min(same, key=lambda old: (abs(old.anchored_at - alert.anchored_at), old.alert_id), default=None)


def _why_changed(old: Alert, new: Alert, cause: Cause) -> str:
    if old.status != new.status:
        return "cleared" if new.status == AlertStatus.CLEARED else "reopened"
    return "deadline_passed" if cause.is_deadline else "new_evidence"


def _why_gone(alert: Alert, place: Place, cause: Cause) -> str:
    """A correction or withdrawal of its evidence, else one among the events judged, else evidence that came late."""
    changes = [cause.amended.get((item.source, item.id)) for item in alert.evidence]
    change = next((change for change in changes if change), cause.amendments.get(place))
    return f"event_{change}" if change else "late_evidence"
