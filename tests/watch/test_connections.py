"""The watcher's tables of families, persons and addresses that are connected until an id is over-shared."""

import random

import pytest

from streams.lake.session import Session
from streams.rules.crowds import CrowdLimits
from streams.watch.named_ids import Named
from streams.watch.state.events import Recorded
from streams.watch.state.state import State
from streams.watch.state.tables import event_columns

MOST = 3
MANY = 3_000


class Connections:
    """The tables of connections, filled with one record after another."""

    def __init__(self, session: Session) -> None:
        """Set the limits: up to three families may share a person or an address."""
        session.command("DROP SCHEMA IF EXISTS watch CASCADE")
        self._state = State(session, event_columns(frozenset()), CrowdLimits(MOST, MOST), "none")
        self._state.begin_term()
        self._parted: set[str] = set()

    def add(self, *named: Named) -> None:
        self._parted |= self._state.events.relate(named)

    def pop_parted(self) -> set[str]:
        """The families that lost a connection since the last call."""
        parted, self._parted = self._parted, set()
        return parted

    def touched(self, named: Named, *, are_households: bool) -> set[str]:
        (found,) = self._state.events.touched([Recorded("household-joined" if are_households else None, None, named)])
        return found

    def keys(self, families: set[str]) -> set[str]:
        return set(self._state.events.keys(families).names)

    def others(self, persons: set[str]) -> set[str]:
        return {family for (family,) in self._state.session.run("SELECT families_of($1)", sorted(persons))}

    def crowds(self) -> set[tuple[str, str]]:
        return set(self._state.session.run("SELECT kind, identifier FROM watch.crowds"))


@pytest.fixture
def connections(session: Session) -> Connections:
    return Connections(session)


def _person(family: str, person: str) -> Named:
    return Named([family], [person], [])


def _home(family: str, address: str) -> Named:
    return Named([family], [], [address])


def _marked(person: str, marker: str, *families: str) -> Named:
    return Named(sorted(families), [person], [], marker=marker, is_of_person=True)


def _linked(one: str, other: str) -> Named:
    return Named([], sorted([one, other]), [], is_link=True, is_of_person=True)


def _own(person: str) -> Named:
    return Named([], [person], [], is_of_person=True)


def test_families_that_share_a_person_touch_each_other_up_to_the_limit(connections):
    for number in range(MOST):
        connections.add(_person(f"F-{number}", "P"))

    assert connections.touched(_person("F-0", "P"), are_households=False) == {"F-0", "F-1", "F-2"}
    assert connections.pop_parted() == set()


def test_one_family_over_the_limit_disconnects_them_all_once(connections):
    """All families that the person connected are evaluated again. After that, each family is evaluated alone."""
    for number in range(MOST + 1):
        connections.add(_person(f"F-{number}", "P"))

    assert connections.pop_parted() == {"F-0", "F-1", "F-2", "F-3"}
    assert connections.pop_parted() == set()
    assert connections.touched(_person("F-0", "P"), are_households=True) == {"F-0"}
    connections.add(_person("F-9", "P"))
    assert connections.pop_parted() == set()


def test_an_event_among_three_thousand_families_concerns_one(connections):
    """
    All families share one person and one address. The watcher must not look up the other persons in these families.
    """
    for number in range(MANY):
        connections.add(_person(f"F-{number}", "P"))
        connections.add(_home(f"F-{number}", "U"))
        connections.add(_person(f"F-{number}", f"child-{number}"))
    named = Named(["F-7"], ["P"], ["U"])

    assert connections.touched(named, are_households=True) == {"F-7"}
    assert connections.keys({"F-7"}) == {"F-7", "child-7"}
    assert connections.others({"P"}) == set()
    assert len(connections.pop_parted()) <= MOST + 2, "and no more were judged on the way"
    assert connections.crowds() == {("person", "P"), ("address", "U")}


def test_marker_of_an_over_shared_person_reaches_the_families_that_it_names(connections):
    """Only the event that sets the marker names families. The event that clears the marker names no family."""
    for number in range(MANY):
        connections.add(_person(f"F-{number}", "P"))
    connections.add(_marked("P", "M-1", "F-1"))
    connections.add(_marked("P", "M-2", "F-2"))

    assert connections.touched(_marked("P", "M-1"), are_households=False) == {"F-1"}
    assert "P" in connections.keys({"F-1"})
    assert "P" not in connections.keys({"F-3"})


def test_links_of_too_many_families_are_not_followed_and_each_identifier_keeps_its_own(connections):
    for family, person in (("F-1", "A"), ("F-2", "A"), ("F-3", "B"), ("F-4", "B")):
        connections.add(_person(family, person))
    connections.add(_linked("A", "B"))

    assert connections.pop_parted() == {"F-1", "F-2", "F-3", "F-4"}
    assert connections.touched(_own("A"), are_households=False) == {"F-1", "F-2"}
    assert connections.crowds() == {("link", "A"), ("link", "B")}


def test_link_to_an_over_shared_person_hides_nobody(connections):
    """A worker who was entered as a person is linked to an adult who is known in two families."""
    for number in range(MANY):
        connections.add(_person(f"F-{number}", "1"))
    connections.add(_person("F-1", "A"))
    connections.add(_person("F-2", "A"))
    connections.pop_parted()
    connections.add(_linked("A", "1"))

    assert connections.pop_parted() == {"F-1", "F-2"}
    assert connections.touched(_own("A"), are_households=False) == {"F-1", "F-2"}


def test_address_at_which_too_many_persons_live_connects_nobody(connections):
    """Three thousand people are registered at one family's address, because the address is a surgery or an office."""
    connections.add(_home("F-1", "U"))
    for number in range(MANY):
        connections.add(Named([], [f"P-{number}"], ["U"], is_of_person=True))

    assert connections.keys({"F-1"}) == {"F-1"}
    assert connections.touched(Named([], ["P-5"], ["U"], is_of_person=True), are_households=True) == set()


@pytest.mark.parametrize("seed", range(8))
def test_order_does_not_change_the_connections(seed, session):
    """The connections are the same for every order of the records and every batch size."""
    chance = random.Random(seed)
    said = [
        chance.choice((_person, _home))(f"F-{chance.randrange(8)}", f"{chance.randrange(6)}") for _ in range(40)
    ] + [_linked(*map(str, chance.sample(range(6), 2))) for _ in range(2)]
    found = []
    for most in (1, 1, 5, len(said)):
        connections, left = Connections(session), chance.sample(said, len(said))
        while left:
            size = chance.randint(1, most)
            connections.add(*left[:size])
            left = left[size:]
        found.append(
            (
                connections.crowds(),
                {f"F-{number}": connections.keys({f"F-{number}"}) for number in range(8)},
                [connections.touched(named, are_households=True) for named in said],
            )
        )

    assert all(one == found[0] for one in found)
    assert found[0][0]
