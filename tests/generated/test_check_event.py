"""The strict check of an event: which values a form must not send, and why."""

import base64
import json

import pytest
from click.testing import CliRunner

from streams.cli.check_event import command
from streams.contracts.case_people import PersonsLinked
from streams.contracts.check import check, events_of
from streams.contracts.envelope import Correction
from streams.contracts.generate.examples import amendment_example, event_example
from streams.contracts.referral import ReferralSubmitted
from streams.settings import Settings


@pytest.fixture
def referral():
    return event_example(ReferralSubmitted)


def verdict(message):
    return check(json.dumps(message).encode(), Settings.max_record_bytes)


def findings(message):
    return [(finding.level, finding.reason, finding.path) for finding in verdict(message).findings]


def test_answered_referral_may_be_sent_and_shows_where_it_goes(referral):
    found = verdict(referral)

    assert (found.is_accepted, found.topic, found.key) == (True, "caf.referral.v1", "F-000123")


def test_fact_about_a_person_alone_is_keyed_by_the_person():
    assert verdict(event_example(PersonsLinked)).key == "P-000456"


def test_unanswered_consent_question_is_refused(referral):
    del referral["data"]["consent"]

    assert findings(referral) == [("error", "consent_unanswered", "$.data.consent")]


def test_consent_not_sought_without_a_reason_is_refused(referral):
    referral["data"]["consent"] = "not_sought"

    assert findings(referral) == [("error", "consent_unexplained", "$.data.consent_reason")]
    assert "risk_of_harm" in verdict(referral).findings[0].allowed


def test_consent_not_sought_for_a_reason_may_be_sent(referral):
    referral["data"] |= {"consent": "not_sought", "consent_reason": "risk_of_harm"}

    assert verdict(referral).is_accepted


def test_correction_that_leaves_consent_open_is_refused():
    correction = amendment_example(Correction, "uk.caf.referral.corrected.v1", ReferralSubmitted)
    correction["data"]["replacement"]["consent"] = "not_recorded"

    assert findings(correction) == [("error", "consent_unanswered", "$.data.replacement.consent")]


def test_unknown_field_is_pointed_out_and_may_be_sent(referral):
    referral["data"]["incident"] = "I-000042"

    assert findings(referral) == [("warning", "unknown_field", "$.data.incident")]
    assert verdict(referral).is_accepted


def test_wrong_code_is_refused_with_the_list(referral):
    referral["data"]["severity"] = "purple"

    assert findings(referral) == [("error", "code_set", "$.data.severity")]
    assert verdict(referral).findings[0].allowed == "red, amber, green"


def test_unknown_type_is_refused_with_the_types(referral):
    referral["type"] = "uk.caf.referral.referal-submitted.v1"

    assert findings(referral) == [("error", "unknown_type", "$.type")]
    assert "uk.caf.referral.referral-submitted.v1" in verdict(referral).findings[0].allowed


@pytest.mark.parametrize("value", [b"", b"[]", b"null", b"{", b"\xff", b'{"data": 1}', b"[" * 100_000])
def test_value_that_is_not_an_event_is_refused(value):
    assert not check(value, Settings.max_record_bytes).is_accepted


def test_event_is_as_long_as_the_setting_allows(referral):
    value = json.dumps(referral | {"remarks": "x" * 1_000}).encode()

    assert check(value, len(value)).is_accepted
    assert [finding.reason for finding in check(value, len(value) - 1).findings] == ["too_large"]


def test_findings_never_carry_a_value(referral):
    referral["data"] |= {"severity": "planted-value", "planted": "planted-value"}

    assert "planted-value" not in str(verdict(referral))


def test_file_may_hold_one_event_or_an_array_or_lines(referral):
    text = json.dumps(referral).encode()

    assert [len(list(events_of(content))) for content in (text, b"[%s,%s]" % (text, text), text + b"\n" + text)] == [
        1,
        2,
        2,
    ]
    assert len(list(events_of(json.dumps(referral, indent=2).encode()))) == 1


def test_command_exits_with_one_if_any_event_is_refused(referral, tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(referral))
    bad.write_text(json.dumps(referral | {"specversion": "0.3"}))

    outcome = CliRunner().invoke(command, [str(good), str(bad), "--json"])

    assert outcome.exit_code == 1
    assert [json.loads(line)["accepted"] for line in outcome.output.splitlines()] == [True, False]
    assert CliRunner().invoke(command, [str(good)]).exit_code == 0


def test_values_that_the_pipeline_would_leave_out_are_refused(referral):
    referral["data"] |= {"lsoa_code": "Birkenhead", "primary_need": "N99", "person_ids": ["P-1", "no id"]}

    assert findings(referral) == [
        ("error", "schema", "$.data.person_ids[1]"),
        ("error", "code_set", "$.data.primary_need"),
        ("error", "schema", "$.data.lsoa_code"),
    ]


def test_severity_that_would_be_read_as_red_is_refused(referral):
    del referral["data"]["severity"]

    assert findings(referral) == [("error", "schema", "$.data.severity")]
    assert verdict(referral).findings[0].allowed == "must be given: red, amber, green"


def test_null_for_what_is_not_given_may_be_sent(referral):
    referral["data"] |= {"lsoa_code": None, "person_ids": None, "primary_need": None}

    assert verdict(referral | {"backfill": None, "datacontenttype": None}).findings == []


def test_member_that_comes_twice_is_refused(referral):
    value = json.dumps(referral).replace('"severity"', '"severity": "green", "severity"').encode()

    assert [finding.reason for finding in check(value, Settings.max_record_bytes).findings] == ["duplicate_member"]


def test_standard_attributes_are_no_unknown_fields(referral):
    assert verdict(referral | {"subject": "F-000123", "dataschema": "urn:x"}).findings == []


def test_data_in_base64_is_checked(referral):
    data = base64.b64encode(json.dumps(referral.pop("data")).encode()).decode()

    assert verdict(referral | {"data_base64": data}).findings == []


def test_correction_for_a_wrong_family_is_refused_with_what_to_do():
    """A correction for a wrong family would withdraw no event, because a correction acts only under its own key."""
    correction = amendment_example(Correction, "uk.caf.referral.corrected.v1", ReferralSubmitted)
    correction["data"]["withdrawal_reason"] = "wrong_family"

    assert findings(correction) == [("error", "corrected_wrong_family", "$.data.withdrawal_reason")]
    assert "withdraw it (wrong_family)" in verdict(correction).findings[0].allowed


@pytest.mark.parametrize("name", ["type", "family_id"])
def test_lone_half_of_a_character_is_refused_in_words(referral, tmp_path, name):
    """
    JSON can contain half of a surrogate pair, which no UTF-8 text can.

    The command must report this without a traceback.
    """
    holder = referral if name in referral else referral["data"]
    holder[name] = f"{holder[name]}\ud800"
    file = tmp_path / "event.json"
    file.write_text(json.dumps(referral))
    ended = CliRunner().invoke(command, [str(file)])

    assert ended.exit_code == 1
    assert isinstance(ended.exception, SystemExit)
