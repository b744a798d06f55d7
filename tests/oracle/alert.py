"""What an alert must be: the parts of its id, and the facts that a stream and a rebuild must agree on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import md5

__all__ = ["Expected", "Identity", "alert_id", "merged"]

Identity = tuple[str, str]
"""`(source, id)` of an event: what tells it from others of its topic and key."""


class Root(tuple):
    """The `(source, id)` of an event that knows which one it is among those of other topics and keys."""

    place: tuple
    """When it happened, `(source, id)`, type and key."""

    @classmethod
    def of(cls, identity: Identity, at: datetime, type_: str, key: str) -> "Root":
        root = cls(identity)
        root.place = (at, *identity, type_, key)
        return root


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One alert that stands at the cut; `clause` is empty for a rule that has none. Times are aware, UTC."""

    rule: str
    entity_kind: str
    entity_id: str
    anchor: Identity
    anchored_at: datetime
    severity: str
    status: str = "open"
    clause: str = ""
    family_id: str | None = None
    """Of an alert about a referral or a child: their names are not the family's alone."""
    is_first: bool = True
    """Of the alerts that would have one id; anchors on two topics, or of two persons, may have one name."""
    evidence: frozenset[Identity] = frozenset()
    deadline: datetime | None = None

    @property
    def alert_id(self) -> str:
        family = () if self.family_id is None else (self.family_id,)
        named = alert_id(self.rule, self.clause, self.entity_kind, self.entity_id, self.anchor, *family)
        return named if self.is_first else _digest(named, *self.anchor.place[-2:])


def alert_id(rule: str, clause: str, entity_kind: str, entity_id: str, anchor: Identity, *family: str) -> str:
    """The id of every version of an alert."""
    return _digest(rule, clause, entity_kind, entity_id, *anchor, *family)


def _digest(*parts: str) -> str:
    return md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()


def merged(alerts: Iterable[Expected]) -> list[Expected]:
    """
    One alert an id.

    Two persons may fire one rule with one event: the evidence is that of both, and it is open while either is.
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
    """Of anchors that have one name, the earliest has the id that the name gives."""
    first: dict[str, tuple] = {}
    for alert in alerts:
        if isinstance(alert.anchor, Root):
            first[alert.alert_id] = min(alert.anchor.place, first.get(alert.alert_id, alert.anchor.place))
    for alert in alerts:
        yield replace(alert, is_first=first.get(alert.alert_id, ()) in ((), getattr(alert.anchor, "place", ())))
