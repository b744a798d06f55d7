"""`out_of_hours`: something urgent came while the front door was closed."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.codesets import Severity
from streams.contracts.escalation import EscalationReported
from streams.contracts.referral import ReferralSubmitted
from tests.oracle.alert import Expected
from tests.oracle.clock import is_working_time
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    At every red referral and escalation that arrives outside working hours.

    Evidence: the referral or the escalation.
    """
    for urgent in world.of(ReferralSubmitted, EscalationReported, severity=Severity.RED):
        if not is_working_time(urgent.arrived_at):
            yield Expected(
                rule="out_of_hours",
                entity_kind="family",
                entity_id=urgent.data.family_id,
                anchor=urgent.root,
                anchored_at=urgent.at,
                severity="red",
                evidence=frozenset({urgent.root}),
            )
