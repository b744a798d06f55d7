"""
Locks on a real PostgreSQL server, directly and through a real pooler.

While one session holds a lock, all other sessions are refused.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from streams.errors import LakeUnavailable, LockTaken, SettingInvalid
from streams.lake import advisory
from streams.lake.advisory import HeldLock, LockSession, advisory_lock
from streams.lake.connect import catalog_dsn
from streams.lake.lock_keys import LockKey
from streams.lake.locks import LandingLocks
from streams.lake.postgres import Postgres
from streams.settings import PROJECT, Settings
from streams.stack import postgres as embedded
from streams.times import wait_for
from streams.watch.leader import Leadership
from tests.lake.pooler import pooled

HANDED_ON = {
    "by transaction": {"pool_mode": "transaction"},
    "by transaction, in turn": {"pool_mode": "transaction", "server_round_robin": 1},
    "by transaction, one for all": {"pool_mode": "transaction", "default_pool_size": 1},
    "by transaction, reset each time": {"pool_mode": "transaction", "server_reset_query_always": 1},
    "by statement": {"pool_mode": "statement"},
}
TAKERS: dict[str, Callable[[Settings], object]] = {
    "leader": lambda settings: Leadership(settings).try_acquire(),
    "landing": lambda settings: LandingLocks(settings, [0]),
    "build": lambda settings: advisory_lock(settings, LockKey.BUILD).__enter__(),
}
HOLD = (
    "import time; from streams.lake.advisory import *; from streams.lake.lock_keys import *; "
    "from streams.settings import Settings; lock = advisory_lock(Settings.from_env(), LockKey.BUILD); "
    "lock.__enter__(); print('held', flush=True); time.sleep(600)"
)

LEASE = (
    "import time; from streams.lake import advisory; from streams.settings import Settings; "
    "advisory._LEASE_SECONDS = 3; session = advisory.LockSession(Settings.from_env(), 'watch', is_lease=True); "
    "print(session.try_lock(3001), flush=True); time.sleep(600)"
)

Run = Callable[..., list]


@pytest.fixture
def run(fresh_settings: Settings) -> Run:
    """Runs a statement in a separate session and returns the statement's rows."""

    def ask(statement: str, *values: object) -> list[tuple]:
        with closing(psycopg2.connect(catalog_dsn(fresh_settings))) as server, server, server.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    return ask


@contextmanager
def leading(settings: Settings) -> Iterator[HeldLock]:
    with closing(LockSession(settings, "watch")) as session:
        assert session.try_lock(LockKey.LEADER)
        yield HeldLock(session, LockKey.LEADER)


@pytest.mark.parametrize("config", HANDED_ON.values(), ids=HANDED_ON.keys())
@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS.keys())
def test_pooler_that_hands_sessions_on_is_refused(
    fresh_settings: Settings, postgres: Postgres, tmp_path: Path, config: dict, take: Callable
) -> None:
    with (
        pooled(fresh_settings, postgres, tmp_path, **config) as settings,
        pytest.raises(SettingInvalid, match="CAF_POSTGRES leads to a pooler"),
    ):
        take(settings)


def test_busy_pooler_that_hands_sessions_on_is_refused(
    fresh_settings: Settings, postgres: Postgres, tmp_path: Path
) -> None:
    """Other clients take and return sessions all the time, so nobody can predict which session a client gets next."""
    done = threading.Event()

    def disturb(dsn: str) -> None:
        with closing(psycopg2.connect(dsn)) as client:
            client.autocommit = True
            while not done.is_set():
                client.cursor().execute("SELECT pg_sleep(0.002)")

    with pooled(fresh_settings, postgres, tmp_path, pool_mode="transaction") as settings:
        others = [threading.Thread(target=disturb, args=[catalog_dsn(settings)]) for _ in range(6)]
        for other in others:
            other.start()
        try:
            for _ in range(20):
                with pytest.raises(SettingInvalid):
                    LockSession(settings, "watch")
        finally:
            done.set()
            for other in others:
                other.join()


def test_pooler_in_session_mode_keeps_locks(fresh_settings: Settings, postgres: Postgres, tmp_path: Path) -> None:
    """
    Two processes cannot both lead if they use a pooler in session mode. When the holder ends, the lock becomes free.
    """
    with pooled(fresh_settings, postgres, tmp_path, pool_mode="session") as settings, ExitStack() as stack:
        first, second = Leadership(settings), Leadership(fresh_settings)
        stack.callback(first.release)
        stack.callback(second.release)

        assert first.try_acquire()
        first.lock.check()
        assert not second.try_acquire()
        first.release()
        deadline = time.monotonic() + 20
        while not second.try_acquire():
            assert time.monotonic() < deadline, "a session that was given back keeps its locks"
            time.sleep(0.05)


