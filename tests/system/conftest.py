"""
Fixtures that run commands as real processes, which tests can kill.

The published alerts are compared with the alerts of an undisturbed evaluation.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams import names
from streams.alerts.follow import follow
from streams.contracts.codesets import AlertStatus
from streams.contracts.columns import events_table, quarantine_table
from streams.contracts.outputs import Alert
from streams.contracts.record import Record
from streams.kafka.client import consumer
from streams.kafka.heartbeat import last_heartbeat
from streams.land.verify import verify_offsets
from streams.marts.progress import progress
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.settings import PROJECT, Settings
from streams.stack import broker
from tests.oracle.records import decoded

PATIENCE = 120

Said = set[tuple[str, str, str, tuple[str, ...]]]
"""Alert id, severity, status and evidence of each alert that was not withdrawn."""


class Verb:
    """A command of `./caf` in a separate process. The command can be started again after it has ended."""

    def __init__(self, settings: Settings, log: Path, *words: str) -> None:
        self._command = [sys.executable, "-m", "streams.cli", *words]
        self._environ = {**os.environ, **settings.to_env(), "PYTHONPATH": str(PROJECT)}
        self._log = log
        self.starts = 0
        self.start()

    def start(self) -> None:
        self.starts += 1
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environ, cwd=PROJECT, stdout=log, stderr=log)

    def revive(self) -> None:
        """Start the process again if it has ended, as a restart policy does."""
        if self._process.poll() is not None:
            self.start()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """Ask the process to end, and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE)


@pytest.fixture
def system(fresh_settings: Settings, fresh_topics: str) -> Iterator[Settings]:
    """Settings with empty topics and an empty lake. After the test, a broker that the test killed runs again."""
    yield replace(fresh_settings, land_batch_seconds=0.3, heartbeat_seconds=0.5)
    broker.start(fresh_settings)


@pytest.fixture
def verb(system: Settings, tmp_path: Path) -> Iterator[Callable[..., Verb]]:
    """Starts commands, and kills processes that a test leaves running."""
    started: list[Verb] = []

    def start(*words: str) -> Verb:
        started.append(Verb(system, tmp_path / f"{words[0]}-{len(started)}.log", *words))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def settled(system: Settings) -> Callable[..., None]:
    """Waits until all records are landed and evaluated, including all deadlines that have passed."""

    def wait(verbs: Iterable[Verb] = ()) -> None:
        since, deadline = datetime.now(UTC), time.monotonic() + PATIENCE
        while not _is_settled(system, since):
            assert time.monotonic() < deadline, f"waited in vain: {progress(system)}"
            for one in verbs:
                one.revive()
            time.sleep(0.3)

    return wait


@pytest.fixture
def versions(system: Settings) -> Callable[[], list[Alert]]:
    """Every alert version on the alerts topic."""
    return lambda: [alert for alert, _ in follow(system, stop_at_end=True)]


def _by_its_rule(alert: Alert) -> str:
    return str(AlertStatus.OPEN if alert.status == AlertStatus.CLOSED else alert.status)


@pytest.fixture
def standing(versions: Callable[[], list[Alert]]) -> Callable[[], Said]:
    """
    The newest version of each alert that was not withdrawn, with the status that the rule alone gives the alert.

    A closed alert counts as open, because no rule knows whether and when people closed an alert.
    """

    def latest() -> Said:
        newest: dict[str, Alert] = {}
        for alert in versions():
            if alert.alert_id not in newest or newest[alert.alert_id].version < alert.version:
                newest[alert.alert_id] = alert
        return {
            (
                alert.alert_id,
                str(alert.severity),
                _by_its_rule(alert),
                _places((e.source, e.id) for e in alert.evidence),
            )
            for alert in newest.values()
            if alert.status != AlertStatus.WITHDRAWN
        }

    return latest


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Iterator[Engine]:
    """The engine with the compiled rules."""
    engine = Engine(compiled_rules(settings))
    yield engine
    engine.close()


@pytest.fixture
def evaluated(engine: Engine, system: Settings) -> Callable[..., Said]:
    """
    The alerts that the rules raise from all records at once, evaluated at the time of the watcher's last heartbeat.
    """

    def evaluate(records: Iterable[Record]) -> Said:
        heartbeat, _ = last_heartbeat(system)
        now, (accepted, rejected) = datetime.now(UTC), decoded(records)
        found = engine.evaluate(
            events_table(accepted, now), quarantine_table(rejected, now), engine.compiled.rules, heartbeat.as_of
        )
        return {
            (row.alert_id, row.severity, row.status, _places((e["source"], e["id"]) for e in row.evidence))
            for row in found.alerts
        }

    return evaluate


@pytest.fixture
def sent(system: Settings) -> Callable[[], list[Record]]:
    """Every record of the input topics, in the order of each partition."""

    def read() -> list[Record]:
        reader = consumer(system, names.INPUT_TOPICS)
        try:
            ends, found = reader.end_offsets(reader.assignment()), []
            while any(reader.position(partition) < end for partition, end in ends.items()):
                found += [record for batch in reader.poll(200).values() for record in batch]
            return found
        finally:
            reader.close()

    return read


@pytest.fixture
def landed_once(system: Settings) -> Callable[[], bool]:
    """Whether every offset of every topic has exactly one row. A running `land` process gets 30 s to catch up."""
    return lambda: verify_offsets(system, wait=30).differences == []


def _is_settled(settings: Settings, since: datetime) -> bool:
    now, found = progress(settings), last_heartbeat(settings)
    return (
        not (now.is_reporting or now.behind(now.evaluated) or now.behind(now.landed))
        and found is not None
        and found[0].as_of > since
    )


def _places(evidence: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted(f"{source}#{id_}" for source, id_ in evidence))
