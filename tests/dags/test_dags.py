"""
The DAGs in a real Airflow: their descriptions, and their work, both scheduled and on request.

The tests also check which data the DAGs leave behind.
"""

import json
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import requests
from psycopg2 import sql

from streams.alerts.follow import follow
from streams.contracts.outputs import Alert
from streams.health.look import Health, Observer
from streams.health.runs import read_signs
from streams.health.scheduler import COMPONENTS
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.settings import PROJECT, Settings
from streams.stack import processes, stack
from streams.stack.airflow import APPROVER, NAME, Airflow, password_file

PLANTED = "zqplant"
DAGS = sorted(file.stem for file in (PROJECT / "dags").glob("*.py"))
TAGS = {"batch", "lake", "quality", "safety", "stream"}
BY_THEMSELVES = ("watch_escalations", "land_events", "build_marts")

pytestmark = pytest.mark.slow


def rows(settings: Settings, query: str, *values: object) -> list[tuple]:
    with connect(settings) as lake:
        return lake.execute(query, values).fetchall()


def alerts(settings: Settings, rule: str, entity: str) -> list[Alert]:
    found = (alert for alert, _ in follow(settings, stop_at_end=True))
    return [alert for alert in found if (alert.rule, alert.entity_id) == (rule, entity)]


def runs(api: Airflow, dag: str) -> list[dict[str, Any]]:
    return api.get(f"dags/{dag}/dagRuns")["dag_runs"]


def state(api: Airflow, dag: str, run: str) -> str:
    return api.get(f"dags/{dag}/dagRuns/{run}")["state"]


