"""Whom an id connects, until too many families share it."""

import random

import pytest

from streams.rules.crowds import Crowd, CrowdLimits
from streams.watch.connections import Connections, Named

MOST = 3
MANY = 3_000


@pytest.fixture
def connections() -> Connections:
    """Three families may share a person, three an address."""
    return Connections(CrowdLimits(MOST, MOST))


def _person(family: str, person: str) -> Named:
    return Named({family}, {person}, set())


def _home(family: str, address: str) -> Named:
    return Named({family}, set(), {address})


def _marked(person: str, marker: str, *families: str) -> Named:
    return Named(set(families), {person}, set(), marker=marker, is_of_person=True)


def _linked(one: str, other: str) -> Named:
    return Named(set(), {one, other}, set(), is_link=True, is_of_person=True)


def _own(person: str) -> Named:
    return Named(set(), {person}, set(), is_of_person=True)


def test_families_that_share_a_person_touch_each_other_up_to_the_limit(connections):
    for number in range(MOST):
        connections.add(_person(f"F-{number}", "P"))

    assert connections.touched(_person("F-0", "P"), are_households=False) == {"F-0", "F-1", "F-2"}
    assert connections.pop_parted() == set()


def test_one_more_family_parts_them_all_once(connections):
    """Those that the person connected until then are judged again, and after that each stands alone."""
    for number in range(MOST + 1):
        connections.add(_person(f"F-{number}", "P"))

    assert connections.pop_parted() == {"F-0", "F-1", "F-2", "F-3"}
    assert connections.pop_parted() == set()
    assert connections.touched(_person("F-0", "P"), are_households=True) == {"F-0"}
    connections.add(_person("F-9", "P"))
    assert connections.pop_parted() == set()


def test_an_event_among_three_thousand_families_concerns_one(connections):
    """One person and one address, named by all; whoever lives with the person is not looked for either."""
    for number in range(MANY):
        connections.add(_person(f"F-{number}", "P"))
        connections.add(_home(f"F-{number}", "U"))
        connections.add(_person(f"F-{number}", f"child-{number}"))
    named = Named({"F-7"}, {"P"}, {"U"})

    assert connections.touched(named, are_households=True) == {"F-7"}
    assert connections.keys({"F-7"}) == {"F-7", "child-7"}
    assert connections.others({"P"}) == set()
    assert len(connections.pop_parted()) <= MOST + 2, "and no more were judged on the way"
    assert connections.crowds(named) == {Crowd("person", "P"), Crowd("address", "U")}


def test_marker_of_a_crowd_reaches_the_families_that_it_names(connections):
    """It is set with its families; when it is cleared it names none."""
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
    assert connections.crowds(_own("A")) == {Crowd("link", "A")}


def test_link_to_a_crowd_hides_nobody(connections):
    """A worker entered as a person is linked to a marked adult, who is known in two families."""
    for number in range(MANY):
        connections.add(_person(f"F-{number}", "1"))
    connections.add(_person("F-1", "A"))
    connections.add(_person("F-2", "A"))
    connections.pop_parted()
    connections.add(_linked("A", "1"))

    assert connections.pop_parted() == {"F-1", "F-2"}
    assert connections.touched(_own("A"), are_households=False) == {"F-1", "F-2"}


def test_address_at_which_too_many_persons_live_connects_nobody(connections):
    """One family's address is where three thousand people are registered: a surgery, an office."""
    connections.add(_home("F-1", "U"))
    for number in range(MANY):
        connections.add(Named(set(), {f"P-{number}"}, {"U"}, is_of_person=True))

    assert connections.keys({"F-1"}) == {"F-1"}
    assert connections.touched(Named(set(), {"P-5"}, {"U"}, is_of_person=True), are_households=True) == set()


@pytest.mark.parametrize("seed", range(20))
def test_order_decides_nothing(seed):
    chance = random.Random(seed)
    said = [
        chance.choice((_person, _home))(f"F-{chance.randrange(8)}", f"{chance.randrange(6)}") for _ in range(40)
    ] + [_linked(*map(str, chance.sample(range(6), 2))) for _ in range(2)]
    everything = Named(set(), set(map(str, range(6))), set(map(str, range(6))))
    found = []
    for _ in range(4):
        connections = Connections(CrowdLimits(MOST, MOST))
        for named in chance.sample(said, len(said)):
            connections.add(named)
        found.append(
            (
                connections.crowds(everything),
                {f"F-{number}": connections.keys({f"F-{number}"}) for number in range(8)},
                [connections.touched(named, are_households=True) for named in said],
            )
        )

    assert all(one == found[0] for one in found)
    assert found[0][0]
