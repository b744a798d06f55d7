"""Every record on a topic is accepted or rejected. No record causes an exception, and every record can be stored."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import names
from streams.contracts import Accepted, Reason, Rejected, admit, decode
from streams.contracts.checks import arrival_ms, arrived_at
from streams.contracts.columns import EVENT_COLUMNS, events_table, quarantine_table
from streams.contracts.output_envelope import Output, decode_output
from streams.land.tables import output_table
from tests.contracts.messages import CONTACT, contact

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


@dataclass
class Message:
    """A Kafka record."""

    value: bytes | None
    topic: str = names.REFERRAL
    key: bytes | None = b"F-1"
    headers: list = field(default_factory=list)
    partition: int = 0
    offset: int = 7
    timestamp: int = 1_772_442_900_000


def judged(event: dict, **message: object) -> Accepted | Rejected:
    return decode(Message(json.dumps(event).encode(), **message))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["specversion", "id", "source", "type", "time", "authority", "data", "backfill", "extra"])
HEADERS = st.lists(st.tuples(st.text(max_size=4) | st.just("caf-replay-of"), st.none() | st.binary(max_size=9)))


def test_plain_contact_is_accepted() -> None:
    assert isinstance(judged(contact()), Accepted)


@pytest.mark.parametrize(("key", "is_quoted"), [(b'"F-1"', True), (b"'F-1'", True), (b"F-2", False), (b'"', False)])
def test_a_key_in_quotation_marks_is_refused_and_the_reason_mentions_them(key: bytes, is_quoted: bool) -> None:
    rejected = judged(contact(), key=key)

    assert rejected.reason is Reason.KEY_MISMATCH
    assert rejected.allowed.startswith("the Kafka key equals the family_id (or person_id) of the data")
    assert ("without the quotation marks" in rejected.allowed) == is_quoted


@settings(deadline=None)
@given(value=st.none() | st.binary(max_size=200), key=st.none() | st.binary(max_size=5), headers=HEADERS)
def test_any_bytes_are_rejected_with_their_original(value: bytes | None, key: bytes | None, headers: list) -> None:
    record = decode(Message(value, key=key, headers=headers))

    assert isinstance(record, Rejected)
    assert (record.key, record.value, list(record.headers)) == (key, value, headers)
    assert quarantine_table([record], NOW)["record_value"].to_pylist() == [value]


@settings(deadline=None)
@given(changes=st.dictionaries(FIELDS, JSON, max_size=3), data=st.dictionaries(st.sampled_from([*CONTACT, "x"]), JSON))
def test_any_json_is_decoded_and_stored(changes: dict, data: dict) -> None:
    record = judged(contact(data) | changes)
    table = events_table([record], NOW) if isinstance(record, Accepted) else quarantine_table([record], NOW)

    assert table.num_rows == 1


@settings(deadline=None)
@given(value=st.binary(max_size=100) | JSON.map(lambda data: json.dumps(contact(data=None, data_=data)).encode()))
@pytest.mark.parametrize("topic", [names.ALERTS, names.DEAD_LETTER, names.HEARTBEAT])
def test_any_bytes_on_own_topics_are_rejected(topic: str, value: bytes) -> None:
    assert isinstance(decode_output(Message(value, topic=topic)), Rejected)


@pytest.mark.parametrize(
    ("offsets", "kind"), [([2**63 - 1], Output), ([2**63], Rejected), ([2**70], Rejected), ([-1], Rejected)]
)
def test_heartbeat_is_accepted_only_if_its_columns_hold_it(offsets: list[int], kind: type) -> None:
    data = {"leader": "watch-1", "as_of": "2026-03-02T09:15:00Z", "offsets": {names.REFERRAL: offsets}}
    event = contact(type="uk.caf.heartbeat.v1", data={}) | {"data": data}
    record = decode_output(Message(json.dumps(event).encode(), topic=names.HEARTBEAT))

    assert isinstance(record, kind)
    if kind is Output:
        assert output_table("heartbeats", [record], NOW)["offsets"].to_pylist() == [[(names.REFERRAL, offsets)]]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"[" * 200_000, Reason.TOO_LARGE),
        (b'{"a":' * 40_000, Reason.TOO_LARGE),
        (json.dumps(contact()).encode()[:-1] + b',"x":' + b"[" * 65 + b"]" * 65 + b"}", Reason.TOO_LARGE),
        (b"", Reason.NOT_JSON),
        (b"\xef\xbb\xbf{}", Reason.ENVELOPE),
        (b"\x00", Reason.NOT_JSON),
    ],
    ids=["arrays", "objects", "a member nobody reads", "nothing", "byte order mark", "NUL"],
)
def test_unreadable_value_is_rejected(value: bytes, reason: Reason) -> None:
    assert decode(Message(value)).reason == reason


def test_length_is_checked_on_arrival_and_never_again() -> None:
    """If the size limit was larger when a record arrived, the record is still an event when it is read again."""
    value = json.dumps(contact(remarks="x" * 300_000)).encode()

    assert isinstance(admit(Message(value), len(value)), Accepted)
    assert admit(Message(value), len(value) - 1).reason == Reason.TOO_LARGE
    assert isinstance(decode(Message(value)), Accepted)


@pytest.mark.parametrize("timestamp", [-(2**63), -1, 0, 1_772_442_900, 253_402_300_800_000, 2**63 - 1], ids=str)
def test_any_timestamp_is_an_arrival_that_every_table_holds(timestamp: int) -> None:
    """
    Rows, letters and memory have the same arrival time for any timestamp.

    Examples are times before 1970, seconds instead of milliseconds, and times beyond the year 9999.
    """
    accepted, rejected = judged(contact(), timestamp=timestamp), judged({}, timestamp=timestamp)
    # If an event's arrival time cannot be used, the event counts as arrived when it happened.
    expected = arrival_ms(timestamp) or round(accepted.envelope.time.timestamp() * 1000)

    assert events_table([accepted], NOW)["received_at"].to_pylist() == [arrived_at(expected).replace(tzinfo=None)]
    assert quarantine_table([rejected], NOW)["received_at"].to_pylist() == [arrived_at(timestamp).replace(tzinfo=None)]
    assert (accepted.received_ms, rejected.received_ms) == (expected, arrival_ms(timestamp))


def test_many_brackets_that_are_not_nested_are_accepted() -> None:
    assert isinstance(judged(contact(notes=[[text] for text in ["[", "{{", '"[', "\\"] * 50])), Accepted)


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (contact(id="a\0b"), "$.id"),
        (contact(source="/wirral\n"), "$.source"),
        (contact(time="9999-12-31T23:59:59-23:59"), "$.time"),
        (contact(time="0001-01-01T00:00:00+23:59"), "$.time"),
        (contact(id=10**400), "$.id"),
    ],
    ids=["NUL", "line break", "end of time", "beginning of time", "huge number"],
)
def test_envelope_that_no_column_holds_is_rejected(event: dict, path: str) -> None:
    assert judged(event).path == path


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31"])
def test_day_outside_of_any_life_is_rejected(day: str) -> None:
    """Dates and times inside the data are rejected if they lie outside any possible life."""
    event = contact(type="uk.caf.case-change.person-recorded.v1") | {"data": {"person_id": "P-1", "date_of_birth": day}}
    record = judged(event, topic=names.CASE_CHANGE, key=b"P-1")

    assert (record.reason, record.path) == (Reason.SCHEMA, "$.data.date_of_birth")


@pytest.mark.parametrize("value", [None, b"", b"a\0b", b"\xff", b"one/two", b"caf.referral.v1/0/x"])
def test_replay_header_that_names_no_record_is_ignored(value: bytes | None) -> None:
    assert judged(contact(), headers=[("caf-replay-of", value)]).replay_of is None


def test_times_are_stored_in_utc() -> None:
    """The sender's UTC offset is not stored. The stored time is the same instant, exact to the microsecond."""
    table = events_table([judged(contact(time="2026-03-29T02:30:00.123456+01:00"))], NOW)

    assert table["event_at"].to_pylist() == [datetime(2026, 3, 29, 1, 30, 0, 123456)]  # noqa: DTZ001
    assert table.column_names == list(EVENT_COLUMNS)
