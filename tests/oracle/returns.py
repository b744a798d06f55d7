"""
The common part of the rules about returning adults: how an adult with a risk marker comes to a family with a child.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from streams.contracts.case_people import (
    AddressChanged,
    HouseholdJoined,
    HouseholdLeft,
    RiskMarkerCleared,
    RiskMarkerReviewed,
    RiskMarkerSet,
)
from streams.contracts.codesets import EscalationKind, MarkerRole
from streams.contracts.escalation import EscalationReported
from tests.oracle.alert import Expected
from tests.oracle.facts import Fact
from tests.oracle.world import World

__all__ = ["concerning", "markers_in_force", "returns"]

Choice = Callable[[World, str, str, Fact, datetime], list[Fact]]
"""Chooses which of a person's markers in force a rule uses: `(world, family, person, anchor, at)`."""


def returns(world: World, as_of: datetime, rule: str, chosen: Choice, keeping: Choice) -> Iterator[Expected]:
    """
    One alert for each event that brings a person with a chosen marker to a family, at most one alert per stay.

    `chosen` selects the markers that can raise the alert. The alert is open while the stay lasts and `keeping` still
    finds a marker.
    """
    marked = {world.person(fact.data.person_id) for fact in world.of(RiskMarkerSet)}
    for family in world.families:
        for person in sorted(marked):
            for anchor in _anchors(world, family, person, chosen):
                yield _alert(world, family, person, anchor, as_of, rule, chosen, keeping)


def _anchors(world: World, family: str, person: str, chosen: Choice) -> Iterator[Fact]:
    alerted = False
    for fact in world.facts:
        before, now = world.before(fact), world.until(fact)
        if not _is_present(before, family, person):
            alerted = False
        if alerted or not _is_return(before, now, fact, family, person):
            continue
        if chosen(now, family, person, fact, fact.at) and now.children(family, fact.at) - {person}:
            yield fact
            alerted = _is_present(now, family, person)


def _is_return(before: World, now: World, fact: Fact, family: str, person: str) -> bool:
    """Whether an event is one of the four kinds that bring a person with a marker to a family."""
    match fact.data:
        case HouseholdJoined(family_id=joined):
            return joined == family and now.person(fact.data.person_id) == person and not before.stay(family, person)
        case AddressChanged():
            return _lives_at(now, family, person) and not _lives_at(before, family, person)
        case RiskMarkerSet(marker_role=MarkerRole.SOURCE_OF_RISK):
            return fact in _about(now, family, person) and _is_present(now, family, person)
        case EscalationReported(family_id=reported, escalation_kind=EscalationKind.ABUSIVE_ADULT_RETURNED):
            return reported == family and _is_named(now, fact, family, person)
    return False


def _is_named(world: World, report: Fact, family: str, person: str) -> bool:
    """
    Whether a report is about a person.

    A report that names no persons is about every person with a marker who is or was a member of the household.
    """
    if report.data.person_ids:
        return person in {world.person(named) for named in report.data.person_ids}
    return bool(world.of_person(person, HouseholdJoined, family_id=family))


def _is_present(world: World, family: str, person: str) -> bool:
    return world.stay(family, person) is not None or _lives_at(world, family, person)


def _lives_at(world: World, family: str, person: str) -> bool:
    """
    Whether a person lives at the family's address, according to the address to which the person last moved alone.

    If the address is over-shared, the person must also have a connection with the family.
    """
    home = world.address(family)
    if home is None or home != _own_address(world, person):
        return False
    return home not in world.crowds.addresses or world.has_to_do(family, person)


def _own_address(world: World, person: str) -> str | None:
    """
    The address to which a person last moved alone.

    The address is unknown after the person has left a household that lives at this address.
    """
    changes = world.of_person(person, AddressChanged, family_id=None)
    if not changes or person in world.crowds.persons:
        return None
    address = changes[-1].data.address_id
    for left in world.of_person(person, HouseholdLeft):
        if left.order > changes[-1].order and world.until(left).address(left.data.family_id) == address:
            return None
    return address


def concerning(world: World, family: str, person: str, anchor: Fact, at: datetime) -> list[Fact]:
    """
    Markers in force on a person that concern the family because the markers name the family.

    A marker that names no family concerns every family that the person had joined before the anchor.
    """
    was_member = bool(world.before(anchor).of_person(person, HouseholdJoined, family_id=family))
    return [
        fact
        for fact in markers_in_force(world, family, person, at)
        if family in fact.data.marker_families or (not fact.data.marker_families and was_member)
    ]


def _about(world: World, family: str, person: str) -> list[Fact]:
    """
    The events that set the person's markers.

    If the person's id is over-shared, only markers that name the family count, because the other markers may be about
    strangers.
    """
    markers = world.of_person(person, RiskMarkerSet)
    return [each for each in markers if person not in world.crowds.persons or family in each.data.marker_families]


def markers_in_force(world: World, family: str, person: str, at: datetime) -> list[Fact]:
    """The `risk-marker-set` events of uncleared, unexpired markers that make a person a source of risk."""
    found = {}
    for fact in world.of_person(person, RiskMarkerSet, RiskMarkerReviewed, RiskMarkerCleared):
        marker = fact.data.marker_id
        if isinstance(fact.data, RiskMarkerSet):
            found[marker] = fact, fact.data.expires_at
        elif isinstance(fact.data, RiskMarkerCleared):
            found.pop(marker, None)
        elif marker in found:
            found[marker] = found[marker][0], fact.data.expires_at
    return [
        marked
        for marked, expires_at in found.values()
        if marked in _about(world, family, person)
        and marked.data.marker_role == MarkerRole.SOURCE_OF_RISK
        and (expires_at is None or at <= expires_at)
    ]


def _alert(
    world: World,
    family: str,
    person: str,
    anchor: Fact,
    as_of: datetime,
    rule: str,
    chosen: Choice,
    keeping: Choice,
) -> Expected:
    then = world.until(anchor)
    stay = then.stay(family, person)
    evidence = {fact.root for fact in chosen(then, family, person, anchor, anchor.at)} | {anchor.root}
    is_over = _has_left(world, family, person, anchor) or not keeping(world, family, person, anchor, as_of)
    return Expected(
        rule=rule,
        entity_kind="family",
        entity_id=family,
        anchor=anchor.root,
        anchored_at=anchor.at,
        severity="red",
        status="cleared" if is_over else "open",
        evidence=frozenset(evidence | ({stay.root} if stay else set())),
    )


def _has_left(world: World, family: str, person: str, anchor: Fact) -> bool:
    """
    Whether the stay has ended.

    A person who was reported back may not be recorded as living with the family. For such a person, the result is
    whether the person has left the family since the report.
    """
    later = [fact for fact in world.facts if fact.order > anchor.order]
    if _is_present(world.until(anchor), family, person):
        return any(not _is_present(world.until(fact), family, person) for fact in later)
    left = world.of_person(person, HouseholdLeft, family_id=family)
    return any(fact in left for fact in later)
