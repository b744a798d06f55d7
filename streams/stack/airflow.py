"""
Airflow on this machine. All its components are one part, and its metadata is in the home's PostgreSQL.

Source: https://airflow.apache.org/docs/apache-airflow/3.3.2/configurations-ref.html
"""

import json
import os
import secrets
import shlex
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psutil
import requests

from streams.lake.postgres import Postgres
from streams.private import write_privately
from streams.settings import PROJECT, Settings
from streams.stack import postgres, processes
from streams.stack.environ import project_environment
from streams.stack.ports import check_port
from streams.stack.processes import Say, Started
from streams.times import wait_for

__all__ = [
    "NAME",
    "Airflow",
    "client",
    "complete_passwords",
    "environment",
    "new_passwords",
    "new_token_key",
    "password_file",
    "start",
    "stop",
    "token_key_file",
]

NAME = "airflow"
USER = "admin"
APPROVER = "approver"
ROLES = {USER: "admin", APPROVER: "user"}
"""
Who may log in, with Airflow's roles.

The approver sees and starts DAGs, and answers their questions. The approver cannot see or change connections, variables
and the configuration.
"""
START_SECONDS = 600
"""The longest time in seconds that a start may take. The first start also creates Airflow's tables."""

RECOVERY_SECONDS = 60
"""How many seconds an Airflow that was healthy before may take to become healthy again."""

NEEDED_LAST = ("api_server", "api-server")
WORKER = "LocalExecutor"

_PASSWORD_BYTES = 12
_KEY_BYTES = 64
"""Airflow signs with HMAC-SHA-512, whose keys should have 64 bytes."""

COMPONENTS = """
airflow db migrate
airflow scheduler --skip-serve-logs &
airflow dag-processor &
airflow triggerer --skip-serve-logs &
exec airflow api-server
"""
"""
The shell script that starts all components.

`airflow standalone` would start the same components, but the scheduler's and the triggerer's log servers would listen
on all addresses of the machine. Nobody needs these servers here, because the API server reads the logs from the disk.
"""

NO_LOG_SERVER = "1"
"""
The port at which the API server looks for the logs of running tasks, after it has read them from the disk.

No log server listens there. Only an administrator can listen on this port, so no other user of the machine can answer.
"""

CONFIG = {
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "CORE__PARALLELISM": "9",
    "API__HOST": "127.0.0.1",
    "API__WORKERS": "1",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
    "LOGGING__WORKER_LOG_SERVER_PORT": NO_LOG_SERVER,
    "LOGGING__TRIGGER_LOG_SERVER_PORT": NO_LOG_SERVER,
    # Airflow sets the permissions of logs itself, whatever the umask is.
    "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
    "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
    # Airflow soon notices a new or changed DAG file. It seldom reads the other files again, because reading all of them
    # takes seconds of processor time.
    "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    "DAG_PROCESSOR__PARSING_PROCESSES": "1",
    # With these intervals, tasks are started again soon after the scheduler has been killed.
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "10",
}


class Airflow:
    """Airflow's REST API (v2) at an address, with a name and password."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self.username = username
        self.password = password

    def get(self, path: str, **parameters: Any) -> Any:
        """Send `GET /api/v2/<path>` and return the answer; raises `requests.HTTPError` for an error status."""
        return self._call("GET", path, params=parameters)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send `POST /api/v2/<path>` with a JSON body and return the answer; raises as `get` does."""
        return self._call("POST", path, json=body)

    def patch(self, path: str, body: Mapping[str, Any], **parameters: Any) -> Any:
        """Send `PATCH /api/v2/<path>` with a JSON body and return the answer; raises as `get` does."""
        return self._call("PATCH", path, json=body, params=parameters)

    def healthy(self) -> bool:
        """Return whether the API server answers and reports that every component is healthy."""
        try:
            parts = requests.get(f"{self.url}/api/v2/monitor/health", timeout=10).json()
        except (requests.RequestException, ValueError):
            return False
        needed = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return all((parts.get(part) or {}).get("status") == "healthy" for part in needed)

    def token(self) -> str:
        """Get a new access token, valid for a day."""
        body = {"username": self.username, "password": self.password}
        answer = requests.post(f"{self.url}/auth/token", json=body, timeout=30)
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.token()}"
        return session

    def _call(self, method: str, path: str, **request: Any) -> Any:
        url = f"{self.url}/api/v2/{path.lstrip('/')}"
        answer = self._session.request(method, url, timeout=60, **request)
        if answer.status_code == requests.codes.unauthorized:
            del self._session
            answer = self._session.request(method, url, timeout=60, **request)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def start(settings: Settings, say: Say = print) -> Airflow:
    """
    Start Airflow's scheduler, DAG processor, triggerer and API server with the project's DAGs, unless they are already
    running.

    PostgreSQL, which holds Airflow's metadata, is started first. Components that have ended while it was away do not
    return by themselves, so an Airflow that does not become healthy is started again.

    Raises:
        MachineUnfit: the machine lacks what PostgreSQL needs.
        PortTaken: another program listens on `settings.airflow_port`.
        StackFailed: a component stopped, or is not healthy in time.
    """
    postgres.start(settings)
    api = client(settings)
    running = processes.find(settings.home, NAME)
    if running is None or not running.alive or running.address != api.url or not _recovers(api, running):
        stop(settings)
        check_port(settings.airflow_port, "CAF_AIRFLOW_PORT")
        environ = {**os.environ, **environment(settings)}
        say("Starting Airflow (the first start takes half a minute) …")
        command = ["sh", "-ec", COMPONENTS]
        running = processes.start(settings.home, NAME, command, env=environ, cwd=PROJECT, address=api.url)
    processes.wait_until(api.healthy, running, settings.home, seconds=START_SECONDS)
    return api


