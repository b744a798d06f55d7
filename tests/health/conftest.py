"""Parts as real processes that can be stopped and killed, and functions that check their health."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from streams.health.look import Health, Observer
from streams.health.row import Row
from streams.lake.connect import catalog_dsn
from streams.settings import PROJECT, Settings

PATIENCE = 120

Look = Callable[[], Health]


@pytest.fixture
def health_settings(fresh_settings: Settings, fresh_topics: str) -> Settings:
    """Settings with an empty lake and empty topics. Records land at once."""
    return replace(fresh_settings, land_batch_seconds=0.05)


@pytest.fixture
def look(health_settings: Settings) -> Look:
    """A function that checks the health of all parts and servers once."""
    observer = Observer(health_settings)
    return observer.look


@pytest.fixture
def eventually(look: Look) -> Callable[[str, Callable[[Row], bool]], Row]:
    """A function that checks health until a part's row meets a condition, and returns the row."""

    def wait(part: str, is_wanted: Callable[[Row], bool]) -> Row:
        deadline = time.monotonic() + PATIENCE
        while not (found := look().row(part)) or not is_wanted(found):
            assert time.monotonic() < deadline, f"waited in vain; last: {found}"
            time.sleep(0.5)
        return found

    return wait


@pytest.fixture
def verb(health_settings: Settings, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """A function that starts commands of `./caf`. At the end, commands that still run are killed."""
    started: list[subprocess.Popen] = []

    def start(*words: str) -> subprocess.Popen:
        environ = {**os.environ, **health_settings.to_env(), "PYTHONPATH": str(PROJECT)}
        with (tmp_path / f"{words[0]}.log").open("ab") as log:
            command = [sys.executable, "-m", "streams.cli", *words]
            started.append(subprocess.Popen(command, env=environ, cwd=PROJECT, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@pytest.fixture
def sql(fresh_settings: Settings) -> Callable[..., list[tuple]]:
    """A function that runs a query in the database to which parts write their signs of life."""

    def ask(query: str, *values: object) -> list[tuple]:
        with psycopg2.connect(catalog_dsn(fresh_settings)) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    return ask


@pytest.fixture
def until() -> Callable[[Callable[[], object]], object]:
    """A function that asks again until the answer is true, and returns the answer."""

    def wait(ask: Callable[[], object]) -> object:
        deadline = time.monotonic() + PATIENCE
        while not (answer := ask()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.2)
        return answer

    return wait
