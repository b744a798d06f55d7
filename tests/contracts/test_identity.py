"""One name, one content, by topic-partition."""

import json

import pytest

from streams import names
from streams.contracts import Accepted, Reason, Rejected, decode
from streams.contracts.identity import Identities


class Message:
    """A Kafka record on the referral topic."""

    topic, key, headers, timestamp = names.REFERRAL, b"F-1", (), 1_772_442_900_000

    def __init__(self, offset: int, event: dict, partition: int = 0, indent: int | None = None) -> None:
        self.offset, self.partition, self.value = offset, partition, json.dumps(event, indent=indent).encode()


def contact(contact_id: str = "C-1", event_id: str = "e-1") -> dict:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/wirral/front-door",
        "type": "uk.caf.referral.contact-recorded.v1",
        "time": "2026-03-02T09:15:00Z",
        "authority": "E08000015",
        "data": {"contact_id": contact_id, "family_id": "F-1", "source_code": "6"},
    }


def judge(*messages: Message) -> list[Accepted | Rejected]:
    values = {(m.topic, m.partition, m.offset): m.value for m in messages}
    identities = Identities(lambda *place: values[place])
    return [identities.judge(decode(message)) for message in messages]


@pytest.mark.parametrize("indent", [None, 2], ids=["same bytes", "written anew"])
def test_copy_is_accepted(indent: int | None) -> None:
    assert all(isinstance(r, Accepted) for r in judge(Message(0, contact()), Message(1, contact(), indent=indent)))


def test_other_content_is_rejected_and_the_earlier_stands() -> None:
    """The third record repeats the first, which is still the one that counts."""
    first, second, third = judge(Message(0, contact()), Message(1, contact("C-2")), Message(2, contact()))

    assert isinstance(second, Rejected)
    assert (second.reason, second.offset, second.key) == (Reason.SAME_ID_OTHER_CONTENT, 1, b"F-1")
    assert isinstance(first, Accepted)
    assert isinstance(third, Accepted)


def test_other_partition_is_judged_by_itself() -> None:
    """Its order against this one is not the same for every reader."""
    assert all(isinstance(r, Accepted) for r in judge(Message(0, contact()), Message(0, contact("C-2"), partition=1)))


def test_record_judged_again_is_accepted_again() -> None:
    message = Message(0, contact())

    assert all(isinstance(r, Accepted) for r in judge(message, message))


def test_number_beyond_any_range_is_other_content() -> None:
    """The contract skips members it does not know, so such a number gets as far as the comparison."""
    first, second = Message(0, contact()), Message(1, contact())
    second.value = second.value[:-1] + b', "x": 1e999999}'

    assert judge(first, second)[1].reason == Reason.SAME_ID_OTHER_CONTENT


def test_remembered_event_is_known_after_a_restart() -> None:
    before = decode(Message(0, contact()))
    identities = Identities(lambda *_: before.value)
    identities.remember(before.topic, before.partition, before.offset, before.identity, before.content_hash)

    assert isinstance(identities.judge(decode(Message(1, contact()))), Accepted)
    assert isinstance(identities.judge(decode(Message(2, contact("C-2")))), Rejected)


def test_names_with_one_hash_are_two_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collision must not turn a child's event away; every name is made to collide here."""
    monkeypatch.setattr("streams.contracts.identity.hash", lambda _: 1, raising=False)

    assert all(isinstance(r, Accepted) for r in judge(Message(0, contact()), Message(1, contact("C-2", "e-2"))))
