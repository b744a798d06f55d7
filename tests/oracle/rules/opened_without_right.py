"""`opened_without_right`: somebody opened a family in an emergency, without a right to see it."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.escalation import OpenedInEmergency
from tests.oracle.alert import Expected
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """Raise an alert for each opening. Nothing clears it. Evidence: the opening."""
    for opened in world.of(OpenedInEmergency):
        yield Expected(
            rule="opened_without_right",
            entity_kind="family",
            entity_id=opened.data.family_id,
            anchor=opened.root,
            anchored_at=opened.at,
            severity="amber",
            evidence=frozenset({opened.root}),
        )
