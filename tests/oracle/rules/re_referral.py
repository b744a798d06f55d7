"""`re_referral`: the family was referred before, about a different incident."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.referral import ReferralSubmitted
from tests.oracle.alert import Expected
from tests.oracle.clock import months_before
from tests.oracle.facts import Fact
from tests.oracle.front_door import first_decision
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert at every referral of a family that was already referred in the preceding months.

    The decision on the earlier referral does not matter.

    Evidence: the referral, and the latest earlier referral about another incident in those months. The profile sets the
    number of months.
    """
    for referral in world.of(ReferralSubmitted):
        start = months_before(referral.at, profile.re_referral_months)
        others = world.before(referral).of(ReferralSubmitted, family_id=referral.data.family_id)
        earlier = [other for other in others if other.at >= start and _is_another(referral, other)]
        if earlier:
            yield Expected(
                rule="re_referral",
                entity_kind="family",
                entity_id=referral.data.family_id,
                anchor=referral.root,
                anchored_at=referral.at,
                severity="amber",
                status="cleared" if first_decision(world, referral) else "open",
                evidence=frozenset({referral.root, earlier[-1].root}),
            )


def _is_another(referral: Fact, other: Fact) -> bool:
    """
    Whether two submissions are different referrals about different incidents.

    A second copy of one referral is not a different referral. If either of two referrals names no incident, the
    incidents count as different.
    """
    if referral.data.referral_id == other.data.referral_id:
        return False
    return referral.data.incident_id is None or referral.data.incident_id != other.data.incident_id
