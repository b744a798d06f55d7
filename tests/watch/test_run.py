"""Tests of the watcher on a real broker and a real database, with the small rules."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams import names
from streams.alerts.publisher import Publisher
from streams.alerts.trial import run_trial
from streams.errors import BrokerUnavailable
from streams.kafka.client import end_offsets
from streams.kafka.heartbeat import last_heartbeat
from streams.lake.connect import catalog_dsn, connect
from streams.lake.session import Session
from streams.settings import PROJECT
from streams.stack import postgres, processes
from streams.times import wait_for
from streams.watch import watcher
from streams.watch.leader import Leadership
from streams.watch.run import Watched, run

PATIENCE = 40
CHILD = (
    "import sys; from pathlib import Path; from streams.settings import Settings; from streams.watch.run import run; "
)
CHILD += "run(Settings.from_env(), project=Path(sys.argv[1]))"


class Running:
    """A watcher in a thread of this process."""

    def __init__(self, settings, project: Path) -> None:
        self._stop = threading.Event()
        self.watched: Watched | None = None
        self._thread = threading.Thread(target=self._run, args=(settings, project))
        self._thread.start()

    def _run(self, settings, project: Path) -> None:
        self.watched = run(settings, until=self._stop.is_set, project=project)

    def stop(self) -> Watched:
        self._stop.set()
        self._thread.join(PATIENCE)
        return self.watched


@pytest.fixture
def watching(watch_settings, rules, project):
    """Starts watchers in threads, and stops those that a test leaves running."""
    started: list[Running] = []

    def start() -> Running:
        started.append(Running(watch_settings, project))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def child(watch_settings, rules, project):
    """Starts watchers as separate processes, and kills those that a test leaves running."""
    started: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        environ = {**os.environ, **watch_settings.to_env(), "PYTHONPATH": str(PROJECT)}
        started.append(subprocess.Popen([sys.executable, "-c", CHILD, project], env=environ))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def judged_everything(settings) -> bool:
    """Whether a heartbeat covers every input record, and no unreadable record is waiting for its alert."""
    found = last_heartbeat(settings)
    ends = end_offsets(settings, names.INPUT_TOPICS)
    return (
        found is not None
        and not found[0].is_reporting
        and all(found[0].offsets[partition.topic][partition.partition] >= end for partition, end in ends.items())
    )


def versions(alerts: list) -> list[tuple[str, int]]:
    return [(alert.alert_id, alert.version) for alert in alerts]


def now_minus(**ago: float) -> datetime:
    return datetime.now(UTC) - timedelta(**ago)


def test_alert_is_published_while_watching(watching, watch_settings, referral, send, alerts):
    """The second referral raises an alert, which is published on the family's partition."""
    watching()
    send(referral(1, at=now_minus(hours=2)), referral(2, at=now_minus(hours=1)))
    until(alerts)

    assert [(alert.rule, alert.family_id, alert.version) for alert in alerts()] == [("re_referral", "F-1", 1)]


def test_watermark_waits_until_alerts_are_published(watching, watch_settings, referral, send, alerts, monkeypatch):
    """
    A build compares alerts with the topic up to the watermark, so all alerts before the watermark must be published.
    """
    may_publish, publish = threading.Event(), Publisher.alerts

    def held(self: Publisher, decided: list) -> dict[int, int]:
        may_publish.wait(PATIENCE)
        return publish(self, decided)

    def waiting() -> list:
        with closing(Session(catalog_dsn(watch_settings), "a test")) as session:
            return session.run("SELECT 1 FROM watch.outbox")

    monkeypatch.setattr(Publisher, "alerts", held)
    watching()
    until(lambda: judged_everything(watch_settings))
    send(referral(1, at=now_minus(hours=2)), referral(2, at=now_minus(hours=1)))
    until(waiting)
    time.sleep(5 * watch_settings.heartbeat_seconds)
    assert not judged_everything(watch_settings)
    assert alerts() == []

    may_publish.set()
    until(lambda: judged_everything(watch_settings))
    assert len(alerts()) == 1


def test_restart_loses_and_doubles_nothing(watching, watch_settings, referral, send, alerts):
    """
    Records that arrived while no watcher ran are evaluated when the next watcher starts.

    Alerts that were already published are not published again.
    """
    first = watching()
    send(referral(1, at=now_minus(hours=3)), referral(2, at=now_minus(hours=2)))
    until(alerts)
    first.stop()
    send(referral(3, at=now_minus(hours=1)))
    watching()
    until(lambda: len(alerts()) > 1 and judged_everything(watch_settings))

    assert 2 == len(alerts()) == len(set(versions(alerts())))


def test_watcher_waits_for_a_server_that_has_ended_and_does_not_start_it(
    watch_settings, make_home, lend_rules, project, referral, send, alerts
):
    """Records that arrive meanwhile are evaluated once somebody has started the server again."""
    own = replace(watch_settings, home=lend_rules(make_home("h")))
    (own.home / "secrets").symlink_to(watch_settings.home / "secrets")
    postgres.start(own)
    connect(own).close()
    watching = Running(own, project)
    try:
        until(lambda: judged_everything(own))
        postgres.stop(own)
        send(referral(1, at=now_minus(hours=2)), referral(2, at=now_minus(hours=1)))
        time.sleep(3)
        assert not processes.members(own.home, postgres.NAME)
        assert alerts() == []

        postgres.start(own)
        until(alerts)
        assert watching.stop().terms > 1
    finally:
        watching.stop()
        postgres.stop(own)


