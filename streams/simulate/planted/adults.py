"""Adults with a risk marker who return, almost return, join another family, or leave custody."""

from datetime import datetime, timedelta

from streams.contracts.case_people import (
    AddressChanged,
    CustodyReleasePlanned,
    PersonRecorded,
    PersonsLinked,
    RiskMarkerCleared,
    RiskMarkerSet,
)
from streams.contracts.codesets import (
    ClearingReason,
    EscalationKind,
    LinkBasis,
    MarkerRole,
    ReferralSource,
    Severity,
)
from streams.contracts.escalation import EscalationReported
from streams.simulate.hours import day_of, months_later
from streams.simulate.planted.script import Script
from streams.simulate.population import Person

__all__ = ["STORIES", "marked_and_gone"]

_ADULT_RETURNS = "adult_returns"
_OTHER_FAMILY = "marked_adult_joins_other_family"
_CUSTODY = "custody_release_due"


def marked_and_gone(
    s: Script, *, role: MarkerRole = MarkerRole.SOURCE_OF_RISK, expires_at: datetime | None = None
) -> Person:
    """Write the history of an adult who lived in the household, left it, and then got a risk marker."""
    adult = s.adult(s.ago(350))
    s.join(s.ago(350, 11), adult.id)
    s.leave(s.ago(200), adult)
    s.mark(s.ago(198), adult, role=role, expires_at=expires_at)
    return adult


def returns_to_household(s: Script) -> None:
    """A marked adult joins the household again."""
    adult = marked_and_gone(s)
    s.expect(_ADULT_RETURNS, s.join(s.ago(40, 19.2), adult.id))


def returns_to_address(s: Script) -> None:
    """A marked adult comes to live at the family's address, without being recorded in the household."""
    adult = marked_and_gone(s)
    data = AddressChanged(person_id=adult.id, address_id=s.family.address_id, lsoa_code=s.family.place.lsoa_code)
    s.expect(_ADULT_RETURNS, s.fact(s.ago(35, 14), data))


def is_reported_back(s: Script) -> None:
    """The school reports that a marked adult is back."""
    adult = marked_and_gone(s)
    data = EscalationReported(
        escalation_id=s.borough.ids.new("X"),
        family_id=s.family.id,
        escalation_kind=EscalationKind.ABUSIVE_ADULT_RETURNED,
        severity=Severity.RED,
        source_code=ReferralSource.SCHOOL,
        agency_id=s.child.school_id,
        person_ids=[adult.id],
    )
    s.expect(_ADULT_RETURNS, s.fact(s.ago(30, 15.5), data))


def returns_under_another_identifier(s: Script) -> None:
    """A person joins the household, and a record links this person to the marked adult."""
    adult, other = marked_and_gone(s), s.borough.ids.new("P")
    s.fact(s.ago(60), PersonRecorded(person_id=other, date_of_birth=adult.born))
    link = PersonsLinked(person_id=adult.id, linked_person_id=other, link_basis=LinkBasis.CONFIRMED_BY_WORKER)
    s.fact(s.ago(55), link)
    s.expect(_ADULT_RETURNS, s.join(s.ago(25, 18), other))


def is_marked_while_present(s: Script) -> None:
    """A risk marker is set on an adult who lives in the household."""
    adult = s.adult(s.ago(100))
    s.join(s.ago(100, 11), adult.id)
    s.expect(_ADULT_RETURNS, s.mark(s.ago(50), adult))


def returns_an_hour_before_expiry(s: Script) -> None:
    """A marked adult joins an hour before the marker expires. The expiry then clears the alert."""
    joined_at = s.ago(45, 19)
    adult = marked_and_gone(s, expires_at=joined_at + timedelta(hours=1))
    s.expect(_ADULT_RETURNS, s.join(joined_at, adult.id), status="cleared")


