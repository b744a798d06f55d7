"""A family in early help: consent, assessment (CAF), lead professional, services, outcomes, and closure or step-up."""

from datetime import datetime, timedelta

from streams.contracts.case_work import (
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    OutcomeRecorded,
    ServiceCancelled,
    ServiceDeclined,
    ServiceEnded,
    ServiceRequested,
    ServiceStarted,
)
from streams.contracts.codesets import (
    AssessmentKind,
    ClosureReason,
    ConsentScope,
    EndReason,
    LevelReason,
    OutcomeFramework,
    OutcomeStage,
    ServiceKind,
)
from streams.simulate.borough import Borough, Helped
from streams.simulate.hours import day_of, working_moment
from streams.simulate.population import Family
from streams.simulate.stories.casework import assess, assign_lead, change_level, close, open_case, plan

__all__ = ["early_help", "use_service"]

_SERVICES = (
    ServiceKind.FAMILY_SUPPORT, ServiceKind.PARENTING, ServiceKind.YOUTH, ServiceKind.CAMHS,
    ServiceKind.SPEECH_AND_LANGUAGE, ServiceKind.DOMESTIC_ABUSE, ServiceKind.HOUSING_SUPPORT,
    ServiceKind.SUBSTANCE_MISUSE, ServiceKind.CHILDRENS_CENTRE,
)  # fmt: skip


def early_help(borough: Borough, family: Family, at: datetime, referral_id: str) -> None:
    """
    Ask for consent. If the family consents, write the events of its time in early help.

    One family in seven refuses, and gets no help.
    """
    rng = borough.rng
    asked_at = working_moment(rng, day_of(at) + timedelta(days=rng.randint(0, 3)))
    if rng.random() < 1 / 7:
        borough.record(asked_at, ConsentRefused(family_id=family.id, consent_scope=ConsentScope.RECEIVE_HELP))
        return
    for scope in ConsentScope:
        borough.record(asked_at, ConsentGiven(family_id=family.id, consent_scope=scope))
    opened_at = asked_at + timedelta(hours=1)
    case_id = open_case(borough, family, opened_at, ServiceKind.EARLY_HELP, referral_id)
    change_level(borough, family, opened_at, 2, LevelReason.ASSESSMENT)
    assign_lead(borough, family, opened_at + timedelta(hours=2), "early-help")
    kind = rng.choice((AssessmentKind.CAF, AssessmentKind.EARLY_HELP))
    whom = [child.id for child in family.children]
    assessed_at = assess(
        borough, family, asked_at + timedelta(days=1), kind, referral_id, person_ids=whom, days=rng.randint(10, 45)
    )
    closed_at = assessed_at + timedelta(days=rng.randint(50, 220))
    plan(borough, family, assessed_at, closed_at)
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        use_service(borough, family, assessed_at + timedelta(days=rng.randint(1, 20)), closed_at)
    scores = _outcomes(borough, family, assessed_at, closed_at)
    borough.helped.append(Helped(case_id, family, assessed_at, closed_at, scores))
    if rng.random() < 0.02:
        withdrawn = ConsentWithdrawn(family_id=family.id, consent_scope=ConsentScope.SHARE_INFORMATION)
        borough.record(closed_at - timedelta(days=3), withdrawn)
    close(borough, family, closed_at, case_id, ClosureReason.NO_LONGER_IN_NEED)


def use_service(borough: Borough, family: Family, at: datetime, until: datetime) -> None:
    """
    Request a service for the family. Three in four services start; the others are declined, cancelled or still
    awaited.
    """
    rng = borough.rng
    kind = rng.choice(_SERVICES)
    request_id = borough.ids.new("Q")
    requested = ServiceRequested(
        service_request_id=request_id,
        family_id=family.id,
        service_id=f"{borough.slug}-{kind.value.replace('_', '-')}",
        service_kind=kind,
    )
    borough.record(at, requested)
    next_at = at + timedelta(days=rng.lognormvariate(2.7, 0.7))
    fate = rng.random()
    if fate < 0.76:
        borough.record(next_at, ServiceStarted(service_request_id=request_id, family_id=family.id))
        reason = rng.choices((EndReason.COMPLETED, EndReason.NO_CONTACT, EndReason.STEPPED_UP), (80, 14, 6))[0]
        ended = ServiceEnded(service_request_id=request_id, family_id=family.id, end_reason=reason)
        borough.record(max(until, next_at + timedelta(days=14)), ended)
    elif fate < 0.9:
        reason = rng.choice((EndReason.FAMILY_DECLINED, EndReason.CRITERIA_NOT_MET, EndReason.NO_CAPACITY))
        declined = ServiceDeclined(service_request_id=request_id, family_id=family.id, end_reason=reason)
        borough.record(next_at, declined)
    elif fate < 0.97:
        cancelled = ServiceCancelled(
            service_request_id=request_id, family_id=family.id, end_reason=EndReason.MOVED_AWAY
        )
        borough.record(next_at, cancelled)


def _outcomes(borough: Borough, family: Family, first: datetime, last: datetime) -> dict[int, int]:
    """Record scores of one to three outcomes, at the start and at closure. Return the scores at closure."""
    rng, at_closure = borough.rng, {}
    for number in rng.sample(range(1, 11), rng.randint(1, 3)):
        score = rng.randint(2, 5)
        for at, stage in ((first, OutcomeStage.BASELINE), (last - timedelta(hours=3), OutcomeStage.CLOSURE)):
            data = OutcomeRecorded(
                family_id=family.id,
                outcome_framework=OutcomeFramework.SUPPORTING_FAMILIES,
                outcome_number=number,
                outcome_stage=stage,
                score=score,
            )
            borough.record(at, data)
            at_closure[number] = score
            score = min(10, score + rng.randint(-1, 4))
    return at_closure
