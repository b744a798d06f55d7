"""
Which changes are allowed within v1 (`docs/contracts/versioning.md`).

The tests combine a newer producer with an older consumer, and the reverse.
"""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from streams.contracts import Accepted, Reason, decode
from streams.contracts.columns import events_table
from streams.contracts.generate.examples import event_example
from streams.contracts.referral import ReferralDecided, ReferralSubmitted


@pytest.fixture
def message():
    return event_example(ReferralSubmitted)


def arrived(message):
    key = message["data"]["family_id"].encode()
    value = json.dumps(message).encode()
    return decode(
        SimpleNamespace(topic="caf.referral.v1", partition=0, offset=7, timestamp=0, key=key, value=value, headers=())
    )


def test_older_consumer_accepts_a_field_of_a_newer_producer(message):
    message["data"]["preferred_language"] = "cy"
    message["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    outcome = arrived(message)

    assert isinstance(outcome, Accepted)
    assert outcome.fact == arrived(event_example(ReferralSubmitted)).fact


def test_field_that_the_consumer_does_not_know_is_kept_in_the_lake(message):
    message["data"]["preferred_language"] = "cy"

    rows = events_table([arrived(message)], datetime.now(UTC))

    assert json.loads(rows["payload"][0].as_py())["data"]["preferred_language"] == "cy"


def test_newer_consumer_accepts_an_older_producer_without_optional_fields(message):
    """A field that v1 gains is optional, so an event with only the required fields stays valid."""
    required = ("referral_id", "family_id", "source_code", "severity")
    message["data"] = {name: message["data"][name] for name in required}

    assert isinstance(arrived(message), Accepted)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "uk.caf.referral.referral-submitted.v2"}, Reason.UNKNOWN_TYPE),
        ({"type": "uk.caf.referral.referral-reopened.v1"}, Reason.UNKNOWN_TYPE),
    ],
)
def test_type_that_the_consumer_does_not_know_goes_to_the_dead_letters(message, change, reason):
    assert arrived(message | change).reason == reason


def test_code_that_the_consumer_does_not_know_is_left_out_and_reported(message):
    message["data"]["primary_need"] = "N11"

    outcome = arrived(message)

    assert outcome.fact.primary_need == "N0"
    assert [(left.path, left.reason) for left in outcome.dropped] == [("$.data.primary_need", Reason.CODE_SET)]


def test_code_that_the_consumer_does_not_know_and_needs_goes_to_the_dead_letters():
    """Consumers must therefore know new codes of needed fields before producers send these codes."""
    message = event_example(ReferralDecided)
    message["data"]["decision"] = "adopted_by_the_mayor"

    outcome = arrived(message)

    assert (outcome.reason, outcome.path) == (Reason.CODE_SET, "$.data.decision")
