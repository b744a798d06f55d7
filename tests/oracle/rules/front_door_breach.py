"""`front_door_breach`: the front door has not decided a referral in time."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.referral import ReferralSubmitted
from tests.oracle.alert import Expected
from tests.oracle.front_door import first_decision
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when the amber deadline passes without a decision. The alert is red after the red deadline.

    Evidence: the first submission of the referral, and, if there is one, the first decision that stops the clock.

    `anchored_at` is the amber deadline, at which the rule turns true. `deadline` is the red deadline, whatever the
    severity.
    """
    seen = set()
    for referral in world.of(ReferralSubmitted):
        if (key := (referral.data.family_id, referral.data.referral_id)) in seen:
            continue
        seen.add(key)
        decision = first_decision(world, referral)
        amber, red = referral.at + profile.front_door_amber, referral.at + profile.front_door_red
        passed = [at for at in (amber, red) if as_of > at and (decision is None or decision.at > at)]
        if passed:
            yield Expected(
                rule="front_door_breach",
                entity_kind="referral",
                family_id=referral.data.family_id,
                entity_id=referral.data.referral_id,
                anchor=referral.root,
                anchored_at=amber,
                severity="red" if red in passed else "amber",
                status="cleared" if decision else "open",
                evidence=frozenset({referral.root, decision.root} if decision else {referral.root}),
                deadline=red,
            )
