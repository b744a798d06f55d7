"""
The default practice profile.

The profile contains every number of the rule table in `docs/rules/overview.md`, and the numbers that the table leaves
to the profile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from streams.contracts.codesets import ServiceKind

__all__ = ["DEFAULT", "Profile"]


def _waiting_days() -> dict[ServiceKind, int]:
    """The number of days within which each kind of service must begin. Without a specific number, it is 28 days."""
    others = {ServiceKind.CAMHS: 126, ServiceKind.SPEECH_AND_LANGUAGE: 126, ServiceKind.DOMESTIC_ABUSE: 14}
    return dict.fromkeys(ServiceKind, 28) | others


@dataclass(frozen=True)
class Profile:
    """Thresholds of the rules. Months are calendar months; all other durations are elapsed time."""

    escalation_levels: int = 2
    escalation_window: timedelta = timedelta(days=30)
    concerns: int = 3
    concern_agencies: int = 2
    concern_window: timedelta = timedelta(days=90)
    uninvestigated: int = 3
    uninvestigated_months: int = 12
    concerns_ever: int = 5
    high_level: int = 3
    re_referral_months: int = 12
    front_door_amber: timedelta = timedelta(hours=18)
    front_door_red: timedelta = timedelta(hours=24)
    agencies_window: timedelta = timedelta(hours=168)
    no_action_months: int = 12
    step_down_months: int = 6
    mash_amber: timedelta = timedelta(hours=54)
    mash_red: timedelta = timedelta(hours=72)
    waiting_days: Mapping[ServiceKind, int] = field(default_factory=_waiting_days)
    drift: timedelta = timedelta(days=42)
    lead_working_days: int = 5
    release_days: int = 14
    release_red_days: int = 3
    school_starts: time = time(8, 45)
    working_day_starts: time = time(9)
    working_day_ends: time = time(17)
    most_families_of_person: int = 50
    most_families_at_address: int = 100

    def waiting(self, kind: ServiceKind) -> timedelta:
        """The longest time that a family may wait for a service of this kind."""
        return timedelta(days=self.waiting_days[kind])


DEFAULT = Profile()
