"""
Over-shared ids: ids that too many families share.

Examples are the address of a surgery, a worker who was entered as a person, and a placeholder number such as 1.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from streams.contracts import Accepted, Event
from streams.contracts.case_people import PersonsLinked
from tests.oracle.profile import Profile

__all__ = ["NOBODY", "Crowds", "crowds"]


@dataclass(frozen=True)
class Crowds:
    """The over-shared persons and addresses, which connect nobody, and the identifiers whose links are not followed."""

    persons: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()


NOBODY = Crowds()


def crowds(events: Iterable[Accepted], profile: Profile) -> Crowds:
    """Find the over-shared ids. All events count, including events that were corrected or withdrawn later."""
    said = [event.fact for event in events if event.fact is not None]
    families: dict[str, set[str]] = defaultdict(set)
    homes: dict[str, set[str]] = defaultdict(set)
    tenants: dict[str, set[str]] = defaultdict(set)
    for fact in said:
        for person in _persons(fact):
            families[person].update(_families(fact))
        if address := getattr(fact, "address_id", None):
            homes[address].update(_families(fact))
            tenants[address].update(_persons(fact))
    groups = _groups([{fact.person_id, fact.linked_person_id} for fact in said if isinstance(fact, PersonsLinked)])
    return Crowds(
        frozenset(person for person in families if len(families[person]) > profile.most_families_of_person),
        frozenset(
            person
            for group in groups
            for person in group
            if len(set().union(*(families[one] for one in group))) > profile.most_families_of_person
        ),
        frozenset(
            address
            for address in homes
            if max(len(homes[address]), len(tenants[address])) > profile.most_families_at_address
        ),
    )


def _persons(fact: Event) -> Iterator[str]:
    yield from filter(None, (getattr(fact, name, None) for name in ("person_id", "linked_person_id")))
    yield from getattr(fact, "person_ids", None) or ()


def _families(fact: Event) -> Iterator[str]:
    yield from filter(None, (getattr(fact, name, None) for name in ("family_id", "release_family_id")))
    yield from getattr(fact, "marker_families", None) or ()


def _groups(links: Iterable[set[str]]) -> list[set[str]]:
    """Group the identifiers that links connect."""
    groups: list[set[str]] = []
    for link in links:
        touching = [group for group in groups if group & link]
        groups = [group for group in groups if not group & link]
        groups.append(link.union(*touching))
    return groups
