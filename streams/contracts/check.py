"""
A strict check for builders of forms: the contract, and further rules for what a form must send.

The system accepts a referral even if the answer about consent is missing, or a field that no rule needs has a wrong
code, because the referral is about a child. A form must not send such a referral.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from streams.contracts import Accepted, Rejected, admit, event_types
from streams.contracts.codesets import Consent, ConsentReason, WithdrawalReason
from streams.contracts.decode import key_of
from streams.contracts.envelope import Correction, Envelope
from streams.contracts.referral import ReferralSubmitted
from streams.names import INPUT_TOPICS

__all__ = ["Finding", "Verdict", "check", "events_of"]

_STANDARD = {"data_base64", "dataschema", "subject"}
"""Standard attributes of CloudEvents that the contract does not use."""


@dataclass(frozen=True)
class Finding:
    """An error or a warning about an event: where in the event it is, and what is allowed there."""

    level: Literal["error", "warning"]
    reason: str
    path: str
    allowed: str


@dataclass(frozen=True)
class Verdict:
    """The record that a form would send to the broker, with the errors and warnings about it."""

    type: str | None
    topic: str | None
    key: str | None
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_accepted(self) -> bool:
        """Whether a form may send the record. Warnings do not prevent this."""
        return not any(finding.level == "error" for finding in self.findings)


@dataclass(frozen=True)
class _Candidate:
    """The record that would be sent for an event."""

    topic: str
    value: bytes
    key: bytes | None = None
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def events_of(content: bytes) -> Iterator[bytes]:
    """
    Split a file into its events: one JSON object, an array of JSON objects, or one JSON object on each line.

    Text that is not JSON is returned unchanged, so that the check refuses it.
    """
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        lines = [line for line in content.splitlines() if line.strip()]
        yield from lines if _is_json(lines[:1]) else [content]
        return
    if isinstance(parsed, list):
        yield from (json.dumps(event).encode() for event in parsed)
    else:
        yield content


def _is_json(lines: list[bytes]) -> bool:
    try:
        return bool(lines) and isinstance(json.loads(lines[0]), dict)
    except (ValueError, RecursionError):
        return False


def check(value: bytes, max_bytes: int) -> Verdict:
    """Check one event, given as JSON text, by the rules for forms. `max_bytes` is the setting `max_record_bytes`."""
    type_ = _type(value)
    topic = _topic(type_)
    if topic is None:
        # Errors in the envelope are the same on every topic, so the contract of any topic finds them. If it finds none,
        # the event type is wrong.
        refused = admit(_Candidate(INPUT_TOPICS[0], value), max_bytes)
        return Verdict(type_, None, None, [_unknown(refused)])
    key = key_of(topic, value)
    outcome = admit(_Candidate(topic, value, key.encode() if key else None), max_bytes)
    if isinstance(outcome, Rejected):
        return Verdict(type_, topic, None, [_finding(outcome)])
    findings = [*_left_out(outcome), *_said_twice(value), *_consent(outcome), *_misplaced(outcome)]
    findings += _unknown_fields(outcome)
    return Verdict(type_, topic, outcome.key, findings)


def _type(value: bytes) -> str | None:
    try:
        found = json.loads(value).get("type")
    except (ValueError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, str) and found.isprintable() else None


def _topic(type_: str | None) -> str | None:
    for topic in INPUT_TOPICS:
        prefix = f"uk.{topic.removesuffix('.v1')}"
        if type_ in {*event_types(topic), f"{prefix}.corrected.v1", f"{prefix}.withdrawn.v1"}:
            return topic
    return None


def _finding(refused: Rejected) -> Finding:
    return Finding("error", refused.reason.value, refused.path or "$", refused.allowed or "what the contract says")


def _unknown(refused: Accepted | Rejected) -> Finding:
    if isinstance(refused, Rejected) and refused.reason != "unknown_type":
        return _finding(refused)
    return Finding("error", "unknown_type", "$.type", ", ".join(sorted(event_types())))


def _left_out(event: Accepted) -> Iterator[Finding]:
    """Find wrong values that the system would leave out in order to accept the event."""
    for dropped in event.dropped:
        yield Finding("error", dropped.reason.value, dropped.path, dropped.allowed)


def _said_twice(value: bytes) -> Iterator[Finding]:
    """Find member names that occur twice in a JSON object. JSON readers disagree on which of the two counts."""
    found: set[str] = set()

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        found.update(name for name in names if names.count(name) > 1)
        return dict(pairs)

    json.loads(value, object_pairs_hook=members)
    if found:
        yield Finding("error", "duplicate_member", "$", "each member once in an object")


def _consent(event: Accepted) -> Iterator[Finding]:
    """Find a missing answer to the consent question, or a missing reason why consent was not sought."""
    if not isinstance(event.fact, ReferralSubmitted):
        return
    answer = event.fact.consent
    path = "$.data.replacement" if event.change == "corrected" else "$.data"
    if answer == Consent.NOT_RECORDED:
        answers = ", ".join(code.value for code in Consent if code != Consent.NOT_RECORDED)
        yield Finding("error", "consent_unanswered", f"{path}.consent", answers)
    if answer == Consent.NOT_SOUGHT and event.fact.consent_reason is None:
        reasons = ", ".join(code.value for code in ConsentReason)
        yield Finding("error", "consent_unexplained", f"{path}.consent_reason", reasons)


def _misplaced(event: Accepted) -> Iterator[Finding]:
    """
    Find a correction whose reason is that the original event named the wrong family.

    A correction has the Kafka key of the family that it names, so it cannot remove the event from the wrong family.
    """
    amendment = event.amendment
    if isinstance(amendment, Correction) and amendment.withdrawal_reason == WithdrawalReason.WRONG_FAMILY:
        reasons = ", ".join(code.value for code in WithdrawalReason if code != WithdrawalReason.WRONG_FAMILY)
        yield Finding(
            "error",
            "corrected_wrong_family",
            "$.data.withdrawal_reason",
            f"{reasons}; if an event names the wrong family, withdraw it (wrong_family) and send it for the right "
            "family under a new id",
        )


def _unknown_fields(event: Accepted) -> Iterator[Finding]:
    """Find fields that the contract does not name. Most of them are misspelt. They are kept, but nothing reads them."""
    yield from _extra(json.loads(event.value), Envelope, "$")
    data = json.loads(bytes(event.envelope.data))
    if event.amendment is not None:
        yield from _extra(data, type(event.amendment), "$.data")
    if event.fact is not None:
        is_correction = event.change == "corrected"
        yield from _extra(
            data["replacement"] if is_correction else data,
            type(event.fact),
            "$.data.replacement" if is_correction else "$.data",
        )


def _extra(members: dict[str, Any], struct: type[msgspec.Struct], path: str) -> Iterator[Finding]:
    for name in sorted(members.keys() - set(struct.__struct_fields__) - _STANDARD):
        known = ", ".join(sorted(struct.__struct_fields__))
        yield Finding("warning", "unknown_field", f"{path}.{name}", known)
