"""Data that PostgreSQL cannot store or process stops neither a batch, nor the watcher, nor another family's alerts."""

import json
import random
import string
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from streams import names
from streams.contracts import event_types
from streams.contracts.generate.examples import event_example
from streams.lake.connect import catalog_dsn
from streams.lake.session import Session
from streams.watch.run import run
from tests.watch.test_run import judged_everything

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONGEST_NAME, LONGEST_ID = 128, 64


def test_record_that_the_database_refuses_is_named_and_the_others_are_evaluated(
    watch_settings, project, referral, send, alerts
):
    """A database administrator may have added a constraint, for example. The rest of the batch is evaluated."""
    now = datetime.now(UTC)
    run(watch_settings, until=lambda: judged_everything(watch_settings), for_seconds=60, project=project)
    with closing(Session(catalog_dsn(watch_settings), "a test")) as session:
        session.command("ALTER TABLE watch.events ADD CHECK (record_key <> 'F-refused')")
    for number in range(3):
        send(referral(f"a-{number}", "F-1", at=now - timedelta(hours=5 - number)))
        send(referral(f"b-{number}", "F-refused", at=now - timedelta(hours=5 - number)))
    run(
        watch_settings,
        until=lambda: len(alerts()) >= 5 and judged_everything(watch_settings),
        for_seconds=60,
        project=project,
    )

    log = (watch_settings.home / "logs" / "postgres.log").read_text()
    raised = [alert for alert in alerts() if alert.rule == "re_referral"]
    unread = [alert for alert in alerts() if alert.rule == "unreadable_report"]
    assert {(alert.family_id, alert.anchor_id) for alert in raised} == {("F-1", "r-a-1"), ("F-1", "r-a-2")}
    assert len({alert.entity_id for alert in unread}) == len(unread) == 3
    assert judged_everything(watch_settings)
    assert "violates check constraint" in log
    assert "F-refused" not in log


@pytest.fixture
def longest():
    """Makes a text of the given length that compression cannot shorten."""
    chance = random.Random(5)
    return lambda length: "a" + "".join(chance.choices(string.ascii_letters + string.digits, k=length - 1))


@pytest.mark.parametrize("type_", sorted(event_types()))
def test_longest_ids_that_the_contract_allows_are_stored(type_, desk_of, rules, longest):
    struct = event_types()[type_]
    example = event_example(struct)
    data = {
        name: longest(LONGEST_ID) if name.endswith("_id") and isinstance(value, str) else value
        for name, value in example["data"].items()
    }
    event = example | {"id": longest(LONGEST_NAME), "source": longest(LONGEST_NAME), "data": data}
    key = next(data[name] for name in struct.key_fields if data.get(name))
    desk = desk_of(rules)
    desk.take((struct.topic, key.encode(), json.dumps(event).encode()))

    assert desk.alerting.state.session.run("SELECT root_id, record_key FROM watch.events") == [(event["id"], key)]


def test_overlong_replay_header_is_ignored(desk_of, rules, referral, longest):
    """No Kafka topic can have such a long name. The record is evaluated without the header."""
    topic, key, value = referral(1, at=NOW - timedelta(hours=2))
    marks = [longest(9_000) + "/1/1", f"{names.REFERRAL}/1/{'9' * 19}", f"{names.REFERRAL}/{'9' * 10}/1"]
    desk = desk_of(rules)
    desk.take(*((topic, key, value, [("caf-replay-of", mark.encode())]) for mark in marks))

    assert desk.alerting.state.session.run("SELECT replay_of FROM watch.events") == [(None,)] * 3
