"""A family with an open case in children's social care: its levels of need, assessment, reviews, visits and closure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from streams.contracts.case_work import (
    AssessmentCompleted,
    AssessmentStarted,
    CaseClosed,
    CaseOpened,
    FamilySeen,
    LeadProfessionalAssigned,
    LevelChanged,
    ReviewHeld,
    TafMeetingHeld,
)
from streams.contracts.codesets import (
    AssessmentFactor,
    AssessmentKind,
    ClosureReason,
    HouseholdRole,
    LevelReason,
    ServiceKind,
)
from streams.simulate.agencies import AGENCY_KINDS
from streams.simulate.borough import Borough
from streams.simulate.hours import day_of, working_moment
from streams.simulate.population import Family, Person

__all__ = ["assess", "assign_lead", "change_level", "close", "open_case", "plan", "see_family", "social_care"]

_NOT_IN_NEED = 0.337
_SECTION_47 = 0.33


def social_care(borough: Borough, family: Family, at: datetime, referral_id: str, children: Sequence[Person]) -> None:
    """
    Open a case, assess the family, help it and close the case.

    About a third of the families are found not to be in need (published: 33.7 % in Wirral). About a third of the
    assessments are section 47 enquiries (published: 1,371 of 4,206 assessments in Wirral).
    """
    rng = borough.rng
    is_urgent = rng.random() < _SECTION_47
    case_id = open_case(borough, family, at, ServiceKind.SOCIAL_CARE, referral_id)
    change_level(borough, family, at + timedelta(minutes=20), 4 if is_urgent else 3, LevelReason.NEW_CONCERN)
    lead_at = working_moment(rng, day_of(at) + timedelta(days=rng.choice((1, 1, 2, 3))))
    assign_lead(borough, family, lead_at, "social-care")
    spans, weights = zip(*borough.calibration.durations, strict=True)
    working_days = rng.randint(*rng.choices(spans, weights)[0])
    kind = AssessmentKind.SECTION_47 if is_urgent else AssessmentKind.CHILD_AND_FAMILY
    whom = [child.id for child in children]
    assessed_at = assess(
        borough, family, lead_at + timedelta(hours=1), kind, referral_id, person_ids=whom, days=working_days * 7 // 5
    )
    if rng.random() < _NOT_IN_NEED:
        closed_at, reason = assessed_at + timedelta(days=rng.randint(1, 9)), _assessed_out(borough)
        see_family(borough, family, lead_at + timedelta(days=2), closed_at, 14)
    else:
        closed_at, reason = assessed_at + timedelta(days=rng.randint(40, 260)), _closure(borough)
        plan(borough, family, lead_at + timedelta(days=4), closed_at)
    close(borough, family, closed_at, case_id, reason)


def open_case(borough: Borough, family: Family, at: datetime, kind: ServiceKind, referral_id: str) -> str:
    """Open a case of the family with a service, and return the case id."""
    case_id = borough.ids.new("K")
    opened = CaseOpened(
        case_id=case_id,
        family_id=family.id,
        service_id=f"{borough.slug}-{kind.value.replace('_', '-')}-{family.place.gateway.value}",
        service_kind=kind,
        referral_id=referral_id,
    )
    borough.record(at, opened)
    return case_id


def assign_lead(borough: Borough, family: Family, at: datetime, team: str) -> None:
    """Assign a lead professional of a team to the family."""
    lead = LeadProfessionalAssigned(family_id=family.id, worker_id=borough.worker(), agency_id=f"{borough.slug}-{team}")
    borough.record(at, lead)


def assess(
    borough: Borough,
    family: Family,
    at: datetime,
    kind: AssessmentKind,
    referral_id: str,
    *,
    person_ids: list[str],
    days: int,
) -> datetime:
    """Write an assessment that takes about `days` calendar days; return when it was completed."""
    assessment_id = borough.ids.new("A")
    is_statutory = kind in (AssessmentKind.CHILD_AND_FAMILY, AssessmentKind.SECTION_47)
    started = AssessmentStarted(
        assessment_id=assessment_id,
        family_id=family.id,
        assessment_kind=kind,
        agency_id=f"{borough.slug}-{'social-care' if is_statutory else 'early-help'}",
        referral_id=referral_id,
        person_ids=person_ids,
    )
    borough.record(at, started)
    done_at = max(at + timedelta(hours=1), working_moment(borough.rng, day_of(at) + timedelta(days=days)))
    completed = AssessmentCompleted(
        assessment_id=assessment_id,
        family_id=family.id,
        factors=_factors(borough),
        participants=participants(borough, family),
    )
    borough.record(done_at, completed)
    return done_at


def plan(borough: Borough, family: Family, first: datetime, until: datetime) -> None:
    """
    Write visits, reviews and meetings until the case ends.

    Practice asks for a visit or review every six weeks. Most families are visited or reviewed that often.
    """
    rng = borough.rng
    see_family(borough, family, first, until, 36)
    at = first + timedelta(days=rng.randint(15, 30))
    while at < until:
        held_at = working_moment(rng, day_of(at))
        if held_at >= until:
            break
        who = participants(borough, family)
        if rng.random() < 0.45:
            review = ReviewHeld(review_id=borough.ids.new("V"), family_id=family.id, participants=who)
            borough.record(held_at, review)
        else:
            kinds = rng.sample(AGENCY_KINDS, rng.randint(2, 4))
            meeting = TafMeetingHeld(
                meeting_id=borough.ids.new("T"), family_id=family.id, participants=who, agency_kinds=kinds
            )
            borough.record(held_at, meeting)
        at += timedelta(days=rng.randint(24, 44))


def see_family(borough: Borough, family: Family, first: datetime, until: datetime, every: int) -> None:
    """Visit the family about every `every` days."""
    rng, at = borough.rng, first
    while at < until:
        seen_at = working_moment(rng, day_of(at))
        if seen_at >= until:
            break
        children = [child.id for child in family.children]
        borough.record(seen_at, FamilySeen(family_id=family.id, worker_id=borough.worker(), person_ids=children))
        at += timedelta(days=rng.randint(every * 2 // 3, every * 4 // 3))


def close(borough: Borough, family: Family, at: datetime, case_id: str, reason: ClosureReason) -> None:
    """Lower the family's level of need and close its case."""
    change_level(borough, family, at - timedelta(hours=2), 2 if borough.rng.random() < 0.4 else 1, LevelReason.PROGRESS)
    borough.record(at, CaseClosed(case_id=case_id, family_id=family.id, closure_reason=reason))
    family.open_until = at


