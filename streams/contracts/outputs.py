"""Events that the system itself writes: alerts, notices to partners and referrers, dead letters, heartbeats."""

from typing import Annotated

import msgspec
from msgspec import Meta

from streams.contracts import codesets as c
from streams.contracts import fields as f

__all__ = [
    "ALERT_TYPE",
    "DEAD_LETTER_TYPE",
    "FEEDBACK_TYPE",
    "HEARTBEAT_TYPE",
    "PARTNER_NOTICE_TYPE",
    "SHARING_DECISION_TYPE",
    "Alert",
    "DeadLetter",
    "Evidence",
    "Feedback",
    "Heartbeat",
    "PartnerNotice",
    "Recipient",
    "SharingDecision",
]

ALERT_TYPE = "uk.caf.escalation.alert.v1"
FEEDBACK_TYPE = "uk.caf.feedback.v1"
PARTNER_NOTICE_TYPE = "uk.caf.partner-notice.v1"
SHARING_DECISION_TYPE = "uk.caf.sharing-decision.v1"
DEAD_LETTER_TYPE = "uk.caf.dead-letter.v1"
HEARTBEAT_TYPE = "uk.caf.heartbeat.v1"


def _described(description: str, *examples: object) -> Meta:
    return Meta(description=description, examples=list(examples))


_Offset = Annotated[int, Meta(ge=0)]


class Evidence(msgspec.Struct, frozen=True, order=True):
    """One event that an alert is based on: when it happened, what it is, and where to find it."""

    time: f.Moment
    source: f.EventSource
    id: f.EventId
    type: f.EventType


class Recipient(msgspec.Struct, frozen=True, order=True):
    """One desk or person that an alert is for."""

    role: c.RecipientRole
    id: Annotated[str, _described("Id of the recipient: a gateway, an area, a worker or a service.", "birkenhead")]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """
    One version of an alert.

    An alert holds only ids and facts: no name, date of birth, address or free text. `(alert_id, version)` is unique. A
    subscriber drops repeats.
    """

    alert_id: f.AlertId
    version: Annotated[int, _described("Number of this version of the alert, from 1.", 1)]
    rule: Annotated[str, _described("Stable name of the rule.", "adult_returns")]
    rule_version: Annotated[int, _described("Version of the rule.", 1)]
    profile_version: Annotated[str, _described("Version of the authority's practice profile.", "2026-1")]
    severity: c.Severity
    status: c.AlertStatus
    status_reason: Annotated[
        str | None,
        _described(
            "Why this version differs from the one before: `new_evidence`, `deadline_passed`, `event_withdrawn`, …",
            "new_evidence",
        ),
    ] = None
    entity_kind: Annotated[str, _described("What the alert is about: a family, a referral, a record, …", "family")]
    entity_id: Annotated[str, _described("Identifier of what the alert is about.", "F-000123")]
    family_id: f.FamilyId | None = None
    reason: Annotated[
        str,
        _described("One sentence in plain English.", "A person with a risk marker came to live with family F-000123."),
    ]
    evidence: Annotated[
        list[Evidence],
        _described(
            "The events that the alert is based on, by time.",
            [
                {
                    "time": "2026-03-02T09:15:00Z",
                    "source": "/wirral/front-door",
                    "id": "e-1001",
                    "type": "uk.caf.case-change.household-joined.v1",
                }
            ],
        ),
    ]
    anchor_source: Annotated[str, _described("Source of the event that made the rule true.", "/wirral/front-door")]
    anchor_id: Annotated[str, _described("Id, within its source, of the event that made the rule true.", "e-1001")]
    anchored_at: Annotated[f.Moment, Meta(description="When the rule became true.")]
    deadline: Annotated[f.Moment | None, _described("Time by which somebody must act.", "2026-03-03T09:15:00Z")] = None
    clears_when: Annotated[
        str, _described("What ends the alert, in plain English.", "The person has left the household.")
    ]
    occurred_at: Annotated[f.Moment, Meta(description="When the newest evidence happened.")]
    received_at: Annotated[
        f.Moment, Meta(description="When the record that caused this version arrived, or the deadline that passed.")
    ]
    raised_at: Annotated[f.Moment, Meta(description="When this version was written.")]
    backfill: Annotated[
        bool,
        _described("Whether the alert was raised from history: it is landed and shown, but sent to nobody.", False),
    ] = False
    test: Annotated[
        bool, _described("Whether the alert only tests the path to subscribers: it is about nobody.", False)
    ] = False
    supersedes: Annotated[
        f.AlertId | None,
        _described("The alert that this one replaces, because late evidence moved its anchor.", "0" * 32),
    ] = None
    case_url: Annotated[str | None, _described("Link to the case record.", "https://cases.example/F-000123")] = None
    area: Annotated[
        str | None,
        _described("Area in which the family lives; empty if that is unknown or protected.", "birkenhead"),
    ] = None
    recipients: Annotated[
        list[Recipient],
        _described("Who the alert is for.", [{"role": "duty", "id": "birkenhead"}]),
    ] = []
    routing_version: Annotated[
        str | None, _described("Version of the routes that chose the recipients.", "wirral-1")
    ] = None
    acknowledged_at: Annotated[f.Moment | None, Meta(description="When somebody acknowledged the alert.")] = None
    acknowledged_by: f.WorkerId | None = None
    closed_at: Annotated[f.Moment | None, Meta(description="When somebody closed the alert.")] = None
    closed_by: f.WorkerId | None = None
    alert_closure: c.AlertClosure | None = None


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """
    One version of the letter to a referrer about one referral.

    The referral's id is the only fact about the family in the letter, and the referrer knows this id. A letter to an
    individual does not say what was decided. `(letter_id, version)` is unique. The system that sends the letters drops
    repeats. Each referrer numbers its own referrals, so referrals of two families may have the same id.
    """

    referral_id: f.ReferralId
    letter_id: Annotated[
        str | None,
        _described("Id of the letter, the same for all its versions; older letters have none.", "5d41402abc4b2a76"),
    ] = None
    version: Annotated[int, _described("Number of this version of the letter, from 1; later ones are corrections.", 1)]
    feedback_kind: c.FeedbackKind
    source_code: c.ReferralSource
    agency_id: f.AgencyId | None = None
    decision: c.Decision | None = None
    decided_at: Annotated[f.Moment, Meta(description="When the front door decided.")]
    sentences: Annotated[
        list[str], _described("The letter in plain English.", ["Thank you. We have received your referral."])
    ]


