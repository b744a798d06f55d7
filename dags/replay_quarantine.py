"""
### replay_quarantine

Sends rejected records again, after what made them unreadable has been fixed, once a human has approved the count.

**Do not use it** before the cause is fixed: the records would be rejected again (kept, but twice).
For a look without sending, use `./caf quarantine` or `./caf replay --dry-run`.

**When it is red**: records that were sent stay sent; a second run skips those that were accepted. The log names the
records that the broker refuses, and why; when it went away, run it again.
"""

from datetime import UTC, datetime, timedelta

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
        "since": Param(None, type=["null", "string"], format="date-time", description="only records since this moment"),
    },
)
def replay_quarantine() -> None:
    @task(retries=1)
    def select(params: dict | None = None) -> int:
        from streams.land.replay import select as matching
        from streams.settings import Settings

        return len(matching(Settings.from_env(), **params))

    approve = ApprovalOperator(
        task_id="approve",
        subject="Send rejected records again?",
        body="{{ ti.xcom_pull(task_ids='select') }} records match.",
        response_timeout=timedelta(days=1),
    )

    @task(retries=0)
    def send(params: dict | None = None) -> None:
        from streams.lake.sign import sign_of_life
        from streams.land.replay import replay
        from streams.settings import Settings

        settings = Settings.from_env()
        with sign_of_life(settings, "replay"):
            replay(settings, **params).raise_if_refused()

    select() >> approve >> send()


replay_quarantine()