def trigger(api: Airflow, dag: str, **conf: object) -> str:
    return api.post(f"dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]


def ended_well(api: Airflow, dag: str, run: str) -> bool:
    """Whether a run has succeeded. If the run has failed, the test fails at once."""
    found = state(api, dag, run)
    assert found != "failed", f"{dag} failed"
    return found == "success"


def built(settings: Settings) -> bool:
    found = "SELECT 1 FROM duckdb_tables() WHERE database_name = 'marts' AND table_name = 'mart_locality_need'"
    return bool(rows(settings, found))


def test_every_dag_file_is_a_dag_of_its_name(api: Airflow, eventually: Callable) -> None:
    known = eventually(lambda: sorted(dag["dag_id"] for dag in api.get("dags")["dags"]) == DAGS)

    assert known
    assert api.get("importErrors")["total_entries"] == 0


@pytest.mark.parametrize("dag", DAGS)
def test_dag_describes_its_work_when_not_to_run_it_and_what_to_do_when_red(api: Airflow, dag: str) -> None:
    """
    Each DAG's text says what the DAG does, when nobody should run it by hand, and what to do when it is red.

    Each DAG also has a known tag.
    """
    details = api.get(f"dags/{dag}/details")
    title, what, *rest = details["doc_md"].strip().split("\n\n")

    assert title == f"### {dag}"
    assert len(what.split()) > 10
    assert any(part.startswith("**Do not ") for part in rest)
    assert any(part.startswith("**When it is red**") for part in rest)
    assert {tag["name"] for tag in details["tags"]} <= TAGS
    assert details["tags"]
    assert not details["is_paused"]


def test_events_become_an_alert_rows_and_a_figure(
    deployed: Settings, api: Airflow, send: Callable, referral: Callable, eventually: Callable
) -> None:
    """The test triggers no DAG. The schedules and the landing asset start the DAGs."""
    data = [referral("one", seconds=seconds) for seconds in (2, 1)]
    for number, each in enumerate(data):
        send(f"r-{number}", each)
    family = data[0]["family_id"]
    raised = eventually(lambda: alerts(deployed, "re_referral", family))
    landed = "SELECT referral_id FROM landing.main.events WHERE family_id = ? ORDER BY fact_at"
    found = eventually(lambda: rows(deployed, landed, family))
    facts = "SELECT referral_id FROM marts.analytics.fct_referrals WHERE family_id = ? ORDER BY referred_at"
    eventually(lambda: built(deployed) and len(rows(deployed, facts, family)) == len(data))
    need = "FROM marts.analytics.mart_locality_need WHERE measure = 'referrals' AND area_code = ? AND numerator >= ?"
    eventually(lambda: rows(deployed, need, data[0]["lsoa_code"], len(data)))

    assert [alert.severity for alert in raised] == ["amber"]
    assert found == [(each["referral_id"],) for each in data]
    assert "manual" not in {run["run_type"] for dag in BY_THEMSELVES for run in runs(api, dag)}


def test_docs_are_built_when_asked(deployed: Settings, api: Airflow, eventually: Callable) -> None:
    run = trigger(api, "build_data_docs")
    eventually(lambda: ended_well(api, "build_data_docs", run))

    assert list((deployed.home / "data_docs").rglob("index.html"))


def test_maintenance_gets_the_locks_and_landing_goes_on(
    deployed: Settings, api: Airflow, send: Callable, referral: Callable, eventually: Callable
) -> None:
    """One run of `land` hands over its locks to maintenance and takes the locks back afterwards."""
    before = [run["dag_run_id"] for run in runs(api, "land_events") if run["state"] == "running"]
    run = trigger(api, "maintain_lake")
    eventually(lambda: ended_well(api, "maintain_lake", run))
    data = referral("after", seconds=1)
    send("r-after", data)
    eventually(lambda: rows(deployed, "FROM landing.main.events WHERE family_id = ?", data["family_id"]))

    assert [run["dag_run_id"] for run in runs(api, "land_events") if run["state"] == "running"] == before
    assert "locks_handed_over" in "".join(log.read_text() for log in logs(deployed) if "land_events" in str(log))


def test_rejected_record_is_replayed_once_a_human_approves(
    deployed: Settings, api: Airflow, eventually: Callable
) -> None:
    """The record was too large under the former limit. The replay is accepted, so the record's red alert is cleared."""
    [(place,)] = rows(
        deployed,
        "SELECT topic || '/' || kafka_partition || '/' || kafka_offset FROM landing.main.quarantine "
        "WHERE reason = 'too_large'",
    )
    replayed = "FROM landing.main.events WHERE replay_of = ?"
    raised = eventually(lambda: alerts(deployed, "unreadable_report", place))
    run = trigger(api, "replay_quarantine", reason="too_large")
    question = f"dags/replay_quarantine/dagRuns/{run}/taskInstances/approve/-1/hitlDetails"
    waiting = eventually(lambda: asked(api, run))

    assert waiting["body"] == "1 records match."
    assert rows(deployed, replayed, place) == []

    eventually(lambda: parked(deployed))
    approver = Airflow(api.url, APPROVER, json.loads(password_file(deployed.home).read_text())[APPROVER])
    approver.patch(question, {"chosen_options": ["Approve"], "params_input": {}})
    eventually(lambda: ended_well(api, "replay_quarantine", run))
    eventually(lambda: rows(deployed, replayed, place))
    eventually(lambda: alerts(deployed, "unreadable_report", place)[-1].status == "cleared")

    assert (raised[0].severity, raised[0].status) == ("red", "open")


def test_who_may_approve_sees_no_connection_and_changes_no_variable(deployed: Settings, api: Airflow) -> None:
    approver = Airflow(api.url, APPROVER, json.loads(password_file(deployed.home).read_text())[APPROVER])

    assert approver.get("dags")["total_entries"] == api.get("dags")["total_entries"]
    for asked_for in ("connections", "variables", "config"):
        with pytest.raises(requests.HTTPError, match="403"):
            approver.get(asked_for)
    with pytest.raises(requests.HTTPError, match="403"):
        approver.post("variables", {"key": "mine", "value": "x"})


def test_builds_are_compared_with_the_stream_and_nothing_has_failed(
    deployed: Settings, api: Airflow, eventually: Callable
) -> None:
    """
    A run of `build_marts` ends after `build_warm_seconds`.

    After that, the rebuilt alerts are compared with the streamed alerts.
    """
    eventually(lambda: any(run["state"] == "success" for run in runs(api, "build_marts")))
    tasks = api.get("dags/~/dagRuns/~/taskInstances", limit=100)["task_instances"]

    assert [(task["dag_id"], task["task_id"]) for task in tasks if task["state"] == "failed"] == []
    assert {task["task_id"] for task in tasks if task["state"] == "running"} >= {"land", "watch"}


def test_logs_docs_and_metadata_hold_nothing_of_the_events(deployed: Settings, api: Airflow) -> None:
    """
    Every identifier and text in these tests' events contains a mark.

    The mark may occur only in the lake and in the topics.
    """
    pages = [file for file in (deployed.home / "data_docs").rglob("*") if file.is_file()]
    read = [*logs(deployed), *(deployed.home / "logs").glob("airflow*"), *pages]
    marked = [str(file) for file in read if PLANTED in file.read_text(errors="replace")]
    dsn = Postgres.of(deployed).dsn(NAME)

    assert "batch_landed" in "".join(file.read_text() for file in logs(deployed))
    assert marked == []
    assert tables_with(dsn, PLANTED) == []
    assert "dag_run" in tables_with(dsn, "build_data_docs")


def test_nothing_listens_off_the_loopback_address(deployed: Settings, api: Airflow, eventually: Callable) -> None:
    """No other machine can reach any part of a home, nor any task that runs in it."""
    eventually(lambda: running_task(api))
    parts = {part.part: processes.members(deployed.home, part.part) for part in stack.status(deployed)}
    places = {name: listening(members) for name, members in parts.items()}

    assert set(places) == {"postgres", "kafka", "airflow", "pages"}
    assert all(parts.values())
    assert places["postgres"] == set()
    assert {address for found in places.values() for address, _ in found} == {"127.0.0.1"}
    # Airflow's log servers would be among these.
    assert {port for _, port in places["airflow"]} == {deployed.airflow_port}


def test_log_of_a_running_task_is_shown(api: Airflow, eventually: Callable) -> None:
    """No log server runs in a home, because the API server reads the logs from the disk."""
    dag, run, task, attempt = eventually(lambda: running_task(api))

    def shown() -> bool:
        lines = api.get(f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}", full_content=True)["content"]
        return any("DAG bundles loaded" in str(line) for line in lines)

    assert eventually(shown)


def test_only_its_owner_may_use_what_airflow_writes(deployed: Settings) -> None:
    """Airflow sets the permissions of some files itself."""
    folder = deployed.home / NAME
    found = [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]

    assert len(found) > len(DAGS)
    assert [path for path in found if path.stat().st_mode & 0o077] == []


def running_task(api: Airflow) -> tuple[str, str, str, int] | None:
    """A task that runs now: its DAG, run, name and attempt."""
    found = api.get("dags/~/dagRuns/~/taskInstances", limit=100, state="running")["task_instances"]
    return next(((one["dag_id"], one["dag_run_id"], one["task_id"], one["try_number"]) for one in found), None)


def listening(members: list[psutil.Process]) -> set[tuple[str, int]]:
    """The network addresses on which processes listen. A process may have ended in the meantime."""
    found = set()
    for process in members:
        with suppress(psutil.NoSuchProcess):
            places = [one.laddr for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN]
            found |= {(place.ip.removeprefix("::ffff:"), place.port) for place in places}
    return found


def asked(api: Airflow, run: str) -> dict[str, Any] | None:
    """The question that a run asks a human, or None if the run has not asked yet."""
    found = api.get(f"dags/replay_quarantine/dagRuns/{run}/hitlDetails")["hitl_details"]
    return next((detail for detail in found if not detail["response_received"]), None)


def parked(settings: Settings) -> bool:
    """
    Whether the scheduler knows that the worker has left the question to a human.

    Airflow 3.3 treats the task as lost if an answer arrives within the first half second, faster than anybody can read.
    """
    lines = (settings.home / "logs" / f"{NAME}.log").read_text(errors="replace").splitlines()
    return any("Received executor event" in line and "task_id='approve'" in line for line in lines)


def logs(settings: Settings) -> list[Path]:
    """The log files of all tasks."""
    return sorted((settings.home / NAME / "logs").rglob("*.log"))


def tables_with(dsn: str, text: str) -> list[str]:
    """
    The tables of Airflow's metadata in which a text occurs.

    The metadata are XComs, run configurations, questions, the audit log and others.
    """
    found = []
    with closing(psycopg2.connect(dsn)) as metadata, metadata.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (table,) in cursor.fetchall():
            query = sql.SQL("SELECT 1 FROM {} AS line WHERE line::text LIKE %s LIMIT 1").format(sql.Identifier(table))
            cursor.execute(query, [f"%{text}%"])
            if cursor.fetchone():
                found.append(table)
    return found


def test_every_part_is_well_and_a_paused_dag_is_reported(
    deployed: Settings, api: Airflow, eventually: Callable
) -> None:
    """Every part of a whole running stack is healthy. After the test pauses landing, the pause is reported."""
    observer, always = Observer(deployed), ("watch", "land", "share", "feedback", "pages")

    def running() -> Health | None:
        found = observer.look()
        states = {row.state for part in always if (row := found.row(part))}
        return found if states == {"running"} and not found.troubles else None

    health = eventually(running)
    tasks = {run.part: run.task for run in read_signs(deployed).runs}
    api.patch("dags/land_events", {"is_paused": True})
    paused = eventually(lambda: (row := observer.look().row("land")).level != "well" and row)
    api.patch("dags/land_events", {"is_paused": False})

    assert {row.part for row in health.rows} >= {*always, *COMPONENTS, "build", "postgres", "kafka", "airflow", "lake"}
    assert (tasks["watch"], tasks["land"]) == ("watch_escalations.watch", "land_events.land")
    assert (paused.level, paused.state) == ("amber", "paused")