def returns_an_hour_after_expiry(s: Script) -> None:
    """The marker expired an hour before the adult joined."""
    joined_at = s.ago(45, 19)
    adult = marked_and_gone(s, expires_at=joined_at - timedelta(hours=1))
    s.deny(_ADULT_RETURNS, s.join(joined_at, adult.id))


def returns_after_clearing(s: Script) -> None:
    """The marker was cleared the day before the adult joined."""
    adult = s.adult(s.ago(350))
    s.join(s.ago(350, 11), adult.id)
    s.leave(s.ago(200), adult)
    marker = s.mark(s.ago(198), adult)
    assert isinstance(marker.data, RiskMarkerSet)
    cleared = RiskMarkerCleared(
        marker_id=marker.data.marker_id, person_id=adult.id, clearing_reason=ClearingReason.ORDER_ENDED
    )
    s.fact(s.ago(41), cleared)
    s.deny(_ADULT_RETURNS, s.join(s.ago(40), adult.id))


def victim_returns(s: Script) -> None:
    """The adult who joins is marked as a victim, not as a source of risk."""
    adult = marked_and_gone(s, role=MarkerRole.VICTIM)
    s.deny(_ADULT_RETURNS, s.join(s.ago(38), adult.id))


def returns_after_the_child_came_of_age(s: Script) -> None:
    """The only child of the household turned 18 the day before the marked adult joined."""
    s.child.born = months_later(day_of(s.ago(36)), -18 * 12)
    s.borough.record_person(s.child, s.ago(390), is_planted=True)
    adult = marked_and_gone(s)
    s.deny(_ADULT_RETURNS, s.join(s.ago(35), adult.id))


def joining_is_withdrawn(s: Script) -> None:
    """By mistake, a record says that the marked adult joined. The record is withdrawn."""
    adult = marked_and_gone(s)
    joined = s.join(s.ago(33), adult.id)
    s.withdraw(s.ago(32), joined)
    s.deny(_ADULT_RETURNS, joined)


def joins_other_family(s: Script) -> None:
    """A marked adult joins a family with a child, and the marker does not name that family."""
    adult = s.adult(s.ago(300))
    s.mark(s.ago(298), adult, families=[s.borough.ids.new("F")])
    joined = s.join(s.ago(28), adult.id)
    s.deny(_ADULT_RETURNS, joined)
    s.expect(_OTHER_FAMILY, joined)


def victim_joins_other_family(s: Script) -> None:
    """An adult marked as a victim joins a family that the marker does not name."""
    adult = s.adult(s.ago(300))
    s.mark(s.ago(298), adult, role=MarkerRole.VICTIM, families=[s.borough.ids.new("F")])
    s.deny(_OTHER_FAMILY, s.join(s.ago(27), adult.id))


def release_within_a_fortnight(s: Script) -> None:
    """A release from custody to the family's address is planned, ten days ahead."""
    adult, planned_at = s.adult(s.ago(120)), s.ago(60)
    s.expect(_CUSTODY, s.fact(planned_at, _release(adult, planned_at, s.family.address_id)))


def release_elsewhere(s: Script) -> None:
    """A release from custody is planned to an address where no family lives."""
    adult, planned_at = s.adult(s.ago(120)), s.ago(60)
    s.deny(_CUSTODY, s.fact(planned_at, _release(adult, planned_at, s.borough.ids.new("U"))))


def _release(adult: Person, planned_at: datetime, address_id: str) -> CustodyReleasePlanned:
    return CustodyReleasePlanned(
        person_id=adult.id, release_on=day_of(planned_at) + timedelta(days=10), address_id=address_id
    )


STORIES = (
    returns_to_household,
    returns_to_address,
    is_reported_back,
    returns_under_another_identifier,
    is_marked_while_present,
    returns_an_hour_before_expiry,
    returns_an_hour_after_expiry,
    returns_after_clearing,
    victim_returns,
    returns_after_the_child_came_of_age,
    joining_is_withdrawn,
    joins_other_family,
    victim_joins_other_family,
    release_within_a_fortnight,
    release_elsewhere,
)
