"""Every kind of difference that `verify` reports, each made on purpose."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from kafka import TopicPartition

from streams import names
from streams.cli.verify import command
from streams.errors import PartsDisagree
from streams.kafka.client import admin
from streams.lake.connect import connect
from streams.land import run
from streams.land.verify import Gap, verify_offsets
from streams.settings import Settings

Send = Callable[..., None]
Contact = Callable[..., tuple[bytes, bytes]]


@pytest.fixture
def landed(lake_settings: Settings, send: Send, contact: Contact) -> Settings:
    """A lake with ten rows of one partition of the referral topic."""
    send((contact(number) for number in range(10)), partition=2)
    run(lake_settings, once=True)
    return lake_settings


def differences(settings: Settings) -> list[Gap]:
    return verify_offsets(settings).differences


def test_landed_stream_has_no_difference(landed: Settings) -> None:
    verified = verify_offsets(landed)
    verified.raise_if_different()

    assert (verified.rows, verified.differences) == (10, [])


def test_lost_rows_are_missing(landed: Settings) -> None:
    with connect(landed, landing="read_write", marts=None) as lake:
        lake.execute("DELETE FROM landing.main.events WHERE kafka_offset IN (0, 4, 5, 7, 9)")

    assert [(gap.first, gap.end, gap.what) for gap in differences(landed)] == [
        (0, 1, "not landed"),
        (4, 6, "missing"),
        (7, 8, "missing"),
        (9, 10, "not landed"),
    ]


def test_row_in_two_tables_is_doubled(landed: Settings) -> None:
    with connect(landed, landing="read_write", marts=None) as lake:
        lake.execute(
            "INSERT INTO landing.main.quarantine BY NAME "
            "SELECT topic, kafka_partition, kafka_offset FROM landing.main.events WHERE kafka_offset = 3"
        )

    assert differences(landed) == [Gap(names.REFERRAL, 2, 3, 4, "doubled")]


def test_row_beyond_the_topic_is_reported(landed: Settings) -> None:
    with connect(landed, landing="read_write", marts=None) as lake:
        lake.execute(
            "INSERT INTO landing.main.events BY NAME "
            f"SELECT '{names.REFERRAL}' AS topic, 2 AS kafka_partition, 10 AS kafka_offset"
        )

    assert differences(landed) == [Gap(names.REFERRAL, 2, 10, 11, "not in the topic")]


def test_unlanded_records_are_waited_for_and_then_reported(landed: Settings, send: Send, contact: Contact) -> None:
    send([contact(99)], partition=1)
    verified = verify_offsets(landed, wait=1.0)

    assert verified.differences == [Gap(names.REFERRAL, 1, 0, 1, "not landed")]
    with pytest.raises(PartsDisagree, match="not landed"):
        verified.raise_if_different()


def test_records_that_expired_after_landing_are_no_difference(landed: Settings) -> None:
    """Once Kafka's retention has deleted records, the lake alone holds them."""
    expire(landed, before=6)

    assert differences(landed) == []


def test_records_that_expired_unlanded_are_reported(landed: Settings, send: Send, contact: Contact) -> None:
    send((contact(number) for number in range(10, 20)), partition=2)
    expire(landed, before=15)

    assert differences(landed) == [
        Gap(names.REFERRAL, 2, 10, 15, "expired before landing"),
        Gap(names.REFERRAL, 2, 15, 20, "not landed"),
    ]


def test_command_prints_figures_and_fails_on_differences(landed: Settings, send: Send, contact: Contact) -> None:
    runner = CliRunner(env=landed.to_env())
    good = runner.invoke(command, ["--json"])
    send([contact(99)], partition=1)
    bad = runner.invoke(command)

    # In this test, the command logs to stdout as well, because it runs in the test's own process.
    assert (good.exit_code, json.loads(good.stdout.splitlines()[-1])["offsets"]["rows"]) == (0, 10)
    assert isinstance(bad.exception, PartsDisagree)
    assert "not landed" in bad.stdout


def expire(settings: Settings, *, before: int) -> None:
    """Make the broker delete the first records of partition 2."""

    client = admin(settings)
    client.delete_records({TopicPartition(names.REFERRAL, 2): before})
    client.close()
