"""The compose file, and its services as processes of this machine instead of containers."""

import base64
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired, run
from typing import Any

import psutil
import psycopg2
import pytest
import yaml

from streams.kafka.login import secret_file
from streams.settings import PROJECT, Settings
from streams.stack import broker, processes
from streams.stack import postgres as embedded
from streams.stack.ports import free_ports

PATIENCE = 400
DOCKERFILE = PROJECT / "Dockerfile"
ENTRYPOINT = re.compile(r"^ENTRYPOINT (.*)$", re.MULTILINE)
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The parsed compose file. Anchors are merged, and variables are not replaced."""
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The variables that an operator must set, made as docs/deploy.md describes."""
    return {
        "CAF_POSTGRES_PASSWORD": secrets.token_hex(32),
        "CAF_AIRFLOW_PASSWORD": secrets.token_hex(32),
        "CAF_JWT_SECRET": secrets.token_hex(32),
        "CAF_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


@dataclass(frozen=True)
class Deployment:
    """The services as processes of this machine. Names, ports and folders of containers are replaced by local ones."""

    home: Path
    services: Mapping[str, Mapping[str, Any]]
    given: Mapping[str, str]
    here: Mapping[str, str]

    def environ(self, service: str) -> dict[str, str]:
        """
        The environment of a container.

        The environment has the variables of the image and of the compose file, and ports that are unique on this
        machine.
        """
        worker, trigger = (self.here[name] for name in ("worker log port", "trigger log port"))
        image = {
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": str(PROJECT),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": worker,
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": trigger,
        }
        return image | {name: self._here(value) for name, value in self.services[service]["environment"].items()}

    def command(self, service: str) -> list[str]:
        """The command of a container. If the compose file sets no entrypoint, the image's entrypoint is used."""
        found = self.services[service]
        entry = found.get("entrypoint") or json.loads(ENTRYPOINT.search(DOCKERFILE.read_text())[1])
        return [self._here(word) for word in (*entry, *found["command"])]

    def start(self, service: str) -> None:
        processes.start(self.home, service, self.command(service), env=self.environ(service), cwd=PROJECT)

    def run(self, service: str) -> int:
        """Run a service until it ends, and return its exit code."""
        return run(self.command(service), env=self.environ(service), cwd=PROJECT, check=False).returncode

    def is_healthy(self, service: str) -> bool:
        """Whether the service passes its own health check within the timeout of the compose file."""
        check = self.services[service]["healthcheck"]
        kind, *words = check["test"]
        assert kind == "CMD"
        command = [self._here(word) for word in words]
        timeout = int(check["timeout"].removesuffix("s"))
        options = {"env": self.environ(service), "cwd": PROJECT, "capture_output": True, "timeout": timeout}
        try:
            return run(command, check=False, **options).returncode == 0
        except TimeoutExpired:
            return False

    def wait_until_healthy(self, service: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.is_healthy(service):
            assert processes.find(self.home, service).alive, f"{service} has ended"
            assert time.monotonic() < deadline, f"{service} is not healthy"
            time.sleep(1)

    def _here(self, text: str) -> str:
        text = VARIABLE.sub(lambda found: self.given.get(found[1]) or found[3] or "", str(text))
        places = re.compile("|".join(map(re.escape, self.here)))
        return places.sub(lambda found: self.here[found[0]], text)


@pytest.fixture(scope="module")
def deployment(
    compose: dict[str, Any],
    environment: dict[str, str],
    make_home: Callable[[str], Path],
    lend_rules: Callable[[Path], Path],
) -> Iterator[Deployment]:
    """
    The services that run from the project's image. The services are not started, but Kafka and PostgreSQL are running.

    PostgreSQL requires the password over TCP.
    """
    home = lend_rules(make_home("h"))
    kafka_port, postgres_port, api_port, worker_port, trigger_port, pages_port = free_ports(6)
    settings = Settings(home=home, kafka_port=kafka_port)
    here = {
        "/var/lib/caf": str(home),
        "/opt/caf": str(PROJECT),
        "kafka:9092": f"127.0.0.1:{kafka_port}",
        "postgres:5432": f"127.0.0.1:{postgres_port}",
        "airflow-api-server:8080": f"127.0.0.1:{api_port}",
        "8080": str(api_port),
        "8501": str(pages_port),
        "worker log port": str(worker_port),
        "trigger log port": str(trigger_port),
    }
    built = {name: service for name, service in compose["services"].items() if "build" in service}
    try:
        broker.start(settings)
        _start_postgres(settings, postgres_port, environment["CAF_POSTGRES_PASSWORD"])
        login = str(secret_file(home, settings.principal))
        yield Deployment(home, built, environment | {"CAF_KAFKA_CONFIG": login}, here)
    finally:
        for service in (*reversed(built), broker.NAME, embedded.NAME):
            processes.stop(home, service)


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
