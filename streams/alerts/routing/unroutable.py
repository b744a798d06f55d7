"""Reports an alert that reaches nobody. The report is another alert, whose recipients do not depend on the routes."""

import hashlib

import msgspec

from streams.contracts.codesets import AlertStatus, RecipientRole, Severity
from streams.contracts.outputs import Alert, Recipient

__all__ = ["REACHES_NOBODY", "reaches_nobody"]

REACHES_NOBODY = "route_reaches_nobody"
"""
The name of the reporting alert, used in place of a rule's name. No event leads to this alert, so no build finds it.
"""


def reaches_nobody(alert: Alert, authority: str) -> Alert | None:
    """
    Return the red alert that reports an alert without recipients.

    Return None if the alert has recipients, or must not have any.
    """
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
        clears_when="never automatically, so somebody must correct the routes, deal with the alert and close it",
        supersedes=None,
        recipients=[Recipient(RecipientRole.ENGINEER, authority), Recipient(RecipientRole.MANAGER, authority)],
    )
