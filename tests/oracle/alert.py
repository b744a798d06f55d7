"""The facts of an alert on which the stream and a rebuild must agree, and the parts of its id."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import md5

__all__ = ["Expected", "Identity", "alert_id", "merged"]

Identity = tuple[str, str]
"""`(source, id)` of an event. It distinguishes the event from others of the same topic and key."""


class Root(tuple):
    """The `(source, id)` of an event. It also knows topic and key, which distinguish events of one name."""

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

    `clause` is empty for a rule without clauses. Times are aware and in UTC.
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
    Whether this is the earliest of the alerts that would have the same id.

    Anchors on two topics, or of two persons, can have the same name.
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

    Two persons can fire one rule with one event. Their alert has the evidence of both, and it is open while it is open
    for either.
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
    """Give the alerts of anchors that share a name different ids: the earliest keeps the id that the name gives."""
    first: dict[str, tuple] = {}
    for alert in alerts:
        if isinstance(alert.anchor, Root):
            first[alert.alert_id] = min(alert.anchor.place, first.get(alert.alert_id, alert.anchor.place))
    for alert in alerts:
        yield replace(alert, is_first=first.get(alert.alert_id, ()) in ((), getattr(alert.anchor, "place", ())))
