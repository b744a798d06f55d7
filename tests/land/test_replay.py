"""Rejected records can be listed without their content, and can be sent again byte for byte."""

import json
from collections.abc import Callable
from contextlib import closing

import pytest
from click.testing import CliRunner
from kafka.admin import ConfigResource

from streams import names
from streams.cli import quarantine, replay
from streams.errors import SettingInvalid
from streams.kafka.client import admin
from streams.kafka.verbatim import Original, send_verbatim, verbatim_producer
from streams.lake.connect import connect
from streams.land import run
from streams.land.quarantine import Filters, contents, find
from streams.land.replay import Replayed, select
from streams.land.replay import replay as send_again
from streams.settings import Settings

SECRET = b'{"name": "Quentin"}'
Send = Callable[..., None]
Contact = Callable[..., tuple[bytes, bytes]]
Rows = Callable[[str], list[tuple]]


@pytest.fixture
def rejected(lake_settings: Settings, send: Send, contact: Contact) -> Settings:
    """
    A lake with three rejected records: one invalid, one with an unsupported version, and garbage on the alerts topic.
    """
    send([(b"F-1", SECRET)], headers=[("traceparent", b"1")])
    key, value = contact(2)
    send([(key, value.replace(b'"specversion": "1.0"', b'"specversion": "0.3"'))])
    send([(b"k", b"?")], topic=names.ALERTS)
    run(lake_settings, once=True)
    return lake_settings


HOSTILE = [
    Original(b"F-1", b"?", [("a", None), ("a", b""), ("a", b"1")]),
    Original(None, None, []),
    Original(None, b"?", [("", None)]),
    Original(b"F-1", None, [("traceparent", b"1")]),
    Original(b"", b"", []),
    Original(b"F-1", b"?", [("n\0ame", b"1"), ("\udcff\udcfe\udc80", b"2"), ("\ufffd", b"3"), ("\\xff", b"4")]),
    Original(b"F-1", b"?", [(f"h{number}", b"x") for number in range(2_000)]),
    Original(b"k" * 400_000, b"0" * 5_000_000, [("h" * 400_000, b"1" * 400_000)]),
    Original(b"F-1", b"?", [("caf-replay-of", None), ("caf-replay-of", b"\xff"), ("caf-replay-of", b"one")]),
]
"""
Records that no program should write but that every broker accepts.

Bytes of header names that are not text are represented by lone surrogates.
"""


@pytest.fixture
def hostile(lake_settings: Settings, send: Send, fresh_topics: str) -> Settings:
    """A lake whose quarantine holds the records of `HOSTILE`."""
    with closing(verbatim_producer(lake_settings)) as kafka:
        for record in HOSTILE:
            send_verbatim(kafka, names.ESCALATION, record).get(60)
    assert run(lake_settings, once=True).rejected == len(HOSTILE)
    return lake_settings


def originals(settings: Settings, **filters: object) -> list[Original]:
    """The records in the quarantine, with their header names as they arrived."""
    with connect(settings, marts=None) as lake:
        return [original for _, original in contents(lake, find(lake, Filters.of(**filters)))]


def test_any_record_is_quarantined_and_sent_again_byte_for_byte(hostile: Settings) -> None:
    """
    Some records have no key, no value, or a header without a value.

    Other records have header names that are not text, or names that are far too long.
    """
    kept = originals(hostile)
    replayed = send_again(hostile)
    run(hostile, once=True)
    both = originals(hostile)
    copies = [one._replace(headers=one.headers[:-1]) for one in both if one.headers[-1:] and is_copy(one)]

    assert sorted(kept, key=repr) == sorted(HOSTILE, key=repr)
    assert (replayed.sent, replayed.skipped, replayed.refused) == (len(HOSTILE), 0, [])
    assert sorted(copies, key=repr) == sorted(HOSTILE, key=repr)


def is_copy(record: Original) -> bool:
    name, value = record.headers[-1]
    return name == "caf-replay-of" and (value or b"").startswith(names.ESCALATION.encode())


def test_record_that_the_broker_refuses_is_named_and_the_rest_goes_on(hostile: Settings) -> None:
    """
    The topic now accepts only smaller records than before.

    The command lists the records that the broker refused, without their content.
    """
    with closing(admin(hostile)) as client:
        client.alter_configs([ConfigResource("TOPIC", names.ESCALATION, {"max.message.bytes": "600"})])
    outcome = CliRunner(env=hostile.to_env()).invoke(replay.command, ["--yes"])
    listed = CliRunner(env=hostile.to_env()).invoke(replay.command, ["--yes", "--json"])
    again = json.loads(listed.stdout.splitlines()[-1])

    assert outcome.exit_code == listed.exit_code == 1
    assert "8 records sent again, 1 cannot be sent" in outcome.stdout
    assert {one["why"] for one in again["refused"]} == {"MessageSizeTooLargeError"}
    assert all(one["record"] in outcome.stdout for one in again["refused"])
    assert (again["sent"], again["skipped"]) == (0, 8)


