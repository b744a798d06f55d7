"""`marked_adult_joins_other_family`: a marked adult is in a family with a child that the marker does not name."""

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
    As `adult_returns`, where no marker in force concerns the family.

    Evidence: the marker-set events in force, the anchor, and the joined event with which the stay began.
    Another marker that comes to name the family ends nothing of what the alert stands on.
    """
    yield from returns(world, as_of, "marked_adult_joins_other_family", _only_of_others, _of_others)


def _only_of_others(world: World, family: str, person: str, anchor: Fact, at: datetime) -> list[Fact]:
    """Markers in force, unless one of them concerns the family: then it is the other rule's."""
    return [] if concerning(world, family, person, anchor, at) else markers_in_force(world, family, person, at)


def _of_others(world: World, family: str, person: str, anchor: Fact, at: datetime) -> list[Fact]:
    """Markers in force that do not concern the family."""
    concern = concerning(world, family, person, anchor, at)
    return [fact for fact in markers_in_force(world, family, person, at) if fact not in concern]
