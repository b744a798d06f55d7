"""Levels of need that jump, that rise slowly, or that rise again after a step-down."""

from datetime import timedelta

from streams.contracts.case_work import AssessmentCompleted, AssessmentStarted, CaseClosed, CaseOpened, LevelChanged
from streams.contracts.codesets import (
    AssessmentFactor,
    AssessmentKind,
    ClosureReason,
    LevelReason,
    ServiceKind,
)
from streams.simulate.hours import day_of, instant, months_later
from streams.simulate.planted.script import Script

__all__ = ["STORIES"]

_RAPID = "rapid_escalation"
_STEP_DOWN = "step_down_failed"
_ACCESS = "level_4_for_access"


def level_jumps_by_two(s: Script) -> None:
    """The level goes from 1 to 3 at once."""
    s.level(s.ago(200), 1)
    s.expect(_RAPID, s.level(s.ago(50), 3, LevelReason.INCIDENT))


def level_climbs_within_a_month(s: Script) -> None:
    """
    The level was 1 until 29 days ago, then 2, and is now 3. This is two levels above the lowest level of the last 30
    days.
    """
    s.level(s.ago(200), 1)
    s.level(s.ago(79), 2)
    s.expect(_RAPID, s.level(s.ago(50), 3, LevelReason.NEW_CONCERN))


def level_climbs_in_more_than_a_month(s: Script) -> None:
    """The level was 2 for 31 days, and is now 3. In the last 30 days it was never below 2."""
    s.level(s.ago(200), 1)
    s.level(s.ago(81), 2)
    s.deny(_RAPID, s.level(s.ago(50), 3, LevelReason.NEW_CONCERN))


def level_rises_by_one(s: Script) -> None:
    """The level rises by only one, from 2 to 3."""
    s.level(s.ago(200), 2)
    s.deny(_RAPID, s.level(s.ago(48), 3))


def jump_is_corrected(s: Script) -> None:
    """A change to level 3 was a typing error, and is corrected to level 2."""
    s.level(s.ago(200), 1)
    wrong = s.level(s.ago(46), 3)
    right = LevelChanged(family_id=s.family.id, level=2, level_reason=LevelReason.ASSESSMENT)
    s.correct(s.ago(45), wrong, right, wrong.at)
    s.deny(_RAPID, wrong)


def steps_up_within_six_months(s: Script) -> None:
    """The level goes up again five months after it was lowered."""
    s.level(s.ago(300), 3)
    lowered = s.level(s.ago(180), 2, LevelReason.PROGRESS)
    again_at = instant(months_later(day_of(lowered.at), 5), 11)
    s.expect(_STEP_DOWN, s.level(again_at, 3, LevelReason.NEW_CONCERN))


def steps_up_after_six_months(s: Script) -> None:
    """The level was lowered. It goes up again six calendar months and one day later."""
    s.level(s.ago(300), 3)
    lowered = s.level(s.ago(230), 2, LevelReason.PROGRESS)
    again_at = instant(months_later(day_of(lowered.at), 6) + timedelta(days=1), 11)
    s.deny(_STEP_DOWN, s.level(again_at, 3, LevelReason.NEW_CONCERN))


def referred_after_moving_away(s: Script) -> None:
    """
    The case was closed because another authority took it over. So a new referral does not mean that the help
    failed.
    """
    case_id = s.borough.ids.new("K")
    opened = CaseOpened(
        case_id=case_id,
        family_id=s.family.id,
        service_id=f"{s.borough.slug}-family-support",
        service_kind=ServiceKind.FAMILY_SUPPORT,
    )
    s.fact(s.ago(250), opened)
    closed = CaseClosed(case_id=case_id, family_id=s.family.id, closure_reason=ClosureReason.OTHER_AUTHORITY)
    s.fact(s.ago(150), closed)
    s.deny(_STEP_DOWN, s.refer(s.ago(80)))


def raised_for_access(s: Script) -> None:
    """
    The level is raised to 4 only so that the family can get a service. The assessment found only factor `20`
    (other).
    """
    s.level(s.ago(200), 3)
    _assess(s, [AssessmentFactor.OTHER])
    s.expect(_ACCESS, s.level(s.ago(60), 4, LevelReason.TO_ACCESS_PROVISION))


def raised_for_access_and_harm(s: Script) -> None:
    """The level is raised to 4 so that the family can get a service, but the assessment also found neglect."""
    s.level(s.ago(200), 3)
    _assess(s, [AssessmentFactor.NEGLECT, AssessmentFactor.OTHER])
    s.deny(_ACCESS, s.level(s.ago(60), 4, LevelReason.TO_ACCESS_PROVISION))


def _assess(s: Script, factors: list[AssessmentFactor]) -> None:
    assessment_id = s.borough.ids.new("A")
    started = AssessmentStarted(
        assessment_id=assessment_id, family_id=s.family.id, assessment_kind=AssessmentKind.EARLY_HELP
    )
    s.fact(s.ago(100), started)
    s.fact(s.ago(70), AssessmentCompleted(assessment_id=assessment_id, family_id=s.family.id, factors=factors))


STORIES = (
    level_jumps_by_two,
    level_climbs_within_a_month,
    level_climbs_in_more_than_a_month,
    level_rises_by_one,
    jump_is_corrected,
    steps_up_within_six_months,
    steps_up_after_six_months,
    referred_after_moving_away,
    raised_for_access,
    raised_for_access_and_harm,
)