def test_record_is_sent_again_as_it_came(rejected: Settings, rows: Rows) -> None:
    """
    The record that is sent again has the same topic, key, value and headers.

    A further header contains the original's position. The record that is sent again is also validated again.
    """
    replayed = send_again(rejected, reason="envelope")
    run(rejected, once=True)
    found = rows(
        "SELECT record_key, record_value, list_transform(record_headers, h -> h.name), "
        "record_headers[2].value = (topic || '/' || kafka_partition || '/' || 0)::BLOB "
        "FROM landing.main.quarantine WHERE reason = 'envelope' ORDER BY kafka_offset"
    )

    assert replayed == Replayed(sent=1, skipped=0)
    assert found == [
        (b"F-1", SECRET, ["traceparent"], None),
        (b"F-1", SECRET, ["traceparent", "caf-replay-of"], True),
    ]


def test_record_on_its_way_is_not_sent_twice(rejected: Settings) -> None:
    assert send_again(rejected, reason="envelope").sent == 1
    assert send_again(rejected, reason="envelope") == Replayed(sent=0, skipped=1)


def test_rejected_copy_is_not_sent_itself_but_its_original_may_be(rejected: Settings) -> None:
    """A second correction of the contract or code may accept a record that the first correction did not."""
    send_again(rejected, reason="envelope")
    run(rejected, once=True)

    assert send_again(rejected, reason="envelope") == Replayed(sent=1, skipped=1)


def test_original_of_an_accepted_copy_is_not_sent_again(rejected: Settings, send: Send, contact: Contact) -> None:
    original = next(record for record in select(rejected, reason="code_set"))
    send([contact(2)], headers=[("caf-replay-of", original.coordinates.encode())])
    run(rejected, once=True)

    assert send_again(rejected, reason="code_set") == Replayed(sent=0, skipped=1)


def test_garbage_on_own_topics_is_not_sent_again(rejected: Settings) -> None:
    assert send_again(rejected, topic=names.ALERTS) == Replayed(sent=0, skipped=1)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 2),
        ({"reason": "code_set"}, 1),
        ({"topic": names.REFERRAL}, 2),
        ({"topic": names.CASE_CHANGE}, 0),
        ({"since": "2999-01-01"}, 0),
        ({"since": "2020-01-01T00:00:00Z"}, 2),
        ({"partition": 0, "offset": 10_000}, 0),
    ],
    ids=str,
)
def test_filters_narrow(rejected: Settings, filters: dict, count: int) -> None:
    assert len(select(rejected, **filters)) == count


@pytest.mark.parametrize("filters", [{"reason": "nonsense"}, {"since": "yesterday"}], ids=str)
def test_unknown_filter_value_is_refused(fresh_settings: Settings, filters: dict) -> None:
    with pytest.raises(SettingInvalid, match="allowed"):
        select(fresh_settings, **filters)


def test_content_is_shown_only_when_asked_for(rejected: Settings) -> None:
    runner = CliRunner(env=rejected.to_env())
    plain = runner.invoke(quarantine.command, ["show"])
    whole = runner.invoke(quarantine.command, ["show", "--bytes"])
    listed = runner.invoke(quarantine.command, ["list", "--json"])

    assert "Quentin" not in plain.stdout
    assert "$.specversion" in plain.stdout
    assert "Quentin" in whole.stdout
    assert sum(group["records"] for group in json.loads(listed.stdout)) == 3


def test_command_asks_before_it_sends(rejected: Settings) -> None:
    runner = CliRunner(env=rejected.to_env())
    counted = runner.invoke(replay.command, ["--dry-run"])
    refused = runner.invoke(replay.command, [], input="n\n")
    agreed = runner.invoke(replay.command, [], input="y\n")

    assert "2 records would be sent" in counted.stdout
    assert refused.exit_code == 1
    assert "2 records sent again, 1 not sent again" in agreed.stdout


def test_what_was_left_out_is_listed_by_source_and_field(lake_settings: Settings, send: Send, contact: Contact) -> None:
    """Items of one list are counted together. The latest record is listed with its position, and no value is shown."""
    send([contact(1, lsoa_code="planted"), contact(2, lsoa_code=7), contact(3, source_code="planted"), contact(4)])
    run(lake_settings, once=True)
    runner = CliRunner(env=lake_settings.to_env())
    shown = runner.invoke(quarantine.command, ["left-out", "--json"]).output
    fields = [json.loads(line) for line in shown.splitlines()]

    assert [(field["path"], field["reason"], field["events"]) for field in fields] == [
        ("$.data.lsoa_code", "schema", 1),
        ("$.data.lsoa_code", "schema", 1),
        ("$.data.source_code", "code_set", 1),
    ]
    assert {field["source"] for field in fields} == {"/wirral/front-door"}
    assert "planted" not in shown
    assert "planted" not in runner.invoke(quarantine.command, ["left-out", "--reason", "code_set"]).output
