"""The commands of docker-compose.yml work in its environment."""

import subprocess
from contextlib import closing

import pytest
import requests
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams import names
from streams.alerts.trial import run_trial
from streams.errors import SettingInvalid
from streams.kafka.client import admin, end_offsets
from streams.kafka.login import login
from streams.kafka.rights import principals
from streams.kafka.topics import topic_configs
from streams.names import INPUT_TOPICS
from streams.settings import PROJECT, Settings
from streams.stack import airflow
from streams.stack.broker_secrets import BROKER
from tests.compose.conftest import can_contain
from tests.compose.test_compose import PRINCIPALS
from tests.kafka.test_login import operations

pytestmark = pytest.mark.long


def test_services_become_healthy_and_work_together(started) -> None:
    """
    The commands, environment and health checks of the compose file work, with a root that cannot be written to.

    Then an alert passes through the whole system, and only the right password gives access to Airflow.
    """
    assert started.run("init") == 0  # a second time, as after each update
    started.hand_out("caf")
    settings = Settings.from_env(started.environ("caf"))
    api = airflow.client(settings)

    assert len(end_offsets(settings, INPUT_TOPICS)) == len(INPUT_TOPICS) * settings.partitions
    assert started.run("caf", "alerts", "test") == 0
    assert started.run("caf", "desk", "add", "sam", "--generate") == 0
    assert run_trial(settings, 60) > 0
    assert api.healthy()
    assert api.get("importErrors")["total_entries"] == 0
    assert [dag["is_paused"] for dag in api.get("dags")["dags"]] == [False] * len(list((PROJECT / "dags").glob("*.py")))
    with pytest.raises(requests.HTTPError, match="401"):
        airflow.Airflow(api.url, api.username, "another").token()
    assert started.run("caf", "verify", "--wait", "120") == 0


@pytest.mark.skipif(not can_contain(), reason="needs root, to do what the engine of containers does")
@pytest.mark.parametrize("folder", ["/opt/caf", "/etc", "/usr"])
def test_service_cannot_write_to_its_root(deployment, folder: str) -> None:
    program = ["sh", "-c", f"echo changed > {folder}/changed"]
    done = subprocess.run(
        deployment._contained(program, "watch"), env=deployment.environ("watch"), capture_output=True, check=False
    )

    assert b"Read-only file system" in done.stderr


def test_nobody_uses_the_broker_without_a_login(deployment) -> None:
    with pytest.raises(KafkaError):
        KafkaProducer(bootstrap_servers=deployment.here["kafka:9092"], bootstrap_timeout_ms=3_000)


@pytest.mark.parametrize("service", [name for name in PRINCIPALS if name not in {"init", "kafka"}])
def test_broker_allows_a_service_what_the_table_says_and_no_more(deployment, service: str) -> None:
    """The service cannot log in under any other name, because it does not have the files."""
    deployment.hand_out(service)
    settings = Settings.from_env(deployment.environ(service))
    topics = list(topic_configs(settings))
    for principal in PRINCIPALS[service] - {"engineer"}:
        with closing(admin(settings.acting_as(principal))) as client:
            found = {
                topic["name"]: {operation.lower() for operation in topic["authorized_operations"] or ()}
                for topic in client.describe_topics(topics)
            }
        assert found == {topic: operations(principal, topic) for topic in topics}
    for principal in {BROKER, *principals()} - PRINCIPALS[service]:
        with pytest.raises(SettingInvalid, match="names a missing file"):
            login(settings.acting_as(principal))


def test_replaced_password_is_valid_after_init_and_the_old_one_is_not(deployment) -> None:
    """docs/deploy.md describes these steps."""
    deployment.hand_out("pages")
    settings = Settings.from_env(deployment.environ("pages"))
    old = {name: str(value) for name, value in login(settings).items()}
    (deployment.secrets / "kafka-pages").unlink()
    deployment.make_secrets()
    deployment.run("init")
    deployment.hand_out("pages")

    assert len(end_offsets(settings, [names.ALERTS])) == settings.partitions
    with pytest.raises(KafkaError):
        KafkaProducer(bootstrap_servers=settings.bootstrap, bootstrap_timeout_ms=3_000, **old)
