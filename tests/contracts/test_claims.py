"""What a record claims about its sender is what the contract reads, in every form in which an event may be sent."""

import json
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import names
from streams.contracts import Accepted, decode, event_types
from streams.contracts.claims import claims, topic_of
from tests.contracts.test_decode_any_bytes import Message, contact, judged

ATTRIBUTES = ("specversion", "id", "source", "type", "time", "authority")
BATCH = (("content-type", b"application/cloudevents-batch+json"),)
SOURCES = st.sampled_from(["/police", "/Police", " /police", "/police ", "/p\u043elice", "", "x" * 129]) | st.text(
    max_size=9
)


def binary(event: dict, **more: str) -> tuple[bytes, list[tuple[str, bytes]]]:
    headers = [(f"ce_{name}", str(event[name]).encode()) for name in ATTRIBUTES]
    headers += [(name, value.encode()) for name, value in more.items()]
    return json.dumps(event["data"]).encode(), [*headers, ("content-type", b"application/json")]


def withdrawal(root_source: str) -> dict:
    data = {"root_source": root_source, "root_id": "e-0", "withdrawal_reason": "recorded_in_error", "family_id": "F-1"}
    return contact(type="uk.caf.referral.withdrawn.v1") | {"data": data}


@settings(deadline=None)
@given(source=SOURCES, half=st.sampled_from(["", "\\ud800", "\\udc00x"]), mark=st.sampled_from([b"", b"\xef\xbb\xbf"]))
@pytest.mark.parametrize("form", ["structured", "twice", "escaped", "binary", "encoded"])
def test_source_that_is_accepted_is_a_claim(form: str, source: str, half: str, mark: bytes) -> None:
    event, headers = contact(source=source), []
    value = json.dumps(event).encode()
    if form == "twice":
        value = b'{"source":"/first",' + value[1:]
    elif form == "escaped":
        value = value.replace(b'"source"', b'"s\\u006furce"')
    elif form == "binary":
        value, headers = binary(event)
    elif form == "encoded":
        value = json.dumps(
            event | {"data": None, "data_base64": b64encode(json.dumps(event["data"]).encode()).decode()}
        )
        value = value.encode()
    value = mark + value.replace(b'/police"', f'/police{half}"'.encode())
    found = Message(value, headers=headers)

    accepted = decode(found)
    if isinstance(accepted, Accepted):
        assert {claimed for _, claimed in claims(value, headers).sources} == {accepted.envelope.source}


def test_every_event_of_a_batch_makes_its_claims() -> None:
    value = json.dumps([contact(source="/a"), 7, {"no": "source"}, withdrawal("/b")]).encode()

    assert claims(value, BATCH).sources == [
        ("$.source", "/a"),
        ("$.source", "/wirral/front-door"),
        ("$.data.root_source", "/b"),
    ]


def test_event_that_changes_another_one_claims_its_source() -> None:
    event = withdrawal("/social-care")

    assert isinstance(judged(event), Accepted)
    assert ("$.data.root_source", "/social-care") in claims(json.dumps(event).encode(), ()).sources
    assert ("$.data.root_source", "/social-care") in claims(*binary(event)).sources


def test_record_that_is_wrong_in_another_way_still_makes_its_claim() -> None:
    event = contact(time="yesterday", type="uk.caf.referral.invented.v1", specversion=None)

    assert claims(json.dumps(event).encode(), ()).sources == [("$.source", "/wirral/front-door")]


def test_both_a_header_and_the_value_count() -> None:
    value, headers = (
        json.dumps(contact(source="/a")).encode(),
        [("CE_Source", b"/b"), ("content-type", b"application/cloudevents+json")],
    )

    assert {source for _, source in claims(value, headers).sources} == {"/a", "/b"}


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b"[" * 100_000, b"\xff\xfe{}", b'{"source": 7}', b'{"source": null}', b"7"]
)
def test_what_cannot_be_read_claims_nothing(value: bytes | None) -> None:
    assert claims(value, ()) == ([], [])


@pytest.mark.parametrize("topic", names.INPUT_TOPICS)
def test_each_type_has_its_topic(topic: str) -> None:
    stem = f"uk.{topic.removesuffix('.v1')}"

    assert {topic_of(type_) for type_ in (*event_types(topic), f"{stem}.corrected.v1", f"{stem}.invented.v9")} == {
        topic
    }
    assert topic_of("uk.caf.referrals.invented.v1") is None
