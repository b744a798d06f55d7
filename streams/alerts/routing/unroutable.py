"""If an alert reaches nobody, another alert reports this to people whom no route can leave out."""

import hashlib

import msgspec

from streams.contracts.codesets import AlertStatus, RecipientRole, Severity
from streams.contracts.outputs import Alert, Recipient

__all__ = ["REACHES_NOBODY", "reaches_nobody"]

REACHES_NOBODY = "route_reaches_nobody"
"""The name of this alert in place of a rule. No event leads to it, so rebuilt alerts contain none."""


def reaches_nobody(alert: Alert, authority: str) -> Alert | None:
    """The red alert about an alert that reached nobody; None if it reached somebody, or must have no recipients."""
    if alert.recipients or alert.backfill or alert.test:
        return None
    return msgspec.structs.replace(
        alert,
        alert_id=hashlib.md5(f"{REACHES_NOBODY}|{alert.alert_id}".encode(), usedforsecurity=False).hexdigest(),
        version=1,
        rule=REACHES_NOBODY,
        rule_version=1,
        severity=Severity.RED,
        status=AlertStatus.OPEN,
        status_reason=None,
        entity_kind="alert",
        entity_id=alert.alert_id,
        reason=f"No route says who gets alert {alert.alert_id} of rule {alert.rule}.",
        deadline=None,
        clears_when="no later fact clears it: somebody mends the routes, deals with the alert and closes it",
        supersedes=None,
        recipients=[Recipient(RecipientRole.ENGINEER, authority), Recipient(RecipientRole.MANAGER, authority)],
    )
