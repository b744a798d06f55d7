"""A `land` process is killed, started twice, stalled or overtaken. Every offset must keep exactly one row."""

import itertools
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import psycopg2
import pyarrow as pa
import pytest

from streams import names
from streams.contracts import decode
from streams.contracts.columns import events_table
from streams.errors import CafError, LakeConflict
from streams.lake.connect import catalog_dsn, connect
from streams.land import run
from streams.land.store import LandingStore
from streams.land.verify import verify_offsets
from streams.settings import PROJECT, Settings

pytestmark = pytest.mark.long

KILLS = 10
CHILD = "from streams.land import run; from streams.settings import Settings; run(Settings.from_env())"

Send = Callable[..., None]
Contact = Callable[..., tuple[bytes, bytes]]
Rows = Callable[[str], list[tuple]]


@contextmanager
def child(settings: Settings, *command: str) -> Iterator[subprocess.Popen]:
    """Run a process that lands records. If the process still runs at the end, kill it."""
    started = subprocess.Popen(
        [sys.executable, *(command or ("-c", CHILD))],
        env={**settings.to_env(), "PATH": "/usr/bin:/bin"},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def wait_for(process: subprocess.Popen, event: str) -> None:
    assert any(event in line for line in process.stdout), f"the process ended before {event}"


def batch(value: bytes, key: bytes) -> dict[str, pa.Table]:
    """The table with one contact at offset 0, made without `land`."""

    class Message:
        topic, partition, offset, timestamp, headers = names.REFERRAL, 0, 0, 1_772_442_900_000, ()

    Message.key, Message.value = key, value
    return {"events": events_table([decode(Message)], datetime.now(UTC))}


def test_killed_lander_loses_and_doubles_nothing(
    lake_settings: Settings, send: Send, contact: Contact, places: Callable
) -> None:
    """`land` is killed soon after a commit, while the next commit may be under way."""
    settings = replace(lake_settings, land_batch_rows=20)
    numbers, moment = itertools.count(), random.Random(7)
    for _ in range(KILLS):
        send(contact(number) if number % 10 else (b"F-1", b"?") for number in itertools.islice(numbers, 400))
        with child(settings) as lander:
            wait_for(lander, "batch_landed")
            threading.Event().wait(moment.uniform(0, 0.3))
            lander.send_signal(signal.SIGKILL)
    run(lake_settings, once=True)
    run(lake_settings, once=True)
    with connect(lake_settings, marts=None) as lake:
        found = places(lake)

    assert sum(topic == names.REFERRAL for topic, *_ in found) == KILLS * 400
    assert len(found) == len(set(found))
    assert verify_offsets(lake_settings).differences == []


def test_terminated_lander_stores_what_it_has_and_ends_well(
    lake_settings: Settings, send: Send, contact: Contact
) -> None:
    settings = replace(lake_settings, land_batch_seconds=0.5)
    send(contact(number) for number in range(50))
    with child(settings, "-m", "streams.cli", "land", "--no-check") as lander:
        wait_for(lander, "batch_landed")
        lander.send_signal(signal.SIGTERM)

        assert lander.wait(timeout=30) == 0
    assert verify_offsets(lake_settings).differences == []


def test_second_lander_waits_and_takes_over(
    lake_settings: Settings, send: Send, contact: Contact, places: Callable
) -> None:
    """Two `land` processes started by mistake do no damage. When the first is killed, the second takes over."""
    with child(lake_settings) as first:
        send(contact(number) for number in range(100))
        wait_for(first, "batch_landed")
        with child(lake_settings) as second:
            wait_for(second, "landing_waits_for_locks")
            first.kill()
            send(contact(number) for number in range(100, 200))
            wait_for(second, "batch_landed")

            assert verify_offsets(lake_settings, wait=30).differences == []
    with connect(lake_settings, marts=None) as lake:
        assert len(places(lake)) == 200


def test_stalled_lander_without_its_locks_changes_nothing(
    lake_settings: Settings, send: Send, contact: Contact, places: Callable
) -> None:
    """The stalled process wakes up with records that another process has landed meanwhile."""
    send(contact(number) for number in range(10))
    with child(replace(lake_settings, land_batch_seconds=3.0)) as zombie:
        wait_for(zombie, "batch_landed")
        send(contact(number) for number in range(10, 20))
        threading.Event().wait(1.0)
        zombie.send_signal(signal.SIGSTOP)
        with psycopg2.connect(catalog_dsn(lake_settings)) as server, server.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted"
            )
        run(lake_settings, once=True)
        zombie.send_signal(signal.SIGCONT)

        assert zombie.wait(timeout=60) != 0
    with connect(lake_settings, marts=None) as lake:
        assert len(places(lake)) == 20


