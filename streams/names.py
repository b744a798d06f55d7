"""Names that more than one part of the system must spell alike: topics, lake relations, locks, rules' outputs."""

from typing import Final

__all__ = [
    "ALERTS",
    "ALERTS_CURRENT",
    "CASE_CHANGE",
    "CATALOG_LANDING",
    "CATALOG_MARTS",
    "DEAD_LETTER",
    "ESCALATION",
    "FEEDBACK",
    "FEEDBACK_GROUP",
    "HEARTBEAT",
    "INPUT_TOPICS",
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
"""Contacts, referrals, decisions, feedback, information shared."""

CASE_CHANGE: Final = "caf.case-change.v1"
"""Everything that changes about a family, its people and the services around it."""

ESCALATION: Final = "caf.escalation.v1"
"""Escalations reported by partners; what people did with alerts."""

ALERTS: Final = "caf.escalation.alerts.v1"
"""Every version of every alert."""

ALERTS_CURRENT: Final = "caf.escalation.alerts.current.v1"
"""The latest version of each open alert, compacted by `alert_id`."""

FEEDBACK: Final = "caf.referral.feedback.v1"
"""What each referrer is told."""

FEEDBACK_GROUP: Final = "caf-feedback"
"""The consumer group under which the broker keeps which referrals have been answered."""

LAND_GROUP: Final = "caf-land"
"""The consumer group under which the broker keeps how far the topics were read into the lake, which shows the lag."""

SHARE_GROUP: Final = "caf-share"
"""The consumer group under which the broker keeps which alerts have been told to partners."""

PARTNERS: Final = ("early_help", "health", "housing", "police", "school")
"""Kinds of partners that may be told of an alert, as the sharing policy permits."""

PARTNER_TOPICS: Final = {kind: f"caf.escalation.alerts.{kind.replace('_', '-')}.v1" for kind in PARTNERS}
"""What each kind of partner is told; a topic each, so that access is granted by topic."""

SHARING_DECISION: Final = "caf.sharing-decision.v1"
"""What was shared with whom, or not, and why."""

DEAD_LETTER: Final = "caf.dead-letter.v1"
"""Records that no contract accepts, with the reason and the original bytes."""

NOTIFY_DEAD_LETTER: Final = "caf.notify.dead-letter.v1"
"""Alerts that a subscriber's receiver did not take; not landed, as each alert is."""

HEARTBEAT: Final = "caf.heartbeat.v1"
"""The watcher's sign of life and the cut (offsets, `as_of`) up to which it has judged."""

INPUT_TOPICS: Final = (REFERRAL, CASE_CHANGE, ESCALATION)
"""The topics that partners write; always with equal partition counts."""

SAFEGUARDING_TOPICS: Final = (REFERRAL, ESCALATION)
"""Input topics on which an unreadable record may be a child, and so is alerted."""

LANDED_TOPICS: Final = (*INPUT_TOPICS, ALERTS, FEEDBACK, SHARING_DECISION, DEAD_LETTER, HEARTBEAT)
"""Topics of which every offset has exactly one row in the lake."""

CATALOG_LANDING: Final = "landing"
"""The lake catalog that `land` alone writes."""

CATALOG_MARTS: Final = "marts"
"""The lake catalog that `build` alone writes."""

TIME_ZONE: Final = "Europe/London"
"""The zone in which dates, months and hours are counted; everything is stored in UTC."""
