"""The many ways in which programming languages write the same value."""

import base64
import json
from datetime import UTC, date, datetime

import pytest

from streams import names
from streams.contracts import Accepted, Reason, decode
from streams.contracts.case_people import PersonRecorded
from streams.contracts.case_work import LevelChanged
from streams.contracts.referral import ReferralSubmitted
from tests.contracts.messages import arrived, changed, record

MORNING = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def sent(value: bytes):
    return decode(record(names.REFERRAL, value, "F-000123"))


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON ;charset=UTF-8",
        "application/cloudevents+json",
        "application/cloudevents+json; charset=UTF-8",
        "application/vnd.wirral.referral+json",
        "text/json",
    ],
)
def test_every_media_type_of_json_is_accepted(media_type):
    outcome = arrived(ReferralSubmitted, datacontenttype=media_type)

    assert (outcome.envelope.datacontenttype, outcome.dropped) == (media_type, ())


@pytest.mark.parametrize("media_type", ["application/xml", "", "json", 7, "application/jsonp"])
def test_wrong_media_type_rejects_no_data_that_can_be_read(media_type):
    outcome = arrived(ReferralSubmitted, datacontenttype=media_type)

    assert [left.path for left in outcome.dropped] == ["$.datacontenttype"]


@pytest.mark.parametrize(
    "around", [(b"\xef\xbb\xbf", b""), (b" \r\n", b"\n"), (b"", b"\0"), (b"\xef\xbb\xbf ", b" \0\0")]
)
def test_marks_and_blanks_around_an_event_are_no_part_of_it(around):
    value = json.dumps(changed(ReferralSubmitted)).encode()
    outcome = sent(around[0] + value + around[1])

    assert (outcome.value, outcome.content_id) == (value, sent(value).content_id)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
def test_other_encodings_are_named_by_their_byte_order_mark(encoding):
    text = json.dumps(changed(ReferralSubmitted))
    value = ("\ufeff" + text).encode(encoding) if encoding == "utf-16-be" else text.encode(encoding)
    outcome = sent(value)

    if encoding == "utf-8-sig":
        assert isinstance(outcome, Accepted)
    else:
        assert outcome.reason == Reason.NOT_JSON
        assert outcome.allowed.endswith(f"this is {encoding[:6].upper()}")


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-02T09:15:00Z",
        "2026-03-02t09:15:00z",
        "2026-03-02 09:15:00Z",
        "2026-03-02T10:15:00+01:00",
        "2026-03-02T09:15:00-00:00",
        "2026-03-02T10:15:00+0100",
        "2026-03-02T10:15:00+01",
        "2026-03-02T09:15Z",
        "2026-03-02T09:15:00.0000000Z",
        "2026-03-02T09:15:00.000000000Z",
        "2026-03-02T09:15:00,000Z",
    ],
)
def test_one_instant_has_many_spellings(time):
    """The spellings are those of Java's Instant, Jackson, Go, .NET and JavaScript."""
    assert arrived(ReferralSubmitted, time=time).envelope.time == MORNING


def test_leap_second_is_the_last_instant_of_its_minute():
    last = arrived(ReferralSubmitted, time="2016-12-31T23:59:60Z").envelope.time

    assert last == datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    "time",
    ["2026-03-02T09:15:00", "2026-03-02", "02/03/2026 09:15", 1772442900, "2026-03-02T25:00:00Z", "2026-02-30T09:15Z"],
)
def test_ambiguous_or_impossible_time_is_rejected(time):
    outcome = arrived(ReferralSubmitted, time=time)

    assert (outcome.reason, outcome.path) == (Reason.ENVELOPE, "$.time")


@pytest.mark.parametrize("time", ["", "T00:00:00", "T00:00:00Z", "T00:00:00.000+01:00"])
def test_day_may_be_written_with_midnight(time):
    """.NET's DateTime writes a date with the time midnight."""
    assert arrived(PersonRecorded, {"date_of_birth": f"2017-05-21{time}"}).fact.date_of_birth == date(2017, 5, 21)


@pytest.mark.parametrize("day", ["2017-05-20T23:00:00Z", "21/05/2017", "2017-5-21", "20170521"])
def test_ambiguous_day_is_rejected(day):
    assert arrived(PersonRecorded, {"date_of_birth": day}).path == "$.data.date_of_birth"


def test_whole_number_may_be_written_with_a_point():
    """JSON has only one type of number, and 3.0 is also an integer in JSON Schema."""
    assert arrived(LevelChanged, {"level": 3.0}).fact.level == 3


@pytest.mark.parametrize("level", ["3", 3.5, 5, True])
def test_text_is_not_a_number(level):
    assert arrived(LevelChanged, {"level": level}).path == "$.data.level"


@pytest.mark.parametrize("version", ["0.3", "1", 1.0, "1.1"])
def test_only_version_one_is_read(version):
    outcome = arrived(ReferralSubmitted, specversion=version)

    assert outcome.path == "$.specversion"
    assert "1.0" in outcome.allowed or "text" in outcome.allowed


def test_extensions_and_optional_attributes_are_kept_in_what_was_sent():
    extra = {
        "subject": "F-000123",
        "dataschema": "https://caf.example/schema",
        "traceparent": "00-0af7-b7ad-01",
        "n": 7,
    }
    outcome = arrived(ReferralSubmitted, **extra)

    assert outcome.dropped == ()
    assert json.loads(outcome.value).items() >= extra.items()


def test_last_value_of_a_repeated_member_counts():
    value = json.dumps(changed(ReferralSubmitted)).encode()
    twice = value.replace(b'"severity": "red"', b'"severity": "green", "severity": "red"')

    assert twice != value
    assert sent(twice).fact == sent(value).fact
    wrong_first = value.replace(b'"severity": "red"', b'"severity": "purple", "severity": "red"')
    assert (sent(wrong_first).fact, sent(wrong_first).dropped) == (sent(value).fact, ())


@pytest.mark.parametrize("text", ["\ud83d", "\ude00 cut", "kept \U0001f600, cut \ud83d", "\\\\ud83d \ud83d"])
def test_character_that_was_cut_in_two_loses_nothing_else(text):
    """JavaScript's substring can leave half a character, here in a member that no program reads."""
    outcome = arrived(ReferralSubmitted, {"story": text})

    assert outcome.fact == arrived(ReferralSubmitted).fact
    assert [left.path for left in outcome.dropped] == ["$"]


@pytest.mark.parametrize("text", ["\U0001f600", "\\ud83d", "\\\\ud83d", "\u00e9\u4e2d"])
def test_whole_characters_give_no_finding(text):
    assert arrived(ReferralSubmitted, {"story": text}).dropped == ()


def test_data_in_base64_is_data():
    """The Python SDK sends data as base64 when it gets the data as bytes."""
    event = changed(ReferralSubmitted)
    data = json.dumps(event.pop("data")).encode()
    outcome = sent(json.dumps(event | {"data_base64": base64.b64encode(data).decode()}).encode())

    assert outcome.fact == arrived(ReferralSubmitted).fact


@pytest.mark.parametrize("text", ["", "!!", "W10=", 7, "/////w=="])
def test_base64_that_holds_no_object_is_rejected(text):
    event = changed(ReferralSubmitted)
    del event["data"]
    outcome = sent(json.dumps(event | {"data_base64": text}).encode())

    assert outcome.path in {"$.data_base64", "$.data"}
