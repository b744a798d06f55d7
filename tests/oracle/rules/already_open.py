"""`already_open`: a referral came on a family that a service already works with."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.case_change import CaseOpened
from streams.contracts.codesets import Severity
from streams.contracts.referral import ReferralSubmitted
from tests.oracle.alert import Expected
from tests.oracle.facts import Fact
from tests.oracle.front_door import first_decision
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    At the first submission of every referral before which a case of the family is open.

    Evidence: the referral, and the event with which the family was opened.
    """
    for referral in world.of(ReferralSubmitted):
        family, before = referral.data.family_id, world.before(referral)
        is_first = not before.of(ReferralSubmitted, family_id=family, referral_id=referral.data.referral_id)
        if is_first and before.is_open(family):
            yield Expected(
                rule="already_open",
                entity_kind="family",
                entity_id=family,
                anchor=referral.root,
                anchored_at=referral.at,
                severity="red" if referral.data.severity == Severity.RED else "amber",
                status="cleared" if first_decision(world, referral) else "open",
                evidence=frozenset({referral.root, _opening(before, family).root}),
            )


def _opening(before: World, family: str) -> Fact:
    """The latest case opened while the family was not open: a second one opens nothing."""
    openings = before.of(CaseOpened, family_id=family)
    return [fact for fact in openings if not before.before(fact).is_open(family)][-1]
