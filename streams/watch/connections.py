"""
Which families have to do with each other through persons and addresses, and which ids link nobody.

The indexes only grow: a correction may take a membership back, but a superset costs a little time and misses nothing.
So an id in too many families, a crowd, stays one whatever is corrected, and the order of records decides nothing; the
build counts the same (`int_crowds`).
"""

from collections.abc import Collection
from typing import NamedTuple

from streams.rules.crowds import Crowd, CrowdLimits
from streams.watch.relations import Groups, Relation

__all__ = ["Connections", "Named"]


class Named(NamedTuple):
    """
    The families, persons and addresses that an event names, and whether it links its persons.

    `marker` is the risk marker that it is about; `is_of_person` that it is recorded of a person, in no family.
    """

    families: set[str]
    persons: set[str]
    addresses: set[str]
    is_link: bool = False
    marker: str | None = None
    is_of_person: bool = False

    @property
    def own(self) -> set[tuple[str, str]]:
        """Persons of whom it is recorded, each with the risk marker that it is about."""
        return {(person, self.marker or "") for person in self.persons} if self.is_of_person else set()


class Connections:
    """Families, persons, links and addresses as indexes."""

    def __init__(self, limits: CrowdLimits) -> None:
        self._limits = limits
        self._members = Relation()
        self._family_addresses = Relation()
        self._person_addresses = Relation()
        self._links = Groups()
        self._named_by_own = Relation()
        """Families that what is recorded of a person names, with the person and the risk marker."""
        self._crowds: dict[str, set[str]] = {"person": set(), "link": set(), "address": set()}
        self._parted: set[str] = set()

    def add(self, named: Named) -> None:
        """Remember who belongs to whom; families that an id links no more are kept until they are asked for."""
        for family in named.families:
            for person in named.persons:
                self._members.add(family, person)
            for address in named.addresses:
                self._family_addresses.add(family, address)
            for person, marker in named.own:
                self._named_by_own.add(family, f"{person}\0{marker}")
        for person in named.persons:
            for address in named.addresses:
                self._person_addresses.add(person, address)
        if named.is_link:
            self._links.link(*sorted(named.persons))
        if any(grown := self._grown(named)):
            persons, linked, addresses = grown
            self._parted |= self.touched(Named(set(), persons | linked, addresses), are_households=True)
            for kind, ids in zip(self._crowds, grown, strict=True):
                self._crowds[kind] |= ids

    def _grown(self, named: Named) -> tuple[set[str], set[str], set[str]]:
        """Of what is named, the persons, the linked identifiers and the addresses that have become crowds."""
        of_person, at_address = self._limits
        persons = {one for one in named.persons - self._crowds["person"] if self._members.lefts(one) > of_person}
        linked = set()
        for person in named.persons - self._crowds["link"]:
            group = self._links.with_linked([person])
            if len(group) > 1 and len(self._members.left(group)) > of_person:
                linked |= group - self._crowds["link"]
        addresses = {
            one
            for one in named.addresses - self._crowds["address"]
            if max(self._family_addresses.lefts(one), self._person_addresses.lefts(one)) > at_address
        }
        return persons, linked, addresses

    def touched(self, named: Named, *, are_households: bool) -> set[str]:
        """
        Families that are named, and those of the persons (through links) and at the addresses.

        Args:
            are_households: also the families in which members of these live.
        """
        persons = self._linking(named.persons)
        addresses = (named.addresses | self._person_addresses.right(persons)) - self._crowds["address"]
        families = named.families | self._members.left(persons) | self._family_addresses.left(addresses)
        families |= self._named_by_own.left(f"{person}\0{marker}" for person, marker in named.own)
        if are_households:
            families |= self.others(self._members.right(families))
        return families

    def others(self, persons: Collection[str]) -> set[str]:
        """All families of some persons, under whichever identifier."""
        return self._members.left(self._linking(persons))

    def keys(self, families: Collection[str]) -> set[str]:
        """The keys of all that is about the families: theirs, and those of persons who are or live there."""
        persons = self._members.right(families)
        addresses = self._family_addresses.right(families) - self._crowds["address"]
        own = {one.partition("\0")[0] for one in self._named_by_own.right(families)}
        return {*families, *own, *self._linking(persons | self._person_addresses.left(addresses))}

    def _linking(self, persons: Collection[str]) -> set[str]:
        """The persons with everything linked to them, but the crowds among them."""
        cut = self._crowds["link"]
        linked = self._links.with_linked(set(persons) - cut) - cut
        return (linked | set(persons)) - self._crowds["person"]

    def pop_parted(self) -> set[str]:
        """Families that had to do with others through what has become a crowd since the last call."""
        parted, self._parted = self._parted, set()
        return parted

    def crowds(self, named: Named) -> set[Crowd]:
        """What of all that is named is a crowd."""
        ids = {"person": named.persons, "link": named.persons, "address": named.addresses}
        return {Crowd(kind, one) for kind, crowds in self._crowds.items() for one in crowds & ids[kind]}
