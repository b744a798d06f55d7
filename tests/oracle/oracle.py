"""
The alerts that the whole stack must raise. The stack must raise no other alerts.

The oracle is slow and obvious. Each rule goes through the valid events of the whole history, and at each event the rule
is evaluated from scratch. Families that are not connected are evaluated separately; there is no other optimisation.

The oracle is written from the meaning of the rules and from the contract alone. `README.md` in this folder explains how
each ambiguous sentence of the rules is understood.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from streams.contracts import Accepted, Rejected
from tests.oracle.alert import Expected, merged
from tests.oracle.crowds import crowds
from tests.oracle.facts import valid
from tests.oracle.parts import parts
from tests.oracle.profile import DEFAULT, Profile
from tests.oracle.rules import (
    adult_returns,
    already_open,
    case_drift,
    consent_not_recorded,
    cumulative_concern,
    custody_release_due,
    encompass_notice,
    front_door_breach,
    level_4_for_access,
    marked_adult_joins_other_family,
    mash_breach,
    no_basis_to_share,
    opened_without_right,
    out_of_hours,
    rapid_escalation,
    re_referral,
    repeat_no_further_action,
    step_down_failed,
    two_agencies_one_week,
    unreadable_report,
    waiting_too_long,
)
from tests.oracle.world import World

__all__ = ["ALL", "RULES", "expected"]

Rule = Callable[[World, datetime, Profile], Iterable[Expected]]

RULES: dict[str, Rule] = {
    "adult_returns": adult_returns.expected,
    "already_open": already_open.expected,
    "case_drift": case_drift.expected,
    "consent_not_recorded": consent_not_recorded.expected,
    "cumulative_concern": cumulative_concern.expected,
    "custody_release_due": custody_release_due.expected,
    "encompass_notice": encompass_notice.expected,
    "front_door_breach": front_door_breach.expected,
    "level_4_for_access": level_4_for_access.expected,
    "marked_adult_joins_other_family": marked_adult_joins_other_family.expected,
    "mash_breach": mash_breach.expected,
    "no_basis_to_share": no_basis_to_share.expected,
    "opened_without_right": opened_without_right.expected,
    "out_of_hours": out_of_hours.expected,
    "rapid_escalation": rapid_escalation.expected,
    "re_referral": re_referral.expected,
    "repeat_no_further_action": repeat_no_further_action.expected,
    "step_down_failed": step_down_failed.expected,
    "two_agencies_one_week": two_agencies_one_week.expected,
    "waiting_too_long": waiting_too_long.expected,
}
"""Rules that read valid events. `unreadable_report` is not here, because it reads rejected records."""

ALL = frozenset({*RULES, "unreadable_report"})
"""Every rule."""


def expected(
    events: Iterable[Accepted],
    rejected: Iterable[Rejected],
    as_of: datetime,
    profile: Profile = DEFAULT,
    rules: Iterable[str] = ALL,
) -> list[Expected]:
    """
    Every alert that exists at a snapshot, including cleared alerts.

    `events` and `rejected` are all records up to the snapshot, in any order. `as_of` (timezone-aware) decides which
    deadlines have passed.
    """
    events, chosen = list(events), set(rules)
    shared = crowds(events, profile)
    worlds = [World(part, shared) for part in parts(valid(events))]
    found = [
        alert for name in chosen & RULES.keys() for world in worlds for alert in RULES[name](world, as_of, profile)
    ]
    if "unreadable_report" in chosen:
        found += unreadable_report.expected(events, rejected)
    return merged(found)
