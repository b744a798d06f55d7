"""
A wrong value in a field that no rule needs never rejects a report about a child.

The value is left out and flagged, and the record is stored as it was sent.
"""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from streams.contracts import Accepted, Reason, Rejected, event_types
from streams.contracts.case_people import AddressChanged, HouseholdJoined, PersonRecorded, RiskMarkerSet
from streams.contracts.case_work import AssessmentCompleted, CaseClosed
from streams.contracts.columns import EVENT_COLUMNS, events_table
from streams.contracts.escalation import EscalationReported
from streams.contracts.event import event
from streams.contracts.referral import ContactRecorded, InformationShared, ReferralSubmitted
from tests.contracts.messages import arrived

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
WRONG = [17, True, "\u00e9 \u00e9 \u00e9", "x" * 600, {"code": "N1"}, [["N1"]], "\ud800"]
NOT_NEEDED = [
    (struct, field.name)
    for struct in event_types().values()
    for field in msgspec.structs.fields(struct)
    if field.name not in struct.needed and (not field.required or field.name in struct.otherwise)
]


def left_out(outcome):
    assert isinstance(outcome, Accepted), outcome
    return [(left.path, left.reason.value) for left in outcome.dropped]


@pytest.mark.parametrize(
    "value", WRONG, ids=["number", "boolean", "words", "too long", "object", "lists", "half a letter"]
)
@pytest.mark.parametrize(("struct", "name"), NOT_NEEDED, ids=lambda value: getattr(value, "__name__", value))
def test_no_value_of_a_field_that_is_not_needed_rejects_an_event(struct, name, value):
    """If one of the tested values is valid for a field, the value is read."""
    outcome = arrived(struct, {name: value})

    assert isinstance(outcome, Accepted)
    assert outcome.dropped or getattr(outcome.fact, name) == value
    assert all(path.startswith(f"$.data.{name}") for path, _ in left_out(outcome) if path != "$")
    row = events_table([outcome], NOW).to_pylist()[0]
    assert row.keys() == EVENT_COLUMNS.keys()
    assert (row["dropped_fields"] is not None) == bool(outcome.dropped)


@pytest.mark.parametrize(("struct", "name"), NOT_NEEDED, ids=lambda value: getattr(value, "__name__", value))
def test_left_out_value_is_kept_as_sent_and_reported_without_the_value(struct, name):
    outcome = arrived(struct, {name: "planted \u00e9 value" * 50})

    assert "planted" in outcome.value.decode()
    assert "planted" not in str(outcome.dropped)
    assert "planted" not in str(events_table([outcome], NOW)["dropped_fields"].to_pylist())


