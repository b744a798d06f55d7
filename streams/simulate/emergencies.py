"""
Let desks open families of other areas in an emergency. This is done after all other events are made.

The openings have their own random numbers and are sent by a plan of their own. So all other events of a seed are the
same with and without this step. How many there are is invented.
"""

from collections.abc import Sequence

from streams.contracts.codesets import EmergencyReason
from streams.contracts.escalation import OpenedInEmergency
from streams.simulate.borough import Borough
from streams.simulate.population import Family

__all__ = ["open_in_emergencies"]

_A_YEAR = 24
"""How many families are opened in a year."""
_REASONS = {
    EmergencyReason.IMMEDIATE_DANGER: 4,
    EmergencyReason.COVERING_DESK: 5,
    EmergencyReason.FAMILY_MOVED: 2,
    EmergencyReason.ASKED_BY_MANAGER: 1,
}
"""Each reason with its weight."""


def open_in_emergencies(aside: Borough, families: Sequence[Family]) -> None:
    """
    Open some of the families, at any hour of the borough's time.

    Args:
        aside: a borough for these events alone, so that no other event draws from its random numbers.
        families: the families of the authority. A family is opened only after it has been recorded.
    """
    rng, length = aside.rng, aside.end - aside.start
    for _ in range(round(_A_YEAR * length.days / 365)):
        at = aside.start + length * rng.random()
        known = [one for one in families if one.known_from is not None and one.known_from < at]
        if known:
            reason = rng.choices(tuple(_REASONS), tuple(_REASONS.values()))[0]
            family_id, worker_id = rng.choice(known).id, aside.worker()
            aside.record(at, OpenedInEmergency(family_id=family_id, worker_id=worker_id, emergency_reason=reason))
