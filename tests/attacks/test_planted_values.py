"""
After a run with planted values, the values are in the topics, in the lake and in PostgreSQL's tables, and nowhere else.

Each command of the run is a process of its own. Everything that it logs or says about its own work is searched, and so
is every file of the home. `tests/dags/test_dags.py` does the same for Airflow: the logs of its tasks, and its metadata.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from expectations import build_docs
from streams.kafka.client import producer
from streams.kafka.topics import ensure_topics
from streams.lake.connect import connect
from streams.settings import PROJECT, Settings
from streams.stack import broker, postgres, stack
from streams.stack.ports import free_ports
from streams.times import wait_for
from tests.attacks.planted import MARK, planted_records

pytestmark = pytest.mark.slow

IN_TURN = (
    ("land", "--once"),
    ("share", "--once"),
    ("feedback", "--once"),
    ("build",),
    ("land", "--once"),
    ("quarantine", "list"),
    ("quarantine", "show", "--limit", "1000"),
    ("replay", "--reason", "not_json", "--yes"),
    ("replay", "--dry-run"),
    ("verify", "--wait", "5"),
    ("status",),
    ("about", f"P-{MARK}-unknown"),
    ("about", f"F-{MARK}", "--for", "officer", "--json", "--out", "{out}"),
)
"""Commands whose whole output is searched. `{out}` is a file outside the home, which is meant to hold the values."""

STORES = ("kafka", "postgres", "lake")
"""The folders of a home that hold topics, PostgreSQL's tables and the lake's files."""

MEANT_TO_HOLD = ("warehouse.duckdb",)
"""The copy of the marts for analysts, which only the owner of the home can read."""


@pytest.fixture(scope="module")
def settings(make_home: Callable[[str], Path], lend_rules: Callable[[Path], Path]) -> Iterator[Settings]:
    """A home with a broker that has the planted records."""
    kafka_port, airflow_port, dashboard_port = free_ports(3)
    own = Settings(
        home=make_home("h"),
        kafka_port=kafka_port,
        airflow_port=airflow_port,
        dashboard_port=dashboard_port,
        metrics_token="a-token",
        land_batch_seconds=0.2,
    )
    try:
        stack.up(own, (postgres.NAME, broker.NAME))
        lend_rules(own.home)
        ensure_topics(own)
        kafka = producer(own)
        for topic, key, value, headers in planted_records():
            kafka.send(topic, key=key, value=value, headers=headers).get(timeout=30)
        kafka.close()
        yield own
    finally:
        stack.down(own)


@pytest.fixture(scope="module")
def said(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each command of the run has logged and printed, and what the metrics say."""
    folder = tmp_path_factory.mktemp("said")
    environ = {**os.environ, **settings.to_env(), "PYTHONPATH": str(PROJECT)}
    found: dict[str, str] = {}

    def start(*words: str) -> subprocess.Popen:
        with (folder / f"{words[0]}.log").open("w") as log:
            return subprocess.Popen([sys.executable, "-m", "streams.cli", *words], env=environ, stdout=log, stderr=log)

    pages, watch = start("pages"), start("watch")
    wait_for(lambda: "alerts_published" in (folder / "watch.log").read_text(), 300, every=0.5)
    for number, words in enumerate(IN_TURN):
        given = [word.format(out=folder / "about.json") for word in words]
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", *given], env=environ, capture_output=True, text=True, check=False
        )
        found[f"{number} {' '.join(words)}"] = f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    url = f"http://127.0.0.1:{settings.dashboard_port}/metrics"
    found["metrics"] = requests.get(url, headers={"Authorization": "Bearer a-token"}, timeout=60).text
    build_docs(settings)
    for part in (pages, watch):
        part.terminate()
        part.wait(60)
    found |= {file.name: file.read_text() for file in folder.glob("*.log")}
    found["about.json"] = (folder / "about.json").read_text()
    return found


def test_the_values_are_where_they_are_meant_to_be(settings: Settings, said: dict[str, str]) -> None:
    """So the searches below would find them."""
    with connect(settings, marts=None) as lake:
        events = lake.execute("SELECT count(*) FROM landing.main.events WHERE contains(payload, ?)", [MARK]).fetchone()
        reasons = lake.execute("SELECT DISTINCT reason FROM landing.main.quarantine").fetchall()
        alerts = lake.execute(
            "SELECT count(*) FROM landing.main.alerts WHERE contains(entity_id, ?)", [MARK]
        ).fetchone()

    assert events[0] > 100
    assert alerts[0] > 0
    faults = {"not_json", "envelope", "unknown_type", "schema", "key_mismatch", "too_large", "batch"}
    assert {reason for (reason,) in reasons} >= faults
    assert MARK in said["about.json"]


def test_no_command_logs_or_prints_a_value(said: dict[str, str]) -> None:
    """The ids that somebody typed are not repeated either."""
    assert {name: text for name, text in said.items() if MARK in text and name != "about.json"} == {}
    assert {name for name, text in said.items() if "Traceback" in text} == set()
    assert "caf_rejected_records_total" in said["metrics"]
    assert "batch_landed" in said["0 land --once"]


def test_no_other_file_of_the_home_holds_a_value(settings: Settings, said: dict[str, str]) -> None:
    """Names of files and folders count too, in the stores as well."""
    home = settings.home
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    inside = [path for path in files if path.relative_to(home).parts[0] not in {*STORES, *MEANT_TO_HOLD, "rules"}]

    assert any(path.is_relative_to(home / "logs") for path in inside)
    assert any(path.is_relative_to(home / "data_docs") for path in inside)
    assert [str(path) for path in inside if MARK.encode() in path.read_bytes()] == []
    assert [str(path) for path in home.rglob("*") if MARK in path.name] == []
