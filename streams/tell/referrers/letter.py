"""The letter about one referral: to whom, of which kind, in which words."""

from hashlib import md5

from streams.contracts.codesets import Decision, FeedbackKind, ReferralSource
from streams.contracts.outputs import Feedback
from streams.rules.answers import DecidedReferral
from streams.times import aware

__all__ = ["letter_id", "letter_of", "same_referrer", "says_the_same"]

_INDIVIDUALS = {"1A", "1B", "1C", "1D"}
_NOT_ADDRESSABLE = {"9", "10"}

_RECEIVED = "Thank you. We have received your referral and have looked at it carefully."
_CORRECTED = "We are sorry: our last letter about this referral was not right. This one replaces it."
_ANEW = "If you are worried again, or learn something new, please tell us at once."

# Decisions in words that say nothing of the family: not even whether somebody works with it already.
_DECIDED = {
    Decision.SIGNPOSTED: "We have told the family where they can find help.",
    Decision.EARLY_HELP: "We have offered the family early help.",
    Decision.MASH: "Colleagues of several agencies will now look at it together.",
    Decision.ROUTED_TO_OPEN_SERVICE: "We have passed it to the service that is best placed to help.",
    Decision.NO_FURTHER_ACTION: (
        "For now no service will become involved. Telling us was right: your concern is on record, and together with "
        "what others tell us it may show a need later."
    ),
}
_LOOKED_AT = "We cannot tell you what was decided, because that is about somebody else's family life."


def letter_of(referral: DecidedReferral, before: Feedback | None) -> Feedback | None:
    """
    The letter that a decided referral calls for, as the version after the one before.

    None for history, and for a referrer whom nobody can write to (anonymous, unknown).
    Individuals are told that it was received and looked at, and no decision.
    """
    if referral.is_backfill or referral.source_code in _NOT_ADDRESSABLE:
        return None
    is_individual = referral.source_code in _INDIVIDUALS
    decision = Decision(referral.decision)
    said = _LOOKED_AT if is_individual else _DECIDED[decision]
    opening = [_CORRECTED] if before is not None and same_referrer(before, referral) else []
    return Feedback(
        referral_id=referral.referral_id,
        letter_id=letter_id(referral),
        version=1 if before is None else before.version + 1,
        feedback_kind=FeedbackKind.ACKNOWLEDGEMENT if is_individual else FeedbackKind.OUTCOME,
        source_code=ReferralSource(referral.source_code),
        agency_id=None if is_individual else referral.agency_id,
        decision=None if is_individual else decision,
        decided_at=aware(referral.decided_at),
        sentences=[*opening, _RECEIVED, said, _ANEW],
    )


def letter_id(referral: DecidedReferral) -> str:
    """The letter about a referral of a family: a digest, since it tells the referrer nothing of the family."""
    return md5(f"{referral.family_id}|{referral.referral_id}".encode(), usedforsecurity=False).hexdigest()


def says_the_same(one: Feedback, other: Feedback) -> bool:
    """Whether two versions tell the same referrer the same; a corrected time alone is no reason for a letter."""
    return (one.source_code, one.agency_id, one.decision) == (other.source_code, other.agency_id, other.decision)


def same_referrer(before: Feedback, referral: DecidedReferral) -> bool:
    """Whether a letter went to whoever sent a referral."""
    agency = None if referral.source_code in _INDIVIDUALS else referral.agency_id
    return (before.source_code, before.agency_id) == (referral.source_code, agency)