_Partner = Annotated[str, _described("Kind of partner.", "school")]
_PolicyVersion = Annotated[str, _described("Version of the sharing policy.", "sharing-1")]


class PartnerNotice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    The notice that a kind of partner receives about one version of an alert.

    A notice holds only what the sharing policy names. It never holds a person, a worker, an address, an area, an event
    or the rule's reason. `(alert_id, version)` is unique on a partner's topic. A subscriber drops repeats.
    """

    alert_id: f.AlertId
    version: Annotated[int, _described("Version of the alert.", 1)]
    status: c.AlertStatus
    partner: _Partner
    message: Annotated[
        str, _described("What the partner is asked to do, in plain English.", "Please call the front door.")
    ]
    sharing_purpose: c.SharingPurpose
    sharing_basis: c.SharingBasis
    policy_version: _PolicyVersion
    family_id: f.FamilyId | None = None
    severity: c.Severity | None = None
    anchored_at: Annotated[f.Moment | None, Meta(description="When the rule became true.")] = None
    deadline: Annotated[f.Moment | None, Meta(description="Time by which somebody must act.")] = None


class SharingDecision(msgspec.Struct, frozen=True, kw_only=True):
    """
    The sharing policy's decision on one version of an alert for one kind of partner, and its reason.

    It holds only ids.
    """

    alert_id: f.AlertId
    version: Annotated[int, _described("Version of the alert.", 1)]
    rule: Annotated[str, _described("Rule of the alert.", "waiting_too_long")]
    family_id: f.FamilyId | None = None
    partner: _Partner
    verdict: c.SharingVerdict
    verdict_reason: Annotated[
        str,
        _described(
            "`policy`, or the state of the family's consent that decided: `consent_in_force`, "
            "`consent_not_in_force`, `consent_not_known`.",
            "policy",
        ),
    ]
    sharing_purpose: c.SharingPurpose
    sharing_basis: c.SharingBasis
    policy_version: _PolicyVersion
    decided_at: Annotated[f.Moment, Meta(description="When it was decided.")]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record that no contract accepts. It holds the original bytes, so the topic is for engineers only."""

    topic: Annotated[str, _described("Topic of the rejected record.", "caf.referral.v1")]
    partition: Annotated[_Offset, _described("Partition of the rejected record.", 3)]
    offset: Annotated[_Offset, _described("Offset of the rejected record.", 1042)]
    received_at: Annotated[f.Moment, Meta(description="When the rejected record arrived.")]
    reason: Annotated[str, _described("Kind of the rejection.", "code_set")]
    path: Annotated[str | None, _described("Where the record is wrong, as a JSON path.", "$.data.severity")]
    allowed: Annotated[str | None, _described("What is allowed there.", "red, amber, green")]
    key: Annotated[bytes | None, _described("Original key, base64.", "Ri0wMDAxMjM=")]
    value: Annotated[bytes | None, _described("Original value, base64.", "e30=")]
    headers: Annotated[
        list[tuple[str, bytes]], _described("Original headers: name and value in base64.", [["traceparent", "MDA="]])
    ]
    is_whole: Annotated[
        bool,
        _described(
            "Whether key, value and headers are complete. If the record is too long for a letter, only their "
            "beginnings are here; `landing.quarantine` holds all of it, under its topic, partition and offset.",
            True,
        ),
    ] = True
    record_bytes: Annotated[int | None, _described("Length of original key, value and headers, in bytes.", 7)] = None
    value_bytes: Annotated[
        int | None, _described("Length of the original value, in bytes; empty if there was none.", 2)
    ] = None
    value_sha256: Annotated[
        str | None,
        _described(
            "SHA-256 of the original value, in hexadecimal digits; empty if there was none.",
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        ),
    ] = None


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """
    The watcher's heartbeat, which says how far it has evaluated.

    `offsets` gives the next offset of each partition, by topic. On input topics, all records before this offset have
    been evaluated. On the alerts topic, they have been written. If `is_reporting` is
    true, some unreadable records before these offsets have no alert yet.
    """

    leader: Annotated[str, _described("Name of the process that is the leader.", "watch-1")]
    as_of: Annotated[f.Moment, Meta(description="Time up to which deadlines have been evaluated.")]
    offsets: Annotated[
        dict[str, list[_Offset]],
        _described("Next offset of each partition, by topic.", {"caf.referral.v1": [12, 7]}),
    ]
    topic_ids: Annotated[
        dict[str, str],
        _described(
            "Kafka's id of each topic in `offsets`; a recreated topic has another id.",
            {"caf.referral.v1": "51268a1c-0987-48b9-b2f9-c7267315c080"},
        ),
    ] = {}
    is_reporting: Annotated[
        bool,
        _described(
            "Whether some of the records before these offsets are unreadable and have no alert yet. All other alerts "
            "about these records have been written.",
            False,
        ),
    ] = False
