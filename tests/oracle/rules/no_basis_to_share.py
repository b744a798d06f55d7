"""`no_basis_to_share`: information about a family was shared without a lawful basis."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.case_work import ConsentGiven, ConsentRefused, ConsentWithdrawn
from streams.contracts.codesets import ConsentScope, SharingBasis
from streams.contracts.referral import InformationShared
from tests.oracle.alert import Expected
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when information is shared without a basis, or on a consent to share that is not in force.

    Evidence: the sharing event. If consent was the basis, the family's latest answer on sharing is also evidence.
    """
    for sharing in world.of(InformationShared):
        said = _said(world.before(sharing), sharing) if sharing.data.sharing_basis == SharingBasis.CONSENT else []
        if sharing.data.sharing_basis not in {SharingBasis.NONE, SharingBasis.CONSENT}:
            continue
        if any(isinstance(fact.data, ConsentGiven) for fact in said):
            continue
        yield Expected(
            rule="no_basis_to_share",
            entity_kind="family",
            entity_id=sharing.data.family_id,
            anchor=sharing.root,
            anchored_at=sharing.at,
            severity="amber",
            evidence=frozenset({sharing.root, *(fact.root for fact in said)}),
        )


def _said(before: World, sharing: Fact) -> list[Fact]:
    """The family's latest answer on sharing, or None if the family has never answered."""
    kinds = (ConsentGiven, ConsentRefused, ConsentWithdrawn)
    family, scope = sharing.data.family_id, ConsentScope.SHARE_INFORMATION
    return before.of(*kinds, family_id=family, consent_scope=scope)[-1:]
