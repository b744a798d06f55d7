"""Ask Airflow which of its components work, which DAGs are paused or unreadable, and which tasks are running."""

from dataclasses import dataclass, field

import requests

from streams.health.asking import Unanswered
from streams.settings import Settings
from streams.stack.airflow import client

__all__ = ["COMPONENTS", "Scheduler", "ask_airflow"]

COMPONENTS = {
    "airflow-scheduler": "scheduler",
    "airflow-dag-processor": "dag_processor",
    "airflow-triggerer": "triggerer",
}
"""Airflow's components: the name of each as a service, and its name in Airflow's API."""
_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """
    What Airflow reported.

    Attributes:
        beats: for each component, whether Airflow calls it healthy.
        paused: the paused DAGs.
        unreadable: the DAG files that Airflow cannot read because of errors.
        running: the tasks (`dag.task`) that are running according to Airflow.
        tried: how often Airflow has tried each failed task. A task may fail before its part can report anything.
    """

    beats: dict[str, bool]
    paused: frozenset[str] = frozenset()
    unreadable: list[str] = field(default_factory=list)
    running: frozenset[str] = frozenset()
    tried: dict[str, int] = field(default_factory=dict)


def ask_airflow(settings: Settings) -> Scheduler:
    """
    Ask Airflow's API.

    Raises:
        Unanswered: the API server does not answer, or refuses our login.
    """
    api = client(settings)
    try:
        health = requests.get(f"{api.url}/api/v2/monitor/health", timeout=_SECONDS).json()
        dags = api.get("dags", limit=100)["dags"]
        errors = api.get("importErrors", limit=100)["import_errors"]
        states = ["running", "up_for_retry"]
        tasks = api.get("dags/~/dagRuns/~/taskInstances", state=states, limit=100)["task_instances"]
    except (requests.RequestException, ValueError, KeyError) as error:
        raise Unanswered(f"Airflow's API server does not answer: {type(error).__name__}") from None
    return Scheduler(
        beats={name: (health.get(key) or {}).get("status") == "healthy" for name, key in COMPONENTS.items()},
        paused=frozenset(dag["dag_id"] for dag in dags if dag["is_paused"]),
        unreadable=sorted(error["filename"].rpartition("/")[2] for error in errors),
        running=frozenset(_name(task) for task in tasks if task["state"] == "running"),
        tried={_name(task): task["try_number"] for task in tasks if task["state"] == "up_for_retry"},
    )


def _name(task: dict[str, str]) -> str:
    return f"{task['dag_id']}.{task['task_id']}"
