"""Properties that docker-compose.yml must have, and a test that its commands work in its environment."""

import re
from typing import Any

import pytest
import requests

from streams.alerts.trial import run_trial
from streams.kafka.client import end_offsets
from streams.names import INPUT_TOPICS
from streams.settings import PROJECT, Settings
from streams.stack import airflow

ONCE = {"init"}
SECRET = re.compile(r"PASSWORD|SECRET|KEY")
COMPOSE, DOCKERFILE = PROJECT / "docker-compose.yml", PROJECT / "Dockerfile"

Compose = dict[str, Any]


def test_no_service_runs_as_root(compose: Compose) -> None:
    """The user is set by the service, or by the image that is built from the project's Dockerfile."""
    *_, image_user = re.findall(r"^USER (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    users = {
        name: service.get("user", image_user * ("build" in service)) for name, service in compose["services"].items()
    }

    assert not set(users.values()) & {"", "root", "0"}


def test_every_service_restarts_and_is_checked(compose: Compose) -> None:
    """The service that runs only once is the exception. This service is repeated until it has succeeded."""
    services = compose["services"]

    assert {name for name, service in services.items() if "healthcheck" not in service} == ONCE
    assert {name: service["restart"] for name, service in services.items()} == {
        name: "on-failure" if name in ONCE else "unless-stopped" for name in services
    }


def test_what_the_image_runs_waits_for_init_and_init_for_the_servers(compose: Compose) -> None:
    services = compose["services"]
    built = {name: service["depends_on"] for name, service in services.items() if "build" in service}

    assert built.pop("init") == {name: {"condition": "service_healthy"} for name in ("kafka", "postgres")}
    assert {str(waits["init"]) for waits in built.values()} == {str({"condition": "service_completed_successfully"})}


def test_no_secret_is_written_down(compose: Compose) -> None:
    """Each secret comes from the environment, and compose reports a missing secret."""
    named = re.findall(r"\$\{(\w+)([^}]*)}", COMPOSE.read_text())
    values = {
        name: str(value)
        for service in compose["services"].values()
        for name, value in service["environment"].items()
        if SECRET.search(name) and not name.endswith("_FILE")
    }
    logins = re.findall(r"://\w+:(\$\{[^}]*}|[^@\s]+)@", COMPOSE.read_text())

    assert {name for name, rest in named if SECRET.search(name) and not rest.startswith(":?")} == set()
    assert values
    assert [name for name, value in values.items() if not value.startswith("${")] == []
    assert logins
    assert [login for login in logins if not login.startswith("${")] == []


def test_state_is_on_named_volumes(compose: Compose) -> None:
    """No folder of the host is mounted, and all state survives its container."""
    mounted = {name: service["volumes"] for name, service in compose["services"].items()}
    volumes = {volume.partition(":")[0] for volumes in mounted.values() for volume in volumes}

    assert set(mounted) == set(compose["services"])
    assert volumes == set(compose["volumes"])


def test_only_the_loopback_address_is_opened(compose: Compose) -> None:
    """Other machines reach Airflow's pages only through a reverse proxy."""
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.slow
def test_services_become_healthy_and_work_together(deployment) -> None:
    """
    The commands, environment and health checks of the compose file work.

    Then an alert passes through the whole system, and only the right password gives access to Airflow.
    """
    assert deployment.run("init") == 0
    assert deployment.run("init") == 0

    others = [name for name in deployment.services if name not in ONCE]
    for name in others:
        for earlier in set(deployment.services[name]["depends_on"]) - ONCE:
            deployment.wait_until_healthy(earlier)
        deployment.start(name)
    for name in others:
        deployment.wait_until_healthy(name)
    settings = Settings.from_env(deployment.environ("watch"))
    api = airflow.client(settings)

    assert len(end_offsets(settings, INPUT_TOPICS)) == len(INPUT_TOPICS) * settings.partitions
    assert run_trial(settings, 60) > 0
    assert api.healthy()
    assert api.get("importErrors")["total_entries"] == 0
    assert [dag["is_paused"] for dag in api.get("dags")["dags"]] == [False] * len(list((PROJECT / "dags").glob("*.py")))
    with pytest.raises(requests.HTTPError, match="401"):
        airflow.Airflow(api.url, api.username, "another").token()
