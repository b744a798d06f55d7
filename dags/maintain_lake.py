"""
### maintain_lake

Merges small files, expires old snapshots and removes files that the catalog no longer names. The DAG asks `land` to
hand over its locks, so that no other process writes meanwhile. It counts the rows of every landing table before and
after, and fails if a count has changed.

**Do not run it by hand** during an import, because `land` must wait until the DAG has finished. No record is lost, but
figures are late.

First, the DAG notes which offsets hold no record, for example markers of transactions. `./caf verify` must know this
after Kafka has deleted them.

**When it is red**: a count differs, or `land` did not hand over its locks. If a count differs, nothing has been
removed, because files are removed only after the counts agree. Read the log, then run `./caf verify`.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # A new home must wait for the next scheduled time. Otherwise Airflow would start a run for a time at which the home
    # did not exist.
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

    @task(retries=1, retry_delay=timedelta(minutes=5), execution_timeout=timedelta(hours=1))
    def note_unused_offsets() -> None:
        from streams.land.unused import note_unused
        from streams.settings import Settings

        note_unused(Settings.from_env().acting_as("land"))

    note_unused_offsets() >> maintain()


maintain_lake()
