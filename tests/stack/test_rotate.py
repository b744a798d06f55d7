"""The secrets of a home are listed without their values, and replaced without a moment in which nobody can log in."""

import json
from contextlib import closing

import pytest
from click.testing import CliRunner
from kafka import KafkaProducer
from kafka.errors import KafkaError

from dashboard.access.login import Door
from streams import names
from streams.audit.recorder import Recorder
from streams.cli.main import caf
from streams.errors import SettingInvalid
from streams.kafka.client import consumer, producer
from streams.kafka.login import login, properties, secret_file
from streams.kafka.rights import principals
from streams.stack import airflow, broker, processes, rotate
from streams.stack.broker_secrets import BROKER


class Crashed(Exception):
    """The process ended here."""


def renew(settings, *chosen):
    for one in rotate.choose(rotate.secrets_of(settings), chosen):
        one.renew(lambda _: None)


def lets_in(settings, options):
    try:
        KafkaProducer(bootstrap_servers=settings.bootstrap, bootstrap_timeout_ms=2_000, **options).close()
    except KafkaError:
        return False
    return True


def plain(settings):
    """The present login as plain text, as somebody would copy it."""
    return {name: str(value) for name, value in login(settings).items()}


def test_list_shows_names_and_times_and_no_secret(settings, kafka):
    airflow.new_passwords(settings.home)
    Door(settings, Recorder(settings))
    shown = CliRunner().invoke(caf, ["secrets", "list"], env=settings.to_env())
    as_json = CliRunner().invoke(caf, ["secrets", "list", "--json"], env=settings.to_env())
    values = [properties(secret_file(settings.home, one))["sasl.password"] for one in (BROKER, *principals())]
    values += [json.loads(airflow.password_file(settings.home).read_text())["admin"]]
    values += [(settings.home / "desk" / "secret").read_text()]

    wanted = [f"kafka/{one}" for one in (*principals(), BROKER)] + ["airflow/password", "pages/session-key"]
    assert [line.split()[0] for line in shown.output.splitlines()] == wanted
    assert [json.loads(line)["name"] for line in as_json.output.splitlines()] == wanted
    assert [one for one in values if one in shown.output + as_json.output] == []


def test_connected_clients_go_on_and_connect_again_after_the_broker_restarts(settings, fresh_topics):
    """The clients live through both rotations. No other client has told them the new passwords."""
    with (
        closing(producer(settings.acting_as("land"))) as sender,
        closing(consumer(settings.acting_as("watch"), [names.REFERRAL])) as reader,
    ):
        found = []
        for value, replaced in ((b"1", ()), (b"2", ("kafka/land", "kafka/watch")), (b"3", ("kafka/broker",))):
            if replaced:
                renew(settings, *replaced)
            sender.send(names.REFERRAL, key=b"F-1", value=value).get(timeout=60)
            while len(found) < int(value):
                found += [record.value for batch in reader.poll(1_000).values() for record in batch]

    assert found == [b"1", b"2", b"3"]


def test_old_password_no_longer_logs_in(settings, kafka):
    old, old_broker = plain(settings.acting_as("subscriber")), plain(settings.acting_as(BROKER))
    before = lets_in(settings, old), lets_in(settings, old_broker)
    renew(settings, "kafka/subscriber", "kafka/broker")

    assert before == (True, True)
    assert (lets_in(settings, old), lets_in(settings, old_broker)) == (False, False)
    assert lets_in(settings, plain(settings.acting_as("subscriber")))
    assert lets_in(settings, plain(settings.acting_as(BROKER)))


def test_rotation_that_ended_before_the_file_was_written_is_undone_by_the_next_start(settings, kafka, monkeypatch):
    def crash(*_):
        raise Crashed

    monkeypatch.setattr(rotate, "write_password", crash)
    with pytest.raises(Crashed):
        renew(settings, "kafka/watch")
    between = lets_in(settings, plain(settings.acting_as("watch")))
    broker.start(settings)

    assert not between
    assert lets_in(settings, plain(settings.acting_as("watch")))


def test_broker_whose_new_password_it_never_read_is_started_again_by_the_next_start(settings, kafka, monkeypatch):
    def crash(*_):
        raise Crashed

    before = processes.find(settings.home, broker.NAME)
    monkeypatch.setattr(broker, "start", crash)
    with pytest.raises(Crashed):
        renew(settings, "kafka/broker")
    monkeypatch.undo()
    broker.start(settings)

    assert processes.find(settings.home, broker.NAME) != before
    assert broker.answers(settings)


def test_login_that_was_deleted_is_made_again_by_the_next_start(settings, kafka):
    for one in ("build", BROKER):
        secret_file(settings.home, one).unlink()
    broker.start(settings)

    assert lets_in(settings, plain(settings.acting_as("build")))


def test_new_session_key_ends_all_sessions_at_once(settings):
    from dashboard.access.accounts import Accounts

    Accounts(settings.home).add("sam", "correct horse battery")
    door = Door(settings, Recorder(settings))
    cookie = door.enter("sam", "correct horse battery", "127.0.0.1")
    before = door.who(cookie).name
    CliRunner().invoke(caf, ["secrets", "rotate", "pages/session-key"], env=settings.to_env())

    assert (before, door.who(cookie).name) == ("sam", "")
    assert door.who(door.enter("sam", "correct horse battery", "127.0.0.1")).name == "sam"


def test_unknown_secret_is_named_with_the_known_ones(settings, kafka):
    with pytest.raises(SettingInvalid, match="this home has no secret 'kafka/wach'; known: kafka/watch, kafka/land"):
        rotate.choose(rotate.secrets_of(settings), ("kafka/wach",))


def test_dry_run_replaces_nothing_and_says_what_restarts(settings, kafka):
    before = plain(settings)
    shown = CliRunner().invoke(caf, ["secrets", "rotate", "--dry-run"], env=settings.to_env())

    assert "kafka/broker  (restarts Kafka)" in shown.output.splitlines()
    assert plain(settings) == before
