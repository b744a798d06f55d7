"""What a partner may say: nothing under another source, nothing that only the system's own parts say."""

import json

import pytest

from streams import names
from streams.contracts import Reason
from streams.contracts.record import Unreadable
from streams.intake.verdict import Verdict
from streams.intake.verdict import verdict as decide
from streams.kafka.partners import Partner
from streams.kafka.records import Readable, ReadRecord

POLICE = Partner("north-police", ("/north/police", "/north/custody"), "")


def verdict(found: Readable, partner: Partner) -> Verdict:
    return decide(found, partner, 100_000)


def record(event: object, headers: tuple = ()) -> ReadRecord:
    value = event if isinstance(event, bytes) else json.dumps(event).encode()
    return ReadRecord(POLICE.topic, 0, 0, 0, b"F-1", value, headers)


def event(type_: str = "uk.caf.referral.contact-recorded.v1", source: str = "/north/police", **data: object) -> dict:
    return {"specversion": "1.0", "id": "1", "source": source, "type": type_, "data": data}


@pytest.mark.parametrize(
    ("type_", "topic"),
    [
        ("uk.caf.referral.contact-recorded.v1", names.REFERRAL),
        ("uk.caf.case-change.invented.v1", names.CASE_CHANGE),
        ("uk.caf.escalation.corrected.v1", names.ESCALATION),
        ("com.example.unknown", names.ESCALATION),
    ],
)
@pytest.mark.parametrize("source", POLICE.sources)
def test_own_event_goes_to_the_topic_of_its_type(type_: str, topic: str, source: str) -> None:
    assert verdict(record(event(type_, source)), POLICE) == (topic, None)


@pytest.mark.parametrize("value", [b"", b"no JSON", b"{}", b'{"source": 7}', b"[]"])
def test_record_without_a_source_is_left_to_the_contract(value: bytes) -> None:
    assert verdict(record(value), POLICE) == (names.ESCALATION, None)


@pytest.mark.parametrize(
    "source",
    [
        *("/south/school", "", "/North/police", " /north/police", "/north/police ", "/north/police/"),
        *("/north/pol\u0456ce", "/north/police\u200b", "/north/police\0", "/n\u00f6rth/police"),
        *("/caf/watch", "/north/police,/south/school"),
    ],
)
def test_every_other_source_is_forged(source: str) -> None:
    found = verdict(record(event(source=source)), POLICE)

    assert (found.topic, found.refusal.reason, found.refusal.path) == (names.REFERRAL, Reason.FORGED_SOURCE, "$.source")
    assert found.refusal.allowed == "a source of north-police: /north/police, /north/custody"


@pytest.mark.parametrize("change", ["corrected", "withdrawn"])
def test_partner_cannot_change_an_event_of_somebody_else(change: str) -> None:
    type_ = f"uk.caf.referral.{change}.v1"

    assert verdict(record(event(type_, root_source="/north/custody")), POLICE).refusal is None
    assert verdict(record(event(type_, root_source="/south/school")), POLICE).refusal.path == "$.data.root_source"


@pytest.mark.parametrize("fact", ["alert-acknowledged", "alert-closed", "opened-in-emergency"])
def test_partner_cannot_say_what_only_a_desk_does(fact: str) -> None:
    """A partner could hide an alert, or accuse a worker of opening a family."""
    action = f"uk.caf.escalation.{fact}.v1"
    as_correction = event("uk.caf.escalation.corrected.v1", root_source="/north/police", replaced_type=action)

    for one in (event(action), as_correction):
        assert verdict(record(one), POLICE).refusal.path == "$.type"


@pytest.mark.parametrize("header", ["caf-replay-of", "caf-part-of", "caf-inbound", "CAF-Replay-Of"])
def test_partner_cannot_use_a_header_of_the_system(header: str) -> None:
    found = verdict(record(event(), ((header, b"caf.referral.v1/0/1"),)), POLICE)

    assert found.refusal.reason is Reason.FORGED_SOURCE


def test_one_forged_event_refuses_its_batch() -> None:
    batch = [event(), event(source="/south/school")]

    assert verdict(record(batch), POLICE).refusal.reason is Reason.FORGED_SOURCE


def test_unreadable_record_is_kept_with_its_reason() -> None:
    lost = Unreadable(POLICE.topic, 0, 3, 0, b"raw", "a batch whose CRC is right")
    found = verdict(lost, POLICE)

    assert (found.topic, found.refusal.reason, found.refusal.allowed) == (names.ESCALATION, lost.reason, lost.lacks)


@pytest.mark.parametrize("value", [b"[" + b"{}," * 40_000 + b"{}]", json.dumps(event()).encode() + b" " * 100_000])
def test_record_that_is_much_too_long_is_refused_unread(value: bytes) -> None:
    found = verdict(record(value), POLICE)

    assert (found.topic, found.refusal.reason, found.refusal.allowed) == (
        names.ESCALATION,
        Reason.TOO_LARGE,
        "at most 100000 bytes",
    )
