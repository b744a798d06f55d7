"""Events of `caf.escalation.v1`: what partners report as urgent, and what people did with alerts."""

from streams.contracts import codesets as c
from streams.contracts import fields as f
from streams.contracts.event import Event, event
from streams.names import ESCALATION

__all__ = ["AlertAcknowledged", "AlertClosed", "EscalationReported", "OpenedInEmergency"]


@event(
    ESCALATION,
    "escalation-reported",
    otherwise={
        "escalation_kind": c.EscalationKind.OTHER,
        "severity": c.Severity.RED,
        "source_code": c.ReferralSource.UNKNOWN,
    },
)
class EscalationReported(Event):
    """
    A partner reports that a family's situation has become worse.

    `person_ids` are the persons whom the report is about.
    """

    escalation_id: f.EscalationId
    family_id: f.FamilyId
    escalation_kind: c.EscalationKind
    severity: c.Severity
    source_code: c.ReferralSource
    agency_id: f.AgencyId | None = None
    person_ids: f.PersonIds = []
    incident_id: f.IncidentId | None = None
    gateway: c.Gateway | None = None
    lsoa_code: f.LsoaCode | None = None


@event(ESCALATION, "alert-acknowledged", key=("family_id", "alert_id"))
class AlertAcknowledged(Event):
    """Somebody has seen an alert and takes it on."""

    alert_id: f.AlertId
    worker_id: f.WorkerId
    family_id: f.FamilyId | None = None
    note: f.Note | None = None


@event(ESCALATION, "alert-closed", key=("family_id", "alert_id"))
class AlertClosed(Event):
    """Somebody closed an alert and recorded the result."""

    alert_id: f.AlertId
    worker_id: f.WorkerId
    alert_closure: c.AlertClosure
    family_id: f.FamilyId | None = None
    note: f.Note | None = None


@event(ESCALATION, "opened-in-emergency")
class OpenedInEmergency(Event):
    """
    Somebody whose account is for other areas opened a family on the pages, and gave a reason.

    `worker_id` is the name of the account. The pages send this event before they show anything.
    """

    family_id: f.FamilyId
    worker_id: f.WorkerId
    emergency_reason: c.EmergencyReason
