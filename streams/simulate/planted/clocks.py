"""Decisions, allocations, reviews and services that come late or just in time."""

from datetime import date, datetime, timedelta

from streams.contracts.case_work import (
    CaseClosed,
    CaseOpened,
    FamilySeen,
    LeadProfessionalAssigned,
    ServiceRequested,
    ServiceStarted,
)
from streams.contracts.codesets import ClosureReason, Decision, ServiceKind, Severity
from streams.contracts.referral import ReferralAllocated
from streams.simulate.facts import Fact
from streams.simulate.hours import instant, next_working_day
from streams.simulate.planted.script import Script, referral

__all__ = ["STORIES", "WORKING_HOURS_CLOCK"]

WORKING_HOURS_CLOCK = frozenset({"E06000019"})
"""
Authorities in which the front door's clock counts only working hours. There, a warning about an amber referral is
raised after 18 working hours.
"""

_FRONT_DOOR = "front_door_breach"
_MASH = "mash_breach"
_DRIFT = "case_drift"
_WAITING = "waiting_too_long"


def decided_after_the_limit(s: Script) -> None:
    """The front door decides ten minutes after the limit. The decision then clears the alert."""
    submitted = s.refer(_tuesday(s), decided_after=_after(s, limit=24, minutes=10))
    _breach(s, submitted, 18)


def decided_after_the_warning(s: Script) -> None:
    """The front door decides ten minutes after the warning, within the limit. The decision then clears the alert."""
    submitted = s.refer(_tuesday(s), decided_after=_after(s, limit=18, minutes=10))
    _breach(s, submitted, 18)


def decided_before_the_warning(s: Script) -> None:
    """The front door decides ten minutes before the warning."""
    submitted = s.refer(_tuesday(s), decided_after=_after(s, limit=18, minutes=-10))
    s.deny(_FRONT_DOOR, submitted, entity=referral(submitted))


def decided_only_by_the_duty_team(s: Script) -> None:
    """The emergency duty team decides after two hours, but the front door decides only after the limit."""
    submitted = s.refer(_tuesday(s), decided_after=_after(s, limit=24, minutes=360))
    s.decide(submitted, submitted.at + timedelta(hours=2), Decision.EDT)
    _breach(s, submitted, 18)


def undecided_and_withdrawn(s: Script) -> None:
    """A referral without a decision was recorded in error, and is withdrawn."""
    submitted = s.refer(_tuesday(s), decision=None)
    s.withdraw(submitted.at + timedelta(hours=5), submitted)
    s.deny(_FRONT_DOOR, submitted, entity=referral(submitted))


def allocated_late(s: Script) -> None:
    """The MASH allocates 73 hours after it received the referral. The allocation then clears the alert."""
    submitted, decided = _to_mash(s)
    _allocate(s, submitted, decided, 73)
    at = decided.at + timedelta(hours=54)
    s.expect(_MASH, decided, entity=referral(submitted), status="cleared", at=at)


def allocated_in_time(s: Script) -> None:
    """The MASH allocates 53 hours after it received the referral, before the warning."""
    submitted, decided = _to_mash(s)
    _allocate(s, submitted, decided, 53)
    s.deny(_MASH, decided, entity=referral(submitted))


def case_drifts(s: Script) -> None:
    """An open case with a lead professional goes 43 days without a review or a visit."""
    opened = _case(s, 60)
    s.expect(_DRIFT, opened, at=opened.at + timedelta(days=42))


def case_is_kept_up(s: Script) -> None:
    """An open case with a lead professional is visited every 41 days."""
    opened = _case(s, 120, visits=(79, 38))
    s.deny(_DRIFT, opened)


def waits_for_a_service(s: Script) -> None:
    """A service requested 200 days ago has neither started nor been declined or cancelled."""
    requested, _ = _request(s, 200)
    s.expect(_WAITING, requested, at=requested.at + timedelta(days=126))


