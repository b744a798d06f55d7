"""Decide whether the referrer gets a letter about a referral, and what the letter says."""

from hashlib import md5

from streams.contracts.codesets import Decision, FeedbackKind, ReferralSource
from streams.contracts.outputs import Feedback
from streams.rules.answers import DecidedReferral
from streams.times import aware

__all__ = ["letter_id", "letter_of", "same_referrer", "says_the_same"]

_INDIVIDUALS = {"1A", "1B", "1C", "1D"}
_NOT_ADDRESSABLE = {"9", "10"}

_RECEIVED = "Thank you. We have received your referral. We have looked at it carefully."
_CORRECTED = "We are sorry. Our last letter about this referral was wrong. This letter replaces it."
_ANEW = "If you are worried again, or if you find out something new, please tell us straight away."

# The texts about the decisions reveal nothing about the family, not even whether a service already works with it.
_DECIDED = {
    Decision.SIGNPOSTED: "We have told the family where they can get help.",
    Decision.EARLY_HELP: "We have offered the family early help.",
    Decision.MASH: "People from different services will now look at it together.",
    Decision.ROUTED_TO_OPEN_SERVICE: "We have passed it to the service that can help best.",
    Decision.NO_FURTHER_ACTION: (
        "No service will step in for now. You were right to tell us. We will keep a record of your worry. Other "
        "people may tell us more. Together, it may show later that the family needs help."
    ),
}
_LOOKED_AT = "We cannot tell you what we decided, because that is about another family's private life."


def letter_of(referral: DecidedReferral, before: Feedback | None) -> Feedback | None:
    """
    Write the letter about a decided referral. If there is an earlier letter, write its next version.

    Return None, and write no letter, in two cases: the referral is from history, or the referrer is anonymous or
    unknown. A letter to an individual only says that the referral was received and looked at. Only letters to
    organisations give the decision.
    """
    if referral.is_backfill or referral.source_code in _NOT_ADDRESSABLE:
        return None
    is_individual = referral.source_code in _INDIVIDUALS
    decision = Decision(referral.decision)
    said = _LOOKED_AT if is_individual else _DECIDED[decision]
    opening = [_CORRECTED] if before is not None and same_referrer(before, referral) else []
    return Feedback(
        referral_id=referral.referral_id,
        letter_id=letter_id(referral.family_id, referral.referral_id),
        version=1 if before is None else before.version + 1,
        feedback_kind=FeedbackKind.ACKNOWLEDGEMENT if is_individual else FeedbackKind.OUTCOME,
        source_code=ReferralSource(referral.source_code),
        agency_id=None if is_individual else referral.agency_id,
        decision=None if is_individual else decision,
        decided_at=aware(referral.decided_at),
        sentences=[*opening, _RECEIVED, said, _ANEW],
    )


def letter_id(family_id: str, referral_id: str) -> str:
    """Return the id of the letter about a referral. The id is a digest, so it reveals nothing about the family."""
    return md5(f"{family_id}|{referral_id}".encode(), usedforsecurity=False).hexdigest()


def says_the_same(one: Feedback, other: Feedback) -> bool:
    """
    Return True if two versions of a letter say the same to the same referrer.

    For example, only a time may have been corrected. Then no new letter is needed.
    """
    return (one.source_code, one.agency_id, one.decision) == (other.source_code, other.agency_id, other.decision)


def same_referrer(before: Feedback, referral: DecidedReferral) -> bool:
    """Return True if the earlier letter went to the referrer who sent this referral."""
    agency = None if referral.source_code in _INDIVIDUALS else referral.agency_id
    return (before.source_code, before.agency_id) == (referral.source_code, agency)
