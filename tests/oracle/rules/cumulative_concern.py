"""`cumulative_concern`: several concerns about one family, each of which may mean little by itself."""

from collections.abc import Callable, Iterator
from datetime import datetime

from tests.oracle.alert import Expected
from tests.oracle.clock import months_before
from tests.oracle.concerns import Concern, concerns
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise one alert per clause, at the event that makes the clause true.

    The event that makes a clause true is a concern, or for clause (a) also the end of an opening.

    Evidence: the first report of each counted concern.
    """
    for family in world.families:
        events = [fact for fact in world.facts if getattr(fact.data, "family_id", None) == family]
        resets = [fact for fact in events if _is_reset(world, family, fact, profile)]
        for clause, counted in _CLAUSES.items():
            for anchor in events:
                found = _judged(world.until(anchor), family, anchor.at, resets, counted, profile)
                if not found or _judged(world.before(anchor), family, anchor.at, resets, counted, profile):
                    continue
                yield Expected(
                    rule="cumulative_concern",
                    clause=clause,
                    entity_kind="family",
                    entity_id=family,
                    anchor=anchor.root,
                    anchored_at=anchor.at,
                    severity="amber",
                    status="cleared" if any(reset.order > anchor.order for reset in resets) else "open",
                    evidence=frozenset(concern.first.root for concern in found),
                )


def _is_reset(world: World, family: str, fact: Fact, profile: Profile) -> bool:
    """Whether this event makes the family open at a high level of need."""
    is_open_high = _is_open_high(world.until(fact), family, profile)
    return is_open_high and not _is_open_high(world.before(fact), family, profile)


def _is_open_high(world: World, family: str, profile: Profile) -> bool:
    return world.is_open(family) and world.level(family) >= profile.high_level


Clause = Callable[[list[Concern], World, str, datetime, Profile], list[Concern]]
"""
Returns the concerns since the last reset that make a clause true at a time, or an empty list if the clause is false.
"""


def _judged(
    world: World, family: str, at: datetime, resets: list[Fact], clause: Clause, profile: Profile
) -> list[Concern]:
    """The concerns that make a clause true. Only concerns since the family was last opened at a high level count."""
    past = [reset for reset in resets if world.facts and reset.order <= world.facts[-1].order]
    since = [each for each in concerns(world, family) if not past or each.first.order > past[-1].order]
    return clause(since, world, family, at, profile)


def _several_agencies(found: list[Concern], world: World, family: str, at: datetime, profile: Profile) -> list[Concern]:
    recent = [concern for concern in found if concern.first.at >= at - profile.concern_window]
    is_enough = len(recent) >= profile.concerns
    is_enough &= len({concern.agency for concern in recent}) >= profile.concern_agencies
    return recent if is_enough and not _is_open_high(world, family, profile) else []


def _uninvestigated(found: list[Concern], world: World, family: str, at: datetime, profile: Profile) -> list[Concern]:
    start = months_before(at, profile.uninvestigated_months)
    recent = [each for each in found if each.first.at >= start and not each.is_investigated(world)]
    return recent if len(recent) >= profile.uninvestigated else []


def _ever(found: list[Concern], world: World, family: str, at: datetime, profile: Profile) -> list[Concern]:
    return found if len(found) >= profile.concerns_ever else []


_CLAUSES: dict[str, Clause] = {"a": _several_agencies, "b": _uninvestigated, "c": _ever}
