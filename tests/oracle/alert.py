"""The facts of an alert on which the stream and a rebuild must agree, and the parts of its id."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import md5

__all__ = ["Expected", "Identity", "alert_id", "merged"]

Identity = tuple[str, str]
"""The `(source, id)` of an event. Source and id distinguish events of the same topic and key."""


class Root(tuple):
    """The `(source, id)` of an event. It also holds topic and key, which distinguish events of equal source and id."""

    place: tuple
    """Time of the event, `(source, id)`, type and key."""

    @classmethod
    def of(cls, identity: Identity, at: datetime, type_: str, key: str) -> "Root":
        root = cls(identity)
        root.place = (at, *identity, type_, key)
        return root


@dataclass(frozen=True, kw_only=True)
class Expected:
    """
    One alert that exists at the snapshot.

    `clause` is empty if the rule has no clauses. Times are timezone-aware and in UTC.
    """

    rule: str
    entity_kind: str
    entity_id: str
    anchor: Identity
    anchored_at: datetime
    severity: str
    status: str = "open"
    clause: str = ""
    family_id: str | None = None
    """
    Part of the id of an alert about a referral or a child, because two families can use the same referral or child id.
    """
    is_first: bool = True
    """
    Whether this is the earliest of the alerts that would otherwise have the same id.

    Anchors on two topics, or about two persons, can share a source and id.
    """
    evidence: frozenset[Identity] = frozenset()
    deadline: datetime | None = None

    @property
    def alert_id(self) -> str:
        family = () if self.family_id is None else (self.family_id,)
        named = alert_id(self.rule, self.clause, self.entity_kind, self.entity_id, self.anchor, *family)
        return named if self.is_first else _digest(named, *self.anchor.place[-2:])


def alert_id(rule: str, clause: str, entity_kind: str, entity_id: str, anchor: Identity, *family: str) -> str:
    """The id that all versions of an alert share."""
    return _digest(rule, clause, entity_kind, entity_id, *anchor, *family)


def _digest(*parts: str) -> str:
    return md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()


def merged(alerts: Iterable[Expected]) -> list[Expected]:
    """
    Combine alerts that have the same id into one.

    One event can make a rule raise alerts about two persons. The combined alert has the evidence of both persons, and
    it is open while it is open for either person.
    """
    found: dict[str, Expected] = {}
    for alert in _told_apart(list(alerts)):
        other = found.setdefault(alert.alert_id, alert)
        status = "open" if "open" in (alert.status, other.status) else alert.status
        severity = "red" if "red" in (alert.severity, other.severity) else alert.severity
        evidence = alert.evidence | other.evidence
        found[alert.alert_id] = replace(other, status=status, severity=severity, evidence=evidence)
    return list(found.values())


def _told_apart(alerts: list[Expected]) -> Iterator[Expected]:
    """
    Give different ids to alerts whose anchors share a source and id.

    The alert with the earliest anchor keeps the id that follows from the source and id alone.
    """
    first: dict[str, tuple] = {}
    for alert in alerts:
        if isinstance(alert.anchor, Root):
            first[alert.alert_id] = min(alert.anchor.place, first.get(alert.alert_id, alert.anchor.place))
    for alert in alerts:
        yield replace(alert, is_first=first.get(alert.alert_id, ()) in ((), getattr(alert.anchor, "place", ())))
