"""`two_agencies_one_week`: two agencies report concerns about one family within a week."""

from collections.abc import Iterator
from datetime import datetime

from tests.oracle.alert import Expected
from tests.oracle.concerns import concerns
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when concerns of two agencies lie within the window.

    Evidence: the first report of each concern in the window.
    """
    for family in world.families:
        for concern in concerns(world, family):
            anchor = concern.first
            found = _recent(world.until(anchor), family, anchor.at, profile)
            if found and not _recent(world.before(anchor), family, anchor.at, profile):
                yield Expected(
                    rule="two_agencies_one_week",
                    entity_kind="family",
                    entity_id=family,
                    anchor=anchor.root,
                    anchored_at=anchor.at,
                    severity="amber",
                    evidence=frozenset(each.first.root for each in found),
                )


def _recent(world: World, family: str, at: datetime, profile: Profile) -> list:
    recent = [each for each in concerns(world, family) if each.first.at >= at - profile.agencies_window]
    return recent if len({each.agency for each in recent}) >= 2 else []
