"""
### replay_quarantine

Sends rejected records again. Run it by hand after the cause of the rejections has been fixed. Nothing is sent until a
person has seen how many records would be sent, and has approved this.

**Do not use it** before the cause is fixed. The records would be rejected again, and would then be in the quarantine
twice. To see the records without sending them, use `./caf quarantine` or `./caf replay --dry-run`.

**When it is red**: some records may have been sent and others not. A second run skips the records that have been
accepted. The log names the records that the broker refuses, and why. If the broker did not answer, run the DAG again.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, task


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["quality"],
    doc_md=__doc__,
    params={
        "reason": Param(None, type=["null", "string"], description="only records rejected for this reason"),
        "topic": Param(None, type=["null", "string"], description="only records of this topic"),
        "since": Param(
            None, type=["null", "string"], format="date-time", description="only records that arrived since then"
        ),
    },
)
def replay_quarantine() -> None:
    @task(retries=1)
    def select(params: dict[str, Any] | None = None) -> int:
        from streams.land.replay import select as matching
        from streams.settings import Settings

        assert params is not None, "Airflow gives them"
        return len(matching(Settings.from_env(), **params))

    approve = ApprovalOperator(
        task_id="approve",
        subject="Send rejected records again?",
        body="{{ ti.xcom_pull(task_ids='select') }} records match.",
        response_timeout=timedelta(days=1),
    )

    @task(retries=0)
    def send(params: dict[str, Any] | None = None, ti: Any = None) -> None:
        from contextlib import closing

        from streams.audit.entries import Actor, entry
        from streams.audit.recorder import Recorder
        from streams.contracts.codesets import AuditAction, AuditActor
        from streams.lake.sign import sign_of_life
        from streams.land.replay import replay
        from streams.settings import Settings

        assert params is not None, "Airflow gives them"
        settings = Settings.from_env()
        by = ((ti.xcom_pull(task_ids="approve") or {}).get("responded_by_user") or {}).get("name") or "somebody"
        with closing(Recorder(settings)) as recorder:
            dag_run = Actor(AuditActor.PART, "replay_quarantine")
            recorder.record([entry(dag_run, AuditAction.RECORDS_REPLAYED, f"approved by {by}")])
        with sign_of_life(settings, "replay"):
            replay(settings, **params).raise_if_refused()

    select() >> approve >> send()


replay_quarantine()
