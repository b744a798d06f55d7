"""Names that several parts must spell in the same way: topics, catalogs, consumer groups, kinds of partners."""

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
"""Contacts, referrals, decisions, feedback and information sharing."""

CASE_CHANGE: Final = "caf.case-change.v1"
"""Every change about a family, its people and the services that work with it."""

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
"""The consumer group whose offsets on the broker show how far the topics have landed, and so the lag."""

SHARE_GROUP: Final = "caf-share"
"""The consumer group whose offsets on the broker show for which alerts partners have received their notices."""

PARTNERS: Final = ("early_help", "health", "housing", "police", "school")
"""Kinds of partners that may receive notices about alerts, if the sharing policy permits it."""

PARTNER_TOPICS: Final = {kind: f"caf.escalation.alerts.{kind.replace('_', '-')}.v1" for kind in PARTNERS}
"""The topic of notices for each kind of partner. The topics are separate so that access can be granted by topic."""

SHARING_DECISION: Final = "caf.sharing-decision.v1"
"""Decisions to share or not to share information with a partner, with the reasons."""

DEAD_LETTER: Final = "caf.dead-letter.v1"
"""Records that no contract accepts, with the reason and the original bytes."""

NOTIFY_DEAD_LETTER: Final = "caf.notify.dead-letter.v1"
"""Alerts that a subscriber did not accept. The topic does not land, because each alert has landed already."""

HEARTBEAT: Final = "caf.heartbeat.v1"
"""The watcher's sign of life, with the watermark (offsets and `as_of`) up to which it has evaluated everything."""

INPUT_TOPICS: Final = (REFERRAL, CASE_CHANGE, ESCALATION)
"""The topics that partners write. All have the same number of partitions."""

SAFEGUARDING_TOPICS: Final = (REFERRAL, ESCALATION)
"""Input topics on which an unreadable record may be about a child, and so raises an alert."""

LANDED_TOPICS: Final = (*INPUT_TOPICS, ALERTS, FEEDBACK, SHARING_DECISION, DEAD_LETTER, HEARTBEAT)
"""Topics on which every offset gets exactly one row in the lake."""

CATALOG_LANDING: Final = "landing"
"""The lake catalog that only `land` writes."""

CATALOG_MARTS: Final = "marts"
"""The lake catalog that only `build` writes."""

TIME_ZONE: Final = "Europe/London"
"""The time zone in which dates, months and hours are counted. All times are stored in UTC."""
