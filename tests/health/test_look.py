"""
Parts are broken on purpose, on real servers. A health check reports each fault, `status` exits with 1, and the metrics
report it as well.
"""

import json
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families as families

from streams import names
from streams.alerts.publisher import Publisher
from streams.cli.main import caf
from streams.contracts.outputs import Heartbeat
from streams.errors import MartsHeld
from streams.health.broker import ask_broker, waiting
from streams.health.look import Health, Observer
from streams.health.metrics import Metrics
from streams.health.row import Row
from streams.kafka.client import admin, consumer, producer
from streams.lake.connect import connect
from streams.lake.generations import confirm
from streams.lake.sign import sign_of_life
from streams.land import run
from streams.settings import Settings
from streams.stack.ports import free_ports
from tests.kafka.test_topics import STAMPED, make

Eventually = Callable[[str, Callable[[Row], bool]], Row]
Look = Callable[[], Health]
Sql = Callable[..., list[tuple]]
PRIVATE = "F-4711"


def send(settings: Settings, count: int = 1, topic: str = names.REFERRAL) -> None:
    """Send unreadable records about one family."""
    kafka = producer(settings)
    for _ in range(count):
        kafka.send(topic, key=PRIVATE.encode(), value=PRIVATE.encode())
    kafka.flush()
    kafka.close()


