"""The audit from the action to the proof, on a real broker and a real lake."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import msgspec
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from dashboard.access.accounts import Accounts
from streams import names
from streams.audit.checkpoints import kept_checkpoints, sent_checkpoints
from streams.audit.entries import Actor, entries
from streams.audit.proof import prove
from streams.audit.queries import ids_in
from streams.audit.recorder import Recorder
from streams.cli.main import caf
from streams.contracts.codesets import AuditAction, AuditActor
from streams.errors import AuditUnavailable, PartsDisagree
from streams.kafka.client import admin, producer
from streams.lake.connect import connect
from streams.land import run
from streams.land.verify import verify_offsets
from streams.settings import Settings
from streams.stack.machine import MARKER
from streams.stack.ports import free_ports
from tests.audit.entries import sent_entries

ROWS = "FROM landing.main.audit"
SAM = Actor(AuditActor.ACCOUNT, "sam", "desk")
CHANGES = {
    "changed": "UPDATE landing.main.audit SET who = 'tom' WHERE kafka_offset = 3",
    "removed": "DELETE FROM landing.main.audit WHERE kafka_offset = 3",
    "the first removed": "DELETE FROM landing.main.audit WHERE kafka_offset = 0",
    "another id": "UPDATE landing.main.audit SET family_ids = ['F-9'] WHERE kafka_offset = 3",
    "at another time": 'UPDATE landing.main.audit SET "at" = "at" + INTERVAL 1 HOUR WHERE kafka_offset = 3',
    "moved": "UPDATE landing.main.audit SET kafka_offset = 5 - kafka_offset WHERE kafka_offset IN (2, 3)",
    "added": "INSERT INTO landing.main.audit FROM landing.main.audit WHERE kafka_offset = 3",
}


@pytest.fixture
def audited(fresh_settings: Settings, fresh_topics: str) -> Settings:
    """A lake, topics and a home without an entry."""
    shutil.rmtree(fresh_settings.home / "audit", ignore_errors=True)
    (fresh_settings.home / MARKER).touch()
    return fresh_settings


def see(settings: Settings, *families: str) -> None:
    with closing(Recorder(settings.acting_as("pages"))) as recorder:
        for family in families:
            recorder.record(entries(SAM, AuditAction.ALERTS_SEEN, "alerts", {"family_ids": [family]}))


def call(settings: Settings, *words: str) -> Result:
    return CliRunner().invoke(caf, words, env=settings.to_env())


def test_each_change_to_what_has_landed_is_found(audited: Settings) -> None:
    """Two runs of landing make two checkpoints, so that the range with the change is known."""
    see(audited, "F-1", "F-2")
    run(audited, once=True)
    see(audited, "F-3", "F-4", "F-5")
    run(audited, once=True)
    whole = prove(audited)
    kept = kept_checkpoints(audited)

    assert (whole.entries, whole.covered, whole.checkpoints, whole.sent, whole.differences) == (5, 5, 2, 5, [])
    assert kept == sent_checkpoints(audited)
    assert verify_offsets(audited).differences == []
    for name, change in CHANGES.items():
        found = _after(audited, change, lambda: prove(audited))
        first = found.differences[0]
        expected = (0, 2) if name == "the first removed" else (2, 5)

        assert (name, first.first, first.end) == (name, *expected)
        # The topic still has what was recorded, so the changed entry itself is known.
        assert {one.first for one in found.differences[1:]} & {0, 2, 3}
    with pytest.raises(PartsDisagree, match="1 of 5 entries are missing"):
        _after(audited, CHANGES["removed"], lambda: prove(audited).raise_if_different())


def test_checkpoint_kept_elsewhere_finds_what_was_changed_everywhere(audited: Settings, tmp_path) -> None:
    """Here the home's checkpoints and both topics are lost, as if somebody had made them again."""
    see(audited, "F-1", "F-2")
    run(audited, once=True)
    kept = tmp_path / "kept"
    kept.write_text(call(audited, "audit", "checkpoint").stdout)
    shutil.rmtree(audited.home / "audit")
    unreachable = replace(audited, kafka_port=free_ports(1)[0])
    with connect(audited, landing="read_write", marts=None) as lake:
        lake.execute(CHANGES["changed"].replace("3", "1"))
    without, against = (call(unreachable, "audit", "verify", *words) for words in ((), ("--against", str(kept))))

    assert (without.exit_code, against.exit_code) == (0, 1)
    assert isinstance(against.exception, PartsDisagree)