def test_stale_writer_is_refused(lake_settings: Settings, send: Send, contact: Contact) -> None:
    """The lake's snapshot and the offsets have changed since this writer opened the lake."""
    stale, writer = LandingStore(lake_settings), LandingStore(lake_settings)
    key, value = contact(1)
    writer.commit(batch(value, key), {(names.REFERRAL, 0): 1})

    with pytest.raises(LakeConflict, match=r"referral\.v1/0 continues at 1"):
        stale.commit(batch(value, key), {(names.REFERRAL, 0): 1})


def test_writer_overtaken_between_check_and_commit_is_refused(lake_settings: Settings, contact: Contact) -> None:
    """DuckLake alone would accept both inserts."""
    late, early = LandingStore(lake_settings), LandingStore(lake_settings)
    key, value = contact(1)
    following = {(names.REFERRAL, 0): 1}

    class Interrupted(dict):
        """Tables that let the other writer commit between this writer's check and this writer's commit."""

        def items(self) -> Iterator:
            if early.next != following:
                early.commit(batch(value, key), following)
            return super().items()

    with pytest.raises(LakeConflict):
        late.commit(Interrupted(batch(value, key)), following)
    with connect(lake_settings, marts=None) as lake:
        assert lake.execute("SELECT count(*) FROM landing.main.events").fetchone() == (1,)


def test_commit_overtaken_by_another_table_is_retried(lake_settings: Settings, contact: Contact) -> None:
    """Writes to other tables, for example of maintenance or of validation results, do not conflict."""
    store = LandingStore(lake_settings)
    key, value = contact(1)
    with connect(lake_settings, landing="read_write", marts=None) as other:
        other.execute("INSERT INTO landing.main.validations BY NAME SELECT 'suite' AS suite")
    store.commit(batch(value, key), {(names.REFERRAL, 0): 1})
    with connect(lake_settings, marts=None) as lake:
        assert lake.execute("SELECT count(*) FROM landing.main.events").fetchone() == (1,)


def test_refused_commit_reveals_no_value(lake_settings: Settings, contact: Contact) -> None:
    """DuckLake's own message contains the SQL statement, which has the smallest and largest values of a column."""
    store = LandingStore(lake_settings)
    key, value = contact(1)
    tables = batch(value, key)
    tables["events"] = tables["events"].append_column("not_a_column", pa.array(["F-secret"]))

    with pytest.raises(CafError) as caught:
        store.commit(tables, {})

    assert caught.value.__cause__ is None
    assert "F-" not in str(caught.value)


def test_no_reader_sees_half_a_commit(lake_settings: Settings, send: Send, contact: Contact) -> None:
    """While commits go on, the offsets of one partition always run from zero without a gap."""
    settings = replace(lake_settings, land_batch_rows=10)
    send((contact(number) for number in range(600)), partition=0)
    done, torn, reads = threading.Event(), [], 0

    def land() -> None:
        run(settings, once=True)
        done.set()

    lander = threading.Thread(target=land)
    lander.start()
    with connect(lake_settings, marts=None) as lake:
        while not done.is_set():
            count, highest = lake.execute(
                "SELECT count(*), max(kafka_offset) + 1 FROM landing.main.events WHERE kafka_partition = 0"
            ).fetchone()
            bare = lake.execute("SELECT max(kafka_offset) + 1 FROM landing.main.events").fetchone()[0]
            reads += 1
            if count != (highest or 0) or (bare or 0) < count:
                torn.append((count, highest, bare))
    lander.join()

    assert reads > 0
    assert torn == []
