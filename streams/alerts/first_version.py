"""The first version of an alert, made from the row that its rule returned."""

from datetime import datetime

from streams.contracts.codesets import AlertStatus, Severity
from streams.contracts.outputs import Alert, Evidence
from streams.rules.answers import AlertRow
from streams.times import aware

__all__ = ["first_version"]


def first_version(row: AlertRow, clears_when: str, case_url: str, now: datetime) -> Alert:
    """
    Return the first version of an alert. Both the time of its cause and the time of raising it are `now`.

    A caller that knows the real times sets them before publishing. `case_url` contains the placeholder `{family_id}`.
    """
    return Alert(
        alert_id=row.alert_id,
        version=1,
        rule=row.rule,
        rule_version=row.rule_version,
        profile_version=row.profile_version,
        severity=Severity(row.severity),
        status=AlertStatus(row.status),
        entity_kind=row.entity_kind,
        entity_id=row.entity_id,
        family_id=row.family_id,
        reason=row.reason,
        evidence=[Evidence(aware(item["time"]), item["source"], item["id"], item["type"]) for item in row.evidence],
        anchor_source=row.anchor_source,
        anchor_id=row.anchor_id,
        anchored_at=aware(row.anchored_at),
        deadline=aware(row.deadline),
        clears_when=clears_when,
        occurred_at=aware(row.occurred_at),
        received_at=now,
        raised_at=now,
        backfill=row.is_backfill,
        case_url=row.family_id and case_url.replace("{family_id}", row.family_id),
    )