def _after(settings: Settings, change: str, ask: Callable):
    """Change the rows, ask, and put the rows back."""
    with connect(settings, landing="read_write", marts=None) as lake:
        lake.register("before", lake.execute(ROWS).to_arrow_table())
        lake.execute(change)
        try:
            return ask()
        finally:
            lake.execute("DELETE FROM landing.main.audit")
            lake.execute("INSERT INTO landing.main.audit BY NAME FROM before")


def test_nobody_may_change_or_delete_entries(audited: Settings) -> None:
    see(audited, "F-1")
    with closing(admin(audited)) as client:
        attempts = [
            lambda topic: client.delete_topics([topic]),
            lambda topic: client.delete_records({TopicPartition(topic, 0): 1}),
            lambda topic: _altered(client, topic),
        ]
        for topic in (names.AUDIT, names.AUDIT_CHECKPOINTS):
            for attempt in attempts:
                with pytest.raises(KafkaError):
                    attempt(topic)
    with closing(producer(audited)) as client, pytest.raises(TopicAuthorizationFailedError):
        client.send(names.AUDIT_CHECKPOINTS, value=b"{}").get(timeout=20)
    for part in ("pages", "share", "build", "watch", "subscriber"):
        with pytest.raises(TopicAuthorizationFailedError):
            sent_entries(audited.acting_as(part))

    assert [one.family_ids for one in sent_entries(audited)] == [["F-1"]]


def test_without_a_broker_entries_wait_in_the_home_and_are_sent_later(audited: Settings) -> None:
    away = replace(audited, kafka_port=free_ports(1)[0])
    see(away, "F-1", "F-2")
    assert sent_entries(audited) == []
    see(audited, "F-3")

    assert [one.family_ids for one in sent_entries(audited)] == [["F-3"], ["F-1"], ["F-2"]]
    (audited.home / "audit" / "waiting").unlink()
    (audited.home / "audit" / "waiting").mkdir()
    with pytest.raises(AuditUnavailable):
        see(away, "F-4")
    (audited.home / "audit" / "waiting").rmdir()


def test_query_leaves_its_tables_and_ids_but_not_its_text(audited: Settings) -> None:
    see(audited, "F-1")
    run(audited, once=True)
    with connect(audited, landing="read_write", marts=None) as lake:
        lake.execute("INSERT INTO landing.main.events (topic, kafka_partition, kafka_offset, family_id) "
                     "VALUES ('test', 0, 0, 'F-7')")  # fmt: skip
    query = "select 'Smith'; select count(*) from landing.main.events where family_id in ('F-7', 'Jones')"
    Accounts(audited.home).add("sam", "correct horse battery", "desk")
    secret = audited.home / "password"
    secret.write_text("correct horse battery\n")
    login = ("--role", "desk", "--as", "sam", "--password-file", str(secret))
    assert call(audited, "sql", query, *login).exit_code == 0
    entered, read = sent_entries(audited)[-2:]

    assert (entered.action, entered.who, entered.role, entered.subject) == ("logged_in", "sam", "desk", "sql")
    assert (read.action, read.subject, read.family_ids) == ("lake_queried", "landing.main.events", ["F-7"])
    assert (read.actor, read.who) == ("account", "sam")
    assert "Smith" not in str(read)
    assert "Jones" not in str(read)