def status(settings: Settings, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(caf, ["status", *words], env=settings.to_env())
    return done.exit_code, done.output + str(done.exception or "")


def printed(output: str) -> dict[str, object]:
    """Return the JSON object that stands among log lines."""
    return json.loads(next(line for line in output.splitlines() if line.startswith("{")))


def levels(health: Health) -> dict[str, float]:
    """Return the level of each part in the Prometheus metrics."""
    metrics = Metrics()
    metrics.note(health, None)
    (family,) = [one for one in families(metrics.text().decode()) if one.name == "caf_part_level"]
    return {sample.labels["part"]: sample.value for sample in family.samples}


def test_stopped_and_killed_parts_are_reported_and_well_once_they_run_again(
    health_settings: Settings, verb: Callable, eventually: Eventually, look: Look
) -> None:
    land, watch = verb("land"), verb("watch")
    for part in ("land", "watch"):
        eventually(part, lambda row: row.level == "well" and row.state == "running")
    land.send_signal(signal.SIGSTOP)
    watch.kill()
    send(health_settings)
    stopped = eventually("land", lambda row: row.state == "not running" and bool(row.waiting))
    killed = eventually("watch", lambda row: row.level == "red")
    told, checked = levels(look()), status(health_settings, "--check", "land")
    land.send_signal(signal.SIGCONT)
    again = eventually("land", lambda row: row.level == "well" and row.state != "starting")

    assert f"process {land.pid} on" in stopped.says
    assert killed.state in {"not running", "standing still"}
    assert (told["land"], told["watch"], checked[0]) == (2, 2, 1)
    assert again.state == "running"
    assert status(health_settings, "--check", "land")[0] == 0


def test_part_that_dies_at_a_record_again_and_again_is_reported_with_the_record(
    health_settings: Settings, eventually: Eventually, look: Look
) -> None:
    """The part has a new process each time, so Airflow would show a running task."""
    (Path(health_settings.lake_folder) / "landing").parent.mkdir(parents=True, exist_ok=True)
    (Path(health_settings.lake_folder) / "landing").write_text("in the way of the lake's files")
    send(health_settings)
    for _ in range(3):
        with pytest.raises(Exception, match="lake"):
            run(health_settings, once=True)
    found = eventually("land", lambda row: row.state == "restart loop" and (row.waiting_seconds or 0) > 10)
    code, output = status(health_settings, "--json")
    facts = printed(output)

    assert (code, found.level, found.restarts, levels(look())["land"]) == (1, "red", 3, 2)
    assert f"{names.REFERRAL}/" in found.says
    assert found.error in found.says
    assert found.error
    assert any("land restarts again and again" in trouble for trouble in facts["troubles"])
    assert PRIVATE not in output


def test_part_with_signs_of_life_cannot_hide_waiting_records(
    health_settings: Settings, look: Look, sql: Sql, until: Callable
) -> None:
    """
    The part gives signs of life and its loop runs, but it lands no record. Kafka and the lake show that records
    wait.
    """
    send(health_settings, 3)
    impatient = Observer(replace(health_settings, late_seconds=1.0))
    with sign_of_life(health_settings, "land") as sign:
        until(lambda: sign.turn() or (impatient.look().row("land").waiting_seconds or 0) > 1)
        sql("UPDATE health.looks SET looked_at = looked_at - interval '90 seconds'")
        sql("UPDATE health.runs SET started_at = started_at - interval '1 hour'")
        sign.turn()
        row = until(lambda: impatient.look().row("land"))

    assert (row.level, row.state, row.waiting) == ("red", "standing still", 3)
    assert "land runs but has done nothing for" in row.says
    assert "3 records wait to be landed" in row.says


def test_marts_that_are_held_are_amber(health_settings: Settings, until: Callable) -> None:
    """The part stays amber even if held marts end the build's task again and again."""
    for _ in range(3):
        with pytest.raises(MartsHeld), sign_of_life(health_settings, "build"):
            raise MartsHeld("new marts are held: referral.volume; readers keep the last good marts")
    observer = Observer(health_settings, lambda _: ["referral.volume: 3 records"])
    # On a busy machine, a health check may end before the lake has answered.
    row = until(lambda: (found := observer.look().row("build")) and found.state == "held" and found)

    assert row.level == "amber"
    assert "referral.volume: 3 records" in row.says


def test_silent_watcher_is_noticed_although_its_process_gives_signs_of_life(
    health_settings: Settings, eventually: Eventually
) -> None:
    publisher = Publisher(health_settings)
    publisher.heartbeat(Heartbeat(leader="one", as_of=datetime.now(UTC), offsets={}))
    publisher.close()
    with sign_of_life(health_settings, "watch"):
        found = eventually("watch", lambda row: row.level == "red")

    assert "the watcher has been silent for" in found.says


def test_missing_topic_is_reported(health_settings: Settings, look: Look, until: Callable) -> None:
    client = admin(health_settings)
    client.delete_topics([names.ESCALATION])
    until(lambda: names.ESCALATION not in client.list_topics())
    client.close()
    row = look().row("kafka")

    assert row.level == "red"
    assert f"topic {names.ESCALATION} is missing" in row.says


def test_how_long_a_record_waits_is_known_without_reading_it(health_settings: Settings) -> None:
    """
    The time is that of the oldest waiting record, here in the middle of a partition. The time is measured by the
    broker's clock and may be off by about half a second.
    """
    for _ in range(3):
        send(health_settings, 2)
        time.sleep(0.7)
    with closing(consumer(health_settings, [names.REFERRAL])) as kafka:
        records = []
        while len(records) < 6:
            records += [record for batch in kafka.poll(500).values() for record in batch]
    broker = ask_broker(health_settings, {})
    third = records[2]
    done = {(names.REFERRAL, third.partition): 2}
    now = datetime.now(UTC)
    backlog = waiting(health_settings, broker, {"land": done}, now)["land"]
    came_at = now.timestamp() - backlog.seconds

    assert (backlog.records, backlog.first) == (4, f"{names.REFERRAL}/{third.partition}/2")
    assert abs(came_at - third.timestamp / 1000) < 0.6


def test_records_of_a_partition_that_nobody_reads_wait(health_settings: Settings) -> None:
    """The watcher does not read the partition, because the partition was added while the watcher ran."""
    publisher = Publisher(health_settings)
    publisher.heartbeat(Heartbeat(leader="one", as_of=datetime.now(UTC), offsets={names.REFERRAL: [0] * 6}))
    publisher.close()
    with closing(admin(health_settings)) as client:
        client.create_partitions({names.REFERRAL: 7})
    with closing(producer(health_settings)) as kafka:
        kafka.send(names.REFERRAL, value=b"{}", partition=6).get(timeout=30)
    row = Observer(health_settings).look().row("watch")

    assert row.waiting == 1


def test_records_that_readers_never_see_do_not_count_as_waiting(health_settings: Settings) -> None:
    """Consumers never see aborted records or the marker that ends a transaction, but both have offsets."""
    with closing(producer(health_settings, transactional_id="partner")) as kafka:
        kafka.init_transactions()
        for end in (kafka.commit_transaction, kafka.abort_transaction):
            kafka.begin_transaction()
            partition = kafka.send(names.REFERRAL, key=b"F-1", value=b"{}").get(timeout=30).partition
            end()
    time.sleep(11)
    broker, place = ask_broker(health_settings, {}), (names.REFERRAL, partition)
    found = waiting(health_settings, broker, {"land": {place: 1}, "watch": {place: 0}}, datetime.now(UTC))
    with closing(producer(health_settings)) as kafka:
        kafka.send(names.ESCALATION, value=b"{}", partition=0).get(timeout=30)
    broker, done = ask_broker(health_settings, {}), {"land": {place: 1, (names.ESCALATION, 0): 0}}
    beside = waiting(health_settings, broker, done, datetime.now(UTC))["land"]

    assert broker.ends[place] == 4
    assert found["land"].records == 0
    assert found["watch"].records > 0
    assert (beside.records, beside.first) == (1, f"{names.ESCALATION}/0/0")
    assert beside.seconds < 300


def test_transaction_that_is_left_open_is_reported(health_settings: Settings) -> None:
    """Until the transaction ends, consumers see no later record in its partition, even from other senders."""
    with closing(producer(health_settings, transactional_id="partner")) as kafka:
        kafka.init_transactions()
        kafka.begin_transaction()
        kafka.send(names.REFERRAL, key=PRIVATE.encode(), value=b"{}").get(timeout=30)
        send(health_settings, 2)
        time.sleep(2)
        row = Observer(replace(health_settings, late_seconds=1.0)).look().row("kafka")
        kafka.abort_transaction()

    assert (row.level, row.state) == ("red", "in trouble")
    assert "3 records from caf.referral.v1/" in row.says
    assert "a sender has left a transaction open" in row.says


def test_look_without_any_server_ends_and_reports_what_is_missing(settings: Settings, tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    away = replace(
        settings,
        home=tmp_path,
        kafka=nobody,
        postgres=f"postgresql://caf:hidden-word@{nobody}/caf",
        airflow=f"http://admin:hidden-word@{nobody}",
    )
    code, output = status(away, "--json")
    rows = {row["part"]: row["state"] for row in printed(output)["parts"]}

    assert code == 1
    assert {rows[name] for name in ("kafka", "postgres", "airflow")} == {"does not answer"}
    assert "hidden-word" not in output


def test_recreated_topic_is_red_until_a_person_confirms_it(health_settings: Settings, look: Look) -> None:
    send(health_settings, 3)
    run(health_settings, once=True)
    make(health_settings, names.REFERRAL, health_settings.partitions, **STAMPED)
    before = look().row("kafka")
    send(health_settings, 2)
    run(health_settings, once=True)
    run(health_settings, once=True)
    seen = look()
    with connect(health_settings, landing="read_write", marts=None) as lake:
        confirm(lake, names.REFERRAL, "a person")
    after = look()

    for row in (before, seen.row("kafka")):
        assert row.level == "red"
        assert f"{names.REFERRAL} was deleted and recreated" in row.says
    assert seen.row("land").waiting == 0
    assert "recreated" not in after.row("kafka").says


def test_a_topic_that_has_lost_its_end_is_red(health_settings: Settings, look: Look) -> None:
    send(health_settings, 3)
    run(health_settings, once=True)
    with connect(health_settings, landing="read_write", marts=None) as lake:
        lake.execute("UPDATE landing.main.quarantine SET kafka_offset = 7 WHERE kafka_offset = 2")
    row = look().row("kafka")

    assert row.level == "red"
    assert "but rows up to 8 have landed" in row.says


def test_login_that_could_stop_the_parts_is_reported(health_settings: Settings, look: Look, sql: Sql) -> None:
    connect(health_settings).close()
    assert look().row("postgres").level == "well"
    sql("DROP ROLE IF EXISTS lisa; CREATE ROLE lisa LOGIN IN ROLE caf_analyst")
    sql("GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO lisa")
    try:
        row = look().row("postgres")
    finally:
        sql("DROP OWNED BY lisa; DROP ROLE lisa")

    assert row.level == "amber"
    assert row.says.startswith("lisa could take the locks")
