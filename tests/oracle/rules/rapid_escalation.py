"""`rapid_escalation`: the level of need has risen by two or more within thirty days."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from streams.contracts.case_work import LevelChanged
from tests.oracle.alert import Expected
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when the level of need is two or more above the lowest level that was held in the window.

    Evidence: the level event at that time, and the latest event that set the lowest level.
    """
    for family in world.families:
        levels = world.of(LevelChanged, family_id=family)
        for place, anchor in enumerate(levels):
            lowest = _lowest(levels[: place + 1], anchor.at, profile)
            if not _has_risen(levels[: place + 1], anchor.at, profile):
                continue
            if _has_risen(levels[:place], anchor.at, profile):
                continue
            is_over = any(
                later.data.level - lowest.data.level < profile.escalation_levels for later in levels[place + 1 :]
            )
            yield Expected(
                rule="rapid_escalation",
                entity_kind="family",
                entity_id=family,
                anchor=anchor.root,
                anchored_at=anchor.at,
                severity="red",
                status="cleared" if is_over else "open",
                evidence=frozenset({anchor.root, lowest.root}),
            )


def _has_risen(levels: Sequence[Fact], at: datetime, profile: Profile) -> bool:
    if not levels:
        return False
    return levels[-1].data.level - _lowest(levels, at, profile).data.level >= profile.escalation_levels


def _lowest(levels: Sequence[Fact], at: datetime, profile: Profile) -> Fact:
    """
    The latest event that set the lowest level held in the window. The present level counts as held in the window.

    A level is held until the next level event. A level that ended exactly at the start of the window was not held in
    the window.
    """
    start = at - profile.escalation_window
    ends = [fact.at for fact in levels[1:]]
    held = [fact for fact, end in zip(levels, ends, strict=False) if fact.at >= start or end > start] + [levels[-1]]
    return min(reversed(held), key=lambda fact: fact.data.level)