@pytest.mark.parametrize(
    ("query", "families", "persons"),
    [
        ("SELECT * FROM e WHERE family_id=$$F-7$$", ["F-7"], []),
        ("SELECT * FROM e WHERE family_id=$x$F-7$x$ OR person_id = 'P-1'", ["F-7"], ["P-1"]),
        ("SELECT * FROM e WHERE family_id = e'F-7'", ["F-7"], []),
        ("SELECT * FROM e WHERE family_id LIKE 'F-7%'", ["F-7"], []),
        ("SELECT * FROM e WHERE list_contains(split('F-7/F-8', '/'), family_id)", ["F-7", "F-8"], []),
        ("SELECT * FROM e WHERE list_contains(person_ids, $$P-child$$)", [], ["P-child"]),
        ("SELECT 'P-linked', 'F-release', 'F-marker' -- F-7", ["F-7", "F-marker", "F-release"], ["P-linked"]),
        ("SELECT 'xF-7', 'F-77', 'F' || '-7'", [], []),
    ],
)
def test_ids_are_found_however_a_query_writes_them(
    audited: Settings, query: str, families: list[str], persons: list[str]
) -> None:
    """An id may also be known only from a column that lists several, or from a link, a marker or a release."""
    with connect(audited, landing="read_write", marts=None) as lake:
        lake.execute("""
            INSERT INTO landing.main.events BY NAME
            SELECT 'test' AS topic, 0 AS kafka_partition, unnest([0, 1]) AS kafka_offset,
                unnest(['F-7', 'F-8']) AS family_id, 'P-1' AS person_id, ['P-child'] AS person_ids,
                'P-linked' AS linked_person_id, 'F-release' AS release_family_id, ['F-marker'] AS marker_families
        """)
    found = ids_in(audited, query)

    assert (found["family_ids"], found["person_ids"]) == (families, persons)


def test_reading_the_audit_is_recorded_and_finds_who_saw_a_family(audited: Settings) -> None:
    see(audited, "F-1", "F-2")
    run(audited, once=True)
    listed = call(audited, "audit", "--family", "F-2", "--json")
    (found,) = map(json.loads, listed.stdout.splitlines())
    read = sent_entries(audited)[-1]

    assert (found["who"], found["family_ids"]) == ("sam", ["F-2"])
    assert (read.actor, read.action, read.family_ids) == ("user", "audit_read", ["F-2"])
    assert call(audited, "audit", "--who", "nobody").stdout == ""
    assert call(audited, "audit", "--family", "Jo Smith").exit_code == 2
    assert "Smith" not in str(sent_entries(audited))


def test_accounts_and_holds_leave_entries(audited: Settings) -> None:
    call(audited, "desk", "add", "pat", "--role", "figures", "--generate")
    call(audited, "desk", "remove", "pat")
    call(audited, "desk", "remove", "a name that no account has")
    call(audited, "publish", "--begin", "2026-01-01", "--why", "complete")

    assert [(one.action, one.subject) for one in sent_entries(audited)] == [
        ("account_set", "pat, role figures"),
        ("account_removed", "pat"),
        ("publication_begun", f"{audited.authority} 2026-01-01"),
    ]


def test_record_that_is_no_entry_is_kept_and_proven_too(audited: Settings) -> None:
    with closing(producer(audited)) as client:
        client.send(names.AUDIT, value=b"rubbish").get(timeout=20)
    see(audited, "F-1")
    run(audited, once=True)

    assert (prove(audited).entries, prove(audited).differences) == (2, [])
    with connect(audited, landing="read_write", marts=None) as lake:
        lake.execute("UPDATE landing.main.quarantine SET record_value = 'x'::BLOB")
    assert prove(audited).differences[0].first == 0
    assert msgspec.json.decode(msgspec.json.encode(kept_checkpoints(audited)[0]))["size"] == 2


def _altered(client: KafkaAdminClient, topic: str) -> None:
    """Shorten the retention of a topic. The client returns an error and does not raise it."""
    answer = client.alter_configs([ConfigResource("TOPIC", topic, {"retention.ms": "1"})])["topic"][topic]
    if answer != "OK":
        raise KafkaError(answer)
