"""`level_4_for_access`: a family was put on the highest level of need only to get access to a provision."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.case_work import AssessmentCompleted, LevelChanged
from streams.contracts.codesets import AssessmentFactor, LevelReason
from tests.oracle.alert import Expected
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]

_NO_NEED = frozenset({AssessmentFactor.OTHER, AssessmentFactor.NONE})


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when the level is raised to 4 for access, but no assessment supports that level.

    An assessment supports the level if it is the latest completed assessment and found a factor other than 20 and 21.

    Evidence: the level event, and the latest completed assessment, if there is one.
    """
    for anchor in world.of(LevelChanged, level=4, level_reason=LevelReason.TO_ACCESS_PROVISION):
        family, before = anchor.data.family_id, world.before(anchor)
        assessed = before.of(AssessmentCompleted, family_id=family)[-1:]
        if before.level(family) == 4 or any(set(fact.data.factors) - _NO_NEED for fact in assessed):
            continue
        yield Expected(
            rule="level_4_for_access",
            entity_kind="family",
            entity_id=family,
            anchor=anchor.root,
            anchored_at=anchor.at,
            severity="green",
            evidence=frozenset({anchor.root, *(fact.root for fact in assessed)}),
        )
