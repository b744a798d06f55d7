"""
Real servers for the tests. The first test that needs a server starts it, and all servers stop after the last test.

Tests run in several processes, and each process has its own servers and home. The processes share only what is compiled
from the project. Topic names are fixed, so a test that reads or writes topics uses `fresh_topics`. A test that writes
to the lake uses `fresh_settings`, whose database and folder no other test uses.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest

from streams.kafka.client import admin
from streams.kafka.topics import ensure_topics
from streams.lake.connect import connect, data_path
from streams.lake.postgres import Postgres
from streams.names import CATALOG_LANDING, CATALOG_MARTS
from streams.settings import Settings
from streams.stack import broker, processes, stack
from streams.stack import postgres as embedded
from streams.stack.broker_secrets import BROKER
from streams.stack.machine import UMASK
from streams.stack.ports import free_ports

FIRST = ("dags", "test_stream_parity", "test_reconcile")
"""Folders and modules that take minutes. They run first, so that at the end no process waits for another."""


HOMES = "TESTS_HOMES"
"""The variable that names the folder with the homes of all processes of a run."""


NEEDS = frozenset({"make_home", "lend_rules", "postgres", "kafka"})
"""
The fixtures by which a test gets a home, and so servers or compiled rules, or compiled rules or a server itself.

A test that starts something in another way, or takes tens of seconds, is marked `slow`.
"""


BEGAN = "TESTS_BEGAN"
"""The variable with the time at which the run began, in seconds since 1970. All processes of a run count from it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `./caf test` that say which tests are left out."""
    parser.addoption("--quick", action="store_true", help="run only tests that need no server and are not slow")
    help_ = "skip the tests marked `long` whose turn comes after this many minutes; they come last"
    parser.addoption("--minutes", type=float, metavar="N", help=help_)


def pytest_configure() -> None:
    """
    Create the folder for the homes of all test processes.

    Unlike pytest's own folders, other users may enter this folder, because PostgreSQL does not run as root.

    As in every command of the project, only their owner may read new files.
    """
    os.umask(UMASK)
    os.environ.setdefault(BEGAN, str(time.time()))
    if HOMES not in os.environ:
        os.environ[HOMES] = tempfile.mkdtemp(prefix="caf-")
        Path(os.environ[HOMES]).chmod(0o755)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop servers that still run, because a test process that is ended by Ctrl-C does not stop its servers."""
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ.pop(HOMES))
    for record in folder.glob("*/*/run/*.json"):
        home = record.parent.parent
        if (left := processes.find(home, record.stem)) is not None and left.alive:
            stack.down(Settings(home=home))
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out slow tests if `--quick` is given, and run those that `--minutes` may skip at the end."""
    if config.getoption("quick"):
        slow = [item for item in items if NEEDS & set(item.fixturenames) or _is(item, "slow") or _is(item, "long")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]
    order = {name: number for number, name in enumerate(FIRST)}

    def place(item: pytest.Item) -> tuple[bool, int]:
        names = (item.path.parent.name, item.path.stem)
        return _is(item, "long"), min(order.get(name, len(order)) for name in names)

    items.sort(key=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a long test, before its fixtures start anything, if the time of `--minutes` is over."""
    minutes = item.config.getoption("minutes")
    if minutes is not None and _is(item, "long") and time.time() > float(os.environ[BEGAN]) + 60 * minutes:
        pytest.skip(f"{minutes:g} minutes are over; `./caf test {item.path.relative_to(item.config.rootpath)}` runs it")


def _is(item: pytest.Item, mark: str) -> bool:
    return item.get_closest_marker(mark) is not None


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of the run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def lend_rules(shared: Path) -> Callable[[Path], Path]:
    """Lets a home use the compiled rules of the run, and the dbt project as it was parsed for another home."""
    rules = shared / "rules"
    rules.mkdir(exist_ok=True)

    def lend(home: Path) -> Path:
        home.mkdir(parents=True, exist_ok=True)
        (home / "rules").symlink_to(rules)
        parsed = next(Path(os.environ[HOMES]).glob("*/*/dbt/target/partial_parse.msgpack"), None)
        if parsed is not None:
            (home / "dbt" / "target").mkdir(parents=True, exist_ok=True)
            shutil.copy(parsed, home / "dbt" / "target")
        return home

    return lend


@pytest.fixture(scope="session")
def make_home() -> Callable[[str], Path]:
    """Makes folders for homes. Their paths are short, because PostgreSQL's socket is in the home."""
    return lambda name="home": Path(tempfile.mkdtemp(dir=os.environ[HOMES])) / name


@pytest.fixture(scope="session")
def home(make_home: Callable[[str], Path], lend_rules: Callable[[Path], Path]) -> Path:
    """The home of the whole run, or of one process of the run."""
    return lend_rules(make_home("h"))


@pytest.fixture(scope="session")
def settings(home: Path) -> Settings:
    """Settings of the run's home with free ports. Servers start only when a fixture needs them."""
    kafka_port, airflow_port, dashboard_port = free_ports(3)
    return Settings(home=home, kafka_port=kafka_port, airflow_port=airflow_port, dashboard_port=dashboard_port)


@pytest.fixture(scope="session")
def postgres(settings: Settings) -> Iterator[Postgres]:
    """The embedded PostgreSQL server of the run's home."""
    yield embedded.start(settings)
    embedded.stop(settings)


@pytest.fixture(scope="session")
def kafka(settings: Settings) -> Iterator[str]:
    """The address of the run's real Kafka broker."""
    yield broker.start(settings)
    broker.stop(settings)


@pytest.fixture(scope="session")
def empty_lake(settings: Settings, postgres: Postgres) -> str:
    """A database with the empty catalogs of a lake. To copy this database is faster than to create catalogs."""
    connect(replace(settings, database="empty_lake", lake_data="nowhere")).close()
    return "empty_lake"


@pytest.fixture
def fresh_settings(settings: Settings, postgres: Postgres, empty_lake: str, tmp_path: Path) -> Iterator[Settings]:
    """The run's settings with a database and a lake folder for one test alone."""
    own = replace(settings, database=f"t_{uuid4().hex[:12]}", lake_data=str(tmp_path / "lake"))
    with _entered(postgres.url) as cursor:
        cursor.execute(f"CREATE DATABASE {own.database} TEMPLATE {empty_lake}")
    with _entered(postgres.dsn(own.database)) as cursor:
        for catalog in (CATALOG_LANDING, CATALOG_MARTS):
            place = f"{data_path(own, catalog)}/"
            cursor.execute(f"UPDATE {catalog}.ducklake_metadata SET value = %s WHERE key = 'data_path'", [place])
    yield own
    postgres.drop(own.database)


@contextmanager
def _entered(url: str) -> Iterator[psycopg2.extensions.cursor]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


@pytest.fixture
def fresh_topics(settings: Settings, kafka: str) -> str:
    """The address of the broker, with all topics recreated. Every topic is empty and its offsets begin at zero."""
    # Only the broker itself may delete the topic of the audit.
    client = admin(settings.acting_as(BROKER))
    try:
        client.delete_topics(client.list_topics())
        while client.list_topics():
            time.sleep(0.02)
    finally:
        client.close()
    ensure_topics(settings)
    return kafka
