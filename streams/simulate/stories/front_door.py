"""A referral at the front door: submission, decision, allocation, feedback to the referrer, sharing of information."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.contracts.codesets import (
    Consent,
    ConsentReason,
    Decision,
    FeedbackChannel,
    FeedbackKind,
    InformationKind,
    PrimaryNeed,
    ReferralSource,
    ServiceKind,
    Severity,
    SharingBasis,
    SharingPurpose,
)
from streams.contracts.referral import (
    FeedbackSent,
    InformationShared,
    ReferralAllocated,
    ReferralDecided,
    ReferralSubmitted,
)
from streams.simulate.agencies import agency_of
from streams.simulate.borough import Borough
from streams.simulate.hours import is_working_time
from streams.simulate.population import Family, Person

__all__ = ["Referral", "refer"]

_UNNAMED = frozenset({ReferralSource.ANONYMOUS, ReferralSource.UNKNOWN})
"""Sources that get no feedback."""

_INDIVIDUALS = frozenset(
    {ReferralSource.RELATIVE, ReferralSource.ACQUAINTANCE, ReferralSource.SELF, ReferralSource.OTHER_INDIVIDUAL}
)


class Referral(NamedTuple):
    """The facts about a referral that later stories need."""

    id: str
    allocated_at: datetime
    decision: Decision


def refer(
    borough: Borough,
    family: Family,
    at: datetime,
    *,
    source: ReferralSource,
    children: Sequence[Person],
    service_kind: ServiceKind,
    decision: Decision,
) -> Referral:
    """Write a referral and the front door's events about it."""
    borough.introduce(family, at - timedelta(minutes=borough.rng.randint(2, 50)))
    consent, reason = _consent(borough, service_kind)
    submitted = ReferralSubmitted(
        referral_id=borough.ids.new("R"),
        family_id=family.id,
        source_code=source,
        severity=_severity(borough, service_kind),
        person_ids=[child.id for child in children],
        agency_id=agency_of(source, family, borough.slug),
        primary_need=_need(borough, service_kind),
        consent=consent,
        consent_reason=reason,
        gateway=family.place.gateway,
        service_kind=service_kind,
        lsoa_code=family.place.lsoa_code if borough.rng.random() > 0.02 else None,
    )
    borough.record(at, submitted)
    return _handle(borough, family, at, submitted, decision)


def _handle(
    borough: Borough, family: Family, at: datetime, submitted: ReferralSubmitted, decision: Decision
) -> Referral:
    rng, referral_id = borough.rng, submitted.referral_id
    _feedback(borough, at + timedelta(minutes=rng.randint(1, 30)), submitted, FeedbackKind.ACKNOWLEDGEMENT)
    if submitted.severity is Severity.RED and not is_working_time(at):
        edt = ReferralDecided(referral_id=referral_id, family_id=family.id, decision=Decision.EDT)
        borough.record(at + timedelta(minutes=rng.randint(5, 40)), edt)
    decided_at = at + timedelta(hours=min(60.0, 0.7 + rng.lognormvariate(1.5, 0.85)))
    decided = ReferralDecided(
        referral_id=referral_id, family_id=family.id, decision=decision, worker_id=borough.worker()
    )
    borough.record(decided_at, decided)
    if submitted.source_code not in _INDIVIDUALS:
        _feedback(borough, decided_at + timedelta(minutes=rng.randint(1, 90)), submitted, FeedbackKind.OUTCOME)
    allocated_at = decided_at + timedelta(hours=min(110.0, 1 + rng.lognormvariate(3.0, 0.8)))
    if decision in (Decision.MASH, Decision.EARLY_HELP, Decision.ROUTED_TO_OPEN_SERVICE):
        _allocate(borough, family, allocated_at, decided)
        if rng.random() < 0.6:
            _share(borough, family, decided_at + (allocated_at - decided_at) / 2, referral_id, decision)
    return Referral(referral_id, allocated_at, decision)


def _allocate(borough: Borough, family: Family, at: datetime, decided: ReferralDecided) -> None:
    kind = ServiceKind.EARLY_HELP if decided.decision is Decision.EARLY_HELP else ServiceKind.SOCIAL_CARE
    allocated = ReferralAllocated(
        referral_id=decided.referral_id,
        family_id=family.id,
        service_id=f"{borough.slug}-{kind.value.replace('_', '-')}-{family.place.gateway.value}",
        service_kind=kind,
        worker_id=decided.worker_id,
    )
    borough.record(at, allocated)


def _severity(borough: Borough, service_kind: ServiceKind) -> Severity:
    weights = (12, 58, 30) if service_kind is ServiceKind.SOCIAL_CARE else (1, 29, 70)
    return borough.rng.choices(tuple(Severity), weights)[0]


def _need(borough: Borough, service_kind: ServiceKind) -> PrimaryNeed:
    """
    Draw the primary need. For social care, the published proportions are used. For early help, the proportions are
    invented, because none are published.
    """
    if service_kind is ServiceKind.SOCIAL_CARE:
        needs = borough.calibration.needs
        return borough.rng.choices(tuple(needs), tuple(needs.values()))[0]
    return borough.rng.choice((PrimaryNeed.ACUTE_STRESS, PrimaryNeed.DYSFUNCTION, PrimaryNeed.NOT_STATED))


def _feedback(borough: Borough, at: datetime, submitted: ReferralSubmitted, kind: FeedbackKind) -> None:
    source = submitted.source_code
    if source in _UNNAMED:
        return
    channel = FeedbackChannel.LETTER if source in _INDIVIDUALS else borough.rng.choice(tuple(FeedbackChannel))
    feedback = FeedbackSent(
        referral_id=submitted.referral_id,
        family_id=submitted.family_id,
        feedback_kind=kind,
        feedback_channel=channel,
    )
    borough.record(at, feedback)


def _share(borough: Borough, family: Family, at: datetime, referral: str, decision: Decision) -> None:
    rng = borough.rng
    is_mash = decision is Decision.MASH
    shared = InformationShared(
        sharing_id=borough.ids.new("S"),
        family_id=family.id,
        agency_id=rng.choice((family.place.schools[0], f"{borough.slug}-police", f"{borough.slug}-health-visiting")),
        information_kinds=rng.sample(
            (InformationKind.HOUSEHOLD, InformationKind.LEVEL_OF_NEED, InformationKind.RISK), 2
        ),
        sharing_purpose=SharingPurpose.SAFEGUARDING if is_mash else SharingPurpose.EARLY_HELP,
        sharing_basis=rng.choices(
            (SharingBasis.PUBLIC_TASK, SharingBasis.LEGAL_OBLIGATION, SharingBasis.VITAL_INTERESTS, SharingBasis.NONE),
            (800, 150, 40, 4),
        )[0],
        referral_id=referral,
    )
    borough.record(at, shared)


def _consent(borough: Borough, service_kind: ServiceKind) -> tuple[Consent, ConsentReason | None]:
    """Draw the answer to the consent question. For early help, consent is almost always given."""
    rng = borough.rng
    weights = (48, 9, 41, 2) if service_kind is ServiceKind.SOCIAL_CARE else (93, 3, 3, 1)
    consent = rng.choices((Consent.GIVEN, Consent.REFUSED, Consent.NOT_SOUGHT, Consent.NOT_RECORDED), weights)[0]
    if consent is not Consent.NOT_SOUGHT:
        return consent, None
    return consent, rng.choices(tuple(ConsentReason), (55, 10, 20, 3, 12))[0] if rng.random() > 0.01 else None
