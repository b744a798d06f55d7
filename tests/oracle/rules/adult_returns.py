"""`adult_returns`: an adult with a risk marker is back in a family with a child, and the marker names the family."""

from collections.abc import Iterator
from datetime import datetime

from tests.oracle.alert import Expected
from tests.oracle.profile import Profile
from tests.oracle.returns import concerning, returns
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert once per stay, when a person with a marker comes to the family.

    A person comes to the family by joining it, by moving to its address, or by being reported back. A person who is
    already there can also receive a marker.

    Evidence: the `risk-marker-set` events of the markers in force that concern the family, the anchor, and the joined
    event that began the stay. There is no joined event for a person who is not a member of the household.
    """
    yield from returns(world, as_of, "adult_returns", concerning, concerning)
