"""
### watch_escalations

Evaluates every referral, case change and escalation as it arrives, and publishes alerts on `caf.escalation.alerts.v1`.
One task runs for hours, so that it rarely has to compile the rules. The next run starts a second after the task ends.

**Do not trigger it by hand**. The schedule always keeps one run going. A second watcher would only be a standby.

**When it is red**: alerts are late, but not lost. The next attempt continues after the last transaction. Read the
task's log, which names the failing part. Check `./caf status`. Then let Airflow try again. If the DAG stays red, run
`./caf watch` on any machine that reaches the broker and PostgreSQL. This is safe, because only the watcher with the
leader lock raises alerts.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task


@dag(
    schedule="@continuous",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["safety", "stream"],
    doc_md=__doc__,
)
def watch_escalations() -> None:
    @task(retries=10_000, retry_delay=timedelta(seconds=2), execution_timeout=timedelta(hours=5))
    def watch() -> None:
        from streams.settings import Settings
        from streams.watch.run import run

        run(Settings.from_env(), for_seconds=4 * 3600)

    watch()


watch_escalations()
