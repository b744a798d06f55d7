"""
Another user of the same machine tries to get something out of a running home.

Each attempt is made twice: by the owner, which shows that there is something to get, and by the other user, who must be
refused. The other user knows the name of every file.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.access.accounts import Accounts
from streams import names
from streams.kafka.client import producer
from streams.kafka.topics import ensure_topics
from streams.lake.postgres import Postgres
from streams.land import run
from streams.settings import Settings
from streams.stack import airflow, broker, postgres, processes, stack
from streams.stack.ports import free_ports
from tests.contracts.messages import contact

STRANGER = "nobody"

GOT, REFUSED = 0, 13

SCRIPT = f"""
import json, os, pwd, sys
from pathlib import Path
import psycopg2

place = json.loads(sys.argv[1])
if len(sys.argv) > 3:
    # The other user may not be able to run this Python, so it becomes that user only now.
    stranger = pwd.getpwnam(sys.argv[3])
    os.setgroups([])
    os.setgid(stranger.pw_gid)
    os.setuid(stranger.pw_uid)
try:
    got = eval(sys.argv[2])
except (PermissionError, psycopg2.OperationalError) as error:
    sys.exit({REFUSED})
sys.exit({GOT} if got else "there is nothing")
"""

ATTEMPTS = {
    "list the home": "os.listdir(place['home'])",
    "put a file into the home": "open(place['home'] + '/planted', 'w').close() or 'done'",
    "list the lake": "os.listdir(place['lake'])",
    "read events in Parquet": "Path(place['events']).read_bytes()",
    "read the quarantine": "Path(place['quarantine']).read_bytes()",
    "read Kafka's log": "Path(place['records']).read_bytes()",
    "read a part's log": "Path(place['log']).read_bytes()",
    "read Airflow's password": "Path(place['password']).read_bytes()",
    "read the accounts of the desk": "Path(place['accounts']).read_bytes()",
    "read the warehouse file": "Path(place['warehouse']).read_bytes()",
    "read the file of public figures": "Path(place['public']).read_bytes()",
    "read PostgreSQL's files": "Path(place['postgres'] + '/postgresql.conf').read_bytes()",
    "connect to PostgreSQL": "psycopg2.connect(place['dsn'])",
    "read the environment of a part": "Path(place['environment']).read_bytes()",
}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as another user")


@pytest.fixture(scope="module")
def settings(make_home: Callable[[str], Path]) -> Iterator[Settings]:
    """A home with an accepted and a rejected record, and everything that a home keeps."""
    kafka_port, airflow_port = free_ports(2)
    own = Settings(home=make_home("h"), kafka_port=kafka_port, airflow_port=airflow_port)
    try:
        stack.up(own, (postgres.NAME, broker.NAME))
        ensure_topics(own)
        kafka = producer(own)
        for value in (b"unreadable", json.dumps(contact()).encode()):
            kafka.send(names.REFERRAL, key=b"F-1", value=value).get(timeout=30)
        kafka.close()
        run(own, once=True)
        assert airflow.client(own).password
        Accounts(own.home).add("somebody", "a password of the desk")
        for name in ("warehouse.duckdb", "public.duckdb"):
            (own.home / name).write_text("figures")
        yield own
    finally:
        stack.down(own)


@pytest.fixture(scope="module", params=["as it was made", "opened to everybody and started again"])
def place(request: pytest.FixtureRequest, settings: Settings) -> dict[str, str]:
    """Where to find what a home keeps."""
    home = settings.home
    if request.param != "as it was made":
        _open(home)
        stack.up(settings, ())
    leader = processes.find(home, broker.NAME)
    assert leader is not None
    return {
        "home": str(home),
        "lake": str(home / "lake"),
        "events": _one(home / "lake", "landing/**/events/**/*.parquet"),
        "quarantine": _one(home / "lake", "landing/**/quarantine/**/*.parquet"),
        "records": _one(home / "kafka", f"**/{names.REFERRAL}-*/*.log"),
        "log": str(home / "logs" / "kafka.log"),
        "password": str(home / "airflow" / "passwords.json"),
        "accounts": _one(home / "desk", "*.json"),
        "warehouse": str(home / "warehouse.duckdb"),
        "public": str(home / "public.duckdb"),
        "postgres": str(home / "postgres"),
        "dsn": Postgres.of(settings).url,
        "environment": f"/proc/{leader.pid}/environ",
    }


@needs_root
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_owner_gets_it_and_another_user_does_not(place: dict[str, str], attempt: str) -> None:
    assert _try(place, ATTEMPTS[attempt], user=None) == GOT
    assert _try(place, ATTEMPTS[attempt], user=STRANGER) == REFUSED


@needs_root
def test_postgresql_refuses_another_user_even_if_its_folder_is_open(settings: Settings, place: dict[str, str]) -> None:
    """The server asks the kernel who connects. So one mistake with permissions is not enough."""
    data = settings.home / "postgres"
    socket = data / ".s.PGSQL.5432"
    try:
        data.chmod(0o755)
        socket.chmod(0o777)
        connect = "psycopg2.connect(place['dsn'])"

        assert _try(place, "os.stat(place['postgres'] + '/.s.PGSQL.5432')", user=STRANGER) == GOT
        assert _try(place, connect, user=None) == GOT
        assert _try(place, connect, user=STRANGER) == REFUSED
    finally:
        data.chmod(0o700)
        socket.chmod(0o700)


def _try(place: dict[str, str], attempt: str, *, user: str | None) -> int:
    """Make an attempt as a user, and return how it ended. The owner is the user of this test."""
    command = [sys.executable, "-I", "-c", SCRIPT, json.dumps(place), attempt, *([user] if user else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")

    assert done.returncode in {GOT, REFUSED}, done.stderr
    return done.returncode


def _open(home: Path) -> None:
    """Let everybody read everything in a home, as after a careless `chmod`."""
    for path in (home, *home.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def _one(folder: Path, pattern: str) -> str:
    return str(max(folder.glob(pattern), key=lambda path: path.stat().st_size))
