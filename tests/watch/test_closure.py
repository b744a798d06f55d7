"""
Compare the watcher's tables with sets in memory, on random worlds.

The tables decide which families an event concerns, and which events are read for a family.
"""

import random
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from streams.contracts import Accepted, Event, decode
from streams.contracts.case_people import AddressChanged, HouseholdJoined, PersonsLinked
from streams.contracts.case_work import LevelChanged
from streams.contracts.escalation import EscalationReported
from streams.watch.state.events import Recorded
from streams.watch.state.state import State
from tests.oracle.records import Log

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVENTS = 40


def made(chance: random.Random) -> Event:
    """
    A random fact.

    There are few families, persons and addresses, so that many facts have a family, person or address in common.
    """
    family, person = f"F-{chance.randrange(6)}", f"P-{chance.randrange(8)}"
    other, address = f"P-{chance.randrange(8)}", f"A-{chance.randrange(5)}"
    return chance.choice(
        (
            HouseholdJoined(family_id=family, person_id=person, household_role="other"),
            AddressChanged(family_id=family, address_id=address),
            AddressChanged(person_id=person, address_id=address),
            LevelChanged(family_id=family, level=2, level_reason="assessment"),
            PersonsLinked(person_id=person, linked_person_id=other if other != person else "P-x", link_basis="other"),
            EscalationReported(
                escalation_id="X-1",
                family_id=family,
                escalation_kind=chance.choice(("domestic_abuse_incident", "child_missing")),
                severity="red",
                source_code="6",
                person_ids=[person],
            ),
        )
    )


@pytest.mark.parametrize("seed", range(8))
def test_tables_find_the_same_families_as_sets_in_memory(state: State, seed: int) -> None:
    chance, log = random.Random(seed), Log()
    for number in range(EVENTS):
        log.add(MORNING + timedelta(minutes=number), made(chance))
    events = [event for event in map(decode, log.records) if isinstance(event, Accepted)]
    recorded = [Recorded.of(event) for event in events]
    for start in range(0, EVENTS, 7):
        state.events.add(events[start : start + 7], recorded[start : start + 7])
    world = _World(events, recorded)

    assert state.events.touched(recorded) == [world.touched(one) for one in recorded]
    for family in sorted({family for one in recorded for family in one.named.families}):
        assert sorted(state.events.keys([family]).names) == sorted(world.loaded({family}))


class _World:
    """Finds connected families by searching all recorded events, step by step."""

    def __init__(self, events: list[Accepted], recorded: list[Recorded]) -> None:
        self._named = [one.named for one in recorded]
        self._reported = [
            (event.fact.family_id, set(event.fact.person_ids))
            for event in events
            if isinstance(event.fact, EscalationReported) and "abuse" in event.fact.escalation_kind
        ]

    def touched(self, one: Recorded) -> set[str]:
        persons = self._linked(one.named.persons)
        addresses = {*one.named.addresses, *self._with("persons", persons, "addresses")}
        families = {*one.named.families, *self._of(persons), *self._with("addresses", addresses, "families")}
        if one.fact in {"household-joined", "persons-linked"}:
            families |= self._of(self._with("families", families, "persons"))
        return families

    def loaded(self, families: set[str]) -> set[str]:
        keys = self._keys(families)
        persons = set().union(*(named for family, named in self._reported if family in keys))
        return keys | self._keys(self._of(persons)) if persons else keys

    def _keys(self, families: set[str]) -> set[str]:
        there = self._with("addresses", self._with("families", families, "addresses"), "persons")
        return families | self._linked(there | self._with("families", families, "persons"))

    def _of(self, persons: Iterable[str]) -> set[str]:
        return self._with("persons", self._linked(persons), "families")

    def _linked(self, persons: Iterable[str]) -> set[str]:
        found = set(persons)
        for _ in self._named:
            for named in self._named:
                if named.is_link and found & set(named.persons):
                    found |= set(named.persons)
        return found

    def _with(self, given: str, ids: Collection[str], wanted: str) -> set[str]:
        """All ids of the wanted kind that were ever named in one event together with one of the given ids."""
        there = [named for named in self._named if set(getattr(named, given)) & set(ids)]
        return {id_ for named in there for id_ in getattr(named, wanted)}
