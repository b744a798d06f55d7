"""
### watch_escalations

Judges every referral, case change and escalation the moment it arrives, and writes alerts to
`caf.escalation.alerts.v1`.
One task runs for hours, so that history and rules stay warm; the next run starts a second after it ends.

**Do not trigger it by hand**: the schedule keeps exactly one run; a second watcher only waits as a standby.

**When it is red**: alerts are late, not lost; the next try resumes at the last heartbeat.
Read the task's log (it names the failing part), check `./caf status`, then let it retry.
If it stays red, run `./caf watch` on any machine that reaches the broker: the leader lock makes that safe.
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
