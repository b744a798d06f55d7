"""
What stands on the alerts topic, and which new versions a new evaluation calls for.

An alert that an evaluation of its family and rule no longer has is withdrawn under the same id; if another one of the
same rule and entity takes its place, that one supersedes it, and inherits its acknowledgement.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from typing import NamedTuple

import msgspec

from streams.alerts.handling import Handled, says_more, with_handling, without_handling
from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert, Recipient

__all__ = ["AlertBook", "Cause", "Place", "Standing", "place_of"]

_NAMED_BY_FAMILY = frozenset({"referral", "child"})
_EVER = datetime.min.replace(tzinfo=UTC)

Place = tuple[str, str]
"""The family, or the record, in which an alert is looked for: `("family", id)` or `("record", id)`."""


@dataclass(frozen=True)
class Cause:
    """
    What an evaluation was made for, `now`.

    `amended` gives by `(source, id)` of an event whether it was corrected or withdrawn;
    `amendments` by place the newest change among the events that led to the evaluation.
    """

    at: Callable[[Place], datetime]
    now: datetime
    is_deadline: bool = False
    amended: Callable[[], Mapping[tuple[str, str], str]] = dict
    amendments: Mapping[Place, str] = field(default_factory=dict)


class Standing(NamedTuple):
    """
    The latest version of an alert.

    `since` is when it was caused that the alert says what it says: what people did before does not cover it. `inherits`
    tells whether its acknowledgement is that of the alert it superseded.
    """

    alert: Alert
    since: datetime
    inherits: bool

    @property
    def ended_at(self) -> datetime | None:
        """Since when it stands no more; None while it does."""
        return None if self.alert.status == AlertStatus.OPEN or self.alert.test else self.alert.raised_at

    @property
    def place(self) -> Place:
        """Where it is looked for."""
        return place_of(self.alert)


class AlertBook:
    """The latest version of each alert of some places."""

    def __init__(self, standing: Iterable[Standing] = ()) -> None:
        self._places: dict[Place, dict[str, Standing]] = defaultdict(dict)
        for one in standing:
            self._places[one.place][one.alert.alert_id] = one

    def record(self, alert: Alert) -> Standing | None:
        """Take over a version, and return it as it stands; None for one that is not newer than what is known."""
        entries = self._places[place_of(alert)]
        known = entries.get(alert.alert_id)
        if known is not None and known.alert.version >= alert.version:
            return None
        if known is None:
            inherits = alert.supersedes is not None and alert.acknowledged_at is not None
            standing = Standing(alert, alert.received_at, inherits)
        elif says_more(alert, known.alert):
            standing = Standing(alert, alert.received_at, False)
        else:
            standing = Standing(alert, known.since, known.inherits)
        entries[alert.alert_id] = standing
        return standing

    def ids(self, places: Iterable[Place]) -> Iterator[str]:
        """The alerts of some places."""
        for place in places:
            yield from self._places.get(place, ())

    def has(self, alert: Alert) -> bool:
        """Whether any version of the alert is known."""
        return alert.alert_id in self._places[place_of(alert)]

    def recipients(self, alert: Alert) -> list[Recipient]:
        """Those whom the latest version of the alert is for; none when no version is known."""
        known = self._places[place_of(alert)].get(alert.alert_id)
        return [] if known is None else known.alert.recipients

    def changes(
        self,
        current: Iterable[Alert],
        places: Collection[Place],
        rules: Collection[str],
        cause: Cause,
        *,
        handled: Mapping[str, Handled],
    ) -> list[Alert]:
        """
        The versions to publish so that the topic says what `current` says about the places and rules evaluated.

        `current` are the alerts of the evaluation as first versions; those of other places are ignored.
        `handled` is all that people did with alerts of these places.
        """
        found: dict[Place, dict[str, Alert]] = {place: {} for place in places}
        for alert in current:
            if (place := place_of(alert)) in found:
                known = self._as_known(place, alert)
                found[place][known.alert_id] = known
        changed: list[Alert] = []
        for place, alerts in found.items():
            standing = {**self._handled(place, rules, handled), **alerts}
            changed += self._changes_at(place, standing, rules, cause, handled=handled)
        return changed

    def _as_known(self, place: Place, alert: Alert) -> Alert:
        """The alert under the id that it has had so far: before, those of referrals did not tell the family."""
        if alert.entity_kind not in _NAMED_BY_FAMILY:
            return alert
        parts = (alert.rule, "", alert.entity_kind, alert.entity_id, alert.anchor_source, alert.anchor_id)
        former = md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()
        is_known = former in self._places[place]
        return msgspec.structs.replace(alert, alert_id=former) if is_known else alert

    def _handled(self, place: Place, rules: Collection[str], handled: Mapping[str, Handled]) -> dict[str, Alert]:
        """The alerts of other rules that people did or do something with, as these rules last said."""
        return {
            alert_id: without_handling(entry.alert)
            for alert_id, entry in self._places[place].items()
            if entry.alert.rule not in rules and (_is_handled(entry.alert) or alert_id in handled)
        }

    def _changes_at(
        self,
        place: Place,
        alerts: dict[str, Alert],
        rules: Collection[str],
        cause: Cause,
        *,
        handled: Mapping[str, Handled],
    ) -> list[Alert]:
        entries = self._places[place]
        gone = [
            entry.alert
            for alert_id, entry in entries.items()
            if entry.alert.rule in rules and entry.alert.status != AlertStatus.WITHDRAWN and alert_id not in alerts
        ]
        raised, versions = [], []
        for alert in alerts.values():
            entry, did = entries.get(alert.alert_id), handled.get(alert.alert_id)
            if entry is None:
                raised.append(with_handling(alert, did or Handled(), _EVER))
            else:
                before = entry.alert
                new = _with_handling(alert, entry, did or Handled(), _received(alert, place, cause))
                if _said(before) != _said(new):
                    reason = _why_changed(before, new, cause)
                    versions.append(msgspec.structs.replace(new, version=before.version + 1, status_reason=reason))
        replaced: dict[str, Alert] = {}
        for alert in sorted(raised, key=lambda one: (one.anchored_at, one.alert_id)):
            old = _predecessor(alert, [one for one in gone if one.alert_id not in replaced])
            if old is not None:
                replaced[old.alert_id] = alert
            heir = alert if old is None or alert.acknowledged_at else _as_acknowledged_as(old, alert)
            versions.append(msgspec.structs.replace(heir, supersedes=old and old.alert_id))
        for alert in gone:
            reason = "superseded" if alert.alert_id in replaced else _why_gone(alert, place, cause)
            versions.append(
                msgspec.structs.replace(
                    alert,
                    version=alert.version + 1,
                    status=AlertStatus.WITHDRAWN,
                    status_reason=reason,
                    supersedes=None,
                )
            )
        return [
            msgspec.structs.replace(alert, received_at=_received(alert, place, cause), raised_at=cause.now)
            for alert in versions
        ]


def place_of(alert: Alert) -> Place:
    """Where an alert is looked for."""
    return ("family", alert.family_id) if alert.family_id is not None else ("record", alert.entity_id)


def _received(alert: Alert, place: Place, cause: Cause) -> datetime:
    """The arrival of the record that caused a version or, where time alone did, the moment that passed last."""
    if cause.is_deadline and alert.status == AlertStatus.OPEN and alert.deadline is not None:
        passed = [moment for moment in (alert.anchored_at, alert.deadline) if moment < cause.now]
        return max(passed, default=cause.at(place))
    return cause.at(place)


def _is_handled(alert: Alert) -> bool:
    return alert.acknowledged_at is not None


def _said(alert: Alert) -> tuple:
    """What makes a version differ from another; the wording does not."""
    evidence = tuple(sorted((item.source, item.id, item.time, item.type) for item in alert.evidence))
    handling = (
        alert.acknowledged_at,
        alert.acknowledged_by,
        alert.closed_at,
        alert.closed_by,
        str(alert.alert_closure),
    )
    return str(alert.severity), str(alert.status), evidence, alert.anchored_at, alert.deadline, handling


def _with_handling(alert: Alert, entry: Standing, handled: Handled, received_at: datetime) -> Alert:
    """The next version of a known alert, with what people did that covers what it says."""
    if says_more(alert, entry.alert):
        return with_handling(alert, handled, received_at)
    if entry.inherits:
        alert = _as_acknowledged_as(entry.alert, alert)
    return with_handling(alert, handled, entry.since)


def _as_acknowledged_as(old: Alert, alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, acknowledged_at=old.acknowledged_at, acknowledged_by=old.acknowledged_by)


def _predecessor(alert: Alert, gone: list[Alert]) -> Alert | None:
    """The withdrawn alert of the same rule and entity that is nearest in time."""
    same = [
        old
        for old in gone
        if (old.rule, old.entity_kind, old.entity_id) == (alert.rule, alert.entity_kind, alert.entity_id)
    ]
    return min(same, key=lambda old: (abs(old.anchored_at - alert.anchored_at), old.alert_id), default=None)


def _why_changed(old: Alert, new: Alert, cause: Cause) -> str:
    if new.status not in {old.status, AlertStatus.OPEN}:
        return str(new.status)
    if says_more(new, old) and old.status not in {AlertStatus.CLEARED, AlertStatus.WITHDRAWN}:
        return "deadline_passed" if cause.is_deadline else "new_evidence"
    if old.status != new.status:
        return "reopened"
    if (old.acknowledged_at, old.closed_at) != (new.acknowledged_at, new.closed_at):
        return "acknowledged" if new.acknowledged_at else "acknowledgement_withdrawn"
    return "deadline_passed" if cause.is_deadline else "new_evidence"


def _why_gone(alert: Alert, place: Place, cause: Cause) -> str:
    """A correction or withdrawal of its evidence, else one among the events judged, else evidence that came late."""
    amended = cause.amended()
    changes = [amended.get((item.source, item.id)) for item in alert.evidence]
    change = next((change for change in changes if change), cause.amendments.get(place))
    return f"event_{change}" if change else "late_evidence"
