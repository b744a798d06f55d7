"""
Placeholders such as "unknown" name nobody. As ids of persons, families or addresses, they would connect strangers.
"""

import json
from types import SimpleNamespace

import pytest

from streams import names
from streams.contracts import Accepted, Reason, decode

PLACEHOLDERS = [
    *("unknown", "Unknown", "UNKNOWN", "not-known", "NotKnown", "null", "NULL", "nil", "None", "undefined", "NaN"),
    *("N/A", "n/a", "NA", "n.a", "tbc", "TBA", "test", "TEST", "dummy", "missing", "anonymous", "XXXX", "no-id"),
    *("0", "000", "0-0", "00000000-0000-0000-0000-000000000000", "99999", "9999999999"),
    *("ffffffff", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"),
    *("-", "?", "", " ", "not known", " unknown", "unknown ", "unknown\n"),
]
IDENTIFIERS = [
    *("F-0", "P-000", "9", "99", "1001", "10000", "Nadia", "test-1", "nullarbor", "unknown-7", "0a", "a0"),
    *("00000000-0000-0000-0000-000000000001", "ffffffff-0000-4000-8000-000000000001"),
]


def judged(fact: str, topic: str, key: str, **data: object):
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/partner/x",
        "type": f"uk.{topic.removesuffix('.v1')}.{fact}.v1",
        "time": "2026-03-02T09:15:00Z",
        "authority": "E08000015",
        "data": data,
    }
    value = json.dumps(event).encode()
    place = {"topic": topic, "partition": 0, "offset": 0, "timestamp": 1_772_442_900_000}
    return decode(SimpleNamespace(**place, key=key.encode(), value=value, headers=()))


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_placeholder_is_no_family_person_or_address(name) -> None:
    contact = {"contact_id": "C-1", "source_code": "6"}
    judgements = [
        judged("contact-recorded", names.REFERRAL, name, family_id=name, **contact),
        judged("person-recorded", names.CASE_CHANGE, name, person_id=name, date_of_birth="2015-01-01"),
        judged("address-changed", names.CASE_CHANGE, "F-1", family_id="F-1", address_id=name),
    ]
    facts = [each.fact for each in judgements if isinstance(each, Accepted)]
    named = {getattr(fact, field, None) for fact in facts for field in ("family_id", "person_id", "address_id")}

    assert name not in named


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_identifier_that_resembles_a_placeholder_is_accepted(name) -> None:
    assert isinstance(
        judged("contact-recorded", names.REFERRAL, name, family_id=name, contact_id="C-1", source_code="6"), Accepted
    )


def test_refusal_gives_what_is_allowed_and_not_the_value() -> None:
    contact = {"family_id": "unknown", "contact_id": "C-1", "source_code": "6"}
    refused = judged("contact-recorded", names.REFERRAL, "unknown", **contact)

    assert (refused.reason, refused.path) == (Reason.SCHEMA, "$.data.family_id")
    assert "no placeholder" in refused.allowed
    assert "[Uu]" not in refused.allowed