def test_watcher_that_is_cut_off_from_the_broker_gives_the_lead_away(watching, watch_settings, monkeypatch):
    """Another watcher may still reach the broker."""
    leads = threading.Event()

    def cut_off(*_: object) -> None:
        leads.set()
        raise BrokerUnavailable("no broker answers")

    monkeypatch.setattr("streams.watch.run.Watcher", cut_off)
    watching()
    assert leads.wait(PATIENCE)
    other = Leadership(watch_settings)
    try:
        assert wait_for(other.try_acquire, 10, every=0.1)
    finally:
        other.release()


def test_second_watcher_waits_and_takes_over(watching, watch_settings, referral, send, alerts):
    """
    If two watchers are started by mistake, each alert is published once.

    When the first watcher ends, the second watcher takes over.
    """
    first, _second = watching(), watching()
    send(referral(1, at=now_minus(hours=3)), referral(2, at=now_minus(hours=2)))
    until(alerts)
    first.stop()
    send(referral(3, at=now_minus(hours=1)))
    until(lambda: judged_everything(watch_settings))
    until(lambda: len(alerts()) > 1)

    assert 2 == len(alerts()) == len(set(versions(alerts())))


def test_deadline_fires_by_itself(watching, watch_settings, referral, send, alerts):
    """A referral that has waited for almost 18 hours turns amber at the deadline, without a new event."""
    watching()
    until(lambda: last_heartbeat(watch_settings) is not None)
    submitted = datetime.now(UTC) + timedelta(seconds=6) - timedelta(hours=18)
    send(referral(1, at=submitted))
    until(alerts)
    [alert] = alerts()

    assert ("front_door_breach", "amber", submitted + timedelta(hours=18)) == (
        alert.rule,
        alert.severity,
        alert.received_at,
    )


def test_deadline_that_passed_without_a_watcher_raises_its_alert(watching, watch_settings, referral, send, alerts):
    """When the next watcher starts, it raises the alert with the deadline as the alert's time."""
    submitted = datetime.now(UTC) + timedelta(seconds=8) - timedelta(hours=18)
    first = watching()
    send(referral(1, at=submitted))
    until(lambda: judged_everything(watch_settings))
    first.stop()
    assert not alerts()
    time.sleep(max(0, (submitted + timedelta(hours=18) - datetime.now(UTC)).total_seconds()))
    watching()
    until(alerts)

    assert [submitted + timedelta(hours=18)] == [alert.received_at for alert in alerts()]


def test_killed_watchers_lose_and_double_nothing(child, watch_settings, referral, send, alerts):
    """A watcher is killed five times while it works. Each alert version is on the topic exactly once."""
    expected = set()
    for number in range(5):
        families = [f"F-{number}-{family}" for family in range(40)]
        send(*(referral(f"{number}-{family}-1", family, at=now_minus(hours=2)) for family in families))
        process = child()
        send(*(referral(f"{number}-{family}-2", family, at=now_minus(hours=1)) for family in families))
        before = len(alerts())
        until(lambda before=before: len(alerts()) > before)
        process.send_signal(signal.SIGKILL)
        process.wait()
        expected |= set(families)
    child()
    until(lambda: judged_everything(watch_settings))
    found = alerts()

    assert expected == {alert.family_id for alert in found if alert.rule == "re_referral"}
    assert len(found) == len(set(versions(found)))


def test_trial_comes_back(watching, watch_settings):
    """A test alert passes through the whole system and is read back."""
    watching()

    assert run_trial(watch_settings, PATIENCE) > 0


def test_reconciled_alert_is_not_published_again(watching, watch_settings, referral, send, alerts):
    """The watcher stores a version that another process published."""
    first = watching()
    send(referral(1, at=now_minus(hours=3)), referral(2, at=now_minus(hours=2)))
    until(alerts)
    watched = first.stop()

    assert watched.alerts == 1
    assert watching().stop().alerts == 0


def test_family_among_unreadable_records_gets_its_alert_first(
    watch_settings, watching, referral, send, alerts, monkeypatch
):
    """Each unreadable record also gets an alert. Until then, the heartbeat says that some are still without one."""
    monkeypatch.setattr(watcher, "_UNREAD_RECORDS", 2)
    rubbish = [(names.REFERRAL, f"F-{number}".encode(), b"?") for number in range(200)]
    send(*rubbish, referral(1), referral(2, at=1), *rubbish)
    watching()
    until(lambda: (found := last_heartbeat(watch_settings)) and sum(found[0].offsets[names.REFERRAL]) == 402)

    assert last_heartbeat(watch_settings)[0].is_reporting
    until(lambda: not last_heartbeat(watch_settings)[0].is_reporting)
    told = [alert.entity_kind for alert in sorted(alerts(), key=lambda alert: alert.raised_at)]

    assert (told.count("record"), told.count("family")) == (400, 1)
    assert told.index("family") < 200
