"""A former lock holder that was paused cannot publish after it wakes up. The broker and the database are real."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from kafka.errors import KafkaError

from streams.alerts.publisher import Publisher
from streams.alerts.trial import trial_alert
from streams.contracts.outputs import Alert
from streams.errors import LockTaken
from streams.lake.advisory import HeldLock, LockSession
from streams.lake.connect import catalog_dsn
from streams.lake.lock_keys import LockKey
from streams.settings import Settings
from tests.watch.test_run import child, until  # noqa: F401

PURPOSE = {LockKey.LEADER: "watch", LockKey.RESTATING: "restating", LockKey.BUILD: "build"}


def version(number: int) -> Alert:
    at = datetime.now(UTC)
    return trial_alert(f"{number:032d}", at, at)


def end_sessions(settings: Settings, purpose: str) -> None:
    """End the database sessions of a purpose, as a failover or a long network failure does."""
    with closing(psycopg2.connect(catalog_dsn(settings))) as server, server, server.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s "
            "AND datname = current_database()",
            [f"caf {purpose},%"],
        )


@contextmanager
def publishing(settings: Settings, key: LockKey) -> Iterator[Publisher]:
    """Take a lock and open a publisher that publishes under that lock."""
    with closing(LockSession(settings, PURPOSE[key])) as session:
        assert session.try_lock(key)
        with closing(Publisher(settings, HeldLock(session, key))) as publisher:
            yield publisher


@pytest.fixture(params=list(PURPOSE), ids=lambda key: key.name.lower())
def key(request: pytest.FixtureRequest) -> LockKey:
    return request.param


@pytest.mark.parametrize("moment", ["before it sends", "while it sends", "before it commits"])
def test_former_lock_holder_publishes_nothing(
    fresh_topics: str, watch_settings: Settings, alerts: Callable, key: LockKey, moment: str
) -> None:
    """
    The holder is paused after it checked that it holds the lock. Meanwhile, another process takes the lock.

    The cases are different moments of the pause.
    """
    with ExitStack() as stack:
        early = stack.enter_context(publishing(watch_settings, key))
        early.alerts([version(1)])

        def take_over() -> None:
            end_sessions(watch_settings, PURPOSE[key])
            late = stack.enter_context(publishing(watch_settings, key))
            late.alerts([version(3)])

        producer = early._producer
        begin, commit, send = producer.begin_transaction, producer.commit_transaction, producer.send
        sent = []

        def send_and_pause(*arguments: object, **named: object) -> object:
            future = send(*arguments, **named)
            sent.append(future)
            if len(sent) == 1:
                producer.flush()
                take_over()
            return future

        if moment == "before it sends":
            producer.begin_transaction = lambda: (take_over(), begin())
        elif moment == "while it sends":
            producer.send = send_and_pause
        else:
            producer.commit_transaction = lambda: (take_over(), commit())
        with pytest.raises(LockTaken, match="is lost"):
            early.alerts([version(2), version(4)])

    assert sorted(alert.alert_id[-1] for alert in alerts()) == ["1", "3"]


def test_former_lock_holder_does_not_fence_its_successor(
    fresh_topics: str, watch_settings: Settings, alerts: Callable
) -> None:
    """The former lock holder was paused between taking the lock and creating its publisher."""
    with closing(LockSession(watch_settings, "watch")) as session:
        assert session.try_lock(LockKey.LEADER)
        end_sessions(watch_settings, "watch")
        with publishing(watch_settings, LockKey.LEADER) as late:
            with pytest.raises(LockTaken):
                Publisher(watch_settings, HeldLock(session, LockKey.LEADER))
            late.alerts([version(1)])

    assert len(alerts()) == 1


def test_publisher_that_speaks_for_the_leader_fences_it(
    fresh_topics: str, watch_settings: Settings, alerts: Callable
) -> None:
    """
    Reconciliation publishes versions that the watcher does not know.

    The watcher must begin a new term before it publishes again.
    """
    with publishing(watch_settings, LockKey.LEADER) as leader, publishing(watch_settings, LockKey.BUILD) as build:
        with closing(Publisher(watch_settings, build._lock, speaks_for=LockKey.LEADER)) as mender:
            mender.alerts([version(1)])
        with pytest.raises(KafkaError):
            leader.alerts([version(1)])

    assert len(alerts()) == 1


def test_watcher_that_was_paused_adds_no_version(
    child: Callable[[], subprocess.Popen],  # noqa: F811
    watch_settings: Settings,
    send: Callable,
    referral: Callable,
    alerts: Callable,
) -> None:
    """
    The watcher is stopped with events left to read, and its database session ends.

    Another watcher becomes the leader, and then the first watcher wakes up.
    """
    now = datetime.now(UTC)

    def refer_twice(family: int) -> None:
        for hours in (2, 1):
            send(referral(10 * family + hours, family=f"F-{family}", at=now - timedelta(hours=hours)))

    leader = child()
    refer_twice(1)
    until(lambda: len(alerts()) == 1)
    for family in (2, 4, 6):
        leader.send_signal(signal.SIGSTOP)
        refer_twice(family)
        successor = child()
        end_sessions(watch_settings, "watch")
        until(lambda count=family: len(alerts()) == count)
        leader.send_signal(signal.SIGCONT)
        refer_twice(family + 1)
        until(lambda count=family + 1: len(alerts()) == count)
        time.sleep(2)
        leader.kill()
        leader.wait()
        leader = successor
    said = [(alert.alert_id, alert.version) for alert in alerts()]

    assert len(said) == len(set(said)) == 7
