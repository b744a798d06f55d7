"""`adult_returns`: a marked adult is back in a family with a child, and the marker names the family."""

from collections.abc import Iterator
from datetime import datetime

from tests.oracle.alert import Expected
from tests.oracle.profile import Profile
from tests.oracle.returns import concerning, returns
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Fires once per stay, when a person with a marker joins, comes to live at the address, is reported back or is marked.

    Evidence: the marker-set events in force that concern the family, the anchor, and the joined event with which the
    stay began (none for a person who is not a member of the household).
    """
    yield from returns(world, as_of, "adult_returns", concerning, concerning)
