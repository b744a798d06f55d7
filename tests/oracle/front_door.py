"""The front door: when a referral was decided."""

from streams.contracts.codesets import Decision
from streams.contracts.referral import ReferralDecided
from tests.oracle.facts import Fact
from tests.oracle.world import World

__all__ = ["first_decision"]


def first_decision(world: World, referral: Fact) -> Fact | None:
    """The first decision on a referral that stops the clock; one of the emergency duty team does not."""
    decided = world.of(ReferralDecided, family_id=referral.data.family_id, referral_id=referral.data.referral_id)
    return next((fact for fact in decided if fact.data.decision != Decision.EDT), None)
