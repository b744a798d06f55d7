"""`repeat_no_further_action`: a second referral of the family ended with no further action (NFA)."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.codesets import Decision
from streams.contracts.referral import ReferralDecided
from tests.oracle.alert import Expected
from tests.oracle.clock import months_before
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when two referrals of a family ended with no further action (NFA) in the preceding months.

    Evidence: all NFA decisions in those months. The profile sets the number of months.
    """
    for decided in world.of(ReferralDecided, decision=Decision.NO_FURTHER_ACTION):
        found = _recent(world.until(decided), decided, profile)
        if found and not _recent(world.before(decided), decided, profile):
            yield Expected(
                rule="repeat_no_further_action",
                entity_kind="family",
                entity_id=decided.data.family_id,
                anchor=decided.root,
                anchored_at=decided.at,
                severity="amber",
                evidence=frozenset(each.root for each in found),
            )


def _recent(world: World, decided: Fact, profile: Profile) -> list[Fact]:
    start = months_before(decided.at, profile.no_action_months)
    same = {"family_id": decided.data.family_id, "decision": Decision.NO_FURTHER_ACTION}
    recent = [each for each in world.of(ReferralDecided, **same) if each.at >= start]
    return recent if len({each.data.referral_id for each in recent}) >= 2 else []