def service_starts_soon(s: Script) -> None:
    """A requested service starts three days later."""
    requested, request_id = _request(s, 200)
    started = ServiceStarted(service_request_id=request_id, family_id=s.family.id)
    s.fact(requested.at + timedelta(days=3), started)
    s.deny(_WAITING, requested)


def red_at_night(s: Script) -> None:
    """A red referral arrives in the evening, when the front door is closed."""
    s.expect("out_of_hours", s.refer(s.ago(50, 19), severity=Severity.RED))


def red_in_working_hours(s: Script) -> None:
    """A red referral arrives on a Tuesday morning."""
    s.deny("out_of_hours", s.refer(_tuesday(s), severity=Severity.RED))


def _tuesday(s: Script) -> datetime:
    """Find a Tuesday morning in a week without a bank holiday."""
    day = s.ago(60).date()
    while day.weekday() != 1 or any(next_working_day(other) != other for other in _week(day)):
        day -= timedelta(days=1)
    return instant(day, 10)


def _week(tuesday: date) -> list[date]:
    return [tuesday + timedelta(days=number) for number in range(4)]


def _after(s: Script, *, limit: int, minutes: int) -> timedelta:
    """
    Compute the time from submission to a moment that is `minutes` after the limit, or before it if `minutes` is
    negative.

    `limit` is in hours. In an authority whose clock counts only working hours, eight hours are one day.
    """
    if s.borough.authority not in WORKING_HOURS_CLOCK:
        return timedelta(hours=limit, minutes=minutes)
    days, hours = divmod(limit, 8)
    return timedelta(days=days, hours=hours, minutes=minutes)


def _breach(s: Script, submitted: Fact, warned: int) -> None:
    at = submitted.at + _after(s, limit=warned, minutes=0)
    s.expect(_FRONT_DOOR, submitted, entity=referral(submitted), status="cleared", at=at)


def _to_mash(s: Script) -> tuple[Fact, Fact]:
    submitted = s.refer(s.ago(65), decision=None)
    return submitted, s.decide(submitted, submitted.at + timedelta(hours=3), Decision.MASH)


def _allocate(s: Script, submitted: Fact, decided: Fact, hours: int) -> None:
    data = ReferralAllocated(
        referral_id=referral(submitted)[1], family_id=s.family.id, service_id=f"{s.borough.slug}-social-care"
    )
    s.fact(decided.at + timedelta(hours=hours), data)


def _case(s: Script, days: int, visits: tuple[int, ...] = ()) -> Fact:
    """Write a case that was opened `days` ago and closed 15 days ago."""
    case_id = s.borough.ids.new("K")
    data = CaseOpened(case_id=case_id, family_id=s.family.id, service_id=f"{s.borough.slug}-early-help")
    opened = s.fact(s.ago(days), data)
    s.fact(s.ago(days, 12), LeadProfessionalAssigned(family_id=s.family.id, worker_id=s.borough.worker()))
    for visit in visits:
        s.fact(s.ago(visit), FamilySeen(family_id=s.family.id, worker_id=s.borough.worker()))
    closed = CaseClosed(case_id=case_id, family_id=s.family.id, closure_reason=ClosureReason.NO_LONGER_IN_NEED)
    s.fact(s.ago(15), closed)
    return opened


def _request(s: Script, days: int) -> tuple[Fact, str]:
    """Write an event that requests a service; return the event and the id of the request."""
    data = ServiceRequested(
        service_request_id=s.borough.ids.new("Q"),
        family_id=s.family.id,
        service_id=f"{s.borough.slug}-camhs",
        service_kind=ServiceKind.CAMHS,
    )
    return s.fact(s.ago(days), data), data.service_request_id


STORIES = (
    decided_after_the_limit,
    decided_after_the_warning,
    decided_before_the_warning,
    decided_only_by_the_duty_team,
    undecided_and_withdrawn,
    allocated_late,
    allocated_in_time,
    case_drifts,
    case_is_kept_up,
    waits_for_a_service,
    service_starts_soon,
    red_at_night,
    red_in_working_hours,
)
