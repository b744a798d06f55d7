"""Names that several parts of the system must spell alike: topics, catalogs, consumer groups, kinds of partners."""

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
"""Escalations that partners report, and people's actions on alerts."""

ALERTS: Final = "caf.escalation.alerts.v1"
"""Every version of every alert."""

ALERTS_CURRENT: Final = "caf.escalation.alerts.current.v1"
"""The latest version of each open alert, compacted by `alert_id`."""

FEEDBACK: Final = "caf.referral.feedback.v1"
"""Feedback to each referrer."""

FEEDBACK_GROUP: Final = "caf-feedback"
"""The consumer group whose offsets on the broker show which referrals have been answered."""

LAND_GROUP: Final = "caf-land"
"""The consumer group whose offsets on the broker show how far the topics have landed. The lag follows from them."""

SHARE_GROUP: Final = "caf-share"
"""The consumer group whose offsets on the broker show for which alerts the partners got their notices."""

PARTNERS: Final = ("early_help", "health", "housing", "police", "school")
"""Kinds of partners that may get notices about alerts, as the sharing policy permits."""

PARTNER_TOPICS: Final = {kind: f"caf.escalation.alerts.{kind.replace('_', '-')}.v1" for kind in PARTNERS}
"""The topic of notices for each kind of partner; separate topics, so that access is granted by topic."""

SHARING_DECISION: Final = "caf.sharing-decision.v1"
"""What was shared with whom, or not, and why."""

DEAD_LETTER: Final = "caf.dead-letter.v1"
"""Records that no contract accepts, with the reason and the original bytes."""

NOTIFY_DEAD_LETTER: Final = "caf.notify.dead-letter.v1"
"""Alerts that a subscriber's receiver did not accept. They are not landed, because each alert is landed already."""

HEARTBEAT: Final = "caf.heartbeat.v1"
"""The watcher's sign of life and its watermark (offsets, `as_of`), up to which it has evaluated everything."""

INPUT_TOPICS: Final = (REFERRAL, CASE_CHANGE, ESCALATION)
"""The topics that partners write, always with equal partition counts."""

SAFEGUARDING_TOPICS: Final = (REFERRAL, ESCALATION)
"""Input topics on which an unreadable record may be about a child, and so raises an alert."""

LANDED_TOPICS: Final = (*INPUT_TOPICS, ALERTS, FEEDBACK, SHARING_DECISION, DEAD_LETTER, HEARTBEAT)
"""Topics whose every offset has exactly one row in the lake."""

CATALOG_LANDING: Final = "landing"
"""The lake catalog that only `land` writes."""

CATALOG_MARTS: Final = "marts"
"""The lake catalog that only `build` writes."""

TIME_ZONE: Final = "Europe/London"
"""The time zone for counting dates, months and hours. Everything is stored in UTC."""
