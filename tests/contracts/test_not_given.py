"""
In an optional field, `null` means that no value is given.

Serializers of .NET and Java write `null` for fields that are not set.
"""

import json

import jsonschema
import msgspec
import pytest

from streams import names
from streams.contracts import Accepted, Reason, decode, event_types
from streams.contracts.generate.examples import event_example
from streams.contracts.generate.json_schema import message_schemas
from streams.contracts.referral import ContactRecorded, ReferralDecided, ReferralSubmitted
from tests.contracts.messages import arrived, changed, record

OPTIONAL = [
    (struct, field.name)
    for struct in event_types().values()
    for field in msgspec.structs.fields(struct)
    if not field.required
]
REQUIRED = [
    (struct, field.name)
    for struct in event_types().values()
    for field in msgspec.structs.fields(struct)
    if field.required and field.name not in struct.otherwise
]
SCHEMAS = message_schemas()


def without(struct, name):
    event = event_example(struct)
    return {**event, "data": {field: value for field, value in event["data"].items() if field != name}}


def judged(struct, event):
    example = event_example(struct)["data"]
    key = next(example[name] for name in struct.key_fields if name in example)
    return decode(record(struct.topic, json.dumps(event).encode(), key))


@pytest.mark.parametrize(("struct", "name"), OPTIONAL, ids=lambda value: getattr(value, "__name__", value))
def test_null_in_an_optional_field_means_that_it_is_left_out(struct, name):
    absent, null = judged(struct, without(struct, name)), judged(struct, changed(struct, {name: None}))

    if isinstance(absent, Accepted):
        assert (null.fact, null.dropped) == (absent.fact, ())
    else:
        assert (null.reason, null.path) == (absent.reason, absent.path)


@pytest.mark.parametrize(("struct", "name"), OPTIONAL, ids=lambda value: getattr(value, "__name__", value))
def test_schema_allows_null_in_an_optional_field(struct, name):
    if isinstance(judged(struct, without(struct, name)), Accepted):
        jsonschema.Draft202012Validator(SCHEMAS[struct.type]).validate(changed(struct, {name: None}))


@pytest.mark.parametrize("value", [None, ...], ids=["null", "absent"])
@pytest.mark.parametrize(("struct", "name"), REQUIRED, ids=lambda value: getattr(value, "__name__", value))
def test_needed_field_that_is_not_given_is_named_with_what_it_may_hold(struct, name, value):
    event = changed(struct, {name: None}) if value is None else without(struct, name)
    outcome = judged(struct, event)

    assert (outcome.reason, outcome.path) == (Reason.SCHEMA, f"$.data.{name}")
    assert outcome.allowed.startswith("must be given: ")


def test_codes_of_a_needed_field_are_listed_when_it_is_not_given():
    outcome = arrived(ReferralDecided, {"decision": None})

    assert outcome.allowed == (
        "must be given: signposted, early_help, mash, routed_to_open_service, edt, no_further_action"
    )


@pytest.mark.parametrize("attribute", ["backfill", "datacontenttype", "subject", "dataschema", "traceparent"])
def test_null_in_an_optional_attribute_is_no_attribute(attribute):
    outcome = arrived(ReferralSubmitted, **{attribute: None})

    assert (outcome.envelope.backfill, outcome.envelope.datacontenttype) == (False, "application/json")
    assert outcome.dropped == ()
    jsonschema.Draft202012Validator(SCHEMAS[ReferralSubmitted.type]).validate(
        changed(ReferralSubmitted, **{attribute: None})
    )


@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "type", "time", "authority"])
def test_null_in_a_required_attribute_is_named(attribute):
    event = changed(ReferralSubmitted) | {attribute: None}
    outcome = decode(record(names.REFERRAL, json.dumps(event).encode(), "F-000123"))

    assert (outcome.reason, outcome.path) == (Reason.ENVELOPE, f"$.{attribute}")
    assert outcome.allowed.startswith("must be given: ")


def test_event_without_data_is_rejected():
    value = json.dumps(changed(ReferralSubmitted) | {"data": None}).encode()

    assert decode(record(names.REFERRAL, value, "F-000123")).path == "$.data"


def test_null_inside_a_replacement_is_not_given_either():
    replacement = event_example(ReferralSubmitted)["data"] | {"consent": None, "primary_need": None, "gateway": None}
    event = changed(ContactRecorded) | {
        "type": "uk.caf.referral.corrected.v1",
        "data": {
            "root_source": "/wirral/front-door",
            "root_id": "e-1",
            "withdrawal_reason": None,
            "replaced_type": ReferralSubmitted.type,
            "replaced_time": "2026-03-02T09:15:00Z",
            "replacement": replacement,
        },
    }
    outcome = decode(record(names.REFERRAL, json.dumps(event).encode(), "F-000123"))

    assert (outcome.change, outcome.fact.consent, outcome.fact.primary_need) == ("corrected", "not_recorded", "N0")
    assert [left.path for left in outcome.dropped] == ["$.data.withdrawal_reason"]


def test_null_inside_a_withdrawal_is_not_given_either():
    event = changed(ContactRecorded) | {
        "type": "uk.caf.referral.withdrawn.v1",
        "data": {
            "root_source": "/wirral/front-door",
            "root_id": "e-1",
            "withdrawal_reason": "duplicate",
            "family_id": "F-000123",
            "person_id": None,
            "alert_id": None,
        },
    }
    outcome = decode(record(names.REFERRAL, json.dumps(event).encode(), "F-000123"))

    assert (outcome.change, outcome.key, outcome.dropped) == ("withdrawn", "F-000123", ())


def test_null_among_the_items_of_a_list_is_left_out_and_reported():
    outcome = arrived(ReferralSubmitted, {"person_ids": ["P-1", None, "P-2"]})

    assert outcome.fact.person_ids == ["P-1", "P-2"]
    assert [left.path for left in outcome.dropped] == ["$.data.person_ids[1]"]
