"""What an alert must be: the parts of its id, and the facts that a stream and a rebuild must agree on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import md5

__all__ = ["Expected", "Identity", "alert_id", "merged"]

Identity = tuple[str, str]
"""`(source, id)` of a root event."""


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
    evidence: frozenset[Identity] = frozenset()
    deadline: datetime | None = None

    @property
    def alert_id(self) -> str:
        return alert_id(self.rule, self.clause, self.entity_kind, self.entity_id, self.anchor)


def alert_id(rule: str, clause: str, entity_kind: str, entity_id: str, anchor: Identity) -> str:
    """The id of every version of an alert."""
    return md5("|".join((rule, clause, entity_kind, entity_id, *anchor)).encode(), usedforsecurity=False).hexdigest()


def merged(alerts: Iterable[Expected]) -> list[Expected]:
    """
    One alert an id.

    Two persons may fire one rule with one event: the evidence is that of both, and it is open while either is.
    """
    found: dict[str, Expected] = {}
    for alert in alerts:
        other = found.setdefault(alert.alert_id, alert)
        status = "open" if "open" in (alert.status, other.status) else alert.status
        severity = "red" if "red" in (alert.severity, other.severity) else alert.severity
        evidence = alert.evidence | other.evidence
        found[alert.alert_id] = replace(other, status=status, severity=severity, evidence=evidence)
    return list(found.values())
