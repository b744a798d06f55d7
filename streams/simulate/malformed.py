"""
Make malformed records, which the contract rejects. Each reason for which a single record can be rejected is used in
turn.
"""

from datetime import datetime, timedelta
from random import Random

import msgspec

from streams.contracts.case_work import LevelChanged
from streams.contracts.checks import MAX_NESTING, Reason
from streams.contracts.escalation import EscalationReported
from streams.contracts.referral import ContactRecorded
from streams.names import SAFEGUARDING_TOPICS
from streams.simulate.facts import Fact, Ids, Record, encode
from streams.simulate.noise import Sending
from streams.simulate.truth import Claim

__all__ = ["REASONS", "SPOILT", "malformed", "spoil"]

SPOILT = (ContactRecorded, EscalationReported, LevelChanged)
"""Event types to make malformed copies of, one for each topic."""

_NOT_MADE = {Reason.BATCH, Reason.SAME_ID_OTHER_CONTENT, Reason.UNREADABLE_BATCH, Reason.DELETED_UNREAD}
_NOT_MADE |= {Reason.FORGED_SOURCE}
REASONS = tuple(reason for reason in Reason if reason not in _NOT_MADE)
"""The reasons for which a single record can be rejected."""


def malformed(
    sendings: list[Sending], share: float, ids: Ids, rng: Random, *, backfill: bool
) -> tuple[list[Record], list[Claim]]:
    """
    Make malformed copies of some events, and return them with their claims. Each copy is sent an hour after its
    original.
    """
    models = [[sending for sending in sendings if isinstance(sending.fact.data, kind)] for kind in SPOILT]
    records, claims = [], []
    for number in range(round(len(sendings) * share)):
        candidates = models[number % len(models)]
        if not candidates:
            continue
        model = rng.choice(candidates)
        reason = REASONS[(number // len(models)) % len(REASONS)]
        record, claim = spoil(model.fact, reason, ids, at=model.at + timedelta(hours=1), backfill=backfill)
        records.append(record)
        claims.append(claim)
    return records, claims


def spoil(fact: Fact, reason: Reason, ids: Ids, *, at: datetime, backfill: bool) -> tuple[Record, Claim]:
    """
    Copy an event and spoil the copy, so that it is rejected for this reason. The copy has its own id and is sent at
    `at`.
    """
    story_id = f"unreadable_{reason.value}-{ids.new('story')}"
    record = encode(fact._replace(id=ids.new("e"), at=fact.at + timedelta(seconds=1)), backfill=backfill)
    key = b"F-of-nobody" if reason is Reason.KEY_MISMATCH else record.key
    spoilt = Record(record.topic, key, _spoil(record.value, reason), at, story_id)
    claim = Claim(
        story_id=story_id,
        rule="unreadable_report",
        expected=record.topic in SAFEGUARDING_TOPICS,
        entity_kind="record",
        entity_id=None,
        family_id=None,
        anchor_source=None,
        anchor_id=None,
        anchored_at=None,
        why=f"A record of {record.topic} is rejected: {reason.value}.",
        is_live=not backfill,
    )
    return spoilt, claim


def _spoil(value: bytes, reason: Reason) -> bytes:
    event = msgspec.json.decode(value)
    match reason:
        case Reason.NOT_JSON:
            return value[:-9]
        case Reason.ENVELOPE:
            del event["source"]
        case Reason.UNKNOWN_TYPE:
            event["type"] = event["type"].replace(".v1", "-by-fax.v1")
        case Reason.SCHEMA:
            event["data"]["family_id"] = 17
        case Reason.CODE_SET:
            event["specversion"] = "no such version"
        case Reason.TOO_LARGE:
            event["data"]["attachment"] = _nested(MAX_NESTING)
    return msgspec.json.encode(event)


def _nested(levels: int) -> list[object]:
    """
    Make a list that is nested so deeply that every installation rejects it. A long list might be accepted, because a
    setting can raise the limit on length.
    """
    inner: list[object] = []
    for _ in range(levels - 1):
        inner = [inner]
    return inner
