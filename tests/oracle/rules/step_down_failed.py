"""`step_down_failed`: need has risen again soon after the family was stepped down or closed."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.case_work import CaseClosed, LevelChanged
from streams.contracts.codesets import ClosureReason
from streams.contracts.referral import ReferralSubmitted
from tests.oracle.alert import Expected
from tests.oracle.clock import months_before
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]

_NO_STEP_DOWN = frozenset({ClosureReason.DIED, ClosureReason.OTHER_AUTHORITY})


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert at every step-up and every referral within a number of months after a step-down or closure.

    Several submissions of one referral are one referral, and the first submission after the step-down counts.

    Evidence: the anchor, and the latest step-down or closure. The profile sets the number of months.
    """
    told = set()
    for anchor in world.of(LevelChanged, ReferralSubmitted):
        family, before = anchor.data.family_id, world.before(anchor)
        if isinstance(anchor.data, LevelChanged) and not 0 < before.level(family) < anchor.data.level:
            continue
        start = months_before(anchor.at, profile.step_down_months)
        downs = [fact for fact in _steps_down(before, family) if fact.at >= start]
        referral = family, getattr(anchor.data, "referral_id", anchor.root)
        if downs and referral not in told:
            told.add(referral)
            yield Expected(
                rule="step_down_failed",
                entity_kind="family",
                entity_id=family,
                anchor=anchor.root,
                anchored_at=anchor.at,
                severity="amber",
                evidence=frozenset({anchor.root, downs[-1].root}),
            )


def _steps_down(world: World, family: str) -> list[Fact]:
    facts = world.of(LevelChanged, CaseClosed, family_id=family)
    return [fact for fact in facts if _is_step_down(world.before(fact), fact)]


def _is_step_down(before: World, fact: Fact) -> bool:
    if isinstance(fact.data, CaseClosed):
        return fact.data.closure_reason not in _NO_STEP_DOWN
    return fact.data.level < before.level(fact.data.family_id)
