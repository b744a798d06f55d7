"""Concerns that ask for no service: contacts, and incidents that partners report as urgent."""

from datetime import datetime, timedelta

from streams.contracts.case_work import SchoolNotified
from streams.contracts.codesets import ConcernKind, EscalationKind, ReferralSource, Severity
from streams.contracts.escalation import EscalationReported
from streams.contracts.referral import ContactRecorded
from streams.simulate.agencies import agency_of, source_in
from streams.simulate.borough import Borough
from streams.simulate.population import Family

__all__ = ["contact", "escalate"]

_KINDS = {
    EscalationKind.DOMESTIC_ABUSE_INCIDENT: 50, EscalationKind.CHILD_MISSING: 14, EscalationKind.EXCLUSION: 10,
    EscalationKind.SELF_HARM: 8, EscalationKind.EMERGENCY_ATTENDANCE: 10, EscalationKind.HOMELESSNESS: 5,
    EscalationKind.CHILD_INJURED: 3,
}  # fmt: skip
_SOURCES = {
    EscalationKind.EXCLUSION: ReferralSource.SCHOOL,
    EscalationKind.SELF_HARM: ReferralSource.EMERGENCY_DEPARTMENT,
    EscalationKind.EMERGENCY_ATTENDANCE: ReferralSource.EMERGENCY_DEPARTMENT,
    EscalationKind.HOMELESSNESS: ReferralSource.HOUSING,
    EscalationKind.CHILD_INJURED: ReferralSource.EMERGENCY_DEPARTMENT,
}


def contact(borough: Borough, family: Family, at: datetime, source: ReferralSource | None = None) -> None:
    """Record a contact. If no source is given, one is drawn in the proportions that are published for referrals."""
    rng = borough.rng
    groups = borough.calibration.by_source
    source = source or source_in(rng.choices(tuple(groups), tuple(groups.values()))[0], rng)
    borough.introduce(family, at - timedelta(minutes=rng.randint(1, 20)))
    data = ContactRecorded(
        contact_id=borough.ids.new("C"),
        family_id=family.id,
        source_code=source,
        agency_id=agency_of(source, family, borough.slug),
        concern_kind=rng.choice(tuple(ConcernKind)),
        gateway=family.place.gateway,
        lsoa_code=family.place.lsoa_code if rng.random() > 0.03 else None,
    )
    borough.record(at, data)


def escalate(borough: Borough, family: Family, at: datetime) -> None:
    """
    Write an incident that a partner reports. If the incident is domestic abuse, the schools of nine in ten children are
    notified.
    """
    rng = borough.rng
    kind = rng.choices(tuple(_KINDS), tuple(_KINDS.values()))[0]
    source = _SOURCES.get(kind, ReferralSource.POLICE)
    borough.introduce(family, at - timedelta(minutes=rng.randint(1, 20)))
    is_abuse = kind is EscalationKind.DOMESTIC_ABUSE_INCIDENT
    incident_id = borough.ids.new("I")
    about = family.adults if is_abuse else [rng.choice(family.children)]
    data = EscalationReported(
        escalation_id=borough.ids.new("X"),
        family_id=family.id,
        escalation_kind=kind,
        severity=rng.choices(tuple(Severity), (25, 60, 15))[0],
        source_code=source,
        agency_id=agency_of(source, family, borough.slug),
        person_ids=[person.id for person in about],
        incident_id=incident_id,
        gateway=family.place.gateway,
        lsoa_code=family.place.lsoa_code,
    )
    borough.record(at, data)
    for child in family.children if is_abuse else ():
        if child.school_id and rng.random() < 0.9:
            notified = SchoolNotified(
                family_id=family.id, person_id=child.id, incident_id=incident_id, school_id=child.school_id
            )
            borough.record(at + timedelta(hours=rng.uniform(1, 9)), notified)
