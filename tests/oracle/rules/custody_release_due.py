"""`custody_release_due`: a person will soon be released from custody to a family with a child."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from streams.contracts.case_people import CustodyReleasePlanned
from tests.oracle.alert import Expected
from tests.oracle.clock import midnight
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when a release plan leads to a family with a child.

    The alert can begin between 14 days before the release and the end of the day of release. The alert stays open while
    the plan leads to the family. The alert is red if it is open three days before the release or later.

    Evidence: the plan.
    """
    for plan in world.of(CustodyReleasePlanned):
        red_from = _day(plan, -profile.release_red_days)
        for family in world.families:
            states = list(_states(world, plan, family, as_of, profile))
            stood = [at for at, stands in states if stands]
            if stood:
                yield Expected(
                    rule="custody_release_due",
                    entity_kind="family",
                    entity_id=family,
                    anchor=plan.root,
                    anchored_at=stood[0],
                    severity="red" if stood[-1] >= red_from else "amber",
                    status="open" if states[-1][1] and as_of <= _day(plan, 1) else "cleared",
                    evidence=frozenset({plan.root}),
                    deadline=red_from,
                )


def _day(plan: Fact, days: int) -> datetime:
    """
    The start of the day that lies the given number of days after the release, or before it if the number is negative.
    """
    return midnight(plan.data.release_on + timedelta(days=days))


def _states(
    world: World, plan: Fact, family: str, as_of: datetime, profile: Profile
) -> Iterator[tuple[datetime, bool]]:
    """
    Whether the alert is open, from the time of the plan on.

    The result has one entry after each event, and one at the start of each day that has come.
    """
    stands = False
    for at, then in _moments(world, plan, as_of, profile):
        is_near = at >= _day(plan, -profile.release_days)
        stands = _leads(then, plan, family) and (stands or (is_near and _has_child(then, plan, family, at)))
        yield at, stands


def _moments(world: World, plan: Fact, as_of: datetime, profile: Profile) -> list[tuple[datetime, World]]:
    events = [(fact.at, world.until(fact)) for fact in world.facts if fact.order >= plan.order]
    days = [_day(plan, -days) for days in range(profile.release_days + 1)]
    begun = [
        (day, world.of_facts([fact for fact in world.facts if fact.at <= day])) for day in days if plan.at < day < as_of
    ]
    return sorted(((at, then) for at, then in [*events, *begun] if at < _day(plan, 1)), key=lambda moment: moment[0])


def _leads(then: World, plan: Fact, family: str) -> bool:
    """
    Whether a plan is the person's latest plan, and leads to this family or to the family's address.

    If the person's id is over-shared, its plans are about several strangers. Each family named in such plans has its
    own latest plan, and an address in such a plan leads to no family. If the address is over-shared, a plan leads only
    to a family with which the person has a connection.
    """
    person, address = then.person(plan.data.person_id), plan.data.address_id
    plans = then.of_person(person, CustodyReleasePlanned)
    if person in then.crowds.persons:
        plans = [each for each in plans if each.data.release_family_id == plan.data.release_family_id]
        address = None
    if plans[-1] is not plan:
        return False
    if plan.data.release_family_id == family:
        return True
    if address is None or then.address(family) != address:
        return False
    return address not in then.crowds.addresses or then.has_to_do(family, person)


def _has_child(then: World, plan: Fact, family: str, at: datetime) -> bool:
    """Whether the family has a child who is not the person being released."""
    return bool(then.children(family, at) - {then.person(plan.data.person_id)})
