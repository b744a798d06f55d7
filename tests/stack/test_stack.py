"""The whole stack of a home: it starts, is described, stops completely, and only a real home is ever removed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from streams.errors import SettingInvalid
from streams.settings import PROJECT, Settings
from streams.stack import airflow, processes, stack
from streams.stack.ports import free_ports
from streams.stack.stack import Service

TICKER = Service(name="ticker", command=(sys.executable, "-c", "import time; time.sleep(600)"), address="nowhere")


@pytest.fixture(scope="module")
def running(make_home: Callable[[str], Path]) -> Iterator[Settings]:
    """A home in which all parts run."""
    kafka_port, airflow_port = free_ports(2)
    settings = Settings(home=make_home("h"), kafka_port=kafka_port, airflow_port=airflow_port)
    stack.up(settings, [*stack.SERVERS, TICKER])
    yield settings
    stack.down(settings)


def _settings(home: Path) -> Settings:
    return Settings(home=home, kafka_port=free_ports(1)[0])


@pytest.mark.slow
def test_every_part_that_was_started_is_described(running: Settings) -> None:
    """Each part has a living process, memory, and an address."""
    parts = stack.status(running)

    assert [part.part for part in parts] == ["postgres", "kafka", "airflow", "ticker"]
    assert {part.state for part in parts} == {"running"}
    assert all(part.memory_mb > 1 and part.address and psutil.pid_exists(part.pid) for part in parts)


@pytest.mark.slow
def test_airflow_knows_the_projects_dags(running: Settings) -> None:
    """The API answers with a token, and no DAG file fails to import."""
    api = airflow.client(running)

    assert api.get("version")["version"]
    assert api.get("importErrors")["total_entries"] == 0


@pytest.mark.slow
def test_airflow_refuses_requests_without_a_token(running: Settings) -> None:
    """Only people who know the password may use Airflow's pages."""
    answer = requests.get(f"{airflow.client(running).url}/api/v2/dags", timeout=30)

    assert answer.status_code == requests.codes.unauthorized


@pytest.mark.slow
def test_down_leaves_no_process(running: Settings) -> None:
    """Every process that a part started has ended, including Airflow's tasks and workers."""
    ran = stack.down(running)

    assert ran == ["ticker", "airflow", "kafka", "postgres"]
    assert [processes.members(running.home, name) for name in ran] == [[], [], [], []]
    assert {part.state for part in stack.status(running)} == {"stopped"}


def test_service_that_died_is_reported_as_failed(tmp_path: Path) -> None:
    """Nobody stopped the service, so it is reported as failed and not as stopped."""
    settings = _settings(tmp_path / "home")
    stack.up(settings, [TICKER])
    ticker = psutil.Process(processes.find(settings.home, "ticker").pid)
    ticker.kill()
    ticker.wait()
    states = {part.part: part.state for part in stack.status(settings)}
    stack.down(settings)

    assert states == {"postgres": "stopped", "kafka": "stopped", "airflow": "stopped", "ticker": "failed"}


def test_service_is_started_once(tmp_path: Path) -> None:
    """`up` on a running stack changes nothing."""
    settings = _settings(tmp_path / "home")
    stack.up(settings, [TICKER])
    before = processes.find(settings.home, "ticker")
    stack.up(settings, [TICKER])
    after = processes.find(settings.home, "ticker")
    stack.down(settings)

    assert after == before


def test_purge_removes_the_home(make_home: Callable[[str], Path]) -> None:
    """Running parts are stopped before the home is removed."""
    settings = _settings(make_home("home"))
    stack.up(settings, ["postgres", TICKER])
    stack.down(settings, purge=True)

    assert not settings.home.exists()
    assert processes.members(settings.home, "postgres") == []


def test_purge_refuses_a_folder_that_is_no_home(tmp_path: Path) -> None:
    """A mistyped `CAF_HOME` removes no other folder."""
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(SettingInvalid, match="is not a home of this project"):
        stack.down(_settings(tmp_path), purge=True)

    assert (tmp_path / "letter.txt").read_text() == "keep me"


def test_up_refuses_a_folder_that_holds_other_things(tmp_path: Path) -> None:
    """A home in such a folder could later be purged with the other things in it."""
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(SettingInvalid, match=r"holds other things \(letter.txt\)"):
        stack.up(_settings(tmp_path), [TICKER])


def test_up_takes_a_folder_in_which_a_notebook_was_opened_before(make_home: Callable[[str], Path]) -> None:
    """A command may write files into a home before the first start. Such files belong to the home."""
    settings, (port,) = _settings(make_home("home")), free_ports(1)
    opening = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "notebook", "--port", str(port)],
        env=os.environ | {"PYTHONPATH": str(PROJECT), "CAF_HOME": str(settings.home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert any("http://" in line for line in opening.stdout)
    finally:
        opening.terminate()
        opening.communicate(timeout=30)
    stack.up(settings, [TICKER])

    assert stack.down(settings) == ["ticker"]


def test_unknown_part_is_named_with_the_known_ones(tmp_path: Path) -> None:
    """A mistyped name of a part starts no part."""
    with pytest.raises(SettingInvalid, match="no part is called 'kafak'; known: postgres, kafka, airflow"):
        stack.up(_settings(tmp_path / "home"), ["kafak"])


def test_server_that_is_named_elsewhere_is_not_started(tmp_path: Path) -> None:
    """If the settings name a broker elsewhere, the home has no broker of its own."""
    settings = Settings(home=tmp_path / "home", kafka="broker.example:9092")
    stack.up(settings, ["kafka"])

    assert [part.part for part in stack.status(settings)] == ["postgres", "airflow"]
