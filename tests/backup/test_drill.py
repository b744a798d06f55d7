"""
A drill: a backup is made while everything runs at full speed, and two homes are restored from it.

One home gets a new broker. The other one keeps its broker, as after the loss of its database.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.access.accounts import Accounts
from streams import names
from streams.alerts.follow import follow
from streams.kafka.client import producer
from streams.kafka.heartbeat import last_heartbeat
from streams.kafka.topics import ensure_topics
from streams.lake import maintain as maintenance
from streams.lake.connect import connect
from streams.lake.maintain import maintain
from streams.lake.offsets import OFFSET_TABLES
from streams.land import run as land
from streams.settings import PROJECT, Settings
from streams.stack import broker, postgres, stack
from streams.stack.ports import free_ports
from streams.watch.run import run as watch

RULES = Path(__file__).resolve().parent.parent / "rules" / "project"
PASSWORD = "a password of the desk"
PATIENCE = 300
SERVERS = (postgres.NAME, broker.NAME)

Rows = dict[tuple[str, int, int], str]

pytestmark = pytest.mark.long


@dataclass
class Drill:
    """
    A home from which a backup was made in the middle of its work.

    `rows` and `alerts` are those at the end of its work, and `sent` counts the families about which two referrals were
    sent. Each second referral of a family raises an alert.
    """

    settings: Settings
    folder: Path
    taken: dict[str, object] = field(default_factory=dict)
    sent: int = 0
    rows: Rows = field(default_factory=dict)
    alerts: list[tuple[str, int]] = field(default_factory=list)


@pytest.fixture(scope="module")
def drill(make_home: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    own = Drill(_settings(make_home("h")), tmp_path_factory.mktemp("drill") / "backups")
    try:
        stack.up(own.settings, SERVERS)
        ensure_topics(own.settings)
        Accounts(own.settings.home).add("somebody", PASSWORD)
        assert Accounts(own.settings.home).secret()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(maintenance, "SNAPSHOTS_KEPT", maintenance.SNAPSHOTS_KEPT * 0)
            _work(own)
        own.rows, own.alerts = rows(own.settings), published(own.settings)
        stack.down(own.settings)
        yield own
    finally:
        stack.down(own.settings)


def _work(drill: Drill) -> None:
    """Send, land, watch, merge and remove files at the same time, and make a backup meanwhile."""
    settings = drill.settings
    with (
        running(lambda stop: watch(settings, until=stop, project=RULES)),
        running(lambda stop: land(settings, until=stop)),
    ):
        with running(lambda stop: _repeat(stop, lambda: _send(drill))), running(lambda stop: _maintain(settings, stop)):
            wait(lambda: len(alerts(settings)) > 5)
            drill.taken = json.loads(run(settings, "backup", str(drill.folder), "--json"))
            time.sleep(2)
        wait(lambda: len(published(settings)) >= drill.sent)
    land(settings, once=True)


def _repeat(stop: Callable[[], bool], work: Callable[[], None]) -> None:
    while not stop():
        work()


def _maintain(settings: Settings, stop: Callable[[], bool]) -> None:
    def work() -> None:
        maintain(settings)
        time.sleep(0.5)

    _repeat(stop, work)


def _send(drill: Drill) -> None:
    """Send two referrals of a new family, and now and then a record that cannot be read."""
    family = f"F-{drill.sent}"
    with closing(producer(drill.settings)) as kafka:
        for number in (1, 2):
            kafka.send(names.REFERRAL, key=family.encode(), value=_referral(family, number)).get(timeout=30)
        if drill.sent % 7 == 0:
            kafka.send(names.CASE_CHANGE, key=b"x", value=b"unreadable").get(timeout=30)
    drill.sent += 1


def _referral(family: str, number: int) -> bytes:
    event = {
        "specversion": "1.0",
        "id": f"{family}-{number}",
        "source": "/test",
        "type": "uk.caf.referral.referral-submitted.v1",
        "time": datetime.now(UTC).isoformat(),
        "authority": "E08000015",
        "data": {
            "referral_id": f"R-{family}-{number}",
            "family_id": family,
            "source_code": "6",
            "severity": "amber",
            "consent": "given",
        },
    }
    return json.dumps(event).encode()


def _settings(home: Path) -> Settings:
    kafka_port, airflow_port, dashboard_port = free_ports(3)
    return Settings(
        home=home,
        kafka_port=kafka_port,
        airflow_port=airflow_port,
        dashboard_port=dashboard_port,
        partitions=2,
        land_batch_seconds=0.1,
        heartbeat_seconds=0.2,
    )


@contextmanager
def running(part: Callable[[Callable[[], bool]], object]) -> Iterator[None]:
    """Run a part in a thread until the block ends. If the part fails, the test fails."""
    stop, failed = threading.Event(), []

    def work() -> None:
        try:
            part(stop.is_set)
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
    assert failed == []


def wait(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def command(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **settings.to_env(), "PYTHONPATH": str(PROJECT)}
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *words], env=environ, capture_output=True, text=True, check=False
    )


def run(settings: Settings, *words: str) -> str:
    """Run a command that must succeed, and return what it prints."""
    done = command(settings, *words)
    assert done.returncode == 0, done.stderr[-4_000:]
    return done.stdout


def refused(settings: Settings, *words: str) -> str:
    """Run a command that must fail, and return its last sentence."""
    done = command(settings, *words)
    assert done.returncode == 1, done.stdout
    return done.stderr.strip().splitlines()[-1]


def rows(settings: Settings) -> Rows:
    """
    A hash of each landed row without the time of its landing, by topic, partition and offset.

    Dead letters are left out, because they are sent again when a rejected record lands again.
    """
    found: Rows = {}
    with connect(settings, marts=None) as lake:
        for table in set(OFFSET_TABLES) - {"dead_letters"}:
            query = (
                "SELECT topic, kafka_partition, kafka_offset, md5(to_json(t)::VARCHAR) "
                f"FROM (SELECT * EXCLUDE (landed_at) FROM landing.main.{table}) AS t"
            )
            found |= {(topic, part, offset): text for topic, part, offset, text in lake.execute(query).fetchall()}
    return found


def published(settings: Settings) -> list[tuple[str, int]]:
    """The versions on the alerts topic that are about families."""
    return [(one.alert_id, one.version) for one, _ in follow(settings, stop_at_end=True) if one.family_id]


def alerts(settings: Settings) -> set[str]:
    """The landed alerts about families."""
    with connect(settings, marts=None) as lake:
        found = lake.execute("SELECT alert_id FROM landing.main.alerts WHERE family_id IS NOT NULL").fetchall()
    return {alert for (alert,) in found}


def families_with_two(settings: Settings) -> int:
    with connect(settings, marts=None) as lake:
        (count,) = lake.execute(
            "SELECT count(*) FROM (FROM landing.main.events SELECT family_id GROUP BY family_id HAVING count(*) = 2)"
        ).fetchone()
    return count


def evaluated_after(settings: Settings, moment: datetime) -> bool:
    found = last_heartbeat(settings)
    return found is not None and found[0].as_of > moment


def test_backup_was_made_in_the_middle_of_the_work(drill: Drill) -> None:
    assert 0 < drill.taken["events"] < 2 * drill.sent
    assert len(drill.alerts) == len(set(drill.alerts)) == drill.sent
    run(drill.settings, "backup", "verify", str(drill.folder))


def test_home_with_a_new_broker_has_everything_and_raises_nothing_again(
    drill: Drill, make_home: Callable[[str], Path]
) -> None:
    """The offsets that were lost with the old broker are known, and each of them has a row that says so."""
    new = _settings(make_home("restored"))
    try:
        done = run(new, "restore", str(drill.folder), "--yes")
        stack.up(new, SERVERS)
        found, before, known = rows(new), families_with_two(new), alerts(new)
        found = {place: text for place, text in found.items() if place not in lost(new)}
        with running(lambda stop: watch(new, until=stop, project=RULES)):
            started = datetime.now(UTC)
            wait(lambda: evaluated_after(new, started))
            wait(lambda: len(published(new)) >= before - len(known))
        raised = {alert for alert, _ in published(new)}

        assert "the broker is new" in done
        assert "verified: every offset has exactly one row" in done
        assert found
        assert {place for place, text in found.items() if drill.rows.get(place) != text} == set()
        assert known
        assert known & raised == set()
        assert len(known | raised) == before
        assert known | raised <= {alert for alert, _ in drill.alerts}
        assert Accounts(new.home).check("somebody", PASSWORD)
        assert not (new.home / "desk" / "secret").exists()
    finally:
        stack.down(new)
    assert "is not empty" in refused(new, "restore", str(drill.folder), "--yes")


def lost(settings: Settings) -> set[tuple[str, int, int]]:
    with connect(settings, marts=None) as lake:
        found = lake.execute(
            "SELECT topic, kafka_partition, kafka_offset FROM landing.main.quarantine WHERE reason = 'deleted_unread'"
        ).fetchall()
    return set(found)


def test_home_that_keeps_its_broker_loses_nothing(drill: Drill) -> None:
    """What had landed since the backup lands again from the broker, and no alert is published again."""
    settings = drill.settings
    stack.up(settings, (postgres.NAME,))
    still = refused(settings, "restore", str(drill.folder), "--replace", "--yes")
    stack.down(settings)
    done = run(settings, "restore", str(drill.folder), "--replace", "--yes")
    stack.up(settings, SERVERS)
    found = rows(settings)
    with running(lambda stop: watch(settings, until=stop, project=RULES)):
        started = datetime.now(UTC)
        wait(lambda: evaluated_after(settings, started))

    assert "postgres of" in still
    assert found == drill.rows
    assert "later records, which have landed" in done
    assert published(settings) == drill.alerts
    assert list(settings.home.glob("before-restore-*/lake/landing"))