def test_lock_of_a_session_that_was_ended_is_lost(fresh_settings: Settings, run: Run) -> None:
    """
    An administrator, a restart or a failover may end a session.

    The lock's holder notices the loss at its next check, and another process can lead.
    """
    with leading(fresh_settings) as lock:
        lock.check()
        run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'caf watch,%%' "
            "AND datname = current_database()")  # fmt: skip
        with leading(fresh_settings) as other:
            other.check()
            with pytest.raises(LockTaken, match="'leader' is lost"):
                lock.check()


@pytest.mark.parametrize("statement", ["DISCARD ALL", "RESET ALL", "SELECT pg_advisory_unlock_all()"])
def test_lock_of_a_session_that_was_reset_is_lost(fresh_settings: Settings, statement: str) -> None:
    """The connection still exists, but the session no longer holds the lock, and another session may have taken it."""
    with closing(LockSession(fresh_settings, "watch")) as session:
        assert session.try_lock(LockKey.LEADER)
        session._connection.cursor().execute(statement)

        with pytest.raises(LockTaken):
            HeldLock(session, LockKey.LEADER).check()


@pytest.mark.parametrize("limit", ["idle_session_timeout", "statement_timeout", "lock_timeout"])
def test_limits_of_the_database_do_not_take_a_lock_away(fresh_settings: Settings, run: Run, limit: str) -> None:
    run(f"ALTER DATABASE {fresh_settings.database} SET {limit} = '300ms'")
    with leading(fresh_settings) as lock:
        time.sleep(1.0)
        lock.check()


def test_process_that_waits_too_long_learns_who_holds_the_lock(fresh_settings: Settings) -> None:
    environ = {**fresh_settings.to_env(), "PATH": "/usr/bin:/bin"}
    holder = subprocess.Popen([sys.executable, "-c", HOLD], env=environ, cwd=PROJECT, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(LockTaken, match=rf"'build' was not free within 1 s; held by caf build, \S+-{holder.pid}"),
            advisory_lock(fresh_settings, LockKey.BUILD, patience=1),
        ):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with advisory_lock(fresh_settings, LockKey.BUILD) as lock:
        lock.check()


def test_paused_holder_loses_a_lease(fresh_settings: Settings) -> None:
    """
    The holder keeps the lock while the holder's process runs, even if the process sends no statement.

    A holder that is paused loses the lock.
    """
    environ = {**fresh_settings.to_env(), "PATH": "/usr/bin:/bin"}
    holder = subprocess.Popen([sys.executable, "-c", LEASE], env=environ, cwd=PROJECT, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"True\n"
        with closing(LockSession(fresh_settings, "watch")) as other:
            time.sleep(5)
            assert not other.try_lock(LockKey.LEADER)
            holder.send_signal(signal.SIGSTOP)
            deadline = time.monotonic() + 60
            while not other.try_lock(LockKey.LEADER):
                assert time.monotonic() < deadline, "the lease never ends"
                time.sleep(0.1)
    finally:
        holder.kill()
        holder.communicate()


def test_holder_whose_work_hangs_loses_its_lease(fresh_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process still runs, and only its loop stands still."""
    monkeypatch.setattr(advisory, "_LEASE_SECONDS", 3)
    hangs = threading.Event()
    with (
        closing(LockSession(fresh_settings, "watch", is_lease=True, alive=lambda: not hangs.is_set())) as holder,
        closing(LockSession(fresh_settings, "watch")) as other,
    ):
        assert holder.try_lock(LockKey.LEADER)
        time.sleep(5)
        assert not other.try_lock(LockKey.LEADER)
        hangs.set()
        assert wait_for(lambda: other.try_lock(LockKey.LEADER), 30, every=0.1)


def test_missing_server_is_reported_as_such(fresh_settings: Settings, tmp_path: Path) -> None:
    absent = Settings(home=tmp_path, postgres="postgresql://postgres@127.0.0.1:1/postgres")

    with pytest.raises(LakeUnavailable), advisory_lock(absent, LockKey.BUILD):
        pass


def test_replica_that_only_reads_gives_no_locks(settings: Settings, make_home: Callable[[str], Path]) -> None:
    """Locks on a replica do not bind processes that use the primary server."""
    replica = replace(settings, home=make_home("r"))
    try:
        embedded.start(replica).dsn(replica.database)
        embedded.stop(replica)
        (replica.home / embedded.NAME / "standby.signal").touch()
        embedded.start(replica)

        with pytest.raises(LakeUnavailable, match="name the primary"):
            Leadership(replica).try_acquire()
    finally:
        embedded.stop(replica)


def test_no_two_locks_have_one_number() -> None:
    assert len(LockKey) == len(set(LockKey.__members__.values())) == len(LockKey.__members__)
