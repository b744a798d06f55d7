"""Events of `caf.case-change.v1` about the work with a family: cases, assessments, services, consent, outcomes."""

from streams.contracts import codesets as c
from streams.contracts import fields as f
from streams.contracts.event import Event, event
from streams.names import CASE_CHANGE

__all__ = [
    "AssessmentCompleted",
    "AssessmentStarted",
    "CaseClosed",
    "CaseOpened",
    "ConsentGiven",
    "ConsentRefused",
    "ConsentWithdrawn",
    "FamilySeen",
    "LeadProfessionalAssigned",
    "LevelChanged",
    "OutcomeRecorded",
    "ReviewHeld",
    "SchoolNotified",
    "ServiceCancelled",
    "ServiceDeclined",
    "ServiceEnded",
    "ServiceRequested",
    "ServiceStarted",
    "TafMeetingHeld",
]


@event(CASE_CHANGE, "case-opened", otherwise={"service_id": None})
class CaseOpened(Event):
    """A family was opened to a service."""

    case_id: f.CaseId
    family_id: f.FamilyId
    service_id: f.ServiceId
    service_kind: c.ServiceKind | None = None
    referral_id: f.ReferralId | None = None


@event(CASE_CHANGE, "case-closed", otherwise={"closure_reason": c.ClosureReason.NO_LONGER_IN_NEED})
class CaseClosed(Event):
    """A family was closed to a service."""

    case_id: f.CaseId
    family_id: f.FamilyId
    closure_reason: c.ClosureReason


@event(CASE_CHANGE, "level-changed", otherwise={"level_reason": c.LevelReason.OTHER})
class LevelChanged(Event):
    """The family's level of need changed."""

    family_id: f.FamilyId
    level: f.Level
    level_reason: c.LevelReason


@event(CASE_CHANGE, "assessment-started", otherwise={"assessment_kind": None})
class AssessmentStarted(Event):
    """An assessment of a family began."""

    assessment_id: f.AssessmentId
    family_id: f.FamilyId
    assessment_kind: c.AssessmentKind
    agency_id: f.AgencyId | None = None
    referral_id: f.ReferralId | None = None
    person_ids: f.PersonIds = []


@event(CASE_CHANGE, "assessment-completed")
class AssessmentCompleted(Event):
    """An assessment was authorised. The event names the factors found and the family members who took part."""

    assessment_id: f.AssessmentId
    family_id: f.FamilyId
    factors: list[c.AssessmentFactor] = []
    participants: f.Participants = []


@event(CASE_CHANGE, "lead-professional-assigned")
class LeadProfessionalAssigned(Event):
    """A family was given a lead professional."""

    family_id: f.FamilyId
    worker_id: f.WorkerId
    agency_id: f.AgencyId | None = None


@event(CASE_CHANGE, "taf-meeting-held")
class TafMeetingHeld(Event):
    """The team around the family met."""

    meeting_id: f.MeetingId
    family_id: f.FamilyId
    participants: f.Participants = []
    agency_kinds: list[c.AgencyKind] = []


@event(CASE_CHANGE, "review-held")
class ReviewHeld(Event):
    """The plan of a family was reviewed."""

    review_id: f.ReviewId
    family_id: f.FamilyId
    participants: f.Participants = []


@event(CASE_CHANGE, "family-seen")
class FamilySeen(Event):
    """A worker saw the family. `person_ids` are the children who were seen."""

    family_id: f.FamilyId
    worker_id: f.WorkerId | None = None
    person_ids: f.PersonIds = []


@event(CASE_CHANGE, "service-requested", otherwise={"service_id": None, "service_kind": c.ServiceKind.OTHER})
class ServiceRequested(Event):
    """Somebody requested a partner's service."""

    service_request_id: f.ServiceRequestId
    family_id: f.FamilyId
    service_id: f.ServiceId
    service_kind: c.ServiceKind


@event(CASE_CHANGE, "service-started")
class ServiceStarted(Event):
    """A requested service began."""

    service_request_id: f.ServiceRequestId
    family_id: f.FamilyId


@event(CASE_CHANGE, "service-declined", otherwise={"end_reason": c.EndReason.OTHER})
class ServiceDeclined(Event):
    """A requested service was declined, by the family or the service."""

    service_request_id: f.ServiceRequestId
    family_id: f.FamilyId
    end_reason: c.EndReason


@event(CASE_CHANGE, "service-cancelled", otherwise={"end_reason": c.EndReason.OTHER})
class ServiceCancelled(Event):
    """A request for a service was cancelled."""

    service_request_id: f.ServiceRequestId
    family_id: f.FamilyId
    end_reason: c.EndReason


@event(CASE_CHANGE, "service-ended", otherwise={"end_reason": c.EndReason.OTHER})
class ServiceEnded(Event):
    """A service ended."""

    service_request_id: f.ServiceRequestId
    family_id: f.FamilyId
    end_reason: c.EndReason


@event(CASE_CHANGE, "consent-given")
class ConsentGiven(Event):
    """The family consented."""

    family_id: f.FamilyId
    consent_scope: c.ConsentScope


@event(CASE_CHANGE, "consent-refused")
class ConsentRefused(Event):
    """The family refused consent."""

    family_id: f.FamilyId
    consent_scope: c.ConsentScope


@event(CASE_CHANGE, "consent-withdrawn")
class ConsentWithdrawn(Event):
    """The family withdrew its consent."""

    family_id: f.FamilyId
    consent_scope: c.ConsentScope


@event(CASE_CHANGE, "outcome-recorded")
class OutcomeRecorded(Event):
    """An outcome was measured."""

    family_id: f.FamilyId
    outcome_framework: c.OutcomeFramework
    outcome_number: f.OutcomeNumber
    outcome_stage: c.OutcomeStage
    score: f.Score
    person_id: f.PersonId | None = None


@event(CASE_CHANGE, "school-notified")
class SchoolNotified(Event):
    """A child's school was told about an incident, or the authority was told if the child is educated at home."""

    family_id: f.FamilyId
    person_id: f.PersonId
    incident_id: f.IncidentId
    school_id: f.SchoolId | None = None
