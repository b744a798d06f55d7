"""The results of the rules, such as alerts and deadlines. DuckDB and PostgreSQL return them in the same form."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypedDict

from streams.rules.compiled import CompiledRules

__all__ = [
    "ALERT_ACTIONS",
    "DECIDED_REFERRALS",
    "FAMILY_DESK",
    "AlertAction",
    "AlertRow",
    "Deadline",
    "DecidedReferral",
    "Evaluation",
    "Evidence",
    "FamilyDesk",
    "columns_answered",
]


class Evidence(TypedDict):
    """An event on which an alert is based. Its time is in UTC, without a zone."""

    time: datetime
    source: str
    id: str
    type: str


class AlertRow(NamedTuple):
    """
    One row of an `alert_*` model, with its columns in order.

    Times are UTC without a zone, and the evidence is a list of dicts.
    """

    alert_id: str
    rule: str
    rule_version: int
    profile_version: str
    severity: str
    status: str
    entity_kind: str
    entity_id: str
    family_id: str | None
    reason: str
    evidence: list[Evidence]
    anchor_source: str
    anchor_id: str
    anchored_at: datetime
    deadline: datetime | None
    cleared_at: datetime | None
    occurred_at: datetime
    is_backfill: bool


class Deadline(NamedTuple):
    """A time (UTC, without a zone) at which a rule's result for a family can change, even if no new event arrives."""

    due_at: datetime
    family_id: str
    rule: str


class FamilyDesk(NamedTuple):
    """One row of `int_family_desk`: the desk and workers of a family, as far as they are known."""

    family_id: str | None
    authority_code: str
    gateway: str | None = None
    area: str | None = None
    lead_professional: str | None = None
    service_ids: Sequence[str] = ()
    is_sharing_consented: bool = False
    is_address_protected: bool = False


class DecidedReferral(NamedTuple):
    """One row of `int_decided_referrals`: a referral with the front door's decision. Times are UTC without a zone."""

    family_id: str
    referral_id: str
    source_code: str
    agency_id: str | None
    decision: str
    decided_at: datetime
    is_backfill: bool


class AlertAction(NamedTuple):
    """One row of `int_alert_actions`: the last action that somebody took on an alert. Times are UTC without a zone."""

    alert_id: str
    fact: str
    received_at: datetime
    acted_at: datetime
    worker_id: str
    alert_closure: str | None


@dataclass(frozen=True)
class Evaluation:
    """The results of the rules for the given events, and the actions that people took on alerts."""

    alerts: list[AlertRow]
    deadlines: list[Deadline]
    actions: list[AlertAction] = field(default_factory=list)
    desks: Callable[[], dict[str, FamilyDesk]] = dict
    """
    A function that returns the desk of each family.

    It can be called only until the evaluation ends.
    """


FAMILY_DESK, DECIDED_REFERRALS = "int_family_desk", "int_decided_referrals"
ALERT_ACTIONS = "int_alert_actions"
_ASKED = {
    FAMILY_DESK: FamilyDesk._fields,
    DECIDED_REFERRALS: DecidedReferral._fields,
    ALERT_ACTIONS: AlertAction._fields,
}
"""
Models that are read only when a caller asks for them, with their columns.

A project that contains nothing but rules has none of these models.
"""


def columns_answered(compiled: CompiledRules) -> dict[str, tuple[str, ...]]:
    """
    Return the models whose rows are results, each with its columns: the rules' models, and models read on demand.

    No other model reads these models.
    """
    ends = {name: rule for rule in compiled.rules.values() for name in compiled.ends(rule.name)}
    of_rules = {name: AlertRow._fields if name == rule.model else Deadline._fields[:2] for name, rule in ends.items()}
    asked = {name: fields for name, fields in _ASKED.items() if name in compiled.models}
    return of_rules | asked
