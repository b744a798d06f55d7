"""`out_of_hours`: a red referral or escalation arrived while the front door was closed."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.codesets import Severity
from streams.contracts.escalation import EscalationReported
from streams.contracts.referral import ReferralSubmitted
from tests.oracle.alert import Expected
from tests.oracle.clock import is_working_time
from tests.oracle.facts import Fact
from tests.oracle.front_door import decisions
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]

_URGENT = (ReferralSubmitted, EscalationReported)


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert at every referral and escalation whose first red version arrived outside working hours.

    Evidence: the referral or the escalation.
    """
    for urgent in world.of(*_URGENT, severity=Severity.RED):
        arrived_at = _arrived_at(urgent)
        if not is_working_time(arrived_at, profile):
            yield Expected(
                rule="out_of_hours",
                entity_kind="family",
                entity_id=urgent.data.family_id,
                anchor=urgent.root,
                anchored_at=urgent.at,
                severity="red",
                status="cleared" if _is_taken_over(world, urgent, arrived_at, profile) else "open",
                evidence=frozenset({urgent.root}),
            )


def _arrived_at(urgent: Fact) -> datetime:
    """When the first red version arrived. The versions are the event as first sent and its corrections."""
    said = [each for each in urgent.versions if isinstance(each.data, _URGENT)]
    return min(each.arrived_at for each in said if each.data.severity == Severity.RED)


def _is_taken_over(world: World, urgent: Fact, arrived_at: datetime, profile: Profile) -> bool:
    """Whether the front door decided on the referral in working hours. Nobody decides on an escalation."""
    if not isinstance(urgent.data, ReferralSubmitted):
        return False
    return any(each.at >= arrived_at and is_working_time(each.at, profile) for each in decisions(world, urgent))
