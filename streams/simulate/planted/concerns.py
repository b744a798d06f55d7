"""Concerns that reach a rule's threshold or almost reach it, and incidents that a school must be notified of."""

from datetime import datetime, timedelta

from streams.contracts.case_work import SchoolNotified
from streams.contracts.codesets import Decision, EscalationKind, ReferralSource, Severity
from streams.contracts.escalation import EscalationReported
from streams.simulate.facts import Fact
from streams.simulate.hours import instant, months_later
from streams.simulate.planted.script import Script

__all__ = ["STORIES"]

_CUMULATIVE = "cumulative_concern"
_TWO_AGENCIES = "two_agencies_one_week"
_ENCOMPASS = "encompass_notice"
_SCHOOL, _POLICE, _HOUSING = ReferralSource.SCHOOL, ReferralSource.POLICE, ReferralSource.HOUSING


def third_concern_in_ninety_days(s: Script) -> None:
    """While the family is not open, the school and the police report three concerns within 89 days."""
    s.contact(s.ago(149), _SCHOOL)
    s.contact(s.ago(100), _POLICE)
    s.expect(_CUMULATIVE, s.contact(s.ago(60), _SCHOOL), clause="a")


def third_concern_after_ninety_days(s: Script) -> None:
    """The third concern comes 91 days after the first, and one of the three was investigated."""
    s.contact(s.ago(151), _SCHOOL)
    s.refer(s.ago(100), _POLICE, decision=Decision.EARLY_HELP)
    s.deny(_CUMULATIVE, s.contact(s.ago(60), _SCHOOL))


def three_concerns_of_one_agency(s: Script) -> None:
    """Three concerns in 40 days, but all come from the police, and one was investigated."""
    s.contact(s.ago(120), _POLICE)
    s.refer(s.ago(100), _POLICE, decision=Decision.EARLY_HELP)
    s.deny(_CUMULATIVE, s.contact(s.ago(80), _POLICE))


def one_incident_reported_twice(s: Script) -> None:
    """Three reports in 30 days. Two of them are from the police about one incident, so they are two concerns."""
    incident = s.borough.ids.new("I")
    s.contact(s.ago(90), _POLICE, incident)
    s.contact(s.ago(89), _POLICE, incident)
    s.deny(_CUMULATIVE, s.contact(s.ago(60), _SCHOOL))


def third_uninvestigated_in_a_year(s: Script) -> None:
    """A third concern in 300 days. None of the three was investigated, and all came from housing."""
    s.contact(s.ago(320), _HOUSING)
    s.contact(s.ago(170), _HOUSING)
    s.expect(_CUMULATIVE, s.contact(s.ago(20), _HOUSING), clause="b")


def third_uninvestigated_after_a_year(s: Script) -> None:
    """Three concerns were not investigated. The third comes a year and a day after the first."""
    last_at = s.ago(20)
    first_at = instant(months_later(last_at.date(), -12) - timedelta(days=1), 9)
    s.contact(first_at, _HOUSING)
    s.contact(s.ago(170), _HOUSING)
    s.deny(_CUMULATIVE, s.contact(last_at, _HOUSING))


def fifth_concern_ever(s: Script) -> None:
    """A fifth concern about the family arrives. Most of the earlier ones were investigated."""
    for days in (340, 240, 140, 100):
        s.refer(s.ago(days), _SCHOOL, decision=Decision.EARLY_HELP)
    s.expect(_CUMULATIVE, s.contact(s.ago(15), _SCHOOL), clause="c")


def two_agencies_in_a_week(s: Script) -> None:
    """The school and the police report concerns 167 hours apart."""
    first = s.contact(s.ago(60), _SCHOOL)
    s.expect(_TWO_AGENCIES, s.contact(first.at + timedelta(hours=167), _POLICE))


def two_agencies_in_more_than_a_week(s: Script) -> None:
    """The school and the police report concerns 169 hours apart."""
    first = s.contact(s.ago(60), _SCHOOL)
    s.deny(_TWO_AGENCIES, s.contact(first.at + timedelta(hours=169), _POLICE))


def school_is_not_told(s: Script) -> None:
    """Nobody notified the school of domestic abuse at home before the next school day began."""
    incident = _incident(s, _school_night(s))
    s.expect(_ENCOMPASS, incident, entity=("child", s.child.id), at=_next_morning(incident))


def school_is_told(s: Script) -> None:
    """The school was notified of domestic abuse at home on the same evening."""
    incident = _incident(s, _school_night(s))
    assert isinstance(incident.data, EscalationReported)
    assert incident.data.incident_id is not None
    notified = SchoolNotified(
        family_id=s.family.id,
        person_id=s.child.id,
        incident_id=incident.data.incident_id,
        school_id=s.child.school_id,
    )
    s.fact(incident.at + timedelta(hours=1), notified)
    s.deny(_ENCOMPASS, incident, entity=("child", s.child.id))


def _school_night(s: Script) -> datetime:
    """
    Find a Tuesday evening in term time. In the second week of June and of November, all schools in England
    are open.
    """
    day = s.ago(60).date()
    while not (day.month in (6, 11) and 8 <= day.day <= 14 and day.weekday() == 1):
        day -= timedelta(days=1)
    return instant(day, 19)


def _next_morning(incident: Fact) -> datetime:
    return incident.at + timedelta(hours=13.75)


def _incident(s: Script, at: datetime) -> Fact:
    data = EscalationReported(
        escalation_id=s.borough.ids.new("X"),
        family_id=s.family.id,
        escalation_kind=EscalationKind.DOMESTIC_ABUSE_INCIDENT,
        severity=Severity.AMBER,
        source_code=_POLICE,
        agency_id=f"{s.borough.slug}-police",
        person_ids=[adult.id for adult in s.family.adults],
        incident_id=s.borough.ids.new("I"),
    )
    return s.fact(at, data)


STORIES = (
    third_concern_in_ninety_days,
    third_concern_after_ninety_days,
    three_concerns_of_one_agency,
    one_incident_reported_twice,
    third_uninvestigated_in_a_year,
    third_uninvestigated_after_a_year,
    fifth_concern_ever,
    two_agencies_in_a_week,
    two_agencies_in_more_than_a_week,
    school_is_not_told,
    school_is_told,
)
