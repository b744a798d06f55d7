"""Families that are referred again, that repeatedly get no further action, or that are already open to a service."""

from datetime import timedelta

from streams.contracts.case_work import CaseClosed, CaseOpened, LeadProfessionalAssigned
from streams.contracts.codesets import ClosureReason, Decision, ServiceKind
from streams.simulate.hours import instant, months_later
from streams.simulate.planted.script import Script

__all__ = ["STORIES"]

_RE_REFERRAL = "re_referral"
_REPEAT_NFA = "repeat_no_further_action"
_OPEN = "already_open"


def referred_again(s: Script) -> None:
    """A second referral comes seven months after the first."""
    s.refer(s.ago(250))
    s.expect(_RE_REFERRAL, s.refer(s.ago(40)))


def referred_again_a_day_within_the_year(s: Script) -> None:
    """A second referral comes a day less than a year after the first. The first ended with no further action."""
    last_at = s.ago(22)
    first_at = instant(months_later(last_at.date(), -12) + timedelta(days=1), 12)
    s.refer(first_at, decision=Decision.NO_FURTHER_ACTION)
    s.expect(_RE_REFERRAL, s.refer(last_at))


def referred_again_a_day_after_the_year(s: Script) -> None:
    """A second referral comes a year and a day after the first."""
    last_at = s.ago(22)
    s.refer(instant(months_later(last_at.date(), -12) - timedelta(days=1), 9))
    s.deny(_RE_REFERRAL, s.refer(last_at))


def referred_twice_on_one_incident(s: Script) -> None:
    """Two referrals are about the same incident."""
    incident = s.borough.ids.new("I")
    s.refer(s.ago(90), incident_id=incident)
    s.deny(_RE_REFERRAL, s.refer(s.ago(89), incident_id=incident))


def first_referral_is_withdrawn(s: Script) -> None:
    """The first of two referrals was recorded in error, and is withdrawn."""
    first = s.refer(s.ago(140), decision=None)
    s.withdraw(s.ago(140, 16), first)
    s.deny(_RE_REFERRAL, s.refer(s.ago(44)))


def turned_away_twice(s: Script) -> None:
    """Two referrals in half a year end with no further action."""
    s.refer(s.ago(220), decision=Decision.NO_FURTHER_ACTION)
    second = s.refer(s.ago(45), decision=None)
    s.expect(_REPEAT_NFA, s.decide(second, second.at + timedelta(hours=3), Decision.NO_FURTHER_ACTION))


def turned_away_once(s: Script) -> None:
    """One of two referrals in half a year ends with no further action, and the other is signposted."""
    s.refer(s.ago(220), decision=Decision.NO_FURTHER_ACTION)
    second = s.refer(s.ago(45), decision=None)
    s.deny(_REPEAT_NFA, s.decide(second, second.at + timedelta(hours=3), Decision.SIGNPOSTED))


def referred_while_open(s: Script) -> None:
    """A referral comes while the family is open to early help."""
    _open_case(s)
    s.expect(_OPEN, s.refer(s.ago(70)))


def referred_after_closure(s: Script) -> None:
    """A referral comes the day after the family's case was closed."""
    case_id = _open_case(s)
    closed = CaseClosed(case_id=case_id, family_id=s.family.id, closure_reason=ClosureReason.NO_LONGER_IN_NEED)
    s.fact(s.ago(71), closed)
    s.deny(_OPEN, s.refer(s.ago(70)))


def _open_case(s: Script) -> str:
    case_id = s.borough.ids.new("K")
    opened = CaseOpened(
        case_id=case_id,
        family_id=s.family.id,
        service_id=f"{s.borough.slug}-early-help",
        service_kind=ServiceKind.EARLY_HELP,
    )
    s.fact(s.ago(100), opened)
    s.fact(s.ago(99), LeadProfessionalAssigned(family_id=s.family.id, worker_id=s.borough.worker()))
    return case_id


STORIES = (
    referred_again,
    referred_again_a_day_within_the_year,
    referred_again_a_day_after_the_year,
    referred_twice_on_one_incident,
    first_referral_is_withdrawn,
    turned_away_twice,
    turned_away_once,
    referred_while_open,
    referred_after_closure,
)