def change_level(borough: Borough, family: Family, at: datetime, level: int, reason: LevelReason) -> None:
    """Record a level of need if it differs from the family's present level."""
    if family.level != level:
        family.level = level
        borough.record(at, LevelChanged(family_id=family.id, level=level, level_reason=reason))


def participants(borough: Borough, family: Family) -> list[HouseholdRole]:
    """
    Draw who in the family attends a meeting, and return their roles. Fathers and lone males attend less often than
    mothers.
    """
    likely = {HouseholdRole.FATHER: 0.35, HouseholdRole.LONE_MALE: 0.4, HouseholdRole.STEP_PARENT: 0.3}
    came = {adult.role for adult in family.adults if borough.rng.random() < likely.get(adult.role, 0.85)}
    if any(child.role is HouseholdRole.CHILD for child in family.children) and borough.rng.random() < 0.3:
        came.add(HouseholdRole.CHILD)
    return sorted(came)


def _factors(borough: Borough) -> list[AssessmentFactor]:
    """Draw the factors that an assessment finds. Each factor is found in its published share of assessments."""
    rng = borough.rng
    found = [code for code, share in borough.calibration.factors.items() if rng.random() < share]
    return found or [AssessmentFactor.NONE]


def _assessed_out(borough: Borough) -> ClosureReason:
    return borough.rng.choice((ClosureReason.ASSESSED_NO_ACTION, ClosureReason.ASSESSED_EARLY_HELP))


def _closure(borough: Borough) -> ClosureReason:
    return borough.rng.choices(
        (ClosureReason.NO_LONGER_IN_NEED, ClosureReason.OTHER_AUTHORITY, ClosureReason.SPECIAL_GUARDIANSHIP),
        (952, 32, 12),
    )[0]
