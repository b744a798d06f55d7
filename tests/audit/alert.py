"""An alert for tests of the audit."""

from datetime import UTC, datetime

from streams.contracts.codesets import AlertStatus, Severity
from streams.contracts.outputs import Alert

__all__ = ["alert"]

WHEN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def alert(alert_id: str, family_id: str) -> Alert:
    """An open alert about a family."""
    return Alert(
        alert_id=alert_id,
        version=1,
        rule="adult_returns",
        rule_version=1,
        profile_version="2026-1",
        severity=Severity.RED,
        status=AlertStatus.OPEN,
        entity_kind="family",
        entity_id=family_id,
        family_id=family_id,
        reason="A person with a risk marker joined the household.",
        evidence=[],
        anchor_source="/a",
        anchor_id="e-1",
        anchored_at=WHEN,
        clears_when="The person has left.",
        occurred_at=WHEN,
        received_at=WHEN,
        raised_at=WHEN,
    )
