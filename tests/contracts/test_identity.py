"""
The number that identifies an event's content.

Copies have the same number, however they were written. Other content has another number.
"""

import json
from collections.abc import Callable

import pytest

from streams import names
from streams.contracts import Accepted, decode


class Message:
    """A Kafka record on the referral topic."""

    topic, key, headers, timestamp, partition, offset = names.REFERRAL, b"F-1", (), 1_772_442_900_000, 0, 0

    def __init__(self, value: bytes, headers: tuple = ()) -> None:
        self.value, self.headers = value, headers


def referral(**data: object) -> dict:
    facts = {"referral_id": "R-1", "family_id": "F-1", "source_code": "6", "severity": "red", "person_ids": ["P-1"]}
    return {
        "specversion": "1.0",
        "id": "1001",
        "source": "/partner/x",
        "type": "uk.caf.referral.referral-submitted.v1",
        "time": "2026-03-02T09:15:00Z",
        "authority": "E08000015",
        "data": facts | data,
    }


def correction(**data: object) -> dict:
    facts = {
        "root_source": "/partner/x",
        "root_id": "1000",
        "withdrawal_reason": "more_accurate",
        "replaced_type": "uk.caf.referral.referral-submitted.v1",
        "replaced_time": "2026-03-01T08:00:00Z",
        "replacement": referral()["data"],
    }
    return referral() | {"type": "uk.caf.referral.corrected.v1", "data": facts | data}


def said(event: dict, write: Callable[[dict], bytes] = lambda event: json.dumps(event).encode()) -> int:
    accepted = decode(Message(write(event)))
    assert isinstance(accepted, Accepted), accepted
    return accepted.content_id


def _shuffled(event: dict) -> dict:
    return {name: _shuffled(value) if isinstance(value, dict) else value for name, value in reversed(event.items())}


@pytest.mark.parametrize("event", [referral(), correction()], ids=["recorded", "corrected"])
@pytest.mark.parametrize(
    "write",
    [
        lambda event: json.dumps(event, indent=2).encode(),
        lambda event: json.dumps(_shuffled(event)).encode(),
        lambda event: json.dumps(event).replace("R-1", "\\u0052-1").encode(),
        lambda event: json.dumps(event).replace("09:15:00Z", "10:15:00+01:00").encode(),
        lambda event: json.dumps(event).replace("09:15:00Z", "09:15:00.000000Z").encode(),
        lambda event: json.dumps(event).replace("2026-03-01T08:00:00Z", "2026-03-01T03:00:00-05:00").encode(),
        lambda event: json.dumps(event | {"traceparent": "00-ab-cd-01"}).encode(),
        lambda event: json.dumps(event | {"datacontenttype": "application/json", "backfill": False}).encode(),
        lambda event: json.dumps(event).replace('"severity"', '"consent": "not_recorded", "severity"').encode(),
        lambda event: json.dumps(event).replace('"severity"', '"agency_id": null, "severity"').encode(),
        lambda event: json.dumps(event).replace('"severity"', '"our_own": {"x": 1}, "severity"').encode(),
        lambda event: json.dumps(event)[:-1].encode() + b', "x": 1e999999}',
    ],
    ids=[
        *("indented", "other order", "escaped", "other offset", "microseconds", "offset within", "traced"),
        *("defaults told", "default told within", "null for a default", "unknown member", "beyond any range"),
    ],
)
def test_copy_has_the_same_content_number(event, write) -> None:
    assert said(event, write) == said(event)


@pytest.mark.parametrize(
    "other",
    [
        referral(person_ids=["P-2"]),
        referral(person_ids=["P-1", "P-2"]),
        referral(severity="amber"),
        referral(agency_id="school-1"),
        referral(referral_id="r-1"),
        referral() | {"time": "2026-03-02T09:15:00.000001Z"},
        referral() | {"authority": "E06000006"},
        referral() | {"backfill": True},
        correction(),
        correction(root_id="1002"),
        correction(root_time="2026-03-01T08:00:00Z"),
        correction(replaced_time="2026-03-01T08:00:01Z"),
        correction(replacement=referral(person_ids=["P-2"])["data"]),
    ],
)
def test_other_content_has_another_content_number(other) -> None:
    everything = [referral(), correction()]

    assert said(other) not in {said(event) for event in everything if event != other}


def test_content_number_never_changes() -> None:
    """
    The ids of some alerts depend on this number, and rows from years ago are compared by it.

    If a code change alters the number, that change must be undone.
    """
    assert said(referral()) == 5_517_697_919_759_597_680
    assert said(correction()) == 1_528_175_700_508_225_626
