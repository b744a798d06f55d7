"""The default practice profile: every number of `domain.md`'s rule table."""

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["DEFAULT", "Profile"]


@dataclass(frozen=True)
class Profile:
    """Thresholds of the rules; months are calendar months, everything else is elapsed time."""

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


DEFAULT = Profile()
