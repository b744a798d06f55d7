"""`consent_not_recorded`: a referral arrived without an answer to the consent question."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.case_work import ConsentGiven, ConsentRefused
from streams.contracts.codesets import Consent
from streams.contracts.referral import ReferralSubmitted
from tests.oracle.alert import Expected
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert at every referral without an answer, or with the answer "not sought" and no reason.

    Evidence: the referral.
    """
    for referral in world.of(ReferralSubmitted):
        if not _is_unanswered(referral.data):
            continue
        answers = world.of(ConsentGiven, ConsentRefused, family_id=referral.data.family_id)
        yield Expected(
            rule="consent_not_recorded",
            entity_kind="referral",
            family_id=referral.data.family_id,
            entity_id=referral.data.referral_id,
            anchor=referral.root,
            anchored_at=referral.at,
            severity="amber",
            status="cleared" if any(answer.at >= referral.at for answer in answers) else "open",
            evidence=frozenset({referral.root}),
        )


def _is_unanswered(referral: ReferralSubmitted) -> bool:
    if referral.consent == Consent.NOT_SOUGHT:
        return referral.consent_reason is None
    return referral.consent == Consent.NOT_RECORDED
