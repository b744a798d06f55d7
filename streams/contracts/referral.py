"""Events of `caf.referral.v1`: from a first contact to the feedback that a referrer receives."""

from streams.contracts import codesets as c
from streams.contracts import fields as f
from streams.contracts.event import Event, event
from streams.names import REFERRAL

__all__ = [
    "ContactRecorded",
    "FeedbackSent",
    "InformationShared",
    "ReferralAllocated",
    "ReferralDecided",
    "ReferralSubmitted",
]


@event(REFERRAL, "contact-recorded", otherwise={"source_code": c.ReferralSource.UNKNOWN})
class ContactRecorded(Event):
    """Somebody reported a concern about a family, and did not ask for a service."""

    contact_id: f.ContactId
    family_id: f.FamilyId
    source_code: c.ReferralSource
    agency_id: f.AgencyId | None = None
    concern_kind: c.ConcernKind = c.ConcernKind.OTHER
    incident_id: f.IncidentId | None = None
    gateway: c.Gateway | None = None
    lsoa_code: f.LsoaCode | None = None


@event(
    REFERRAL,
    "referral-submitted",
    otherwise={"source_code": c.ReferralSource.UNKNOWN, "severity": c.Severity.RED},
)
class ReferralSubmitted(Event):
    """
    Somebody asked for a service for a family.

    A missing answer to the consent question is kept as `not_recorded`, because the report is still about a child.
    """

    referral_id: f.ReferralId
    family_id: f.FamilyId
    source_code: c.ReferralSource
    severity: c.Severity
    person_ids: f.PersonIds = []
    agency_id: f.AgencyId | None = None
    primary_need: c.PrimaryNeed = c.PrimaryNeed.NOT_STATED
    incident_id: f.IncidentId | None = None
    consent: c.Consent = c.Consent.NOT_RECORDED
    consent_reason: c.ConsentReason | None = None
    gateway: c.Gateway | None = None
    service_kind: c.ServiceKind | None = None
    lsoa_code: f.LsoaCode | None = None


@event(REFERRAL, "referral-decided")
class ReferralDecided(Event):
    """The front door decided what happens with a referral."""

    referral_id: f.ReferralId
    family_id: f.FamilyId
    decision: c.Decision
    worker_id: f.WorkerId | None = None


@event(REFERRAL, "referral-allocated", otherwise={"service_id": None})
class ReferralAllocated(Event):
    """A referral reached the service that takes it on."""

    referral_id: f.ReferralId
    family_id: f.FamilyId
    service_id: f.ServiceId
    service_kind: c.ServiceKind | None = None
    worker_id: f.WorkerId | None = None


@event(REFERRAL, "feedback-sent", otherwise={"feedback_channel": None})
class FeedbackSent(Event):
    """The referrer was given feedback on a referral."""

    referral_id: f.ReferralId
    family_id: f.FamilyId
    feedback_kind: c.FeedbackKind
    feedback_channel: c.FeedbackChannel


@event(
    REFERRAL,
    "information-shared",
    otherwise={"information_kinds": [], "sharing_purpose": None, "sharing_basis": c.SharingBasis.NONE},
)
class InformationShared(Event):
    """Information about a family was shared with another organisation."""

    sharing_id: f.SharingId
    family_id: f.FamilyId
    agency_id: f.AgencyId
    information_kinds: f.InformationKinds
    sharing_purpose: c.SharingPurpose
    sharing_basis: c.SharingBasis
    person_id: f.PersonId | None = None
    referral_id: f.ReferralId | None = None
