"""
### maintain_lake

Merges small files, expires old snapshots and removes files that nothing names any more.
It asks the lander for its locks, works alone, counts every landing table before and after, and fails if a count moved.

**Do not run it by hand** during an import: landing waits meanwhile (nothing is lost, figures are late).

**When it is red**: a count differs, or the locks were not handed over. Nothing has been removed in the first case:
files go only after the counts agree. Read the log, run `./caf verify`.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # A new home waits for the next time, and does not begin with a run that was never due there.
    schedule=CronTriggerTimetable("30 3 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    tags=["lake"],
    doc_md=__doc__,
)
def maintain_lake() -> None:
    @task(retries=1, retry_delay=timedelta(minutes=5), execution_timeout=timedelta(hours=1))
    def maintain() -> None:
        from streams.lake.maintain import maintain as work
        from streams.lake.sign import sign_of_life
        from streams.settings import Settings

        settings = Settings.from_env()
        with sign_of_life(settings, "maintain"):
            work(settings)

    maintain()


maintain_lake()