@pytest.mark.parametrize(
    ("struct", "name", "read_as"),
    [
        (ReferralSubmitted, "severity", "red"),
        (EscalationReported, "severity", "red"),
        (ReferralSubmitted, "source_code", "10"),
        (ReferralSubmitted, "consent", "not_recorded"),
        (ReferralSubmitted, "primary_need", "N0"),
        (EscalationReported, "escalation_kind", "other"),
        (InformationShared, "sharing_basis", "none"),
        (AddressChanged, "is_address_protected", True),
        (CaseClosed, "closure_reason", "RC7"),
        (RiskMarkerSet, "expires_at", None),
        (HouseholdJoined, "household_role", None),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_unknown_code_is_read_as_the_safest_value(struct, name, read_as):
    outcome = arrived(struct, {name: "purple"})

    assert getattr(outcome.fact, name) == read_as
    assert [path for path, _ in left_out(outcome)] == [f"$.data.{name}"]


@pytest.mark.parametrize("name", ["severity", "source_code"])
def test_report_without_a_required_field_is_read_at_its_safest(name):
    outcome = arrived(ReferralSubmitted, {name: None})

    assert getattr(outcome.fact, name) == ReferralSubmitted.otherwise[name]
    assert left_out(outcome) == [(f"$.data.{name}", "schema")]


@pytest.mark.parametrize(
    ("struct", "name", "value", "reason"),
    [
        (ReferralSubmitted, "referral_id", "two words", Reason.SCHEMA),
        (ReferralSubmitted, "family_id", 17, Reason.SCHEMA),
        (RiskMarkerSet, "marker_role", "bystander", Reason.CODE_SET),
        (PersonRecorded, "date_of_birth", "21/05/2017", Reason.SCHEMA),
        (PersonRecorded, "date_of_birth", "1017-05-21", Reason.SCHEMA),
        (AddressChanged, "address_id", "12 High Street", Reason.SCHEMA),
    ],
)
def test_wrong_value_in_a_field_that_rules_need_still_rejects(struct, name, value, reason):
    outcome = arrived(struct, {name: value})

    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.path) == (reason, f"$.data.{name}")


def test_only_the_wrong_items_of_a_list_are_left_out():
    outcome = arrived(AssessmentCompleted, {"factors": ["1A", "99Z", "3B", 7]})

    assert outcome.fact.factors == ["1A", "3B"]
    assert left_out(outcome) == [("$.data.factors[1]", "code_set"), ("$.data.factors[3]", "schema")]


def test_first_items_of_a_list_that_is_too_long_count():
    persons = [f"P-{number}" for number in range(60)]
    outcome = arrived(ReferralSubmitted, {"person_ids": persons})

    assert outcome.fact.person_ids == persons[:50]
    assert left_out(outcome) == [("$.data.person_ids", "schema")]


def test_only_some_of_very_many_wrong_items_are_listed():
    """Without this limit, one record could fill the lake."""
    outcome = arrived(ReferralSubmitted, {"person_ids": ["P-1", *[7] * 60_000, "P-2"]})

    assert outcome.fact.person_ids == ["P-1"]
    assert len(outcome.dropped) == 11
    assert outcome.dropped[-1].path == "$.data.person_ids"


def test_several_wrong_fields_are_all_named():
    outcome = arrived(
        ReferralSubmitted, {"lsoa_code": "Birkenhead", "gateway": 4, "severity": "purple"}, backfill="yes"
    )

    assert left_out(outcome) == [
        ("$.backfill", "envelope"),
        ("$.data.severity", "code_set"),
        ("$.data.gateway", "schema"),
        ("$.data.lsoa_code", "schema"),
    ]
    assert outcome.envelope.backfill is False


@pytest.mark.parametrize(
    "code", ["E01007110", "E01034836", "W01000001", "S01006506", "N20000001", "N21000001", "95AA01S1"]
)
def test_small_area_of_any_country_of_the_kingdom_is_accepted(code):
    assert arrived(ContactRecorded, {"lsoa_code": code}).fact.lsoa_code == code


@pytest.mark.parametrize("code", ["E05000954", "e01007110", "CH41 5AA", "E0100711", "S01006506 "])
def test_code_that_is_not_a_small_area_is_left_out(code):
    outcome = arrived(ContactRecorded, {"lsoa_code": code})

    assert outcome.fact.lsoa_code is None
    assert left_out(outcome) == [("$.data.lsoa_code", "schema")]


@pytest.mark.parametrize("code", ["E08000015", "W06000015", "S12000036", "N09000003"])
def test_authority_of_any_country_of_the_kingdom_is_accepted(code):
    assert arrived(ContactRecorded, authority=code).envelope.authority == code


def test_substitute_value_fits_its_field():
    """A substitute for a wrong value must be a value that the lake can store, or no value."""
    for struct in event_types().values():
        types = {field.name: field.type for field in msgspec.structs.fields(struct)}
        for name, value in struct.otherwise.items():
            assert value in (None, []) or msgspec.convert(msgspec.to_builtins(value), types[name]) == value


def test_contract_that_treats_a_field_it_does_not_have_is_refused():
    with pytest.raises(TypeError, match="does not have"):
        event("caf.referral.v1", "contact-withdrawn", needed=("no_such_field",))(
            type(ContactRecorded)("Other", (ContactRecorded,), {})
        )


def test_rejection_names_the_codes_and_never_the_value():
    outcome = arrived(RiskMarkerSet, {"marker_role": "planted"})

    assert outcome.allowed == "source_of_risk, victim"
    assert "planted" not in json.dumps([outcome.path, outcome.allowed])
