"""
Families and their members.

Family sizes, ages and characteristics are invented, but plausible. Only the numbers of events are fitted to published
figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from streams.contracts.codesets import Disability, Ethnicity, HouseholdRole, Sex
from streams.simulate.facts import Ids
from streams.simulate.hours import day_of
from streams.simulate.places import Place, Places

__all__ = ["Family", "Person", "Population"]

_SIZES = (1, 2, 3, 4)
_SIZE_WEIGHTS = (44, 34, 15, 7)
_ETHNICITIES = tuple(Ethnicity)
_ETHNICITY_WEIGHTS = [880 if code is Ethnicity.WBRI else 6 for code in Ethnicity]
_DISABILITIES = tuple(code for code in Disability if code is not Disability.NONE)


@dataclass
class Person:
    """A member of a family."""

    id: str
    role: HouseholdRole
    born: date | None
    due: date | None
    sex: Sex
    ethnicity: Ethnicity
    disabilities: list[Disability]
    school_id: str | None = None
    is_home_educated: bool = False


@dataclass
class Family:
    """A family, and what the simulated services know about it. Stories change this knowledge."""

    id: str
    place: Place
    address_id: str
    adults: list[Person]
    children: list[Person]
    level: int = 1
    known_from: datetime | None = None
    """When the family's members were recorded; None if they have not been recorded yet."""
    open_until: datetime | None = None
    """When the family's latest case ends; None if the family has never had a case."""

    def is_open(self, at: datetime) -> bool:
        """Whether the family has an open case at this time."""
        return self.open_until is not None and at < self.open_until


class Population:
    """Makes the families of one authority."""

    def __init__(self, places: Places, ids: Ids, rng: Random) -> None:
        self._places, self._ids, self._rng = places, ids, rng

    def family(self, at: datetime, children: int = 1) -> Family:
        """Make a family with at least this number of children."""
        rng = self._rng
        place = self._places.draw(rng)
        size = max(children, rng.choices(_SIZES, _SIZE_WEIGHTS)[0])
        family = Family(self._ids.new("F"), place, self._ids.new("U"), self._adults(at), [])
        family.children = [self.child(at, place) for _ in range(size)]
        return family

    def child(self, at: datetime, place: Place, age: tuple[float, float] = (0.2, 16.0)) -> Person:
        """
        Make a child whose age is in this range of years. If the range begins below 1, one child in sixty is still
        unborn.
        """
        years = self._rng.uniform(*age)
        day = day_of(at)
        if age[0] < 1 and self._rng.random() < 1 / 60:
            return self._person(HouseholdRole.UNBORN, None, day + timedelta(days=self._rng.randint(30, 200)))
        child = self._person(HouseholdRole.CHILD, day - timedelta(days=round(years * 365.25)), None)
        if years >= 4.8:
            primary, other_primary, secondary = place.schools
            child.school_id = secondary if years >= 11.5 else self._rng.choice((primary, other_primary))
            child.is_home_educated = self._rng.random() < 0.01
        return child

    def adult(self, at: datetime, role: HouseholdRole, age: tuple[float, float] = (20, 50)) -> Person:
        """Make an adult whose age is in this range of years."""
        return self._person(role, day_of(at) - timedelta(days=round(self._rng.uniform(*age) * 365.25)), None)

    def _adults(self, at: datetime) -> list[Person]:
        roles: Sequence[HouseholdRole] = self._rng.choices(
            (
                (HouseholdRole.MOTHER,),
                (HouseholdRole.MOTHER, HouseholdRole.FATHER),
                (HouseholdRole.MOTHER, HouseholdRole.STEP_PARENT),
                (HouseholdRole.LONE_MALE,),
                (HouseholdRole.GRANDPARENT,),
            ),
            (42, 36, 12, 6, 4),
        )[0]
        return [self.adult(at, role, (50, 70) if role is HouseholdRole.GRANDPARENT else (20, 48)) for role in roles]

    def _person(self, role: HouseholdRole, born: date | None, due: date | None) -> Person:
        rng = self._rng
        return Person(
            self._ids.new("P"),
            role,
            born,
            due,
            Sex.UNKNOWN if born is None else _sex(role, rng),
            rng.choices(_ETHNICITIES, _ETHNICITY_WEIGHTS)[0],
            [rng.choice(_DISABILITIES)] if rng.random() < 0.06 else [],
        )


def _sex(role: HouseholdRole, rng: Random) -> Sex:
    fixed = {
        HouseholdRole.MOTHER: Sex.FEMALE,
        HouseholdRole.FATHER: Sex.MALE,
        HouseholdRole.LONE_MALE: Sex.MALE,
    }
    return fixed.get(role) or rng.choice((Sex.FEMALE, Sex.MALE))
