"""Decisions of the front door on a referral."""

from streams.contracts.codesets import Decision
from streams.contracts.referral import ReferralDecided
from tests.oracle.facts import Fact
from tests.oracle.world import World

__all__ = ["decisions", "first_decision"]


def decisions(world: World, referral: Fact) -> list[Fact]:
    """Decisions on a referral, in order. Decisions of the emergency duty team do not count as front door decisions."""
    decided = world.of(ReferralDecided, family_id=referral.data.family_id, referral_id=referral.data.referral_id)
    return [fact for fact in decided if fact.data.decision != Decision.EDT]


def first_decision(world: World, referral: Fact) -> Fact | None:
    """The decision on a referral that stops the clock."""
    return next(iter(decisions(world, referral)), None)