def _recovers(api: Airflow, running: Started) -> bool:
    """Return whether a running Airflow becomes healthy by itself. A first start gets its full time."""
    left = running.created + START_SECONDS - time.time()
    return wait_for(api.healthy, max(left, RECOVERY_SECONDS), every=0.5)


def stop(settings: Settings) -> bool:
    """Stop every component and task of Airflow; return whether any of them was running."""
    _wind_down(settings.home, seconds=15)
    return processes.stop(settings.home, NAME, patience=5)


def _wind_down(home: Path, *, seconds: float) -> None:
    """
    Stop the tasks and most components first, so that the API server can still take in the tasks' reports.

    This function does not stop the executor's workers itself, because the scheduler does that. If a worker were killed
    while it holds the lock of the workers' queue, all other workers would wait for ever.
    """
    asked: set[int] = set()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        titles = {process: _title(process) for process in processes.members(home, NAME)}
        running = {process for process, title in titles.items() if not any(word in title for word in NEEDED_LAST)}
        if not running:
            return
        for process in running:
            if process.pid not in asked and WORKER not in titles[process]:
                asked.add(process.pid)
                with suppress(psutil.NoSuchProcess):
                    process.terminate()
        time.sleep(0.1)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def client(settings: Settings) -> Airflow:
    """
    Return the API of the Airflow that the settings name. If they name none, return the API of the home's own
    Airflow.
    """
    if settings.airflow:
        parts = urlsplit(settings.airflow)
        url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        return Airflow(url, unquote(parts.username or ""), unquote(parts.password or ""))
    passwords = complete_passwords(password_file(settings.home), {})
    return Airflow(f"http://127.0.0.1:{settings.airflow_port}", USER, passwords[USER])


def environment(settings: Settings) -> dict[str, str]:
    """
    Return the environment variables for `airflow` commands. With them, a command uses this home, and its tasks find the
    project.

    Raises:
        LakeUnavailable: PostgreSQL, which holds Airflow's metadata, does not answer.
    """
    url = f"http://127.0.0.1:{settings.airflow_port}"
    config = {
        **CONFIG,
        "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in ROLES.items()),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file(settings.home)),
        "DATABASE__SQL_ALCHEMY_CONN": Postgres.of(settings).sqlalchemy(NAME),
        "API__PORT": str(settings.airflow_port),
        "API__BASE_URL": url,
        "API_AUTH__JWT_SECRET_CMD": shlex.join(["cat", str(_token_key(settings))]),
        "LOGGING__BASE_LOG_FOLDER": str(settings.home / NAME / "logs"),
    }
    return {
        **project_environment(settings),
        **{f"AIRFLOW__{name}": value for name, value in config.items()},
        "AIRFLOW_HOME": str(settings.home / NAME),
    }


def password_file(home: Path) -> Path:
    """Return the file from which the home's Airflow reads the passwords at each login."""
    return home / NAME / "passwords.json"


def token_key_file(home: Path) -> Path:
    """Return the file with the key that signs the tokens of people who have logged in, and of running tasks."""
    return home / "secrets" / NAME / "token-key"


def new_passwords(home: Path) -> None:
    """Give everybody who may log in to the home's Airflow a new password."""
    complete_passwords(password_file(home), {name: secrets.token_urlsafe(_PASSWORD_BYTES) for name in ROLES})


def complete_passwords(file: Path, given: Mapping[str, str]) -> dict[str, str]:
    """
    Return the password of everybody who may log in to an Airflow, by name.

    Missing passwords are made here and written into the file, because Airflow would otherwise make them and write them
    to its log.

    Args:
        given: passwords that replace those of the file.
    """
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    whole = {name: secrets.token_urlsafe(_PASSWORD_BYTES) for name in ROLES} | known | dict(given)
    if whole != known:
        write_privately(file, json.dumps(whole))
    return whole


def new_token_key(home: Path) -> None:
    """Make a new key for tokens. Airflow uses it from its next start, and then all earlier tokens are invalid."""
    write_privately(token_key_file(home), secrets.token_urlsafe(_KEY_BYTES))


def _token_key(settings: Settings) -> Path:
    file = token_key_file(settings.home)
    if not file.exists():
        new_token_key(settings.home)
    return file
