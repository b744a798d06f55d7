"""
Start, describe and stop all parts of one home's stack, and remove the home.

The parts are servers and services. A server is given by its name. A service is a long-running command of the project.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from streams.errors import SettingInvalid
from streams.settings import PROJECT, Settings
from streams.stack import airflow, broker, machine, on_demand, postgres, private, processes
from streams.stack.environ import project_environment
from streams.stack.processes import Say

__all__ = ["SERVERS", "PartStatus", "Service", "check_machine", "down", "is_up", "status", "up"]

BEFORE_FIRST_START = {
    "venv",
    ".venv.lock",
    ".duckdb",
    airflow.NAME,
    "audit",
    "dbt",
    "desk",
    "docs",
    "erasures",
    "imports",
    "lake",
    "logs",
    "notebooks",
    "public.duckdb",
    "rules",
    "run",
    "secrets",
    postgres.NAME,
    "postgres.lock",
    broker.NAME,
    "m2",
    "warehouse.duckdb",
}
"""
Files and folders that a home may contain before it is marked as a home. The launcher makes some of them. A part makes
others when it is started alone.
"""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A long-running command of the project. If users can reach it at an address, `address` is this address."""

    name: str
    command: tuple[str, ...]
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class PartStatus:
    """
    The state of one part.

    `stopped` means that the part was stopped on purpose or was never started. `failed` means that it ended by itself.
    `memory_mb` counts all processes of the part.
    """

    part: str
    state: Literal["running", "stopped", "failed"]
    pid: int | None
    address: str
    memory_mb: float


def _start_postgres(settings: Settings, say: Say) -> None:
    if not is_up(settings, postgres.NAME):
        say("Starting PostgreSQL …")
    on_demand.start_postgres_to_stay(settings)


def _start_kafka(settings: Settings, say: Say) -> None:
    if not is_up(settings, broker.NAME):
        say("Starting Kafka …")
    broker.start(settings, say)


def _start_airflow(settings: Settings, say: Say) -> None:
    airflow.start(settings, say)


SERVERS: dict[str, Callable[[Settings, Say], None]] = {
    postgres.NAME: _start_postgres,
    broker.NAME: _start_kafka,
    airflow.NAME: _start_airflow,
}
"""The servers, in the order in which they are started."""


def up(settings: Settings, parts: Sequence[str | Service] = tuple(SERVERS), say: Say = print) -> None:
    """
    Start the parts that are not running yet. If the settings name a server of another machine or home, that server is
    not started.

    Raises:
        SettingInvalid: no part has the given name.
        MachineUnfit: the machine lacks what the parts need.
        PortTaken: another program listens on a part's port.
        StackFailed: a part cannot be started.
    """
    unknown = [part for part in parts if isinstance(part, str) and part not in SERVERS]
    if unknown:
        raise SettingInvalid(f"no part is called {unknown[0]!r}; known: {', '.join(SERVERS)}")
    machine.check_home(settings.home)
    machine.check_clock(settings.home)
    mark_home(settings.home, say)
    for name, start in SERVERS.items():
        if name in parts and not _elsewhere(settings, name):
            start(settings, say)
    for part in parts:
        if isinstance(part, Service):
            _start_service(settings, part, say)


def check_machine(settings: Settings) -> None:
    """
    Check, before any part is started, that this machine can run the whole stack.

    Raises:
        MachineUnfit: the machine lacks what a part needs.
        PortTaken: another program listens on a part's port.
    """
    machine.check_home(settings.home)
    machine.check_clock(settings.home)
    running = {part.part for part in status(settings) if part.state == "running"}
    ports = {
        broker.NAME: ("CAF_KAFKA_PORT", settings.kafka_port),
        airflow.NAME: ("CAF_AIRFLOW_PORT", settings.airflow_port),
        "pages": ("CAF_DASHBOARD_PORT", settings.dashboard_port),
    }
    machine.check_ports(
        dict(wanted for name, wanted in ports.items() if name not in running and not _elsewhere(settings, name))
    )
    if not _elsewhere(settings, airflow.NAME):
        machine.check_shared_memory()


def down(settings: Settings, *, purge: bool = False) -> list[str]:
    """
    Stop every part of the home, services first. Afterwards, remove the home if `purge` is set.

    Returns:
        The parts that were running.

    Raises:
        SettingInvalid: the folder to remove is not a home.
    """
    if purge:
        _require_home(settings.home)
    services = [name for name in _recorded(settings.home) if name not in SERVERS]
    stoppers = {postgres.NAME: postgres.stop, broker.NAME: broker.stop, airflow.NAME: airflow.stop}
    ran = [name for name in services if processes.stop(settings.home, name)]
    ran += [name for name in reversed(SERVERS) if stoppers[name](settings)]
    if purge:
        shutil.rmtree(settings.home)
    return ran


def status(settings: Settings) -> list[PartStatus]:
    """Return the state of each part of the home, servers first."""
    services = [name for name in _recorded(settings.home) if name not in SERVERS]
    embedded = [name for name in SERVERS if not _elsewhere(settings, name)]
    return [_status(settings.home, name) for name in (*embedded, *services)]


def is_up(settings: Settings, name: str) -> bool:
    """Return whether a server is running, without starting it. A server that the settings name counts as running."""
    return _elsewhere(settings, name) or any(part.part == name and part.state == "running" for part in status(settings))


def mark_home(home: Path, say: Say = private.to_stderr) -> None:
    """
    Mark the folder as a home, and close it to other users of the machine.

    Raises:
        SettingInvalid: the folder contains files or folders that do not belong to a home.
    """
    if not (home / machine.MARKER).exists():
        strangers = {entry.name for entry in home.iterdir()} - BEFORE_FIRST_START if home.exists() else set()
        if strangers:
            raise SettingInvalid(
                f"{home} holds other things ({min(strangers)}); let CAF_HOME name a new or empty folder"
            )
        home.mkdir(parents=True, exist_ok=True)
        (home / machine.MARKER).touch()
    private.close_home(home, say)


def _status(home: Path, name: str) -> PartStatus:
    started = processes.find(home, name)
    if started is None:
        return PartStatus(part=name, state="stopped", pid=None, address="", memory_mb=0)
    memory = processes.memory_mb(processes.members(home, name))
    state: Literal["running", "failed"] = "running" if started.alive else "failed"
    return PartStatus(part=name, state=state, pid=started.pid, address=started.address, memory_mb=memory)


def _start_service(settings: Settings, service: Service, say: Say) -> None:
    started = processes.find(settings.home, service.name)
    if started is not None and started.alive:
        return
    say(f"Starting {service.name} …")
    environ = {**os.environ, **project_environment(settings)}
    processes.start(settings.home, service.name, service.command, env=environ, cwd=PROJECT, address=service.address)


def _elsewhere(settings: Settings, name: str) -> bool:
    """Return whether the settings name this server. If they do, the home does not start its own."""
    named = {postgres.NAME: settings.postgres, broker.NAME: settings.kafka, airflow.NAME: settings.airflow}
    return bool(named.get(name))


def _recorded(home: Path) -> list[str]:
    return sorted(file.stem for file in (home / "run").glob("*.json"))


def _require_home(home: Path) -> None:
    if not home.exists():
        raise SettingInvalid(f"there is no folder {home}; nothing was removed")
    if not (home / machine.MARKER).exists():
        raise SettingInvalid(
            f"{home} is not a home of this project (no file {machine.MARKER} in it); nothing was removed"
        )
