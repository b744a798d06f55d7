"""
### retire_records

Looks for families whose records have been kept for as long as the retention schedule says, and for rejected records
that name nobody, and asks for their erasure.
**It erases nothing.** A person looks at what is due (`./caf erase due`) and carries the request out
(`./caf erase approve`). The DAG makes no new request while one waits for approval. `./caf status` shows the request.

The log says how many groups of connected families and how many rejected records are due, and how many ids are kept and
why. It contains no ids.

**Do not run it by hand** to see what is due: `./caf erase due` shows it, and requests nothing.

**When it is red**: the retention schedule has a line that is not allowed, or the lake does not answer. No request was
made. The log says what to correct.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # A new home must wait for the next scheduled time. Otherwise Airflow would start a run for a time at which the home
    # did not exist.
    schedule=CronTriggerTimetable("30 5 * * 1", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    tags=["lake"],
    doc_md=__doc__,
)
def retire_records() -> None:
    @task(retries=1, retry_delay=timedelta(minutes=30), execution_timeout=timedelta(hours=2))
    def ask() -> None:
        from streams.erase.retire import AT_MOST, BY, find_due, request_due
        from streams.settings import Settings

        settings = Settings.from_env()
        request_due(settings, find_due(settings), AT_MOST, BY)

    ask()


retire_records()
