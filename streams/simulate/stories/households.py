"""Changes in households: moves, partners, births, risk markers, releases from custody, and second ids of a person."""

from datetime import datetime, timedelta

from streams.contracts.case_people import (
    AddressChanged,
    CustodyReleasePlanned,
    HouseholdJoined,
    HouseholdLeft,
    PersonRecorded,
    PersonsLinked,
    RiskMarkerCleared,
    RiskMarkerReviewed,
    RiskMarkerSet,
)
from streams.contracts.codesets import (
    ClearingReason,
    HouseholdRole,
    LeavingReason,
    LinkBasis,
    MarkerBasis,
    MarkerKind,
    MarkerRole,
)
from streams.simulate.borough import Borough
from streams.simulate.hours import day_of
from streams.simulate.population import Family

__all__ = ["HAPPENINGS", "birth", "link", "mark", "move", "partner_joins", "partner_leaves", "release"]


def move(borough: Borough, family: Family, at: datetime) -> None:
    """Let the family move. One move in fifteen is to a refuge or another protected address."""
    family.place, family.address_id = borough.places.draw(borough.rng), borough.ids.new("U")
    data = AddressChanged(
        family_id=family.id,
        address_id=family.address_id,
        lsoa_code=family.place.lsoa_code,
        is_address_protected=borough.rng.random() < 1 / 15,
    )
    borough.record(at, data)


def partner_joins(borough: Borough, family: Family, at: datetime) -> None:
    """Let a parent's partner move in. In half of the families the partner later moves out again."""
    rng = borough.rng
    partner = borough.people.adult(at, HouseholdRole.PARTNER)
    borough.record_person(partner, at)
    joined = HouseholdJoined(family_id=family.id, person_id=partner.id, household_role=partner.role)
    borough.record(at + timedelta(seconds=1), joined)
    if rng.random() < 0.5:
        left = HouseholdLeft(family_id=family.id, person_id=partner.id, leaving_reason=LeavingReason.SEPARATED)
        borough.record(at + timedelta(days=rng.randint(20, 200)), left)


def partner_leaves(borough: Borough, family: Family, at: datetime) -> None:
    """Let one of two adults move out."""
    if len(family.adults) < 2:
        return
    leaver = family.adults.pop()
    reason = borough.rng.choice((LeavingReason.MOVED_OUT, LeavingReason.SEPARATED, LeavingReason.CUSTODY))
    borough.record(at, HouseholdLeft(family_id=family.id, person_id=leaver.id, leaving_reason=reason))


def birth(borough: Borough, family: Family, at: datetime) -> None:
    """Add a newborn child to the family."""
    child = borough.people.child(at, family.place, (0.0, 0.05))
    if child.born is None:
        child.born, child.due, child.role = day_of(at), None, HouseholdRole.CHILD
    family.children.append(child)
    borough.record_person(child, at + timedelta(days=1))
    joined = HouseholdJoined(family_id=family.id, person_id=child.id, household_role=HouseholdRole.CHILD)
    borough.record(at + timedelta(days=1, seconds=1), joined)


def mark(borough: Borough, family: Family, at: datetime) -> None:
    """
    Set a risk marker on an adult, and review it later. Half of the markers are then cleared. In two markers of five,
    the adult is a victim.
    """
    rng = borough.rng
    adult, marker_id = family.adults[-1], borough.ids.new("M")
    data = RiskMarkerSet(
        marker_id=marker_id,
        person_id=adult.id,
        marker_kind=rng.choice(tuple(MarkerKind)),
        marker_role=MarkerRole.VICTIM if rng.random() < 0.4 else MarkerRole.SOURCE_OF_RISK,
        marker_basis=rng.choice(tuple(MarkerBasis)),
        marker_families=[family.id],
        review_due=day_of(at) + timedelta(days=90),
    )
    borough.record(at, data)
    reviewed_at = at + timedelta(days=rng.randint(70, 110))
    reviewed = RiskMarkerReviewed(
        marker_id=marker_id, person_id=adult.id, review_due=day_of(reviewed_at) + timedelta(days=90)
    )
    borough.record(reviewed_at, reviewed)
    if rng.random() < 0.5:
        cleared = RiskMarkerCleared(
            marker_id=marker_id, person_id=adult.id, clearing_reason=ClearingReason.NO_LONGER_A_RISK
        )
        borough.record(reviewed_at + timedelta(days=rng.randint(20, 90)), cleared)


def release(borough: Borough, family: Family, at: datetime) -> None:
    """Plan a release from custody to the family's address."""
    adult = borough.people.adult(at, HouseholdRole.FATHER)
    borough.record_person(adult, at)
    data = CustodyReleasePlanned(
        person_id=adult.id,
        release_on=day_of(at) + timedelta(days=borough.rng.randint(5, 60)),
        address_id=family.address_id,
        release_family_id=family.id,
    )
    borough.record(at + timedelta(seconds=1), data)


def link(borough: Borough, family: Family, at: datetime) -> None:
    """Record that an adult of the family also has a second person id."""
    adult, other_id = family.adults[0], borough.ids.new("P")
    borough.record(at, PersonRecorded(person_id=other_id, date_of_birth=adult.born))
    data = PersonsLinked(person_id=adult.id, linked_person_id=other_id, link_basis=LinkBasis.SAME_NAME_BIRTH_ADDRESS)
    borough.record(at + timedelta(days=1), data)


HAPPENINGS = {move: 30, partner_joins: 22, partner_leaves: 14, birth: 20, mark: 8, release: 2, link: 4}
"""
Other events in families that services know. Each has a weight, which says how often it occurs relative to the others.
The weights are invented.
"""
