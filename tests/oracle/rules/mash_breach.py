"""`mash_breach`: the MASH has not allocated a referral to a service in time."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.codesets import Decision
from streams.contracts.referral import ReferralAllocated, ReferralDecided
from tests.oracle.alert import Expected
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when the amber deadline passes without an allocation. The alert is red after the red deadline.

    Evidence: the MASH decision, and, if there is one, the allocation that ends the wait.

    `anchored_at` is the amber deadline, at which the rule turns true. `deadline` is the red deadline, whatever the
    severity.
    """
    for decision in world.of(ReferralDecided, decision=Decision.MASH):
        if _is_waiting(world.before(decision), decision):
            continue
        allocation = _allocation(world, decision)
        amber, red = decision.at + profile.mash_amber, decision.at + profile.mash_red
        passed = [at for at in (amber, red) if as_of > at and (allocation is None or allocation.at > at)]
        if passed:
            yield Expected(
                rule="mash_breach",
                entity_kind="referral",
                family_id=decision.data.family_id,
                entity_id=decision.data.referral_id,
                anchor=decision.root,
                anchored_at=amber,
                severity="red" if red in passed else "amber",
                status="cleared" if allocation else "open",
                evidence=frozenset({decision.root, allocation.root} if allocation else {decision.root}),
                deadline=red,
            )


def _is_waiting(before: World, decision: Fact) -> bool:
    """Whether an earlier MASH decision on the same referral still has no allocation."""
    same = {"family_id": decision.data.family_id, "referral_id": decision.data.referral_id}
    earlier = before.of(ReferralDecided, decision=Decision.MASH, **same)
    return any(_allocation(before, each) is None for each in earlier)


def _allocation(world: World, decision: Fact) -> Fact | None:
    """The first allocation of the referral that is not before the decision."""
    same = {"family_id": decision.data.family_id, "referral_id": decision.data.referral_id}
    return next((fact for fact in world.of(ReferralAllocated, **same) if fact.at >= decision.at), None)
