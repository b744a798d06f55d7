"""Consent that is missing, recorded later or withdrawn, and information that is shared with or without a basis."""

from datetime import datetime

from streams.contracts.case_work import ConsentGiven, ConsentWithdrawn
from streams.contracts.codesets import (
    Consent,
    ConsentReason,
    ConsentScope,
    InformationKind,
    SharingBasis,
    SharingPurpose,
)
from streams.contracts.referral import InformationShared
from streams.simulate.facts import Fact
from streams.simulate.planted.script import Script, referral

__all__ = ["STORIES"]

_NOT_RECORDED = "consent_not_recorded"
_NO_BASIS = "no_basis_to_share"


def consent_is_not_recorded(s: Script) -> None:
    """A referral arrives, and its consent question is not answered."""
    _missing(s, s.refer(s.ago(30), consent=Consent.NOT_RECORDED))


def consent_is_not_sought_without_reason(s: Script) -> None:
    """A referral says that consent was not sought, but gives no reason."""
    _missing(s, s.refer(s.ago(29), consent=Consent.NOT_SOUGHT))


def consent_is_recorded_later(s: Script) -> None:
    """
    A referral arrives, and its consent question is not answered. The next day the family's consent is recorded, which
    clears the alert.
    """
    submitted = s.refer(s.ago(28), consent=Consent.NOT_RECORDED)
    s.fact(s.ago(27), ConsentGiven(family_id=s.family.id, consent_scope=ConsentScope.RECEIVE_HELP))
    _missing(s, submitted, status="cleared")


def consent_is_not_sought_with_reason(s: Script) -> None:
    """Consent was not sought because asking would put a child at risk."""
    submitted = s.refer(s.ago(28), consent=Consent.NOT_SOUGHT, consent_reason=ConsentReason.RISK_OF_HARM)
    s.deny(_NOT_RECORDED, submitted, entity=referral(submitted))


def consent_is_refused(s: Script) -> None:
    """The family refused consent. A refusal counts as an answer to the consent question."""
    submitted = s.refer(s.ago(26), consent=Consent.REFUSED)
    s.deny(_NOT_RECORDED, submitted, entity=referral(submitted))


def shared_on_no_basis(s: Script) -> None:
    """Information is shared without a recorded basis."""
    s.expect(_NO_BASIS, _share(s, s.ago(40), SharingBasis.NONE))


def shared_on_withdrawn_consent(s: Script) -> None:
    """Information is shared on consent an hour after the family withdrew it."""
    s.fact(s.ago(80), ConsentGiven(family_id=s.family.id, consent_scope=ConsentScope.SHARE_INFORMATION))
    s.fact(s.ago(39, 11), ConsentWithdrawn(family_id=s.family.id, consent_scope=ConsentScope.SHARE_INFORMATION))
    s.expect(_NO_BASIS, _share(s, s.ago(39, 12), SharingBasis.CONSENT))


def shared_on_consent_in_force(s: Script) -> None:
    """Information is shared on consent an hour before the family withdraws it."""
    s.fact(s.ago(80), ConsentGiven(family_id=s.family.id, consent_scope=ConsentScope.SHARE_INFORMATION))
    s.deny(_NO_BASIS, _share(s, s.ago(38, 11), SharingBasis.CONSENT))
    s.fact(s.ago(38, 12), ConsentWithdrawn(family_id=s.family.id, consent_scope=ConsentScope.SHARE_INFORMATION))


def shared_as_public_task(s: Script) -> None:
    """Information is shared as a public task, for which no consent is needed."""
    s.deny(_NO_BASIS, _share(s, s.ago(37), SharingBasis.PUBLIC_TASK))


def _missing(s: Script, submitted: Fact, status: str | None = None) -> None:
    s.expect(_NOT_RECORDED, submitted, entity=referral(submitted), status=status)


def _share(s: Script, at: datetime, basis: SharingBasis) -> Fact:
    data = InformationShared(
        sharing_id=s.borough.ids.new("S"),
        family_id=s.family.id,
        agency_id=f"{s.borough.slug}-housing",
        information_kinds=[InformationKind.LEVEL_OF_NEED],
        sharing_purpose=SharingPurpose.EARLY_HELP,
        sharing_basis=basis,
    )
    return s.fact(at, data)


STORIES = (
    consent_is_not_recorded,
    consent_is_not_sought_without_reason,
    consent_is_recorded_later,
    consent_is_not_sought_with_reason,
    consent_is_refused,
    shared_on_no_basis,
    shared_on_withdrawn_consent,
    shared_on_consent_in_force,
    shared_as_public_task,
)
