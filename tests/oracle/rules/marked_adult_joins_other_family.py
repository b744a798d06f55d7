"""
`marked_adult_joins_other_family`: an adult is in a family with a child, and the adult's marker names other families.
"""

from collections.abc import Iterator
from datetime import datetime

from tests.oracle.alert import Expected
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.returns import concerning, markers_in_force, returns
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise alerts at the same events as `adult_returns`, but only when no marker in force concerns the family.

    Evidence: the `risk-marker-set` events of the markers in force, the anchor, and the joined event that began the
    stay.

    A later marker that names the family does not clear the alert, because the danger is not over.
    """
    yield from returns(world, as_of, "marked_adult_joins_other_family", _only_of_others, _of_others)


def _only_of_others(world: World, family: str, person: str, anchor: Fact, at: datetime) -> list[Fact]:
    """Markers in force, or none if one of the markers concerns the family, because then `adult_returns` applies."""
    return [] if concerning(world, family, person, anchor, at) else markers_in_force(world, family, person, at)


def _of_others(world: World, family: str, person: str, anchor: Fact, at: datetime) -> list[Fact]:
    """Markers in force that do not concern the family."""
    concern = concerning(world, family, person, anchor, at)
    return [fact for fact in markers_in_force(world, family, person, at) if fact not in concern]
