"""Names that several parts must spell in the same way: topics, catalogs, consumer groups, kinds of partners."""

from typing import Final

__all__ = [
    "ALERTS",
    "ALERTS_CURRENT",
    "AUDIT",
    "AUDIT_CHECKPOINTS",
    "CASE_CHANGE",
    "CATALOG_LANDING",
    "CATALOG_MARTS",
    "DEAD_LETTER",
    "ESCALATION",
    "FEEDBACK",
    "FEEDBACK_GROUP",
    "HEARTBEAT",
    "INBOUND_PREFIX",
    "INPUT_TOPICS",
    "INTAKE_GROUP",
    "LANDED_TOPICS",
    "LAND_GROUP",
    "NOTIFY_DEAD_LETTER",
    "PARTNERS",
    "PARTNER_TOPICS",
    "REFERRAL",
    "SAFEGUARDING_TOPICS",
    "SHARE_GROUP",
    "SHARING_DECISION",
    "TIME_ZONE",
]

REFERRAL: Final = "caf.referral.v1"
"""The topic of contacts, referrals, decisions, feedback and information sharing."""

CASE_CHANGE: Final = "caf.case-change.v1"
"""The topic of changes to families, to their people and to the services that work with them."""

ESCALATION: Final = "caf.escalation.v1"
"""The topic of escalations that partners report, and of people's actions on alerts."""

ALERTS: Final = "caf.escalation.alerts.v1"
"""The topic of all versions of all alerts."""

ALERTS_CURRENT: Final = "caf.escalation.alerts.current.v1"
"""The topic of current alerts: the latest version of each alert. The topic is compacted by `alert_id`."""

FEEDBACK: Final = "caf.referral.feedback.v1"
"""The topic of feedback to referrers."""

FEEDBACK_GROUP: Final = "caf-feedback"
"""The consumer group whose offsets on the broker show which referrals have been answered."""

INBOUND_PREFIX: Final = "caf.inbound."
"""The beginning of the name of each topic to which a partner writes."""

INTAKE_GROUP: Final = "caf-intake"
"""The consumer group whose offsets on the broker show which records of partners have been passed on."""

LAND_GROUP: Final = "caf-land"
"""The consumer group whose offsets on the broker show how far the topics have landed."""

SHARE_GROUP: Final = "caf-share"
"""The consumer group whose offsets on the broker show which alerts partners have been told about."""

PARTNERS: Final = ("early_help", "health", "housing", "police", "school")
"""Kinds of partners that may receive notices about alerts, if the sharing policy permits it."""

PARTNER_TOPICS: Final = {kind: f"caf.escalation.alerts.{kind.replace('_', '-')}.v1" for kind in PARTNERS}
"""
The topic of notices for each kind of partner. Each kind has its own topic, so that access can be granted by topic.
"""

SHARING_DECISION: Final = "caf.sharing-decision.v1"
"""The topic of decisions on sharing information with a partner, each with its reasons."""

DEAD_LETTER: Final = "caf.dead-letter.v1"
"""The topic of records that no contract accepts, with the reason and the original bytes."""

NOTIFY_DEAD_LETTER: Final = "caf.notify.dead-letter.v1"
"""
The topic of alerts that a subscriber did not accept.

Its records do not land, because the alerts have landed already.
"""

HEARTBEAT: Final = "caf.heartbeat.v1"
"""The topic of the watcher's heartbeats. A heartbeat carries the watermark (offsets and `as_of`)."""

AUDIT: Final = "caf.audit.v1"
"""The topic of audit entries: who saw or did what. It has one partition, so that the entries have one order."""

AUDIT_CHECKPOINTS: Final = "caf.audit.checkpoints.v1"
"""
The topic of the audit's checkpoints.

Its records do not land, because they prove what has landed.
"""

INPUT_TOPICS: Final = (REFERRAL, CASE_CHANGE, ESCALATION)
"""
The topics whose events are evaluated and landed. All have the same number of partitions.

Only the project's own parts and people with the right of `engineer` write to them. Partners on Kafka write to inbound
topics.
"""

SAFEGUARDING_TOPICS: Final = (REFERRAL, ESCALATION)
"""Input topics on which an unreadable record raises an alert, because it may be about a child."""

LANDED_TOPICS: Final = (*INPUT_TOPICS, ALERTS, FEEDBACK, SHARING_DECISION, DEAD_LETTER, HEARTBEAT, AUDIT)
"""The topics that land. Every offset of these topics has exactly one row in the lake."""

CATALOG_LANDING: Final = "landing"
"""The lake catalog that only `land` writes to."""

CATALOG_MARTS: Final = "marts"
"""The lake catalog that only `build` writes to."""

TIME_ZONE: Final = "Europe/London"
"""The time zone in which dates, months and hours are counted. All times are stored in UTC."""
