"""`repeat_no_further_action`: again a referral of the family ended without any action."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.codesets import Decision
from streams.contracts.referral import ReferralDecided
from tests.oracle.alert import Expected
from tests.oracle.clock import months_before
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    At every such decision that has an earlier one, on another referral, within the months before.

    Evidence: the decision, and the latest earlier one.
    """
    for decided in world.of(ReferralDecided, decision=Decision.NO_FURTHER_ACTION):
        start = months_before(decided.at, profile.no_action_months)
        same = {"family_id": decided.data.family_id, "decision": Decision.NO_FURTHER_ACTION}
        earlier = [
            other
            for other in world.before(decided).of(ReferralDecided, **same)
            if other.at >= start and other.data.referral_id != decided.data.referral_id
        ]
        if earlier:
            yield Expected(
                rule="repeat_no_further_action",
                entity_kind="family",
                entity_id=decided.data.family_id,
                anchor=decided.root,
                anchored_at=decided.at,
                severity="amber",
                evidence=frozenset({decided.root, earlier[-1].root}),
            )
