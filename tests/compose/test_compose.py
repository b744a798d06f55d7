"""Properties that docker-compose.yml must have."""

import re
import subprocess
from typing import Any

from streams.kafka.rights import principals
from streams.settings import PROJECT
from streams.stack.broker_secrets import BROKER

ONCE = {"init"}
COMMANDS = {"caf"}
"""The service with which people run commands. It does not run all the time."""
KEY_FILES = {"CAF_BACKUP_KEY"}
"""Variables that name a file with a key, and so hold no secret."""
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|CONN|POSTGRES$|AIRFLOW$")
COMPOSE, DOCKERFILE = PROJECT / "docker-compose.yml", PROJECT / "Dockerfile"
PRINCIPALS = {
    "init": {BROKER, *principals()},
    "kafka": {BROKER},
    "caf": {"engineer", "land", "build", "share", "subscriber"},
    "airflow-scheduler": {"intake", "watch", "land", "build", "share"},
    "intake": {"intake"},
    "watch": {"watch"},
    "pages": {"pages"},
}
"""The principals as which each service can log in to the broker. All other services cannot log in at all."""
NETWORKS = {
    "kafka": {"kafka", "init", "caf", "airflow-scheduler", "intake", "watch", "pages"},
    "postgres": {
        *("postgres", "init", "caf", "intake", "watch", "pages"),
        *("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"),
    },
    "airflow": {
        *("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "pages", "caf"),
    },
    "front": {"airflow-api-server", "pages"},
    "monitoring": {"pages", "prometheus", "grafana"},
}

Compose = dict[str, Any]


def test_no_service_runs_as_root(compose: Compose) -> None:
    """The user is set by the service, or by the image that is built from the project's Dockerfile."""
    *_, image_user = re.findall(r"^USER (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    users = {
        name: service.get("user", image_user * ("build" in service)) for name, service in compose["services"].items()
    }

    assert not set(users.values()) & {"", "root", "0"}


def test_every_service_restarts_and_is_checked(compose: Compose) -> None:
    """The services that run only once are the exception. `init` is repeated until it has succeeded."""
    services = compose["services"]

    assert {name for name, service in services.items() if "healthcheck" not in service} == ONCE | COMMANDS
    assert {name: service["restart"] for name, service in services.items()} == {
        name: "on-failure" if name in ONCE else "no" if name in COMMANDS else "unless-stopped" for name in services
    }


def test_what_the_image_runs_waits_for_init_and_init_for_the_servers(compose: Compose) -> None:
    services = compose["services"]
    built = {name: one["depends_on"] for name, one in services.items() if "build" in one and name not in COMMANDS}

    assert built.pop("init") == {name: {"condition": "service_healthy"} for name in ("kafka", "postgres")}
    assert {str(waits["init"]) for waits in built.values()} == {str({"condition": "service_completed_successfully"})}


def test_no_service_can_write_outside_its_volumes_or_gain_rights(compose: Compose) -> None:
    """A program that has been taken over cannot replace the project's code, and cannot become root."""
    hardened = {"read_only": True, "security_opt": ["no-new-privileges:true"], "cap_drop": ["ALL"]}
    services = compose["services"]

    assert {name: {key: service.get(key) for key in hardened} for name, service in services.items()} == dict.fromkeys(
        services, hardened
    )
    assert {name for name, service in services.items() if not str(service["tmpfs"][0]).startswith("/tmp")} == set()
    assert [
        name for name, service in services.items() if {"privileged", "cap_add", "network_mode"} & set(service)
    ] == []


def test_every_secret_is_a_file(compose: Compose) -> None:
    """An environment is easy to see: it is passed on to child processes, and `docker inspect` shows it."""
    variables = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text())) - KEY_FILES
    values = {
        name: str(value)
        for service in compose["services"].values()
        for name, value in service.get("environment", {}).items()
        if SECRET.search(name) and name not in KEY_FILES
    }

    assert [name for name in variables if SECRET.search(name)] == []
    assert [name for name in values if not name.endswith(("_FILE", "_CMD"))] == []
    assert [one for one in compose["secrets"].values() if list(one) != ["file"]] == []


def test_secrets_are_made_by_the_script_and_kept_when_it_runs_again(compose: Compose, tmp_path) -> None:
    """Nobody else on the host can enter the folder. The files are readable, because containers run as other users."""
    folder = tmp_path / "secrets"
    script = PROJECT / "deploy" / "make-secrets"
    subprocess.run([script, folder], check=True)
    made = {file.name: file.read_text() for file in folder.iterdir()}
    subprocess.run([script, folder], check=True)

    assert {one["file"].removeprefix("secrets/") for one in compose["secrets"].values()} <= set(made)
    assert {file.name: file.read_text() for file in folder.iterdir()} == made
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
    assert len(set(made.values())) == len(made)


def test_each_service_has_the_logins_that_it_needs_and_no_others(compose: Compose) -> None:
    found = {
        name: {
            secret["target"].removeprefix("/run/secrets/kafka/").removesuffix(".properties")
            for secret in service.get("secrets", [])
            if isinstance(secret, dict)
        }
        for name, service in compose["services"].items()
    }

    assert {name: logins for name, logins in found.items() if logins} == PRINCIPALS


def test_services_reach_only_the_networks_that_they_need(compose: Compose) -> None:
    """The servers, and everything without an open port, can reach nothing outside the host."""
    services, networks = compose["services"], compose["networks"]
    found = {one: {name for name, service in services.items() if one in service["networks"]} for one in networks}
    outside = {one for one, network in networks.items() if not (network or {}).get("internal")}
    reaching = {name for name, service in services.items() if outside & set(service["networks"])}

    assert found == NETWORKS
    assert reaching == {name for name, service in services.items() if "ports" in service}


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
