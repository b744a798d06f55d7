"""`already_open`: a referral arrives about a family that already receives a service."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.case_work import CaseOpened
from streams.contracts.codesets import Severity
from streams.contracts.referral import ReferralSubmitted
from tests.oracle.alert import Expected
from tests.oracle.facts import Fact
from tests.oracle.front_door import decisions
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert at the first submission of every referral while the family has an open case.

    The alert is red once any submission of the referral is red.

    Evidence: that first submission, the event that opened the family, and the first red submission.
    """
    for anchor in world.of(ReferralSubmitted):
        family, referral = anchor.data.family_id, anchor.data.referral_id
        submissions = world.of(ReferralSubmitted, family_id=family, referral_id=referral)
        if anchor is not next((each for each in submissions if world.before(each).is_open(family)), None):
            continue
        red = next((each for each in submissions if each.data.severity == Severity.RED), None)
        known = {anchor.root, _opening(world.before(anchor), family).root}
        yield Expected(
            rule="already_open",
            entity_kind="family",
            entity_id=family,
            anchor=anchor.root,
            anchored_at=anchor.at,
            severity="red" if red else "amber",
            status="cleared" if _is_decided(world, submissions[0], red) else "open",
            evidence=frozenset(known | {red.root} if red else known),
        )


def _is_decided(world: World, first: Fact, red: Fact | None) -> bool:
    """
    Whether a decision was taken that could take the severity into account.

    If a later submission calls the referral red, decisions before that submission do not count.
    """
    decided = decisions(world, first)
    return bool(decided) if red in (None, first) else any(each.order > red.order for each in decided)


def _opening(before: World, family: str) -> Fact:
    """The latest case that was opened while the family was not open. A second case does not open the family again."""
    openings = before.of(CaseOpened, family_id=family)
    return [fact for fact in openings if not before.before(fact).is_open(family)][-1]
